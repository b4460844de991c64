//! What is changed in Jira Service Management: customers and organizations made and joined, requests raised.
//!
//! Nothing here is done twice by itself: a call whose answer was lost says so, and whoever called looks first.

use futures::FutureExt;
use jiff::Timestamp;
use kernel::{AccountId, Fault, IssueId, Kind, OrganizationId, ProjectId, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::tenants::Mode;
use url::Url;

use super::call::Call;
use super::desks::{Customer, Organization, Page, paged};
use super::issues::Search;
use super::{As, IssueKey, IssueRef, Jira, PropertyKey, RequestTypeId, ServiceDeskId};
use crate::issue_property;
use crate::jql;
use crate::markup::Document;
use crate::personal::Personal;
use crate::sites::Known;

/// Accounts that Jira takes in one call.
pub const ACCOUNTS_AT_ONCE: usize = 50;

/// Requests of somebody's that are looked through for one of the last minutes.
const NEWEST: u32 = 50;

/// Begins the description of a request that the account raised for somebody who works here. Customers read it: it names nobody.
const ON_BEHALF: &str = "Raised by the support team on the customer's behalf.";

/// What Jira asks of somebody who changes something.
#[derive(Clone, Copy)]
pub enum Power<'a> {
    /// To administer Jira.
    Administrator,
    /// To be an agent in some service project.
    Agent,
    /// To be one in this project.
    AgentIn(&'a ProjectId),
    /// To administer this project.
    AdministratorOf(&'a ProjectId),
}

/// What a customer may ask for at a desk.
#[derive(Deserialize)]
pub struct RequestType {
    /// Its id.
    pub id: RequestTypeId,
    /// Its name.
    pub name: Personal,
    /// What it is for.
    #[serde(default)]
    pub description: Option<Personal>,
}

/// A field of a request type's form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestField {
    /// The field.
    pub field_id: String,
    /// What it is called.
    pub name: Personal,
    /// Whether a request without it is refused.
    #[serde(default)]
    pub required: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    #[serde(default = "Vec::new")]
    request_type_fields: Vec<RequestField>,
}

/// A request as it is raised for a customer.
pub struct NewRequest<'a> {
    /// Where.
    pub desk: &'a ServiceDeskId,
    /// What for.
    pub kind: &'a RequestTypeId,
    /// For whom.
    pub customer: &'a AccountId,
    /// In a line.
    pub summary: &'a str,
    /// In full; none where the form has no such field.
    pub description: Option<&'a Document>,
}

/// A request that was raised.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// The issue behind it.
    pub issue_id: IssueId,
    /// Its key, today.
    pub issue_key: IssueKey,
}

impl Jira<'_> {
    /// Jira as whoever changes something there. On a site with the Forge app, as the person who wants it, so that Jira
    /// judges them. Elsewhere Jira is asked first whether it would let them, and then it is done as [`Self::hand_for`] says: where
    /// that is the account that the site was joined with, it may more than they. What a script does is done as the app; its scopes
    /// are an administrator's word.
    pub async fn hand(&self, power: Power<'_>) -> Result<Self> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        let Some(person) = self.cx.person() else { return Ok(self.acting(As::App)) };
        if known.mode != Mode::Forge && !self.would_let(person, power).await? {
            return Err(Fault::refused("Jira does not allow this."));
        }
        Ok(self.acting(self.written_as(&known, person).await?))
    }

    /// Jira as somebody who wanted earlier what a job does now: as that person where the site lets an app, else as the
    /// account that the site was joined with. Whether they may was asked with [`Self::hand`] when they wanted it.
    pub async fn hand_for(&self, person: Option<&AccountId>) -> Result<Self> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        Ok(self.acting(match person {
            Some(person) => self.written_as(&known, person).await?,
            None => As::App,
        }))
    }

    /// Whether Jira would let the acting person do this, as far as it says so to the app.
    async fn would_let(&self, person: &AccountId, power: Power<'_>) -> Result<bool> {
        let app = self.acting(As::App);
        let standing = self.cx.standing();
        Ok(match power {
            Power::Administrator => standing.admin,
            Power::Agent => standing.agent || standing.admin,
            Power::AgentIn(project) => app.holds(person, "SERVICEDESK_AGENT", project).await?,
            Power::AdministratorOf(project) => {
                standing.admin || app.holds(person, "ADMINISTER_PROJECTS", project).await?
            }
        })
    }

    /// As whom is written what a person wants.
    async fn written_as(&self, known: &Known, person: &AccountId) -> Result<As> {
        let theirs = As::Person(person.clone());
        match known.mode {
            Mode::Forge => Ok(theirs),
            // What people grant there is to read.
            Mode::CloudToken | Mode::DataCenter => Ok(As::App),
            // Who has a licence, and where the app that is installed asked for it: the authorization server says so.
            Mode::Connect => match self.acting(theirs.clone()).access(known).boxed().await {
                Ok(_) => Ok(theirs),
                Err(fault) if fault.kind() == Kind::Refused => Ok(As::App),
                Err(fault) => Err(fault),
            },
        }
    }

    /// Makes an organization. Of a name that is there Cloud answers the existing one, as if it were made; Data Center may make a second one.
    pub async fn create_organization(&self, name: &Personal) -> Result<Organization> {
        self.call(Call::post("/rest/servicedeskapi/organization", json!({"name": name.peek()})).makes()).await
    }

    /// Lets people use a desk; at most [`ACCOUNTS_AT_ONCE`].
    pub async fn add_desk_customers(&self, desk: &ServiceDeskId, accounts: &[AccountId]) -> Result<()> {
        let ask = self.accounts_body(accounts).await?;
        self.tell(Call::post("/rest/servicedeskapi/servicedesk/{desk}/customer", ask).place(desk.as_str())).await
    }

    /// Takes people off a desk; at most [`ACCOUNTS_AT_ONCE`]. Whoever is not on it stays off. A desk that is open to everybody has
    /// nobody to take off it: `Invalid`.
    pub async fn remove_desk_customers(&self, desk: &ServiceDeskId, accounts: &[AccountId]) -> Result<()> {
        let ask = self.accounts_body(accounts).await?;
        let call = Call::new(Method::DELETE, "/rest/servicedeskapi/servicedesk/{desk}/customer").place(desk.as_str());
        self.tell(call.body(ask).experimental()).await
    }

    /// Lets an organization's people use a desk.
    pub async fn add_desk_organization(&self, desk: &ServiceDeskId, organization: &OrganizationId) -> Result<()> {
        let id: u64 = organization
            .as_str()
            .parse()
            .map_err(|_| Fault::broken("jira_organization_id", "an organization's id that is no number"))?;
        let ask = json!({"organizationId": id});
        self.tell(Call::post("/rest/servicedeskapi/servicedesk/{desk}/organization", ask).place(desk.as_str())).await
    }

    /// Lets people into an organization; at most [`ACCOUNTS_AT_ONCE`]. Members stay what they are.
    pub async fn add_members(&self, organization: &OrganizationId, accounts: &[AccountId]) -> Result<()> {
        self.tell(members(Method::POST, organization, self.accounts_body(accounts).await?)).await
    }

    /// Takes people out of an organization; at most [`ACCOUNTS_AT_ONCE`].
    pub async fn remove_members(&self, organization: &OrganizationId, accounts: &[AccountId]) -> Result<()> {
        self.tell(members(Method::DELETE, organization, self.accounts_body(accounts).await?)).await
    }

    /// What may be asked for at a desk.
    pub async fn request_types(&self, desk: &ServiceDeskId, start: u32) -> Result<Page<RequestType>> {
        let call = paged(Call::get("/rest/servicedeskapi/servicedesk/{desk}/requesttype"), start).place(desk.as_str());
        self.list(call).await
    }

    /// The fields of a request type's form.
    pub async fn request_fields(&self, desk: &ServiceDeskId, kind: &RequestTypeId) -> Result<Vec<RequestField>> {
        let call = Call::get("/rest/servicedeskapi/servicedesk/{desk}/requesttype/{type}/field")
            .place(desk.as_str())
            .place(kind.as_str());
        Ok(self.call::<Form>(call).await?.request_type_fields)
    }

    /// The portal's page on which a customer asks for this.
    pub async fn portal_form(&self, desk: &ServiceDeskId, kind: &RequestTypeId) -> Result<Option<Url>> {
        self.portal_page(&[desk.as_str(), "create", kind.as_str()]).await
    }

    /// A page below the portal's own.
    pub(super) async fn portal_page(&self, parts: &[&str]) -> Result<Option<Url>> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        let Some(mut url) = known.site.url.clone() else { return Ok(None) };
        // Data Center may live below a path of its own.
        if !known.is_data_center() {
            url.set_path("");
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["servicedesk", "customer", "portal"]).extend(parts);
        }
        Ok(Some(url))
    }

    /// Where people see an issue; none while the site's address is not known.
    pub async fn issue_page(&self, key: &IssueKey) -> Result<Option<Url>> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        Ok(known.site.url.as_ref().and_then(|site| site.join(&format!("browse/{key}")).ok()))
    }

    /// Raises a request on a customer's behalf. Where the account does it for somebody who works here, Jira would name the account alone: the request then
    /// says who it was, by id, in its property [`issue_property::RAISED_BY`], and that it was raised for the customer, in its first line.
    pub async fn raise_request(&self, new: &NewRequest<'_>) -> Result<Raised> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).boxed().await?;
        let data_center = known.is_data_center();
        let raiser = self.raiser(&known);
        let mut values = json!({"summary": new.summary});
        if let (Some(description), Some(values)) = (new.description, values.as_object_mut()) {
            let below = raiser.map(|_| description.below(ON_BEHALF));
            let description = below.as_ref().unwrap_or(description);
            let written = if data_center { description.to_wiki().into() } else { description.to_adf() };
            values.insert("description".to_owned(), written);
        }
        let mut ask = json!({
            "serviceDeskId": new.desk.as_str(),
            "requestTypeId": new.kind.as_str(),
            "raiseOnBehalfOf": self.called(new.customer).await?.as_str(),
            "requestFieldValues": values,
        });
        if let (false, Some(ask)) = (data_center, ask.as_object_mut()) {
            ask.insert("isAdfRequest".to_owned(), true.into());
        }
        let raised: Raised = self.call(Call::post("/rest/servicedeskapi/request", ask).makes()).await?;
        if let Some(person) = raiser {
            self.name_raiser(&raised.issue_id, person).boxed().await;
        }
        Ok(raised)
    }

    /// The newest request that was raised so in this project since then, as far as Jira's search knows it yet.
    pub async fn raised_since(
        &self,
        new: &NewRequest<'_>,
        project: &ProjectId,
        since: Timestamp,
    ) -> Result<Option<Raised>> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).boxed().await?;
        let jql = jql::newest_of(&self.called(new.customer).await?, project);
        let search = Search { jql: &jql, next: None, reconcile: &[], limit: NEWEST };
        let page = self.acting(As::App).search(search).boxed().await?;
        let found = page.issues.into_iter().find(|issue| {
            let fields = &issue.fields;
            fields.created.is_some_and(|at| at >= since)
                && fields.summary.as_ref().is_some_and(|summary| summary.peek() == new.summary)
                && fields.reporter.as_ref().is_some_and(|reporter| reporter.account_id == *new.customer)
        });
        let Some(found) = found else { return Ok(None) };
        if let Some(person) = self.raiser(&known) {
            self.name_raiser(&found.id, person).boxed().await;
        }
        Ok(Some(Raised { issue_id: found.id, issue_key: found.key }))
    }

    /// Who is to be named on a request, because the account raises it.
    fn raiser(&self, known: &Known) -> Option<&AccountId> {
        self.cx.person().filter(|_| known.mode.is_by_operator() && self.by == As::App)
    }

    /// Writes on a request who raised it. It stands already: what goes wrong here must not look as if it did not.
    async fn name_raiser(&self, issue: &IssueId, person: &AccountId) {
        let named = match PropertyKey::new(issue_property::RAISED_BY) {
            Ok(key) => {
                let issue = IssueRef::Id(issue.clone());
                self.set_issue_property(&issue, &key, &json!({"accountId": person})).await
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = named {
            tracing::warn!(event = "raiser_not_named", code = fault.code());
        }
    }

    /// Makes a customer; `Conflict` when the address has an account already.
    pub async fn create_customer(&self, email: &Personal, name: &Personal) -> Result<Customer> {
        if self.is_data_center().await? {
            return self.dc_create_customer(email, name).boxed().await;
        }
        let ask = json!({"email": email.peek(), "displayName": name.peek()});
        let call = Call::post("/rest/servicedeskapi/customer", ask).query("strictConflictStatusCode", "true").makes();
        self.call(call).await.map_err(|fault| match fault.kind() {
            Kind::Conflict => {
                Fault::duplicate("email_in_use", "Somebody has an account with this e-mail address already.")
            }
            _ => fault,
        })
    }
}

fn members(method: Method, organization: &OrganizationId, body: Value) -> Call {
    Call::new(method, "/rest/servicedeskapi/organization/{organization}/user").place(organization.as_str()).body(body)
}
