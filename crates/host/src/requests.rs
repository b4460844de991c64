//! How many requests somebody has, and where to see them.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use kernel::{Cx, ProjectId, Result};
use url::Url;

use crate::Host;
use crate::client::{As, Jira};
use crate::jql::{self, Progress, Reporter, Whose};

/// Whose requests are counted at once, by two calls each: quick, and not so many that Jira's limits stop the page's other calls.
const AT_ONCE: usize = 2;

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
        let projects = projects(&jira).await?;
        self.counted(cx, &jira, &projects, whose).await
    }

    /// The same of several, in their order: who of them could not be counted is told so.
    pub async fn request_counts_of(
        &self,
        cx: &Cx,
        by: As,
        several: &[Whose<'_>],
    ) -> Result<Vec<Result<RequestCounts>>> {
        let jira = Jira::for_tenant(&self.cloud, cx, by);
        let projects = projects(&jira).await?;
        let counting: Vec<BoxFuture<'_, Result<RequestCounts>>> =
            several.iter().map(|whose| self.counted(cx, &jira, &projects, *whose).boxed()).collect();
        Ok(futures::stream::iter(counting).buffered(AT_ONCE).collect().await)
    }

    async fn counted(
        &self,
        cx: &Cx,
        jira: &Jira<'_>,
        projects: &[ProjectId],
        whose: Whose<'_>,
    ) -> Result<RequestCounts> {
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
        let [open, closed] = [Progress::Open, Progress::Closed].map(|state| jql::requests(whose, state, projects));
        let url = |query: &str| known.site.url.as_ref().and_then(|site| jql::navigator(site, query));
        let counted = futures::try_join!(jira.count(&open), jira.count(&closed))?;
        Ok(RequestCounts { open: counted.0, closed: counted.1, open_url: url(&open), closed_url: url(&closed) })
    }
}

/// The service projects that whoever asks may see. Jira refuses a query that names another one.
async fn projects(jira: &Jira<'_>) -> Result<Vec<ProjectId>> {
    let mut projects = Vec::new();
    let mut start = Some(0);
    while let Some(from) = start {
        let page = jira.service_projects(from).await?;
        projects.extend(page.items.into_iter().map(|project| project.id));
        start = page.next;
    }
    Ok(projects)
}
