//! Copying values into an issue's own fields when it was made: once, where they are empty.
//!
//! The queue repeats what a busy Jira did not take. What Jira refuses is noted with its reason, field by field, so that one rule that
//! does not fit keeps no other from its work.

use async_trait::async_trait;
use host::client::{self, IssueRef};
use host::{As, Jira};
use jiff::Timestamp;
use jobs::{Handler, Outcome};
use kernel::{Cx, Fault, IssueId, Kind, Result};
use serde_json::Value;

use crate::Room;
use crate::actions::fields::OpenField;
use crate::actions::{copies, issues};
use crate::model::FieldId;
use crate::rules::issues as rules;
use crate::sql::issues as marks;

pub(crate) const COPY: &str = "customers.copy_to_issue";

pub(crate) struct Copy(pub(crate) Room);

#[async_trait]
impl Handler for Copy {
    fn kind(&self) -> &'static str {
        COPY
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let issue = IssueId::new(payload.get("issue").and_then(Value::as_str).unwrap_or_default())?;
        match self.copy(cx, &issue).await {
            // It was deleted meanwhile.
            Err(fault) if fault.kind() == Kind::NotFound => Ok(Outcome::Done),
            done => done.map(|()| Outcome::Done),
        }
    }
}

impl Copy {
    async fn copy(&self, cx: &Cx, id: &IssueId) -> Result<()> {
        let mut copied = copies::copied(cx, &self.0).await?;
        if copied.is_empty() {
            return Ok(());
        }
        let jira = Jira::for_tenant(&self.0.shared.host.cloud, cx, As::App).within(client::BACKGROUND);
        let issue = IssueRef::from(id.clone());
        let found = jira.issue(&issue).await?.fields;
        let (Some(reporter), Some(project)) = (&found.reporter, &found.project) else { return Ok(()) };
        let projects = self.0.shared.host.callers.service_projects(cx).await?;
        let made = found.created.unwrap_or(Timestamp::MIN);
        copied.retain(|field| copies::rule(field).is_some_and(|to| to.since <= made));
        if !projects.contains(&project.id) || copied.is_empty() {
            return Ok(());
        }
        let targets: Vec<&str> = copied.iter().filter_map(copies::rule).map(|to| to.id.as_str()).collect();
        let empty = jira.empty_fields(&issue, &targets).await?;
        let is_empty =
            |at: usize| copied.get(at).and_then(copies::rule).is_some_and(|to| empty.contains(&to.id.as_str()));
        let mut content = issues::content(cx, &self.0, &copied, &reporter.account_id, &project.id).await?;
        content.values.retain(|(at, _)| is_empty(*at));
        if content.values.is_empty() {
            return Ok(());
        }
        let said = web::reply::for_issue((cx, &self.0.shared), |exit| {
            let values: Vec<_> = content.values.into_iter().map(|(at, value)| (at, value.release(exit))).collect();
            said(&copied, &values)
        });
        let said = said.await?;
        self.write(cx, &jira, &issue, id, &copied, said).await
    }

    /// Writes all of it at once; where Jira does not take that, one after the other.
    async fn write(
        &self,
        cx: &Cx,
        jira: &Jira<'_>,
        issue: &IssueRef,
        id: &IssueId,
        copied: &[OpenField],
        said: Vec<(usize, Vec<Value>)>,
    ) -> Result<()> {
        let (mut ready, mut failed) = (Vec::new(), Vec::new());
        for (at, said) in said {
            let Some((field, to)) = copied.get(at).and_then(|field| Some((field, copies::rule(field)?))) else {
                continue;
            };
            match jira.field_value(to.kind, &said).await {
                Ok(value) => ready.push((field.id, to.id.clone(), value)),
                Err(fault) if fault.kind() == Kind::Invalid => failed.push((field.id, fault.code())),
                Err(fault) => return Err(fault),
            }
        }
        failed.extend(edit(jira, issue, ready).await?);
        if failed.is_empty() {
            return Ok(());
        }
        let mut scoped = self.0.shared.store.write(cx).await?;
        for (field, code) in failed {
            tracing::warn!(event = "copy_not_taken", tenant = %cx.tenant(), code);
            marks::copy_failed(&mut scoped, id, field, code, cx.now()).await?;
        }
        scoped.commit().await
    }
}

/// Edits an issue, all fields at once; where Jira refuses that, one after the other. Answers those that it does not take.
async fn edit(
    jira: &Jira<'_>,
    issue: &IssueRef,
    ready: Vec<(FieldId, String, Value)>,
) -> Result<Vec<(FieldId, &'static str)>> {
    let Some(fault) = put(jira, issue, &ready).await.err() else { return Ok(Vec::new()) };
    if !is_final(&fault) {
        return Err(fault);
    }
    if let [(field, ..)] = ready.as_slice() {
        return Ok(vec![(*field, fault.code())]);
    }
    let mut failed = Vec::new();
    for one in &ready {
        match put(jira, issue, std::slice::from_ref(one)).await {
            Err(fault) if is_final(&fault) => failed.push((one.0, fault.code())),
            other => other?,
        }
    }
    Ok(failed)
}

async fn put(jira: &Jira<'_>, issue: &IssueRef, some: &[(FieldId, String, Value)]) -> Result<()> {
    if some.is_empty() {
        return Ok(());
    }
    jira.edit_issue(issue, some.iter().map(|(_, target, value)| (target.clone(), value.clone())).collect()).await
}

/// Jira takes it not now and not later.
fn is_final(fault: &Fault) -> bool {
    matches!(fault.kind(), Kind::Invalid | Kind::Refused)
}

/// What each field says of this issue's customer and of their organizations.
fn said(copied: &[OpenField], values: &[(usize, crate::model::Value)]) -> Vec<(usize, Vec<Value>)> {
    let mut all: Vec<(usize, Vec<Value>)> = Vec::new();
    for (at, value) in values {
        let Some(field) = copied.get(*at) else { continue };
        for one in rules::said(field.kind, &field.body.peek().options, value) {
            match all.iter_mut().find(|(place, _)| place == at) {
                Some((_, said)) if said.contains(&one) => {}
                Some((_, said)) => said.push(one),
                None => all.push((*at, vec![one])),
            }
        }
    }
    all
}
