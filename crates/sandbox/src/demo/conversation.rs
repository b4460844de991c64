//! A scene played: from a text with gaps to an issue with its comments, its history and the status
//! that fits what was said last.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Dice, people::Writer, texts::Scene};
use crate::{
    adf,
    state::{ChangeItem, Comment, History, Issue, PUBLIC_COMMENT_PROPERTY, model::AccountId},
};

const WAITING_FOR_SUPPORT: &str = "10000";
const IN_PROGRESS: &str = "3";
const WAITING_FOR_CUSTOMER: &str = "10001";
const ESCALATED: &str = "10002";
const RESOLVED: &str = "5";
const CLOSED: &str = "6";
const DONE: &str = "10000";
/// A resolved request is closed by a rule after this time.
const CLOSED_AFTER: SignedDuration = SignedDuration::from_hours(14 * 24);

const BIKES: [&str; 4] = ["Polar City", "Polar Cargo", "Aurora Trail", "Aurora Step"];
const STATIONS: [&str; 3] = ["Fjord 11", "Fjord 22", "Fjord 22 Duo"];
const VERSIONS: [&str; 3] = ["2.5.0", "4.2.1", "7.12.0"];
const CITIES: [&str; 8] = ["Freiburg", "Lyon", "Utrecht", "Porto", "Wrocław", "Bregenz", "Copenhagen", "Dublin"];

/// Who said something, and how long after the turn before.
struct Turn<'a> {
    who: char,
    after: SignedDuration,
    text: &'a str,
}

/// Where and by whom a scene is played.
pub(super) struct Stage<'a> {
    pub(super) project_id: &'a str,
    pub(super) request_type_id: &'a str,
    pub(super) issue_type_id: &'a str,
    pub(super) writer: &'a Writer,
    pub(super) agent: &'a AccountId,
    pub(super) participants: Vec<AccountId>,
    pub(super) organizations: Vec<String>,
    /// Whether it may break off before its end.
    pub(super) may_be_open: bool,
}

/// Whether a scene waits for somebody at its end: nobody has answered, the agent has
/// asked back, or the scene says so.
pub(super) fn ends_open(scene: &Scene) -> bool {
    scene.open
        || scene.turns.last().and_then(|turn| parse(turn)).is_none_or(|turn| {
            // The Greek question mark is written as a semicolon.
            turn.who == 'N' || (turn.who == 'A' && turn.text.ends_with(['?', '؟', '？', ';']))
        })
}

/// The issue of a played scene. Its id and key come later, in the order of creation.
pub(super) fn play(scene: &Scene, stage: Stage<'_>, dice: &mut Dice) -> Issue {
    let gaps = gaps(&stage.writer.first, dice);
    let turns: Vec<Turn<'_>> = scene.turns.iter().filter_map(|turn| parse(turn)).collect();
    let asks = ends_open(scene) && !turns.is_empty();
    let open = ends_open(scene) || (stage.may_be_open && dice.chance(0.6));
    let length = if open && !asks && !turns.is_empty() {
        usize::try_from(dice.between(0, i64::try_from(turns.len()).unwrap_or(1) - 1)).unwrap_or(0)
    } else {
        turns.len()
    };
    let times: Vec<SignedDuration> = turns.iter().take(length).map(|turn| jitter(turn.after, dice)).collect();
    let span = times.iter().fold(SignedDuration::ZERO, |sum, one| sum.saturating_add(*one));
    let rest = if open {
        SignedDuration::from_mins(dice.between(20, 4 * 24 * 60))
    } else {
        SignedDuration::from_hours(dice.between(2, 290 * 24))
    };
    let created_at = dice.ago(span.saturating_add(rest));
    let mut issue = blank(scene, &stage, &gaps, created_at, dice);
    let mut at = created_at;
    for (turn, after) in turns.iter().take(length).zip(&times) {
        at = at.checked_add(*after).unwrap_or(at);
        speak(&mut issue, turn, &stage, &gaps, at, dice);
    }
    if scene.escalate && open {
        change_status(&mut issue, stage.agent, ESCALATED, at, dice);
    } else if !open {
        finish(&mut issue, stage.agent, at, dice);
    } else if length == 0 && dice.chance(0.4) {
        let soon = issue.created_at.checked_add(SignedDuration::from_mins(10)).unwrap_or(at);
        assign(&mut issue, stage.agent, soon, dice);
        change_status(&mut issue, stage.agent, IN_PROGRESS, soon, dice);
    }
    issue
}

fn blank(
    scene: &Scene,
    stage: &Stage<'_>,
    gaps: &[(&'static str, String)],
    created_at: Timestamp,
    dice: &mut Dice,
) -> Issue {
    Issue {
        id: 0,
        key: String::new(),
        project_id: stage.project_id.to_owned(),
        issue_type_id: stage.issue_type_id.to_owned(),
        status_id: WAITING_FOR_SUPPORT.to_owned(),
        status_changed_at: created_at,
        summary: fill(&scene.summary, gaps),
        description: Some(adf::from_text(&fill(&scene.text, gaps))),
        environment: None,
        reporter: Some(stage.writer.id.clone()),
        creator: stage.writer.id.clone(),
        assignee: None,
        priority_id: Some(scene.priority.to_string()),
        resolution_id: None,
        resolved_at: None,
        created_at,
        updated_at: created_at,
        due: None,
        labels: scene.bug.iter().map(|_| "known-bug".to_owned()).collect(),
        components: Vec::new(),
        parent: None,
        request_type_id: Some(stage.request_type_id.to_owned()),
        channel: if dice.chance(0.25) { "email" } else { "portal" }.to_owned(),
        participants: stage.participants.clone(),
        organizations: stage.organizations.clone(),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        changelog: Vec::new(),
        properties: BTreeMap::new(),
        worklogs: Vec::new(),
        attachments: Vec::new(),
        revision: 1,
    }
}

fn speak(
    issue: &mut Issue,
    turn: &Turn<'_>,
    stage: &Stage<'_>,
    gaps: &[(&'static str, String)],
    at: Timestamp,
    dice: &mut Dice,
) {
    let customer = turn.who == 'C';
    let author = if customer { &stage.writer.id } else { stage.agent };
    if !customer && issue.assignee.is_none() {
        assign(issue, stage.agent, at, dice);
    }
    comment(issue, author, adf::from_text(&fill(turn.text, gaps)), turn.who != 'N', at, dice);
    match turn.who {
        'C' => change_status(issue, &stage.writer.id, WAITING_FOR_SUPPORT, at, dice),
        'N' => change_status(issue, stage.agent, IN_PROGRESS, at, dice),
        _ => change_status(issue, stage.agent, WAITING_FOR_CUSTOMER, at, dice),
    }
}

/// Adds a comment.
pub(super) fn comment(
    issue: &mut Issue,
    author: &AccountId,
    body: serde_json::Value,
    public: bool,
    at: Timestamp,
    dice: &mut Dice,
) {
    let mut properties = BTreeMap::new();
    if !public {
        properties.insert(PUBLIC_COMMENT_PROPERTY.to_owned(), json!({"internal": true}));
    }
    issue.comments.push(Comment {
        id: dice.entry_id(),
        author: author.clone(),
        update_author: author.clone(),
        body,
        created_at: at,
        updated_at: at,
        public,
        visibility: None,
        properties,
    });
    issue.updated_at = issue.updated_at.max(at);
}

fn finish(issue: &mut Issue, agent: &AccountId, at: Timestamp, dice: &mut Dice) {
    let at = at.checked_add(SignedDuration::from_mins(dice.between(5, 90))).unwrap_or(at).min(dice.now);
    if issue.assignee.is_none() {
        assign(issue, agent, at, dice);
    }
    change_status(issue, agent, RESOLVED, at, dice);
    issue.resolution_id = Some(DONE.to_owned());
    issue.resolved_at = Some(at);
    let closed_at = at.checked_add(CLOSED_AFTER).unwrap_or(at);
    if closed_at < dice.now {
        change_status(issue, agent, CLOSED, closed_at, dice);
    }
}

fn assign(issue: &mut Issue, agent: &AccountId, at: Timestamp, dice: &mut Dice) {
    let item = ChangeItem {
        field: "assignee".to_owned(),
        field_id: "assignee".to_owned(),
        from: issue.assignee.clone(),
        from_string: None,
        to: Some(agent.clone()),
        to_string: None,
    };
    record(issue, agent, item, at, dice);
    issue.assignee = Some(agent.clone());
}

fn change_status(issue: &mut Issue, author: &AccountId, to: &str, at: Timestamp, dice: &mut Dice) {
    if issue.status_id == to {
        return;
    }
    let item = ChangeItem {
        field: "status".to_owned(),
        field_id: "status".to_owned(),
        from: Some(issue.status_id.clone()),
        from_string: Some(status_name(&issue.status_id).to_owned()),
        to: Some(to.to_owned()),
        to_string: Some(status_name(to).to_owned()),
    };
    record(issue, author, item, at, dice);
    issue.status_id = to.to_owned();
    issue.status_changed_at = at;
}

fn record(issue: &mut Issue, author: &AccountId, item: ChangeItem, at: Timestamp, dice: &mut Dice) {
    let id = dice.entry_id();
    issue.changelog.push(History { id, author: author.clone(), created_at: at, items: vec![item] });
    issue.updated_at = issue.updated_at.max(at);
}

fn status_name(id: &str) -> &'static str {
    match id {
        IN_PROGRESS => "In Progress",
        WAITING_FOR_CUSTOMER => "Waiting for customer",
        ESCALATED => "Escalated",
        RESOLVED => "Resolved",
        CLOSED => "Closed",
        _ => "Waiting for support",
    }
}

fn gaps(first: &str, dice: &mut Dice) -> Vec<(&'static str, String)> {
    let mut word = |list: &[&str]| dice.pick(list).copied().unwrap_or_default().to_owned();
    let (bike, station, version, city) = (word(&BIKES), word(&STATIONS), word(&VERSIONS), word(&CITIES));
    vec![
        ("{first}", first.to_owned()),
        ("{bike}", bike),
        ("{station}", station),
        ("{version}", version),
        ("{city}", city),
        ("{serial}", format!("NL24-{:06}", dice.between(1_200, 98_999))),
        ("{order}", format!("NL-{}", dice.between(510_000, 589_999))),
        ("{days}", dice.between(16, 88).to_string()),
    ]
}

fn fill(text: &str, gaps: &[(&'static str, String)]) -> String {
    gaps.iter().fold(text.to_owned(), |text, (gap, word)| text.replace(gap, word))
}

/// `A 2h| text`.
fn parse(turn: &str) -> Option<Turn<'_>> {
    let (head, text) = turn.split_once('|')?;
    let (who, after) = head.trim().split_once(' ')?;
    let unit = after.chars().next_back()?;
    let count: i64 = after.strip_suffix(unit)?.parse().ok()?;
    let after = match unit {
        'm' => SignedDuration::from_mins(count),
        'h' => SignedDuration::from_hours(count),
        'd' => SignedDuration::from_hours(24 * count),
        _ => return None,
    };
    Some(Turn { who: who.chars().next()?, after, text: text.trim() })
}

/// A fifth more or less, so that nothing happens at round times.
fn jitter(span: SignedDuration, dice: &mut Dice) -> SignedDuration {
    let fifth = (span.as_secs() / 5).max(60);
    SignedDuration::from_secs((span.as_secs() + dice.between(-fifth, fifth)).max(60))
}

#[cfg(test)]
pub(super) fn is_turn(turn: &str) -> bool {
    parse(turn).is_some_and(|turn| "ACN".contains(turn.who) && !turn.text.is_empty())
}
