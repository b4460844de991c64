//! Jira's rate limits: heeded when it speaks of them, and kept ahead of.
//!
//! A call first waits for its place ([`Limits::admit`]), and its answer is heard ([`Limits::hear`]). Nobody waits past
//! the deadline of the request that they serve: they are told when to come back instead. The decisions are pure and
//! stand in the modules below.

pub mod backoff;
pub mod headers;
pub mod pace;
pub mod pauses;
mod timer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kernel::Result;

use crate::fault::paced;
use headers::Signals;
use pace::{Pace, Ticks};
use pauses::{Moment, Pauses, Target};
pub use timer::{SystemTimer, Timer};

/// One node's view of Jira's limits.
pub struct Limits {
    timer: Arc<dyn Timer>,
    pace: Pace,
    pauses: Mutex<Pauses>,
}

impl Limits {
    /// At rest.
    pub fn new(timer: Arc<dyn Timer>) -> Self {
        let ticks = timer.clone();
        Self { timer, pace: Pace::new(Ticks(Arc::new(move || ticks.now()))), pauses: Mutex::new(Pauses::default()) }
    }

    /// The time that these limits are kept by, and deadlines are counted in.
    pub fn timer(&self) -> &dyn Timer {
        &*self.timer
    }

    fn wait(&self, target: &Target) -> Duration {
        let paused = self.pauses.lock().unwrap_or_else(PoisonError::into_inner).wait(target, self.timer.now());
        if paused > Duration::ZERO {
            return paused;
        }
        self.pace.take(target).err().unwrap_or_default()
    }

    /// Waits for a place, but not past `until`.
    ///
    /// # Errors
    /// `jira_rate_limited` (Busy) with the time to come back.
    pub async fn admit(&self, target: &Target, until: Moment) -> Result<()> {
        loop {
            let wait = self.wait(target);
            if wait == Duration::ZERO {
                return Ok(());
            }
            if self.timer.now() + wait > until {
                metrics::counter!("steward_jira_paced_total").increment(1);
                return Err(paced(wait));
            }
            self.timer.sleep(wait).await;
        }
    }

    /// Hears an answer.
    pub fn hear(&self, target: &Target, status: u16, signals: &Signals, now: Timestamp) {
        let called = pauses::called_for(status, signals, target, now.as_second());
        if called.is_empty() {
            return;
        }
        let moment = self.timer.now();
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        for (scope, length) in called {
            if pauses.add(scope, moment + length, moment) {
                metrics::counter!("steward_jira_pauses_total").increment(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use kernel::TenantId;
    use reqwest::Method;

    fn target(endpoint: &'static str) -> Target {
        Target {
            tenant: TenantId::SERVER,
            method: Method::GET,
            endpoint,
            writes_issue: None,
            budget: pauses::Budget::Several(pauses::App::Forge),
            background: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_past_their_deadline() {
        let limits = Limits::new(Arc::new(SystemTimer::default()));
        let told = Signals { retry_after: Some(Duration::from_secs(10)), ..Signals::default() };
        limits.hear(&target("/a"), 429, &told, Timestamp::UNIX_EPOCH);
        let soon = limits.timer().now() + Duration::from_secs(5);
        let fault = limits.admit(&target("/a"), soon).await.unwrap_err();
        assert_eq!((fault.code(), fault.retry_after()), ("jira_rate_limited", Some(Duration::from_secs(10))));
        // Others go on, and whoever has the time waits exactly as long as told.
        limits.admit(&target("/b"), soon).await.unwrap();
        let before = limits.timer().now();
        limits.admit(&target("/a"), before + Duration::from_secs(30)).await.unwrap();
        assert_eq!(limits.timer().now().abs_diff(before).as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_callers_is_spread() {
        let limits = Arc::new(Limits::new(Arc::new(SystemTimer::default())));
        let until = limits.timer().now() + Duration::from_secs(60);
        let customers = "/rest/servicedeskapi/servicedesk/{desk}/customer";
        let before = tokio::time::Instant::now();
        let calls = (0..50).map(|_| {
            let limits = limits.clone();
            async move { limits.admit(&target(customers), until).await.map(|()| before.elapsed()) }
        });
        let mut times: Vec<_> = futures::future::join_all(calls).await.into_iter().map(|at| at.unwrap()).collect();
        times.sort();
        for pair in times.windows(6) {
            assert!(pair.last().unwrap().checked_sub(*pair.first().unwrap()).unwrap() >= Duration::from_secs(1));
        }
    }
}
