//! Requests that are sent twice and done once: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07) on POST
//! and PATCH, for tokens and bearer sessions.
//!
//! The claim on a key is written by the request's own change, in its transaction (`store::claims`). So whatever happens
//! to this process, a request whose change stands is never done again, and one that changed nothing may be sent again.
//! The answer is kept beside the claim, sealed, for a day. It is put together after the commit: if the process dies in
//! between, whoever asks again is told that it was done and that its answer is lost.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::SignedDuration;
use kernel::{Claim, Cx, Fault, KeyClass, Result, limits};
use serde::{Deserialize, Serialize};
use store::claims::{self, Came};
use vault::{Exit, Place, Subject};
use zeroize::Zeroize;

use crate::body::too_large;
use crate::caller::{self, Known};
use crate::headers;
use crate::reply::Problem;
use crate::router::Shared;

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Characters of a key; what others that take such keys agree on.
const KEY_CHARS: usize = 255;
/// Headers of an answer that are part of it; the others are made anew.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
/// An answer as it was sent: far above what any of ours has, far below what would hurt.
const ANSWER_BYTES: usize = 8_000_000;

/// An answer, as it is sealed.
#[derive(Default, Serialize, Deserialize, Zeroize)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    /// Deflated, then base64: a list of a thousand outcomes fits a sealed column.
    body: String,
}

/// Keys whose requests this node is doing now.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashSet<[u8; 32]>>>);

/// A key's place among them, given back when dropped.
struct Doing {
    all: InFlight,
    key: [u8; 32],
}

impl InFlight {
    fn enter(&self, key: [u8; 32]) -> Option<Doing> {
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        entered.then(|| Doing { all: self.clone(), key })
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Answers a request with an `Idempotency-Key`: from what is kept, or by doing it. Others pass.
pub(crate) async fn once(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let takes_key = matches!(*request.method(), Method::POST | Method::PATCH);
    if !takes_key || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    match answer(&shared, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(shared: &Shared, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = read_key(&parts.headers)?;
    let known = caller::prove(shared, &parts).await?;
    let Some(caller) = known.script() else {
        let detail = "Only API tokens and bearer sessions send an Idempotency-Key; leave it out.";
        return Err(Fault::invalid_field("/Idempotency-Key", "not_allowed", detail).into());
    };
    let cx = known.cx().clone();
    let body = to_bytes(body, limits::BODY_BYTES).await.map_err(|_| too_large())?;
    let hashes = shared.vault.keys(&cx, KeyClass::Index, Subject::Tenant).await?;
    let claim = Claim::new(
        hashes.hash("idempotency key", &joined(&[&caller, key.as_bytes()]))?,
        hashes.hash("idempotency request", &fingerprint(&parts, &body))?,
        cx.now(),
    );
    let Some(doing) = shared.in_flight.enter(claim.key) else { return Err(claims::taken().into()) };
    if let Some(kept) = kept(shared, &cx, &claim).await? {
        return Ok(kept);
    }
    let claim = Arc::new(claim);
    parts.extensions.insert(known.claiming(claim.clone()));
    let request = Request::from_parts(parts, Body::from(body));
    // Whoever asked may hang up and ask again: what was begun is finished all the same, and its answer kept.
    let shared = shared.clone();
    let done = tokio::spawn(headers::within(headers::request_id(), async move {
        let _doing = doing;
        let response = next.run(request).await;
        if claim.stands() { keep(&shared, &cx, &claim, response).await } else { response }
    }));
    match done.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(response) => Ok(response),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_stopped)) => Err(Fault::busy("stopping", "The server is stopping. Send it again.", None).into()),
    }
}

/// The key, as the draft writes it (a quoted string) or bare, as many clients do.
fn read_key(headers: &HeaderMap) -> Result<String> {
    let wrong = |detail: &'static str| Fault::invalid_field("/Idempotency-Key", "format", detail);
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else { return Err(wrong("Send one Idempotency-Key.")) };
    let text = value.to_str().unwrap_or_default().trim();
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',');
    if bare.is_empty() || bare.len() > KEY_CHARS || !bare.chars().all(legal) {
        return Err(wrong(
            "An Idempotency-Key has 1 to 255 letters, digits and signs, without spaces: a UUID is good.",
        ));
    }
    Ok(bare.to_owned())
}

/// Parts with each one's length before it, so that no two lists are alike.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts {
        whole.extend_from_slice(&(part.len() as u64).to_be_bytes());
        whole.extend_from_slice(part);
    }
    whole
}

/// What makes two requests the same.
fn fingerprint(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let before = parts.headers.get(header::IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    joined(&[parts.method.as_str().as_bytes(), target.as_bytes(), before, body])
}

fn place(claim: &Claim) -> Place {
    Place::new(claims::ANSWER, claims::row_name(&claim.key))
}

/// What is known of the key: an answer to give again, or why there is none. Nothing: it is new.
async fn kept(shared: &Shared, cx: &Cx, claim: &Claim) -> Result<Option<Response>> {
    let found = claims::get::<Answer>(&mut shared.store.read(cx).await?, &claim.key, cx.now()).await?;
    let Some(found) = found else { return Ok(None) };
    if found.request != claim.request {
        return Err(Fault::invalid(
            "idempotency_mismatch",
            "This Idempotency-Key was used for another request. Use a new key for each request.",
        ));
    }
    match found.came {
        Came::Answered(sealed) => {
            let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
            let answer = keys.open(&place(claim), &sealed)?;
            crate::reply::replay(|exit| rebuilt(answer.release(exit), exit)).map(Some)
        }
        // Another node is putting its answer together: it has no longer than a request takes.
        Came::Begun if cx.now().duration_since(found.at) < request_time() => Err(claims::taken()),
        Came::Begun | Came::Lost => Err(Fault::duplicate(
            "idempotency_answer_lost",
            "This request was done, but its answer was lost on our side. It is not done again: read what stands now.",
        )),
    }
}

fn request_time() -> SignedDuration {
    SignedDuration::try_from(limits::REQUEST_TIME).unwrap_or(SignedDuration::MAX)
}

/// Keeps the answer to a request whose change stands, and gives it.
async fn keep(shared: &Shared, cx: &Cx, claim: &Claim, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, ANSWER_BYTES).await {
        Ok(body) => body,
        Err(error) => return Problem(Fault::broken("idempotency_answer", error)).into_response(),
    };
    // Whoever asked gets their answer, kept or not: without it a repetition is told that it is lost.
    if let Err(fault) = put(shared, cx, claim, &parts, &body).await {
        tracing::error!(event = "idempotency_answer_not_kept", code = fault.code());
    }
    Response::from_parts(parts, Body::from(body))
}

async fn put(shared: &Shared, cx: &Cx, claim: &Claim, parts: &axum::http::response::Parts, body: &Bytes) -> Result<()> {
    // The change stands, yet what would be kept says that the server broke: better no answer than that one for a day.
    let sealed = if parts.status.is_server_error() { None } else { Some(seal(shared, cx, claim, parts, body).await?) };
    let mut scoped = shared.store.write(cx).await?;
    match sealed {
        Some(sealed) => claims::answered(&mut scoped, claim, sealed).await?,
        None => claims::lost(&mut scoped, claim).await?,
    }
    scoped.commit().await
}

async fn seal(
    shared: &Shared,
    cx: &Cx,
    claim: &Claim,
    parts: &axum::http::response::Parts,
    body: &Bytes,
) -> Result<kernel::Sealed<Answer>> {
    let broken = |error| Fault::broken("idempotency_answer", error);
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflated.write_all(body).map_err(broken)?;
    let mut answer = Answer {
        status: parts.status.as_u16(),
        headers: KEPT_HEADERS
            .iter()
            .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())))
            .collect(),
        body: STANDARD_NO_PAD.encode(deflated.finish().map_err(broken)?),
    };
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let sealed = keys.seal(&place(claim), &answer);
    answer.zeroize();
    sealed
}

fn rebuilt(mut answer: Answer, _exit: &Exit) -> Result<Response> {
    let broken = |error: &'static str| Fault::broken("idempotency_answer", error);
    let deflated = STANDARD_NO_PAD.decode(&answer.body).map_err(|_| broken("not base64"))?;
    let mut body = Vec::new();
    let bound = u64::try_from(ANSWER_BYTES).unwrap_or(u64::MAX);
    DeflateDecoder::new(deflated.as_slice()).take(bound).read_to_end(&mut body).map_err(|_| broken("not deflated"))?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| broken("no status"))?;
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer.zeroize();
    Ok(response)
}

impl Known {
    /// The same, with a claim that its change writes.
    fn claiming(self, claim: Arc<Claim>) -> Self {
        match self {
            Self::Person(mut caller) => {
                caller.cx = caller.cx.claiming(claim);
                Self::Person(caller)
            }
            Self::Token(cx) => Self::Token(cx.claiming(claim)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string_or_bare() {
        #[track_caller]
        fn check(sent: &[&str], expected: Option<&str>) {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
            }
            assert_eq!(read_key(&headers).ok().as_deref(), expected, "{sent:?}");
        }
        check(&["\"8e03978e-40d5-43dd-bc93-6894a57f9324\""], Some("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        check(&["8e03978e-40d5-43dd-bc93-6894a57f9324"], Some("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        check(&["order:2026/11#1"], Some("order:2026/11#1"));
        check(&[&"k".repeat(255)], Some(&"k".repeat(255)));
        check(&[&"k".repeat(256)], None);
        check(&["\"\""], None);
        check(&[""], None);
        check(&["a b"], None);
        check(&["a, b"], None);
        check(&["\"a"], None);
        check(&["a", "a"], None);
    }

    #[test]
    fn no_two_lists_of_parts_are_alike() {
        assert_ne!(joined(&[b"ab", b"c"]), joined(&[b"a", b"bc"]));
        assert_ne!(joined(&[b"", b"a"]), joined(&[b"a", b""]));
    }

    #[test]
    fn a_key_is_done_by_one_at_a_time() {
        let all = InFlight::default();
        let first = all.enter([1; 32]);
        assert!(first.is_some());
        assert!(all.enter([1; 32]).is_none());
        assert!(all.enter([2; 32]).is_some());
        drop(first);
        assert!(all.enter([1; 32]).is_some());
    }
}
