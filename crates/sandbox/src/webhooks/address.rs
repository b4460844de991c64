//! Where a delivery goes: an address that asks for ids has those of its event, and some are told who did it.

use url::Url;

use super::Registration;
use crate::{App, events::Event};

/// How a place for an id is written. Data Center took the sign away with version 10.
#[derive(Clone, Copy)]
enum Places {
    /// `${issue.id}`.
    Signed,
    /// `{issue.id}`.
    Bare,
}

impl Places {
    fn of(app: &App) -> Self {
        match app.config.deployment.data_center() {
            Some(server) if server.version.major >= 10 => Self::Bare,
            _ => Self::Signed,
        }
    }

    fn place(self, name: &str) -> String {
        match self {
            Self::Signed => format!("${{{name}}}"),
            Self::Bare => format!("{{{name}}}"),
        }
    }
}

/// Where to. A Data Center until version 9 says also who did it, and so does what a Connect app declared; both are part of what
/// is signed there.
pub(super) fn address(app: &App, hook: &Registration, event: &Event) -> String {
    let mut url = filled(app, hook, event);
    let store = app.state.read();
    let Some(by) = event.actor.account_id.as_deref().and_then(|id| store.account(id)) else { return url };
    let told = match app.config.deployment.data_center() {
        Some(server) if server.version.major < 10 => vec![("user_id", &by.username), ("user_key", &by.user_key)],
        None if hook.connect_app.is_some() => vec![("user_id", &by.account_id)],
        _ => return url,
    };
    if let Ok(mut whole) = Url::parse(&url) {
        whole.query_pairs_mut().extend_pairs(told);
        url = whole.into();
    }
    url
}

fn filled(app: &App, hook: &Registration, event: &Event) -> String {
    let mut url = hook.url.clone();
    let Some(issue) = event.kind.issue() else { return url };
    let project = app.state.read().projects.get(&issue.project_id).map(|project| project.key.clone());
    for (name, value) in [
        ("issue.id", issue.id.to_string()),
        ("issue.key", issue.key.clone()),
        ("project.id", issue.project_id.clone()),
        ("project.key", project.unwrap_or_default()),
    ] {
        url = url.replace(&Places::of(app).place(name), &value);
    }
    url
}
