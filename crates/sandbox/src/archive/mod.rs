//! A real archive of issues as a site: one issue a line in Jira Server's REST shape, plain or gzipped.
//!
//! People of the archive become accounts (who assigns work or comments often is licensed, who only
//! reports is a customer), each project becomes a service project with a desk, and components become
//! organizations of the customers who report on them. Texts keep every word; histories do not exist
//! in the archive and are not invented. Start reading at [`load`]; `site` makes the people and desks.

mod site;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{BufRead as _, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use site::account_id;

use crate::{
    state::{
        Attachment, Comment, Issue, Seed, base_seed,
        model::{Account, AccountType, IssueType, LinkType, Priority, Resolution, Status, StatusCategory},
    },
    wiki,
};

/// Longest line, in bytes: a hundred times the longest issue seen.
const MAX_LINE: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
struct Line {
    id: String,
    key: String,
    fields: Value,
}

/// Reads an archive.
///
/// # Errors
/// The line and what is wrong with it, or why the file can't be read.
pub(crate) fn load(path: &Path, seed: u64) -> Result<Seed, String> {
    let mut file = File::open(path).map_err(|why| why.to_string())?;
    let mut magic = [0u8; 2];
    let gzipped = file.read(&mut magic).map_err(|why| why.to_string())? == 2 && magic == [0x1f, 0x8b];
    let file = File::open(path).map_err(|why| why.to_string())?;
    let reader: Box<dyn Read> = if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = BufReader::new(reader);
    let mut archive = Archive::new(seed);
    let mut number = 0usize;
    loop {
        let mut line = Vec::new();
        number += 1;
        let read = reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|why| format!("line {number}: {why}"))?;
        if read == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line: Line = serde_json::from_slice(&line).map_err(|why| format!("line {number}: {why}"))?;
        archive.add(&line).map_err(|why| format!("line {number}: {why}"))?;
    }
    archive.finish()
}

/// What is known of a person of the archive.
#[derive(Default)]
struct Person {
    reports: usize,
    assigned: usize,
    comments_on_others: usize,
}

struct Archive {
    seed: u64,
    site: Seed,
    people: BTreeMap<String, Person>,
    names: HashMap<String, String>,
    projects: BTreeMap<String, (String, String)>,
    statuses_of: BTreeMap<String, BTreeSet<String>>,
    types_of: BTreeMap<String, BTreeSet<String>>,
    agents_of: BTreeMap<String, BTreeMap<String, usize>>,
    components: BTreeMap<String, BTreeMap<String, usize>>,
    parents: Vec<(usize, String)>,
    links: Vec<(u64, String, String, String)>,
    keys: HashMap<String, u64>,
}

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn instant(value: &Value, path: &str) -> Option<Timestamp> {
    let text = text(value, path)?;
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok().or_else(|| text.parse().ok())
}

fn document(value: &Value, path: &str) -> Option<Value> {
    text(value, path).filter(|t| !t.trim().is_empty()).map(wiki::to_adf)
}

impl Archive {
    fn new(seed: u64) -> Self {
        let mut site = base_seed();
        // The archive brings its own; those of a new site would only stand beside them.
        site.statuses.clear();
        site.issue_types.clear();
        site.priorities.clear();
        site.resolutions.clear();
        site.workflows.clear();
        site.link_types.clear();
        Self {
            seed,
            site,
            people: BTreeMap::new(),
            names: HashMap::new(),
            projects: BTreeMap::new(),
            statuses_of: BTreeMap::new(),
            types_of: BTreeMap::new(),
            agents_of: BTreeMap::new(),
            components: BTreeMap::new(),
            parents: Vec::new(),
            links: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// The account id of a person, made from the name that the archive has.
    fn person(&mut self, value: Option<&Value>) -> Option<String> {
        let value = value.filter(|v| v.is_object())?;
        let name = text(value, "/key").or(text(value, "/name"))?;
        if let Some(id) = self.names.get(name) {
            return Some(id.clone());
        }
        let id = account_id(self.seed, name);
        let mut account = Account::new(
            &id,
            AccountType::Customer,
            text(value, "/displayName").unwrap_or(name),
            text(value, "/emailAddress").unwrap_or_default(),
        );
        account.active = value.get("active").and_then(Value::as_bool).unwrap_or(true);
        if let Some(zone) = text(value, "/timeZone") {
            account.time_zone = zone.to_owned();
        }
        self.site.accounts.push(account);
        self.names.insert(name.to_owned(), id.clone());
        self.people.insert(id.clone(), Person::default());
        Some(id)
    }

    fn add(&mut self, line: &Line) -> Result<(), String> {
        let fields = &line.fields;
        let id: u64 = line.id.parse().map_err(|_| format!("the id {} is no number", line.id))?;
        let project_id = text(fields, "/project/id").ok_or("no project")?.to_owned();
        let project_key = line.key.rsplit_once('-').map_or(line.key.as_str(), |(k, _)| k);
        self.projects.entry(project_id.clone()).or_insert_with(|| {
            (project_key.to_owned(), text(fields, "/project/name").unwrap_or(project_key).to_owned())
        });
        let issue_type_id = self.issue_type(fields, &project_id)?;
        let status_id = self.status(fields, &project_id)?;
        let priority_id = self.priority(fields);
        let resolution_id = self.resolution(fields);
        let reporter = self.person(fields.get("reporter"));
        let creator = self.person(fields.get("creator")).or_else(|| reporter.clone());
        let assignee = self.person(fields.get("assignee"));
        if let Some(person) = reporter.as_ref().and_then(|id| self.people.get_mut(id)) {
            person.reports += 1;
        }
        if let Some(id) = &assignee {
            if let Some(person) = self.people.get_mut(id) {
                person.assigned += 1;
            }
            *self.agents_of.entry(project_id.clone()).or_default().entry(id.clone()).or_default() += 1;
        }
        let created_at = instant(fields, "/created").ok_or("no creation date")?;
        let updated_at = instant(fields, "/updated").unwrap_or(created_at);
        let resolved_at = instant(fields, "/resolutiondate");
        let comments = self.comments(fields, reporter.as_deref(), &project_id);
        let components: Vec<String> = names(fields, "/components");
        if let Some(reporter) = &reporter {
            for component in &components {
                *self.components.entry(component.clone()).or_default().entry(reporter.clone()).or_default() += 1;
            }
        }
        let attachments = self.attachments(fields);
        let position = self.site.issues.len();
        for path in ["/parent/key", "/epic/key", "/epic"] {
            if let Some(key) = text(fields, path) {
                self.parents.push((position, key.to_owned()));
                break;
            }
        }
        self.links_of(id, fields);
        self.keys.insert(line.key.clone(), id);
        self.site.issues.push(Issue {
            id,
            key: line.key.clone(),
            project_id: project_id.clone(),
            issue_type_id,
            status_id,
            status_changed_at: resolved_at.unwrap_or(updated_at),
            summary: text(fields, "/summary").unwrap_or("(no summary)").to_owned(),
            description: document(fields, "/description"),
            environment: document(fields, "/environment"),
            creator: creator.unwrap_or_else(|| "unknown".to_owned()),
            reporter,
            assignee,
            priority_id,
            resolution_id,
            resolved_at,
            created_at,
            updated_at,
            due: text(fields, "/duedate").and_then(|d| d.parse().ok()),
            labels: strings(fields, "/labels"),
            components,
            parent: None,
            request_type_id: None,
            channel: "jira".to_owned(),
            participants: Vec::new(),
            organizations: Vec::new(),
            custom: BTreeMap::new(),
            comments,
            changelog: Vec::new(),
            properties: BTreeMap::new(),
            worklogs: Vec::new(),
            attachments,
            revision: 1,
        });
        Ok(())
    }

    fn issue_type(&mut self, fields: &Value, project: &str) -> Result<String, String> {
        let id = text(fields, "/issuetype/id").ok_or("no issue type")?.to_owned();
        if self.types_of.entry(project.to_owned()).or_default().insert(id.clone())
            && !self.site.issue_types.iter().any(|t| t.id == id)
        {
            let name = text(fields, "/issuetype/name").unwrap_or("Task");
            let sub = fields.pointer("/issuetype/subtask").and_then(Value::as_bool) == Some(true);
            self.site.issue_types.push(IssueType {
                id: id.clone(),
                name: name.to_owned(),
                description: text(fields, "/issuetype/description").unwrap_or_default().to_owned(),
                hierarchy_level: if sub { -1 } else { i8::from(name == "Epic") },
            });
        }
        Ok(id)
    }

    fn status(&mut self, fields: &Value, project: &str) -> Result<String, String> {
        let id = text(fields, "/status/id").ok_or("no status")?.to_owned();
        if self.statuses_of.entry(project.to_owned()).or_default().insert(id.clone())
            && !self.site.statuses.iter().any(|s| s.id == id)
        {
            self.site.statuses.push(Status {
                id: id.clone(),
                name: text(fields, "/status/name").unwrap_or("Open").to_owned(),
                description: text(fields, "/status/description").unwrap_or_default().to_owned(),
                category: match text(fields, "/status/statusCategory/key") {
                    Some("done") => StatusCategory::Done,
                    Some("indeterminate") => StatusCategory::Indeterminate,
                    _ => StatusCategory::New,
                },
            });
        }
        Ok(id)
    }

    fn priority(&mut self, fields: &Value) -> Option<String> {
        let id = text(fields, "/priority/id")?.to_owned();
        if !self.site.priorities.iter().any(|p| p.id == id) {
            self.site.priorities.push(Priority {
                id: id.clone(),
                name: text(fields, "/priority/name").unwrap_or("Medium").to_owned(),
                description: String::new(),
                colour: "#707070".to_owned(),
            });
        }
        Some(id)
    }

    fn resolution(&mut self, fields: &Value) -> Option<String> {
        let id = text(fields, "/resolution/id")?.to_owned();
        if !self.site.resolutions.iter().any(|r| r.id == id) {
            self.site.resolutions.push(Resolution {
                id: id.clone(),
                name: text(fields, "/resolution/name").unwrap_or("Done").to_owned(),
                description: text(fields, "/resolution/description").unwrap_or_default().to_owned(),
            });
        }
        Some(id)
    }

    fn comments(&mut self, fields: &Value, reporter: Option<&str>, project: &str) -> Vec<Comment> {
        let list = fields.pointer("/comment/comments").and_then(Value::as_array);
        let mut out = Vec::new();
        for value in list.into_iter().flatten() {
            let author = self.person(value.get("author")).unwrap_or_else(|| "unknown".to_owned());
            if reporter != Some(author.as_str()) {
                if let Some(person) = self.people.get_mut(&author) {
                    person.comments_on_others += 1;
                }
                *self.agents_of.entry(project.to_owned()).or_default().entry(author.clone()).or_default() += 1;
            }
            let update_author = self.person(value.get("updateAuthor")).unwrap_or_else(|| author.clone());
            let created_at = instant(value, "/created").unwrap_or(Timestamp::UNIX_EPOCH);
            out.push(Comment {
                id: text(value, "/id").and_then(|id| id.parse().ok()).unwrap_or_default(),
                author,
                update_author,
                body: wiki::to_adf(text(value, "/body").unwrap_or_default()),
                created_at,
                updated_at: instant(value, "/updated").unwrap_or(created_at),
                public: value.get("visibility").is_none(),
                visibility: None,
                properties: BTreeMap::new(),
            });
        }
        out
    }

    fn attachments(&mut self, fields: &Value) -> Vec<Attachment> {
        let list = fields.get("attachment").and_then(Value::as_array);
        let mut out = Vec::new();
        for value in list.into_iter().flatten() {
            out.push(Attachment {
                id: text(value, "/id").and_then(|id| id.parse().ok()).unwrap_or_default(),
                filename: text(value, "/filename").unwrap_or_default().to_owned(),
                author: self.person(value.get("author")).unwrap_or_else(|| "unknown".to_owned()),
                created_at: instant(value, "/created").unwrap_or(Timestamp::UNIX_EPOCH),
                size: value.get("size").and_then(Value::as_u64).unwrap_or_default(),
                mime_type: text(value, "/mimeType").unwrap_or_default().to_owned(),
                comment_id: None,
            });
        }
        out
    }

    fn links_of(&mut self, id: u64, fields: &Value) {
        let list = fields.get("issuelinks").and_then(Value::as_array);
        for value in list.into_iter().flatten() {
            let Some(type_id) = text(value, "/type/id").or(text(value, "/type/name")) else { continue };
            if !self.site.link_types.iter().any(|t| t.id == type_id) {
                self.site.link_types.push(LinkType {
                    id: type_id.to_owned(),
                    name: text(value, "/type/name").unwrap_or("Relates").to_owned(),
                    inward: text(value, "/type/inward").unwrap_or("relates to").to_owned(),
                    outward: text(value, "/type/outward").unwrap_or("relates to").to_owned(),
                });
            }
            for (end, outward) in [("/outwardIssue/key", true), ("/inwardIssue/key", false)] {
                if let Some(key) = text(value, end) {
                    let number = text(value, "/id").unwrap_or_default().to_owned();
                    let kind = format!("{}{type_id}", if outward { '>' } else { '<' });
                    self.links.push((id, number, kind, key.to_owned()));
                }
            }
        }
    }
}

fn names(fields: &Value, path: &str) -> Vec<String> {
    let list = fields.pointer(path).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|v| text(v, "/name")).map(str::to_owned).collect()
}

fn strings(fields: &Value, path: &str) -> Vec<String> {
    let list = fields.pointer(path).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
