//! An app's remote: it listens, remembers what it got, and answers as it was told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn token(&self) -> &str {
        self.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
    }
}

/// What to answer.
pub(crate) enum Answer {
    Json(u16, Value),
    Text(u16, &'static str, &'static str),
    Redirect(String),
    Never,
}

#[derive(Clone)]
pub(crate) struct Remote {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    arrived: Arc<watch::Sender<Vec<Arrived>>>,
    pub(crate) url: String,
}

impl Remote {
    /// Listens on a free port; answers 200 `{}` to what no answer was set for.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let remote = Self { answers: Arc::default(), arrived: Arc::new(watch::channel(Vec::new()).0), url };
        let router = Router::new().fallback(answer).with_state(remote.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        remote
    }

    /// Sets the next answers.
    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.borrow().clone()
    }

    /// Waits until so many requests have arrived on a path, and gives them.
    pub(crate) async fn wait(&self, path: &str, count: usize) -> Vec<Arrived> {
        let on =
            |all: &Vec<Arrived>| -> Vec<Arrived> { all.iter().filter(|one| one.uri.path() == path).cloned().collect() };
        let mut watched = self.arrived.subscribe();
        let all = watched.wait_for(|all| on(all).len() >= count).await.unwrap();
        on(&all)
    }
}

async fn answer(State(remote): State<Remote>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    remote.arrived.send_modify(|all| all.push(Arrived { method, uri, headers, body }));
    let answer = remote.answers.lock().unwrap().pop_front();
    match answer {
        None => axum::Json(serde_json::json!({})).into_response(),
        Some(Answer::Json(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), [("x-two", "a")], axum::Json(body)).into_response()
        }
        Some(Answer::Text(status, kind, text)) => {
            (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], text).into_response()
        }
        Some(Answer::Redirect(to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Some(Answer::Never) => std::future::pending().await,
    }
}
