//! The sandbox's own settings, as an administrator's browser uses them.

mod deliveries;
mod people;
mod projects;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use reqwest::header;
use serde_json::Value;

use crate::support::Site;

/// Somebody's browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    site: String,
    cookie: String,
    token: String,
}

impl Browser {
    pub(crate) async fn of(site: &Site, who: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let url = site.running.url();
        let answer = http.get(format!("{url}/sandbox/login?user={who}@example.com")).send().await.unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut browser = Self { http, site: url, cookie, token: String::new() };
        let (_, page) = browser.get("/servicedesk/customer/portals").await;
        browser.token = page.split("page-token\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        browser
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let request = self.http.get(format!("{}{path}", self.site)).header(header::COOKIE, &self.cookie);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Sends a form with the page's token; answers where it leads to, or the page.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let mut all = vec![("_token", self.token.as_str())];
        all.extend_from_slice(fields);
        self.forged(path, &all).await
    }

    /// The same without the token.
    pub(crate) async fn forged(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = self.http.post(format!("{}{path}", self.site)).header(header::COOKIE, &self.cookie).form(fields);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let to = answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        (status, to.unwrap_or(answer.text().await.unwrap()))
    }
}

/// A receiver of webhooks, which answers as it is told.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    answers: Arc<AtomicU16>,
    got: Arc<Mutex<Vec<(axum::http::HeaderMap, Value)>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let (answers, got) = (Arc::new(AtomicU16::new(200)), Arc::<Mutex<Vec<_>>>::default());
        let (status, kept) = (answers.clone(), got.clone());
        let receive = move |headers: axum::http::HeaderMap, body: Bytes| async move {
            kept.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
            (StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap(), "<b>heard</b>")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(receive));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answers, got }
    }

    pub(crate) fn answer(&self, status: u16) {
        self.answers.store(status, Ordering::SeqCst);
    }

    pub(crate) fn got(&self) -> Vec<(axum::http::HeaderMap, Value)> {
        self.got.lock().unwrap().clone()
    }

    /// What events were told, sorted.
    pub(crate) fn events(&self) -> Vec<String> {
        let mut events: Vec<String> =
            self.got().iter().map(|(_, body)| body["webhookEvent"].as_str().unwrap().to_owned()).collect();
        events.sort();
        events
    }
}

pub(crate) async fn hook(site: &Site, url: &str, events: &[&str]) -> u64 {
    let body = serde_json::json!({"name": "Mine & yours", "url": url, "events": events, "secret": "s3cret"});
    let made = site.expect(201, crate::support::As::Person("alice"), "POST", "/rest/webhooks/1.0/webhook", Some(body));
    made.await["self"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()
}
