//! How the APIs write people, projects and configuration, in the platform's shapes.
//!
//! An address of a person appears only where profile visibility, or being an admin or an agent of a
//! customer, allows it.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use crate::{
    access::Access,
    auth::Caller,
    state::{
        State, Store,
        model::{
            Account, AccountType, Group, IssueType, LinkType, Priority, Project, Resolution, Role, RoleActor, Status,
            StatusCategory,
        },
    },
};

/// Everything needed to write something for a caller.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) store: &'a Store,
    pub(crate) state: &'a State,
    pub(crate) caller: &'a Caller,
    pub(crate) access: Access<'a>,
}

/// Sizes in which avatars are offered.
const AVATAR_SIZES: [&str; 4] = ["16x16", "24x24", "32x32", "48x48"];

impl<'a> Shape<'a> {
    pub(crate) fn new(store: &'a Store, state: &'a State, caller: &'a Caller) -> Self {
        Self { store, state, caller, access: Access::new(store, caller) }
    }

    /// An address of the platform's API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/rest/api/3/{path}", self.state.site_url())
    }

    /// An instant as Jira writes it, in the caller's time zone.
    pub(crate) fn instant(&self, at: Timestamp) -> String {
        let zone = self
            .store
            .account(self.caller.account())
            .and_then(|a| TimeZone::get(&a.time_zone).ok())
            .unwrap_or(TimeZone::UTC);
        at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S.%3f%z").to_string()
    }

    /// Avatar addresses of an account.
    pub(crate) fn avatars(&self, account_id: &str) -> Value {
        self.images(&format!("avatars/user/{account_id}"))
    }

    fn images(&self, path: &str) -> Value {
        let urls: Map<String, Value> = AVATAR_SIZES
            .iter()
            .map(|size| {
                let px = size.split('x').next().unwrap_or("48");
                ((*size).to_owned(), json!(format!("{}/{path}?size={px}", self.state.site_url())))
            })
            .collect();
        Value::Object(urls)
    }

    /// The address of an account, where the caller may see it.
    pub(crate) fn email(&self, account: &Account) -> Option<String> {
        if account.email.is_empty() {
            return None;
        }
        let own = self.caller.account_id.as_deref() == Some(&account.account_id);
        let customer =
            account.account_type == AccountType::Customer && !self.caller.is_app_itself() && self.access.any_agent();
        let admin = !self.caller.is_app_itself() && self.access.site_admin();
        (own || account.email_visible || customer || admin).then(|| account.email.clone())
    }

    /// A person or app as issues and comments name it (`UserDetails`).
    pub(crate) fn user(&self, account_id: &str) -> Value {
        let Some(account) = self.store.account(account_id) else {
            return json!({
                "accountId": account_id,
                "accountType": "unknown",
                "active": false,
                "displayName": "Former user",
            });
        };
        let mut user = json!({
            "self": self.url(&format!("user?accountId={account_id}")),
            "accountId": account.account_id,
            "accountType": account.account_type.as_str(),
            "avatarUrls": self.avatars(account_id),
            "displayName": account.display_name,
            "active": account.active,
            "timeZone": account.time_zone,
        });
        if let (Some(email), Some(object)) = (self.email(account), user.as_object_mut()) {
            object.insert("emailAddress".to_owned(), json!(email));
        }
        user
    }

    /// The same with locale, as `/user` and `/myself` answer it (`User`).
    pub(crate) fn user_full(&self, account: &Account) -> Value {
        let mut user = self.user(&account.account_id);
        if let Some(object) = user.as_object_mut() {
            object.insert("locale".to_owned(), json!(account.locale));
        }
        user
    }

    /// A user or null.
    pub(crate) fn user_or_null(&self, account_id: Option<&str>) -> Value {
        account_id.map_or(Value::Null, |id| self.user(id))
    }

    /// A project as issues name it.
    pub(crate) fn project_brief(&self, project: &Project) -> Value {
        json!({
            "self": self.url(&format!("project/{}", project.id)),
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": project.kind.key(),
            "simplified": false,
            "avatarUrls": self.images(&format!("avatars/project/{}", project.id)),
        })
    }

    /// A project as webhooks tell of it.
    pub(crate) fn project_event(&self, project: &Project) -> Value {
        json!({
            "self": format!("{}/rest/api/2/project/{}", self.state.site_url(), project.id),
            "id": project.id.parse::<u64>().unwrap_or_default(),
            "key": project.key,
            "name": project.name,
            "avatarUrls": self.images(&format!("avatars/project/{}", project.id)),
            "projectLead": self.user(&project.lead),
            "assigneeType": "admin.assignee.type.unassigned",
        })
    }

    /// A project in full.
    pub(crate) fn project(&self, project: &Project) -> Value {
        let mut value = self.project_brief(project);
        let types: Vec<Value> = project
            .issue_type_ids
            .iter()
            .filter_map(|id| self.store.issue_types.get(id))
            .map(|t| self.issue_type(t))
            .collect();
        if let Some(object) = value.as_object_mut() {
            object.insert("description".to_owned(), json!(project.description));
            object.insert("lead".to_owned(), self.user(&project.lead));
            object.insert("issueTypes".to_owned(), json!(types));
            object.insert("components".to_owned(), json!([]));
            object.insert("versions".to_owned(), json!([]));
            object.insert("assigneeType".to_owned(), json!("UNASSIGNED"));
            object.insert("roles".to_owned(), self.role_urls(project));
            object.insert("style".to_owned(), json!("classic"));
            object.insert("isPrivate".to_owned(), json!(false));
            object.insert("properties".to_owned(), json!({}));
        }
        value
    }

    /// Role names to addresses.
    pub(crate) fn role_urls(&self, project: &Project) -> Value {
        let roles: Map<String, Value> = self
            .store
            .roles
            .values()
            .map(|r| (r.name.clone(), json!(self.url(&format!("project/{}/role/{}", project.id, r.id)))))
            .collect();
        Value::Object(roles)
    }

    /// A role with its actors in a project, or without.
    pub(crate) fn role(&self, role: &Role, project: Option<&Project>) -> Value {
        let path = match project {
            Some(project) => format!("project/{}/role/{}", project.id, role.id),
            None => format!("role/{}", role.id),
        };
        let actors: Vec<Value> = project
            .and_then(|p| p.roles.get(&role.id))
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(at, actor)| self.role_actor(at, role, actor))
            .collect();
        let mut value = json!({
            "self": self.url(&path),
            "name": role.name,
            "id": role.id,
            "description": role.description,
        });
        if let (Some(_), Some(object)) = (project, value.as_object_mut()) {
            object.insert("actors".to_owned(), json!(actors));
        }
        value
    }

    fn role_actor(&self, at: usize, role: &Role, actor: &RoleActor) -> Option<Value> {
        let id = role.id.saturating_mul(100) + at as u64;
        Some(match actor {
            RoleActor::User(account_id) => json!({
                "id": id,
                "displayName": self.store.display_name(account_id),
                "type": "atlassian-user-role-actor",
                "actorUser": {"accountId": account_id},
            }),
            RoleActor::Group(name) => {
                let group = self.store.groups.get(name)?;
                json!({
                    "id": id,
                    "displayName": name,
                    "type": "atlassian-group-role-actor",
                    "name": name,
                    "actorGroup": {
                        "displayName": name, "name": name, "groupId": group.group_id,
                    },
                })
            }
        })
    }

    /// A group by name.
    pub(crate) fn group_name(&self, group: &Group) -> Value {
        json!({
            "name": group.name,
            "groupId": group.group_id,
            "self": self.url(&format!("group?groupId={}", group.group_id)),
        })
    }

    /// A status category.
    pub(crate) fn status_category(&self, category: StatusCategory) -> Value {
        json!({
            "self": self.url(&format!("statuscategory/{}", category.id())),
            "id": category.id(),
            "key": category.key(),
            "colorName": category.colour(),
            "name": category.name(),
        })
    }

    /// A status.
    pub(crate) fn status(&self, status: &Status) -> Value {
        json!({
            "self": self.url(&format!("status/{}", status.id)),
            "description": status.description,
            "iconUrl": format!("{}/images/icons/statuses/generic.png", self.state.site_url()),
            "name": status.name,
            "id": status.id,
            "statusCategory": self.status_category(status.category),
        })
    }

    /// An issue type.
    pub(crate) fn issue_type(&self, kind: &IssueType) -> Value {
        json!({
            "self": self.url(&format!("issuetype/{}", kind.id)),
            "id": kind.id,
            "description": kind.description,
            "iconUrl": format!("{}/avatars/issuetype/{}", self.state.site_url(), kind.id),
            "name": kind.name,
            "subtask": kind.hierarchy_level < 0,
            "hierarchyLevel": kind.hierarchy_level,
        })
    }

    /// A priority, as issues name it.
    pub(crate) fn priority(&self, priority: &Priority) -> Value {
        json!({
            "self": self.url(&format!("priority/{}", priority.id)),
            "iconUrl": format!("{}/avatars/priority/{}", self.state.site_url(), priority.id),
            "name": priority.name,
            "id": priority.id,
        })
    }

    /// A resolution.
    pub(crate) fn resolution(&self, resolution: &Resolution) -> Value {
        json!({
            "self": self.url(&format!("resolution/{}", resolution.id)),
            "id": resolution.id,
            "description": resolution.description,
            "name": resolution.name,
        })
    }

    /// A link type.
    pub(crate) fn link_type(&self, kind: &LinkType) -> Value {
        json!({
            "id": kind.id,
            "name": kind.name,
            "inward": kind.inward,
            "outward": kind.outward,
            "self": self.url(&format!("issueLinkType/{}", kind.id)),
        })
    }
}
