//! The API as a client on the network sees it, and those who write through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::FIELDS;
use super::owners::{ALONE, Attempt, Change, Owner, TOGETHER, number, text};

/// Somebody's way to the API.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: reqwest::Client,
    pub(super) origin: String,
    pub(super) token: String,
}

impl Api {
    /// Status and body. An answer that breaks off is none.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        version: Option<i64>,
        body: Value,
    ) -> reqwest::Result<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        if let Some(version) = version {
            request = request.header("if-match", format!("\"v{version}\""));
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null)))
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None, Value::Null).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.ask(Method::POST, path, None, body).await.unwrap();
        assert!(matches!(status, 200 | 201), "{path}: {status} {body}");
        body
    }

    pub(super) async fn put(&self, path: &str, body: Value) {
        let (status, body) = self.ask(Method::PUT, path, None, body).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
    }

    /// Whom the search finds, once its index is there.
    pub(super) async fn finds(&self, words: &str) -> Vec<String> {
        let asked = async {
            loop {
                let found = self.get(&format!("/api/v1/search?q={words}")).await;
                if found["ready"] == true {
                    break found;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(super::HANGS, asked).await.expect("the index is never ready");
        found["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// All values of an owner.
    pub(super) async fn values(&self, owner: &Owner) -> Value {
        self.get(&format!("{}/values", owner.path)).await
    }

    /// An owner's history after a change, oldest first, each with the number that it was changed from.
    pub(super) async fn history(&self, owner: &Owner, after: i64) -> Vec<(Change, Option<u64>)> {
        let mut found = Vec::new();
        let mut cursor = Some(String::new());
        while let Some(next) = cursor {
            let page = self.get(&format!("{}/history?limit=100{next}", owner.path)).await;
            cursor = page["nextCursor"].as_str().map(|next| format!("&cursor={next}"));
            for item in page["items"].as_array().unwrap() {
                let id = item["id"].as_str().unwrap().parse().unwrap();
                if id <= after {
                    cursor = None;
                    break;
                }
                let place = owner.fields.iter().position(|field| item["fieldId"] == **field).unwrap();
                let to = number(place, &item["to"]).expect("nobody empties a field here");
                found.push((Change { id, place, number: to }, number(place, &item["from"])));
            }
        }
        found.reverse();
        found
    }
}

/// Writes to one owner until the program does not answer any more.
pub(super) struct Writer {
    pub(super) api: Api,
    pub(super) path: String,
    pub(super) fields: [String; FIELDS],
    pub(super) versions: [i64; FIELDS],
    pub(super) numbers: Arc<AtomicU64>,
    pub(super) random: StdRng,
    pub(super) killed: Arc<AtomicBool>,
    pub(super) acknowledged: Arc<Notify>,
}

impl Writer {
    pub(super) async fn run(mut self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        loop {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let places = if self.random.random_bool(0.5) { ALONE } else { TOGETHER };
            match self.write(places, number).await {
                Ok((200, body)) => {
                    attempts.push(Attempt { places, number, versions: Some(self.learn(places, number, &body)) });
                    self.acknowledged.notify_one();
                }
                // The one who competes was faster: nothing was written.
                Ok((412, _)) => match self.api.ask(Method::GET, &self.path, None, Value::Null).await {
                    Ok((200, body)) => drop(self.learn(places, number, &body)),
                    Ok((status, body)) => panic!("{status} {body}"),
                    Err(error) => return self.ended(&error, attempts),
                },
                Ok((status, body)) => panic!("a write was answered with {status}: {body}"),
                Err(error) => {
                    attempts.push(Attempt { places, number, versions: None });
                    return self.ended(&error, attempts);
                }
            }
        }
    }

    fn ended(&self, error: &reqwest::Error, attempts: Vec<Attempt>) -> Vec<Attempt> {
        assert!(self.killed.load(Ordering::SeqCst), "the program failed before it was killed: {error:?}");
        attempts
    }

    async fn write(&self, places: &[usize], number: u64) -> reqwest::Result<(u16, Value)> {
        if let [place] = places {
            let path = format!("{}/{}", self.path, self.fields[*place]);
            return self
                .api
                .ask(Method::PUT, &path, Some(self.versions[*place]), json!({"value": text(*place, number)}))
                .await;
        }
        let values: serde_json::Map<_, _> =
            places.iter().map(|place| (self.fields[*place].clone(), json!(text(*place, number)))).collect();
        let version = self.versions.iter().max().copied();
        self.api.ask(Method::PATCH, &self.path, version, json!({"values": values})).await
    }

    /// Takes the versions from an answer: one value, or all of them. Answers those of this write: beside a competitor,
    /// what stands may be newer.
    fn learn(&mut self, places: &[usize], number: u64, body: &Value) -> Vec<Option<i64>> {
        let values = body["values"].as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        let of = |place: &usize| values.iter().find(|value| value["fieldId"] == self.fields[*place]);
        let learned: Vec<_> =
            (0..FIELDS).map(|place| of(&place).map(|value| value["version"].as_i64().unwrap())).collect();
        let own = |place: &usize| {
            let value = of(place)?;
            (value["value"] == text(*place, number)).then(|| value["version"].as_i64().unwrap())
        };
        let own = places.iter().map(own).collect();
        for (version, learned) in self.versions.iter_mut().zip(learned) {
            *version = learned.unwrap_or(*version);
        }
        own
    }
}
