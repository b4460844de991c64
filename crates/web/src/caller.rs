//! Who calls: the extractors that prove a person and mint the context. The only place on the web side that does.
//!
//! Two proofs: the host's invocation token, good once; or a session of ours. In both cases the person's standing is
//! asked of Jira, at most a minute old.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::CookieJar;
use host::ForgeHeaders;
use kernel::{AccountId, Actor, Cx, Fault, Result, Standing, TenantId};

use crate::headers;
use crate::reply::Problem;
use crate::router::Shared;
use crate::session::{self, Context, Kind};

/// The cookie's name; with TLS its prefix has the browser hold it to this very host, over TLS only.
pub(crate) fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-steward" } else { "steward" }
}

/// The header that changes from a page of ours carry.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// A proven person, and where they come from.
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
pub(crate) enum Proof {
    /// By the host's invocation token, just now.
    Invocation,
    /// By a session of ours: its token.
    Cookie(String),
    /// By a session of ours for scripts: its token.
    Bearer(String),
}

/// Anybody proven: agents, customers, administrators. The action decides what they may.
pub struct Person(pub Caller);

/// An agent of a service project, or an administrator.
pub struct Agent(pub Caller);

/// A Jira administrator.
pub struct Admin(pub Caller);

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What Forge sends along.
pub(crate) fn forge_headers(headers: &HeaderMap) -> ForgeHeaders<'_> {
    ForgeHeaders {
        authorization: header(headers, header::AUTHORIZATION.as_str()),
        system_token: header(headers, "x-forge-oauth-system"),
        user_token: header(headers, "x-forge-oauth-user"),
    }
}

/// A context for the doors themselves, before a person is known.
pub(crate) fn door_cx(shared: &Shared, tenant: TenantId, name: &'static str) -> Cx {
    Cx::mint(tenant, Actor::System(name), Standing::default(), shared.clock.clone(), headers::request_id())
}

async fn prove(shared: &Shared, parts: &Parts) -> Result<Caller> {
    let bearer = header(&parts.headers, header::AUTHORIZATION.as_str());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")).filter(|token| session::is_ours(token))
    {
        return by_session(shared, Kind::Bearer, token, Proof::Bearer(token.to_owned())).await;
    }
    if bearer.is_some() {
        return by_invocation(shared, &parts.headers).await;
    }
    let jar = CookieJar::from_headers(&parts.headers);
    let Some(cookie) = jar.get(cookie_name(shared.config.secure)).map(|cookie| cookie.value().to_owned()) else {
        return Err(Fault::unauthenticated(
            "unauthenticated",
            "Send `Authorization: Bearer` with an invocation token from Jira or a session token.",
        ));
    };
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    if !safe && !header(&parts.headers, CSRF_HEADER).is_some_and(|sent| session::csrf_matches(&cookie, sent)) {
        return Err(Fault::refused(
            "This change did not come from a page of ours: `X-CSRF-Token` is missing or wrong.",
        ));
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

async fn by_session(shared: &Shared, kind: Kind, token: &str, proof: Proof) -> Result<Caller> {
    let tenant = session::claimed_tenant(kind, token)?;
    // Refuses a tenant that left or is locked.
    shared.host.sites.of(tenant).await?;
    let door = door_cx(shared, tenant, "session");
    let (account, context) = session::find(shared, &door, kind, token).await?;
    let cx = person_cx(shared, &door, &account).await?;
    Ok(Caller { cx, account, from: context.peek().clone(), proof })
}

async fn person_cx(shared: &Shared, door: &Cx, account: &AccountId) -> Result<Cx> {
    let roles = shared.roles_in_use(door).await?;
    let standing = shared.host.callers.standing(door, account, &roles).await?;
    Ok(Cx::mint(door.tenant(), Actor::Person(account.clone()), standing, shared.clock.clone(), headers::request_id()))
}

impl<S> FromRequestParts<S> for Person
where
    Shared: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(prove(&Shared::from_ref(state), parts).await?))
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
