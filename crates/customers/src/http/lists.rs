//! /customers and /organizations: lists, searched and asked of by queries.

use axum::extract::State;
use kernel::{Cx, Fault, FieldFault};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{PageQuery, Principal, Problem, ProblemBody, Query, Reply, Way, scope};

use crate::Room;
use crate::actions::lists::{self, Asked};
use crate::actions::{access, entitlements, queries, views};
use crate::http::entitlements::{Showing, today};
use crate::http::people::{CustomerView, OrganizationView};
use crate::http::queries::{mistaken, zone};
use crate::model::{Entity, Permission, ViewId};
use crate::query::is_query;
use crate::query::typed::Typed;
use crate::rules::TEXT_CHARS;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(list_customers)).routes(routes!(list_organizations))
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// A query, such as `tier = Gold AND renewal < 30d ORDER BY name`. A text without any operator cannot be one: it is
    /// looked for as `search` is.
    query: Option<String>,
    /// A saved view that the caller sees: its query, unless one is sent along.
    #[param(value_type = Option<String>)]
    view: Option<ViewId>,
    /// Part of a name or address, or words of any field that the caller may see, the last of them perhaps only begun; at
    /// most 255 characters.
    search: Option<String>,
}

impl ListQuery {
    /// What is asked of this caller's list.
    async fn asked(
        &self,
        cx: &Cx,
        room: &Room,
        time_zone: Option<&str>,
        entity: Entity,
    ) -> Result<Result<Asked, Reply>, Problem> {
        let kept = match (&self.query, self.view) {
            (None, Some(view)) => Some(views::as_asked(cx, room, entity, view).await?.query),
            _ => None,
        };
        asked(cx, room, time_zone, entity, self.query.as_deref().or(kept.as_deref()), self.search.as_deref()).await
    }
}

/// What a list is asked for, or the reply that says what is wrong with that.
pub(crate) async fn asked(
    cx: &Cx,
    room: &Room,
    time_zone: Option<&str>,
    entity: Entity,
    query: Option<&str>,
    search: Option<&str>,
) -> Result<Result<Asked, Reply>, Problem> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let zone = zone(cx, room, time_zone).await?;
    let mut parts = vec![("/search", search.map(str::trim).filter(|text| !text.is_empty()))];
    let (typed, written) = match query.filter(|text| is_query(text)) {
        Some(written) => match queries::ask(cx, room, entity, written, zone).await? {
            Ok(question) => (question.typed, question.lasting),
            Err(mistakes) => return Ok(Err(mistaken(&mistakes, written))),
        },
        None => {
            parts.push(("/query", query.map(str::trim).filter(|text| !text.is_empty())));
            (Typed::everything(cx.now().to_zoned(zone)), String::new())
        }
    };
    let mut search = Vec::new();
    for (pointer, text) in parts.into_iter().filter_map(|(pointer, text)| text.map(|text| (pointer, text))) {
        if text.chars().count() > TEXT_CHARS {
            return Err(Fault::invalid_fields(vec![FieldFault {
                pointer: pointer.to_owned(),
                code: "too_long",
                detail: format!("A text to search for has at most {TEXT_CHARS} characters."),
                limit: Some(TEXT_CHARS as u64),
            }])
            .into());
        }
        search.push(text.to_lowercase());
    }
    Ok(Ok(Asked { typed, written, search }))
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListView<T> {
    /// The records.
    items: Vec<T>,
    /// What to send as `cursor` for what follows; null at the end.
    next_cursor: Option<String>,
    /// Whether records are looked at one by one, because the search index tells too little of this query, or is still being
    /// made: then it takes longer, and a page may hold fewer than were asked for, even none, with more to follow.
    looked_through: bool,
    /// How many records there are in all, where that is known without looking at each; with the first page only.
    total: Option<usize>,
}

/// List customers
///
/// By name, unless the query orders them. A cursor goes on behind the record that it names, under whatever query is sent
/// along.
#[utoipa::path(get, path = "/customers", tag = "customers", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])), params(ListQuery, PageQuery),
    responses((status = 200, body = ListView<CustomerView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_customers(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::CustomersRead>,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let asked = match query.asked(&cx, &room, time_zone.as_deref(), Entity::Customer).await? {
        Ok(asked) => asked,
        Err(mistaken) => return Ok(mistaken),
    };
    let cursor = page.cursor.as_deref();
    let listed = lists::list_customers(&cx, &room, &asked, cursor, page.limit()?).await?;
    // Whom a query about values finds has such values: the list says so without showing them.
    let tells = asked.typed.tells_values();
    let shown = Reply::shown(Way::Table, |exit| ListView {
        items: listed
            .records
            .into_iter()
            .map(|record| {
                if tells {
                    exit.shows(&record.account);
                }
                CustomerView::of(record, exit)
            })
            .collect(),
        next_cursor: listed.next,
        looked_through: listed.looked_through,
        total: listed.total,
    });
    Ok(shown.recorded(&cx, &room.shared).await?)
}

/// List organizations
///
/// By name, unless the query orders them. A cursor goes on behind the record that it names, under whatever query is sent
/// along.
#[utoipa::path(get, path = "/organizations", tag = "organizations", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])), params(ListQuery, PageQuery),
    responses((status = 200, body = ListView<OrganizationView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_organizations(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsRead>,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let asked = match query.asked(&cx, &room, time_zone.as_deref(), Entity::Organization).await? {
        Ok(asked) => asked,
        Err(mistaken) => return Ok(mistaken),
    };
    let cursor = page.cursor.as_deref();
    let products = entitlements::products_by_id(&cx, &room).await?;
    let today = today(&cx, &room, time_zone.as_deref()).await?;
    let showing = Showing { products: &products, today, authors: None };
    let listed = lists::list_organizations(&cx, &room, &asked, cursor, page.limit()?).await?;
    Ok(Reply::ok(|exit| ListView {
        items: listed.records.into_iter().map(|record| OrganizationView::of(record, Some(&showing), exit)).collect(),
        next_cursor: listed.next,
        looked_through: listed.looked_through,
        total: listed.total,
    }))
}
