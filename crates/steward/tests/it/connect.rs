//! A site with the Connect app: installed from our descriptor by the sandbox's own host, shown its pages, called as the app
//! and as people, told by webhooks, moved to Forge with what it has, left. And whatever is not Connect's word, refused.

mod by_property;
mod carried;
mod held;
mod refusals;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::connect::qsh;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use store::tenants::Mode;

use crate::databases::Database;
use crate::world::{Actor, Answer, CONNECT_APP, World, open};

const INSTALLED: &str = "/connect/installed";
const KID: &str = "6a1d2f0e-1c9b-4a51-8a55-0a7d3c1f2b44";
const SECRET: &str = "a-secret-of-forty-eight-characters-0123456789abcd";
const SITE_KEY: &str = "0e1f2d3c-aaaa-4bbb-8ccc-0123456789ab";

impl World {
    /// On SQLite, joined by the Connect app instead of Forge's.
    pub(crate) async fn start_connected() -> Self {
        let world = Self::unjoined(Vec::new()).await;
        world.connect().await;
        world
    }

    /// Installs the Connect app from its descriptor, or once more, and lets the first reading of the directory happen.
    pub(crate) async fn connect(&self) {
        self.connect_at(&self.jira).await;
    }

    /// The same at another site.
    pub(crate) async fn connect_at(&self, jira: &sandbox::Running) {
        // Two tokens of one second would be one token, which is good once.
        self.clock.advance(std::time::Duration::from_secs(1));
        jira.connect().install(&self.descriptor(), None).await.unwrap();
        self.program.runner.drain().await.unwrap();
    }

    /// Where the program's descriptor is.
    pub(crate) fn descriptor(&self) -> String {
        self.config.server.origin.join("connect/atlassian-connect.json").unwrap().into()
    }
}

async fn sends(world: &World, method: Method, target: &str, authorization: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, "application/json");
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// A page's address without its origin.
fn target(world: &World, url: &str) -> String {
    format!("/{}", url.strip_prefix(world.config.server.origin.as_str()).unwrap())
}

async fn opens(world: &World, page: &Actor<'_>) -> Answer {
    sends(world, Method::GET, &target(world, &page.connect_page().url), None, "").await
}

async fn mode(world: &World) -> Mode {
    let all = store::tenants::list::<Value>(&world.program.store, kernel::TenantId::SERVER, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    all[0].mode
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sites_days_with_connect() {
    let world = World::start_connected().await;
    assert_eq!(mode(&world).await, Mode::Connect);

    // The page comes to this site's frames and to no other's, with the bridge before its own scripts.
    let page = opens(&world, &world.agent()).await.expect(200);
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.ends_with(&format!("frame-ancestors {}", world.jira.url())), "{policy}");
    assert!(page.text.contains(&format!("<script src=\"{}\">", world.jira.connect().bridge_url())));

    // Directory, fields, values: as over Forge, with the context token of a page, for one request after another.
    let field = world.admin().defines_text("Contract", "customerView").await;
    let customer = world.customer().account();
    world.agent().writes(&customer, &field, json!("K-17")).await.expect(200);
    let mut panel = world.on_page("agent", "customer-panel");
    panel.issue = Some(world.issue());
    let shown = panel.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200);
    assert!(shown.text.contains("K-17"), "{}", shown.text);
    // Customers have no token to act as them; the app asks about them.
    let own = world.customer().get(&format!("/api/v1/customers/{customer}/values")).await.expect(200);
    assert!(own.text.contains("K-17"), "{}", own.text);
    world.customer().get("/api/v1/customers").await.expect(403);

    it_is_told_of_people(&world).await;

    // Another secret comes: what was signed with the one before is taken a while longer, and no calls are lost.
    let before = target(&world, &world.agent().connect_page().url);
    world.connect().await;
    sends(&world, Method::GET, &before, None, "").await.expect(200);
    world.forget_standing().await;
    world.agent().get("/api/v1/customers").await.expect(200);

    world.jira.connect().disable(CONNECT_APP).await.unwrap();
    world.connect().await;
    let late = world.agent().connect_page();
    world.jira.connect().uninstall(CONNECT_APP).await.unwrap();
    let gone = sends(&world, Method::GET, &target(&world, &late.url), None, "").await.expect(401);
    assert_eq!(gone.body["code"], "token_invalid");
    let bearer = format!("JWT {}", late.token);
    sends(&world, Method::GET, "/api/v1/customers", Some(&bearer), "").await.expect(401);
    let tenant = world.tenant().await;
    world.program.runner.drain().await.unwrap();
    let left: Vec<_> = store::sweep::tenant_row_count(&world.program.store, tenant)
        .await
        .unwrap()
        .into_iter()
        .filter(|(table, count)| *count > 0 && !["tenant", "ledger", "job"].contains(table))
        .collect();
    assert_eq!(left, []);
    world.end().await;
}

async fn it_is_told_of_people(world: &World) {
    let cx = world.reader().await;
    let account = kernel::AccountId::new(world.customer().account()).unwrap();
    let name = async || {
        let people = &world.program.host().people;
        let found = people.profiles(&cx, std::slice::from_ref(&account)).await.unwrap();
        found.get(&account).map(|profile| profile.peek().name.clone())
    };
    assert_ne!(name().await.as_deref(), Some("Renamed Meanwhile"));
    let renamed = |account: &mut sandbox::state::model::Account| account.display_name = "Renamed Meanwhile".to_owned();
    world.jira.state().edit_account(&sandbox::events::Actor::default(), account.as_str(), renamed).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Renamed Meanwhile"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_moves_to_forge_keeps_what_it_has() {
    let world = World::start_connected().await;
    let field = world.admin().defines_text("Contract", "agents").await;
    let customer = world.customer().account();
    world.agent().writes(&customer, &field, json!("K-17")).await.expect(200);
    let tenant = world.tenant().await;

    // The site takes the version with Forge in it: Connect tells us under which name, then Forge calls where its manifest says.
    world.clock.advance(std::time::Duration::from_secs(1));
    let forge = world.jira.install(carried::app(&world), None).await.unwrap();
    let typed = forge.set_remote_address("backend", Some("https://elsewhere.example.com"));
    assert!(typed.is_err(), "the address is the manifest's");
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!((world.tenant().await, mode(&world).await), (tenant, Mode::Forge));
    let path = format!("/api/v1/customers/{customer}/values");
    let values = opens_by_forge(&world, &world.jira, &path).await.expect(200);
    assert!(values.text.contains("K-17"), "{}", values.text);

    // Connect goes, and takes nothing along.
    let late = carried::page(&world);
    world.jira.connect().uninstall(CONNECT_APP).await.unwrap();
    opens_by_forge(&world, &world.jira, &path).await.expect(200);
    sends(&world, Method::GET, &late, None, "").await.expect(401);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_app_key_there_is_nothing() {
    let mut world = World::unjoined(Vec::new()).await;
    world.config.connect.key = None;
    world.program = open(&world.config, &world.clock).await;
    for (method, path) in
        [(Method::GET, "/connect/atlassian-connect.json"), (Method::POST, INSTALLED), (Method::GET, "/connect/x")]
    {
        sends(&world, method, path, Some("JWT a.b.c"), "{}").await.expect(404);
    }
    sends(&world, Method::GET, "/api/v1/customers", Some("JWT a.b.c"), "").await.expect(401);
    world.end().await;
}

/// An agent's page as Forge shows it: its token, and the tokens that come along.
async fn page_of_forge(jira: &sandbox::Running) -> Value {
    #[expect(clippy::disallowed_methods, reason = "a client of the sandbox")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = json!({"user": "agent", "module": "customers-page", "headers": true});
    let door = format!("{}/sandbox/token", jira.url());
    let given = client.post(door).body(asked.to_string()).send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&given).unwrap()
}

/// What an agent's page asks for through Forge, with the tokens that come along.
pub(crate) async fn opens_by_forge(world: &World, jira: &sandbox::Running, path: &str) -> Answer {
    let given = page_of_forge(jira).await;
    let mut request =
        Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", given["token"].as_str().unwrap()));
    for (name, value) in given["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

/// Somebody who can sign anything, with a key host of their own.
struct Forger {
    world: World,
    key: EncodingKey,
    published: String,
    strangers: EncodingKey,
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn pair() -> (EncodingKey, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let private = pem("PRIVATE KEY", pair.as_der().unwrap().as_ref());
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(), pem("PUBLIC KEY", public.as_ref()))
}

impl Forger {
    async fn start() -> Self {
        Self::start_on(Vec::new()).await
    }

    async fn start_on(databases: Vec<Database>) -> Self {
        let mut world = World::unjoined(databases).await;
        let ((key, published), (strangers, _)) = (pair(), pair());
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let keys = format!("http://{}/", listener.local_addr().unwrap());
        let served = published.clone();
        let router = axum::Router::new().route(&format!("/{KID}"), axum::routing::get(move || async { served }));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        world.config.connect.install_keys = keys.parse().unwrap();
        world.program = open(&world.config, &world.clock).await;
        Self { world, key, published, strangers }
    }

    fn now(&self) -> i64 {
        kernel::Clock::now(&*self.world.clock).as_second()
    }

    fn ours(&self) -> String {
        self.world.config.server.origin.as_str().trim_end_matches('/').to_owned()
    }

    fn body(&self) -> Value {
        json!({
            "key": CONNECT_APP, "clientKey": SITE_KEY, "sharedSecret": SECRET, "baseUrl": self.world.jira.url(),
            "displayUrl": self.world.jira.url(), "productType": "jira", "eventType": "installed", "unheardOf": [1],
        })
    }

    fn claims(&self) -> Value {
        claims(&self.ours(), INSTALLED, self.now())
    }

    fn signed(&self, claims: &Value) -> String {
        signed(Algorithm::RS256, Some(KID), claims, &self.key)
    }

    async fn installs(&self, target: &str, token: Option<&str>, body: &Value) -> Answer {
        let authorization = token.map(|token| format!("JWT {token}"));
        sends(&self.world, Method::POST, target, authorization.as_deref(), &body.to_string()).await
    }
}

/// What an install is signed with.
fn claims(ours: &str, target: &str, now: i64) -> Value {
    json!({"iss": SITE_KEY, "aud": [ours], "iat": now, "exp": now + 180, "qsh": qsh::of("POST", target, "")})
}

fn signed(algorithm: Algorithm, kid: Option<&str>, claims: &Value, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn with(claims: &Value, changes: Value) -> Value {
    let mut changed = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed
}

fn unsigned(claims: &Value) -> String {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none", "kid": KID})), part(claims))
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_site_are_proven() {
    let forger = Forger::start().await;
    let body = forger.body();
    forger.installs(INSTALLED, Some(&forger.signed(&forger.claims())), &body).await.expect(204);
    let world = &forger.world;
    let now = forger.now();
    let path = "/connect/customers-page";
    let query = "xdm_e=https%3A%2F%2Facme&cp=";
    let claims =
        json!({"iss": SITE_KEY, "iat": now, "exp": now + 180, "qsh": qsh::of("GET", path, query), "sub": "5b1:a"});
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let sign = |changes: Value| signed(Algorithm::HS256, None, &with(&claims, changes), &key);
    let other = EncodingKey::from_secret("another-secret-of-more-than-32-characters".as_bytes());
    let context = sign(json!({"qsh": "context-qsh"}));
    let opened = async |path: &str, query: &str, token: &str| {
        sends(world, Method::GET, &format!("{path}?{query}&jwt={token}"), None, "").await
    };
    opened(path, query, &sign(json!({}))).await.expect(200);
    let rows = [
        ("signed by nobody", unsigned(&claims)),
        ("with the wrong secret", signed(Algorithm::HS256, None, &claims, &other)),
        ("with our own key as Atlassian", signed(Algorithm::RS256, Some(KID), &claims, &forger.key)),
        ("another algorithm", signed(Algorithm::HS512, None, &claims, &key)),
        ("of a site that is not here", sign(json!({"iss": "another"}))),
        ("our own word, sent back", sign(json!({"iss": CONNECT_APP, "aud": [SITE_KEY]}))),
        ("for another request", sign(json!({"qsh": qsh::of("GET", path, "")}))),
        ("for any request", context.clone()),
        ("late", sign(json!({"iat": now - 200, "exp": now - 4}))),
        ("early", sign(json!({"nbf": now + 60}))),
    ];
    for (what, token) in &rows {
        let answer = opened(path, query, token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        assert!(["token_invalid", "token_expired"].contains(&answer.body["code"].as_str().unwrap()), "{what}");
    }
    let good = sign(json!({}));
    opened(path, "xdm_e=https%3A%2F%2Fevil&cp=", &good).await.expect(401);
    opened("/connect/settings-page", query, &good).await.expect(401);
    opened("/connect/no-such-page", query, &good).await.expect(404);
    let twice = format!("{path}?{query}&jwt={good}");
    sends(world, Method::GET, &twice, Some(&format!("JWT {good}")), "").await.expect(401);

    // The API takes a context token, in the header, and no token of a page's; nothing else takes a context token.
    let asks = async |authorization: &str| sends(world, Method::GET, "/api/v1/session", Some(authorization), "").await;
    asks(&format!("JWT {good}")).await.expect(401);
    sends(world, Method::GET, &format!("/api/v1/session?jwt={context}"), None, "").await.expect(401);
    sends(world, Method::POST, "/connect/webhook", Some(&format!("JWT {context}")), "{}").await.expect(401);
    sends(world, Method::POST, "/connect/enabled", Some(&format!("JWT {context}")), "{}").await.expect(401);
    sends(world, Method::POST, "/connect/uninstalled", Some(&format!("JWT {context}")), &body.to_string())
        .await
        .expect(401);
    // The id in a webhook's address is signed with it, and so is whatever Jira adds.
    let named = sign(json!({"qsh": qsh::of("POST", "/connect/issue", "issue=1&user_id=5b1%3Aa")}));
    let tells = async |query: &str, token: &str| {
        let target = format!("/connect/issue?{query}");
        sends(world, Method::POST, &target, Some(&format!("JWT {token}")), "").await.status
    };
    assert_eq!(tells("issue=1&user_id=5b1%3Aa", &named).await, 204);
    for query in ["issue=2&user_id=5b1%3Aa", "issue=1", ""] {
        assert_eq!(tells(query, &named).await, 401, "{query}");
    }
    assert_eq!(tells("issue=1&user_id=5b1%3Aa", &context).await, 401);
    let enabled = sign(json!({"qsh": qsh::of("POST", "/connect/enabled", "")}));
    sends(world, Method::POST, "/connect/enabled", Some(&format!("JWT {enabled}")), "{}").await.expect(204);
    assert!(world.jira.contract_violations().is_empty());
}
