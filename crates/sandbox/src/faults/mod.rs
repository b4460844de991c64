//! How the site misbehaves: what an ordinary day brings, and what somebody commands at run time
//! through `/sandbox/faults`.
//!
//! Chance here never depends on which task asks first: each decision is drawn from the seed, from its
//! kind, and from how many of that kind there were since the command (webhooks, Forge events, writes
//! that search is to learn of, requests that a rule met), so that the same run brings the same
//! faults. Nothing here knows what a request is for. Start reading at [`Control`]; the document that
//! commands it is in `plan`, and read in `read`.

pub(crate) mod door;
mod plan;
mod read;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::watch;

pub use plan::{How, Misfortune, Reason, RequestFault};
pub use read::{Mistake, read};

use crate::config::{Clock, Faults};

/// How much later than others a held-back delivery leaves.
const HELD_BACK: Duration = Duration::from_millis(1500);

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits, then the rules after the given one are asked.
    Wait(Duration, usize),
    /// 429; the seconds to wait, if commanded.
    Limited(Reason, Option<u32>),
    /// An error of the gateway.
    Error(u16),
    /// It is done, and its answer is lost.
    Lost,
    /// It is done, and its answer is an error of the gateway.
    Stumbled(u16),
    /// The connection is closed without an answer.
    Closed,
}

/// What one rule has met since it was commanded.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    matched: u64,
    struck: u64,
}

struct InForce {
    faults: Faults,
    seed: u64,
    since: Timestamp,
    met: Vec<Met>,
    /// How many decisions of a kind there were.
    decided: HashMap<&'static str, u64>,
}

impl InForce {
    fn new(faults: Faults, seed: u64, since: Timestamp) -> Self {
        let met = vec![Met::default(); faults.requests.len()];
        Self { faults, seed, since, met, decided: HashMap::new() }
    }

    /// The dice for the next decision of a kind.
    fn dice(&mut self, kind: &'static str) -> StdRng {
        let decided = self.decided.entry(kind).or_default();
        *decided += 1;
        dice(self.seed, kind, &[*decided])
    }

    fn ended(&self, rule: &RequestFault, met: Met, now: Timestamp) -> bool {
        rule.next.is_some_and(|next| met.struck >= next)
            || matches!(rule.what, Misfortune::Down { for_s, .. }
                if now >= self.since + SignedDuration::from_secs(i64::from(for_s)))
    }
}

/// The faults in force, and the dice.
pub struct Control {
    at_start: Faults,
    seed: u64,
    clock: Clock,
    in_force: Mutex<InForce>,
    changes: watch::Sender<()>,
}

impl Control {
    pub(crate) fn new(at_start: Faults, seed: u64, clock: Clock) -> Self {
        let in_force = Mutex::new(InForce::new(at_start.clone(), seed, clock()));
        Self { at_start, seed, clock, in_force, changes: watch::channel(()).0 }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts faults in force in place of all others; requests that wait go on. Counting, and the dice,
    /// begin anew.
    pub fn command(&self, faults: Faults, seed: Option<u64>) {
        *self.in_force() = InForce::new(faults, seed.unwrap_or(self.seed), (self.clock)());
        self.changes.send_replace(());
    }

    /// Back to what the site was started with.
    pub fn take_back(&self) {
        self.command(self.at_start.clone(), None);
    }

    /// What is in force now.
    #[must_use]
    pub fn now(&self) -> Faults {
        self.in_force().faults.clone()
    }

    /// How many requests each rule in force was asked about and named, whether it struck or not.
    #[must_use]
    pub fn matched(&self) -> Vec<u64> {
        self.in_force().met.iter().map(|met| met.matched).collect()
    }

    /// How long search does not know the next write.
    pub(crate) fn search_lag(&self) -> Duration {
        let mut in_force = self.in_force();
        within(&mut in_force.dice("search"), in_force.faults.search_lag)
    }

    /// Time before a webhook that was not taken is sent again.
    pub(crate) fn delivery_retry(&self) -> Duration {
        self.in_force().faults.delivery_retry
    }

    /// When the copies of the next delivery of a kind leave: none if it is lost, two if it is doubled. Each kind must
    /// be asked by one task, in the order of its events.
    pub(crate) fn departures(&self, kind: &'static str, may_drop: bool) -> Vec<Duration> {
        let mut in_force = self.in_force();
        let mut dice = in_force.dice(kind);
        let faults = &in_force.faults;
        if happens(&mut dice, faults.delivery_dropped) && may_drop {
            return Vec::new();
        }
        let times = if happens(&mut dice, faults.delivery_twice) { 2 } else { 1 };
        (0..times)
            .map(|_| {
                let delay = within(&mut dice, faults.delivery_delay);
                if happens(&mut dice, faults.delivery_reordered) { delay + HELD_BACK } else { delay }
            })
            .collect()
    }

    /// What becomes of a request, asking the rules from the given one on.
    pub(crate) fn fate(&self, method: &Method, path: &str, from: usize) -> Option<Fate> {
        let now = (self.clock)();
        let mut in_force = self.in_force();
        for at in from..in_force.met.len() {
            let seed = in_force.seed;
            let (Some(rule), Some(met)) = (in_force.faults.requests.get(at), in_force.met.get(at).copied()) else {
                continue;
            };
            if !rule.matches(method, path) || in_force.ended(rule, met, now) {
                continue;
            }
            let mut dice = dice(seed, "request", &[at as u64, met.matched]);
            let strikes = happens(&mut dice, rule.chance);
            let fate = match rule.what {
                Misfortune::Slow { wait } => Fate::Wait(within(&mut dice, wait), at + 1),
                Misfortune::RateLimit { reason, retry_after_s } => Fate::Limited(reason, retry_after_s),
                Misfortune::Error { status } => Fate::Error(status),
                Misfortune::Lose => Fate::Lost,
                Misfortune::Stumble { status } => Fate::Stumbled(status),
                Misfortune::Down { how: How::Close, .. } => Fate::Closed,
                Misfortune::Down { how: How::Gateway, .. } => Fate::Error(503),
            };
            if let Some(met) = in_force.met.get_mut(at) {
                met.matched += 1;
                met.struck += u64::from(strikes);
            }
            if strikes {
                return Some(fate);
            }
        }
        None
    }

    /// Waits, at most until other faults are put in force; answers whether those that made it wait still are.
    pub(crate) async fn wait(&self, time: Duration) -> bool {
        let mut changes = self.changes.subscribe();
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            // The sender lives in `self`, so this ends only with a change.
            _ = changes.changed() => false,
        }
    }
}

/// A source of chance that depends on nothing but the seed and what is decided.
fn dice(seed: u64, about: &str, numbers: &[u64]) -> StdRng {
    let mut context = Context::new(&SHA256);
    context.update(&seed.to_be_bytes());
    for number in numbers {
        context.update(&number.to_be_bytes());
    }
    context.update(about.as_bytes());
    let mut start = [0; 32];
    start.copy_from_slice(context.finish().as_ref());
    StdRng::from_seed(start)
}

fn happens(dice: &mut StdRng, chance: f64) -> bool {
    // Drawn in any case: what is drawn next must not depend on the chance commanded.
    dice.random::<f64>() < chance
}

fn within(dice: &mut StdRng, (low, high): (Duration, Duration)) -> Duration {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if high <= low { low } else { Duration::from_micros(dice.random_range(micros(low)..=micros(high))) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use proptest::prelude::*;

    use super::*;

    fn control(requests: Vec<RequestFault>, seed: u64) -> (Control, Arc<AtomicI64>) {
        let at = Arc::new(AtomicI64::new(1_795_000_000));
        let clock = at.clone();
        let clock: Clock = Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
        (Control::new(Faults { requests, ..Faults::none() }, seed, clock), at)
    }

    fn rule(what: Misfortune) -> RequestFault {
        RequestFault { method: None, path: None, next: None, chance: 1.0, what }
    }

    #[test]
    fn a_rule_strikes_what_it_names_as_often_as_it_says() {
        let (control, _) = control(
            vec![RequestFault {
                method: Some(Method::POST),
                path: Some("/rest/api/3/issue".to_owned()),
                next: Some(2),
                ..rule(Misfortune::Error { status: 502 })
            }],
            1,
        );
        let check = |method: Method, path: &str, expected: Option<Fate>| {
            assert_eq!(control.fate(&method, path, 0), expected, "{method} {path}");
        };
        check(Method::GET, "/rest/api/3/issue/A-1", None);
        check(Method::POST, "/rest/api/3/myself", None);
        check(Method::POST, "/rest/api/3/issue/A-1/comment", Some(Fate::Error(502)));
        check(Method::POST, "/rest/api/3/issue", Some(Fate::Error(502)));
        check(Method::POST, "/rest/api/3/issue", None);
    }

    #[test]
    fn an_outage_ends_by_the_clock_and_a_slow_request_goes_on_to_the_next_rule() {
        let wait = Duration::from_millis(7);
        let slow = Misfortune::Slow { wait: (wait, wait) };
        let (control, clock) = control(vec![rule(slow), rule(Misfortune::Down { for_s: 30, how: How::Close })], 1);
        assert_eq!(control.fate(&Method::GET, "/", 0), Some(Fate::Wait(wait, 1)));
        assert_eq!(control.fate(&Method::GET, "/", 1), Some(Fate::Closed));
        clock.fetch_add(29, Ordering::Relaxed);
        assert_eq!(control.fate(&Method::GET, "/", 1), Some(Fate::Closed));
        clock.fetch_add(1, Ordering::Relaxed);
        assert_eq!(control.fate(&Method::GET, "/", 1), None);
        control.command(Faults::none(), None);
        assert_eq!(control.fate(&Method::GET, "/", 0), None);
        control.take_back();
        assert_eq!(control.fate(&Method::GET, "/", 1), Some(Fate::Closed));
    }

    proptest! {
        #[test]
        fn a_seed_repeats_its_run(seed: u64, chance in 0.0..=1.0_f64, other in 1..u64::MAX) {
            let run = |seed: u64| {
                let (control, _) = control(
                    vec![RequestFault { chance, ..rule(Misfortune::Error { status: 500 }) }], seed);
                let mut faults = Faults { delivery_twice: chance, delivery_dropped: chance / 2.0, ..Faults::none() };
                faults.delivery_delay = (Duration::from_millis(1), Duration::from_millis(900));
                faults.search_lag = faults.delivery_delay;
                faults.requests = control.now().requests;
                control.command(faults, None);
                let fates: Vec<_> = (0..40).map(|_| control.fate(&Method::GET, "/x", 0)).collect();
                let ways: Vec<_> = (0..40).map(|_| control.departures("webhook", true)).collect();
                let lags: Vec<_> = (0..40).map(|_| control.search_lag()).collect();
                // What happens in between to others changes nothing.
                control.command(control.now(), None);
                let again: Vec<_> = (0..40)
                    .map(|_| {
                        control.departures("forge", true);
                        control.fate(&Method::GET, "/x", 0);
                        control.search_lag()
                    })
                    .collect();
                assert_eq!(lags, again);
                (fates, ways, lags)
            };
            prop_assert_eq!(run(seed), run(seed));
            prop_assert_ne!(run(seed).2, run(seed.wrapping_add(other)).2);
        }

        #[test]
        fn delays_stay_within_their_range(low in 0_u64..5_000, more in 0_u64..5_000, seed: u64) {
            let range = (Duration::from_millis(low), Duration::from_millis(low + more));
            let (control, _) = control(Vec::new(), seed);
            control.command(Faults { delivery_delay: range, search_lag: range, ..Faults::none() }, None);
            for delay in control.departures("webhook", true) {
                prop_assert!(range.0 <= delay && delay <= range.1);
            }
            let lag = control.search_lag();
            prop_assert!(range.0 <= lag && lag <= range.1);
        }
    }
}
