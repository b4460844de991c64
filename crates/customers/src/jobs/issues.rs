//! Writing chosen values onto issues: following changes, finding issues, and sending until Jira has it.
//!
//! One sender a tenant works for less than a minute at once; each issue is sent what stands then, so that of many changes the
//! last is sent, once. It never keeps what it sends. Start at [`Send`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use host::client::{self, IssueRef, PropertyKey, Search};
use host::{As, Jira, issue_property, jql};
use jiff::{SignedDuration, Timestamp};
use jobs::{Handler, Outcome};
use kernel::{Cx, Fault, KeyClass, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault::Subject;

use crate::Room;
use crate::actions::copies;
use crate::actions::fields::OpenField;
pub(crate) use crate::actions::issues::look;
use crate::actions::issues::{self, Content};
use crate::rules::issues::ISSUES;
use crate::sql::issues::{self as marks, Mark, Settled};

pub(crate) const FOLLOW: &str = "customers.follow_changes";
pub(crate) const FIND: &str = "customers.find_issues";
pub(crate) const SEND: &str = "customers.send_to_issues";

/// Issues on a page of a search.
const PAGE: u32 = 100;
/// Pages read before the job notes how far it is.
const PAGES_A_SLICE: usize = 10;
/// How often changed issues are looked for where what Jira tells may be lost.
const RECENT_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How far such a search looks back: Jira's search lags, and a turn may be late.
const RECENT_MINUTES: u32 = 20;
/// An issue is new for so long: longer than a search looks back, shorter than the queue remembers what it had.
const NEW_FOR: SignedDuration = SignedDuration::from_hours(2);
/// Issues that are written at once: well below what Jira takes in a second.
const AT_ONCE: u32 = 8;
/// Such handfuls in one run of the job.
const HANDFULS: usize = 20;
/// How long a handful may take, with its repetitions.
const HANDFUL_TIME: Duration = Duration::from_secs(20);
/// How long a sender that died keeps others out: longer than a handful, shorter than a job's lease.
const CLAIM: SignedDuration = SignedDuration::from_secs(120);
/// Tries of one issue whose trouble is its own.
const TRIES: i64 = 8;
/// The first pause before such an issue is tried again; twice as long each time.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// How long Jira is left alone at first when it is busy, and at most.
const FIRST_HOLD: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_HOLD: SignedDuration = SignedDuration::from_mins(15);
/// How long, when it refuses a whole handful: a right is missing, which people must give.
const REFUSED_HOLD: SignedDuration = SignedDuration::from_mins(30);
/// A handful that tells of the whole site.
const TELLING: usize = 4;
/// What is no hash of anything: Jira may have something, and nobody knows what.
const UNKNOWN: &[u8] = &[];

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    vec![Arc::new(Follow(room.clone())), Arc::new(Find(room.clone())), Arc::new(Send(room.clone()))]
}

/// Marks the issues of whoever changed.
struct Follow(Room);

#[async_trait]
impl Handler for Follow {
    fn kind(&self) -> &'static str {
        FOLLOW
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        Ok(if issues::follow(cx, &self.0).await? { Outcome::Again(payload.clone()) } else { Outcome::Done })
    }
}

/// Notes whose an issue is, and where.
pub(super) async fn note(scoped: &mut store::Scoped, issue: &client::Issue, at: Timestamp) -> Result<()> {
    let (Some(reporter), Some(project)) = (&issue.fields.reporter, &issue.fields.project) else {
        // What stands there may be a former reporter's.
        return marks::mark_leaves(scoped, &issue.id, at).await;
    };
    marks::mark_put(scoped, (&issue.id, &reporter.account_id, &project.id), at).await
}

/// Whether an issue was made so lately that what is copied when it is made may still be missing.
pub(super) fn is_new(issue: &client::Issue, now: Timestamp) -> bool {
    let since = now.checked_sub(NEW_FOR).unwrap_or(Timestamp::MIN);
    issue.fields.created.is_some_and(|made| made >= since)
}

/// Looks for issues.
struct Find(Room);

/// What is looked for, and how far it is.
#[derive(Deserialize, Serialize)]
struct Finding {
    /// All of them, newest first.
    #[serde(default)]
    all: bool,
    /// Else those that changed within so many minutes.
    #[serde(default)]
    minutes: u32,
    /// Whether this is one of a row that goes on by itself.
    #[serde(default)]
    turn: bool,
    #[serde(default)]
    next: Option<String>,
    #[serde(default)]
    seen: u32,
}

#[async_trait]
impl Handler for Find {
    fn kind(&self) -> &'static str {
        FIND
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let mut finding = Finding::deserialize(payload).map_err(|_| Fault::invalid("jobs_payload", "not a finding"))?;
        let store = &self.0.shared.store;
        let sending = marks::sending_get(&mut store.read(cx).await?).await?;
        let Some(sending) = sending.filter(|sending| sending.active || sending.copying) else {
            return Ok(Outcome::Done);
        };
        let projects = self.0.shared.host.callers.service_projects(cx).await?;
        let jql = if finding.all { jql::newest(&projects) } else { jql::changed(&projects, finding.minutes) };
        let jira = Jira::for_tenant(&self.0.shared.host.cloud, cx, As::App).in_background();
        for _ in 0..PAGES_A_SLICE {
            if projects.is_empty() {
                return self.ends(cx, &finding).await;
            }
            let search = Search { jql: &jql, next: finding.next.as_deref(), reconcile: &[], limit: PAGE };
            let page = jira.search(search).await?;
            let mut scoped = store.write(cx).await?;
            for issue in &page.issues {
                if sending.active {
                    note(&mut scoped, issue, cx.now()).await?;
                }
                if sending.copying && is_new(issue, cx.now()) {
                    copies::made(&mut scoped, cx, &issue.id).await?;
                }
            }
            issues::send(&mut scoped, cx, cx.now()).await?;
            scoped.commit().await?;
            finding.seen = finding.seen.saturating_add(u32::try_from(page.issues.len()).unwrap_or(PAGE));
            finding.next = page.next.filter(|_| finding.seen < ISSUES);
            if finding.next.is_none() {
                return self.ends(cx, &finding).await;
            }
        }
        Ok(Outcome::Again(json!(finding)))
    }
}

impl Find {
    /// Notes that it was to the end, and goes on in a while where Jira's telling is not to be relied on.
    async fn ends(&self, cx: &Cx, finding: &Finding) -> Result<Outcome> {
        let told = self.0.shared.host.tells_of_issues(cx).await?;
        let mut scoped = self.0.shared.store.write(cx).await?;
        if finding.all {
            marks::sending_finding(&mut scoped, None, Some(cx.now())).await?;
        }
        if !told {
            // One row of turns, whoever begins it: they share their instants.
            let every = i64::try_from(RECENT_EVERY.as_micros()).unwrap_or(i64::MAX);
            let turn = kernel::micros(cx.now()).div_euclid(every) + 1;
            let what = json!({"minutes": RECENT_MINUTES, "turn": true});
            let at = kernel::from_micros(turn.saturating_mul(every));
            issues::find(&mut scoped, cx, &format!("turn {turn}"), &what, at).await?;
        }
        scoped.commit().await?;
        Ok(Outcome::Done)
    }
}

/// Sends what waits.
struct Send(Room);

/// What is to stand on an issue, and its hash; none: nothing.
type Looked = Result<(Content, Option<Vec<u8>>)>;

/// What became of one issue.
enum Tried {
    /// Jira has it, under this hash; none: nothing stands there.
    Has(Option<Vec<u8>>),
    /// Jira does not take it.
    Refused(&'static str),
    /// Something went wrong with this one.
    Trouble(&'static str),
    /// Jira takes nothing at the moment; for how long, if it says so.
    Busy(&'static str, Option<Duration>),
}

impl Tried {
    fn of(fault: &Fault) -> Self {
        match fault.kind() {
            Kind::Busy => Self::Busy(fault.code(), fault.retry_after()),
            Kind::NotFound | Kind::Refused | Kind::Invalid => Self::Refused(fault.code()),
            Kind::Conflict | Kind::Broken | Kind::Unauthenticated => Self::Trouble(fault.code()),
        }
    }
}

#[async_trait]
impl Handler for Send {
    fn kind(&self) -> &'static str {
        SEND
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let mut scoped = self.0.shared.store.write(cx).await?;
        if !marks::sending_claim(&mut scoped, cx.now(), later(cx, CLAIM)).await? {
            // Somebody is at it, or was: once that is over, what waits is not left to chance.
            let after = later(cx, CLAIM);
            let slot = kernel::micros(after).div_euclid(i64::try_from(CLAIM.as_micros()).unwrap_or(1));
            jobs::enqueue(&mut scoped, cx, SEND, &format!("after {slot}"), payload, after).await?;
            scoped.commit().await?;
            return Ok(Outcome::Done);
        }
        scoped.commit().await?;
        let worked = self.work(cx).await;
        if !matches!(worked, Ok(false)) {
            let mut scoped = self.0.shared.store.write(cx).await?;
            marks::sending_keep(&mut scoped, cx.now()).await?;
            scoped.commit().await?;
        }
        Ok(if worked? { Outcome::Again(payload.clone()) } else { Outcome::Done })
    }
}

impl Send {
    /// True when there may be more; false when it gave the sending back.
    async fn work(&self, cx: &Cx) -> Result<bool> {
        let (mut chosen, mut slots) = (Vec::new(), false);
        for handful in 0..HANDFULS {
            let Some(due) = self.next(cx).await? else { return Ok(false) };
            // Read after the marks: what a later choice changes marks them again.
            if handful == 0 || !due.is_empty() {
                chosen = issues::chosen(cx, &self.0).await?;
                slots = self.0.shared.host.searches_properties(cx).await?;
            }
            let jira = Jira::for_tenant(&self.0.shared.host.cloud, cx, As::App).within(HANDFUL_TIME);
            let looks = due.iter().map(|mark| self.look(cx, (&chosen, slots), mark));
            let looked = join_all(looks).boxed().await;
            self.note_first(cx, &due, &looked).await?;
            let tries =
                due.iter().zip(looked).map(|(mark, looked)| self.attempt(cx, &jira, (&chosen, slots), mark, looked));
            let tried = join_all(tries).boxed().await;
            self.settle(cx, chosen.is_empty(), due.iter().zip(tried).collect()).await?;
        }
        Ok(true)
    }

    /// The next handful; with nothing due, gives the sending back and sees to it that somebody comes when something is.
    async fn next(&self, cx: &Cx) -> Result<Option<Vec<Mark>>> {
        let mut scoped = self.0.shared.store.write(cx).await?;
        // First, so that whoever marks from here on waits for this transaction before looking for a sender.
        marks::sending_keep(&mut scoped, later(cx, CLAIM)).await?;
        let held = marks::sending_get(&mut scoped).await?.and_then(|sending| sending.held_until);
        let held = held.filter(|until| *until > cx.now());
        let due = match held {
            Some(_) => Vec::new(),
            None => marks::mark_due(&mut scoped, cx.now(), AT_ONCE).await?,
        };
        if due.is_empty() {
            marks::sending_keep(&mut scoped, cx.now()).await?;
            if let Some(next) = marks::mark_next(&mut scoped).await? {
                let at = held.map_or(next, |held| held.max(next));
                let key = format!("due {}", kernel::micros(at));
                jobs::enqueue(&mut scoped, cx, SEND, &key, &json!({}), at).await?;
            }
            scoped.commit().await?;
            return Ok(None);
        }
        scoped.commit().await?;
        Ok(Some(due))
    }

    /// What is to stand on an issue, and its hash.
    async fn look(&self, cx: &Cx, (chosen, slots): (&[OpenField], bool), mark: &Mark) -> Looked {
        if mark.leaves {
            return Ok((Content::default(), None));
        }
        let content = issues::content(cx, &self.0, chosen, &mark.owner, &mark.project).await?;
        let values = content.values.iter().map(|(at, value)| (*at, value.peek()));
        let Some(property) = issues::property(chosen, values, slots) else { return Ok((content, None)) };
        // A person's goes with the person.
        let subject = content.personal.as_ref().map_or(Subject::Tenant, Subject::Person);
        let keys = self.0.shared.vault.keys(cx, KeyClass::Index, subject).await?;
        let hash = keys.hash("issue property", property.to_string().as_bytes())?.to_vec();
        Ok((content, Some(hash)))
    }

    /// Notes, before anything is written where nothing was, that something may stand there: whatever happens next, it is
    /// known that it may have to be taken away.
    async fn note_first(&self, cx: &Cx, due: &[Mark], looked: &[Looked]) -> Result<()> {
        let first = |(mark, looked): (&'_ Mark, &'_ Looked)| mark.sent.is_none() && matches!(looked, Ok((_, Some(_))));
        if !due.iter().zip(looked).any(first) {
            return Ok(());
        }
        let mut scoped = self.0.shared.store.write(cx).await?;
        for (mark, _) in due.iter().zip(looked).filter(|both| first(*both)) {
            marks::mark_sent(&mut scoped, &mark.issue, Some(UNKNOWN.to_vec())).await?;
        }
        scoped.commit().await
    }

    async fn attempt(
        &self,
        cx: &Cx,
        jira: &Jira<'_>,
        chosen: (&[OpenField], bool),
        mark: &Mark,
        looked: Looked,
    ) -> Tried {
        match looked {
            Ok((_, hash)) if hash == mark.sent => Tried::Has(hash),
            Ok((content, hash)) => {
                let written = self.write(cx, jira, chosen, mark, content, hash).await;
                written.unwrap_or_else(|fault| Tried::of(&fault))
            }
            Err(fault) => Tried::of(&fault),
        }
    }

    /// Brings one issue to what stands now.
    async fn write(
        &self,
        cx: &Cx,
        jira: &Jira<'_>,
        (chosen, slots): (&[OpenField], bool),
        mark: &Mark,
        content: Content,
        hash: Option<Vec<u8>>,
    ) -> Result<Tried> {
        let (issue, key) = (IssueRef::from(mark.issue.clone()), PropertyKey::new(issue_property::KEY)?);
        if hash.is_none() {
            jira.delete_issue_property(&issue, &key).await?;
            return Ok(Tried::Has(None));
        }
        let property = web::reply::for_issue((cx, &self.0.shared), |exit| {
            let values: Vec<_> = content.values.into_iter().map(|(at, value)| (at, value.release(exit))).collect();
            issues::property(chosen, values.iter().map(|(at, value)| (*at, value)), slots)
        });
        match jira.set_issue_property(&issue, &key, &property.await?.unwrap_or_default()).await {
            Ok(()) => Ok(Tried::Has(hash)),
            // What stood there before is no longer so: nothing is better than that.
            Err(fault) if fault.code() == "too_long" => {
                jira.delete_issue_property(&issue, &key).await?;
                Ok(Tried::Refused("too_long"))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Notes what tries came to, of the issues and of Jira.
    async fn settle(&self, cx: &Cx, is_over: bool, tried: Vec<(&Mark, Tried)>) -> Result<()> {
        let now = cx.now();
        let refused = tried.iter().filter(|(_, tried)| matches!(tried, Tried::Refused("refused"))).count();
        let all_refused = refused == tried.len() && refused >= TELLING;
        let busy = tried.iter().find_map(|(_, tried)| match tried {
            Tried::Busy(code, after) => Some((*code, *after)),
            _ => None,
        });
        let mut scoped = self.0.shared.store.write(cx).await?;
        for (mark, tried) in &tried {
            let settled = |state, attempts, due_at, error| Settled { state, attempts, due_at, error };
            match tried {
                Tried::Has(hash) => {
                    marks::mark_sent(&mut scoped, &mark.issue, hash.clone()).await?;
                    marks::mark_settle(&mut scoped, mark, settled("sent", 0, now, None)).await?;
                    if is_over || mark.leaves {
                        marks::mark_drop_settled(&mut scoped, mark).await?;
                    }
                }
                Tried::Refused(_) if all_refused => {}
                Tried::Refused(code) => {
                    if *code == "too_long" {
                        marks::mark_sent(&mut scoped, &mark.issue, None).await?;
                    }
                    marks::mark_settle(&mut scoped, mark, settled("failed", mark.attempts + 1, now, Some(*code)))
                        .await?;
                }
                Tried::Trouble(code) => {
                    let attempts = mark.attempts + 1;
                    let pause = FIRST_PAUSE.saturating_mul(1 << attempts.clamp(0, 20));
                    let state = if attempts < TRIES { "waiting" } else { "failed" };
                    let again = settled(state, attempts, later(cx, pause), Some(*code));
                    marks::mark_settle(&mut scoped, mark, again).await?;
                }
                // Whether it arrived is not known: it is sent again, whatever it then is.
                Tried::Busy(..) => {}
            }
        }
        let failures = marks::sending_get(&mut scoped).await?.map_or(0, |sending| sending.failures);
        match (busy, all_refused) {
            (Some((code, after)), _) => {
                let pause = FIRST_HOLD.saturating_mul(1 << failures.clamp(0, 20)).min(LONGEST_HOLD);
                let asked = after.and_then(|after| SignedDuration::try_from(after).ok()).unwrap_or_default();
                let until = later(cx, pause.max(asked));
                marks::sending_health(&mut scoped, Some(until), failures + 1, Some(code)).await?;
            }
            (None, true) => {
                let until = later(cx, REFUSED_HOLD);
                marks::sending_health(&mut scoped, Some(until), failures + 1, Some("refused")).await?;
            }
            (None, false) => marks::sending_health(&mut scoped, None, 0, None).await?,
        }
        scoped.commit().await
    }
}

fn later(cx: &Cx, by: SignedDuration) -> Timestamp {
    cx.now().checked_add(by).unwrap_or(Timestamp::MAX)
}
