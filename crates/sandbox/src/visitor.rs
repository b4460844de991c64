//! The people of a running site as the program that started it shows them: who there is to be, and a token as a page
//! of theirs would be given it.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{Running, connect, forge, pages::people, state::AppToken};

/// A token's answer is a few kilobytes.
const ANSWER_BYTES: usize = 64 * 1024;

/// Somebody to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Their account.
    pub account_id: String,
    /// Their name.
    pub display_name: String,
    /// Their address.
    pub email: String,
    /// On a Data Center, the name with which they sign in; empty on Cloud.
    pub username: String,
    /// On a Data Center, what stays when the name changes; empty on Cloud.
    pub user_key: String,
    /// Their API token, for Basic authentication with the address, if they have one; on a Data Center, their personal
    /// access token.
    pub api_token: Option<String>,
    /// Opened in a browser, it signs in as them.
    pub sign_in: String,
}

impl Running {
    /// Somebody by account id, address, or one of `admin`, `agent`, `customer`.
    #[must_use]
    pub fn visitor(&self, who: &str) -> Option<Visitor> {
        let store = self.app.state.read();
        let account = store.account(&people::find(&store, who)?)?;
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("user", &account.account_id).finish();
        Some(Visitor {
            account_id: account.account_id.clone(),
            display_name: account.display_name.clone(),
            email: account.email.clone(),
            username: account.username.clone(),
            user_key: account.user_key.clone(),
            api_token: account.api_tokens.first().cloned(),
            sign_in: format!("{}/sandbox/login?{query}", self.url()),
        })
    }

    /// Every token that the site gave to apps for people and still takes: for whoever looks for them where none must lie.
    #[must_use]
    pub fn granted_tokens(&self) -> Vec<String> {
        let mut tokens = self.app.grants.refresh_tokens();
        let store = self.app.state.read();
        tokens.extend(store.app_tokens.iter().filter(|(_, token)| token.on_behalf).map(|(secret, _)| secret.clone()));
        tokens
    }

    /// What somebody granted to apps by OAuth 2.0 is taken back, as they do in their profile: no token of theirs is good any more, and none can be
    /// renewed. False for nobody.
    #[must_use]
    pub fn take_back_grants(&self, who: &str) -> bool {
        let Some(account) = people::find(&self.app.state.read(), who) else { return false };
        self.app.grants.take_back(&account);
        let clients: Vec<&str> = self.app.config.oauth.iter().map(|client| client.id.as_str()).collect();
        let theirs = |token: &AppToken| token.account_id == account && clients.contains(&token.app_id.as_str());
        self.app.state.write().app_tokens.retain(|_, token| !theirs(token));
        true
    }

    /// A page of a Connect app's as `user` is shown it.
    ///
    /// # Errors
    /// Why it is not shown, in words.
    pub fn connect_page(
        &self,
        app: &str,
        user: &str,
        module: &str,
        issue: Option<&str>,
    ) -> Result<connect::Opened, &'static str> {
        let account = people::find(&self.app.state.read(), user).ok_or("nobody here is called so")?;
        let installed = self.app.connect.installation(app).ok_or("the app is not installed")?;
        self.app.connect.open(&installed, module, &account, &connect::Place { issue: issue.map(str::to_owned) })
    }

    /// An invocation token as the page of `module` would be given it, through `POST /sandbox/token` itself.
    ///
    /// # Errors
    /// What that door answers, in words.
    pub async fn page_token(&self, user: &str, module: &str, issue: Option<&str>) -> Result<String, String> {
        let ask = json!({"user": user, "module": module, "issue": issue});
        let request = Request::post("/sandbox/token")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(ask.to_string()))
            .map_err(|error| error.to_string())?;
        let Ok(answer) = forge::router(&self.app).oneshot(request).await;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), ANSWER_BYTES).await.map_err(|error| error.to_string())?;
        let said: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if status == StatusCode::OK { Ok(text("token")) } else { Err(text("error")) }
    }
}
