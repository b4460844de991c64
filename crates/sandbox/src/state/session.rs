//! Who is signed in: sessions of the site's own pages, and tokens of apps.

use jiff::{SignedDuration, Timestamp};

use super::{State, model::AccountId};

/// Name of the cookie that the site's own pages set.
pub const SESSION_COOKIE: &str = "tenant.session.token";

/// How long a session of the pages lasts.
const SESSION_LASTS: SignedDuration = SignedDuration::from_hours(12);

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub account_id: AccountId,
    /// Until when.
    pub expires_at: Timestamp,
}

/// An OAuth token of an app (Forge system or user token, 3LO, or Connect acting as a person).
#[derive(Debug, Clone)]
pub struct AppToken {
    /// The app.
    pub app_id: String,
    /// Whom it acts as: the app's own account, or a person.
    pub account_id: AccountId,
    /// True when it acts as a person.
    pub on_behalf: bool,
    /// Scopes granted, classic or granular.
    pub scopes: Vec<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// True for one of a Connect app's, which is good at the site's own address and not at the gateway.
    pub at_site: bool,
}

/// An API token that was made with scopes: the site itself does not take it, the gateway does.
#[derive(Debug, Clone)]
pub struct ScopedToken {
    /// Whose.
    pub account_id: AccountId,
    /// What it is good for, classic or granular.
    pub scopes: Vec<String>,
    /// True for one that says by itself whose it is, and is not taken with an account.
    pub alone: bool,
}

impl State {
    /// Signs a person in; answers the cookie's value.
    pub fn open_session(&self, account_id: &str) -> String {
        let token = format!("{}{}", self.random_uuid().simple(), self.random_uuid().simple());
        let session = Session { account_id: account_id.to_owned(), expires_at: self.now() + SESSION_LASTS };
        self.write().sessions.insert(token.clone(), session);
        token
    }

    /// Signs out.
    pub fn close_session(&self, token: &str) {
        self.write().sessions.remove(token);
    }

    /// Who a cookie's value stands for, if it is still good.
    #[must_use]
    pub fn session_account(&self, token: &str) -> Option<AccountId> {
        let now = self.now();
        let store = self.read();
        store.sessions.get(token).filter(|s| s.expires_at > now).map(|s| s.account_id.clone())
    }

    /// Makes a token good.
    pub fn put_app_token(&self, token: &str, grant: AppToken) {
        self.write().app_tokens.insert(token.to_owned(), grant);
    }

    /// Makes an API token of somebody's that has scopes.
    pub fn give_scoped_token(&self, token: ScopedToken) -> String {
        let secret = format!("{}{}", self.random_uuid().simple(), self.random_uuid().simple());
        self.write().scoped_tokens.insert(secret.clone(), token);
        secret
    }

    /// Withdraws every token of an app.
    pub fn revoke_app_tokens(&self, app_id: &str) {
        self.write().app_tokens.retain(|_, t| t.app_id != app_id);
    }
}
