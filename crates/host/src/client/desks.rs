//! Jira Service Management: desks, customers, organizations, requests.

use kernel::{AccountId, IssueId, OrganizationId, ProjectId, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::{IssueKey, IssueRef, Jira, ServiceDeskId};
use crate::fault::unexpected;
use crate::personal::Personal;

/// What Jira gives at once, wherever it pages.
const PAGE: u32 = 50;

/// A page of a list. `next` is where to go on; absent on the last one.
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The start of the next one.
    pub next: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Listed<T> {
    #[serde(default)]
    start: u32,
    #[serde(default)]
    is_last_page: bool,
    #[serde(default = "Vec::new")]
    values: Vec<T>,
}

impl<T> From<Listed<T>> for Page<T> {
    fn from(listed: Listed<T>) -> Self {
        let count = u32::try_from(listed.values.len()).unwrap_or(u32::MAX);
        // An empty page that is not the last would be asked for without end.
        let next = (!listed.is_last_page && count > 0).then(|| listed.start.saturating_add(count));
        Self { items: listed.values, next }
    }
}

/// A service desk.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceDesk {
    /// Its id.
    pub id: ServiceDeskId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its project's key.
    pub project_key: String,
    /// Its project's name.
    pub project_name: Personal,
}

/// A person as JSM tells of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The account.
    pub account_id: AccountId,
    /// The name.
    pub display_name: Option<Personal>,
    /// The address, where the person's settings let it be seen.
    pub email_address: Option<Personal>,
    /// Whether the account is open.
    #[serde(default = "yes")]
    pub active: bool,
    /// IANA name of their time zone.
    pub time_zone: Option<String>,
}

fn yes() -> bool {
    true
}

/// An organization.
#[derive(Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: Personal,
}

/// A customer's request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The issue behind it.
    pub issue_id: IssueId,
    /// Its key, today.
    pub issue_key: IssueKey,
    /// Its desk.
    pub service_desk_id: ServiceDeskId,
    /// Who raised it, or for whom.
    pub reporter: Option<Customer>,
}

impl Jira<'_> {
    pub(super) async fn list<T: DeserializeOwned>(&self, call: Call) -> Result<Page<T>> {
        self.call::<Listed<T>>(call).await.map(Page::from)
    }

    /// Service desks that the caller may see.
    pub async fn service_desks(&self, start: u32) -> Result<Page<ServiceDesk>> {
        let call = paged(Call::get("/rest/servicedeskapi/servicedesk"), start);
        self.list(call).await
    }

    /// Customers of a desk whose name or address matches. Jira allows five such calls a second.
    pub async fn desk_customers(&self, desk: &ServiceDeskId, query: &str, start: u32) -> Result<Page<Customer>> {
        let mut call = paged(Call::get("/rest/servicedeskapi/servicedesk/{desk}/customer"), start)
            .place(desk.as_str())
            .experimental();
        if !query.is_empty() {
            call = call.query("query", query);
        }
        self.list(call).await
    }

    /// Organizations: all that the caller may see, or a customer's where the site tells them
    /// ([`Host::tells_organizations`](crate::Host::tells_organizations)).
    pub async fn organizations(&self, of: Option<&AccountId>, start: u32) -> Result<Page<Organization>> {
        let mut call = paged(Call::get("/rest/servicedeskapi/organization"), start);
        if let Some(account) = of {
            if self.is_data_center().await? {
                return Err(unexpected("a person's organizations, which Data Center does not tell"));
            }
            call = call.query("accountId", account.as_str());
        }
        self.list(call).await
    }

    /// One organization.
    pub async fn organization(&self, organization: &OrganizationId) -> Result<Organization> {
        self.call(Call::get("/rest/servicedeskapi/organization/{organization}").place(organization.as_str())).await
    }

    /// Its people.
    pub async fn organization_users(&self, organization: &OrganizationId, start: u32) -> Result<Page<Customer>> {
        let call = paged(Call::get("/rest/servicedeskapi/organization/{organization}/user"), start)
            .place(organization.as_str());
        self.list(call).await
    }

    /// A request. Issues that are none are `NotFound`.
    pub async fn request(&self, issue: &IssueRef) -> Result<Request> {
        self.call(Call::get("/rest/servicedeskapi/request/{issue}").place(issue.as_str())).await
    }

    /// Who takes part in a request beside its reporter.
    pub async fn participants(&self, issue: &IssueRef, start: u32) -> Result<Page<Customer>> {
        let call = paged(Call::get("/rest/servicedeskapi/request/{issue}/participant"), start).place(issue.as_str());
        self.list(call).await
    }
}

pub(super) fn paged(call: Call, start: u32) -> Call {
    call.query("start", start.to_string()).query("limit", PAGE.to_string())
}
