//! /organizations/{organizationId}/entitlements and their history; /customers/{accountId}/entitlements.

use axum::extract::State;
use jiff::civil::Date;
use kernel::{AccountId, Cx, OrganizationId, limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{IfMatch, Json, Page, PageQuery, Path, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::entitlements::{self, OpenEntitlement, Products, Written};
use crate::http::queries::zone;
use crate::http::values::{AuthorView, Authors, authors};
use crate::model::{Action, EntitlementState, ProductId, Terms};
use crate::rules::entitlements::state_on;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_entitlements))
        .routes(routes!(put_entitlement, withdraw_entitlement))
        .routes(routes!(entitlement_history))
        .routes(routes!(restore_entitlement))
        .routes(routes!(customer_entitlements))
}

/// What somebody is entitled to of one product.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EntitlementTerms)]
struct TermsView {
    /// The first day; left out or null: since ever.
    #[schema(format = Date, example = "2026-01-01")]
    starts_on: Option<String>,
    /// The last day; left out or null: for good.
    #[schema(format = Date, example = "2026-12-31")]
    ends_on: Option<String>,
    /// How many, 0 or more.
    #[schema(minimum = 0, example = 25)]
    limit: Option<f64>,
    /// Of what; at most 100 characters.
    #[schema(example = "seats", max_length = 100)]
    unit: Option<String>,
    /// For agents; at most 2,000 characters.
    #[schema(max_length = 2000)]
    note: Option<String>,
}

impl From<TermsView> for Terms {
    fn from(TermsView { starts_on, ends_on, limit, unit, note }: TermsView) -> Self {
        Self { starts: starts_on, ends: ends_on, limit, unit, note }
    }
}

impl From<Terms> for TermsView {
    fn from(Terms { starts, ends, limit, unit, note }: Terms) -> Self {
        Self { starts_on: starts, ends_on: ends, limit, unit, note }
    }
}

/// An organization's entitlement to a product.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntitlementView {
    /// The product.
    product_id: String,
    /// The product's name.
    #[schema(example = "Premium support")]
    product_name: String,
    /// Whether the product is given to nobody anew.
    product_retired: bool,
    /// What it is today, in the reader's time zone; null where it was withdrawn.
    state: Option<EntitlementState>,
    /// What it says; null where it was withdrawn. To customers without the note.
    terms: Option<TermsView>,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
    /// When it was last changed.
    updated_at: String,
    /// By whom; left out for customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<AuthorView>,
}

/// What all entitlements of an answer are shown with.
pub(crate) struct Showing<'a> {
    pub(crate) products: &'a Products,
    /// The reader's day.
    pub(crate) today: Date,
    /// None: to a customer, without the note and without who wrote it.
    pub(crate) authors: Option<&'a Authors>,
}

impl EntitlementView {
    pub(crate) fn of(entitlement: OpenEntitlement, showing: &Showing<'_>, exit: &Exit) -> Self {
        let product = showing.products.get(&entitlement.product.0);
        let mut terms = entitlement.terms.release(exit);
        let state = terms.as_ref().map(|terms| state_on(terms, showing.today));
        if let (Some(terms), None) = (&mut terms, showing.authors) {
            terms.note = None;
        }
        Self {
            product_id: entitlement.product.to_string(),
            product_name: product.map(|product| product.name.peek().clone()).unwrap_or_default(),
            product_retired: product.is_some_and(|product| product.retired),
            state,
            terms: terms.map(TermsView::from),
            version: entitlement.version,
            updated_at: entitlement.updated_at.to_string(),
            updated_by: showing.authors.map(|authors| AuthorView::of(&entitlement.updated_by, authors, exit)),
        }
    }

    /// Several, by the names of their products.
    pub(crate) fn of_all(all: Vec<OpenEntitlement>, showing: &Showing<'_>, exit: &Exit) -> Vec<Self> {
        let mut views: Vec<Self> = all.into_iter().map(|one| Self::of(one, showing, exit)).collect();
        views.sort_by_cached_key(|view| crate::rules::name_key(&view.product_name));
        views
    }
}

pub(crate) async fn today(cx: &Cx, room: &Room, time_zone: Option<&str>) -> Result<Date, Problem> {
    Ok(cx.now().to_zoned(zone(cx, room, time_zone).await?).date())
}

/// List what an organization is entitled to
///
/// By the names of the products; what was withdrawn is left out.
#[utoipa::path(get, path = "/organizations/{organizationId}/entitlements", tag = "entitlements", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])),
    params(("organizationId" = String, Path)),
    responses((status = 200, body = Page<EntitlementView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn list_entitlements(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsRead>,
    Path(id): Path<OrganizationId>,
) -> Result<Reply, Problem> {
    let all = entitlements::read_entitlements(&cx, &room, &id).await?;
    let products = entitlements::products_by_id(&cx, &room).await?;
    let authors = authors(&cx, &room, all.iter().map(|entitlement| &entitlement.updated_by)).await?;
    let today = today(&cx, &room, time_zone.as_deref()).await?;
    let showing = Showing { products: &products, today, authors: Some(&authors) };
    Ok(Reply::ok(|exit| Page { items: EntitlementView::of_all(all, &showing, exit), next_cursor: None }))
}

/// What stands instead of what was to be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StandingView {
    current: Option<EntitlementView>,
}

async fn written(room: &Room, cx: &Cx, time_zone: Option<&str>, written: Written) -> Result<Reply, Problem> {
    let products = entitlements::products_by_id(cx, room).await?;
    let today = today(cx, room, time_zone).await?;
    let by = match &written {
        Written::Done(entitlement) | Written::Conflict(Some(entitlement)) => Some(&entitlement.updated_by),
        Written::Conflict(None) => None,
    };
    let authors = authors(cx, room, by.into_iter()).await?;
    let showing = Showing { products: &products, today, authors: Some(&authors) };
    Ok(match written {
        Written::Done(entitlement) => {
            let version = entitlement.version;
            Reply::ok(|exit| EntitlementView::of(entitlement, &showing, exit)).version(version)
        }
        Written::Conflict(standing) => {
            let detail = "Somebody changed this entitlement since you opened it. Nothing of yours was written; what stands now is in this answer.";
            Reply::conflict(detail, cx.request(), |exit| StandingView {
                current: standing.map(|entitlement| EntitlementView::of(entitlement, &showing, exit)),
            })
        }
    })
}

/// Give an organization an entitlement, or change it
///
/// `If-Match: "v0"` where the organization never had it.
#[utoipa::path(put, path = "/organizations/{organizationId}/entitlements/{productId}", tag = "entitlements", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])), request_body = TermsView,
    params(("organizationId" = String, Path), ("productId" = String, Path, description = "Product id"), ("If-Match" = String, Header, description = "The entitlement's ETag")),
    responses((status = 200, body = EntitlementView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn put_entitlement(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsWrite>,
    Path((id, product)): Path<(OrganizationId, ProductId)>,
    before: IfMatch,
    Json(input): Json<TermsView>,
) -> Result<Reply, Problem> {
    let outcome =
        entitlements::write_entitlement(&cx, &room, &id, product, before.required()?, Some(input.into())).await?;
    written(&room, &cx, time_zone.as_deref(), outcome).await
}

/// Withdraw an entitlement
///
/// Its history stays, and can be gone back to.
#[utoipa::path(delete, path = "/organizations/{organizationId}/entitlements/{productId}", tag = "entitlements", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])),
    params(("organizationId" = String, Path), ("productId" = String, Path, description = "Product id"), ("If-Match" = String, Header, description = "The entitlement's ETag")),
    responses((status = 200, body = EntitlementView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn withdraw_entitlement(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsWrite>,
    Path((id, product)): Path<(OrganizationId, ProductId)>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    let outcome = entitlements::write_entitlement(&cx, &room, &id, product, before.required()?, None).await?;
    written(&room, &cx, time_zone.as_deref(), outcome).await
}

/// One change of one entitlement.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EntitlementChangeView {
    /// Names the change.
    id: String,
    /// The product.
    product_id: String,
    /// The product's name.
    product_name: String,
    /// What it was; null: there was none.
    from: Option<TermsView>,
    /// What it became; null: it was withdrawn.
    to: Option<TermsView>,
    /// When.
    at: String,
    /// By whom.
    by: AuthorView,
    /// How.
    action: Action,
}

/// List changes of an organization's entitlements
///
/// The newest first.
#[utoipa::path(get, path = "/organizations/{organizationId}/entitlement-history", tag = "entitlements", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])),
    params(("organizationId" = String, Path), PageQuery),
    responses((status = 200, body = Page<EntitlementChangeView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn entitlement_history(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsRead>,
    Path(id): Path<OrganizationId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let before = match &page.cursor {
        None => i64::MAX,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| kernel::Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered."))?,
    };
    let limit = page.limit()?.min(limits::PAGE_MAX);
    let (changes, next) = entitlements::read_history(&cx, &room, &id, before, limit).await?;
    let products = entitlements::products_by_id(&cx, &room).await?;
    let authors = authors(&cx, &room, changes.iter().map(|change| &change.by)).await?;
    Ok(Reply::ok(|exit| Page {
        items: changes
            .into_iter()
            .map(|entry| {
                let change = entry.change.release(exit);
                let product = products.get(&entry.product.0);
                EntitlementChangeView {
                    id: entry.id.to_string(),
                    product_id: entry.product.to_string(),
                    product_name: product.map(|product| product.name.peek().clone()).unwrap_or_default(),
                    from: change.from.map(TermsView::from),
                    to: change.to.map(TermsView::from),
                    at: entry.at.to_string(),
                    by: AuthorView::of(&entry.by, &authors, exit),
                    action: entry.action,
                }
            })
            .collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

/// Go back to what a change made of an entitlement
#[utoipa::path(post, path = "/organizations/{organizationId}/entitlement-history/{changeId}/restore", tag = "entitlements", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])),
    params(("organizationId" = String, Path), ("changeId" = String, Path, description = "Change id"), ("If-Match" = String, Header, description = "The entitlement's ETag")),
    responses((status = 200, body = EntitlementView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn restore_entitlement(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsWrite>,
    Path((id, change)): Path<(OrganizationId, i64)>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    let outcome = entitlements::restore_entitlement(&cx, &room, &id, change, before.required()?).await?;
    written(&room, &cx, time_zone.as_deref(), outcome).await
}

/// What one organization of a customer is entitled to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizationEntitlements {
    /// The organization.
    organization_id: String,
    /// Its name, as Jira has it.
    organization_name: String,
    /// By the names of the products.
    entitlements: Vec<EntitlementView>,
}

/// List what a customer's organizations are entitled to
///
/// A customer gets their own: products that are open to customers, without notes. Organizations without any are left out.
#[utoipa::path(get, path = "/customers/{accountId}/entitlements", tag = "entitlements", params(("accountId" = String, Path)),
    security(("token" = ["customers:read", "organizations:read"]), ("bearer" = []), ("session" = [])),
    responses((status = 200, body = Page<OrganizationEntitlements>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn customer_entitlements(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::BothRead>,
    Path(id): Path<AccountId>,
) -> Result<Reply, Problem> {
    let (agent, organizations, products) = entitlements::read_of_customer(&cx, &room, &id).await?;
    let today = today(&cx, &room, time_zone.as_deref()).await?;
    let written = organizations.iter().flat_map(|of| &of.entitlements).filter(|_| agent);
    let authors = authors(&cx, &room, written.map(|entitlement| &entitlement.updated_by)).await?;
    let showing = Showing { products: &products, today, authors: agent.then_some(&authors) };
    Ok(Reply::ok(|exit| Page {
        items: organizations
            .into_iter()
            .map(|of| OrganizationEntitlements {
                organization_id: of.id.to_string(),
                organization_name: of.name.release(exit),
                entitlements: EntitlementView::of_all(of.entitlements, &showing, exit),
            })
            .collect(),
        next_cursor: None,
    }))
}
