//! /tokens: the API tokens of a site, for its administrators; and the one that calls, for itself.

use std::borrow::Cow;

use axum::extract::State;
use host::Profile;
use kernel::{AccountId, Fault, Kind, TokenId, TokenScope};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::{Exit, Open};

use crate::body::{Json, Path};
use crate::caller::{Admin, ApiToken, Proof};
use crate::reply::{Page, Problem, ProblemBody, Reply};
use crate::router::Shared;
use crate::token::{self, OpenToken, Wanted};

pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, make_token))
        .routes(routes!(read_current_token))
        .routes(routes!(revoke_token))
}

/// What a token may do.
struct ScopeName;

impl PartialSchema for ScopeName {
    fn schema() -> RefOr<Schema> {
        let names = TokenScope::ALL.map(TokenScope::name);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build().into()
    }
}

impl ToSchema for ScopeName {
    fn name() -> Cow<'static, str> {
        "TokenScope".into()
    }
}

/// Who made a token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Maker {
    /// Their account.
    account_id: String,
    /// Their name, as Jira has it; null when Jira no longer says it.
    display_name: Option<String>,
}

/// An API token, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TokenView {
    /// Its id.
    id: String,
    /// Its name: what history shows where it changed something.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// Who made it. It goes on working when they leave.
    made_by: Maker,
    /// When it was made.
    made_at: String,
    /// From when on it opens nothing.
    expires_at: String,
    /// The day, in UTC, on which it was last used; null if it never was.
    #[schema(example = "2026-11-22", format = Date)]
    last_used_on: Option<String>,
}

impl TokenView {
    fn of(token: OpenToken, made_by: Maker, exit: &Exit) -> Self {
        Self {
            id: token.id.to_string(),
            scopes: token.scope_names(),
            made_by,
            made_at: token.made_at.to_string(),
            expires_at: token.expires_at.to_string(),
            last_used_on: token.used_on.map(|day| day.strftime("%F").to_string()),
            name: token.name.release(exit),
        }
    }
}

/// A token that was made just now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewTokenView {
    #[serde(flatten)]
    token: TokenView,
    /// What scripts send as `Authorization: Bearer`. It is in this answer, and cannot be read again.
    secret: String,
}

/// A token as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenInput {
    /// Its name, 1 to 100 characters, unlike that of any other token that is not revoked.
    #[schema(example = "Nightly import", min_length = 1, max_length = 100)]
    name: String,
    /// What it may do. Writing brings reading of the same with it.
    #[schema(value_type = Vec<ScopeName>, min_items = 1)]
    scopes: Vec<String>,
    /// Days that it lives: 1 to 365; 90 if left out.
    #[serde(default = "days_default")]
    #[schema(minimum = 1, maximum = 365, default = 90)]
    expires_in_days: u32,
}

fn days_default() -> u32 {
    token::DAYS_DEFAULT
}

async fn makers(
    shared: &Shared,
    cx: &kernel::Cx,
    tokens: &[OpenToken],
) -> Result<Vec<(AccountId, Open<Profile>)>, Fault> {
    let mut accounts: Vec<AccountId> = tokens.iter().map(|token| token.made_by.clone()).collect();
    accounts.sort();
    accounts.dedup();
    match shared.host.people.profiles(cx, &accounts).await {
        Ok(profiles) => Ok(profiles.into_iter().collect()),
        // Whoever wants to revoke a token must be able to while Jira is away.
        Err(fault) if fault.kind() == Kind::Busy => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

fn maker(account: &AccountId, known: &[(AccountId, Open<Profile>)]) -> Maker {
    let profile = known.iter().find(|(id, _)| id == account).map(|(_, profile)| profile);
    Maker { account_id: account.to_string(), display_name: profile.map(|profile| profile.peek().name.clone()) }
}

/// List API tokens
///
/// Those that were not revoked, oldest first; expired ones among them.
#[utoipa::path(get, path = "/tokens", tag = "tokens",
    responses((status = 200, body = Page<TokenView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[crate::boxed]
async fn list_tokens(State(shared): State<Shared>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let tokens = token::list_tokens(&shared, &caller.cx).await?;
    let known = makers(&shared, &caller.cx, &tokens).await?;
    Ok(Reply::ok(|exit| Page {
        items: tokens
            .into_iter()
            .map(|token| {
                let by = maker(&token.made_by, &known);
                TokenView::of(token, by, exit)
            })
            .collect(),
        next_cursor: None,
    }))
}

/// Make an API token
///
/// For Jira administrators, on a page or with an invocation token: nothing else makes tokens. The secret is in this
/// answer only.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = TokenInput,
    responses((status = 201, body = NewTokenView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[crate::boxed]
async fn make_token(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Json(input): Json<TokenInput>,
) -> Result<Reply, Problem> {
    if matches!(caller.proof, Proof::Bearer(_)) {
        return Err(Fault::refused("A session for scripts cannot make tokens. Open Steward's settings in Jira.").into());
    }
    let wanted = Wanted { name: input.name, scopes: input.scopes, days: input.expires_in_days };
    let (made, secret) = token::make_token(&shared, &caller.cx, &caller.account, wanted).await?;
    let by = maker(&made.made_by, &makers(&shared, &caller.cx, std::slice::from_ref(&made)).await?);
    let location = format!("/api/v1/tokens/{}", made.id);
    Ok(Reply::created(&location, |exit| NewTokenView { token: TokenView::of(made, by, exit), secret }))
}

/// Revoke an API token
///
/// It opens nothing from then on. Its name stays in the history of what it changed.
#[utoipa::path(delete, path = "/tokens/{tokenId}", tag = "tokens", params(("tokenId" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[crate::boxed]
async fn revoke_token(
    State(shared): State<Shared>,
    Admin(caller): Admin,
    Path(id): Path<TokenId>,
) -> Result<Reply, Problem> {
    token::revoke_token(&shared, &caller.cx, id).await?;
    Ok(Reply::empty())
}

/// The token that calls.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CurrentTokenView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<&'static str>,
    /// From when on it opens nothing.
    expires_at: String,
    /// The site that it is of: its id here.
    site_id: String,
    /// Where people see that site; null until Jira told it.
    site_url: Option<String>,
}

/// Read the API token that calls
#[utoipa::path(get, path = "/tokens/current", tag = "tokens", security(("token" = [])),
    responses((status = 200, body = CurrentTokenView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[crate::boxed]
async fn read_current_token(State(shared): State<Shared>, ApiToken(cx, id): ApiToken) -> Result<Reply, Problem> {
    let token = token::read_token(&shared, &cx, id).await?;
    let known = shared.host.sites.of(cx.tenant()).await?;
    Ok(Reply::ok(|exit| CurrentTokenView {
        id: token.id.to_string(),
        scopes: token.scope_names(),
        expires_at: token.expires_at.to_string(),
        name: token.name.release(exit),
        site_id: known.tenant.to_string(),
        site_url: known.site.url.as_ref().map(ToString::to_string),
    }))
}
