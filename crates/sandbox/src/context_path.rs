//! A Data Center below a path of its address, as Tomcat serves a Jira that has a context path: nothing of the site is
//! elsewhere, and every address that it tells has the path.
//!
//! Inside, the site knows itself from its root on. A request loses the path before anything sees it ([`below`]); what a
//! browser follows gets it back, headers there and pages by [`linked`].

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{Html, IntoResponse as _, Response},
};

/// Attributes by which the site's pages lead anywhere.
const LEADING: [&str; 4] = ["href", "src", "action", "formaction"];
/// A slash as templates have it, and as it stands in what was put into them.
const SLASHES: [&str; 2] = ["/", "&#x2f;"];

/// Whether this is one: `/jira`, or `/tools/jira`.
pub(crate) fn is_one(path: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    let name = |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(plain);
    path.strip_prefix('/').is_some_and(|parts| parts.split('/').all(name))
}

/// The path of the site's cookies.
pub(crate) fn of_cookies(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

/// Puts a site below a path; an empty one leaves it where it is.
pub(crate) fn below(path: &str, site: Router) -> Router {
    if path.is_empty() {
        return site;
    }
    let path: Arc<str> = path.into();
    Router::new().fallback_service(site).layer(middleware::from_fn_with_state(path, served))
}

async fn served(State(path): State<Arc<str>>, mut request: Request, next: Next) -> Response {
    let asked = request.uri().path_and_query().map(|asked| asked.as_str().to_owned()).unwrap_or_default();
    let Some(rest) = asked.strip_prefix(&*path) else { return nothing() };
    if rest.is_empty() || rest.starts_with('?') {
        // As Tomcat sends there.
        return (StatusCode::FOUND, [(header::LOCATION, format!("{path}/{rest}"))]).into_response();
    }
    let Some(inner) = rest.starts_with('/').then(|| rest.parse::<Uri>().ok()).flatten() else { return nothing() };
    *request.uri_mut() = inner;
    let mut answer = next.run(request).await;
    let place = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok());
    let place = place.filter(|place| place.starts_with('/') && !place.starts_with("//"));
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&format!("{path}{place}")).ok()) {
        answer.headers_mut().insert(header::LOCATION, place);
    }
    answer
}

/// What the server says where no Jira is.
fn nothing() -> Response {
    (StatusCode::NOT_FOUND, Html("<!doctype html><title>HTTP Status 404 – Not Found</title>")).into_response()
}

/// A page whose links to its own site have the path. What was put into a page is escaped, so that nothing but a
/// template's own attribute is taken for one.
pub(crate) fn linked(path: &str, mut page: String) -> String {
    if path.is_empty() {
        return page;
    }
    for attribute in LEADING {
        for slash in SLASHES {
            page = page.replace(&format!(" {attribute}=\"{slash}"), &format!(" {attribute}=\"{path}{slash}"));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_context_path_is() {
        for (path, expected) in [
            ("/jira", true),
            ("/tools/jira-10.3", true),
            ("", false),
            ("/", false),
            ("jira", false),
            ("/jira/", false),
            ("//jira", false),
            ("/a/../jira", false),
            ("/ji ra", false),
            ("/jira?x", false),
        ] {
            assert_eq!(is_one(path), expected, "{path}");
        }
    }

    #[test]
    fn pages_lead_below_the_path() {
        let page = "<a href=\"/browse/A-1\">/browse</a><img src=\"&#x2f;avatars\"><a href=\"https://a.example/\"> href=&quot;/";
        let linked = linked("/jira", page.to_owned());
        assert_eq!(
            linked,
            "<a href=\"/jira/browse/A-1\">/browse</a><img src=\"/jira&#x2f;avatars\"><a href=\"https://a.example/\"> href=&quot;/"
        );
    }
}
