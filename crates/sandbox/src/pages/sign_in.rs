//! "Who are you today?": on a sandbox one signs in by choosing a person.

use axum::{
    extract::{Query, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    people::{self, Person},
    render, session,
    session::Viewer,
};
use crate::{
    App, auth, context_path,
    state::{
        SESSION_COOKIE, Store,
        model::{Account, AccountType},
    },
};

/// Customers offered without searching by e-mail: as many as a person still looks through.
const CUSTOMERS_MAX: usize = 120;

#[derive(Debug, Clone)]
struct Choice {
    person: Person,
    about: String,
    words: String,
}

impl From<Choice> for Value {
    fn from(choice: Choice) -> Self {
        context! { person => choice.person, about => choice.about, words => choice.words }
    }
}

#[derive(Deserialize)]
pub(super) struct Start {
    to: Option<String>,
}

pub(super) async fn choose(Shared(app): Shared<App>, headers: HeaderMap, Query(start): Query<Start>) -> Response {
    let signed_in = auth::session(&app.state, &headers).and_then(|caller| caller.account_id);
    let content = {
        let store = app.state.read();
        let people = || store.accounts.values().filter(|a| a.active && a.account_type != AccountType::App);
        let named: Vec<Choice> = ["admin", "agent", "customer"]
            .iter()
            .filter_map(|role| Some(choice(&store, store.account(&people::find(&store, role)?)?)))
            .collect();
        let is_named = |a: &Account| named.iter().any(|one| one.person.id == a.account_id);
        let team: Vec<Choice> =
            people().filter(|a| store.is_licensed(&a.account_id) && !is_named(a)).map(|a| choice(&store, a)).collect();
        let customers: Vec<Choice> = people()
            .filter(|a| !store.is_licensed(&a.account_id) && !is_named(a))
            .take(CUSTOMERS_MAX)
            .map(|a| choice(&store, a))
            .collect();
        context! {
            site => app.state.site_name(),
            color_mode => session::color_mode(&headers),
            signed_in => signed_in.map(|id| Person::of(&store, &id)),
            to => start.to.filter(|to| is_local(to)),
            named, team, customers,
            frames => app.forge.frames_url(),
            bare => true,
        }
    };
    render(&app, "sign_in.html", content, StatusCode::OK)
}

fn choice(store: &Store, account: &Account) -> Choice {
    let person = Person::of(store, &account.account_id);
    let about = people::about(store, account);
    let words = format!("{} {} {about}", person.name, account.email);
    Choice { person, about, words }
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    user: String,
    to: Option<String>,
}

/// Signs in as anybody: the door that makes a sandbox a sandbox.
pub(super) async fn sign_in(Shared(app): Shared<App>, Query(query): Query<SignIn>) -> Response {
    let (account_id, portal_only) = {
        let store = app.state.read();
        let found = people::find(&store, &query.user);
        let portal_only = found.as_ref().is_some_and(|id| !store.is_licensed(id));
        (found, portal_only)
    };
    let Some(account_id) = account_id else {
        return (StatusCode::NOT_FOUND, "Nobody here has that account id, address or role.").into_response();
    };
    let home = if portal_only { "/servicedesk/customer/portals" } else { "/jira/projects" };
    let to = query.to.filter(|to| is_local(to)).unwrap_or_else(|| home.to_owned());
    let session = app.state.open_session(&account_id);
    let secure = if app.state.site_url().starts_with("https://") { "; Secure" } else { "" };
    let path = context_path::of_cookies(&app.config.context_path);
    let cookie = format!("{SESSION_COOKIE}={session}; Path={path}; HttpOnly; SameSite=Lax{secure}");
    with_cookie(Redirect::to(&to).into_response(), &cookie)
}

pub(super) async fn sign_out(
    Shared(app): Shared<App>,
    viewer: Viewer,
    headers: HeaderMap,
    form: axum::Form<Token>,
) -> Response {
    if !viewer.owns(&form.token) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if let Some(session) = session::cookie(&headers, SESSION_COOKIE) {
        app.state.close_session(&session);
    }
    let path = context_path::of_cookies(&app.config.context_path);
    let cookie = format!("{SESSION_COOKIE}=; Path={path}; HttpOnly; SameSite=Lax; Max-Age=0");
    with_cookie(Redirect::to("/").into_response(), &cookie)
}

#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(rename = "_token")]
    token: String,
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// A path of this site; browsers take `//` and `/\` for another host.
fn is_local(to: &str) -> bool {
    to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') && !to.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_only_sent_to_this_site() {
        for (to, local) in [
            ("/browse/CARE-1?x=1#y", true),
            ("/", true),
            ("//evil.example", false),
            ("/\\evil", false),
            ("https://evil.example", false),
            ("javascript:alert(1)", false),
            ("", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_local(to), local, "{to}");
        }
    }
}
