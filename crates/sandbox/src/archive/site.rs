//! The site around the issues of an archive: who works on it, who is whose customer, desks with
//! their request types and queues. Nothing here depends on the order of lines.

use std::collections::{BTreeMap, BTreeSet};

use super::Archive;
use crate::state::{
    Link, Seed,
    model::{
        ADMIN_GROUP, AccountType, IssueType, Organization, Project, ProjectKind, Queue, ROLE_ADMINISTRATORS, ROLE_TEAM,
        RequestType, RequestTypeField, RoleActor, ServiceDesk, Transition, USERS_GROUP, Workflow,
    },
};

/// Comments on others' issues that make a reporter a member of the team.
const TEAM_COMMENTS: usize = 25;
/// Most agents of one project.
const MAX_AGENTS: usize = 12;
/// First id of what the archive doesn't number.
const FIRST_MADE: u64 = 10_000_000;

impl Archive {
    /// Makes the site, when every issue is read.
    pub(super) fn finish(mut self) -> Result<Seed, String> {
        if self.site.issues.is_empty() {
            return Err("there is no issue in it".to_owned());
        }
        self.resolve_links();
        self.site.priorities.sort_by_key(|p| p.id.parse::<u64>().unwrap_or(u64::MAX));
        let team = self.team();
        self.people_and_groups(&team);
        self.organizations(&team);
        self.desks(&team);
        Ok(self.site)
    }

    /// Parents and links, where the other end is in the archive too; each link once.
    fn resolve_links(&mut self) {
        for (at, key) in std::mem::take(&mut self.parents) {
            let parent = self.keys.get(&key).copied();
            if let Some(issue) = self.site.issues.get_mut(at) {
                issue.parent = parent.filter(|p| *p != issue.id);
            }
        }
        let mut seen = BTreeSet::new();
        let mut made = FIRST_MADE;
        for (id, number, kind, key) in std::mem::take(&mut self.links) {
            let Some(other) = self.keys.get(&key).copied() else { continue };
            let (outward, type_id) = kind.split_at(1);
            let (source, target) = if outward == ">" { (id, other) } else { (other, id) };
            if !seen.insert((type_id.to_owned(), source, target)) {
                continue;
            }
            made += 1;
            self.site.links.push(Link {
                id: number.parse().unwrap_or(made),
                type_id: type_id.to_owned(),
                inward: target,
                outward: source,
            });
        }
    }

    /// Who works here: assignees, and those who comment much on others' issues; bounded per project.
    fn team(&self) -> BTreeMap<String, Vec<String>> {
        let mut team = BTreeMap::new();
        for (project, people) in &self.agents_of {
            let mut ranked: Vec<(&String, &usize)> = people
                .iter()
                .filter(|(id, _)| {
                    self.people.get(*id).is_some_and(|p| p.assigned > 0 || p.comments_on_others >= TEAM_COMMENTS)
                })
                .collect();
            ranked.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            let ids = ranked.into_iter().take(MAX_AGENTS).map(|(id, _)| id.clone()).collect();
            team.insert(project.clone(), ids);
        }
        team
    }

    fn people_and_groups(&mut self, team: &BTreeMap<String, Vec<String>>) {
        let mut workers: BTreeSet<String> = team.values().flatten().cloned().collect();
        // Whoever is assigned must be able to be.
        workers.extend(self.people.iter().filter(|(_, p)| p.assigned > 0).map(|(id, _)| id.clone()));
        for account in &mut self.site.accounts {
            if workers.contains(&account.account_id) {
                account.account_type = AccountType::Atlassian;
                account.api_tokens = vec![format!("{}-token", account.account_id)];
            } else {
                account.email_visible = false;
            }
        }
        let admin = self.admin(team);
        for group in &mut self.site.groups {
            if group.name == ADMIN_GROUP {
                group.members.extend(admin.clone());
            } else if group.name == USERS_GROUP {
                group.members = workers.clone();
            }
        }
    }

    /// The busiest agent of all administers the site.
    fn admin(&self, team: &BTreeMap<String, Vec<String>>) -> Option<String> {
        let busy = |id: &&String| self.people.get(*id).map_or(0, |p| p.assigned + p.comments_on_others);
        team.values().flatten().max_by_key(busy).cloned()
    }

    /// A component's reporters are taken to be one customer's people; a person joins only the one
    /// that it reports on most.
    fn organizations(&mut self, team: &BTreeMap<String, Vec<String>>) {
        let workers: BTreeSet<&String> = team.values().flatten().collect();
        let mut best: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (component, reporters) in &self.components {
            for (person, count) in reporters {
                if workers.contains(person) {
                    continue;
                }
                let entry = best.entry(person.clone()).or_insert((0, String::new()));
                if *count > entry.0 {
                    *entry = (*count, component.clone());
                }
            }
        }
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (person, (_, component)) in best {
            members.entry(component).or_default().insert(person);
        }
        for (at, (component, members)) in (1u64..).zip(members) {
            let id = at.to_string();
            for issue in &mut self.site.issues {
                let own = issue.reporter.as_ref().is_some_and(|r| members.contains(r));
                if own && issue.components.contains(&component) {
                    issue.organizations.push(id.clone());
                }
            }
            self.site.organizations.push(Organization {
                uuid: account_uuid(self.seed, &format!("organization {component}")),
                id,
                name: format!("{component} customers"),
                members,
                properties: BTreeMap::new(),
            });
        }
    }

    fn desks(&mut self, team: &BTreeMap<String, Vec<String>>) {
        let admin = self.admin(team).unwrap_or_else(|| "unknown".to_owned());
        let projects = std::mem::take(&mut self.projects);
        for (at, (id, (key, name))) in (1u64..).zip(projects) {
            let agents = team.get(&id).cloned().unwrap_or_default();
            let statuses = self.statuses_of.remove(&id).unwrap_or_default();
            let types: Vec<String> = self.types_of.remove(&id).unwrap_or_default().into_iter().collect();
            let desk_id = at.to_string();
            self.site.workflows.push(self.workflow(&id, &name, statuses));
            self.request_types(&id, &desk_id, &types, at);
            let (mut customers, mut organizations) = (BTreeSet::new(), BTreeSet::new());
            for issue in self.site.issues.iter().filter(|i| i.project_id == id) {
                customers.extend(issue.reporter.clone().filter(|r| !agents.contains(r)));
                organizations.extend(issue.organizations.iter().cloned());
            }
            let user = |id: &String| RoleActor::User(id.clone());
            self.site.projects.push(Project {
                id: id.clone(),
                key,
                description: format!("{name}, from an archive"),
                name,
                kind: ProjectKind::ServiceDesk,
                lead: agents.first().unwrap_or(&admin).clone(),
                issue_type_ids: types,
                workflow_id: format!("w{id}"),
                roles: [
                    (ROLE_ADMINISTRATORS, vec![RoleActor::Group(ADMIN_GROUP.to_owned())]),
                    (ROLE_TEAM, agents.iter().map(user).collect()),
                ]
                .into(),
                open_to_licensed: false,
            });
            let queue = |id: u64, name: &str, jql: &str| Queue {
                id: (at * 100 + id).to_string(),
                name: name.to_owned(),
                jql: jql.to_owned(),
                fields: ["issuetype", "issuekey", "summary", "reporter", "assignee", "status", "created"]
                    .map(str::to_owned)
                    .into(),
            };
            self.site.service_desks.push(ServiceDesk {
                id: desk_id,
                project_id: id,
                open_access: false,
                customers,
                organizations,
                queues: vec![
                    queue(1, "All open", "resolution = Unresolved ORDER BY created DESC"),
                    queue(2, "Assigned to me", "assignee = currentUser() AND resolution = Unresolved"),
                    queue(3, "Unassigned", "assignee is EMPTY AND resolution = Unresolved ORDER BY created DESC"),
                    queue(4, "Resolved", "statusCategory = Done ORDER BY resolved DESC"),
                ],
            });
        }
    }

    /// Every status may lead to every other: the archive doesn't say how they were joined.
    fn workflow(&self, project: &str, name: &str, statuses: BTreeSet<String>) -> Workflow {
        let mut ids: Vec<String> = statuses.into_iter().collect();
        let known = |id: &String| self.site.statuses.iter().find(|s| s.id == *id);
        ids.sort_by_key(|id| known(id).map(|s| (s.category, s.id.parse::<u64>().unwrap_or(0))));
        let transitions = (1u64..)
            .zip(&ids)
            .map(|(at, id)| Transition {
                id: (at * 10 + 1).to_string(),
                name: known(id).map(|s| s.name.clone()).unwrap_or_default(),
                from: Vec::new(),
                to: id.clone(),
                customer: known(id).is_some_and(|s| s.name == "Closed" || s.name == "Reopened"),
            })
            .collect();
        Workflow { id: format!("w{project}"), name: format!("{name} workflow"), status_ids: ids, transitions }
    }

    /// One request type for each issue type that people report; their issues are its requests.
    fn request_types(&mut self, project: &str, desk: &str, types: &[String], number: u64) {
        let standard: Vec<(u64, IssueType)> = (1u64..)
            .zip(self.site.issue_types.iter().filter(|t| types.contains(&t.id)))
            .filter(|(_, t)| t.hierarchy_level == 0)
            .map(|(at, t)| (at, t.clone()))
            .collect();
        let field = |id: &str, name: &str, required| RequestTypeField {
            field_id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            required,
            valid_values: Vec::new(),
        };
        for (at, kind) in standard {
            let id = (number * 1000 + at).to_string();
            for issue in self.site.issues.iter_mut().filter(|i| i.project_id == project && i.issue_type_id == kind.id) {
                issue.request_type_id = Some(id.clone());
                issue.channel = "portal".to_owned();
            }
            self.site.request_types.push(RequestType {
                id,
                name: format!("Report: {}", kind.name),
                description: kind.description,
                help_text: String::new(),
                service_desk_id: desk.to_owned(),
                issue_type_id: kind.id,
                groups: vec!["General".to_owned()],
                fields: vec![
                    field("summary", "Summary", true),
                    field("description", "Description", false),
                    field("labels", "Labels", false),
                ],
            });
        }
    }
}

fn digest(seed: u64, name: &str) -> [u8; 16] {
    let text = format!("{seed}\u{0}{name}");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    bytes
}

/// The same name has the same id each time that an archive is loaded with the same seed.
pub(super) fn account_id(seed: u64, name: &str) -> String {
    let hex = hex::encode(digest(seed, name));
    hex.get(..24).unwrap_or(&hex).to_owned()
}

fn account_uuid(seed: u64, name: &str) -> String {
    uuid::Builder::from_random_bytes(digest(seed, name)).into_uuid().to_string()
}
