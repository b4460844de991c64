//! /customer-keys: with what customers' own sites sign, for administrators.

use axum::extract::State;
use host::Profile;
use kernel::{AccountId, Fault, Kind, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use vault::{Exit, Open};

use crate::body::{Json, Path};
use crate::caller::{Admin, Proof};
use crate::customer_keys::{self, OpenKey, Wanted};
use crate::customer_sign_in::address_of;
use crate::reply::{Problem, ProblemBody, Reply};
use crate::router::Shared;

pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(list_customer_keys, make_customer_key)).routes(routes!(delete_customer_key))
}

/// Who made a key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyMaker {
    /// Their account.
    account_id: String,
    /// Their name, as Jira has it; null when Jira no longer says it.
    display_name: Option<String>,
}

/// Why the last token of a key that was signed rightly opened nothing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyRefusal {
    /// When.
    at: String,
    /// A code: `audience`, `claims`, `address`, `life`, `expired`, `early`, `key_expired`, `replayed`, `unknown_address`, `address_withheld`,
    /// `several_accounts`, `account_inactive`, `works_here`, `no_customer`.
    #[schema(example = "unknown_address")]
    reason: String,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerKeyView {
    /// Its id.
    id: String,
    /// What it is called.
    name: String,
    /// What tokens name it by in their header.
    kid: String,
    /// How its tokens are signed: `HS256`, `RS256` or `ES256`.
    #[schema(example = "HS256")]
    algorithm: String,
    /// Who made it.
    made_by: KeyMaker,
    /// When it was made.
    made_at: String,
    /// From when on it opens nothing.
    expires_at: String,
    /// The day, in UTC, on which somebody last came in with it; null if nobody did.
    #[schema(example = "2026-11-22", format = Date)]
    last_used_on: Option<String>,
    /// Why the last token of it that opened nothing did not; null if all did. Tokens with a wrong signature are nobody's, and not told.
    last_refusal: Option<KeyRefusal>,
}

impl CustomerKeyView {
    fn of(key: OpenKey, known: &[(AccountId, Open<Profile>)], exit: &Exit) -> Self {
        let profile = known.iter().find(|(id, _)| *id == key.made_by).map(|(_, profile)| profile);
        let mut body = key.body.release(exit);
        Self {
            id: key.id.to_string(),
            name: std::mem::take(&mut body.name),
            kid: std::mem::take(&mut body.kid),
            algorithm: key.algorithm,
            made_by: KeyMaker {
                account_id: key.made_by.to_string(),
                display_name: profile.map(|profile| profile.peek().name.clone()),
            },
            made_at: key.made_at.to_string(),
            expires_at: key.expires_at.to_string(),
            last_used_on: key.used_on.map(|day| day.strftime("%F").to_string()),
            last_refusal: key
                .refused_at
                .zip(key.refused_why)
                .map(|(at, reason)| KeyRefusal { at: at.to_string(), reason }),
        }
    }
}

/// The keys, and where tokens go.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerKeysView {
    /// Oldest first; those that ended among them.
    items: Vec<CustomerKeyView>,
    /// Where a form with the token is posted; it is the tokens' audience too.
    #[schema(example = "https://steward.example.com/portal/0193a6f2-7c00-7000-8000-000000000000/sign-in")]
    sign_in_url: String,
    /// The portal.
    #[schema(example = "https://steward.example.com/portal/")]
    portal_url: String,
}

/// A key that was made just now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewCustomerKeyView {
    #[serde(flatten)]
    key: CustomerKeyView,
    /// What the site signs with; null where it has a pair of its own. It is in this answer, and cannot be read again.
    secret: Option<String>,
}

/// A key as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomerKeyInput {
    /// What it is called, 1 to 100 characters: the site that signs.
    #[schema(example = "Shop", min_length = 1, max_length = 100)]
    name: String,
    /// The public key of a site that signs with a pair of its own: PEM, a JWK, or a JWKS of one key; RSA of 2,048 bits at least (RS256) or P-256 (ES256). Left
    /// out or null: a secret is made (HS256).
    #[serde(default)]
    public_key: Option<String>,
    /// Days that it lives: 1 to 365; 365 if left out.
    #[serde(default = "days_default")]
    #[schema(minimum = 1, maximum = 365, default = 365)]
    expires_in_days: u32,
}

fn days_default() -> u32 {
    customer_keys::DAYS_MAX
}

async fn makers(shared: &Shared, cx: &kernel::Cx, keys: &[OpenKey]) -> Result<Vec<(AccountId, Open<Profile>)>, Fault> {
    let mut accounts: Vec<AccountId> = keys.iter().map(|key| key.made_by.clone()).collect();
    accounts.sort();
    accounts.dedup();
    match shared.host.people.profiles(cx, &accounts).await {
        Ok(profiles) => Ok(profiles.into_iter().collect()),
        // Whoever wants to delete a key must be able to while Jira is away.
        Err(fault) if fault.kind() == Kind::Busy => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

fn sign_in_url(shared: &Shared, tenant: TenantId) -> String {
    address_of(&shared.config.origin, tenant)
}

/// List the keys of customers' sites
#[utoipa::path(get, path = "/customer-keys", tag = "customer sign-in",
    responses((status = 200, body = CustomerKeysView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[crate::boxed]
async fn list_customer_keys(State(shared): State<Shared>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let keys = customer_keys::list_keys(&shared, &caller.cx).await?;
    let known = makers(&shared, &caller.cx, &keys).await?;
    let sign_in_url = sign_in_url(&shared, caller.cx.tenant());
    let portal_url = shared.config.origin.join("portal/").map(String::from).unwrap_or_default();
    Ok(Reply::ok(|exit| CustomerKeysView {
        items: keys.into_iter().map(|key| CustomerKeyView::of(key, &known, exit)).collect(),
        sign_in_url,
        portal_url,
    }))
}

/// Make a key for a customer's site
///
/// For Jira administrators, on a page or with an invocation token. A secret is in this answer only.
#[utoipa::path(post, path = "/customer-keys", tag = "customer sign-in", request_body = CustomerKeyInput,
    responses((status = 201, body = NewCustomerKeyView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[crate::boxed]
async fn make_customer_key(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Json(input): Json<CustomerKeyInput>,
) -> Result<Reply, Problem> {
    if matches!(caller.proof, Proof::Bearer(_)) {
        return Err(Fault::refused("A session for scripts cannot make keys. Open Steward's settings.").into());
    }
    let wanted = Wanted { name: input.name, public: input.public_key, days: input.expires_in_days };
    let (made, secret) = customer_keys::make_key(&shared, &caller.cx, &caller.account, wanted).await?;
    let known = makers(&shared, &caller.cx, std::slice::from_ref(&made)).await?;
    let location = format!("/api/v1/customer-keys/{}", made.id);
    Ok(Reply::created(&location, |exit| NewCustomerKeyView { key: CustomerKeyView::of(made, &known, exit), secret }))
}

/// Delete a key of a customer's site
///
/// Nobody comes in with it from then on, and who did is signed out.
#[utoipa::path(delete, path = "/customer-keys/{keyId}", tag = "customer sign-in", params(("keyId" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[crate::boxed]
async fn delete_customer_key(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<Uuid>,
) -> Result<Reply, Problem> {
    customer_keys::delete_key(&shared, &caller.cx, id).await?;
    Ok(Reply::empty())
}
