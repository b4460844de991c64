//! What Forge tells of changes, reduced to ids: pure.
//!
//! Bodies are not signed and may be stale, so nothing of them is believed but ids, whose shape is checked; whoever
//! subscribes to a topic fetches the rest. Start at [`read`].

use kernel::{AccountId, IssueId};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::client::CommentId;

/// An issue was made, changed or deleted, or [something became of it](TOLD): `{event, issue}`.
pub const ISSUE_TOPIC: &str = "jira.issue";
/// A comment was written, changed or deleted: `{event, issue, comment}`.
pub const COMMENT_TOPIC: &str = "jira.comment";
/// An account was made, changed or closed: `{event, account}`.
pub const USER_TOPIC: &str = "jira.user";
/// The app was installed: `{}`.
pub const INSTALLED_TOPIC: &str = "tenant.installed";
/// The app was upgraded, permissions may have changed: `{}`.
pub const UPGRADED_TOPIC: &str = "tenant.upgraded";
/// The tenant left: `{}`. Whoever handles it destroys the keys.
pub const GONE_TOPIC: &str = "tenant.gone";

/// The event of an issue of which Jira does not say what became of it: whoever subscribes looks.
pub const TOLD: &str = "told";

/// The parameter of an address in which Jira writes an issue's id.
pub(crate) const NAMES_ISSUE: &str = "issue";

/// Data Center's keys are 255 characters at most.
const KEY_BYTES: usize = 1024;

/// One thing that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The outbox topic.
    pub topic: &'static str,
    /// Ids.
    pub body: Value,
}

/// Reads an event's body. `None` for what is not of interest.
pub fn read(body: &Value) -> Option<Told> {
    let event = ["/payload/event", "/event", "/payload", ""]
        .into_iter()
        .filter_map(|pointer| body.pointer(pointer))
        .find(|event| event.get("eventType").is_some_and(Value::is_string) || is_lifecycle(event))?;
    let kind = event.get("eventType").and_then(Value::as_str).unwrap_or_else(|| lifecycle_kind(event));
    let own = event.get("selfGenerated").and_then(Value::as_bool).unwrap_or(false);
    let mut parts = kind.strip_prefix("avi:")?.split(':');
    match (parts.next()?, parts.next()?, parts.next()?) {
        ("forge", "installed", "app") => Some(Told { topic: INSTALLED_TOPIC, body: json!({}) }),
        ("forge", "upgraded", "app") => Some(Told { topic: UPGRADED_TOPIC, body: json!({}) }),
        ("jira", "commented" | "mentioned", "issue" | "comment") => comment(event, "written", own),
        ("jira", "deleted", "comment") => comment(event, "deleted", own),
        ("jira", verb, "issue") => {
            let issue = id(event, "/issue/id").and_then(|id| IssueId::new(id).ok())?;
            let verb = verbs(verb)?;
            if verb == "updated" && !changed_hands(event) {
                return None;
            }
            Some(Told { topic: ISSUE_TOPIC, body: json!({"event": verb, "issue": issue.as_str(), "own": own}) })
        }
        ("jira", verb, "user") => {
            let account = ["/user/accountId", "/user/id", "/accountId"]
                .into_iter()
                .find_map(|pointer| id(event, pointer).and_then(|id| AccountId::new(id).ok()))?;
            let verb = verbs(verb)?;
            Some(Told { topic: USER_TOPIC, body: json!({"event": verb, "account": account.as_str()}) })
        }
        _ => None,
    }
}

/// Reads a webhook's body, in which people have ids. `None` for what is not of interest.
pub(crate) fn read_hook(body: &Value) -> Option<Told> {
    let account = id(body, "/user/accountId").and_then(|id| AccountId::new(id).ok())?;
    let verb = account_verb(body)?;
    Some(of_account(verb, &account))
}

/// The key of whom a webhook of Data Center's is about. `None` for what is not of interest.
pub(crate) fn read_hook_key(body: &Value) -> Option<(&'static str, &str)> {
    let key = body.pointer("/user/key").and_then(Value::as_str).filter(|key| (1..=KEY_BYTES).contains(&key.len()))?;
    Some((account_verb(body)?, key))
}

/// The issue that an address names.
pub(crate) fn named_issue(query: &str) -> Option<IssueId> {
    let (_, id) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == NAMES_ISSUE)?;
    // A Jira that fills `{issue.id}` in leaves the sign that stood before it.
    IssueId::new(id.strip_prefix('$').unwrap_or(&id)).ok()
}

/// That something became of an issue.
pub(crate) fn of_issue(issue: &IssueId) -> Told {
    Told { topic: ISSUE_TOPIC, body: json!({"event": TOLD, "issue": issue.as_str(), "own": false}) }
}

/// What became of an account.
pub(crate) fn of_account(verb: &'static str, account: &AccountId) -> Told {
    Told { topic: USER_TOPIC, body: json!({"event": verb, "account": account.as_str()}) }
}

fn account_verb(body: &Value) -> Option<&'static str> {
    body.get("webhookEvent").and_then(Value::as_str)?.strip_prefix("user_").and_then(verbs)
}

/// Whether an issue has another reporter or project now; where it does not say what changed, it may.
fn changed_hands(event: &Value) -> bool {
    let Some(items) = event.pointer("/changelog/items").and_then(Value::as_array) else { return true };
    items.iter().any(|item| {
        let names = ["fieldId", "field"].into_iter().filter_map(|name| item.get(name)?.as_str());
        names.into_iter().any(|name| ["reporter", "project", "Key"].contains(&name))
    })
}

/// A closed list: a word from outside is never stored.
fn verbs(verb: &str) -> Option<&'static str> {
    ["created", "updated", "deleted", "assigned"].into_iter().find(|known| *known == verb)
}

fn comment(event: &Value, verb: &'static str, own: bool) -> Option<Told> {
    let issue = id(event, "/issue/id").and_then(|id| IssueId::new(id).ok())?;
    let comment = id(event, "/comment/id").and_then(|id| CommentId::new(id).ok())?;
    let body = json!({"event": verb, "issue": issue.as_str(), "comment": comment.as_str(), "own": own});
    Some(Told { topic: COMMENT_TOPIC, body })
}

fn id(event: &Value, pointer: &str) -> Option<String> {
    match event.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Lifecycle payloads are documented without a type.
fn is_lifecycle(event: &Value) -> bool {
    event.get("id").is_some() && event.pointer("/app/id").is_some()
}

fn lifecycle_kind(event: &Value) -> &'static str {
    if event.get("upgraderAccountId").is_some() { "avi:forge:upgraded:app" } else { "avi:forge:installed:app" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: Value, expected: Option<(&'static str, Value)>) {
        assert_eq!(read(&body), expected.map(|(topic, body)| Told { topic, body }), "{body}");
    }

    #[test]
    fn webhooks() {
        #[track_caller]
        fn check(body: Value, expected: Option<Value>) {
            assert_eq!(read_hook(&body), expected.map(|body| Told { topic: USER_TOPIC, body }), "{body}");
        }
        let user = |kind: &str| json!({"timestamp": 1, "webhookEvent": kind, "user": {"accountId": "5b1:a", "displayName": "private"}});
        check(user("user_updated"), Some(json!({"event": "updated", "account": "5b1:a"})));
        check(user("user_deleted"), Some(json!({"event": "deleted", "account": "5b1:a"})));
        check(user("user_renamed"), None);
        check(user("jira:issue_updated"), None);
        check(json!({"webhookEvent": "user_updated", "user": {"accountId": "../x"}}), None);
        check(json!({"webhookEvent": "user_updated"}), None);
        check(json!([]), None);
    }

    #[test]
    fn issues_in_addresses() {
        #[track_caller]
        fn check(query: &str, id: Option<&str>) {
            assert_eq!(named_issue(query).as_ref().map(IssueId::as_str), id, "{query}");
        }
        check("issue=10001", Some("10001"));
        check("issue=$10001", Some("10001"));
        check("issue=%2410001&user_id=ada&user_key=JIRAUSER1", Some("10001"));
        check("user_id=5b1%3Aa&issue=7&issue=8", Some("7"));
        // Nothing was filled in.
        check("issue=${issue.id}", None);
        check("issue=$$1", None);
        check("issue=", None);
        check("issue=1%3B%20DROP", None);
        check("Issue=1", None);
        check("", None);
    }

    #[test]
    fn events() {
        let issue = json!({"eventType": "avi:jira:updated:issue", "issue": {"id": "10001", "key": "HELP-1",
            "fields": {"summary": "private"}}, "atlassianId": "abc", "selfGenerated": true});
        let told = Some((ISSUE_TOPIC, json!({"event": "updated", "issue": "10001", "own": true})));
        // Wherever the event stands in the body.
        check(issue.clone(), told.clone());
        check(json!({"payload": issue}), told.clone());
        check(json!({"event": issue}), told.clone());
        check(json!({"payload": {"event": issue, "retryContext": {"retryCount": 1}}}), told);
        let changed = |field: &str| {
            json!({"eventType": "avi:jira:updated:issue", "issue": {"id": "1"},
                "changelog": {"id": "7", "items": [{"field": field, "fieldId": field, "to": "private"}]}})
        };
        check(changed("reporter"), Some((ISSUE_TOPIC, json!({"event": "updated", "issue": "1", "own": false}))));
        check(changed("project"), Some((ISSUE_TOPIC, json!({"event": "updated", "issue": "1", "own": false}))));
        check(changed("summary"), None);
        check(
            json!({"eventType": "avi:jira:created:issue", "issue": {"id": 10002}}),
            Some((ISSUE_TOPIC, json!({"event": "created", "issue": "10002", "own": false}))),
        );
        check(
            json!({"eventType": "avi:jira:commented:issue", "issue": {"id": "1"}, "comment": {"id": "7", "body": "private"}}),
            Some((COMMENT_TOPIC, json!({"event": "written", "issue": "1", "comment": "7", "own": false}))),
        );
        check(
            json!({"eventType": "avi:jira:deleted:user", "user": {"accountId": "5be24ba3f91c106033269289"}}),
            Some((USER_TOPIC, json!({"event": "deleted", "account": "5be24ba3f91c106033269289"}))),
        );
        check(
            json!({"id": "x", "installerAccountId": "a", "app": {"id": "y", "version": "1"}}),
            Some((INSTALLED_TOPIC, json!({}))),
        );
        check(json!({"id": "x", "upgraderAccountId": "a", "app": {"id": "y"}}), Some((UPGRADED_TOPIC, json!({}))));
        check(json!({"eventType": "avi:forge:installed:app", "id": "x"}), Some((INSTALLED_TOPIC, json!({}))));
    }

    #[test]
    fn what_is_not_of_interest_or_not_an_id() {
        check(json!({}), None);
        check(json!("text"), None);
        check(json!({"eventType": "avi:confluence:created:page"}), None);
        check(json!({"eventType": "avi:jira:exploded:issue", "issue": {"id": "1"}}), None);
        check(json!({"eventType": "avi:jira:created:issue", "issue": {"id": "1; DROP"}}), None);
        check(json!({"eventType": "avi:jira:created:issue"}), None);
        check(json!({"eventType": "avi:jira:updated:user", "user": {"accountId": "a b"}}), None);
        check(json!({"eventType": "nonsense"}), None);
    }
}
