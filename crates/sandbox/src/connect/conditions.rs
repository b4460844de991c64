//! Conditions of modules: who is shown a page of an app's, as its descriptor says.
//!
//! It must never be kinder than Jira: a page whose conditions cannot be known here is shown nobody, and the log says which
//! condition that was. Start reading at [`Onlooker::sees`].

use serde_json::Value;

use super::Page;
use crate::{
    access::Access,
    rest::permission,
    state::{
        Issue, Store,
        model::{AccountId, Project},
    },
};

/// Somebody who would be shown a page, and what it is about.
pub(super) struct Onlooker<'a> {
    pub(super) store: &'a Store,
    pub(super) access: Access<'a>,
    pub(super) account_id: &'a AccountId,
    /// Key of the app.
    pub(super) app: &'a str,
    pub(super) issue: Option<&'a Issue>,
    pub(super) project: Option<&'a Project>,
}

impl Onlooker<'_> {
    /// Whether the conditions of a page let them see it.
    ///
    /// # Errors
    /// In words: they do not, or nobody can know here.
    pub(super) fn sees(&self, page: &Page) -> Result<(), &'static str> {
        match self.all(&page.conditions) {
            Some(true) => Ok(()),
            Some(false) => Err("its conditions do not show them this page"),
            None => {
                let conditions = Value::from(page.conditions.clone()).to_string();
                tracing::warn!(app = self.app, module = page.key, conditions, "hidden: a condition is not known here");
                Err("a condition of this page is not known here")
            }
        }
    }

    /// Whether all of these are met; nothing where that hangs on one that is not known.
    fn all(&self, conditions: &[Value]) -> Option<bool> {
        let met: Vec<Option<bool>> = conditions.iter().map(|one| self.meets(one)).collect();
        if met.contains(&Some(false)) { Some(false) } else { (!met.contains(&None)).then_some(true) }
    }

    fn any(&self, conditions: &[Value]) -> Option<bool> {
        let met: Vec<Option<bool>> = conditions.iter().map(|one| self.meets(one)).collect();
        if met.contains(&Some(true)) { Some(true) } else { (!met.contains(&None)).then_some(false) }
    }

    fn meets(&self, condition: &Value) -> Option<bool> {
        let list = |name: &str| condition.get(name).and_then(Value::as_array);
        let met = if let Some(all) = list("and") {
            self.all(all)?
        } else if let Some(any) = list("or") {
            self.any(any)?
        } else if let Some(parts) = list("conditions") {
            // The older way to write the two.
            let kind = condition.get("type").and_then(Value::as_str).unwrap_or("AND");
            if kind.eq_ignore_ascii_case("or") { self.any(parts)? } else { self.all(parts)? }
        } else {
            let name = condition.get("condition").and_then(Value::as_str)?;
            self.predefined(name, condition.get("params").unwrap_or(&Value::Null))?
        };
        let inverted = condition.get("invert").is_some_and(|value| *value == Value::Bool(true));
        Some(met != inverted)
    }

    /// Jira's own conditions, as far as they are known here.
    fn predefined(&self, name: &str, params: &Value) -> Option<bool> {
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        let me = Some(self.account_id);
        match name {
            // Whoever is shown a page here signed in.
            "user_is_logged_in" => Some(true),
            "user_is_admin" | "user_is_sysadmin" => Some(self.access.site_admin()),
            "user_is_project_admin" => Some(self.project.is_some_and(|project| self.access.project_admin(project))),
            "has_global_permission" => permission::held(&self.access, &key(text("permission")?), None),
            "has_project_permission" | "has_selected_project_permission" => {
                permission::held(&self.access, &key(text("permission")?), self.project)
            }
            "has_issue_permission" => {
                let project = self.project.filter(|_| self.issue.is_some());
                permission::held(&self.access, &key(text("permission")?), project)
            }
            "is_issue_assigned_to_current_user" => Some(self.issue.is_some_and(|issue| issue.assignee.as_ref() == me)),
            "is_issue_reported_by_current_user" => Some(self.issue.is_some_and(|issue| issue.reporter.as_ref() == me)),
            "is_issue_unresolved" => Some(self.issue.is_some_and(|issue| issue.resolution_id.is_none())),
            "can_use_application" => match text("applicationKey")? {
                "jira-servicedesk" => Some(self.access.any_agent()),
                "jira-core" | "jira-software" => Some(self.access.licensed()),
                _ => None,
            },
            // No app has a licence from Atlassian here: pages are opened with `lic=none`.
            "addon_is_licensed" => Some(false),
            "entity_property_exists" => Some(self.property(params)?.is_some()),
            "entity_property_equal_to" => {
                let wanted = params.get("value")?;
                Some(self.property(params)?.is_some_and(|found| equal(found, wanted)))
            }
            _ => None,
        }
    }

    /// The property of which a condition speaks, or what it has at a path: `None` inside if there is none, outside if it is of
    /// something that has none here.
    fn property(&self, params: &Value) -> Option<Option<&Value>> {
        let text = |name: &str| params.get(name).and_then(Value::as_str);
        let (entity, key) = (text("entity")?, text("propertyKey")?);
        let kept = match entity {
            "addon" => self.store.app_properties.get(self.app),
            "issue" => self.issue.map(|issue| &issue.properties),
            "user" => self.store.account(self.account_id).map(|account| &account.properties),
            _ => return None,
        };
        let whole = kept.and_then(|kept| kept.get(key));
        Some(match text("objectName") {
            None => whole,
            Some(path) => whole.and_then(|whole| path.split('.').try_fold(whole, |value, part| value.get(part))),
        })
    }
}

/// The key of a permission, which descriptors of old write in small letters.
fn key(written: &str) -> String {
    written.to_ascii_uppercase()
}

/// Whether a property is what a condition wants, which is JSON in a text: `"true"`, `"\"gold\""`.
fn equal(found: &Value, wanted: &Value) -> bool {
    match wanted.as_str().map(serde_json::from_str::<Value>) {
        Some(Ok(parsed)) => *found == parsed,
        _ => found == wanted,
    }
}
