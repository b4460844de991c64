//! A Data Center below a path: nothing is elsewhere, and whatever it tells of itself leads there.

use serde_json::{Value, json};

use crate::data_center::{Server, config};

/// Every address of the site's server in an answer.
fn addresses(value: &Value, server: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with(server) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| addresses(one, server, found)),
        Value::Object(object) => object.values().for_each(|one| addresses(one, server, found)),
        _ => {}
    }
}

async fn site() -> Server {
    Server::start(sandbox::Config { context_path: "/tracker".to_owned(), ..config("10.3") }).await
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn header(answer: &reqwest::Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn nothing_of_it_is_elsewhere() {
    let site = site().await;
    let server = format!("http://{}", site.running.address());
    assert_eq!(site.running.url(), format!("{server}/tracker"));
    let browser = browser();
    for path in ["/", "/rest/api/2/serverInfo", "/trackers/rest/api/2/serverInfo", "/browse/HELP-1", "/sandbox/faults"]
    {
        let answer = browser.get(format!("{server}{path}")).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "x-ausername").as_str()), (404, ""), "{path}");
    }
    let sent = browser.get(format!("{server}/tracker?x=1")).send().await.unwrap();
    assert_eq!((sent.status().as_u16(), header(&sent, "location").as_str()), (302, "/tracker/?x=1"));
    let info = site.expect(200, "bob", "GET", "/rest/api/2/serverInfo", None).await;
    assert_eq!(info["baseUrl"], format!("{server}/tracker"));
    // What is not there is told as without a path.
    site.expect(404, "bob", "GET", "/rest/api/3/serverInfo", None).await;
}

#[tokio::test]
async fn every_address_that_it_tells_is_below() {
    let site = site().await;
    let server = format!("http://{}", site.running.address());
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Mail",
        "description": "Down", "reporter": {"name": "carla@example.com"}}});
    let made = site.expect(201, "bob", "POST", "/rest/api/2/issue", Some(new)).await;
    let issue = format!("/rest/api/2/issue/{}", made["key"].as_str().unwrap());
    let mut found = Vec::new();
    addresses(&made, &server, &mut found);
    for path in [
        issue.as_str(),
        "/rest/api/2/myself",
        "/rest/api/2/user/search?username=ca",
        "/rest/api/2/project",
        "/rest/api/2/search?jql=project=HELP",
        "/rest/servicedeskapi/info",
        "/rest/servicedeskapi/servicedesk",
        "/rest/servicedeskapi/organization",
    ] {
        let before = found.len();
        addresses(&site.expect(200, "bob", "GET", path, None).await, &server, &mut found);
        assert!(found.len() > before, "{path} tells no address");
    }
    let (site_itself, below) = (format!("{server}/tracker"), format!("{server}/tracker/"));
    let is_in = |one: &str| one == site_itself || one.starts_with(&below) && !one.contains("/tracker/tracker");
    let outside: Vec<&String> = found.iter().filter(|one| !is_in(one)).collect();
    assert!(outside.is_empty(), "{outside:?}");
    // They lead to what they name.
    let own = made["self"].as_str().unwrap().strip_prefix(&site.running.url()).unwrap().to_owned();
    assert_eq!(site.expect(200, "bob", "GET", &own, None).await["key"], made["key"]);
}

#[tokio::test]
async fn pages_and_signing_in_stay_below() {
    let site = site().await;
    let (url, browser) = (site.running.url(), browser());
    let server = format!("http://{}", site.running.address());
    let signed = browser.get(site.running.visitor("agent").unwrap().sign_in).send().await.unwrap();
    assert_eq!((signed.status().as_u16(), header(&signed, "location").as_str()), (303, "/tracker/jira/projects"));
    let cookie = header(&signed, "set-cookie");
    assert!(cookie.contains("; Path=/tracker;"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = browser.get(format!("{server}/tracker/jira/projects")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    let page = page.text().await.unwrap();
    let links =
        |attribute: &str| page.split(&format!(" {attribute}=\"")).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let links = [links("href"), links("src"), links("action")].concat();
    let ours: Vec<&String> = links.iter().filter(|link| link.starts_with('/') || link.starts_with("&#x2f;")).collect();
    assert!(ours.len() > 5 && ours.iter().all(|link| link.starts_with("/tracker")), "{ours:?}");

    let asked = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "client"), ("redirect_uri", "http://127.0.0.1:9/callback")])
        .extend_pairs([("response_type", "code"), ("state", "s"), ("scope", "READ")])
        .finish();
    let ask = browser.get(format!("{url}/rest/oauth2/latest/authorize?{asked}")).header("cookie", &cookie);
    let place = header(&ask.send().await.unwrap(), "location");
    assert!(place.starts_with("/tracker/plugins/servlet/oauth2/consent?"), "{place}");
    let consent = browser.get(format!("{server}{place}")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(consent.status().as_u16(), 200);
    // Whoever is not signed in is asked who they are, there too.
    let stranger = header(&browser.get(format!("{server}{place}")).send().await.unwrap(), "location");
    assert!(stranger.starts_with("/tracker/?to="), "{stranger}");
}

#[tokio::test]
async fn what_is_no_path_of_a_data_center_is_refused() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let below = |path: &str, config: sandbox::Config| sandbox::Config { context_path: path.to_owned(), ..config };
    for wrong in [below("jira", config("10.3")), below("/", config("10.3")), below("/jira", crate::support::calm())] {
        let refused = sandbox::start(wrong).await.err().unwrap();
        assert!(matches!(refused, sandbox::Error::ContextPath(_)), "{refused}");
    }
}
