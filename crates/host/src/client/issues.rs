//! Issues, their properties, searches and counts.

use futures::FutureExt;
use jiff::Timestamp;
use kernel::{AccountId, Fault, IssueId, ProjectId, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::tenants::Mode;

use super::call::Call;
use super::{IssueKey, IssueRef, Jira, PropertyKey};
use crate::fault::unexpected;
use crate::personal::Personal;

/// The fields that are asked for, wherever an issue is read.
pub(super) const FIELDS: [&str; 6] = ["summary", "project", "reporter", "status", "created", "updated"];
/// Jira's bound for one bulk fetch.
const BULK: usize = 100;
/// Issues on a page of a search with fields.
const SEARCH_PAGE: u32 = 100;
/// Jira's bound for a property's value.
const PROPERTY_BYTES: usize = 32_768;

/// An issue, as far as it is used.
#[derive(Deserialize)]
pub struct Issue {
    /// Its id.
    pub id: IssueId,
    /// Its key, today.
    pub key: IssueKey,
    /// Its fields.
    pub fields: IssueFields,
}

/// An issue's fields, as far as they are used. What the caller may not see is absent.
#[derive(Deserialize)]
pub struct IssueFields {
    /// The summary: somebody's words.
    pub summary: Option<Personal>,
    /// The project.
    pub project: Option<ProjectField>,
    /// The reporter.
    pub reporter: Option<AccountField>,
    /// The status.
    pub status: Option<StatusField>,
    /// When it was made.
    #[serde(default, deserialize_with = "instant")]
    pub created: Option<Timestamp>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "instant")]
    pub updated: Option<Timestamp>,
}

/// A project as a field.
#[derive(Deserialize)]
pub struct ProjectField {
    /// Its id.
    pub id: ProjectId,
}

/// A person as a field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountField {
    /// The account.
    pub account_id: AccountId,
}

/// A status as a field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusField {
    /// Its category.
    pub status_category: CategoryField,
}

/// A status's category.
#[derive(Deserialize)]
pub struct CategoryField {
    /// `new`, `indeterminate` or `done`.
    pub key: String,
}

/// Jira writes offsets without a colon: `2026-01-31T12:00:00.000+0000`.
pub(crate) fn instant<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| text.parse().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", &text).ok())))
}

/// What to search for.
pub struct Search<'a> {
    /// The query, made by [`crate::jql`]; Jira refuses unbounded ones.
    pub jql: &'a str,
    /// Where the page before ended.
    pub next: Option<&'a str>,
    /// Issues that were just written: search lags behind, these are looked at now.
    pub reconcile: &'a [IssueId],
    /// Issues on the page, 100 at most.
    pub limit: u32,
}

/// A page of a search.
pub struct SearchPage {
    /// The issues.
    pub issues: Vec<Issue>,
    /// How to ask for the next page; absent on the last one.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(default)]
    issues: Vec<Issue>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

#[derive(Deserialize)]
pub(super) struct Property {
    pub(super) value: Value,
}

/// Whether Jira takes a property of this length.
pub(super) fn fits_property(value: &Value) -> Result<()> {
    let length = serde_json::to_vec(value).map_err(|_| unexpected("a value that is no JSON"))?.len();
    if length > PROPERTY_BYTES {
        return Err(Fault::invalid("too_long", "A property holds 32,768 characters at most."));
    }
    Ok(())
}

impl Jira<'_> {
    /// One issue.
    pub async fn issue(&self, issue: &IssueRef) -> Result<Issue> {
        let call = Call::get("/rest/api/3/issue/{issue}").place(issue.as_str()).query("fields", FIELDS.join(","));
        self.call(call).await
    }

    /// Issues by their ids, in calls of a hundred; those that are not there, or not for the caller, are left out.
    pub async fn issues(&self, issues: &[IssueId]) -> Result<Vec<Issue>> {
        let mut all = Vec::with_capacity(issues.len());
        let data_center = self.is_data_center().await?;
        for some in issues.chunks(BULK) {
            if data_center {
                all.extend(self.dc_issues(some).boxed().await?);
                continue;
            }
            let ids: Vec<&str> = some.iter().map(IssueId::as_str).collect();
            let ask = json!({"issueIdsOrKeys": ids, "fields": FIELDS});
            let found: Found = self.call(Call::post("/rest/api/3/issue/bulkfetch", ask)).await?;
            all.extend(found.issues);
        }
        Ok(all)
    }

    /// A page of a search.
    pub async fn search(&self, search: Search<'_>) -> Result<SearchPage> {
        if self.is_data_center().await? {
            return self.dc_search(&search, search.limit.clamp(1, SEARCH_PAGE)).boxed().await;
        }
        let mut ask = json!({
            "jql": search.jql,
            "fields": FIELDS,
            "maxResults": search.limit.clamp(1, SEARCH_PAGE),
        });
        if let (Some(next), Some(ask)) = (search.next, ask.as_object_mut()) {
            ask.insert("nextPageToken".to_owned(), next.into());
        }
        let reconcile: Vec<u64> =
            search.reconcile.iter().take(50).filter_map(|issue| issue.as_str().parse().ok()).collect();
        if let (false, Some(ask)) = (reconcile.is_empty(), ask.as_object_mut()) {
            ask.insert("reconcileIssues".to_owned(), reconcile.into());
        }
        let found: Found = self.call(Call::post("/rest/api/3/search/jql", ask)).await?;
        Ok(SearchPage { issues: found.issues, next: found.next_page_token })
    }

    /// About how many issues a query finds.
    pub async fn count(&self, jql: &str) -> Result<u64> {
        if self.is_data_center().await? {
            return self.dc_count(jql).boxed().await;
        }
        let found: Count = self.call(Call::post("/rest/api/3/search/approximate-count", json!({"jql": jql}))).await?;
        Ok(found.count)
    }

    /// The value of an issue's property, if it has it.
    pub async fn issue_property(&self, issue: &IssueRef, key: &PropertyKey) -> Result<Option<Value>> {
        let call = Call::get("/rest/api/3/issue/{issue}/properties/{key}").place(issue.as_str()).place(key.as_str());
        match self.call::<Property>(call).await {
            Ok(property) => Ok(Some(property.value)),
            Err(fault) if fault.kind() == kernel::Kind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Sets an issue's property.
    pub async fn set_issue_property(&self, issue: &IssueRef, key: &PropertyKey, value: &Value) -> Result<()> {
        fits_property(value)?;
        let call = Call::new(Method::PUT, "/rest/api/3/issue/{issue}/properties/{key}")
            .place(issue.as_str())
            .place(key.as_str())
            .writes(issue.as_str())
            .body(value.clone());
        self.tell(call).await
    }

    /// Takes an issue's property away; false when it had none. Over Connect, where the app may write and not delete, it is emptied.
    pub async fn delete_issue_property(&self, issue: &IssueRef, key: &PropertyKey) -> Result<bool> {
        if self.cloud.0.sites.of(self.cx.tenant()).await?.mode == Mode::Connect {
            return self.empty_issue_property(issue, key).boxed().await;
        }
        let call = Call::new(Method::DELETE, "/rest/api/3/issue/{issue}/properties/{key}")
            .place(issue.as_str())
            .place(key.as_str())
            .writes(issue.as_str());
        match self.tell(call).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind() == kernel::Kind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn empty_issue_property(&self, issue: &IssueRef, key: &PropertyKey) -> Result<bool> {
        let empty = json!({});
        match self.issue_property(issue, key).await? {
            Some(value) if value != empty => self.set_issue_property(issue, key, &empty).await.map(|()| true),
            _ => Ok(false),
        }
    }
}
