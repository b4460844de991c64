//! Pages of apps: the address of each, signed for whoever looks, and the site's page that shows it in a frame.
//!
//! Start reading at [`Host::open`].

use std::sync::Arc;

use axum::{Json, http::HeaderMap};
use axum::{
    Router,
    extract::{Path, Query, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use minijinja::context;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Host, Installation, Page, conditions::Onlooker, token};
use crate::{
    App,
    access::Access,
    auth::Caller,
    pages::{self, session::Viewer},
    state::model::AccountId,
};

/// The frame's half of the bridge.
const BRIDGE: &str = include_str!("../../static/all.js");

/// What a page is about.
#[derive(Debug, Default, Clone, Deserialize)]
pub(crate) struct Place {
    /// The issue's key or id.
    pub(crate) issue: Option<String>,
}

/// A page as somebody is shown it.
pub struct Opened {
    /// Its signed address.
    pub url: String,
    /// What the page would be given when it asks for a token.
    pub token: String,
    /// What its app says of it.
    pub page: Page,
}

impl Host {
    /// Opens a page of an app's for somebody.
    ///
    /// # Errors
    /// In words: there is no such page, or they may not see it.
    pub(crate) fn open(
        &self,
        app: &Installation,
        key: &str,
        account_id: &AccountId,
        place: &Place,
    ) -> Result<Opened, &'static str> {
        if !app.enabled {
            return Err("the app is switched off");
        }
        let page = app.descriptor.page(key).ok_or("the app has no such page")?;
        let site = self.site().map_err(|_| "the site has not started")?;
        let store = site.state.read();
        let caller = Caller::person(account_id);
        let access = Access::new(&store, &caller);
        let may = match page.kind.as_str() {
            "adminPages" | "configurePage" => access.site_admin(),
            "generalPages" | "dialogs" => access.licensed(),
            _ => true,
        };
        if !may {
            return Err("they may not open this page");
        }
        let (issue, project) = match &place.issue {
            Some(named) => {
                let issue = store.issue(named).filter(|issue| access.browse(issue) || access.see_request(issue));
                let issue = issue.ok_or("there is no such issue, or they may not see it")?;
                let project = store.project(&issue.project_id).ok_or("there is no such project")?;
                (Some(issue), Some(project))
            }
            None => (None, None),
        };
        let onlooker = Onlooker {
            store: &store,
            access,
            account_id,
            app: &app.descriptor.key,
            issue: issue.map(AsRef::as_ref),
            project,
        };
        onlooker.sees(page)?;
        let about = match (issue, project) {
            (Some(issue), Some(project)) => json!({
                "issue": {"id": issue.id.to_string(), "key": issue.key},
                "project": {"id": project.id, "key": project.key},
            }),
            _ => json!({}),
        };
        let now = site.state.now();
        let mut url = Url::parse(&app.descriptor.address(&filled(&page.url, &about))).map_err(|_| "no address")?;
        let origin =
            Url::parse(site.state.site_url()).map_or_else(|_| String::new(), |u| u.origin().ascii_serialization());
        url.query_pairs_mut().extend_pairs([
            ("xdm_e", origin.as_str()),
            ("xdm_c", &format!("channel-{}__{key}", app.descriptor.key)),
            ("cp", ""),
            ("xdm_deprecated_addon_key_do_not_use", &app.descriptor.key),
            ("lic", "none"),
            ("cv", "1001.0.0"),
        ]);
        let context = json!({"jira": about, "user": {"accountId": account_id}});
        let (path, query) = app.descriptor.below(url.as_str()).ok_or("an address beside the app")?;
        let hash = token::hash("GET", &path, &query);
        let signed = token::of_site(app, &hash, Some(account_id), &context, now).ok_or("signing failed")?;
        url.query_pairs_mut().append_pair("jwt", &signed);
        let token = token::of_context(app, account_id, &context, now).ok_or("signing failed")?;
        Ok(Opened { url: url.into(), token, page: page.clone() })
    }

    /// The panels of apps beside an issue, as far as somebody may see them: each with the app that has it.
    pub(crate) fn panels(&self, account_id: &AccountId, issue: &str) -> Vec<(Arc<Installation>, Page)> {
        let place = Place { issue: Some(issue.to_owned()) };
        let mut found = Vec::new();
        for app in self.installed() {
            let beside = app.descriptor.pages.iter().filter(|page| page.beside_issues());
            let seen = beside.filter(|page| self.open(&app, &page.key, account_id, &place).is_ok());
            found.extend(seen.map(|page| (app.clone(), page.clone())));
        }
        found
    }

    /// Origins that the site's pages may frame.
    pub(crate) fn framed(&self) -> Vec<String> {
        let apps = self.installed();
        let origin = |app: &Arc<Installation>| Url::parse(&app.descriptor.base_url).ok();
        apps.iter().filter_map(origin).map(|url| url.origin().ascii_serialization()).collect()
    }
}

/// An address with what it is about in the place of `{…}`; nothing where there is nothing.
fn filled(address: &str, about: &Value) -> String {
    let mut made = String::new();
    let mut rest = address;
    while let Some((before, after)) = rest.split_once('{') {
        made.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        let found = about.pointer(&format!("/{}", name.replace('.', "/"))).and_then(Value::as_str).unwrap_or_default();
        made.extend(url::form_urlencoded::byte_serialize(found.as_bytes()));
        rest = after;
    }
    made.push_str(rest);
    made
}

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/connect/all.js", get(bridge))
        .route("/plugins/servlet/ac/{app}/{module}", get(show))
        .route("/connect/bridge/token", post(fresh))
        .route("/connect/bridge/frame", post(framed))
}

async fn bridge() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Pages of other origins load it.
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, BRIDGE).into_response()
}

async fn show(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((key, module)): Path<(String, String)>,
    Query(place): Query<Place>,
) -> Response {
    let id = viewer.id().to_owned();
    let installed = app.connect.installation(&key);
    let opened = installed
        .as_deref()
        .ok_or("the app is not installed")
        .and_then(|one| app.connect.open(one, &module, &id, &place));
    match opened {
        Ok(opened) => {
            let content = context! {
                title => opened.page.name, src => opened.url, app => key, module, issue => place.issue,
            };
            pages::page(&app, &viewer, "connect_page.html", content)
        }
        Err(why) => pages::message(&app, &viewer, StatusCode::NOT_FOUND, "We can’t show that page", why),
    }
}

/// The frame for which a page of the site's asks.
#[derive(Deserialize)]
struct Framed {
    app: String,
    module: String,
    issue: Option<String>,
}

/// What is said of a frame that is not opened.
type Refused = (StatusCode, &'static str);

/// Opens the page of a frame, for whoever's page asks with its token.
fn opened(app: &App, viewer: &Viewer, headers: &HeaderMap, asked: Framed) -> Result<Opened, Refused> {
    let sent = headers.get(pages::session::TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !viewer.owns(sent) {
        return Err((StatusCode::FORBIDDEN, "no page of theirs asks this"));
    }
    let gone = |why| (StatusCode::NOT_FOUND, why);
    let installed = app.connect.installation(&asked.app).ok_or_else(|| gone("the app is not installed"))?;
    let id = viewer.id().to_owned();
    let place = Place { issue: asked.issue };
    app.connect.open(&installed, &asked.module, &id, &place).map_err(gone)
}

fn answered(made: Result<Value, Refused>) -> Response {
    match made {
        Ok(answer) => Json(answer).into_response(),
        Err((status, why)) => (status, Json(json!({"error": why}))).into_response(),
    }
}

/// A new context token for the page that a frame shows.
async fn fresh(Shared(app): Shared<App>, viewer: Viewer, headers: HeaderMap, Json(asked): Json<Framed>) -> Response {
    let made = opened(&app, &viewer, &headers, asked);
    answered(made.map(|opened| json!({"token": opened.token})))
}

/// The signed address of a page for a frame that is filled only now: a panel that somebody opens, a dialog. One from when the page around
/// it was made would no longer be taken.
async fn framed(Shared(app): Shared<App>, viewer: Viewer, headers: HeaderMap, Json(asked): Json<Framed>) -> Response {
    let made = opened(&app, &viewer, &headers, asked);
    answered(made.map(|opened| json!({"url": opened.url, "name": opened.page.name})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_addresses() {
        let about = json!({"issue": {"id": "1", "key": "A&B-1"}});
        let check = |address: &str, expected: &str| assert_eq!(filled(address, &about), expected);
        check("/p?i={issue.id}&k={issue.key}", "/p?i=1&k=A%26B-1");
        check("/p?x={project.key}", "/p?x=");
        check("/p", "/p");
    }
}
