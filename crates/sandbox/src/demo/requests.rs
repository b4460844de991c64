//! The service desks, and the requests on them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Dice,
    conversation::{Stage, ends_open, play},
    people::{Company, Writer},
    texts::{Scene, Texts},
};
use crate::state::{
    Issue, Link, Seed,
    model::{
        Project, ProjectKind, Queue, ROLE_ADMINISTRATORS, ROLE_TEAM, RequestType, RequestTypeField, RoleActor,
        ServiceDesk,
    },
};

/// Id of the first project; the desks come first, then the software project.
pub(super) const FIRST_PROJECT: usize = 10_000;
/// Id of the first request type.
const FIRST_TYPE: usize = 101;
const SERVICE_WORKFLOW: &str = "10001";
const RELATES: &str = "10003";
/// How often each scene of a desk is played, by different people.
const TIMES: [(&str, usize); 3] = [("CARE", 3), ("PART", 2), ("IT", 2)];

/// Opens the desks with their portals, queues and people.
pub(super) fn open_desks(texts: &Texts, company: &Company, seed: &mut Seed) {
    let mut next_type = FIRST_TYPE;
    for (at, desk) in texts.desks.iter().enumerate() {
        let project_id = (FIRST_PROJECT + at).to_string();
        let desk_id = (at + 1).to_string();
        let agents = company.agents_of(&desk.key);
        let members = |role: u64| -> Vec<RoleActor> {
            let ids = if role == ROLE_TEAM { agents.as_slice() } else { std::slice::from_ref(&company.admin) };
            ids.iter().map(|id| RoleActor::User(id.clone())).collect()
        };
        seed.projects.push(Project {
            id: project_id.clone(),
            key: desk.key.clone(),
            name: desk.name.clone(),
            description: desk.description.clone(),
            kind: ProjectKind::ServiceDesk,
            lead: agents.first().unwrap_or(&company.admin).clone(),
            issue_type_ids: ["10001", "10002", "10003", "10004"].map(str::to_owned).to_vec(),
            workflow_id: SERVICE_WORKFLOW.to_owned(),
            roles: [ROLE_ADMINISTRATORS, ROLE_TEAM].map(|role| (role, members(role))).into(),
            open_to_licensed: false,
        });
        for kind in &desk.types {
            seed.request_types.push(RequestType {
                id: next_type.to_string(),
                name: kind.name.clone(),
                description: kind.about.clone(),
                help_text: String::new(),
                service_desk_id: desk_id.clone(),
                issue_type_id: issue_type(&kind.issue).to_owned(),
                groups: vec![kind.group.clone()],
                fields: fields(&kind.key),
            });
            next_type += 1;
        }
        let dealers = desk.key == "PART";
        let organizations: BTreeSet<String> = match desk.key.as_str() {
            "IT" => BTreeSet::new(),
            _ => company
                .organizations
                .iter()
                .filter(|(_, dealer)| *dealer == dealers)
                .map(|(id, _)| id.clone())
                .collect(),
        };
        let customers: BTreeSet<String> = match desk.key.as_str() {
            "IT" => everyone_inside(company),
            "CARE" => company.customers.iter().filter(|c| c.organization.is_none()).map(|c| c.id.clone()).collect(),
            _ => BTreeSet::new(),
        };
        seed.service_desks.push(ServiceDesk {
            id: desk_id,
            project_id,
            open_access: desk.open,
            customers,
            organizations,
            queues: queues(at),
        });
    }
}

fn everyone_inside(company: &Company) -> BTreeSet<String> {
    let staff = company.staff.iter().map(|one| &one.id);
    let agents = company.agents.iter().map(|(_, id)| id);
    staff.chain(agents).chain(&company.developers).chain([&company.admin]).cloned().collect()
}

fn issue_type(name: &str) -> &'static str {
    match name {
        "Incident" => "10002",
        "Question" => "10003",
        "Change" => "10004",
        _ => "10001",
    }
}

fn fields(kind: &str) -> Vec<RequestTypeField> {
    let field = |id: &str, name: &str, description: &str, required| RequestTypeField {
        field_id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        required,
        valid_values: Vec::new(),
    };
    let mut fields = vec![
        field("summary", "What is it about?", "One line that we can recognise it by.", true),
        field("description", "Tell us more", "What happened, since when, and what you have tried.", true),
    ];
    if kind == "broken" {
        let mut urgency = field("priority", "How urgent is it?", "Highest: nobody can work.", false);
        urgency.valid_values = [("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low")]
            .map(|(id, name)| (id.to_owned(), name.to_owned()))
            .to_vec();
        fields.push(urgency);
    }
    fields
}

fn queues(desk: usize) -> Vec<Queue> {
    let columns = ["issuetype", "issuekey", "summary", "reporter", "assignee", "status", "created"];
    [
        ("All open", "statusCategory != Done ORDER BY created DESC"),
        ("Assigned to me", "assignee = currentUser() AND statusCategory != Done ORDER BY created DESC"),
        ("Unassigned", "assignee is EMPTY AND statusCategory != Done ORDER BY created DESC"),
        ("Waiting for us", "status in (\"Waiting for support\", \"In Progress\", Escalated) ORDER BY updated ASC"),
        ("Waiting for customer", "status = \"Waiting for customer\" ORDER BY updated ASC"),
        ("Urgent", "priority in (Highest, High) AND statusCategory != Done ORDER BY priority ASC, created ASC"),
        ("Done", "statusCategory = Done ORDER BY updated DESC"),
    ]
    .iter()
    .enumerate()
    .map(|(at, (name, jql))| Queue {
        id: (desk * 10 + at + 1).to_string(),
        name: (*name).to_owned(),
        jql: (*jql).to_owned(),
        fields: columns.map(str::to_owned).to_vec(),
    })
    .collect()
}

/// Plays the scenes and puts the requests on the site, numbered in the order of their creation.
pub(super) fn fill(texts: &Texts, company: &Company, bugs: &BTreeMap<String, u64>, dice: &mut Dice, seed: &mut Seed) {
    let mut played: Vec<(Issue, Option<String>)> = Vec::new();
    for (desk, scenes) in &texts.scenes {
        let times = TIMES.iter().find(|(key, _)| key == desk).map_or(1, |(_, times)| *times);
        let writers: Vec<&Writer> = writers(company, desk, "en");
        for round in 0..times {
            for (at, scene) in scenes.iter().enumerate() {
                // What is open is there once: the second report of the same trouble is long done.
                if round > 0 && ends_open(scene) {
                    continue;
                }
                // Rounds begin at different people, so that nobody has the same trouble twice.
                let writer = writers.get((at + round * 17) % writers.len().max(1));
                if let Some(writer) = writer {
                    played.push((
                        request(texts, company, desk, scene, writer, round == 0, seed, dice),
                        scene.bug.clone(),
                    ));
                }
            }
        }
    }
    let mut spoken: BTreeMap<&str, usize> = BTreeMap::new();
    for scene in &texts.languages {
        let desk = if scene.whom == "dealer" { "PART" } else { "CARE" };
        let writers = writers(company, desk, &scene.lang);
        let turn = spoken.entry(&scene.lang).or_default();
        // Three in a row by the same person: a customer with a history to look at.
        let writer = writers.get((*turn / 3) % writers.len().max(1));
        *turn += 1;
        if let Some(writer) = writer {
            // Each language has few scenes: they are played to their end, so that there is something to read.
            played.push((request(texts, company, desk, scene, writer, false, seed, dice), scene.bug.clone()));
        }
    }
    number(played, bugs, dice, seed);
}

fn writers<'a>(company: &'a Company, desk: &str, lang: &str) -> Vec<&'a Writer> {
    if desk == "IT" {
        return company.staff.iter().collect();
    }
    let dealer = desk == "PART";
    let fits = |writer: &&Writer| {
        let side = writer.organization.as_ref().is_some_and(|(_, is_dealer)| *is_dealer);
        writer.lang == lang && side == dealer
    };
    company.customers.iter().filter(fits).collect()
}

#[expect(clippy::too_many_arguments, reason = "one call for each scene; a struct would only name them twice")]
fn request(
    texts: &Texts,
    company: &Company,
    desk: &str,
    scene: &Scene,
    writer: &Writer,
    may_be_open: bool,
    seed: &Seed,
    dice: &mut Dice,
) -> Issue {
    let at = texts.desks.iter().position(|one| one.key == desk).unwrap_or_default();
    let before: usize = texts.desks.iter().take(at).map(|one| one.types.len()).sum();
    let kinds = texts.desks.get(at).map(|one| one.types.as_slice()).unwrap_or_default();
    let kind = kinds.iter().position(|kind| kind.key == scene.kind).unwrap_or_default();
    let agents = company.agents_of(desk);
    let agent = dice.pick(&agents).unwrap_or(&company.admin).clone();
    let colleagues: Vec<&Writer> = company
        .customers
        .iter()
        .filter(|other| {
            other.id != writer.id && writer.organization.is_some() && other.organization == writer.organization
        })
        .collect();
    let participants = match dice.pick(&colleagues) {
        Some(colleague) if dice.chance(0.35) => vec![colleague.id.clone()],
        _ => Vec::new(),
    };
    let shared = writer.organization.iter().filter(|_| dice.chance(0.85));
    let organizations = shared.map(|(id, _)| id.clone()).collect();
    let type_id = (FIRST_TYPE + before + kind).to_string();
    let issue_type_id = seed
        .request_types
        .iter()
        .find(|one| one.id == type_id)
        .map(|one| one.issue_type_id.clone())
        .unwrap_or_else(|| issue_type("").to_owned());
    let stage = Stage {
        project_id: &(FIRST_PROJECT + at).to_string(),
        request_type_id: &type_id,
        issue_type_id: &issue_type_id,
        writer,
        agent: &agent,
        participants,
        organizations,
        may_be_open,
    };
    play(scene, stage, dice)
}

fn number(mut played: Vec<(Issue, Option<String>)>, bugs: &BTreeMap<String, u64>, dice: &mut Dice, seed: &mut Seed) {
    played.sort_by_key(|(issue, _)| issue.created_at);
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for (mut issue, bug) in played {
        issue.id = dice.issue_id();
        let number = numbers.entry(issue.project_id.clone()).or_default();
        *number += 1;
        let project = seed.projects.iter().find(|project| project.id == issue.project_id);
        let key = project.map(|project| project.key.as_str()).unwrap_or_default();
        issue.key = format!("{key}-{number}");
        if let Some(bug) = bug.and_then(|key| bugs.get(&key)) {
            let id = dice.entry_id();
            seed.links.push(Link { id, type_id: RELATES.to_owned(), inward: *bug, outward: issue.id });
        }
        seed.issues.push(issue);
    }
}
