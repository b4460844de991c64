//! /customers and /organizations: lists, searched and asked of by queries.

use axum::extract::State;
use kernel::{Cx, Fault, FieldFault};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Page, PageQuery, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::lists::{self, Asked};
use crate::actions::{access, queries};
use crate::http::people::{CustomerView, OrganizationView};
use crate::http::queries::{mistaken, zone};
use crate::model::{Entity, Permission};
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
    /// looked for in names and addresses, as `search` does.
    query: Option<String>,
    /// Part of a name or address; at most 255 characters.
    search: Option<String>,
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
    let typed = match query.filter(|text| is_query(text)) {
        Some(written) => match queries::ask(cx, room, entity, written, zone).await? {
            Ok(question) => question.typed,
            Err(mistakes) => return Ok(Err(mistaken(&mistakes, written))),
        },
        None => {
            parts.push(("/query", query.map(str::trim).filter(|text| !text.is_empty())));
            Typed::everything(cx.now().to_zoned(zone))
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
    Ok(Ok(Asked { typed, search }))
}

/// List customers
///
/// By name, unless the query orders them. A cursor goes on behind the record that it names, under whatever query is sent
/// along.
#[utoipa::path(get, path = "/customers", tag = "customers", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])), params(ListQuery, PageQuery),
    responses((status = 200, body = Page<CustomerView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list_customers(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::CustomersRead>,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let asked = match asked(
        &cx,
        &room,
        time_zone.as_deref(),
        Entity::Customer,
        query.query.as_deref(),
        query.search.as_deref(),
    )
    .await?
    {
        Ok(asked) => asked,
        Err(mistaken) => return Ok(mistaken),
    };
    let cursor = page.cursor.as_deref();
    let (records, next) = lists::list_customers(&cx, &room, &asked, cursor, page.limit()?).await?;
    Ok(Reply::ok(|exit| Page {
        items: records.into_iter().map(|record| CustomerView::of(record, exit)).collect(),
        next_cursor: next,
    }))
}

/// List organizations
///
/// By name, unless the query orders them. A cursor goes on behind the record that it names, under whatever query is sent
/// along.
#[utoipa::path(get, path = "/organizations", tag = "organizations", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])), params(ListQuery, PageQuery),
    responses((status = 200, body = Page<OrganizationView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list_organizations(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsRead>,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let asked =
        asked(&cx, &room, time_zone.as_deref(), Entity::Organization, query.query.as_deref(), query.search.as_deref())
            .await?;
    let asked = match asked {
        Ok(asked) => asked,
        Err(mistaken) => return Ok(mistaken),
    };
    let cursor = page.cursor.as_deref();
    let (records, next) = lists::list_organizations(&cx, &room, &asked, cursor, page.limit()?).await?;
    Ok(Reply::ok(|exit| Page {
        items: records.into_iter().map(|record| OrganizationView::of(record, exit)).collect(),
        next_cursor: next,
    }))
}
