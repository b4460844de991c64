//! What is changed in Jira Service Management: customers and organizations made and joined, requests raised.
//!
//! Nothing here is done twice by itself: a call whose answer was lost says so, and whoever called looks first.

use futures::FutureExt;
use kernel::{AccountId, Fault, IssueId, Kind, OrganizationId, ProjectId, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::tenants::Mode;
use url::Url;

use super::call::Call;
use super::desks::{Customer, Organization, Page, paged};
use super::{As, IssueKey, Jira, RequestTypeId, ServiceDeskId};
use crate::markup::Document;
use crate::personal::Personal;

/// Accounts that Jira takes in one call.
pub const ACCOUNTS_AT_ONCE: usize = 50;

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
    /// Jira as whoever changes something there: the person who wants it, where the site lets an app, so that Jira judges
    /// them; else the account that the site was joined with, which may more than they, so that it is asked first whether
    /// Jira would let them. What a script does is done as the app; its scopes are an administrator's word.
    pub async fn hand(&self, power: Power<'_>) -> Result<Self> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        let Some(person) = self.cx.person() else { return Ok(self.acting(As::App)) };
        if known.mode == Mode::Forge {
            return Ok(self.acting(As::Person(person.clone())));
        }
        let app = self.acting(As::App);
        let standing = self.cx.standing();
        let has = match power {
            Power::Administrator => standing.admin,
            Power::Agent => standing.agent || standing.admin,
            Power::AgentIn(project) => app.holds(person, "SERVICEDESK_AGENT", project).await?,
            Power::AdministratorOf(project) => {
                standing.admin || app.holds(person, "ADMINISTER_PROJECTS", project).await?
            }
        };
        if has { Ok(app) } else { Err(Fault::refused("Jira does not allow this.")) }
    }

    /// Jira as somebody who wanted earlier what a job does now: as that person where the site lets an app, else as the
    /// account that the site was joined with. Whether they may was asked with [`Self::hand`] when they wanted it.
    pub async fn hand_for(&self, person: Option<&AccountId>) -> Result<Self> {
        let known = self.cloud.0.sites.of(self.cx.tenant()).await?;
        Ok(self.acting(match person {
            Some(person) if known.mode == Mode::Forge => As::Person(person.clone()),
            _ => As::App,
        }))
    }

    /// Makes an organization. Jira makes a second one of the same name.
    pub async fn create_organization(&self, name: &Personal) -> Result<Organization> {
        self.call(Call::post("/rest/servicedeskapi/organization", json!({"name": name.peek()}))).await
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

    /// Raises a request on a customer's behalf.
    pub async fn raise_request(&self, new: &NewRequest<'_>) -> Result<Raised> {
        let data_center = self.is_data_center().await?;
        let mut values = json!({"summary": new.summary});
        if let (Some(description), Some(values)) = (new.description, values.as_object_mut()) {
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
        self.call(Call::post("/rest/servicedeskapi/request", ask)).await
    }

    /// Makes a customer; `Conflict` when the address has an account already.
    pub async fn create_customer(&self, email: &Personal, name: &Personal) -> Result<Customer> {
        if self.is_data_center().await? {
            return self.dc_create_customer(email, name).boxed().await;
        }
        let ask = json!({"email": email.peek(), "displayName": name.peek()});
        let call = Call::post("/rest/servicedeskapi/customer", ask).query("strictConflictStatusCode", "true");
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
