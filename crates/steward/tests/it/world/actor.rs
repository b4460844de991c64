//! Somebody who acts on a page.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::{Answer, CONNECT_APP, World};

/// Somebody on a page of ours, who proves who they are as its site does: by a fresh invocation token for each request, by Connect's context
/// token, or by the session that began when they signed in.
pub(crate) struct Actor<'w> {
    pub(crate) world: &'w World,
    pub(crate) jira: &'w sandbox::Running,
    pub(crate) who: String,
    pub(crate) module: String,
    pub(crate) issue: Option<String>,
}

impl Actor<'_> {
    /// What Steward calls them.
    pub(crate) fn account(&self) -> String {
        if self.signs_in() {
            let asking = Box::pin(async { self.world.session(self.jira, &self.who).await.account });
            return tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asking));
        }
        self.jira.visitor(&self.who).unwrap().account_id
    }

    /// Whether nothing in Jira vouches for them.
    fn signs_in(&self) -> bool {
        self.jira.forge().installed().is_empty() && self.jira.connect().installation(CONNECT_APP).is_none()
    }

    pub(crate) async fn token(&self) -> String {
        self.jira.page_token(&self.who, &self.module, self.issue.as_deref()).await.unwrap()
    }

    /// What a page of theirs sends: an invocation token of Forge's, or Connect's context token where the site has that app.
    async fn authorization(&self) -> String {
        if !self.jira.forge().installed().is_empty() {
            return format!("Bearer {}", self.token().await);
        }
        format!("JWT {}", self.connect_page().token)
    }

    /// The page as Connect shows it.
    pub(crate) fn connect_page(&self) -> sandbox::connect::Opened {
        self.jira.connect_page(CONNECT_APP, &self.who, &self.module, self.issue.as_deref()).unwrap()
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, etag: Option<&str>, body: Option<Value>) -> Answer {
        let ends = method == Method::DELETE && path == "/api/v1/session";
        let mut request = Request::builder().method(method).uri(path);
        request = if self.signs_in() {
            // On the heap, as whatever signs people in: what carries it about must fit a test's stack.
            let session = Box::pin(self.world.session(self.jira, &self.who)).await;
            request.header(header::COOKIE, session.cookie).header("x-csrf-token", session.csrf)
        } else {
            request.header(header::AUTHORIZATION, self.authorization().await)
        };
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let answer = Box::pin(self.world.send(request.unwrap())).await;
        if ends && answer.status == 204 {
            self.world.forget_session(self.jira, &self.who).await;
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, None, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(etag), Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.ask(Method::PATCH, path, Some(etag), Some(body)).await
    }

    /// Defines a field and answers it.
    pub(crate) async fn defines(&self, field: Value) -> Value {
        self.post("/api/v1/fields", field).await.expect(201).body
    }

    /// Defines a text field of customers with this name.
    pub(crate) async fn defines_text(&self, name: &str, audience: &str) -> String {
        let field = json!({"entity": "customer", "type": "text", "name": name, "audience": audience});
        self.defines(field).await["id"].as_str().unwrap().to_owned()
    }

    /// Writes a value that was not there before, or over what was read just now.
    pub(crate) async fn writes(&self, owner: &str, field: &str, value: Value) -> Answer {
        let path = format!("/api/v1/customers/{owner}/values/{field}");
        let standing = self.get(&format!("/api/v1/customers/{owner}/values")).await.expect(200).body;
        let version = standing["values"]
            .as_array()
            .unwrap()
            .iter()
            .find(|value| value["fieldId"] == field)
            .map_or(0, |value| value["version"].as_i64().unwrap());
        self.put(&path, &format!("\"v{version}\""), json!({"value": value})).await
    }
}
