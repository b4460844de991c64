//! How many requests somebody has, and where to see them.

use kernel::{Cx, Result};
use url::Url;

use crate::Host;
use crate::client::{As, Jira};
use crate::jql::{self, Progress, Reporter, Whose};

/// Counts of somebody's requests. Jira's counts are approximate: its search lags behind its writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Not done.
    pub open: u64,
    /// Done.
    pub closed: u64,
    /// Where people see the open ones; absent while the site's address is not known.
    pub open_url: Option<Url>,
    /// Where people see the closed ones.
    pub closed_url: Option<Url>,
}

impl Host {
    /// Whether Jira tells which organizations somebody is in. Data Center tells an organization's people alone, which the
    /// directory has.
    pub async fn tells_organizations(&self, cx: &Cx) -> Result<bool> {
        Ok(!self.sites.of(cx.tenant()).await?.is_data_center())
    }

    /// Counts the requests of a customer or an organization in the service projects that `by` may see.
    pub async fn request_counts(&self, cx: &Cx, by: As, whose: Whose<'_>) -> Result<RequestCounts> {
        let jira = Jira::for_tenant(&self.cloud, cx, by);
        // Jira refuses a query that names a project which the viewer may not see: only theirs are named.
        let mut projects = Vec::new();
        let mut start = Some(0);
        while let Some(from) = start {
            let page = jira.service_projects(from).await?;
            projects.extend(page.items.into_iter().map(|project| project.id));
            start = page.next;
        }
        if projects.is_empty() {
            return Ok(RequestCounts::default());
        }
        let name;
        let whose = match whose {
            Whose::Customer(account) => {
                name = jira.called(account).await?;
                Reporter::Customer(&name)
            }
            Whose::Organization(organization) => Reporter::Organization(organization),
        };
        let known = self.sites.of(cx.tenant()).await?;
        let [open, closed] = [Progress::Open, Progress::Closed].map(|state| jql::requests(whose, state, &projects));
        let url = |query: &str| known.site.url.as_ref().and_then(|site| jql::navigator(site, query));
        let counted = futures::try_join!(jira.count(&open), jira.count(&closed))?;
        Ok(RequestCounts { open: counted.0, closed: counted.1, open_url: url(&open), closed_url: url(&closed) })
    }
}
