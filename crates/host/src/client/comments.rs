//! Comments on issues.

use jiff::Timestamp;
use kernel::{Fault, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::issues::{AccountField, instant};
use super::{CommentId, IssueRef, Jira, PropertyKey};
use crate::markup::Document;

/// Comments on a page.
const PAGE: u32 = 100;
/// Jira's bound for a comment's text.
const COMMENT_CHARS: usize = 32_767;

/// A comment.
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// Who wrote it; absent for accounts that are gone.
    pub author: Option<kernel::AccountId>,
    /// What it says.
    pub body: Document,
    /// Whether customers see it; told in service projects only.
    pub public: Option<bool>,
    /// When it was written.
    pub created: Option<Timestamp>,
}

/// A comment to be written.
pub struct NewComment {
    /// What it says.
    pub body: Document,
    /// Whether customers see it.
    pub public: bool,
    /// Properties that it is written with, such as the id of the message that it carries.
    pub properties: Vec<(PropertyKey, Value)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    id: CommentId,
    author: Option<AccountField>,
    #[serde(default)]
    body: Value,
    jsd_public: Option<bool>,
    #[serde(default, deserialize_with = "instant")]
    created: Option<Timestamp>,
}

impl From<Written> for Comment {
    fn from(written: Written) -> Self {
        Self {
            id: written.id,
            author: written.author.map(|author| author.account_id),
            // Data Center keeps wiki text: it is read as it stands.
            body: match &written.body {
                Value::String(wiki) => Document::from_text(wiki),
                adf => Document::from_adf(adf),
            },
            public: written.jsd_public,
            created: written.created,
        }
    }
}

#[derive(Deserialize)]
struct Written100 {
    #[serde(default)]
    comments: Vec<Written>,
    #[serde(default)]
    total: u64,
}

impl Jira<'_> {
    /// A page of an issue's comments, oldest first, and how many there are in all.
    pub async fn comments(&self, issue: &IssueRef, start: u32) -> Result<(Vec<Comment>, u64)> {
        let call = Call::get("/rest/api/3/issue/{issue}/comment")
            .place(issue.as_str())
            .query("startAt", start.to_string())
            .query("maxResults", PAGE.to_string())
            .query("orderBy", "created");
        let page: Written100 = self.call(call).await?;
        Ok((page.comments.into_iter().map(Comment::from).collect(), page.total))
    }

    /// Writes a comment. A call that was lost is not repeated: look for the comment's own property first.
    pub async fn add_comment(&self, issue: &IssueRef, new: NewComment) -> Result<Comment> {
        if new.body.text().chars().count() > COMMENT_CHARS {
            return Err(Fault::invalid("too_long", "A comment holds 32,767 characters at most."));
        }
        let mut properties: Vec<Value> =
            new.properties.into_iter().map(|(key, value)| json!({"key": key.as_str(), "value": value})).collect();
        if !new.public {
            properties.push(json!({"key": "sd.public.comment", "value": {"internal": true}}));
        }
        let body = if self.is_data_center().await? { new.body.to_wiki().into() } else { new.body.to_adf() };
        let ask = json!({"body": body, "properties": properties});
        let call = Call::post("/rest/api/3/issue/{issue}/comment", ask).place(issue.as_str());
        let call = call.writes(issue.as_str()).makes();
        self.call::<Written>(call).await.map(Comment::from)
    }
}
