//! A customer's browser on the portal, and what their own site signs with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use kernel::{Clock, ManualClock};
use serde_json::{Value, json};
use steward::program::Program;

use crate::world::{Answer, World};

/// What a customer's site keeps.
#[derive(Clone)]
pub(crate) struct SignKey {
    pub(crate) id: String,
    pub(crate) kid: String,
    pub(crate) secret: String,
    /// Of a site that has a pair of its own.
    pub(crate) pair: Option<EncodingKey>,
    pub(crate) audience: String,
    pub(crate) path: String,
    pub(crate) clock: Arc<ManualClock>,
}

impl SignKey {
    /// From what was answered when it was made, and when keys were listed.
    pub(crate) fn of(world: &World, made: &Value, listed: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let audience = text(&listed["signInUrl"]);
        let path = url::Url::parse(&audience).unwrap().path().to_owned();
        let (id, kid, secret) = (text(&made["id"]), text(&made["kid"]), text(&made["secret"]));
        Self { id, kid, secret, pair: None, audience, path, clock: world.clock.clone() }
    }

    /// Made by an administrator on a page in Jira.
    pub(crate) async fn made_in(world: &World) -> Self {
        let made = world.admin().post("/api/v1/customer-keys", json!({"name": "Shop"})).await.expect(201).body;
        let listed = world.admin().get("/api/v1/customer-keys").await.expect(200).body;
        Self::of(world, &made, &listed)
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Signs these claims as they are.
    pub(crate) fn signs(&self, claims: &Value) -> String {
        let algorithm = if self.pair.is_some() { Algorithm::ES256 } else { Algorithm::HS256 };
        let mut header = Header::new(algorithm);
        header.kid = Some(self.kid.clone());
        let by = self.pair.clone().unwrap_or_else(|| EncodingKey::from_secret(self.secret.as_bytes()));
        jsonwebtoken::encode(&header, claims, &by).unwrap()
    }

    /// A token about whoever has this address, unlike any other.
    pub(crate) fn token(&self, email: &str) -> String {
        let (now, jti) = (self.now(), uuid::Uuid::new_v4());
        self.signs(
            &json!({"aud": self.audience, "iat": now, "exp": now + 120, "email": email, "name": "Ana", "jti": jti}),
        )
    }
}

/// A browser with nothing but the portal in it.
pub(crate) struct Visitor<'w> {
    world: &'w World,
    cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    /// Whether its requests say that they are the portal's.
    pub(crate) says_so: bool,
    /// The version that the next request says it saw.
    pub(crate) saw: Option<i64>,
    /// Where it connects from.
    pub(crate) from: SocketAddr,
    /// What something on the way says of that.
    pub(crate) forwarded: Option<String>,
    pub(crate) account: String,
}

impl<'w> Visitor<'w> {
    /// Each from an address of its own.
    pub(crate) fn of(world: &'w World) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0x0a00_0001);
        let from = std::net::Ipv4Addr::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let from = SocketAddr::new(from.into(), 50_000);
        Self {
            world,
            cookie: None,
            csrf: None,
            says_so: true,
            saw: None,
            from,
            forwarded: None,
            account: String::new(),
        }
    }

    fn form(&self, path: &str, kind: &str, body: &str) -> Request<Body> {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        if let Some(forwarded) = &self.forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        request.extension(ConnectInfo(self.from)).body(Body::from(body.to_owned())).unwrap()
    }

    fn keeps(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            self.cookie = Some(pair).filter(|pair| !pair.ends_with('='));
        }
    }

    pub(crate) fn cookie_value(&self) -> String {
        self.cookie.as_ref().unwrap().split_once('=').unwrap().1.to_owned()
    }

    /// As the customer's site has it do.
    pub(crate) async fn posts(&mut self, key: &SignKey, token: &str, place: Option<&str>) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token);
        if let Some(place) = place {
            form.append_pair("return_to", place);
        }
        self.sends(&key.path, "application/x-www-form-urlencoded", &form.finish()).await
    }

    pub(crate) async fn sends(&mut self, path: &str, kind: &str, body: &str) -> Answer {
        let answer = self.world.send(self.form(path, kind, body)).await;
        self.keeps(&answer);
        answer
    }

    /// The same, to a node of choice.
    pub(crate) async fn posts_to(&mut self, node: &Program, key: &SignKey, token: &str) -> Answer {
        let request = self.form(&key.path, "application/x-www-form-urlencoded", &format!("token={token}"));
        let answer = World::send_to(node, request).await;
        self.keeps(&answer);
        answer
    }

    pub(crate) async fn asks(&mut self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if self.says_so {
            request = request.header("x-steward-session", "customer");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf).header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(version) = self.saw.take() {
            request = request.header(header::IF_MATCH, format!("\"v{version}\""));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.world.send(request.extension(ConnectInfo(self.from)).body(body).unwrap()).await;
        self.keeps(&answer);
        answer
    }

    pub(crate) async fn gets(&mut self, path: &str) -> Answer {
        self.asks(Method::GET, path, None).await
    }

    /// Comes in, ready to change things.
    pub(crate) async fn comes_in(&mut self, key: &SignKey, email: &str) {
        self.posts(key, &key.token(email), None).await.expect(200);
        let session = self.gets("/api/v1/session").await.expect(200);
        self.csrf = session.body["csrf"].as_str().map(str::to_owned);
        let me = self.gets("/api/v1/me").await.expect(200);
        self.account = me.body["accountId"].as_str().unwrap().to_owned();
    }
}
