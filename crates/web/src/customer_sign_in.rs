//! Customers who come from their own site with a token that it signed: `POST /portal/{installation}/sign-in`, and the portal that they then see.
//!
//! A token comes in a form's field and never in an address; it is taken once. Whatever is wrong (no such installation, a wrong token, nobody of that address)
//! is answered by the same page, to the byte. Nothing that came along sends a browser anywhere but into the portal. Start at [`come_in`].

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use axum_extra::extract::cookie::{Cookie, SameSite};
use futures::FutureExt;
use host::customer_token::{self, TOKEN_BYTES};
use kernel::{Cx, Kind as FaultKind, Result, TenantId};
use store::changes;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use crate::caller::{customer_cookie_name, door_cx};
use crate::customer_keys;
use crate::pace::Pace;
use crate::pages;
use crate::router::Shared;
use crate::session::{self, Context, Kind};
use crate::sign_in::{self, Said};
use crate::token::day_of;
use crate::{secret, sql};

/// A token, percent-encoded at worst, and where to go.
const FORM_BYTES: usize = 4 * TOKEN_BYTES;
/// Tries a minute from one address: a company's people behind one of them, in the morning. No wrong token costs Jira anything.
const TRIES_OF_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(59);
/// Tokens a minute that a tenant's keys signed: each asks Jira some three questions.
const TOKENS_OF_TENANT: NonZeroU32 = NonZeroU32::MIN.saturating_add(299);
/// Tokens a minute that are about one person: a click, and some impatient ones.
const TOKENS_OF_PERSON: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
/// Letters of a place in the portal.
const RETURN_CHARS: usize = 200;
/// Where the portal is.
const PORTAL: &str = "/portal/";

/// What a handler here has at hand.
#[derive(Clone)]
struct Doors {
    shared: Shared,
    tries: Arc<Tries>,
}

/// How often it was tried; each node counts for itself.
struct Tries {
    addresses: Pace,
    tenants: Pace,
    people: Pace,
}

pub(crate) fn routes(shared: &Shared) -> Router {
    let pace = |limit| Pace::new(limit, shared.clock.clone());
    let tries =
        Tries { addresses: pace(TRIES_OF_ADDRESS), tenants: pace(TOKENS_OF_TENANT), people: pace(TOKENS_OF_PERSON) };
    Router::new()
        .route("/portal/{installation}/sign-in", get(hint).post(sign_in))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .route("/portal", get(|| async { Redirect::permanent(PORTAL) }))
        .route("/portal/", get(portal))
        .route("/portal/favicon.svg", get(|headers: HeaderMap| async move { pages::answer("favicon.svg", &headers) }))
        .route("/portal/assets/{*path}", get(asset))
        .with_state(Doors { shared: shared.clone(), tries: Arc::new(tries) })
}

/// Where a site posts its tokens: what they are made for.
pub(crate) fn address_of(origin: &Url, tenant: TenantId) -> String {
    origin.join(&format!("portal/{tenant}/sign-in")).map(String::from).unwrap_or_default()
}

async fn portal(headers: HeaderMap) -> Response {
    pages::under_policy(pages::answer("index.html", &headers), "", "'none'")
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    pages::answer(&format!("assets/{path}"), &headers)
}

/// For whoever opens the address itself. The same for each installation, there or not.
async fn hint() -> Response {
    sign_in::page(&Said {
        status: StatusCode::OK,
        title: "Sign in where you are known",
        text: "Go to the site on which you are a customer, and open your requests from there: it signs you in here.",
        next: None,
        at_once: false,
    })
}

/// One page for all that is wrong.
fn refused() -> Response {
    sign_in::page(&Said {
        status: StatusCode::UNAUTHORIZED,
        title: "You are not signed in",
        text: "Go back to the site that sent you here and try once more: what it sent is good for a few minutes, and once. If that does not help, tell \
               its support that signing in to the customer portal did not work.",
        next: None,
        at_once: false,
    })
}

/// Why somebody does not come in, for the log and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Why(&'static str);

async fn sign_in(
    State(doors): State<Doors>,
    Path(installation): Path<String>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let from = address(&doors.shared, peer.map(|Extension(ConnectInfo(peer))| peer.ip()), &headers);
    match come_in(&doors, &installation, &from, &uri, &headers, &body).boxed().await {
        Ok(Ok(welcome)) => welcome,
        Ok(Err(Why(reason))) => {
            tracing::info!(event = "customer_sign_in_refused", reason);
            refused()
        }
        Err(fault) => {
            let mut response = sign_in::failed(&fault, None);
            let seconds = fault.retry_after().map(|after| after.as_secs().max(1).to_string());
            if let Some(value) = seconds.and_then(|seconds| seconds.parse().ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
    }
}

async fn come_in(
    doors: &Doors,
    installation: &str,
    from: &[u8],
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Result<Response, Why>> {
    let Doors { shared, tries } = doors;
    tries.addresses.take(&from.to_vec()).admit()?;
    let sent = match read(uri, headers, body) {
        Ok(sent) => sent,
        Err(why) => return Ok(Err(why)),
    };
    let Ok(tenant) = installation.parse::<TenantId>() else { return Ok(Err(Why("no_installation"))) };
    let known = match shared.host.sites.of(tenant).await {
        Ok(known) => known,
        Err(fault) if fault.kind() == FaultKind::Unauthenticated => return Ok(Err(Why("no_installation"))),
        Err(fault) => return Err(fault),
    };
    let kid = match customer_token::key_id(&sent.token) {
        Ok(kid) => kid,
        Err(refusal) => return Ok(Err(Why(refusal.code()))),
    };
    let door = door_cx(shared, tenant, "customer_sign_in");
    let Some(named) = customer_keys::find(shared, &door, &kid).await? else { return Ok(Err(Why("unknown_key"))) };
    let audience = address_of(&shared.config.origin, tenant);
    let email = match customer_token::verify(&sent.token, &named.key, &audience, door.now()) {
        Ok(email) => email,
        Err(refusal) => {
            let why = Why(refusal.code());
            if refusal.is_signed() {
                note(doors, &door, named.id, why).await?;
            }
            return Ok(Err(why));
        }
    };
    // From here on somebody speaks who holds the key: they may learn that they are in a hurry, and when Jira is away.
    let in_turn = |pace: &Pace, key: &[&[u8]]| pace.take(&key.concat()).admit();
    in_turn(&tries.tenants, &[tenant.0.as_bytes()])?;
    in_turn(&tries.people, &[tenant.0.as_bytes(), &secret::hash(&email.peek().to_ascii_lowercase())])?;
    if named.expires_at <= door.now() {
        note(doors, &door, named.id, Why("key_expired")).await?;
        return Ok(Err(Why("key_expired")));
    }
    let comer = match shared.host.customers.by_address(&door, &email).await? {
        Ok(comer) => comer,
        Err(stranger) => {
            note(doors, &door, named.id, Why(stranger.code())).await?;
            return Ok(Err(Why(stranger.code())));
        }
    };
    let context = Context {
        site_url: known.site.url.as_ref().map(ToString::to_string).unwrap_or_default(),
        locale: comer.locale,
        time_zone: comer.time_zone,
    };
    let prepared = session::prepare(shared, &door, Kind::Customer, &comer.account, &context).await?;
    match settle(shared, &door, &sent.token, named.id, &prepared).await? {
        Ok(()) => Ok(Ok(welcome(shared, prepared.made().token, &sent.return_to))),
        Err(why) => {
            note(doors, &door, named.id, why).await?;
            Ok(Err(why))
        }
    }
}

/// The token is used up and the session begun, in one transaction that takes the tenant's turn: a key that is deleted meanwhile opens nothing.
async fn settle(
    shared: &Shared,
    door: &Cx,
    token: &str,
    key: Uuid,
    prepared: &session::Prepared,
) -> Result<Result<(), Why>> {
    let mut scoped = shared.store.write(door).await?;
    changes::take_turn(&mut scoped).await?;
    if !sql::customer_key_stands(&mut scoped, key, door.now()).await? {
        return Ok(Err(Why("unknown_key")));
    }
    if !sql::customer_token_record(&mut scoped, door, &customer_token::hash(token)).await? {
        return Ok(Err(Why("replayed")));
    }
    prepared.put(&mut scoped, Some(key)).await?;
    sql::customer_key_used(&mut scoped, key, day_of(door.now())).await?;
    scoped.commit().await?;
    Ok(Ok(()))
}

/// Notes on the key why a token of it opened nothing: for those who set it up.
async fn note(doors: &Doors, door: &Cx, key: Uuid, why: Why) -> Result<()> {
    let pace = doors.tries.tenants.take(&[door.tenant().0.as_bytes().as_slice(), b"note"].concat());
    if pace.admit().is_err() {
        return Ok(());
    }
    let mut scoped = doors.shared.store.write(door).await?;
    sql::customer_key_refused(&mut scoped, key, door.now(), why.0).await?;
    scoped.commit().await
}

fn welcome(shared: &Shared, token: String, return_to: &str) -> Response {
    // A page of ours goes on, and no redirect: with one, the browser would still count it as the other site's doing and keep the
    // session's cookie to itself.
    let mut response = sign_in::page(&Said {
        status: StatusCode::OK,
        title: "You are signed in",
        text: "Your requests open by themselves.",
        next: Some((return_to, "Open the portal")),
        at_once: true,
    });
    if let Ok(value) = customer_cookie(shared, token).to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

pub(crate) fn customer_cookie(shared: &Shared, token: String) -> Cookie<'static> {
    Cookie::build((customer_cookie_name(shared.config.secure), token))
        .http_only(true)
        .secure(shared.config.secure)
        .same_site(SameSite::Strict)
        .path("/")
        .build()
}

/// What a form brought.
struct Sent {
    token: String,
    return_to: String,
}

/// The one token, from the body alone.
fn read(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Sent, Why> {
    // An address with anything behind it may hold a token, which somebody's log then holds too.
    if uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Why("query"));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Why("form"));
    }
    let (mut tokens, mut places) = (Vec::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(body) {
        match name.as_ref() {
            "token" => tokens.push(value),
            "return_to" => places.push(value),
            _ => {}
        }
    }
    let mut tokens = tokens.into_iter();
    let (Some(token), None) = (tokens.next(), tokens.next()) else { return Err(Why("form")) };
    let return_to =
        places.first().filter(|place| is_place(place)).map_or_else(|| PORTAL.to_owned(), ToString::to_string);
    Ok(Sent { token: token.into_owned(), return_to })
}

/// Whether an address is a place of the portal: nothing else is gone to.
fn is_place(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
    text.len() <= RETURN_CHARS
        && text
            .strip_prefix(PORTAL)
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix("#/").is_some_and(|rest| rest.chars().all(plain)))
}

/// Whom tries are counted for: where the connection comes from, or, behind a declared proxy, what that says. Of the sixth version's addresses, a
/// household's share.
fn address(shared: &Shared, peer: Option<IpAddr>, headers: &HeaderMap) -> Vec<u8> {
    let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let told = told.and_then(|all| all.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    let from = if shared.config.behind_proxy { told.or(peer) } else { peer };
    let bytes = match from {
        Some(IpAddr::V4(four)) => four.octets().to_vec(),
        Some(IpAddr::V6(six)) => match six.to_ipv4_mapped() {
            Some(four) => four.octets().to_vec(),
            None => (six & Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0)).octets().to_vec(),
        },
        None => Vec::new(),
    };
    // Nobody's address is kept, not even in memory.
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_places_of_the_portal_are_gone_to() {
        for place in ["/portal/", "/portal/#/requests", "/portal/#/profile", "/portal/#/a/b-c_d"] {
            assert!(is_place(place), "{place}");
        }
        for place in [
            "",
            "/",
            "/portal",
            "/app/",
            "portal/",
            "//evil.example/portal/",
            "https://evil.example/portal/",
            "/portal/../app/",
            "/portal//evil",
            "/portal/\\evil",
            "/portal/?x=1",
            "/portal/#requests",
            "/portal/#/a?b",
            "/portal/#/\"><script>",
            "/portal/#/a\nb",
            "/portal/ ",
            "javascript:alert(1)",
            "/portal/#/a%0d",
            "/PORTAL/",
        ] {
            assert!(!is_place(place), "{place}");
        }
        assert!(!is_place(&format!("/portal/#/{}", "a".repeat(RETURN_CHARS))));
    }

    #[test]
    fn a_form_brings_one_token() {
        #[track_caller]
        fn check(address: &str, kind: &str, body: &str, expected: Result<(&str, &str), Why>) {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            let sent = read(&address.parse().unwrap(), &headers, body.as_bytes());
            let sent = sent.as_ref().map(|sent| (sent.token.as_str(), sent.return_to.as_str())).map_err(|why| *why);
            assert_eq!(sent, expected, "{address} {kind} {body}");
        }
        let (here, form) = ("/portal/x/sign-in", "application/x-www-form-urlencoded");
        check(here, form, "token=a.b.c", Ok(("a.b.c", "/portal/")));
        check(here, "Application/X-WWW-Form-URLencoded; charset=utf-8", "x=1&token=a%2Eb.c", Ok(("a.b.c", "/portal/")));
        check(here, form, "token=t&return_to=%2Fportal%2F%23%2Fprofile", Ok(("t", "/portal/#/profile")));
        check(here, form, "token=t&return_to=https%3A%2F%2Fevil.example", Ok(("t", "/portal/")));
        check(here, form, "", Err(Why("form")));
        check(here, form, "token=a&token=b", Err(Why("form")));
        check(here, "application/json", "{\"token\":\"a\"}", Err(Why("form")));
        check(here, "text/plain", "token=a", Err(Why("form")));
        check("/portal/x/sign-in?token=a", form, "token=a", Err(Why("query")));
        check("/portal/x/sign-in?x=1", form, "token=a", Err(Why("query")));
    }
}
