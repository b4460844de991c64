//! The one way out: success replies let opened values go, faults become RFC 9457 problem details.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, TryStreamExt};
use host::client::ANSWER_LOST;
use kernel::{Cx, Fault, Kind};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vault::{Exit, Tally};

use crate::reading::{Looking, Way};
use crate::router::Shared;

/// A success reply. Made from a closure that is handed the audited [`Exit`], so that values leave in the reply of a
/// permitted caller and nowhere else. What shows values of people is made by [`Reply::shown`]: of any other reply through
/// which one went, nothing is sent.
pub struct Reply(Response);

/// A reply that shows people's values, and is none yet: whose they were is to be noted first.
#[must_use = "nothing leaves before `recorded`"]
pub struct Shown {
    response: Response,
    tally: Tally,
    way: Way,
}

impl Shown {
    /// Notes who sees whose values, and is a reply then.
    pub async fn recorded(self, cx: &Cx, shared: &Shared) -> kernel::Result<Reply> {
        let people = self.tally.take();
        if !people.is_empty() {
            shared.readings.record(cx, &Looking::of(cx, self.way)?, people).await?;
        }
        Ok(Reply(self.response))
    }
}

/// What nobody said in which way it is shown is not shown.
fn guarded(response: Response, tally: &Tally) -> Response {
    if tally.take().is_empty() {
        return response;
    }
    Problem(Fault::broken("reading_unnamed", "values of people in a reply that names no way of showing them"))
        .into_response()
}

impl Reply {
    /// 200 with a JSON body.
    pub fn ok<T: Serialize>(make: impl FnOnce(&Exit) -> T) -> Self {
        Self::with_status(StatusCode::OK, make)
    }

    /// 201 with a JSON body and where the new thing is.
    pub fn created<T: Serialize>(location: &str, make: impl FnOnce(&Exit) -> T) -> Self {
        Self::with_status(StatusCode::CREATED, make).header(header::LOCATION, location)
    }

    /// 204.
    pub fn empty() -> Self {
        Self(StatusCode::NO_CONTENT.into_response())
    }

    /// 200 with a JSON body that shows values of people, in this way.
    pub fn shown<T: Serialize>(way: Way, make: impl FnOnce(&Exit) -> T) -> Shown {
        let exit = Exit::audited();
        let response = (StatusCode::OK, axum::Json(make(&exit))).into_response();
        Shown { response, tally: exit.tally(), way }
    }

    fn with_status<T: Serialize>(status: StatusCode, make: impl FnOnce(&Exit) -> T) -> Self {
        let exit = Exit::audited();
        let response = (status, axum::Json(make(&exit))).into_response();
        Self(guarded(response, &exit.tally()))
    }

    /// 412 with what stands now, for the caller whose change came second: they may see it, so it may leave.
    pub fn conflict<T: Serialize>(
        detail: &'static str,
        request: kernel::RequestId,
        make: impl FnOnce(&Exit) -> T,
    ) -> Self {
        let (response, tally) = conflict(detail, request, make);
        Self(guarded(response, &tally))
    }

    /// The same, where what stands are values of people, shown in this way.
    pub fn conflict_shown<T: Serialize>(
        way: Way,
        detail: &'static str,
        request: kernel::RequestId,
        make: impl FnOnce(&Exit) -> T,
    ) -> Shown {
        let (response, tally) = conflict(detail, request, make);
        Shown { response, tally, way }
    }

    /// What is wrong with what was sent, and what may have been meant: the caller may know the names that it tells, so
    /// they may leave. For nothing else than they could have listed themselves.
    pub fn invalid<T: Serialize>(fault: &Fault, make: impl FnOnce(&Exit) -> T) -> Self {
        let exit = Exit::audited();
        let mut body = ProblemBody::of(fault, None);
        body.more = serde_json::to_value(make(&exit)).ok();
        Self(guarded(problem_response(fault, &body), &exit.tally()))
    }

    /// A named export: a file of a permitted caller, made while it is sent. Its exit lives as long as its making and no
    /// longer. The caller of this writes the export on the ledger first; whose values a piece shows, in this way, is noted
    /// before the piece is sent. A file that breaks off is cut, so that its receiver knows it for one.
    pub fn export<S>(
        (cx, shared, way): (&Cx, &Shared, Way),
        file_name: &str,
        content_type: &'static str,
        make: impl FnOnce(Exit) -> S,
    ) -> kernel::Result<Self>
    where
        S: Stream<Item = kernel::Result<Bytes>> + Send + 'static,
    {
        let request = crate::headers::current_request();
        let exit = Exit::audited();
        let (cx, readings, tally) = (cx.clone(), shared.readings.clone(), exit.tally());
        let looking = std::sync::Arc::new(Looking::of(&cx, way)?);
        // The next piece is made while the one before it is noted.
        let noted = make(exit)
            .map_ok(move |piece| {
                let (cx, readings, looking, people) = (cx.clone(), readings.clone(), looking.clone(), tally.take());
                async move {
                    readings.record(&cx, &looking, people).await?;
                    Ok(piece)
                }
            })
            .try_buffered(2);
        let pieces = noted.map_err(move |fault| {
            let cause = fault.private_source().map(ToString::to_string);
            tracing::error!(
                event = "export_broken",
                code = fault.code(),
                request = request.as_deref(),
                cause = cause.as_deref()
            );
            std::io::Error::other(fault.code())
        });
        let reply = Self((StatusCode::OK, Body::from_stream(pieces)).into_response());
        let mut reply = reply.header(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{file_name}\""));
        reply.0.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(reply)
    }

    /// Adds the version as a strong ETag.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.header(header::ETAG, &format!("\"v{version}\""))
    }

    /// Adds a header; a value that cannot stand in one is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().append(name, value);
        }
        self
    }
}

/// A named export: what a webhook tells a receiver that the tenant's administrators named. The caller of this has asked
/// whether each value in it may leave. That the receiver was told something of a person's is noted before it is: a message
/// that it then refuses counts as told.
pub async fn for_receiver<T>(
    (cx, shared, receiver): (&Cx, &Shared, Uuid),
    make: impl FnOnce(&Exit) -> T,
) -> kernel::Result<T> {
    let (told, people) = {
        let exit = Exit::audited();
        (make(&exit), exit.tally().take())
    };
    shared.readings.record(cx, &Looking::receiver(receiver), people).await?;
    Ok(told)
}

/// A named export: what is written onto an issue, where Jira shows it to whoever reads the issue. The caller of this has asked
/// whether each value in it may stand there. It is noted before it is written, also if Jira then does not take it.
pub async fn for_issue<T>((cx, shared): (&Cx, &Shared), make: impl FnOnce(&Exit) -> T) -> kernel::Result<T> {
    let (told, people) = {
        let exit = Exit::audited();
        (make(&exit), exit.tally().take())
    };
    shared.readings.record(cx, &Looking::issue(), people).await?;
    Ok(told)
}

fn conflict<T: Serialize>(
    detail: &'static str,
    request: kernel::RequestId,
    make: impl FnOnce(&Exit) -> T,
) -> (Response, Tally) {
    let exit = Exit::audited();
    let fault = Fault::conflict(detail);
    let mut body = ProblemBody::of(&fault, Some(request.to_string()));
    body.more = serde_json::to_value(make(&exit)).ok();
    (problem_response(&fault, &body), exit.tally())
}

/// An answer that was given before, given again to whoever it was given to.
pub(crate) fn replay(make: impl FnOnce(&Exit) -> kernel::Result<Response>) -> kernel::Result<Response> {
    make(&Exit::audited())
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.0
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// One wrong field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemField {
    /// JSON pointer into what was sent.
    pub pointer: String,
    /// Stable code.
    #[schema(example = "too_long")]
    pub code: String,
    /// What to do.
    pub detail: String,
    /// The bound that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Problem details, RFC 9457.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// Always `about:blank`: `code` tells kinds apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    pub detail: String,
    /// Stable code.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// Names the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The wrong fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// On a conflict: `current` or `conflicts`, what stands now. Of a query: `mistakes`, each at its place.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub more: Option<serde_json::Value>,
}

impl ProblemBody {
    /// A fault's public half.
    pub fn of(fault: &Fault, request_id: Option<String>) -> Self {
        let status = status_of(fault);
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: fault.text().to_owned(),
            code: fault.code(),
            request_id,
            errors: fault
                .fields()
                .iter()
                .map(|field| ProblemField {
                    pointer: field.pointer.clone(),
                    code: field.code.to_owned(),
                    detail: field.detail.clone(),
                    limit: field.limit,
                })
                .collect(),
            more: None,
        }
    }
}

pub(crate) fn status_of(fault: &Fault) -> StatusCode {
    match (fault.kind(), fault.code()) {
        (Kind::NotFound, _) => StatusCode::NOT_FOUND,
        (Kind::Unauthenticated, _) => StatusCode::UNAUTHORIZED,
        (Kind::Refused, _) => StatusCode::FORBIDDEN,
        (Kind::Invalid, "too_large") => StatusCode::PAYLOAD_TOO_LARGE,
        (Kind::Invalid, "media_type") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        (Kind::Invalid, "method") => StatusCode::METHOD_NOT_ALLOWED,
        (Kind::Invalid, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (Kind::Conflict, "conflict") => StatusCode::PRECONDITION_FAILED,
        (Kind::Conflict, "precondition_required") => StatusCode::PRECONDITION_REQUIRED,
        (Kind::Conflict, _) => StatusCode::CONFLICT,
        (Kind::Busy, "rate_limited") => StatusCode::TOO_MANY_REQUESTS,
        // Programs send again by themselves what was answered with 503, and it would be there twice.
        (Kind::Busy, ANSWER_LOST) => StatusCode::CONFLICT,
        (Kind::Busy, _) => StatusCode::SERVICE_UNAVAILABLE,
        (Kind::Broken, _) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn problem_response(fault: &Fault, body: &ProblemBody) -> Response {
    let mut response = (status_of(fault), axum::Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if fault.kind() == Kind::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let retry = fault.retry_after().map(|after| after.as_secs().max(1));
    let busy = fault.kind() == Kind::Busy && fault.code() != ANSWER_LOST;
    let soon = busy || fault.code() == "idempotency_in_progress";
    let retry = retry.or(soon.then_some(1));
    if let Some(Ok(seconds)) = retry.map(|seconds| HeaderValue::from_str(&seconds.to_string())) {
        headers.insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// A fault on its way out. The request id is put in by the outermost layer, which knows it.
pub struct Problem(pub Fault);

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Logged here, once: where it is handled. Sources are the database's and the network's errors; values reach both
        // as ciphertext, and the leak tests search what is logged.
        let request = crate::headers::current_request();
        if self.0.kind() == Kind::Broken {
            let cause = self.0.private_source().map(|source| source.to_string());
            tracing::error!(
                event = "request_broken",
                code = self.0.code(),
                request = request.as_deref(),
                cause = cause.as_deref()
            );
        }
        let shown = (self.0.kind() == Kind::Broken || self.0.kind() == Kind::Busy).then_some(request).flatten();
        problem_response(&self.0, &ProblemBody::of(&self.0, shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_when_to_send_again_what_may_have_been_done() {
        #[track_caller]
        fn check(fault: Fault, status: StatusCode, retry_after: Option<&str>) {
            let response = Problem(fault).into_response();
            let told = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            assert_eq!((response.status(), told), (status, retry_after));
        }
        check(Fault::busy("jira_unavailable", "", None), StatusCode::SERVICE_UNAVAILABLE, Some("1"));
        check(Fault::busy(ANSWER_LOST, "", None), StatusCode::CONFLICT, None);
    }

    #[test]
    fn a_persons_value_does_not_leave_in_a_reply_that_names_no_way() {
        #[track_caller]
        fn check(reply: Reply, status: StatusCode) {
            assert_eq!(reply.into_response().status(), status);
        }
        let Ok(account) = kernel::AccountId::new("5b10ac8d82e05b22cc7d4ef5") else { return };
        let shows = |exit: &Exit| {
            exit.shows(&account);
            "what they said"
        };
        let fault = Fault::invalid("invalid", "No.");
        check(Reply::ok(|_| "a field's name"), StatusCode::OK);
        check(Reply::ok(shows), StatusCode::INTERNAL_SERVER_ERROR);
        check(Reply::created("/here", shows), StatusCode::INTERNAL_SERVER_ERROR);
        check(Reply::invalid(&fault, shows), StatusCode::INTERNAL_SERVER_ERROR);
        check(Reply::conflict("No.", kernel::RequestId::fresh(), shows), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
