//! The software project whose bugs requests are linked to.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Dice, conversation,
    people::Company,
    requests::FIRST_PROJECT,
    texts::{Texts, Work},
};
use crate::{
    adf,
    state::{
        ChangeItem, History, Issue, Link, Seed,
        model::{AccountId, Project, ProjectKind, ROLE_ADMINISTRATORS, ROLE_MEMBERS, RoleActor},
    },
};

const KEY: &str = "BIKE";
const NAME: &str = "Firmware and App";
const WORKFLOW: &str = "10002";
const BLOCKS: &str = "10000";
const TO_DO: &str = "10003";
const IN_PROGRESS: &str = "3";
const DONE: &str = "10004";
const RESOLUTION_DONE: &str = "10000";

const REMARKS: [&str; 6] = [
    "Reproduced on the bench, twice out of ten.",
    "Three more requests came in today, linked.",
    "Needs a test with the old hardware revision too.",
    "Log attached to the build. Looks like the filter.",
    "Review done, one remark on naming.",
    "Can we have this in the next release? Customer Care asks every day.",
];

/// Plans the work; answers the ids of the bugs that requests know by name.
pub(super) fn plan(texts: &Texts, company: &Company, dice: &mut Dice, seed: &mut Seed) -> BTreeMap<String, u64> {
    let project_id = (FIRST_PROJECT + texts.desks.len()).to_string();
    let user = |id: &AccountId| RoleActor::User(id.clone());
    seed.projects.push(Project {
        id: project_id.clone(),
        key: KEY.to_owned(),
        name: NAME.to_owned(),
        description: "Displays, stations, the Ride app and the dealers’ tools.".to_owned(),
        kind: ProjectKind::Software,
        lead: company.developers.first().unwrap_or(&company.admin).clone(),
        issue_type_ids: ["10000", "10005", "10006", "10007", "10008"].map(str::to_owned).to_vec(),
        workflow_id: WORKFLOW.to_owned(),
        roles: [
            (ROLE_ADMINISTRATORS, vec![user(&company.admin)]),
            (ROLE_MEMBERS, company.developers.iter().map(user).collect()),
        ]
        .into(),
        open_to_licensed: true,
    });
    let mut bugs = BTreeMap::new();
    let mut number = 0;
    let mut last: Option<u64> = None;
    for epic in &texts.software {
        let whole = Work {
            kind: "Epic".to_owned(),
            key: None,
            summary: epic.epic.clone(),
            status: epic.status.clone(),
            priority: 3,
            text: String::new(),
        };
        let parent = work(&whole, None, &project_id, &mut number, company, dice, seed);
        let mut within = None;
        for one in &epic.issues {
            let id = work(one, Some(parent), &project_id, &mut number, company, dice, seed);
            if let Some(key) = &one.key {
                bugs.insert(key.clone(), id);
            }
            within = Some(id);
        }
        // The last piece of an epic waits for the last of the one before.
        if let (Some(before), Some(after)) = (last, within) {
            let id = dice.entry_id();
            seed.links.push(Link { id, type_id: BLOCKS.to_owned(), inward: after, outward: before });
        }
        last = within;
    }
    bugs
}

fn work(
    work: &Work,
    parent: Option<u64>,
    project_id: &str,
    number: &mut u32,
    company: &Company,
    dice: &mut Dice,
    seed: &mut Seed,
) -> u64 {
    *number += 1;
    let age = if parent.is_none() { dice.between(150, 200) } else { dice.between(15, 120) };
    let hours = age * 24 - dice.between(1, 9);
    let created_at = dice.ago(SignedDuration::from_hours(hours));
    let creator = dice.pick(&company.developers).unwrap_or(&company.admin).clone();
    let assignee = dice.pick(&company.developers).cloned();
    let id = dice.issue_id();
    let mut issue = Issue {
        id,
        key: format!("{KEY}-{number}"),
        project_id: project_id.to_owned(),
        issue_type_id: kind(&work.kind).to_owned(),
        status_id: TO_DO.to_owned(),
        status_changed_at: created_at,
        summary: work.summary.clone(),
        description: (!work.text.is_empty()).then(|| adf::from_text(&work.text)),
        environment: None,
        reporter: Some(creator.clone()),
        creator: creator.clone(),
        assignee: assignee.clone(),
        priority_id: Some(work.priority.to_string()),
        resolution_id: None,
        resolved_at: None,
        created_at,
        updated_at: created_at,
        due: None,
        labels: Vec::new(),
        components: Vec::new(),
        parent,
        request_type_id: None,
        channel: "jira".to_owned(),
        participants: Vec::new(),
        organizations: Vec::new(),
        custom: BTreeMap::new(),
        comments: Vec::new(),
        changelog: Vec::new(),
        properties: BTreeMap::new(),
        worklogs: Vec::new(),
        attachments: Vec::new(),
        revision: 1,
    };
    let steps: &[&str] = match work.status.as_str() {
        "done" => &[IN_PROGRESS, DONE],
        "doing" => &[IN_PROGRESS],
        _ => &[],
    };
    let mut left = age * 24 - 10;
    for to in steps {
        left = dice.between(left / 3, left.max(2) * 2 / 3);
        let at = dice.ago(SignedDuration::from_hours(left.max(1)));
        if work.kind == "Bug" && dice.chance(0.7) {
            let remark = dice.pick(&REMARKS).copied().unwrap_or_default();
            let author = dice.pick(&company.developers).unwrap_or(&creator).clone();
            conversation::comment(&mut issue, &author, adf::from_text(remark), true, at, dice);
        }
        step(&mut issue, assignee.as_ref().unwrap_or(&creator), to, at, dice);
    }
    seed.issues.push(issue);
    id
}

fn step(issue: &mut Issue, author: &AccountId, to: &str, at: jiff::Timestamp, dice: &mut Dice) {
    let item = ChangeItem {
        field: "status".to_owned(),
        field_id: "status".to_owned(),
        from: Some(issue.status_id.clone()),
        from_string: Some(name(&issue.status_id).to_owned()),
        to: Some(to.to_owned()),
        to_string: Some(name(to).to_owned()),
    };
    issue.changelog.push(History { id: dice.entry_id(), author: author.clone(), created_at: at, items: vec![item] });
    issue.status_id = to.to_owned();
    issue.status_changed_at = at;
    issue.updated_at = issue.updated_at.max(at);
    if to == DONE {
        issue.resolution_id = Some(RESOLUTION_DONE.to_owned());
        issue.resolved_at = Some(at);
    }
}

fn name(status: &str) -> &'static str {
    match status {
        IN_PROGRESS => "In Progress",
        DONE => "Done",
        _ => "To Do",
    }
}

fn kind(name: &str) -> &'static str {
    match name {
        "Epic" => "10000",
        "Bug" => "10006",
        "Story" => "10007",
        _ => "10005",
    }
}
