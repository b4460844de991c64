//! The endpoints of sessions: a ticket from inside Jira, a cookie from a ticket, a bearer session for scripts.

use axum::extract::State;
use axum::http::header;
use axum_extra::extract::cookie::{Cookie, SameSite};
use kernel::Fault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::body::Json;
use crate::caller::{Caller, Person, Proof, cookie_name, door_cx};
use crate::customer_sign_in::customer_cookie;
use crate::reply::{Problem, ProblemBody, Reply};
use crate::router::Shared;
use crate::session::{self, Kind};

pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(make_ticket))
        .routes(routes!(start_session, read_session, end_session))
        .routes(routes!(exchange_token))
}

/// Where to open a big page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    /// Open it within a minute; it works once.
    url: String,
}

/// A session begins with the host's word, not with another session: else one would never end.
fn by_invocation(caller: Caller) -> Result<Caller, Fault> {
    match caller.proof {
        Proof::Invocation => Ok(caller),
        Proof::Cookie(_) | Proof::Bearer(_) | Proof::Context | Proof::Customer(_) => {
            Err(Fault::refused("Send a fresh invocation token from Jira; a session cannot start another."))
        }
    }
}

/// Make a one-time ticket to a page of our own origin
#[utoipa::path(post, path = "/session/tickets", tag = "session",
    responses((status = 200, body = Ticket), (status = 401, body = ProblemBody)))]
#[crate::boxed]
async fn make_ticket(State(shared): State<Shared>, Person(caller): Person) -> Result<Reply, Problem> {
    // A page of Connect's has no other word of its host; what it opens is bound to one browser, and used once.
    let caller = if matches!(caller.proof, Proof::Context) { caller } else { by_invocation(caller)? };
    let made = session::make(&shared, &caller.cx, Kind::Ticket, &caller.account, &caller.from).await?;
    let mut url = shared.config.origin.clone();
    url.set_path("/app/");
    url.set_query(Some(&format!("ticket={}", made.token)));
    Ok(Reply::ok(|_| Ticket { url: url.to_string() }))
}

/// A ticket, as the page's address carried it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StartBody {
    /// The ticket.
    ticket: String,
}

/// A session that a page goes on with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PageSession {
    /// Send it as `X-CSRF-Token` with every change.
    csrf: String,
}

/// Start a session of our own origin with a ticket
#[utoipa::path(post, path = "/session", tag = "session", request_body = StartBody, security(()),
    responses((status = 200, description = "Sets the session cookie", body = PageSession), (status = 401, body = ProblemBody)))]
#[crate::boxed]
async fn start_session(State(shared): State<Shared>, Json(body): Json<StartBody>) -> Result<Reply, Problem> {
    let door = door_cx(&shared, session::claimed_tenant(Kind::Ticket, &body.ticket)?, "session");
    let (account, context) = session::take(&shared, &door, &body.ticket).await?;
    let made = session::make(&shared, &door, Kind::Cookie, &account, context.peek()).await?;
    // No Max-Age: it goes with the browser, and on the server after a working day.
    let cookie = session_cookie(&shared, made.token.clone());
    Ok(Reply::ok(|_| PageSession { csrf: session::csrf_of(&made.token) })
        .header(header::SET_COOKIE, &cookie.to_string()))
}

pub(crate) fn session_cookie(shared: &Shared, token: String) -> Cookie<'static> {
    Cookie::build((cookie_name(shared.config.secure), token))
        .http_only(true)
        .secure(shared.config.secure)
        .same_site(SameSite::Strict)
        .path("/")
        .build()
}

/// The session that this page has
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, body = PageSession), (status = 401, body = ProblemBody)))]
#[crate::boxed]
async fn read_session(Person(caller): Person) -> Result<Reply, Problem> {
    let (Proof::Cookie(token) | Proof::Customer(token)) = caller.proof else {
        return Err(Fault::unauthenticated("session_none", "There is no session of this page.").into());
    };
    Ok(Reply::ok(|_| PageSession { csrf: session::csrf_of(&token) }))
}

/// End the session
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204), (status = 401, body = ProblemBody)))]
#[crate::boxed]
async fn end_session(State(shared): State<Shared>, Person(caller): Person) -> Result<Reply, Problem> {
    let Caller { cx, account, proof, .. } = caller;
    let mut gone = session_cookie(&shared, String::new());
    match &proof {
        Proof::Customer(token) => {
            session::end(&shared, &cx, &account, token).await?;
            gone = customer_cookie(&shared, String::new());
        }
        Proof::Cookie(token) | Proof::Bearer(token) => {
            let last = session::end(&shared, &cx, &account, token).await?;
            if last {
                shared.host.sign_in.forget(&cx, &account).await?;
            }
        }
        Proof::Invocation | Proof::Context => {}
    }
    gone.make_removal();
    Ok(Reply::empty().header(header::SET_COOKIE, &gone.to_string()))
}

/// A session for a script.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BearerSession {
    /// Send it as `Authorization: Bearer`.
    token: String,
    /// Until when it is good.
    expires_at: String,
}

/// Trade an invocation token, which is good once, for a bearer session of ten minutes
#[utoipa::path(post, path = "/session/bearer", tag = "session",
    responses((status = 200, body = BearerSession), (status = 401, body = ProblemBody)))]
#[crate::boxed]
async fn exchange_token(State(shared): State<Shared>, Person(caller): Person) -> Result<Reply, Problem> {
    let caller = by_invocation(caller)?;
    let made = session::make(&shared, &caller.cx, Kind::Bearer, &caller.account, &caller.from).await?;
    Ok(Reply::ok(|_| BearerSession { token: made.token, expires_at: made.expires_at.to_string() }))
}
