//! Comments on issues, and what they carry: the id of a message, by which it is found again after its answer got lost.
//!
//! As the app a comment is written with its properties in one call. A customer comments as the portal does, and sets no property there nor afterwards: that is
//! two calls, the comment as them and the property as the app.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::{Fault, Kind, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::Call;
use super::issues::{AccountField, Property, fits_property, instant};
use super::{CommentId, IssueRef, Jira, PropertyKey};
use crate::markup::Document;

/// Under which a comment says whether customers see it.
const PUBLIC: &str = "sd.public.comment";
/// Comments on a page.
const PAGE: u32 = 100;
/// Comments that are looked through for one: more than come to an issue while somebody waits for an answer.
const LOOKED_THROUGH: u32 = 500;
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
    /// What it carries; told only where it was asked for.
    pub properties: BTreeMap<String, Value>,
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
    #[serde(default)]
    properties: Vec<Carried>,
}

#[derive(Deserialize)]
struct Carried {
    key: String,
    #[serde(default)]
    value: Value,
}

/// A comment as service management tells of it.
#[derive(Deserialize)]
struct Said {
    id: CommentId,
}

impl From<Written> for Comment {
    fn from(written: Written) -> Self {
        let properties: BTreeMap<String, Value> =
            written.properties.into_iter().map(|one| (one.key, one.value)).collect();
        // Data Center says it by the property alone, and only of what customers do not see.
        let internal = properties.get(PUBLIC).and_then(|kept| kept.get("internal")).and_then(Value::as_bool);
        Self {
            id: written.id,
            author: written.author.map(|author| author.account_id),
            // Data Center keeps wiki text: it is read as it stands.
            body: match &written.body {
                Value::String(wiki) => Document::from_text(wiki),
                adf => Document::from_adf(adf),
            },
            public: written.jsd_public.or(internal.map(|internal| !internal)),
            created: written.created,
            properties,
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
        fits(&new.body.text())?;
        let mut properties: Vec<Value> =
            new.properties.into_iter().map(|(key, value)| json!({"key": key.as_str(), "value": value})).collect();
        if !new.public {
            properties.push(json!({"key": PUBLIC, "value": {"internal": true}}));
        }
        let body = if self.is_data_center().await? { new.body.to_wiki().into() } else { new.body.to_adf() };
        let ask = json!({"body": body, "properties": properties});
        let call = Call::post("/rest/api/3/issue/{issue}/comment", ask).place(issue.as_str());
        let call = call.writes(issue.as_str()).makes();
        self.call::<Written>(call).await.map(Comment::from)
    }

    /// Writes a comment on a request as the portal does, in wiki text: as a customer there is no other way. What it is to carry is set afterwards, as the
    /// app ([`set_comment_property`](Self::set_comment_property)). A call that was lost is not repeated.
    pub async fn add_request_comment(&self, request: &IssueRef, body: &Document, public: bool) -> Result<CommentId> {
        let text = body.to_wiki();
        fits(&text)?;
        let call = Call::post("/rest/servicedeskapi/request/{issue}/comment", json!({"body": text, "public": public}));
        let call = call.place(request.as_str()).writes(request.as_str());
        self.call::<Said>(call).await.map(|said| said.id)
    }

    /// What a comment carries under this key, if anything.
    pub async fn comment_property(&self, comment: &CommentId, key: &PropertyKey) -> Result<Option<Value>> {
        let call = Call::get("/rest/api/3/comment/{comment}/properties/{key}").place(comment.as_str());
        match self.call::<Property>(call.place(key.as_str())).await {
            Ok(property) => Ok(Some(property.value)),
            Err(fault) if fault.kind() == Kind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Sets what a comment of this issue carries under a key. Done twice it changes nothing.
    pub async fn set_comment_property(
        &self,
        issue: &IssueRef,
        comment: &CommentId,
        key: &PropertyKey,
        value: &Value,
    ) -> Result<()> {
        fits_property(value)?;
        let call = Call::new(Method::PUT, "/rest/api/3/comment/{comment}/properties/{key}")
            .place(comment.as_str())
            .place(key.as_str())
            .writes(issue.as_str())
            .body(value.clone());
        self.tell(call).await
    }

    /// The comment that carries exactly this, if it is among the newest of the issue: where one that was written a moment ago stands.
    pub async fn comment_with(&self, issue: &IssueRef, key: &PropertyKey, value: &Value) -> Result<Option<Comment>> {
        let mut start = 0;
        while start < LOOKED_THROUGH {
            let call = Call::get("/rest/api/3/issue/{issue}/comment")
                .place(issue.as_str())
                .query("startAt", start.to_string())
                .query("maxResults", PAGE.to_string())
                .query("orderBy", "-created")
                .query("expand", "properties");
            let page: Written100 = self.call(call).await?;
            let mut comments = page.comments.into_iter().map(Comment::from);
            if let Some(found) = comments.find(|comment| comment.properties.get(key.as_str()) == Some(value)) {
                return Ok(Some(found));
            }
            start += PAGE;
            if u64::from(start) >= page.total {
                break;
            }
        }
        Ok(None)
    }
}

fn fits(text: &str) -> Result<()> {
    if text.chars().count() > COMMENT_CHARS {
        return Err(Fault::invalid("too_long", "A comment holds 32,767 characters at most."));
    }
    Ok(())
}
