//! A script that has an API token.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::Value;

use super::{Answer, World};

/// A script with an API token.
pub(crate) struct Script<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Script<'_> {
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.world.send(request.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, &[("if-match", etag)], Some(body)).await
    }

    /// Posts with an `Idempotency-Key`.
    pub(crate) async fn posts_once(&self, key: &str, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
    }
}
