//! A database, a clock, and handlers that do what the test says.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use jobs::{Handler, Outcome, Runner, RunnerParts, Schedule};
use kernel::{Actor, Clock, Cx, ManualClock, Registry, RequestId, Result, Sealed, Standing, TenantId};
use serde_json::{Value, json};
use store::{Store, tenants};

use crate::databases::Database;

type Doing = Pin<Box<dyn Future<Output = Result<Outcome>> + Send>>;
type Deed = dyn Fn(Cx, Value) -> Doing + Send + Sync;

/// A kind of job that does what it is given to do, and counts.
pub(crate) struct Doer {
    kind: &'static str,
    topic: Option<&'static str>,
    departed: bool,
    pub(crate) runs: AtomicUsize,
    deed: Box<Deed>,
}

impl Doer {
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Handler for Doer {
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn topic(&self) -> Option<&'static str> {
        self.topic
    }
    fn runs_for_departed(&self) -> bool {
        self.departed
    }
    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        (self.deed)(cx.clone(), payload.clone()).await
    }
}

pub(crate) fn doer<F>(kind: &'static str, deed: impl Fn(Cx, Value) -> F + Send + Sync + 'static) -> Arc<Doer>
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    doer_of(kind, None, false, deed)
}

pub(crate) fn doer_of<F>(
    kind: &'static str,
    topic: Option<&'static str>,
    departed: bool,
    deed: impl Fn(Cx, Value) -> F + Send + Sync + 'static,
) -> Arc<Doer>
where
    F: Future<Output = Result<Outcome>> + Send + 'static,
{
    let deed: Box<Deed> = Box::new(move |cx, payload| Box::pin(deed(cx, payload)));
    Arc::new(Doer { kind, topic, departed, runs: AtomicUsize::new(0), deed })
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    pub(crate) async fn new(database: &Database) -> Self {
        let store = database.migrated(Registry::new(vec![store::ROOM, jobs::ROOM])).await;
        let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        Self { store, clock: Arc::new(ManualClock::new(start)) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn runner(&self, handlers: &[&Arc<Doer>], schedules: &[Schedule]) -> Arc<Runner> {
        self.runner_of(4, handlers, schedules)
    }

    pub(crate) fn runner_of(&self, workers: usize, handlers: &[&Arc<Doer>], schedules: &[Schedule]) -> Arc<Runner> {
        Runner::new(RunnerParts {
            store: self.store.clone(),
            clock: self.clock.clone(),
            handlers: handlers.iter().map(|handler| Arc::clone(handler) as Arc<dyn Handler>).collect(),
            schedules: schedules.to_vec(),
            workers,
        })
        .unwrap()
    }

    pub(crate) async fn tenant(&self) -> Cx {
        let id = TenantId::fresh();
        let new = tenants::NewTenant {
            id,
            installation: &id.to_string(),
            cloud: "cloud",
            mode: tenants::Mode::Forge,
            region: "eu",
            site: Sealed::<String>::from_stored(Vec::new()),
            at: self.now(),
        };
        assert!(tenants::install(&self.store, new).await.unwrap());
        self.cx(id)
    }

    pub(crate) fn cx(&self, tenant: TenantId) -> Cx {
        Cx::mint(tenant, Actor::System("test"), Standing::default(), self.clock.clone(), RequestId::fresh())
    }

    pub(crate) async fn set_state(&self, cx: &Cx, state: tenants::State) {
        let mut scoped = self.store.write(cx).await.unwrap();
        assert!(tenants::set_state(&mut scoped, state, self.now()).await.unwrap());
        scoped.commit().await.unwrap();
    }

    /// Enqueues a job that is due at once; false when there was one of that key.
    pub(crate) async fn enqueue(&self, cx: &Cx, kind: &'static str, key: &str) -> bool {
        self.enqueue_with(cx, kind, key, &json!({ "key": key })).await
    }

    pub(crate) async fn enqueue_with(&self, cx: &Cx, kind: &'static str, key: &str, payload: &Value) -> bool {
        let mut scoped = self.store.write(cx).await.unwrap();
        let new = jobs::enqueue(&mut scoped, cx, kind, key, payload, self.now()).await.unwrap();
        scoped.commit().await.unwrap();
        new
    }

    pub(crate) async fn waiting(&self) -> Vec<(String, i64)> {
        let mut waiting = jobs::waiting(&self.store).await.unwrap();
        waiting.sort();
        waiting
    }
}

pub(crate) fn states(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
    expected.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect()
}
