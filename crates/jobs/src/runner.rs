//! The runner: turns outbox messages and due schedules into jobs, claims jobs, runs them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use jiff::Timestamp;
use kernel::{Actor, Clock, Cx, Fault, RequestId, Result, Standing, TenantId};
use serde_json::Value;
use store::{Store, outbox, tenants};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tracing::field::Empty;

use crate::rules::{self, Next};
use crate::sql::{self, Job};

/// How long a job may run before another node may take it for dead.
const LEASE: Duration = Duration::from_secs(300);
/// How long a handler may take: well within its lease.
const HANDLER_TIME: Duration = Duration::from_secs(240);
/// How often the queue is looked at when nothing wakes it.
const POLL: Duration = Duration::from_secs(1);
/// Outbox messages turned into jobs in one transaction.
const PUMP: u32 = 100;
/// How long a job waits whose tenant is moving, before it is looked at again.
const WAIT: Duration = Duration::from_secs(60);
/// What such a job, or one that began before, is told.
const WAITS: [&str; 2] = ["tenant_moving", "site_moving"];
/// Tenants given a scheduled job in one page.
const TENANTS: u32 = 500;

/// What a handler says when it did not fail.
pub enum Outcome {
    /// All done.
    Done,
    /// A slice is done; go on with this payload, even after a crash.
    Again(Value),
}

/// One kind of job.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Its kind: `room.verb_noun`.
    fn kind(&self) -> &'static str;
    /// The outbox topic that makes such a job, if one does.
    fn topic(&self) -> Option<&'static str> {
        None
    }
    /// Whether it also runs for a tenant that left.
    fn runs_for_departed(&self) -> bool {
        false
    }
    /// Does it. May run twice; must then end the same.
    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome>;
}

/// A job that comes by itself.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Which kind of job.
    pub kind: &'static str,
    /// How often.
    pub every: Duration,
    /// One job a tenant, or one for the server.
    pub per_tenant: bool,
}

/// What a runner is made of.
pub struct RunnerParts {
    /// Where the queue lies.
    pub store: Store,
    /// The time by which jobs are due.
    pub clock: Arc<dyn Clock>,
    /// What can be done.
    pub handlers: Vec<Arc<dyn Handler>>,
    /// What comes by itself.
    pub schedules: Vec<Schedule>,
    /// Jobs at once.
    pub workers: usize,
}

/// Runs jobs on this node.
pub struct Runner {
    store: Store,
    clock: Arc<dyn Clock>,
    handlers: BTreeMap<&'static str, Arc<dyn Handler>>,
    schedules: Vec<Schedule>,
    workers: usize,
    wake: Notify,
}

impl Runner {
    /// Puts one together; refuses two handlers of one kind.
    pub fn new(parts: RunnerParts) -> Result<Arc<Self>> {
        let mut handlers = BTreeMap::new();
        for handler in parts.handlers {
            if handlers.insert(handler.kind(), handler).is_some() {
                return Err(Fault::broken("jobs_twice", "two handlers of one kind"));
            }
        }
        Ok(Arc::new(Self {
            store: parts.store,
            clock: parts.clock,
            handlers,
            schedules: parts.schedules,
            workers: parts.workers,
            wake: Notify::new(),
        }))
    }

    /// Says that there is something to do now, instead of at the next look.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    /// Runs until told to stop; then lets running jobs end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..self.workers.max(1) {
            let (runner, stop) = (self.clone(), stop.clone());
            tasks.spawn(async move { runner.work(stop).await });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn work(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let worked = match self.step().await {
                Ok(worked) => worked,
                Err(fault) => {
                    tracing::warn!(event = "jobs_queue_unavailable", code = fault.code());
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }

    /// Does all that is due at the clock's present, and what follows from it; answers how many jobs ran. For tests
    /// and drills.
    pub async fn drain(&self) -> Result<usize> {
        let mut ran = 0;
        while self.step().await? {
            ran += 1;
        }
        Ok(ran)
    }

    /// How many jobs are due or running.
    pub async fn due(&self) -> Result<i64> {
        let mut server = self.store.server_read().await?;
        sql::job_due(&mut server, self.clock.now()).await
    }

    /// One look: outbox, schedules, one job. True when there may be more.
    async fn step(&self) -> Result<bool> {
        let pumped = self.pump_outbox().await?;
        let planned = self.plan_schedules().await?;
        let now = self.clock.now();
        let claimed = if self.due().await? == 0 {
            None
        } else {
            let mut server = self.store.server_write().await?;
            let job = sql::job_claim(&mut server, now, later(now, LEASE)).await?;
            server.commit().await?;
            job
        };
        match claimed {
            Some(job) => {
                self.run_one(job).await?;
                Ok(true)
            }
            None => Ok(pumped || planned),
        }
    }

    async fn pump_outbox(&self) -> Result<bool> {
        if outbox::is_empty(&mut self.store.server_read().await?).await? {
            return Ok(false);
        }
        let mut server = self.store.server_write().await?;
        let messages = outbox::next(&mut server, PUMP).await?;
        for message in &messages {
            for handler in self.handlers.values().filter(|handler| handler.topic() == Some(message.topic.as_str())) {
                let key = message.id.to_string();
                sql::job_enqueue_for(
                    &mut server,
                    message.tenant,
                    handler.kind(),
                    &key,
                    &message.body,
                    self.clock.now(),
                )
                .await?;
            }
            outbox::drop_message(&mut server, message).await?;
        }
        server.commit().await?;
        Ok(!messages.is_empty())
    }

    async fn plan_schedules(&self) -> Result<bool> {
        let mut planned = false;
        for schedule in &self.schedules {
            planned |= self.plan(schedule).await?;
        }
        Ok(planned)
    }

    async fn plan(&self, schedule: &Schedule) -> Result<bool> {
        let now = self.clock.now();
        let mut server = self.store.server_read().await?;
        let next = sql::schedule_next(&mut server, schedule.kind).await?;
        drop(server);
        let Some(due) = next else {
            let mut server = self.store.server_write().await?;
            sql::schedule_plan(&mut server, schedule.kind, later(now, schedule.every)).await?;
            server.commit().await?;
            return Ok(false);
        };
        if due > now {
            return Ok(false);
        }
        // Missed turns (the server was down) are made up by one, not by all.
        let mut server = self.store.server_write().await?;
        let mine = sql::schedule_move(&mut server, schedule.kind, due, later(now, schedule.every)).await?;
        if mine {
            let key = format!("schedule {}", kernel::micros(due));
            if schedule.per_tenant {
                self.enqueue_for_all(&mut server, schedule.kind, &key).await?;
            } else {
                sql::job_enqueue_for(&mut server, TenantId::SERVER, schedule.kind, &key, "{}", now).await?;
            }
        }
        server.commit().await?;
        Ok(mine)
    }

    async fn enqueue_for_all(&self, server: &mut store::Server, kind: &str, key: &str) -> Result<()> {
        let mut after = TenantId::SERVER;
        loop {
            let page = tenants::list_ids(server, after, TENANTS).await?;
            for tenant in &page {
                sql::job_enqueue_for(server, *tenant, kind, key, "{}", self.clock.now()).await?;
            }
            match page.last() {
                Some(last) => after = *last,
                None => return Ok(()),
            }
        }
    }

    async fn run_one(&self, job: Job) -> Result<()> {
        let label = self.handlers.get(job.kind.as_str()).map_or("unknown", |handler| handler.kind());
        let span = tracing::info_span!(
            target: kernel::SPANS,
            "job",
            otel.name = label,
            otel.kind = "consumer",
            otel.status_code = Empty,
            steward.job = %job.id,
            steward.attempt = job.attempts,
            steward.fault = Empty,
        );
        let result = if job.attempts <= rules::MAX_ATTEMPTS {
            self.attempt(&job).instrument(span.clone()).await
        } else {
            Err(Fault::broken("job_lost", "every node that tried it was lost or too slow"))
        };
        if let Err(fault) = &result {
            span.record("steward.fault", fault.code()).record("otel.status_code", "ERROR");
        }
        drop(span);
        let now = self.clock.now();
        let mut server = self.store.server_write().await?;
        match result {
            Ok(Outcome::Done) => {
                metrics::counter!("steward_jobs_done_total", "kind" => label).increment(1);
                sql::job_done(&mut server, &job, now).await?;
            }
            // Nobody tried anything.
            Err(fault) if WAITS.contains(&fault.code()) => sql::job_wait(&mut server, &job, later(now, WAIT)).await?,
            Ok(Outcome::Again(payload)) => sql::job_again(&mut server, &job, &payload.to_string(), now).await?,
            Err(fault) => {
                metrics::counter!("steward_jobs_failed_total", "kind" => label).increment(1);
                let jitter = f64::from(rand::random::<u16>()) / f64::from(u16::MAX);
                match rules::after_failure(fault.kind(), job.attempts, fault.retry_after(), jitter) {
                    Next::Retry(delay) => {
                        tracing::warn!(event = "job_retry", kind = label, job = %job.id, code = fault.code());
                        sql::job_retry(&mut server, &job, later(now, delay), fault.code()).await?;
                    }
                    Next::Dead => {
                        tracing::error!(event = "job_dead", kind = label, job = %job.id, code = fault.code());
                        sql::job_dead(&mut server, &job, fault.code()).await?;
                    }
                }
            }
        }
        server.commit().await
    }

    async fn attempt(&self, job: &Job) -> Result<Outcome> {
        let handler = self
            .handlers
            .get(job.kind.as_str())
            .ok_or_else(|| Fault::busy("jobs_unknown_kind", "No handler here; a newer node may have one.", None))?;
        if job.tenant != TenantId::SERVER && !handler.runs_for_departed() {
            match tenants::state_of(&self.store, job.tenant).await? {
                Some(tenants::State::Active) => {}
                // Locked: it waits. Gone, or never there: there is nothing left to do it to.
                Some(tenants::State::Locked) => {
                    return Err(Fault::busy("tenant_locked", "The tenant is locked.", Some(Duration::from_secs(3600))));
                }
                Some(tenants::State::Gone) | None => return Ok(Outcome::Done),
                // On its way to another region, or from one: it waits, and goes along.
                Some(tenants::State::Moving | tenants::State::Moved | tenants::State::Arriving) => {
                    return Err(Fault::busy("tenant_moving", "The tenant is moving to another region.", Some(WAIT)));
                }
            }
        }
        let payload = serde_json::from_str(&job.payload).map_err(|_| Fault::invalid("jobs_payload", "not JSON"))?;
        let cx = Cx::mint(
            job.tenant,
            Actor::System(handler.kind()),
            Standing::default(),
            self.clock.clone(),
            RequestId::fresh(),
        );
        let run = std::panic::AssertUnwindSafe(handler.run(&cx, &payload)).catch_unwind();
        match tokio::time::timeout(HANDLER_TIME, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(Fault::broken("job_panicked", "a handler panicked")),
            Err(_elapsed) => Err(Fault::busy("job_too_slow", "A handler ran out of time.", None)),
        }
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("kinds", &self.handlers.keys()).finish_non_exhaustive()
    }
}
