//! What a site says of itself and of an account, one question for each thing that Steward needs of it.
//!
//! The token is sent once the place has said, unasked for one, that it is a Jira, and which kind; and of a site of Cloud that does not
//! take it, to Atlassian's gateway. Each answer becomes a
//! finding: what, what for, whether the account has it, how to mend it.

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use futures::FutureExt;
use kernel::{Clock, Fault, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::tenants::Mode;
use url::Url;

use crate::address::Networks;
use crate::client::is_nobody;
use crate::door::{OperatorDoor, Outward, Purpose};
use crate::fault::unexpected;
use crate::service::Login;

/// The longest answer is a page of projects, or of webhooks.
const ANSWER_BYTES: usize = 2 * 1024 * 1024;
/// What one permission check takes, and more service projects than are looked at while joining.
pub(super) const PROJECTS: usize = 50;
/// Bytes of a hash that name a Data Center among a server's sites.
const CLOUD_BYTES: usize = 16;

/// The code of a fault: a Jira does not answer as one at the moment.
const UNAVAILABLE: &str = "jira_unavailable";

/// The first Jira whose profile pages have personal access tokens.
const FIRST_WITH_TOKENS: [u64; 2] = [8, 14];

/// What kind of Jira a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// A site of Jira Cloud.
    Cloud,
    /// A Data Center.
    DataCenter,
}

impl Deployment {
    /// How a tenant of it is joined.
    pub(super) fn mode(self) -> Mode {
        match self {
            Self::Cloud => Mode::CloudToken,
            Self::DataCenter => Mode::DataCenter,
        }
    }
}

/// Whether the account has what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It has.
    Has,
    /// It has it in some places: how many of how many.
    Partly(usize, usize),
    /// It has not.
    Lacks,
    /// Nobody could say, because something before it is missing.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// A stable name.
    pub code: &'static str,
    /// What.
    pub what: &'static str,
    /// What it is needed for.
    pub needed_for: &'static str,
    /// Whether it is there.
    pub finding: Finding,
    /// What goes without it, and how to mend it.
    pub mend: &'static str,
    /// Whether nothing is joined without it. What else is missing costs what it is needed for, and no more.
    pub blocks: bool,
}

/// A site that was looked at.
#[derive(Clone, Debug)]
pub struct Probed {
    /// What kind of Jira it is.
    pub deployment: Deployment,
    /// The host's id of the site; of a Data Center, which has none, one of ours that follows from its address.
    pub cloud: String,
    /// The site's address, as it says itself.
    pub site: Url,
    /// Where its API takes the account's token: at the site, or at Atlassian's gateway.
    pub api_base: Url,
    /// Whether it takes the token by itself alone, as it does of some service accounts, and of each on a Data Center.
    pub bare: bool,
    /// What was found, in the order in which one mends it.
    pub probes: Vec<Probe>,
}

impl Probed {
    /// The login as it is taken.
    pub(super) fn taken(&self, login: &Login) -> Login {
        if self.bare { login.bare() } else { login.clone() }
    }

    /// Whether Steward works with it: everything that blocks is there, in one service project at least.
    pub fn is_enough(&self) -> bool {
        self.probes.iter().filter(|probe| probe.blocks).all(|probe| match probe.finding {
            Finding::Has => true,
            Finding::Partly(some, _) => some > 0,
            Finding::Lacks | Finding::Unknown => false,
        })
    }
}

/// A look at one site, by an operator.
pub struct Look {
    way: OperatorDoor,
    gateway: Gateway,
    /// Where the token of the account that was looked at is taken, if not at the site.
    pub(super) base: Option<Url>,
    /// As typed, with the first parts of its path; once recognised, the base of the site.
    site: Url,
    deployment: Option<Deployment>,
}

/// Where Atlassian takes tokens that a site itself does not take.
struct Gateway {
    way: OperatorDoor,
    /// What the API bases of its sites begin with.
    bases: Url,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerInfo {
    base_url: String,
    deployment_type: String,
    #[serde(default)]
    version_numbers: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantInfo {
    cloud_id: String,
}

#[derive(Deserialize)]
pub(super) struct Mine {
    permissions: std::collections::BTreeMap<String, MyPermission>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MyPermission {
    #[serde(default)]
    have_permission: bool,
}

impl Mine {
    pub(super) fn has(&self, key: &str) -> bool {
        self.permissions.get(key).is_some_and(|mine| mine.have_permission)
    }
}

pub(super) fn is_one(held: bool) -> Finding {
    if held { Finding::Has } else { Finding::Lacks }
}

/// What is asked of each service project that the account sees: to work in it, which blocks, to edit its issues, to
/// administer it.
pub(super) const IN_PROJECTS: [&str; 3] = ["SERVICEDESK_AGENT", "EDIT_ISSUES", "ADMINISTER_PROJECTS"];

/// What is found of each, by in how many of `all` service projects it is held.
pub(super) fn in_projects(held: [usize; IN_PROJECTS.len()], all: usize) -> [Finding; IN_PROJECTS.len()] {
    if all == 0 {
        return [Finding::Lacks, Finding::Unknown, Finding::Unknown];
    }
    held.map(|held| match held {
        0 => Finding::Lacks,
        every if every == all => Finding::Has,
        some => Finding::Partly(some, all),
    })
}

fn no_jira(why: &str) -> Fault {
    Fault::invalid_field("/address", "not_jira", format!("{why} Nothing was sent to it but a question."))
}

impl Look {
    /// At the site of an address that [`Joining::address_in`](super::Joining::address_in) allowed. `gateway` begins the API
    /// bases that Atlassian has for sites beside their own addresses; it ends in `/`.
    ///
    /// # Errors
    /// `outward_refused` for an address that no configuration can make right.
    pub fn at(site: &Url, gateway: &Url, networks: Networks, user_agent: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let to =
            |origin: &Url, clock| OperatorDoor::within(networks, Purpose::Joining, origin, None, user_agent, clock);
        let gateway = Gateway { way: to(gateway, clock.clone())?, bases: gateway.clone() };
        Ok(Self { way: to(site, clock)?, gateway, base: None, site: site.clone(), deployment: None })
    }

    /// Its ways out, whose calls the door writes on the ledger.
    pub fn ways(&self) -> [OperatorDoor; 2] {
        [self.way.clone(), self.gateway.way.clone()]
    }

    /// The API base that a site of Cloud has at the gateway.
    pub(super) fn gateway_of(&self, cloud: &str) -> Result<Url> {
        self.gateway.bases.join(&format!("{cloud}/")).map_err(|_| unexpected("a gateway that has no paths"))
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        login: Option<&Login>,
        body: Option<Value>,
    ) -> Result<Answer> {
        // What needs no token is asked of the site.
        let at = match (&self.base, login) {
            (Some(base), Some(_)) => (&self.gateway.way, base),
            _ => (&self.way, &self.site),
        };
        Self::ask_at(at, method, path, login, body).await
    }

    async fn ask_at(
        (way, base): (&OperatorDoor, &Url),
        method: Method,
        path: &str,
        login: Option<&Login>,
        body: Option<Value>,
    ) -> Result<Answer> {
        let url = base.join(path).map_err(|_| unexpected("a path that is none"))?;
        let mut call = Outward::new(method, url);
        call.body_limit = ANSWER_BYTES;
        call.authorization = login.map(Login::header).transpose()?;
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = body {
            call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            call.body = Some(Bytes::from(body.to_string()));
        }
        let reply = way.send(call).await?;
        Ok(Answer { status: reply.status.as_u16(), nobody: is_nobody(&reply.headers), body: reply.body })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, login: Option<&Login>) -> Result<Option<T>> {
        self.ask(Method::GET, path, login, None).await?.read()
    }

    /// What kind of Jira is here, and where below the address it begins: asked before anything secret is sent.
    ///
    /// # Errors
    /// `not_jira` (Invalid) for a place that is no Jira, is too old, or goes by another address; `jira_unavailable` (Busy).
    pub async fn recognise(&mut self) -> Result<Deployment> {
        let mut other_name = None;
        for base in self.bases() {
            let Some(info) = self.info(&base).await? else { continue };
            let mut site = Url::parse(&info.base_url).map_err(|_| unexpected("a site's address that is none"))?;
            if !site.path().ends_with('/') {
                let path = format!("{}/", site.path());
                site.set_path(&path);
            }
            // Links would lead astray.
            if site.origin() != base.origin() || site.path() != base.path() {
                other_name.get_or_insert(info.base_url);
                continue;
            }
            let deployment = if info.deployment_type == "Cloud" { Deployment::Cloud } else { Deployment::DataCenter };
            if deployment == Deployment::DataCenter && info.version_numbers.as_slice() < FIRST_WITH_TOKENS.as_slice() {
                return Err(no_jira("This Jira is older than 8.14, the first with personal access tokens."));
            }
            self.site = base;
            self.deployment = Some(deployment);
            return Ok(deployment);
        }
        Err(match other_name {
            Some(name) => no_jira(&format!("This site calls itself {name}; use that address.")),
            None => no_jira("There is no Jira at this address."),
        })
    }

    /// Where it may begin. The longest path comes first: where a server has several, beside each other or one below the
    /// other, the one whose page was typed is meant.
    fn bases(&self) -> Vec<Url> {
        let above = |base: &Url| if base.path() == "/" { None } else { base.join("..").ok() };
        std::iter::successors(Some(self.site.clone()), above).collect()
    }

    async fn info(&self, base: &Url) -> Result<Option<ServerInfo>> {
        let told = Self::ask_at((&self.way, base), Method::GET, "rest/api/2/serverInfo", None, None).await;
        match told.and_then(|told| told.read()) {
            // One that is unwell is there: another one above it is not asked in its place.
            Err(fault) if fault.code() == UNAVAILABLE => Err(fault),
            told => Ok(told.ok().flatten()),
        }
    }

    pub(super) fn recognised(&self) -> Result<Deployment> {
        self.deployment.ok_or_else(|| unexpected("a look at a site that was not recognised"))
    }

    /// Looks at what the account has at a site that was recognised. What is missing is a finding; an error is a place that
    /// does not answer as a Jira does.
    pub async fn probe(&mut self, login: &Login) -> Result<Probed> {
        let deployment = self.recognised()?;
        self.base = None;
        let (cloud, bare, probes) = match deployment {
            Deployment::Cloud => {
                let tenant: Option<TenantInfo> = self.get("_edge/tenant_info", None).await?;
                let cloud = tenant.map(|tenant| tenant.cloud_id).filter(|id| uuid::Uuid::parse_str(id).is_ok());
                let cloud = cloud.ok_or_else(|| no_jira("This site does not tell its id."))?;
                let (bare, probes) = self.cloud_rights(&cloud, login).boxed().await?;
                (cloud, bare, probes)
            }
            Deployment::DataCenter => {
                let hash = digest::digest(&digest::SHA256, self.site.as_str().as_bytes());
                let id = hex::encode(hash.as_ref().get(..CLOUD_BYTES).unwrap_or_default());
                (format!("dc-{id}"), true, self.dc_rights(login).boxed().await?)
            }
        };
        let api_base = self.base.clone().unwrap_or_else(|| self.site.clone());
        Ok(Probed { deployment, cloud, site: self.site.clone(), api_base, bare, probes })
    }
}

pub(super) struct Answer {
    status: u16,
    /// Whether a Data Center says that nobody asked.
    nobody: bool,
    body: Bytes,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_not_there(&self) -> bool {
        self.status == 404
    }

    /// Whether it was refused because the token lacks a scope; the gateway does not say which.
    pub(super) fn lacks_scope(&self) -> bool {
        let said = || String::from_utf8_lossy(&self.body).to_lowercase();
        matches!(self.status, 401 | 403) && said().contains("scope")
    }

    pub(super) fn is_nobodys(&self) -> bool {
        self.nobody
    }

    /// The body of a success; what the account may not see or what is not there is none.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.status {
            200..300 => {
                serde_json::from_slice(&self.body).map(Some).map_err(|_| unexpected("an answer of another shape"))
            }
            429 | 500.. => Err(Fault::busy(UNAVAILABLE, "Jira has a problem at the moment. Try again.", None)),
            _ => Ok(None),
        }
    }
}
