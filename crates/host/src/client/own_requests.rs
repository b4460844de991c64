//! A customer's own requests, as Jira has them now: found by search as Steward's account, then each read as a request.
//!
//! Search only says where to look. What is answered is what the request itself says, and only where its reporter or one of its participants is that
//! person: an index that lags, or an issue that no portal shows, tells nobody anything. Nothing here is kept.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;
use kernel::{AccountId, IssueId, Kind, ProjectId, Result};
use serde::Deserialize;
use url::Url;

use super::call::Call;
use super::desks::Customer;
use super::issues::Search;
use super::{IssueKey, Jira, ServiceDeskId};
use crate::jql;
use crate::personal::Personal;

/// Requests on a page: each is a call of its own.
pub const OWN_REQUESTS: u32 = 20;
/// Requests read at once.
const AT_ONCE: usize = 8;

/// Whether a request is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progressing {
    /// Not yet.
    Open,
    /// Done.
    Done,
}

/// A request of somebody's own, as the portal shows it.
pub struct OwnRequest {
    /// Its key, today.
    pub key: IssueKey,
    /// What it is about.
    pub summary: Personal,
    /// Its status, as customers are told it.
    pub status: Personal,
    /// Whether it is done.
    pub progress: Progressing,
    /// When it was raised.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub updated_at: Option<Timestamp>,
    /// Whether the person reported it; else they take part in it.
    pub is_reporter: bool,
    /// The portal's page of it; none while the site's address is not known.
    pub url: Option<Url>,
}

/// A page of them.
pub struct OwnRequests {
    /// The requests, newest change first.
    pub items: Vec<OwnRequest>,
    /// How to ask for the next page; absent on the last one.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    issue_key: IssueKey,
    service_desk_id: ServiceDeskId,
    summary: Option<Personal>,
    #[serde(default)]
    request_field_values: Vec<FieldValue>,
    reporter: Option<Customer>,
    #[serde(default)]
    participants: Participants,
    current_status: Option<Status>,
    created_date: Option<Date>,
}

#[derive(Default, Deserialize)]
struct Participants {
    #[serde(default = "Vec::new")]
    values: Vec<Customer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldValue {
    field_id: String,
    #[serde(default)]
    value: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    status: Personal,
    #[serde(default)]
    status_category: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Date {
    epoch_millis: i64,
}

impl Jira<'_> {
    /// A page of what somebody reported or takes part in, in these service projects.
    pub async fn own_requests(
        &self,
        account: &AccountId,
        projects: &[ProjectId],
        next: Option<&str>,
    ) -> Result<OwnRequests> {
        if projects.is_empty() {
            return Ok(OwnRequests { items: Vec::new(), next: None });
        }
        let name = self.called(account).await?;
        let jql = jql::own_requests(&name, projects);
        let page = self.search(Search { jql: &jql, next, reconcile: &[], limit: OWN_REQUESTS }).await?;
        let reading: Vec<BoxFuture<'_, Result<Option<OwnRequest>>>> = page
            .issues
            .iter()
            .map(|issue| {
                let done = issue.fields.status.as_ref().is_some_and(|status| status.status_category.key == "done");
                self.own_request(account, &issue.id, issue.fields.updated, done).boxed()
            })
            .collect();
        let read: Vec<Option<OwnRequest>> = futures::stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
        Ok(OwnRequests { items: read.into_iter().flatten().collect(), next: page.next })
    }

    async fn own_request(
        &self,
        account: &AccountId,
        issue: &IssueId,
        updated_at: Option<Timestamp>,
        is_done: bool,
    ) -> Result<Option<OwnRequest>> {
        let call =
            Call::get("/rest/servicedeskapi/request/{issue}").place(issue.as_str()).query("expand", "participant");
        let told: Told = match self.call(call).await {
            Ok(told) => told,
            // An issue that is no request, or one that was here a moment ago.
            Err(fault) if matches!(fault.kind(), Kind::NotFound | Kind::Refused) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let is_reporter = told.reporter.as_ref().is_some_and(|reporter| reporter.account_id == *account);
        if !is_reporter && !told.participants.values.iter().any(|one| one.account_id == *account) {
            return Ok(None);
        }
        let url = self.portal_page(&[told.service_desk_id.as_str(), told.issue_key.as_str()]).await?;
        let of_form = told.request_field_values.iter().find(|field| field.field_id == "summary");
        let of_form = of_form.and_then(|field| field.value.as_str()).map(|text| Personal::from(text.to_owned()));
        let progress = match told.current_status.as_ref().and_then(|status| status.status_category.as_deref()) {
            Some("DONE") => Progressing::Done,
            Some("NEW" | "INDETERMINATE") => Progressing::Open,
            // Older Data Centers do not say; the issue does.
            _ if is_done => Progressing::Done,
            _ => Progressing::Open,
        };
        Ok(Some(OwnRequest {
            summary: told.summary.or(of_form).unwrap_or_else(|| Personal::from(String::new())),
            status: told.current_status.map_or_else(|| Personal::from(String::new()), |status| status.status),
            progress,
            created_at: told.created_date.and_then(|date| Timestamp::from_millisecond(date.epoch_millis).ok()),
            updated_at,
            is_reporter,
            url,
            key: told.issue_key,
        }))
    }

    /// The page on which Jira shows all its portals; none while the site's address is not known.
    pub async fn portal_home(&self) -> Result<Option<Url>> {
        Ok(self.portal_page(&[]).await?.and_then(|portal| portal.join("portals").ok()))
    }
}
