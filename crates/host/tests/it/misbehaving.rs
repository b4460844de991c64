//! Ten thousand seeded runs of the client against a Jira that misbehaves: it refuses with each of its reasons, stumbles,
//! is slow, is down, and carries out a write whose answer then gets lost.
//!
//! Whatever happens: what was acknowledged is in Jira; a message is there once if its writer looks for it before it is
//! written again, which a fault must tell; an organization and a request are made once (`making`); who was told to wait is not heard from before; and no window of Jira's limits
//! is ever overfull. On a Data Center, which has one budget for all that an account asks, whoever heard that nothing is
//! left of it stays away until it is filled again. Time is a clock that each wait moves on, so an hour's quota costs
//! nothing. Each shard has a site of one kind: with the Forge app, with the Connect app, joined by a token, a Data Center. A failure names its
//! seed; a shard is repeated whole, since its runs share a Jira. Start at [`Shard::run`].

mod connected;
pub(crate) mod front;
mod making;
mod places;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use host::client::{BACKGROUND, IssueRef, NewComment, PropertyKey};
use host::limits::pace::ISSUE_WINDOWS;
use host::limits::pauses::Moment;
use host::limits::{Timer, pace};
use host::markup::Document;
use host::{As, Jira};
use kernel::{Cx, Fault, Kind, TenantId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sandbox::faults::{How, Misfortune, Reason, RequestFault};
use serde_json::json;

use crate::databases::Database;
use crate::world::World;
use front::{Arrival, Front, Time};
use places::Place;

const RUNS: u64 = 10_000;
const SHARDS: u64 = 16;
/// In one of so many runs of a shard something is made, too.
const MAKES_EVERY: u64 = 12;
/// Longer than any pause of Jira's but those of its quotas: a run begins with a Jira that has forgotten the one before.
const REST: Duration = Duration::from_secs(310);
/// Longer than those too.
const REST_OF_QUOTAS: Duration = Duration::from_secs(3_700);
/// Forge brings a fresh token with each page and at least every hour.
const TOKEN_EVERY: Duration = Duration::from_secs(3_000);
/// More than either limit lets through at once, and than comes back within a second.
const STORM_OF_ISSUES: usize = 200;
const STORM_OF_CUSTOMERS: usize = 12;
/// Tries of a caller who does not give up. The faults of a run end long before.
const TRIES: usize = 100;

/// A seed's faults.
fn misfortunes(dice: &mut StdRng) -> Vec<RequestFault> {
    let some = |dice: &mut StdRng, most: u32| dice.random_bool(0.5).then(|| dice.random_range(1..=most));
    (0..dice.random_range(0..=3))
        .map(|_| {
            let what = match dice.random_range(0..9) {
                0 => Misfortune::RateLimit { reason: Reason::QuotaGlobal, retry_after_s: some(dice, 900) },
                1 => Misfortune::RateLimit { reason: Reason::QuotaTenant, retry_after_s: some(dice, 900) },
                2 => Misfortune::RateLimit { reason: Reason::Burst, retry_after_s: some(dice, 20) },
                3 => Misfortune::RateLimit { reason: Reason::PerIssue, retry_after_s: some(dice, 40) },
                4 => Misfortune::RateLimit { reason: Reason::Gateway, retry_after_s: None },
                5 => Misfortune::Slow { wait: (Duration::ZERO, Duration::from_millis(2)) },
                6 => Misfortune::Down {
                    for_s: dice.random_range(1..=90),
                    how: if dice.random_bool(0.5) { How::Close } else { How::Gateway },
                },
                _ => Misfortune::Error { status: [500, 502, 503, 504][dice.random_range(0..4)] },
            };
            RequestFault {
                method: [None, Some(Method::POST), Some(Method::PUT), Some(Method::GET)][dice.random_range(0..4)]
                    .clone(),
                path: Some("/rest/".to_owned()),
                next: Some(dice.random_range(1..=6)),
                chance: [1.0, 0.5][dice.random_range(0..2)],
                what,
            }
        })
        .collect()
}

/// What a shard met, so that no shard can pass because nothing happened in it.
#[derive(Default)]
struct Tally {
    arrived: usize,
    limited: BTreeMap<String, usize>,
    stumbled: usize,
    down: usize,
    lost_writes: usize,
    /// Messages whose acknowledgement was lost, and which were found instead of being written again.
    found: usize,
    messages: usize,
    /// Organizations and requests, in the same way.
    made_unheard: usize,
    /// Answers of a Data Center that nothing is left of the account's budget.
    used_up: usize,
}

struct Shard {
    place: Place,
    world: World,
    time: Arc<Time>,
    front: Arc<Front>,
    tenant: TenantId,
    entered: Moment,
    /// Many, so that no issue's comments fill pages that a writer has to look through.
    issues: Vec<kernel::IssueId>,
    tally: Tally,
}

impl Shard {
    async fn start(database: &Database, number: u64) -> Self {
        let place = Place::of(number);
        let (world, front) = Box::pin(place.world(database, number)).await;
        let mut shard = Self {
            place,
            issues: world.issue_ids(1_000),
            world,
            time: front.time.clone(),
            front,
            tenant: TenantId::SERVER,
            entered: Duration::ZERO,
            tally: Tally::default(),
        };
        match place {
            Place::Forge => shard.enter().await,
            Place::Connect => shard.tenant = connected::tenant(&shard.world).await,
            Place::CloudToken | Place::DataCenter => {
                shard.tenant = Box::pin(shard.world.joined(None)).await.tenant();
            }
        }
        shard
    }

    async fn enter(&mut self) {
        // On the heap: the compiler gives up on what would hold all of this.
        let (call, _, _) = Box::pin(self.world.enter("agent", "customers-page", None)).await;
        (self.tenant, self.entered) = (call.tenant, Timer::now(&*self.time));
    }

    /// Who acts now, with access that is not about to end.
    async fn cx(&mut self) -> Cx {
        // What an operator joined a site with does not end by itself.
        if self.place == Place::Forge && Timer::now(&*self.time) - self.entered > TOKEN_EVERY {
            Box::pin(self.enter()).await;
        }
        self.world.cx(self.tenant)
    }

    fn app<'a>(&'a self, cx: &'a Cx) -> Jira<'a> {
        Jira::for_tenant(&self.world.host.cloud, cx, As::App).within(BACKGROUND)
    }

    /// A caller who was refused comes back when told.
    async fn come_back(&self, fault: &Fault) {
        assert_eq!(fault.kind(), Kind::Busy, "{}", fault.code());
        self.time.sleep(fault.retry_after().unwrap_or(Duration::from_secs(10))).await;
    }

    /// Does something whose repetition changes nothing, until it is answered.
    async fn until_answered<T>(&mut self, ask: impl AsyncFn(Jira<'_>) -> kernel::Result<T>) -> T {
        for _ in 0..TRIES {
            let cx = self.cx().await;
            match ask(self.app(&cx)).await {
                Ok(answer) => return answer,
                Err(fault) => self.come_back(&fault).await,
            }
        }
        panic!("Jira never answers");
    }

    fn carried_out(&self, text: &str) -> usize {
        let seen = self.front.seen.lock().unwrap();
        seen.iter().filter(|arrival| arrival.carried_out() && arrival.body.contains(text)).count()
    }

    async fn stands(&mut self, issue: &IssueRef, text: &str) -> bool {
        let mut start = 0;
        loop {
            let (page, total) = self.until_answered(async |app| app.comments(issue, start).await).await;
            start += u32::try_from(page.len()).unwrap();
            if page.iter().any(|comment| comment.body.text() == text) {
                return true;
            }
            if page.is_empty() || u64::from(start) >= total {
                return false;
            }
        }
    }

    /// Writes a message until it is acknowledged, as a writer does who must neither lose nor double it.
    async fn message(&mut self, issue: &IssueRef, text: &str) {
        self.tally.messages += 1;
        for _ in 0..TRIES {
            let before = self.carried_out(text);
            let new = NewComment { body: Document::from_text(text), public: true, properties: Vec::new() };
            let cx = self.cx().await;
            let answer = self.app(&cx).add_comment(issue, new).await;
            let now = self.carried_out(text) - before;
            match answer {
                Ok(comment) => {
                    assert_eq!((now, comment.body.text().as_str()), (1, text), "an acknowledgement is a comment");
                    return;
                }
                // Nothing was written, and the fault says so: it may be written again without a look.
                Err(fault) if fault.code() == "jira_rate_limited" => {
                    assert_eq!(now, 0, "refused, and yet written");
                    self.come_back(&fault).await;
                }
                Err(fault) => {
                    assert!(now <= 1, "one call wrote {now} comments");
                    if self.stands(issue, text).await {
                        self.tally.found += 1;
                        return;
                    }
                    assert_eq!(now, 0, "written, and not found");
                    self.come_back(&fault).await;
                }
            }
        }
        panic!("Jira never takes the message");
    }

    async fn run(&mut self, seed: u64) {
        let mut dice = StdRng::seed_from_u64(seed);
        // A Data Center says no reason.
        let quotas = self.front.seen.lock().unwrap().iter().any(|arrival| {
            let named = arrival.reason.as_ref().is_some_and(|reason| reason.contains("quota"));
            named || arrival.told.is_some_and(|told| told > REST)
        });
        self.time.pass(if quotas { REST_OF_QUOTAS } else { REST });
        *self.time.dice.lock().unwrap() = StdRng::seed_from_u64(seed);
        self.front.seen.lock().unwrap().clear();
        let id = self.issues[dice.random_range(0..self.issues.len())].as_str().to_owned();
        let issue = IssueRef::parse(&id).unwrap();
        let property = PropertyKey::new(format!("steward.run-{seed}")).unwrap();
        self.cx().await;
        // Deliveries are another room's; here they would only be calls that nobody waits for.
        let calm = sandbox::Faults { delivery_dropped: 1.0, ..sandbox::Faults::none() };
        let faults = sandbox::Faults { requests: misfortunes(&mut dice), ..calm.clone() };
        self.world.jira.state().faults().command(faults, Some(seed));
        let chance = [0.0, 0.1, 0.4][dice.random_range(0..3)];
        *self.front.losing.lock().unwrap() = (chance, StdRng::seed_from_u64(seed));

        let (mut texts, mut value) = (Vec::new(), None);
        for step in 0..dice.random_range(1..=3) {
            match dice.random_range(0..24) {
                0..=11 => {
                    let text = format!("message {seed} {step}.");
                    self.message(&issue, &text).await;
                    texts.push(text);
                }
                12..=17 => {
                    self.until_answered(async |app| app.set_issue_property(&issue, &property, &json!(step)).await)
                        .await;
                    value = Some(json!(step));
                }
                18..=19 => {
                    self.until_answered(async |app| app.delete_issue_property(&issue, &property).await).await;
                    value = None;
                }
                20..=22 => {
                    let read = self.until_answered(async |app| app.issue(&issue).await).await;
                    assert_eq!(read.id.as_str(), id);
                }
                // As fast as it goes: what keeps below the limits is the client.
                _ => {
                    for number in 0..25 {
                        let set = json!([step, number]);
                        self.until_answered(async |app| app.set_issue_property(&issue, &property, &set).await).await;
                        value = Some(set);
                    }
                }
            }
        }

        if (seed / SHARDS).is_multiple_of(MAKES_EVERY) {
            Box::pin(self.makes(seed)).await;
        }

        self.world.jira.state().faults().command(calm, None);
        self.front.losing.lock().unwrap().0 = 0.0;
        self.count();
        self.nobody_came_too_early();
        self.no_window_was_overfull();
        self.only_what_got_lost_cost_a_refusal();
        self.jira_had_nothing_to_refuse();
        let written: Vec<String> = {
            let state = self.world.jira.state();
            let store = state.read();
            store.issue(&id).unwrap().comments.iter().map(|comment| comment.body.to_string()).collect()
        };
        for text in texts {
            assert_eq!(written.iter().filter(|body| body.contains(&text)).count(), 1, "{text}");
        }
        let standing = self.until_answered(async |app| app.issue_property(&issue, &property).await).await;
        // The Connect app may empty a property, and not take it away.
        let standing = standing.filter(|kept| self.place != Place::Connect || *kept != json!({}));
        assert_eq!(standing, value);
    }

    /// As fast as it goes, by a Jira that is well, at the endpoints whose limits are their own.
    async fn storm(&mut self) {
        self.time.pass(REST_OF_QUOTAS);
        self.front.seen.lock().unwrap().clear();
        let issue = IssueRef::from(self.issues[0].clone());
        let desk = self.until_answered(async |app| app.service_desks(0).await).await.items[0].id.clone();
        for _ in 0..STORM_OF_ISSUES {
            self.until_answered(async |app| app.issue(&issue).await).await;
        }
        for _ in 0..STORM_OF_CUSTOMERS {
            self.until_answered(async |app| app.desk_customers(&desk, "", 0).await).await;
        }
        self.no_window_was_overfull();
        self.jira_had_nothing_to_refuse();
        let seen = self.front.seen.lock().unwrap();
        let came = |limit: u32| {
            let of_it = |call: &&Arrival| pace::per_second(&call.method, &endpoint(&call.path)) == limit;
            seen.iter().filter(of_it).count()
        };
        assert_eq!(
            (came(150), came(5)),
            (STORM_OF_ISSUES, STORM_OF_CUSTOMERS),
            "the limits that are their own were compared"
        );
    }

    fn count(&mut self) {
        for arrival in self.front.seen.lock().unwrap().iter() {
            self.tally.arrived += 1;
            self.tally.lost_writes += usize::from(arrival.lost && arrival.carried_out());
            self.tally.used_up += usize::from(self.place == Place::DataCenter && arrival.remaining == Some(0));
            match arrival.status {
                None => self.tally.down += 1,
                Some(429) => {
                    let reason = arrival.reason.clone().unwrap_or_else(|| "none".to_owned());
                    *self.tally.limited.entry(reason).or_default() += 1;
                }
                Some(500..) => self.tally.stumbled += 1,
                Some(_) => {}
            }
        }
    }

    /// Whoever heard a refusal with a time stays away for as long, as far as its reason reaches; from a Data Center also whoever heard that
    /// nothing is left. What got lost was not heard.
    fn nobody_came_too_early(&self) {
        let seen = self.front.seen.lock().unwrap();
        let one_budget = self.place == Place::DataCenter;
        for (at, answered) in seen.iter().enumerate() {
            let over = answered.status == Some(429) || (one_budget && answered.remaining == Some(0));
            let (true, Some(told), false) = (over, answered.told, answered.lost) else { continue };
            for later in &seen[at + 1..] {
                let reached = match answered.reason.as_deref() {
                    _ if one_budget => true,
                    Some("jira-quota-global-based" | "jira-quota-tenant-based") => true,
                    // A run writes to one issue. Anything else that is refused so is paused as an endpoint.
                    Some("jira-per-issue-on-write") if answered.writes_issue() => later.writes_issue(),
                    _ => (&later.method, &later.path) == (&answered.method, &answered.path),
                };
                let early = reached && later.at < answered.at + told;
                assert!(!early, "{} {} came {:?} too early", later.method, later.path, answered.at + told - later.at);
            }
        }
    }

    /// A Data Center refuses by its own limit only who could not know: the answer that took the last of the budget got lost.
    fn only_what_got_lost_cost_a_refusal(&self) {
        let seen = self.front.seen.lock().unwrap();
        let mut unheard = false;
        // What a fault answers in its place says nothing of the budget.
        for call in seen.iter().filter(|call| self.place == Place::DataCenter && call.remaining.is_some()) {
            assert!(call.status != Some(429) || unheard, "{} {} was one too many", call.method, call.path);
            unheard = call.lost && call.remaining == Some(0);
        }
    }

    /// On Cloud the client is always below Jira's limits: what it was refused was refused by a fault.
    fn jira_had_nothing_to_refuse(&self) {
        let seen = self.front.seen.lock().unwrap();
        for call in seen.iter().filter(|call| self.place != Place::DataCenter && call.status == Some(429)) {
            assert!(call.fault, "{} {} was one too many: {:?}", call.method, call.path, call.reason);
        }
    }

    fn no_window_was_overfull(&self) {
        #[track_caller]
        fn check(times: &[Moment], limit: u32, window: Duration) {
            for (last, at) in times.iter().enumerate() {
                let within = times[..=last].iter().filter(|start| *at - **start < window).count();
                assert!(within <= limit as usize, "{within} calls within {window:?}");
            }
        }
        let seen = self.front.seen.lock().unwrap();
        let writes: Vec<_> = seen.iter().filter(|call| call.writes_issue()).map(|call| call.at).collect();
        for (limit, window) in ISSUE_WINDOWS {
            check(&writes, limit, window);
        }
        let mut endpoints: BTreeMap<(&str, String), Vec<Moment>> = BTreeMap::new();
        for call in seen.iter() {
            endpoints.entry((call.method.as_str(), endpoint(&call.path))).or_default().push(call.at);
        }
        for ((method, endpoint), times) in endpoints {
            check(&times, pace::per_second(&method.parse().unwrap(), &endpoint), Duration::from_secs(1));
        }
    }
}

/// What the client calls the endpoint of a path as it arrived.
fn endpoint(path: &str) -> String {
    let mut before = "";
    let places = path.split('/').map(|part| {
        let place = match (before, part) {
            ("issue", _) => "{issue}",
            ("servicedesk", _) => "{desk}",
            // Of properties the front keeps no key.
            (_, "properties") => "properties/{key}",
            // Data Center has no other version.
            ("api", "2") => "3",
            _ => part,
        };
        before = part;
        place
    });
    format!("/rest/{}", places.collect::<Vec<_>>().join("/"))
}

#[test]
fn paths_are_told_by_the_clients_names() {
    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(endpoint(path), expected);
    }
    check("api/3/issue/10001", "/rest/api/3/issue/{issue}");
    check("api/2/issue/10001/comment", "/rest/api/3/issue/{issue}/comment");
    check("api/3/issue/10001/properties", "/rest/api/3/issue/{issue}/properties/{key}");
    check("servicedeskapi/servicedesk/3/customer", "/rest/servicedeskapi/servicedesk/{desk}/customer");
    check("servicedeskapi/servicedesk", "/rest/servicedeskapi/servicedesk");
    assert_eq!(pace::per_second(&Method::GET, &endpoint("api/3/issue/10001")), 150);
    assert_eq!(pace::per_second(&Method::GET, &endpoint("servicedeskapi/servicedesk/3/customer")), 5);
}

async fn runs_of(shard: u64) {
    let database = Database::sqlite().await.unwrap();
    let mut runs = Shard::start(&database, shard).await;
    for seed in (shard..RUNS).step_by(usize::try_from(SHARDS).unwrap()) {
        // Its last line, should it fail.
        eprintln!("seed {seed}");
        runs.run(seed).await;
    }
    // A Data Center has one budget for all, and none of an endpoint's own.
    if runs.place != Place::DataCenter {
        Box::pin(runs.storm()).await;
    }
    let Tally { arrived, limited, stumbled, down, lost_writes, found, messages, made_unheard, used_up } = &runs.tally;
    eprintln!(
        "{:?}: {messages} messages, {found} of them found; {arrived} calls arrived: {limited:?} refused, {stumbled} stumbled, \
         {down} met nobody, {lost_writes} writes were done and their answers lost, {made_unheard} things were made and not heard of, \
         {used_up} times a budget was used up",
        runs.place
    );
    match runs.place {
        Place::Forge | Place::Connect | Place::CloudToken => assert_eq!(limited.len(), 5, "each reason was met"),
        Place::DataCenter => assert!(limited.len() == 1 && *used_up > 10, "its limit was met, and it says no reason"),
    }
    assert!([stumbled, down, lost_writes, found].into_iter().all(|met| *met > 10));
    assert!(*made_unheard > 0, "something was made, and nobody heard of it");
}

macro_rules! shards {
    ($($name:ident $number:literal),*) => {
        $(#[tokio::test]
        async fn $name() {
            runs_of($number).await;
        })*

        #[test]
        fn every_run_is_in_a_shard() {
            assert_eq!([$($number),*].to_vec(), (0..SHARDS).collect::<Vec<u64>>());
        }
    };
}

shards!(
    shard_0 0, shard_1 1, shard_2 2, shard_3 3, shard_4 4, shard_5 5, shard_6 6, shard_7 7, shard_8 8, shard_9 9,
    shard_10 10, shard_11 11, shard_12 12, shard_13 13, shard_14 14, shard_15 15
);
