//! Who must wait because of what Jira said, and until when. Pure: the present is a value.

use std::collections::HashMap;
use std::time::Duration;

use kernel::{AccountId, TenantId};
use reqwest::Method;

use super::headers::{Reason, Signals};

/// A point on the process's own clock, which no one sets back.
pub type Moment = Duration;

/// Without a word of when, a quota comes back at the top of the UTC hour.
const HOUR: u64 = 3600;
/// Without a word of when, other limits come back within moments.
const MOMENT: Duration = Duration::from_secs(2);
/// No burst lasts longer, whatever a header says.
const LONGEST_BURST: Duration = Duration::from_secs(300);
/// Pauses kept; beyond it those that ended are dropped, then the ones that end first.
const KEPT: usize = 10_000;

/// What a call is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Whose.
    pub tenant: TenantId,
    /// How.
    pub method: Method,
    /// What: the path's template.
    pub endpoint: &'static str,
    /// The issue that it writes to.
    pub writes_issue: Option<String>,
    /// Out of which budget.
    pub budget: Budget,
    /// Whether nobody waits for it: such a call leaves the last of an hour's points to people.
    pub background: bool,
}

/// What Jira counts calls by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Budget {
    /// By the app, the site, the endpoint and the issue, as Cloud does: a refusal says which it was.
    Several(App),
    /// One over all endpoints, as Data Center keeps for each person: here the account that the site was joined with.
    Account,
    /// The same of somebody who is asked for with what they granted.
    Person(AccountId),
}

/// Who spends an hour's points, which all sites of one app share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum App {
    /// This server's Forge apps. Which of them a site has is not kept: where there are two, both wait.
    Forge,
    /// This server's Connect app.
    Connect,
    /// A site's own client, by which its people sign in.
    SignIn(TenantId),
    /// An account's token of a site: it spends no points.
    Token(TenantId),
}

/// How far a pause reaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every call of an app, for whichever site.
    App(App),
    /// Every call of an app that nobody waits for.
    BackgroundOfApp(App),
    /// Every call for a tenant.
    Tenant(TenantId),
    /// Every call for a tenant that nobody waits for.
    BackgroundOf(TenantId),
    /// Every call for a tenant that is made as this person.
    Person(TenantId, AccountId),
    /// One endpoint of a tenant.
    Endpoint(TenantId, Method, &'static str),
    /// Writes to one issue.
    Issue(TenantId, String),
}

/// The pauses that an answer calls for, each with its length. `unix_seconds` tells when the hour ends.
pub fn called_for(status: u16, signals: &Signals, target: &Target, unix_seconds: i64) -> Vec<(Scope, Duration)> {
    let one = |scope: Scope| used_up(status, signals).into_iter().map(|wait| (scope.clone(), wait)).collect();
    let app = match &target.budget {
        Budget::Several(app) => app,
        // Nearly everything is asked as the account, also for a person's page: the site waits as a whole.
        Budget::Account => return one(Scope::Tenant(target.tenant)),
        // What one person used up is nobody else's.
        Budget::Person(account) => return one(Scope::Person(target.tenant, account.clone())),
    };
    let scope = |reason: Option<Reason>| match reason {
        Some(Reason::AppQuota) => Scope::App(app.clone()),
        Some(Reason::TenantQuota) => Scope::Tenant(target.tenant),
        Some(Reason::Issue) => match &target.writes_issue {
            Some(issue) => Scope::Issue(target.tenant, issue.clone()),
            None => Scope::Endpoint(target.tenant, target.method.clone(), target.endpoint),
        },
        Some(Reason::Burst) | None => Scope::Endpoint(target.tenant, target.method.clone(), target.endpoint),
    };
    let mut pauses = Vec::new();
    // Of the last fifth of an hour's points nothing is for what nobody waits for.
    for window in signals.windows.iter().filter(|window| window.is_near()) {
        let scope = match Reason::parse(&window.name) {
            Some(Reason::AppQuota) => Scope::BackgroundOfApp(app.clone()),
            Some(Reason::TenantQuota) => Scope::BackgroundOf(target.tenant),
            Some(Reason::Burst | Reason::Issue) | None => continue,
        };
        pauses.extend(window.reset_in.map(|reset_in| (scope, reset_in)));
    }
    // A window that is used up ends the same way whether or not this call was the one too many.
    for window in signals.windows.iter().filter(|window| window.remaining == Some(0)) {
        if let (Some(reason), Some(reset_in)) = (Reason::parse(&window.name), window.reset_in) {
            pauses.push((scope(Some(reason)), reset_in));
        }
    }
    if status == 429 {
        let told = match signals.reason {
            Some(Reason::AppQuota | Reason::TenantQuota) => {
                let hour_left = HOUR - unix_seconds.rem_euclid(3600).unsigned_abs();
                signals.reset_in.or(signals.retry_after).unwrap_or(Duration::from_secs(hour_left))
            }
            _ => signals.retry_after.or(signals.reset_in).unwrap_or(MOMENT).min(LONGEST_BURST),
        };
        pauses.push((scope(signals.reason), told));
    }
    pauses
}

/// How long until the one budget is filled again, if nothing is left of it: also where this call was the last one in it.
fn used_up(status: u16, signals: &Signals) -> Option<Duration> {
    let nothing_left = status == 429 || signals.remaining == Some(0);
    // `Retry-After` stands on every answer, as zero where a call would be taken.
    let told = [signals.retry_after, signals.fills_every].into_iter().flatten().find(|wait| !wait.is_zero());
    nothing_left.then(|| told.unwrap_or(MOMENT))
}

/// The pauses that hold.
#[derive(Default)]
pub struct Pauses(HashMap<Scope, Moment>);

impl Pauses {
    /// Adds a pause; of two, the later end holds. Answers whether none held there until now.
    pub fn add(&mut self, scope: Scope, until: Moment, now: Moment) -> bool {
        if self.0.len() >= KEPT {
            self.0.retain(|_, end| *end > now);
            while self.0.len() >= KEPT {
                let Some(first) = self.0.iter().min_by_key(|(_, end)| **end).map(|(scope, _)| scope.clone()) else {
                    break;
                };
                self.0.remove(&first);
            }
        }
        let before = self.0.get(&scope).copied().unwrap_or_default();
        self.0.insert(scope, before.max(until));
        before <= now
    }

    /// How long a call must wait from `now`.
    pub fn wait(&self, target: &Target, now: Moment) -> Duration {
        let mut scopes =
            vec![Scope::Tenant(target.tenant), Scope::Endpoint(target.tenant, target.method.clone(), target.endpoint)];
        scopes.extend(target.writes_issue.clone().map(|issue| Scope::Issue(target.tenant, issue)));
        if target.background {
            scopes.push(Scope::BackgroundOf(target.tenant));
        }
        match &target.budget {
            Budget::Several(app) => {
                scopes.push(Scope::App(app.clone()));
                if target.background {
                    scopes.push(Scope::BackgroundOfApp(app.clone()));
                }
            }
            Budget::Person(account) => scopes.push(Scope::Person(target.tenant, account.clone())),
            Budget::Account => {}
        }
        scopes.iter().filter_map(|scope| self.0.get(scope)).map(|end| end.saturating_sub(now)).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::headers::Window;
    use super::*;

    fn target(issue: Option<&str>) -> Target {
        Target {
            tenant: TenantId::SERVER,
            method: Method::PUT,
            endpoint: "/issue",
            writes_issue: issue.map(str::to_owned),
            budget: Budget::Several(App::Forge),
            background: false,
        }
    }

    fn endpoint() -> Scope {
        Scope::Endpoint(TenantId::SERVER, Method::PUT, "/issue")
    }

    #[track_caller]
    fn check(status: u16, signals: &Signals, issue: Option<&str>, expected: &[(Scope, u64)]) {
        // 15:40:00 UTC: twenty minutes of the hour are left.
        let called = called_for(status, signals, &target(issue), 1_774_539_600);
        let expected: Vec<_> =
            expected.iter().map(|(scope, seconds)| (scope.clone(), Duration::from_secs(*seconds))).collect();
        assert_eq!(called, expected, "{signals:?}");
    }

    fn signals(reason: Option<Reason>, retry: Option<u64>, reset: Option<u64>) -> Signals {
        Signals {
            reason,
            retry_after: retry.map(Duration::from_secs),
            reset_in: reset.map(Duration::from_secs),
            ..Signals::default()
        }
    }

    #[test]
    fn what_an_answer_calls_for() {
        let issue = Scope::Issue(TenantId::SERVER, "10001".to_owned());
        check(200, &signals(None, None, None), None, &[]);
        check(200, &signals(Some(Reason::Burst), Some(3), None), None, &[]);
        check(503, &signals(None, Some(3), None), None, &[]);
        check(429, &signals(Some(Reason::AppQuota), Some(3), Some(600)), None, &[(Scope::App(App::Forge), 600)]);
        check(429, &signals(Some(Reason::AppQuota), Some(30), None), None, &[(Scope::App(App::Forge), 30)]);
        check(429, &signals(Some(Reason::AppQuota), None, None), None, &[(Scope::App(App::Forge), 1200)]);
        check(429, &signals(Some(Reason::TenantQuota), None, Some(60)), None, &[(Scope::Tenant(TenantId::SERVER), 60)]);
        check(429, &signals(Some(Reason::Burst), Some(1), None), Some("10001"), &[(endpoint(), 1)]);
        check(429, &signals(Some(Reason::Burst), None, None), None, &[(endpoint(), 2)]);
        check(429, &signals(Some(Reason::Burst), Some(4000), None), None, &[(endpoint(), 300)]);
        check(429, &signals(Some(Reason::Issue), Some(5), None), Some("10001"), &[(issue, 5)]);
        check(429, &signals(Some(Reason::Issue), Some(5), None), None, &[(endpoint(), 5)]);
        // A gateway that gives neither reason nor time.
        check(429, &signals(None, None, None), Some("10001"), &[(endpoint(), 2)]);
    }

    #[test]
    fn a_window_that_is_used_up_pauses_before_the_refusal() {
        let window = |name: &str, remaining| Window {
            name: name.to_owned(),
            whole: None,
            remaining,
            reset_in: Some(Duration::from_secs(90)),
        };
        let with = |windows| Signals { windows, ..Signals::default() };
        check(200, &with(vec![window("global-app-quota", Some(0))]), None, &[(Scope::App(App::Forge), 90)]);
        check(200, &with(vec![window("global-app-quota", Some(1))]), None, &[]);
        check(200, &with(vec![window("global-app-quota", None)]), None, &[]);
        check(200, &with(vec![window("unheard-of", Some(0))]), None, &[]);
    }

    #[test]
    fn the_last_of_an_hours_points_is_for_people() {
        let seconds = Duration::from_secs;
        let window = |name: &str, remaining| Window {
            name: name.to_owned(),
            whole: Some(1_000),
            remaining: Some(remaining),
            reset_in: Some(seconds(90)),
        };
        let with = |name: &str, remaining| Signals { windows: vec![window(name, remaining)], ..Signals::default() };
        let (of_app, of_tenant) = (Scope::BackgroundOfApp(App::Forge), Scope::BackgroundOf(TenantId::SERVER));
        check(200, &with("global-app-quota", 200), None, &[]);
        check(200, &with("global-app-quota", 199), None, &[(of_app.clone(), 90)]);
        check(200, &with("tenant-quota", 199), None, &[(of_tenant.clone(), 90)]);
        check(200, &with("burst", 1), None, &[]);
        // When nothing is left, everybody waits.
        check(200, &with("global-app-quota", 0), None, &[(of_app.clone(), 90), (Scope::App(App::Forge), 90)]);
        for scope in [of_app, of_tenant] {
            let mut pauses = Pauses::default();
            pauses.add(scope.clone(), seconds(90), seconds(0));
            assert_eq!(pauses.wait(&target(None), seconds(10)), seconds(0), "{scope:?}");
            let background = Target { background: true, ..target(None) };
            assert_eq!(pauses.wait(&background, seconds(10)), seconds(80), "{scope:?}");
        }
    }

    #[test]
    fn one_budget_is_used_up_over_all_endpoints() {
        #[track_caller]
        fn check(budget: Budget, status: u16, signals: &Signals, expected: Option<(Scope, u64)>) {
            let target = Target { budget, ..target(Some("10001")) };
            let expected: Vec<_> =
                expected.map(|(scope, wait)| (scope, Duration::from_secs(wait))).into_iter().collect();
            assert_eq!(called_for(status, signals, &target, 0), expected, "{status} {signals:?}");
        }
        let told = |remaining, retry: Option<u64>, every: Option<u64>| Signals {
            remaining,
            retry_after: retry.map(Duration::from_secs),
            fills_every: every.map(Duration::from_secs),
            ..Signals::default()
        };
        let site = |wait| Some((Scope::Tenant(TenantId::SERVER), wait));
        let account = |status, signals: &Signals, expected| check(Budget::Account, status, signals, expected);
        // As long as something is left, nobody waits.
        account(200, &told(Some(1), Some(0), Some(60)), None);
        account(200, &told(None, None, None), None);
        account(503, &told(Some(1), Some(7), Some(60)), None);
        // Nothing is left: until the next fill, before a refusal says so.
        account(200, &told(Some(0), None, Some(60)), site(60));
        account(201, &told(Some(0), Some(12), Some(60)), site(12));
        account(404, &told(Some(0), Some(0), Some(60)), site(60));
        account(200, &told(Some(0), None, None), site(2));
        // A refusal, with as much as it says; of a whole hour too.
        account(429, &told(Some(0), Some(12), Some(60)), site(12));
        account(429, &told(None, None, Some(60)), site(60));
        account(429, &told(None, None, None), site(2));
        account(429, &told(Some(0), Some(3600), Some(3600)), site(3600));
        // Somebody's own budget is theirs.
        let somebody = AccountId::new("dc-1").unwrap();
        let theirs = Scope::Person(TenantId::SERVER, somebody.clone());
        let person = Budget::Person(somebody);
        check(person.clone(), 200, &told(Some(0), None, Some(60)), Some((theirs.clone(), 60)));
        check(person.clone(), 200, &told(Some(5), Some(0), Some(60)), None);
        // On Cloud the same headers speak of one endpoint's second.
        check(Budget::Several(App::Forge), 200, &told(Some(0), None, Some(60)), None);

        let seconds = Duration::from_secs;
        let by = |budget: &Budget| Target { budget: budget.clone(), endpoint: "/other", ..target(None) };
        let other = Budget::Person(AccountId::new("dc-2").unwrap());
        let mut pauses = Pauses::default();
        pauses.add(theirs, seconds(60), seconds(0));
        assert_eq!(pauses.wait(&by(&person), seconds(20)), seconds(40));
        for budget in [&other, &Budget::Account] {
            assert_eq!(pauses.wait(&by(budget), seconds(20)), seconds(0));
        }
        pauses.add(Scope::Tenant(TenantId::SERVER), seconds(30), seconds(0));
        for budget in [&other, &Budget::Account] {
            assert_eq!(pauses.wait(&by(budget), seconds(20)), seconds(10));
        }
    }

    #[test]
    fn a_pause_reaches_as_far_as_its_reason() {
        let seconds = Duration::from_secs;
        let mut pauses = Pauses::default();
        let issue = || Scope::Issue(TenantId::SERVER, "1".to_owned());
        let new =
            [(10, 0), (5, 0), (10, 10), (12, 11)].map(|(until, now)| pauses.add(issue(), seconds(until), seconds(now)));
        assert_eq!(new, [true, false, true, true]);
        pauses = Pauses::default();
        pauses.add(issue(), seconds(10), seconds(0));
        pauses.add(issue(), seconds(5), seconds(0));
        assert_eq!(pauses.wait(&target(Some("1")), seconds(4)), seconds(6));
        assert_eq!(pauses.wait(&target(Some("2")), seconds(4)), seconds(0));
        assert_eq!(pauses.wait(&target(None), seconds(4)), seconds(0));
        pauses.add(endpoint(), seconds(20), seconds(0));
        assert_eq!(pauses.wait(&target(Some("2")), seconds(4)), seconds(16));
        let other = Target { endpoint: "/other", ..target(None) };
        assert_eq!(pauses.wait(&other, seconds(4)), seconds(0));
        pauses.add(Scope::App(App::Forge), seconds(8), seconds(0));
        assert_eq!(pauses.wait(&other, seconds(4)), seconds(4));
        assert_eq!(pauses.wait(&other, seconds(8)), seconds(0));
    }

    #[test]
    fn pauses_are_bounded() {
        let mut pauses = Pauses::default();
        for issue in 0..KEPT as u64 + 50 {
            pauses.add(
                Scope::Issue(TenantId::SERVER, issue.to_string()),
                Duration::from_secs(issue + 1),
                Duration::ZERO,
            );
        }
        assert!(pauses.0.len() <= KEPT);
    }
}
