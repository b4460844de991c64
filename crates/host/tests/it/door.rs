//! The door and those who would lead it astray.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use futures::future::BoxFuture;
use host::door::{Outward, Reply};
use host::{Door, DoorConfig, Lookup, Networks, OperatorDoor, Purpose, Sites, SystemLookup};
use kernel::{KeyClass, RowName, TenantId};
use reqwest::Method;
use reqwest::header::HeaderValue;
use store::outward;
use tokio::sync::mpsc;
use url::Url;
use vault::{Exit, Place, Subject};

use crate::databases::Database;
use crate::world::{Base, base, serve};

const LOOPBACK: Networks = Networks { private: false, loopback: true };

fn door(base: &Base, fixed: &[&Url], networks: Networks, lookup: Arc<dyn Lookup>) -> Door {
    let config = DoorConfig {
        networks,
        fixed: fixed.iter().map(|url| (Purpose::InvocationKeys, (*url).clone())).collect(),
        user_agent: "test".to_owned(),
        authorities: Vec::new(),
        lookup,
        operator: Vec::new(),
    };
    let sites = Sites::new(base.store.clone(), base.vault.clone(), base.clock.clone());
    Door::new(config, base.store.clone(), base.vault.clone(), sites, base.clock.clone()).unwrap()
}

async fn send(door: &Door, url: &Url) -> Result<Reply, String> {
    send_call(door, Outward::new(Method::GET, url.clone())).await
}

async fn send_call(door: &Door, call: Outward) -> Result<Reply, String> {
    door.send(TenantId::SERVER, Purpose::InvocationKeys, call).await.map_err(|fault| {
        let source = fault.private_source().map(ToString::to_string).unwrap_or_default();
        format!("{}: {source}", fault.code())
    })
}

async fn site(router: Router) -> Url {
    Url::parse(&format!("http://{}/", serve(router).await)).unwrap()
}

#[tokio::test]
async fn a_call_is_on_the_ledger_before_it_leaves() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let (tell, mut called) = mpsc::unbounded_channel();
    let store = base.store.clone();
    let here = site(Router::new().route(
        "/",
        get(move || {
            let (tell, store) = (tell.clone(), store.clone());
            async move {
                // What the ledger says while the call is still being answered.
                let lines = outward::list(&store, TenantId::SERVER, 10).await.unwrap();
                let _ = tell.send(lines.len());
                "here"
            }
        }),
    ))
    .await;
    let door = door(&base, &[&here], LOOPBACK, Arc::new(SystemLookup));
    for _ in 0..3 {
        assert_eq!(send(&door, &here).await.unwrap().body.as_ref(), b"here");
        assert_eq!(called.recv().await, Some(1));
    }
    door.flush().await.unwrap();
    let lines = outward::list(&base.store, TenantId::SERVER, 10).await.unwrap();
    // An hour may have turned in between.
    assert_eq!(lines.iter().map(|line| line.calls).sum::<i64>(), 3);
    let line = &lines[0];
    assert_eq!(line.purpose, "forge.invocation_keys");
    let keys = base.vault.keys_of(TenantId::SERVER, KeyClass::Data, Subject::Tenant, base.clock.now()).await.unwrap();
    let row: RowName = outward::row_name(TenantId::SERVER, line.hour_at, &line.target_hash, &line.purpose);
    let target = keys.open(&Place::new(outward::TARGET, row), &line.target).unwrap();
    assert_eq!(target.release(&Exit::audited()), "127.0.0.1");
}

#[tokio::test]
async fn what_is_not_configured_is_refused_and_leaves_no_line() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let here = site(Router::new().fallback(|| async { "here" })).await;
    let other = site(Router::new().fallback(|| async { "other" })).await;
    let door = door(&base, &[&here], LOOPBACK, Arc::new(SystemLookup));
    let with = |change: &dyn Fn(&mut Url)| {
        let mut url = here.clone();
        change(&mut url);
        url
    };
    for url in [
        other,
        with(&|url| url.set_port(Some(1)).unwrap()),
        with(&|url| url.set_username("user").unwrap()),
        with(&|url| url.set_host(Some("localhost")).unwrap()),
        Url::parse("http://169.254.169.254/latest/meta-data/").unwrap(),
        Url::parse("https://2852039166/").unwrap(),
        Url::parse("https://[::ffff:169.254.169.254]/").unwrap(),
        Url::parse("https://unlisted.example/").unwrap(),
        Url::parse("http://api.atlassian.com/").unwrap(),
        Url::parse("file:///etc/passwd").unwrap(),
    ] {
        let refused = send(&door, &url).await.err().unwrap_or_default();
        assert!(refused.starts_with("outward_refused"), "{url}: {refused}");
    }
    // The right address for another purpose is the wrong one.
    let call = Outward::new(Method::GET, here.clone());
    let fault = door.send(TenantId::SERVER, Purpose::PersonToken, call).await.err().unwrap();
    assert_eq!(fault.code(), "outward_refused");
    assert!(outward::list(&base.store, TenantId::SERVER, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn redirects_are_followed_only_where_the_door_would_go() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let to = |target: &str| {
        let target = target.to_owned();
        get(move || async move { Redirect::temporary(&target) })
    };
    let seen = |headers: HeaderMap| async move {
        let carried = headers.contains_key(header::AUTHORIZATION);
        if carried { "with credentials" } else { "without credentials" }
    };
    let second = site(Router::new().route("/end", get(seen))).await;
    let unlisted = site(Router::new().fallback(|| async { "never" })).await;
    let here = site(
        Router::new()
            .route("/end", get(seen))
            .route("/near", to("/end"))
            .route("/across", to(second.join("end").unwrap().as_str()))
            .route("/metadata", to("http://169.254.169.254/latest/meta-data/"))
            .route("/mapped", to("https://[::ffff:169.254.169.254]/"))
            .route("/unlisted", to(unlisted.as_str()))
            .route("/file", to("file:///etc/passwd"))
            .route("/userinfo", to("http://user:pass@127.0.0.1:1/"))
            .route("/one", to("/two"))
            .route("/two", to("/three"))
            .route("/three", to("/end"))
            .route("/four", to("/one"))
            .route("/loop", to("/loop"))
            .route("/posted", post(|| async { Redirect::temporary("/end") })),
    )
    .await;
    let door = door(&base, &[&here, &second], LOOPBACK, Arc::new(SystemLookup));
    let go = async |path: &str| {
        let mut call = Outward::new(Method::GET, here.join(path).unwrap());
        call.authorization = Some(HeaderValue::from_static("Bearer secret"));
        match send_call(&door, call).await {
            Ok(reply) => format!("{} {}", reply.status.as_u16(), String::from_utf8_lossy(&reply.body)),
            Err(refused) => refused,
        }
    };
    assert_eq!(go("/near").await, "200 with credentials");
    assert_eq!(go("/across").await, "200 without credentials");
    assert_eq!(go("/one").await, "200 with credentials");
    for path in ["/metadata", "/mapped", "/unlisted", "/file", "/userinfo", "/four", "/loop"] {
        let refused = go(path).await;
        assert!(refused.starts_with("outward_refused"), "{path}: {refused}");
    }
    // Only a GET is followed.
    let reply = send_call(&door, Outward::new(Method::POST, here.join("/posted").unwrap())).await.unwrap();
    assert_eq!(reply.status, StatusCode::TEMPORARY_REDIRECT);
}

/// Names that lead where they were told; the second look-up may tell another story.
struct Lies {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Lookup for Lies {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].iter().map(|text| text.parse().unwrap()).collect();
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn names_that_lead_into_walls_are_refused_at_the_moment_of_connecting() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let name = Url::parse("https://keys.example/").unwrap();
    let private = Networks { private: true, loopback: false };
    let cases: [(&[&str], Networks); 7] = [
        (&["169.254.169.254"], LOOPBACK),
        (&["127.0.0.1"], private),
        (&["10.0.0.1"], LOOPBACK),
        (&["::ffff:169.254.169.254"], private),
        (&["fd00:ec2::254"], private),
        // One good address does not excuse a bad one.
        (&["104.192.142.1", "10.0.0.1"], Networks::default()),
        (&[], Networks::default()),
    ];
    for (answer, networks) in cases {
        let lies = Arc::new(Lies { answers: vec![answer.to_vec()], asked: AtomicUsize::new(0) });
        let refused = send(&door(&base, &[&name], networks, lies), &name).await.err().unwrap_or_default();
        assert!(refused.starts_with("outward_refused"), "{answer:?}: {refused}");
    }
}

#[tokio::test]
async fn a_name_cannot_change_its_mind() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let name = Url::parse("https://keys.example:1/").unwrap();
    // The first look-up is allowed (and nobody listens there); from the second on it points inside.
    let answers = vec![vec!["127.0.0.1"], vec!["169.254.169.254"]];
    let lies = Arc::new(Lies { answers, asked: AtomicUsize::new(0) });
    let door = door(&base, &[&name], LOOPBACK, lies.clone());
    let first = send(&door, &name).await.err().unwrap_or_default();
    assert!(first.starts_with("outward_connect"), "{first}");
    // One look-up a connection: what was checked is what was connected to.
    assert_eq!(lies.asked.load(Ordering::SeqCst), 1);
    let second = send(&door, &name).await.err().unwrap_or_default();
    assert!(second.starts_with("outward_refused"), "{second}");
}

#[tokio::test]
async fn answers_are_bounded_in_length_and_time() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let endless = || async {
        let chunks = futures::stream::repeat_with(|| Ok::<_, io::Error>(vec![0u8; 1024]));
        axum::body::Body::from_stream(chunks).into_response()
    };
    let silent = || async { std::future::pending::<&str>().await };
    let here = site(Router::new().route("/endless", get(endless)).route("/silent", get(silent))).await;
    let door = door(&base, &[&here], LOOPBACK, Arc::new(SystemLookup));
    let mut call = Outward::new(Method::GET, here.join("/endless").unwrap());
    call.body_limit = 10_000;
    let refused = send_call(&door, call).await.err().unwrap_or_default();
    assert!(refused.starts_with("outward_too_large"), "{refused}");
    let mut call = Outward::new(Method::GET, here.join("/silent").unwrap());
    call.time = std::time::Duration::from_millis(50);
    let refused = send_call(&door, call).await.err().unwrap_or_default();
    assert!(refused.starts_with("outward_timeout"), "{refused}");
}

#[tokio::test]
async fn the_operators_way_goes_to_one_origin_and_its_calls_reach_the_ledger() {
    let database = Database::sqlite().await.unwrap();
    let base = base(&database).await;
    let here = site(
        Router::new().route("/", get(|| async { "here" })).route("/away", get(|| async { Redirect::temporary("/") })),
    )
    .await;
    let other = site(Router::new().fallback(|| async { "other" })).await;
    let way = OperatorDoor::new(Purpose::KeyService, &here, None, "test", base.clock.clone()).unwrap();
    for _ in 0..3 {
        assert_eq!(way.send(Outward::new(Method::GET, here.clone())).await.unwrap().body.as_ref(), b"here");
    }
    // A redirect is an answer, and is not followed.
    assert_eq!(way.send(Outward::new(Method::GET, here.join("away").unwrap())).await.unwrap().status, 307);
    let refused = way.send(Outward::new(Method::GET, other)).await.err().unwrap();
    assert_eq!(refused.code(), "outward_refused");
    for metadata in
        ["http://169.254.169.254/", "https://[fd00:ec2::254]/", "http://vault.example/", "https://u:p@vault/"]
    {
        let address = Url::parse(metadata).unwrap();
        let made = OperatorDoor::new(Purpose::KeyService, &address, None, "test", base.clock.clone());
        assert!(made.is_err(), "{metadata}");
    }
    // The door itself does not go there, and writes down who did.
    let config = DoorConfig {
        networks: LOOPBACK,
        fixed: vec![(Purpose::KeyService, here.clone())],
        user_agent: "test".to_owned(),
        authorities: Vec::new(),
        lookup: Arc::new(SystemLookup),
        operator: vec![way.clone()],
    };
    let sites = Sites::new(base.store.clone(), base.vault.clone(), base.clock.clone());
    let door = Door::new(config, base.store.clone(), base.vault.clone(), sites, base.clock.clone()).unwrap();
    let call = Outward::new(Method::GET, here.clone());
    assert!(door.send(TenantId::SERVER, Purpose::KeyService, call).await.is_err());
    door.flush().await.unwrap();
    door.flush().await.unwrap();
    let lines = outward::list(&base.store, TenantId::SERVER, 10).await.unwrap();
    assert!(lines.iter().all(|line| line.purpose == "operator.key_service"));
    assert_eq!(lines.iter().map(|line| line.calls).sum::<i64>(), 4);
}
