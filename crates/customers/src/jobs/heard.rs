//! What Jira tells of issues: which were made, changed hands or were deleted, and that the app has a new version.

use async_trait::async_trait;
use host::client::{self, IssueRef};
use host::{As, Jira, events};
use jobs::{Handler, Outcome};
use kernel::{Cx, IssueId, Kind, Result};
use serde_json::Value;

use super::issues::{is_new, note};
use crate::Room;
use crate::actions::{copies, issues};
use crate::sql::issues as marks;

/// An issue was made, changed hands, or was deleted; or somebody should look.
pub(super) struct Hear(pub(super) Room);

#[async_trait]
impl Handler for Hear {
    fn kind(&self) -> &'static str {
        "customers.hear_of_issue"
    }

    fn topic(&self) -> Option<&'static str> {
        Some(host::events::ISSUE_TOPIC)
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default();
        let issue = IssueId::new(text("issue"))?;
        let sending = marks::sending_get(&mut self.0.shared.store.read(cx).await?).await?;
        let Some(sending) = sending else { return Ok(Outcome::Done) };
        let untold = text("event") == events::TOLD;
        if sending.copying && text("event") == "created" {
            let mut scoped = self.0.shared.store.write(cx).await?;
            copies::made(&mut scoped, cx, &issue).await?;
            scoped.commit().await?;
        }
        let is_followed = sending.active || (sending.copying && untold);
        if !is_followed {
            return Ok(Outcome::Done);
        }
        let found = if text("event") == "deleted" { Read::Gone } else { self.read(cx, &issue).await? };
        let mut scoped = self.0.shared.store.write(cx).await?;
        if let Read::Here(found) = &found
            && sending.copying
            && untold
            && is_new(found, cx.now())
        {
            copies::made(&mut scoped, cx, &issue).await?;
        }
        if sending.active {
            match found {
                Read::Here(found) => note(&mut scoped, &found, cx.now()).await?,
                Read::Elsewhere => marks::mark_leaves(&mut scoped, &issue, cx.now()).await?,
                Read::Gone => marks::mark_drop(&mut scoped, &issue).await?,
            }
            issues::send(&mut scoped, cx, cx.now()).await?;
        }
        scoped.commit().await?;
        Ok(Outcome::Done)
    }
}

/// What Jira says of an issue.
enum Read {
    /// It is one of a service project.
    Here(Box<client::Issue>),
    /// It is in another project by now, or always was.
    Elsewhere,
    Gone,
}

impl Hear {
    /// How Jira has it: the event is not believed.
    async fn read(&self, cx: &Cx, issue: &IssueId) -> Result<Read> {
        let projects = self.0.shared.host.callers.service_projects(cx).await?;
        let jira = Jira::for_tenant(&self.0.shared.host.cloud, cx, As::App).within(client::BACKGROUND);
        match jira.issue(&IssueRef::from(issue.clone())).await {
            Ok(found) => {
                let here = found.fields.project.as_ref().is_some_and(|project| projects.contains(&project.id));
                Ok(if here { Read::Here(Box::new(found)) } else { Read::Elsewhere })
            }
            Err(fault) if fault.kind() == Kind::NotFound => Ok(Read::Gone),
            Err(fault) => Err(fault),
        }
    }
}

/// A new version of the app may have its places indexed anew.
pub(super) struct Upgraded(pub(super) Room);

#[async_trait]
impl Handler for Upgraded {
    fn kind(&self) -> &'static str {
        "customers.send_after_upgrade"
    }

    fn topic(&self) -> Option<&'static str> {
        Some(events::UPGRADED_TOPIC)
    }

    async fn run(&self, cx: &Cx, _: &Value) -> Result<Outcome> {
        let mut scoped = self.0.shared.store.write(cx).await?;
        issues::all_again(&mut scoped, cx).await?;
        scoped.commit().await?;
        Ok(Outcome::Done)
    }
}
