//! /duplicates, /customers/{accountId}/merge/{otherId}, /merges: who may be the same twice, and making one of two.

use std::collections::BTreeMap;

use axum::extract::State;
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Json, Page, PageQuery, Path, Person, Problem, ProblemBody, Query, Reply, Way};

use crate::Room;
use crate::actions::directory::{self, Names};
use crate::actions::duplicates;
use crate::actions::merges::{self, OpenMerge, Outcome, Side, Wanted};
use crate::http::adding::{PlaceRefused, places};
use crate::http::people::{CustomerView, OrganizationName};
use crate::http::values::{ValueSetView, authors};
use crate::likeness::Reason;
use crate::model::{FieldId, MergeId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_duplicates))
        .routes(routes!(dismiss_duplicate, recall_duplicate))
        .routes(routes!(preview_merge, merge_customers))
        .routes(routes!(list_merges))
        .routes(routes!(undo_merge))
}

/// Two customers that may be one person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DuplicateView {
    /// One.
    first: CustomerView,
    /// The other.
    second: CustomerView,
    /// What they have alike, the most telling first.
    reasons: Vec<Reason>,
}

/// A page of pairs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DuplicatesView {
    /// The likeliest first.
    items: Vec<DuplicateView>,
    /// What to send as `cursor` for what follows; null at the end.
    next_cursor: Option<String>,
    /// Whether there are more than the 2,000 that are told, or may be: no more than 400,000 addresses and numbers of own fields are
    /// looked at.
    more: bool,
}

/// List customers that may be the same person twice
///
/// By e-mail address, telephone number and name: of the directory, and of fields of those types. An address with another
/// tag (`ana+shop@…`) is another one. Pairs that somebody said are not the same are left out.
#[utoipa::path(get, path = "/duplicates", tag = "duplicates", params(PageQuery),
    responses((status = 200, body = DuplicatesView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_duplicates(
    State(room): State<Room>,
    Person(caller): Person,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let limit = page.limit()? as usize;
    let found = duplicates::list_duplicates(&caller.cx, &room, page.cursor.as_deref(), limit).await?;
    Ok(Reply::ok(|exit| DuplicatesView {
        items: found
            .pairs
            .into_iter()
            .map(|pair| DuplicateView {
                first: CustomerView::of(pair.first, exit),
                second: CustomerView::of(pair.second, exit),
                reasons: pair.reasons.into_iter().collect(),
            })
            .collect(),
        next_cursor: found.next,
        more: found.more,
    }))
}

/// Say that two customers are not the same
///
/// They are not told as alike any more, until that is taken back.
#[utoipa::path(put, path = "/duplicates/{accountId}/{otherId}/dismissal", tag = "duplicates",
    params(("accountId" = String, Path), ("otherId" = String, Path, description = "The other account")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn dismiss_duplicate(
    State(room): State<Room>,
    Person(caller): Person,
    Path((first, second)): Path<(AccountId, AccountId)>,
) -> Result<Reply, Problem> {
    duplicates::dismiss(&caller.cx, &room, &first, &second, true).await?;
    Ok(Reply::empty())
}

/// Take back that two customers are not the same
#[utoipa::path(delete, path = "/duplicates/{accountId}/{otherId}/dismissal", tag = "duplicates",
    params(("accountId" = String, Path), ("otherId" = String, Path, description = "The other account")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn recall_duplicate(
    State(room): State<Room>,
    Person(caller): Person,
    Path((first, second)): Path<(AccountId, AccountId)>,
) -> Result<Reply, Problem> {
    duplicates::dismiss(&caller.cx, &room, &first, &second, false).await?;
    Ok(Reply::empty())
}

/// Two customers beside each other, and what a merge would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MergePreview {
    /// Who would be kept.
    kept: CustomerView,
    /// Who would be merged into them.
    merged: CustomerView,
    /// The kept one's values.
    kept_values: ValueSetView,
    /// The merged one's values.
    merged_values: ValueSetView,
    /// Fields that only the merged one has: they move.
    moves: Vec<String>,
    /// Fields that both have and that differ: somebody chooses.
    asks: Vec<String>,
    /// Organizations that only the merged one belongs to.
    joins: Vec<OrganizationName>,
}

/// See what merging one customer into another would do
///
/// `accountId` is kept, `otherId` is merged into it. Writes nothing.
#[utoipa::path(get, path = "/customers/{accountId}/merge/{otherId}", tag = "duplicates",
    params(("accountId" = String, Path), ("otherId" = String, Path, description = "Who would be merged")),
    responses((status = 200, body = MergePreview), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn preview_merge(
    State(room): State<Room>,
    Person(caller): Person,
    Path((kept, merged)): Path<(AccountId, AccountId)>,
) -> Result<Reply, Problem> {
    let cx = &caller.cx;
    let preview = merges::preview_merge(cx, &room, &kept, &merged).await?;
    let written = preview.kept_values.values.iter().chain(&preview.merged_values.values);
    let authors = authors(cx, &room, written.map(|value| &value.updated_by)).await?;
    let ids = |fields: Vec<FieldId>| fields.iter().map(ToString::to_string).collect();
    let shown = Reply::shown(Way::Merge, |exit| MergePreview {
        kept: CustomerView::of(preview.kept, exit),
        merged: CustomerView::of(preview.merged, exit),
        kept_values: ValueSetView::of(preview.kept_values, &authors, exit),
        merged_values: ValueSetView::of(preview.merged_values, &authors, exit),
        moves: ids(preview.moves),
        asks: ids(preview.asks),
        joins: preview.joins.into_iter().map(|(id, name)| OrganizationName::of(&id, name, exit)).collect(),
    });
    Ok(shown.recorded(cx, &room.shared).await?)
}

/// Whose value stands.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergeSide)]
enum SideInput {
    /// The kept one's.
    Kept,
    /// The merged one's.
    Merged,
}

/// How two customers are merged.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MergeInput {
    /// By field id, for each that both have and that differs.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, SideInput>)]
    choices: BTreeMap<FieldId, SideInput>,
    /// Whether the kept one joins the merged one's organizations in Jira.
    #[serde(default)]
    organizations: bool,
    /// The version of the kept one's values, as the preview has it.
    kept_version: i64,
    /// The version of the merged one's values, as the preview has it.
    merged_version: i64,
}

/// A merge.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MergeView {
    /// Its id.
    id: String,
    /// Who was kept.
    kept_id: String,
    /// Their name, as Jira has it.
    kept_name: Option<String>,
    /// Who was merged into them.
    merged_id: String,
    /// Their name, as Jira has it.
    merged_name: Option<String>,
    /// When.
    at: String,
    /// Who did it.
    by_id: String,
    /// Their name, as Jira has it.
    by_name: Option<String>,
    /// How many values were written to the kept one.
    values: usize,
    /// How many organizations the kept one joined.
    organizations: usize,
    /// Organizations that the kept one is still to join in Jira, by id.
    joining: Vec<String>,
    /// Organizations that the kept one is still to leave in Jira, because the merge was undone; by id.
    leaving: Vec<String>,
    /// Organizations that Jira did not let the kept one join, or leave; by `/organizations/<id>`.
    refused: Vec<PlaceRefused>,
    /// When it was undone; null while it stands.
    undone_at: Option<String>,
    /// Until when it can be undone.
    undoable_until: String,
}

impl MergeView {
    fn of(merge: OpenMerge, names: &Names, _exit: &Exit) -> Self {
        let name = |account: &AccountId| names.get(account).map(|name| name.peek().name.clone());
        let body = merge.body.peek();
        let (joining, leaving) = match merge.is_undone() {
            true => (Vec::new(), body.under_way(true)),
            false => (body.under_way(false), Vec::new()),
        };
        let refused = body.refused.iter().map(|(id, code)| (format!("/organizations/{id}"), merges::places::why(code)));
        Self {
            joining,
            leaving,
            refused: places(refused.collect()),
            id: merge.id.to_string(),
            kept_name: name(&merge.kept),
            merged_name: name(&merge.merged),
            by_name: name(&merge.by),
            at: merge.at.to_string(),
            values: body.written.len(),
            organizations: body.joined.len(),
            undone_at: merge.undone_at.map(|at| at.to_string()),
            undoable_until: merges::undoable_until(&merge).to_string(),
            kept_id: merge.kept.to_string(),
            merged_id: merge.merged.to_string(),
            by_id: merge.by.to_string(),
        }
    }
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MergedView {
    /// The merge.
    merge: MergeView,
    /// Of one that was undone: values that somebody changed since, and that stayed.
    stayed: usize,
}

async fn names_of(cx: &kernel::Cx, room: &Room, merges: &[OpenMerge]) -> Result<Names, Problem> {
    let accounts: Vec<AccountId> =
        merges.iter().flat_map(|merge| [merge.kept.clone(), merge.merged.clone(), merge.by.clone()]).collect();
    Ok(directory::names(cx, room, &accounts).await?)
}

async fn outcome(cx: &kernel::Cx, room: &Room, outcome: Outcome) -> (MergeId, MergedParts) {
    let Outcome { merge, stayed } = outcome;
    let id = merge.id;
    let merge = vec![merge];
    // It stands: that is told even where nobody's name can be had.
    let names = names_of(cx, room, &merge).await.unwrap_or_default();
    (id, MergedParts { merge, names, stayed })
}

struct MergedParts {
    merge: Vec<OpenMerge>,
    names: Names,
    stayed: usize,
}

impl MergedParts {
    fn view(self, exit: &Exit) -> Option<MergedView> {
        let Self { merge, names, stayed } = self;
        let merge = merge.into_iter().next()?;
        Some(MergedView { merge: MergeView::of(merge, &names, exit), stayed })
    }
}

/// Merge one customer into another
///
/// `accountId` is kept, `otherId` is merged into it. What only the merged one has moves; where both have a value and they
/// differ, `choices` says which one stands. Both keep their history; Jira's accounts stay what they are. Organizations are
/// joined in Jira afterwards, one after the other: `joining` says which are left. It can be undone for 30 days.
#[utoipa::path(post, path = "/customers/{accountId}/merge/{otherId}", tag = "duplicates", request_body = MergeInput,
    params(("accountId" = String, Path), ("otherId" = String, Path, description = "Who is merged")),
    responses((status = 201, body = MergedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn merge_customers(
    State(room): State<Room>,
    Person(caller): Person,
    Path((kept, merged)): Path<(AccountId, AccountId)>,
    Json(input): Json<MergeInput>,
) -> Result<Reply, Problem> {
    let side = |side| match side {
        SideInput::Kept => Side::Kept,
        SideInput::Merged => Side::Merged,
    };
    let wanted = Wanted {
        choices: input.choices.into_iter().map(|(field, of)| (field, side(of))).collect(),
        organizations: input.organizations,
        kept_version: input.kept_version,
        merged_version: input.merged_version,
    };
    let done = merges::merge_customers(&caller.cx, &room, &kept, &merged, wanted).await?;
    let (id, parts) = outcome(&caller.cx, &room, done).await;
    Ok(Reply::created(&format!("/api/v1/merges/{id}"), |exit| parts.view(exit)))
}

/// List merges that a customer was part of
///
/// Into others and of others into them, the latest first; undone ones too.
#[utoipa::path(get, path = "/customers/{accountId}/merges", tag = "duplicates", params(("accountId" = String, Path)),
    responses((status = 200, body = Page<MergeView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn list_merges(
    State(room): State<Room>,
    Person(caller): Person,
    Path(account): Path<AccountId>,
) -> Result<Reply, Problem> {
    let merges = merges::list_merges(&caller.cx, &room, &account).await?;
    let names = names_of(&caller.cx, &room, &merges).await?;
    Ok(Reply::ok(|exit| Page {
        items: merges.into_iter().map(|merge| MergeView::of(merge, &names, exit)).collect(),
        next_cursor: None,
    }))
}

/// Undo a merge
///
/// Each value that is still what the merge made of it goes back; the kept one leaves organizations that it joined by it, in Jira
/// and afterwards: `leaving` says which are left.
#[utoipa::path(post, path = "/merges/{mergeId}/undo", tag = "duplicates", params(("mergeId" = String, Path, description = "Merge id")),
    responses((status = 200, body = MergedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn undo_merge(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<MergeId>,
) -> Result<Reply, Problem> {
    let done = merges::undo_merge(&caller.cx, &room, id).await?;
    let (_, parts) = outcome(&caller.cx, &room, done).await;
    Ok(Reply::ok(|exit| parts.view(exit)))
}
