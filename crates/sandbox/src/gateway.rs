//! The two addresses of a site: its own, and `api.atlassian.com/ex/jira/{cloudId}`, whose paths are
//! answered here too. Apps' tokens are good only at the second.
//!
//! What comes before the site sees a request stands here: faults strike, and version 2 of the API is
//! turned into version 3.

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, Uri},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};

use crate::{
    App,
    connect::AsSent,
    faults::Fate,
    limits,
    line::Cut,
    rest::{error::ApiError, version_two},
};

/// Marks a request that came by the gateway's paths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThroughGateway;

const PREFIX: &str = "/ex/jira/";
/// Says of an answer that a fault gave it, and not the site; no Jira has such a header.
pub(crate) const FAULT: &str = "x-sandbox-fault";
/// What is the sandbox's own and no Jira's: no fault strikes it, so that faults can be taken back.
const OWN: &str = "/sandbox/";

/// Puts the gateway in front of a site. Rewriting must happen before routing, so the site's router
/// is only a fallback of the outer one.
pub(crate) fn wrap(site: Router, app: &App) -> Router {
    Router::new().fallback_service(site).layer(middleware::from_fn_with_state(app.clone(), rewrite))
}

async fn rewrite(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let sent = AsSent(request.uri().clone());
    request.extensions_mut().insert(sent);
    let path_and_query = request.uri().path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
    if let Some(rest) = path_and_query.strip_prefix(PREFIX) {
        let (cloud_id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if cloud_id != app.state.cloud_id() {
            return ApiError::no_such_cloud().into_response();
        }
        let Ok(uri) = format!("/{rest}").parse::<Uri>() else {
            return ApiError::no_such_cloud().into_response();
        };
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ThroughGateway);
    }
    let line = request.extensions().get::<ConnectInfo<Cut>>().map(|ConnectInfo(line)| line.clone());
    let afterwards = match misfortune(&app, request.method().clone(), request.uri().path().to_owned(), line).await {
        Befallen::Instead(answer) => return answer,
        Befallen::Afterwards(what) => Some(what),
        Befallen::Nothing => None,
    };
    let answer = match version_two::third(request.uri()) {
        Some(third) => version_two::serve(&app, request, third, next).await,
        None => next.run(request).await,
    };
    match afterwards {
        Some(what) => what.befalls(answer),
        None => answer,
    }
}

/// What befell a request.
pub(crate) enum Befallen {
    Nothing,
    /// It never reached the site; this is what its sender gets.
    Instead(Response),
    /// The site does it, and then this befalls its answer.
    Afterwards(Unheard),
}

/// What befalls the answer to what was done.
pub(crate) enum Unheard {
    /// This line is cut.
    Cut(Option<Cut>),
    /// An error is answered in its place.
    Error(u16),
}

impl Unheard {
    /// What is left of an answer.
    pub(crate) fn befalls(self, answer: Response) -> Response {
        match self {
            Self::Cut(line) => {
                if let Some(line) = line {
                    line.hang_up();
                }
                answer
            }
            Self::Error(status) => commanded(ApiError::gateway(status).into_response()),
        }
    }
}

fn commanded(mut answer: Response) -> Response {
    answer.headers_mut().insert(HeaderName::from_static(FAULT), HeaderValue::from_static("1"));
    answer
}

fn instead(answer: Response) -> Befallen {
    Befallen::Instead(commanded(answer))
}

/// What befalls a request before the site sees it, by the faults in force.
pub(crate) async fn misfortune(app: &App, method: Method, path: String, line: Option<Cut>) -> Befallen {
    if path.starts_with(OWN) {
        return Befallen::Nothing;
    }
    let faults = app.state.faults();
    let mut from = 0;
    loop {
        let Some(fate) = faults.fate(&method, &path, from) else { return Befallen::Nothing };
        match fate {
            Fate::Wait(time, next) => {
                // Other faults came meanwhile: what was held up goes on unharmed.
                if !faults.wait(time).await {
                    return Befallen::Nothing;
                }
                from = next;
            }
            Fate::Limited(reason, wait) => {
                return instead(limits::commanded(reason, wait, app.state.now(), &app.config));
            }
            Fate::Error(status) => return instead(ApiError::gateway(status).into_response()),
            Fate::Lost => return Befallen::Afterwards(Unheard::Cut(line)),
            Fate::Stumbled(status) => return Befallen::Afterwards(Unheard::Error(status)),
            Fate::Closed => {
                if let Some(line) = line {
                    line.hang_up();
                }
                // Never written: the line is cut.
                return Befallen::Instead(ApiError::gateway(503).into_response());
            }
        }
    }
}
