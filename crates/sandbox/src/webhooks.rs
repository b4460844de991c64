//! Webhooks: registrations of admins and of apps, and their delivery, which is late, sometimes twice,
//! in the wrong order, or lost.
//!
//! A receiver must never rely on order or on exactly one delivery; the identifier header is the same
//! for every try of one event. Nothing is sent to a receiver about an issue that its owner may not
//! browse.

mod address;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast::error::RecvError};

use address::address;

use crate::{
    App,
    auth::{Caller, Means},
    deliveries::{self, Made, Ticket, What},
    events::{Event, EventKind},
    jql,
    rest::{Extras, Selection, Shape},
    state::Issue,
};

/// A webhook.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Site-wide id.
    pub id: u64,
    /// Name shown to admins.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Jira event names.
    pub events: Vec<String>,
    /// Filter; empty for all issues.
    pub jql: String,
    /// Signs the body (admin webhooks).
    pub secret: Option<String>,
    /// False while switched off.
    pub enabled: bool,
    /// Whether to leave the body out.
    pub exclude_body: bool,
    /// The app it belongs to (dynamic webhooks).
    pub app_id: Option<String>,
    /// The Connect app that declared it, which signs it.
    pub connect_app: Option<String>,
    /// When a dynamic webhook ends.
    pub expires_at: Option<Timestamp>,
    /// Only these fields' changes (dynamic webhooks).
    pub field_ids: Vec<String>,
    /// Only these properties' changes (dynamic webhooks).
    pub property_keys: Vec<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
}

impl Registration {
    /// Whether the app registered it by the API.
    pub(crate) fn is_dynamic_of(&self, app_id: &str) -> bool {
        self.connect_app.is_none() && self.app_id.as_deref() == Some(app_id)
    }
}

/// Tries after the first.
const RETRIES: u32 = 5;
/// What a change of an issue is called.
const ISSUE_UPDATED: &str = "jira:issue_updated";
/// How long a receiver may take.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(20);

/// Listens to the site until it stops.
pub(crate) fn start(app: &App) {
    let mut events = app.state.subscribe();
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        loop {
            let event = tokio::select! {
                () = app.stop.cancelled() => break,
                event = events.recv() => event,
            };
            match event {
                Ok(event) => {
                    deliver_all(&app, &event);
                    app.webhooks.done(event.sequence);
                }
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "webhooks fell behind; events were lost");
                }
                Err(RecvError::Closed) => break,
            }
        }
    });
}

/// How far deliveries are.
#[derive(Default)]
pub(crate) struct Progress {
    dispatched: AtomicU64,
    under_way: AtomicU64,
    changed: Notify,
}

impl Progress {
    fn done(&self, sequence: u64) {
        self.dispatched.store(sequence, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn began(&self) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
    }

    fn ended(&self) {
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}

/// Waits until every event so far was dispatched and no delivery is under way.
pub(crate) async fn settled(app: &App) {
    let progress = &app.webhooks;
    loop {
        let changed = progress.changed.notified();
        tokio::pin!(changed);
        // Listening must begin before looking, or a change in between would be missed.
        changed.as_mut().enable();
        let all = progress.dispatched.load(Ordering::SeqCst) >= app.state.events_emitted();
        if all && progress.under_way.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = changed => {}
        }
    }
}

fn deliver_all(app: &App, event: &Arc<Event>) {
    let now = app.state.now();
    let hooks: Vec<Registration> = app
        .state
        .read()
        .webhooks
        .values()
        .filter(|h| h.enabled && h.expires_at.is_none_or(|end| end > now))
        .cloned()
        .collect();
    for hook in hooks {
        for name in names(app, event).into_iter().filter(|name| hook.events.iter().any(|wanted| wanted == name)) {
            if !wants(app, &hook, event) {
                continue;
            }
            let departures = app.state.faults().departures("webhook", true);
            let body = body(app, &hook, event, name).map(Bytes::from);
            let identifier = app.state.random_uuid().to_string();
            let told = Told { hook: hook.id, event: event.clone(), name, identifier, body };
            let hook = Registration { url: address(app, &hook, event), ..hook.clone() };
            if departures.is_empty() {
                app.deliveries.lost(made(&hook, &told, None));
            }
            for delay in departures {
                send(app, hook.clone(), told.clone(), delay, None);
            }
        }
    }
}

/// What a webhook is told of an event.
#[derive(Clone)]
pub(crate) struct Told {
    hook: u64,
    event: Arc<Event>,
    name: &'static str,
    /// The same for every try of one event.
    pub(crate) identifier: String,
    body: Option<Bytes>,
}

fn made(hook: &Registration, told: &Told, again_of: Option<u64>) -> Made {
    Made {
        to: if hook.name.is_empty() { hook.app_id.clone().unwrap_or_default() } else { hook.name.clone() },
        url: hook.url.clone(),
        event: told.name.to_owned(),
        body: told.body.clone(),
        what: What::Webhook(told.clone()),
        again_of,
    }
}

fn send(app: &App, hook: Registration, told: Told, delay: Duration, again_of: Option<u64>) {
    app.webhooks.began();
    let ticket = app.deliveries.enter(made(&hook, &told, again_of));
    let app = app.clone();
    app.tasks.clone().spawn(async move {
        tokio::select! {
            () = app.stop.cancelled() => {}
            () = deliver(&app, &hook, &told, &ticket, delay) => {}
        }
        app.webhooks.ended();
    });
}

/// Sends the same once more, by hand: to the address that the webhook has now, signed with the secret of now.
pub(crate) fn again(app: &App, told: &Told, of: u64) -> Result<(), &'static str> {
    let hook = app.state.read().webhooks.get(&told.hook).cloned();
    let hook = hook.ok_or("The webhook is no longer registered.")?;
    if !hook.enabled {
        return Err("The webhook is switched off.");
    }
    if hook.expires_at.is_some_and(|end| end <= app.state.now()) {
        return Err("The webhook has ended.");
    }
    let url = address(app, &hook, &told.event);
    send(app, Registration { url, ..hook }, told.clone(), Duration::ZERO, Some(of));
    Ok(())
}

/// What an event is called. To a Data Center, a comment is a change of its issue, too.
fn names(app: &App, event: &Event) -> Vec<&'static str> {
    let name = event.kind.webhook_event();
    let comment = name.starts_with("comment_") && app.config.deployment.data_center().is_some();
    if comment { vec![name, ISSUE_UPDATED] } else { vec![name] }
}

/// Who a webhook sees as: its app, or the admin that made it.
fn owner(hook: &Registration) -> Caller {
    match &hook.app_id {
        Some(app_id) => Caller {
            account_id: Some(hook.updated_by.clone()),
            means: Means::App {
                app_id: app_id.clone(),
                on_behalf: false,
                scopes: Arc::from(["read:jira-work".to_owned()]),
            },
        },
        // Admin webhooks are the site's own and see every issue.
        None => Caller {
            account_id: None,
            means: Means::App { app_id: String::new(), on_behalf: false, scopes: Arc::from([]) },
        },
    }
}

fn wants(app: &App, hook: &Registration, event: &Event) -> bool {
    let fields = match &event.kind {
        EventKind::IssueUpdated { history, .. } if !hook.field_ids.is_empty() => {
            history.items.iter().any(|i| hook.field_ids.contains(&i.field_id))
        }
        EventKind::PropertySet { key, .. } | EventKind::PropertyDeleted { key, .. } => {
            hook.property_keys.is_empty() || hook.property_keys.contains(key)
        }
        _ => true,
    };
    let Some(issue) = event.kind.issue() else { return fields };
    fields && (hook.jql.is_empty() || jql::matches(&app.state, &owner(hook), &hook.jql, issue).unwrap_or(false))
}

fn body(app: &App, hook: &Registration, event: &Event, name: &str) -> Option<Vec<u8>> {
    if hook.exclude_body {
        return None;
    }
    let caller = owner(hook);
    // A Data Center tells texts as they were written.
    let plain = app.config.deployment.data_center().is_none();
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let mut value = json!({
        "timestamp": event.at.as_millisecond(),
        "webhookEvent": name,
    });
    let object = value.as_object_mut()?;
    if let Some(account) = &event.actor.account_id {
        object.insert("user".to_owned(), shape.user(account));
    }
    let mut issue_of = |issue: &Arc<Issue>| {
        object.insert("issue".to_owned(), version_two(&shape, issue, plain));
    };
    match &event.kind {
        EventKind::IssueCreated { issue } => {
            issue_of(issue);
            object.insert("issue_event_type_name".to_owned(), json!("issue_created"));
        }
        EventKind::IssueDeleted { issue } => issue_of(issue),
        EventKind::IssueUpdated { issue, history } => {
            issue_of(issue);
            let mut written = shape.history(history);
            let items = written.get_mut("items").map(Value::take).unwrap_or_default();
            object.insert("changelog".to_owned(), json!({"id": history.id.to_string(), "items": items}));
            let moved = history.items.iter().any(|i| i.field_id == "status");
            let name = if moved { "issue_generic" } else { "issue_updated" };
            object.insert("issue_event_type_name".to_owned(), json!(name));
        }
        EventKind::CommentCreated { issue, comment }
        | EventKind::CommentUpdated { issue, comment }
        | EventKind::CommentDeleted { issue, comment } => {
            issue_of(issue);
            let mut written = shape.comment(issue, comment, false);
            if let Some(text) = written.get_mut("body").filter(|_| plain) {
                *text = json!(crate::adf::plain_text(text));
            }
            object.insert("comment".to_owned(), written);
        }
        // These tell of the file alone, not of its issue.
        EventKind::AttachmentCreated { attachment, .. } | EventKind::AttachmentDeleted { attachment, .. } => {
            object.insert("attachment".to_owned(), shape.attachment(attachment));
        }
        EventKind::PropertySet { issue, key, value: set } => {
            issue_of(issue);
            object.insert("property".to_owned(), json!({"key": key, "value": set}));
        }
        EventKind::PropertyDeleted { issue, key } => {
            issue_of(issue);
            object.insert("property".to_owned(), json!({"key": key}));
        }
        EventKind::LinkCreated { link } | EventKind::LinkDeleted { link } => {
            object.insert(
                "issueLink".to_owned(),
                json!({
                    "id": link.id,
                    "sourceIssueId": link.outward,
                    "destinationIssueId": link.inward,
                }),
            );
        }
        EventKind::UserCreated { account_id }
        | EventKind::UserUpdated { account_id }
        | EventKind::UserDeleted { account_id } => {
            object.insert("user".to_owned(), shape.user(account_id));
        }
        EventKind::OrganizationChanged { organization_id } => {
            object.insert("organization".to_owned(), json!({"id": organization_id}));
        }
        EventKind::ProjectCreated { project_id } => {
            if let Some(project) = store.projects.get(project_id) {
                object.insert("project".to_owned(), shape.project_event(project));
            }
        }
    }
    drop(store);
    if app.config.deployment.data_center().is_some() {
        server_form(event, name, &mut value);
        crate::data_center::told(app, &mut value);
    }
    serde_json::to_vec(&value).ok()
}

/// As Data Center tells it: an event of a comment has no issue, and a change of the issue says what it was.
fn server_form(event: &Event, name: &str, value: &mut Value) {
    let Some(object) = value.as_object_mut() else { return };
    let comment = event.kind.webhook_event();
    if !comment.starts_with("comment_") {
        return;
    }
    if name == ISSUE_UPDATED {
        let what = match comment {
            "comment_created" => "issue_commented",
            "comment_updated" => "issue_comment_edited",
            _ => "issue_comment_deleted",
        };
        object.insert("issue_event_type_name".to_owned(), json!(what));
    } else {
        object.remove("issue");
        object.remove("user");
    }
}

/// Webhooks carry issues in the shape of version 2: text instead of documents, and no comments.
fn version_two(shape: &Shape<'_>, issue: &Issue, plain: bool) -> Value {
    let selection = Selection::parse(&["*navigable".to_owned()], Selection::all());
    let mut value = shape.issue(issue, &selection, &Extras::default());
    for field in ["description", "environment"] {
        if let Some(text) = value.pointer_mut(&format!("/fields/{field}"))
            && text.is_object()
            && plain
        {
            *text = json!(crate::adf::plain_text(text));
        }
    }
    value
}

/// `sha256=<hex>` of a body.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

async fn deliver(app: &App, hook: &Registration, told: &Told, ticket: &Ticket, delay: Duration) {
    let server = app.config.deployment.data_center();
    // A Data Center tries once.
    let retries = if server.is_some() { 0 } else { RETRIES };
    let mut pause = delay;
    for attempt in 0..=retries {
        if !ticket.wait(pause).await {
            return;
        }
        let bytes = told.body.clone().unwrap_or_default();
        let mut request =
            app.http.post(&hook.url).timeout(RECEIVER_TIMEOUT).header(CONTENT_TYPE, "application/json; charset=UTF-8");
        request = match server {
            // Nothing says that two deliveries are of one event.
            Some(server) => request.header("User-Agent", format!("Atlassian HttpClient / JIRA-{}", server.version)),
            None => request
                .header("User-Agent", "Atlassian Webhook HTTP Client")
                .header("X-Atlassian-Webhook-Identifier", &told.identifier)
                .header("X-Atlassian-Webhook-Flow", "Primary"),
        };
        if attempt > 0 {
            request = request.header("X-Atlassian-Webhook-Retry", attempt.to_string());
        }
        if let Some(secret) = &hook.secret {
            request = request.header("X-Hub-Signature", signature(secret, &bytes));
        }
        let began = Instant::now();
        if let Some(key) = &hook.connect_app {
            // Each try has a token of its own; an app that is gone or switched off is told no more.
            let Some(signature) = app.connect.signature(key, "POST", &hook.url) else {
                ticket.tried(began, None, "The app is gone or switched off: it is told no more.".to_owned());
                return ticket.end(false);
            };
            request = request.header("Authorization", signature);
        }
        match request.body(bytes).send().await {
            Ok(answer) => {
                let status = answer.status();
                let again = status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 425 | 429);
                ticket.tried(began, Some(status.as_u16()), deliveries::said(answer).await);
                if !again {
                    return ticket.end(status.is_success());
                }
            }
            Err(why) => {
                tracing::debug!(%why, "a webhook was not received");
                let said = if why.is_timeout() { "No answer in time." } else { "No connection, or it broke." };
                ticket.tried(began, None, said.to_owned());
            }
        }
        pause = app.state.faults().delivery_retry();
    }
    ticket.end(false);
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn signs_as_documented() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello World!"),
            "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
        );
    }
}
