//! Who calls: the extractors that prove a person and mint the context. The only place on the web side that does.
//!
//! A person has three proofs: the host's invocation token, good once; the context token of a page of Connect's; or a session
//! of ours. In each case their standing
//! is asked of Jira, at most a minute old; but a customer's session is a customer's, and has none. A script has an API token, which acts as itself and may what its scopes say.
//!
//! An endpoint that takes a [`Person`] is closed to tokens; one that is open to them takes a [`Principal`] and names the
//! scope.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::CookieJar;
use futures::FutureExt;
use host::connect::Request;
use host::{Connect, ForgeHeaders};
use kernel::{AccountId, Actor, Cx, Fault, Result, Standing, TenantId, TokenId, TokenScope};

use crate::pace::Meter;
use crate::reply::Problem;
use crate::router::Shared;
use crate::session::{self, Context, Kind};
use crate::{headers, secret, token};

/// The cookie's name; with TLS its prefix has the browser hold it to this very host, over TLS only.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-steward" } else { "steward" }
}

/// The same of a customer's session: it stands beside an agent's, and neither takes the other's place.
pub(crate) fn customer_cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-steward-portal" } else { "steward-portal" }
}

/// The header by which a page says that it is the customers' portal: there a customer's session counts, and nowhere else.
const SESSION_HEADER: &str = "x-steward-session";
/// What it says.
const OF_CUSTOMER: &str = "customer";

/// The header that changes from a page of ours carry.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// A proven person, and where they come from.
#[derive(Clone)]
pub struct Caller {
    /// The context.
    pub cx: Cx,
    /// Their account.
    pub account: AccountId,
    /// Site address, language, time zone.
    pub from: Context,
    /// How they proved it.
    pub(crate) proof: Proof,
}

/// How a person was proven.
#[derive(Clone)]
pub(crate) enum Proof {
    /// By the host's invocation token, just now.
    Invocation,
    /// By the context token of a page of Connect's, which is good until it ends.
    Context,
    /// By a session of ours: its token.
    Cookie(String),
    /// By a session of ours for scripts: its token.
    Bearer(String),
    /// By a customer's session, which began with their own site's word: its token.
    Customer(String),
}

/// Whoever was proven.
#[derive(Clone)]
pub(crate) enum Known {
    /// A person.
    Person(Caller),
    /// An API token, which acts in this context.
    Token(Cx),
}

impl Known {
    /// The context.
    pub(crate) fn cx(&self) -> &Cx {
        match self {
            Self::Person(caller) => &caller.cx,
            Self::Token(cx) => cx,
        }
    }

    /// What names a script: an API token, or a session for scripts.
    pub(crate) fn script(&self) -> Option<Vec<u8>> {
        match self {
            Self::Person(Caller { proof: Proof::Bearer(token), .. }) => Some(secret::hash(token)),
            Self::Person(_) => None,
            Self::Token(cx) => cx.token().map(|token| token.id.0.as_bytes().to_vec()),
        }
    }

    /// What has a pace of its own: a script, or a session of our own origin.
    fn paced(&self) -> Option<Vec<u8>> {
        match self {
            Self::Person(Caller { proof: Proof::Cookie(token) | Proof::Customer(token), .. }) => {
                Some(secret::hash(token))
            }
            Self::Person(_) | Self::Token(_) => self.script(),
        }
    }
}

/// A person, or an API token that has the scopes that `N` names. The action decides what they may.
pub struct Principal<N> {
    /// The context.
    pub cx: Cx,
    /// The time zone that a person's page says.
    pub time_zone: Option<String>,
    needs: PhantomData<N>,
}

/// What an endpoint needs of a token.
pub trait Needs {
    /// Any one of these, each of them whole: as an operation of openapi.json lists what it is open to.
    const SCOPES: &'static [&'static [TokenScope]];
}

/// Which scopes these are, for whoever lacks them.
fn told(needed: &[&[TokenScope]]) -> String {
    let whole = |scopes: &&[TokenScope]| {
        scopes.iter().map(|scope| format!("`{}`", scope.name())).collect::<Vec<_>>().join(" and the scope ")
    };
    needed.iter().map(whole).collect::<Vec<_>>().join(" or the scope ")
}

/// What endpoints need of tokens, as types.
pub mod scope {
    use kernel::TokenScope;

    macro_rules! needs {
        ($($name:ident),*) => {$(
            /// The scope of this name.
            pub struct $name;
            impl super::Needs for $name {
                const SCOPES: &'static [&'static [TokenScope]] = &[&[TokenScope::$name]];
            }
        )*};
    }

    needs!(CustomersRead, CustomersWrite, OrganizationsRead, OrganizationsWrite, FieldsRead, FieldsWrite, ImportsWrite);

    /// To read customers or organizations: the request says which, and the action asks for that one.
    pub struct EitherRead;
    impl super::Needs for EitherRead {
        const SCOPES: &'static [&'static [TokenScope]] =
            &[&[TokenScope::CustomersRead], &[TokenScope::OrganizationsRead]];
    }

    /// To read customers and organizations.
    pub struct BothRead;
    impl super::Needs for BothRead {
        const SCOPES: &'static [&'static [TokenScope]] = &[&[TokenScope::CustomersRead, TokenScope::OrganizationsRead]];
    }
}

/// The API token that calls, whatever its scopes.
pub(crate) struct ApiToken(pub(crate) Cx, pub(crate) TokenId);

/// Anybody proven: agents, customers, administrators. The action decides what they may.
pub struct Person(pub Caller);

/// An agent of a service project, or an administrator.
pub struct Agent(pub Caller);

/// A Jira administrator.
pub struct Admin(pub Caller);

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What Forge sends along.
pub fn forge_headers(headers: &HeaderMap) -> ForgeHeaders<'_> {
    ForgeHeaders {
        authorization: header(headers, header::AUTHORIZATION.as_str()),
        system_token: header(headers, "x-forge-oauth-system"),
        user_token: header(headers, "x-forge-oauth-user"),
    }
}

/// A context for the doors themselves, before a person is known.
pub fn door_cx(shared: &Shared, tenant: TenantId, name: &'static str) -> Cx {
    Cx::mint(tenant, Actor::System(name), Standing::default(), shared.clock.clone(), headers::request_id())
}

/// Proves whoever calls, once a request, and counts scripts.
#[crate::boxed]
pub(crate) async fn prove(shared: &Shared, parts: &Parts) -> Result<Known> {
    if let Some(known) = parts.extensions.get::<Known>() {
        return Ok(known.clone());
    }
    let known = match api_token(&parts.headers) {
        Some(token) => by_api_token(shared, token).await?,
        None => Known::Person(prove_person(shared, parts).await?),
    };
    if let Some(key) = known.paced() {
        let reading = shared.pace.take(&key);
        if let Some(meter) = parts.extensions.get::<Meter>() {
            meter.note(reading);
        }
        reading.admit()?;
    }
    Ok(known)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    // The scheme's name is not case-sensitive (RFC 9110, 11.1).
    let (scheme, token) = header(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
}

fn api_token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).filter(|token| secret::is_api_token(token))
}

async fn by_api_token(shared: &Shared, secret: &str) -> Result<Known> {
    let tenant = token::claimed_tenant(secret)?;
    // Refuses a tenant that left or is locked.
    shared.host.sites.of(tenant).await?;
    let door = door_cx(shared, tenant, "token");
    let token = token::find(shared, &door, secret).await?;
    let actor = Actor::Token(token);
    Ok(Known::Token(Cx::mint(tenant, actor, Standing::default(), shared.clock.clone(), headers::request_id())))
}

async fn prove_person(shared: &Shared, parts: &Parts) -> Result<Caller> {
    if let Some(token) = bearer(&parts.headers).filter(|token| secret::is_ours(token)) {
        return by_session(shared, Kind::Bearer, token, Proof::Bearer(token.to_owned())).await;
    }
    if let (Some(connect), Some(sent)) = (&shared.host.connect, header(&parts.headers, header::AUTHORIZATION.as_str()))
        && is_jwt(sent)
    {
        return by_context(shared, connect, sent).await;
    }
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return by_invocation(shared, &parts.headers).await;
    }
    let jar = CookieJar::from_headers(&parts.headers);
    let of_customer = header(&parts.headers, SESSION_HEADER) == Some(OF_CUSTOMER);
    let name = if of_customer { customer_cookie_name(shared.config.secure) } else { cookie_name(shared.config.secure) };
    let Some(cookie) = jar.get(name).map(|cookie| cookie.value().to_owned()) else {
        return Err(Fault::unauthenticated(
            "unauthenticated",
            "Send `Authorization: Bearer` with an API token, a session token, or an invocation token from Jira.",
        ));
    };
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    if !safe && !header(&parts.headers, CSRF_HEADER).is_some_and(|sent| session::csrf_matches(&cookie, sent)) {
        return Err(Fault::refused(
            "This change did not come from a page of ours: `X-CSRF-Token` is missing or wrong.",
        ));
    }
    if of_customer {
        return by_customer(shared, &cookie).await;
    }
    by_session(shared, Kind::Cookie, &cookie, Proof::Cookie(cookie.clone())).await
}

async fn by_invocation(shared: &Shared, headers: &HeaderMap) -> Result<Caller> {
    let call = shared.host.inbound.verify(&forge_headers(headers)).await?;
    let door = door_cx(shared, call.tenant, "forge");
    shared.host.inbound.settle(&door, &call).await?;
    let account = call.person()?.clone();
    let cx = person_cx(shared, &door, &account).await?;
    Ok(Caller {
        cx,
        account,
        from: Context {
            site_url: call.known.site.url.as_ref().map(ToString::to_string).unwrap_or_default(),
            locale: call.invocation.locale.clone(),
            time_zone: call.invocation.time_zone.clone(),
        },
        proof: Proof::Invocation,
    })
}

/// Connect's own scheme. A context token is taken in this header and nowhere else.
fn is_jwt(authorization: &str) -> bool {
    authorization.split_once(' ').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("jwt"))
}

async fn by_context(shared: &Shared, connect: &Connect, authorization: &str) -> Result<Caller> {
    // Such a token is bound to no request.
    let request = Request { method: "", path: "", query: "", authorization: Some(authorization) };
    let claim = connect.claim(&request).await?;
    let door = door_cx(shared, claim.tenant, "connect");
    let visit = connect.in_context(&door, &claim).await?;
    let account = visit
        .caller
        .person
        .ok_or_else(|| Fault::unauthenticated("person_required", "Sign in to Jira to use this page."))?;
    let cx = person_cx(shared, &door, &account).await?;
    let site_url = visit.known.site.url.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(Caller { cx, account, from: Context { site_url, locale: None, time_zone: None }, proof: Proof::Context })
}

async fn by_session(shared: &Shared, kind: Kind, token: &str, proof: Proof) -> Result<Caller> {
    let tenant = session::claimed_tenant(kind, token)?;
    // Refuses a tenant that left or is locked.
    shared.host.sites.of(tenant).await?;
    let door = door_cx(shared, tenant, "session");
    let (account, context) = session::find(shared, &door, kind, token).await?;
    let cx = person_cx(shared, &door, &account).await?;
    Ok(Caller { cx, account, from: context.peek().clone(), proof })
}

/// A customer, and nothing more: their context has no standing, whatever Jira says of their groups, and Jira is not asked for any.
async fn by_customer(shared: &Shared, token: &str) -> Result<Caller> {
    let tenant = session::claimed_tenant(Kind::Customer, token)?;
    shared.host.sites.of(tenant).await?;
    let door = door_cx(shared, tenant, "session");
    let (account, context) = session::find(shared, &door, Kind::Customer, token).await?;
    if !shared.host.customers.is_still_one(&door, &account).await? {
        session::end(shared, &door, &account, token).await?;
        return Err(session::unknown());
    }
    let actor = Actor::Person(account.clone());
    let cx = Cx::mint(tenant, actor, Standing::default(), shared.clock.clone(), headers::request_id());
    Ok(Caller { cx, account, from: context.peek().clone(), proof: Proof::Customer(token.to_owned()) })
}

async fn person_cx(shared: &Shared, door: &Cx, account: &AccountId) -> Result<Cx> {
    let roles = shared.roles_in_use(door).await?;
    let standing = shared.host.callers.standing_of_caller(door, account, &roles).boxed().await?;
    Ok(Cx::mint(door.tenant(), Actor::Person(account.clone()), standing, shared.clock.clone(), headers::request_id()))
}

impl<S> FromRequestParts<S> for Person
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match prove(&Shared::from_ref(state), parts).await? {
            Known::Person(caller) => Ok(Self(caller)),
            Known::Token(_) => Err(Fault::refused("This is for people; an API token cannot do it.").into()),
        }
    }
}

impl<S, N> FromRequestParts<S> for Principal<N>
where
    Shared: FromRef<S>,
    S: Send + Sync,
    N: Needs,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (cx, time_zone) = match prove(&Shared::from_ref(state), parts).await? {
            Known::Person(caller) => (caller.cx, caller.from.time_zone),
            Known::Token(cx) if cx.token().is_some_and(|token| N::SCOPES.iter().any(|all| token.may_all(all))) => {
                (cx, None)
            }
            Known::Token(_) => {
                let needed = told(N::SCOPES);
                return Err(Fault::refused(format!("This needs an API token with the scope {needed}.")).into());
            }
        };
        Ok(Self { cx, time_zone, needs: PhantomData })
    }
}

impl<S> FromRequestParts<S> for ApiToken
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let known = prove(&Shared::from_ref(state), parts).await?;
        match known.cx().token() {
            Some(token) => Ok(Self(known.cx().clone(), token.id)),
            None => Err(Fault::refused("This is for API tokens.").into()),
        }
    }
}

impl<S> FromRequestParts<S> for Agent
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Person(caller) = Person::from_request_parts(parts, state).await?;
        if !(caller.cx.standing().agent || caller.cx.standing().admin) {
            return Err(Fault::refused("This is for agents of a service project.").into());
        }
        Ok(Self(caller))
    }
}

impl<S> FromRequestParts<S> for Admin
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Person(caller) = Person::from_request_parts(parts, state).await?;
        if !caller.cx.standing().admin {
            return Err(Fault::refused("This is for administrators of Jira.").into());
        }
        Ok(Self(caller))
    }
}
