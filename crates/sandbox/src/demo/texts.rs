//! The demo's texts, read from `content/`.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) mail: Option<String>,
    #[serde(default)]
    pub(super) desk: String,
    pub(super) zone: String,
    pub(super) locale: String,
}

#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) kind: String,
}

#[derive(Deserialize)]
pub(super) struct Buyer {
    pub(super) name: String,
    pub(super) mail: Option<String>,
    pub(super) org: Option<String>,
    pub(super) lang: String,
    pub(super) zone: String,
    pub(super) locale: String,
}

#[derive(Deserialize)]
pub(super) struct People {
    pub(super) admin: Worker,
    pub(super) agents: Vec<Worker>,
    pub(super) developers: Vec<Worker>,
    pub(super) staff: Vec<Worker>,
    pub(super) organizations: Vec<Group>,
    pub(super) customers: Vec<Buyer>,
}

#[derive(Deserialize)]
pub(super) struct RequestKind {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) issue: String,
    pub(super) group: String,
    pub(super) about: String,
}

#[derive(Deserialize)]
pub(super) struct Desk {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) open: bool,
    pub(super) types: Vec<RequestKind>,
}

/// A conversation to be played: see the comment in `care.yaml`.
#[derive(Deserialize, Clone)]
pub(super) struct Scene {
    #[serde(default = "english")]
    pub(super) lang: String,
    /// `fleet` or `dealer`, for scenes in other languages.
    #[serde(default, rename = "for")]
    pub(super) whom: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) priority: u8,
    pub(super) summary: String,
    pub(super) text: String,
    pub(super) turns: Vec<String>,
    pub(super) bug: Option<String>,
    #[serde(default)]
    pub(super) escalate: bool,
    /// It is never played to an end: what was said last waits for an answer.
    #[serde(default)]
    pub(super) open: bool,
}

fn english() -> String {
    "en".to_owned()
}

#[derive(Deserialize)]
pub(super) struct Work {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) key: Option<String>,
    pub(super) summary: String,
    pub(super) status: String,
    pub(super) priority: u8,
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Epic {
    pub(super) epic: String,
    pub(super) status: String,
    pub(super) issues: Vec<Work>,
}

/// All texts.
pub(super) struct Texts {
    pub(super) people: People,
    pub(super) desks: Vec<Desk>,
    /// Scenes by desk, the English ones.
    pub(super) scenes: [(&'static str, Vec<Scene>); 3],
    pub(super) languages: Vec<Scene>,
    pub(super) software: Vec<Epic>,
}

impl Texts {
    pub(super) fn read() -> Result<Self, serde_yaml_ng::Error> {
        Ok(Self {
            people: serde_yaml_ng::from_str(include_str!("content/people.yaml"))?,
            desks: serde_yaml_ng::from_str(include_str!("content/desks.yaml"))?,
            scenes: [
                ("CARE", serde_yaml_ng::from_str(include_str!("content/care.yaml"))?),
                ("PART", serde_yaml_ng::from_str(include_str!("content/partners.yaml"))?),
                ("IT", serde_yaml_ng::from_str(include_str!("content/it.yaml"))?),
            ],
            languages: serde_yaml_ng::from_str(include_str!("content/languages.yaml"))?,
            software: serde_yaml_ng::from_str(include_str!("content/software.yaml"))?,
        })
    }
}
