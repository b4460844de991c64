//! Several Data Centers at one address, one of them below a path: the one whose page was typed is meant, also while it is down.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use host::{Deployment, Joining, Login, Look, Networks};
use kernel::SystemClock;
use sandbox::DataCenter;

use crate::data_center::is_one;
use crate::kept_keys::kept_keys;
use crate::world::serve;

const PATH: &str = "/tools/tracker";

/// The server that people know, with two behind it.
struct Proxy {
    http: reqwest::Client,
    behind: OnceLock<[SocketAddr; 2]>,
}

async fn pass_on(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let [root, below] = *proxy.behind.get().unwrap();
    let to = if request.uri().path().starts_with(PATH) { below } else { root };
    let mut call = proxy.http.get(format!("http://{to}{}", request.uri()));
    if let Some(authorization) = request.headers().get(header::AUTHORIZATION) {
        call = call.header(header::AUTHORIZATION, authorization.clone());
    }
    let Ok(answer) = call.send().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let (status, name) = (answer.status(), answer.headers().get("x-ausername").cloned());
    let mut told = (status, answer.bytes().await.unwrap()).into_response();
    if let Some(name) = name {
        told.headers_mut().insert("x-ausername", name);
    }
    told
}

#[tokio::test]
async fn the_one_whose_page_was_typed_is_meant() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the server between, not the client that is tested")]
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let proxy = Arc::new(Proxy { http, behind: OnceLock::new() });
    let address = serve(Router::new().fallback(pass_on).with_state(proxy.clone())).await;
    let server = format!("http://{address}");
    let start = async |context_path: &str| {
        let mut config = sandbox::Config {
            source: sandbox::Source::Demo(1),
            faults: sandbox::Faults::none(),
            keys: kept_keys(),
            public_url: Some(server.clone()),
            context_path: context_path.to_owned(),
            ..sandbox::Config::default()
        };
        is_one(&mut config, DataCenter::default());
        sandbox::start(config).await.unwrap()
    };
    let (root, below) = (start("").await, start(PATH).await);
    proxy.behind.set([root.address(), below.address()]).unwrap();
    let login = Login::personal(&below.visitor("admin").unwrap().api_token.unwrap()).unwrap();
    let networks = Networks { private: false, loopback: true };
    let site_at = async |typed: String| {
        let typed = Joining::address_in(networks, &typed).unwrap();
        let mut look = Look::at(&typed, &typed, networks, "test", Arc::new(SystemClock)).unwrap();
        assert_eq!(look.recognise().await?, Deployment::DataCenter);
        look.probe(&login).await.map(|probed| probed.site.to_string())
    };
    for (page, path) in [
        ("", "/"),
        ("/secure/Dashboard.jspa?x=1", "/"),
        ("/tools", "/"),
        (PATH, "/tools/tracker/"),
        ("/tools/tracker/browse/CARE-1", "/tools/tracker/"),
        ("/tools/tracker/secure/Dashboard.jspa?x=1#y", "/tools/tracker/"),
    ] {
        assert_eq!(site_at(format!("{server}{page}")).await.unwrap(), format!("{server}{path}"), "{page}");
    }
    // By an address that it does not go by, its links would lead astray.
    let astray = site_at(format!("http://{}{PATH}", below.address())).await.unwrap_err();
    let told = &astray.fields().first().unwrap().detail;
    assert!(told.starts_with(&format!("This site calls itself {server}{PATH};")), "{told}");
    // The other one is not it because it answers.
    below.shutdown().await;
    let down = site_at(format!("{server}{PATH}")).await.unwrap_err();
    assert_eq!(down.code(), "jira_unavailable");
    site_at(server.clone()).await.unwrap();
}
