//! The same site as a Jira Data Center with service management: version 2 alone, people by name and key, personal access
//! tokens, its own webhooks and its own OAuth 2.0 provider.
//!
//! One state and one set of handlers: what Data Center has as Cloud has it is answered by Cloud's handlers and turned, in
//! and out ([`turn`]); what it has otherwise is answered here. Everything passes one door first ([`door`]): it knows the
//! caller, the operations of the version, and the limits. What Data Center does not have, it does not have here either.

pub(crate) mod config;
mod door;
mod files;
mod hooks;
mod limits;
mod oauth;
mod operations;
mod people;
mod person;
mod search;
mod site;
mod tokens;
mod turn;

use axum::{Router, middleware};
use serde_json::Value;

use crate::{
    App,
    state::{Seed, model::AccountType},
};

pub use config::{DataCenter, Deployment, RateLimit, Version};
pub(crate) use door::AtDoor;
pub(crate) use limits::Limits;

/// Of so many customers of a generated company one has left.
const LEFT: usize = 12;

/// Puts the door in front of the site. What is answered here stands before the site's own routes.
pub(crate) fn wrap(site: Router, app: &App) -> Router {
    let own = Router::new()
        .merge(site::routes())
        .merge(people::routes())
        .merge(search::routes())
        .merge(tokens::routes())
        .merge(hooks::routes())
        .merge(oauth::routes())
        .merge(files::routes())
        .with_state(app.clone());
    let inner = own.fallback_service(site);
    Router::new().fallback_service(inner).layer(middleware::from_fn_with_state(app.clone(), door::door))
}

/// An event as a Data Center tells it.
pub(crate) fn told(app: &App, event: &mut Value) {
    let store = app.state.read();
    let out = turn::Out { store: &store, site: app.state.site_url(), addresses: true, api: person::Api::Platform };
    out.turn(event);
}

/// A generated company with the years on it: some have left.
pub(crate) fn age(seed: &mut Seed) {
    let holds = |id: &str| {
        seed.projects
            .iter()
            .flat_map(|project| project.roles.values().flatten())
            .any(|actor| matches!(actor, crate::state::model::RoleActor::User(user) if user == id))
    };
    let colleague = |kind: AccountType| kind == AccountType::Atlassian;
    let idle = seed.accounts.iter().rposition(|account| colleague(account.account_type) && !holds(&account.account_id));
    if let Some(account) = idle.and_then(|at| seed.accounts.get_mut(at)) {
        account.active = false;
    }
    let customers = seed.accounts.iter_mut().filter(|account| account.account_type == AccountType::Customer);
    for account in customers.skip(LEFT - 1).step_by(LEFT) {
        account.active = false;
    }
}
