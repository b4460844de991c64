//! Agents to whom less was granted than agents usually have: to read and to change nothing, or nothing at all.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Things, attempt, of_its_own, on_sites, operations, things};
use crate::world::{Joined, World};

/// Open to whoever works in Jira, without any permission here: who they are, what changed, what customers may see of definitions.
const OPEN_TO_AGENTS: [&str; 8] = [
    "GET /api/v1/changes",
    "GET /api/v1/me",
    "GET /api/v1/me/organizations",
    "GET /api/v1/me/requests",
    "GET /api/v1/portal",
    "GET /api/v1/fields",
    "GET /api/v1/fields/{id}",
    "GET /api/v1/sections",
];

/// Open to whoever may read besides: what they look at, and views, of which everybody has their own.
const OPEN_TO_READERS: [&str; 33] = [
    "GET /api/v1/products",
    "GET /api/v1/projects",
    "GET /api/v1/projects/{projectId}/request-types",
    "GET /api/v1/projects/{projectId}/request-types/{requestTypeId}",
    "GET /api/v1/users",
    "GET /api/v1/panel",
    "GET /api/v1/search",
    "POST /api/v1/queries/check",
    "GET /api/v1/queries/completions",
    "GET /api/v1/customers",
    "POST /api/v1/customers/export",
    "POST /api/v1/customers/values:read",
    "GET /api/v1/customers/{accountId}",
    "GET /api/v1/customers/{accountId}/entitlements",
    "GET /api/v1/customers/{accountId}/history",
    "GET /api/v1/customers/{accountId}/merges",
    "GET /api/v1/customers/{accountId}/values",
    "GET /api/v1/organizations",
    "POST /api/v1/organizations/export",
    "POST /api/v1/organizations/values:read",
    "GET /api/v1/organizations/{organizationId}",
    "GET /api/v1/organizations/{organizationId}/entitlements",
    "GET /api/v1/organizations/{organizationId}/entitlement-history",
    "GET /api/v1/organizations/{organizationId}/history",
    "GET /api/v1/organizations/{organizationId}/values",
    "GET /api/v1/views",
    "POST /api/v1/views",
    "GET /api/v1/views/{viewId}",
    "PUT /api/v1/views/{viewId}",
    "DELETE /api/v1/views/{viewId}",
    "POST /api/v1/views/{viewId}/restore",
    "PUT /api/v1/views/{viewId}/default",
    "DELETE /api/v1/views/{viewId}/default",
];

/// About the caller's own session, whoever they are: each begins, names or ends one, or says that there is none.
const OF_SESSIONS: [&str; 3] = ["POST /api/v1/session", "GET /api/v1/session", "DELETE /api/v1/session"];

/// Where Jira says who may, and the agent is perhaps none of that project's.
const JIRA_SAYS: [&str; 2] = [
    "GET /api/v1/projects/{projectId}/request-types",
    "GET /api/v1/projects/{projectId}/request-types/{requestTypeId}",
];

on_sites!(
    forge Forge: whoever_may_only_read_changes_nothing, an_agent_without_a_permission_gets_nothing_of_customers;
    connect Connect: whoever_may_only_read_changes_nothing, an_agent_without_a_permission_gets_nothing_of_customers;
    cloud_by_token CloudToken: whoever_may_only_read_changes_nothing, an_agent_without_a_permission_gets_nothing_of_customers;
    data_center DataCenter: whoever_may_only_read_changes_nothing, an_agent_without_a_permission_gets_nothing_of_customers;
);

/// What Jira has, counted: whatever was changed there would count more or less.
fn counted(world: &World) -> (usize, usize) {
    let state = world.jira.state();
    let store = state.read();
    (store.accounts.len(), store.issues.len())
}

/// Grants reading to agents, or nothing, and nothing else to them.
async fn grants(world: &World, browse: bool) {
    let browse = if browse { json!([{"kind": "agents"}]) } else { json!([]) };
    let wanted = json!({"browse": browse, "edit": [], "configure": []});
    world.admin().put("/api/v1/settings/permissions", "\"v0\"", wanted).await.expect(200);
}

/// Tries everything as an agent. These operations are open, all others are closed by one of these answers. Unless it `tells`, no answer holds anything of
/// customers.
async fn tries(world: &World, joined: Joined, things: &Things, open: &[&str], closed: &[u16], tells: bool) {
    let agent = world.agent();
    let mut open: BTreeSet<&str> = open.iter().copied().collect();
    for (method, path) in operations(world) {
        let name = format!("{method} {path}");
        let answer = attempt(&agent, &method, &path, things).await;
        assert!(tells || !answer.text.contains("anary"), "{name}: {}", answer.text);
        let is_open = open.remove(name.as_str());
        if let Some(status) = of_its_own(joined, &name) {
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
        } else if OF_SESSIONS.contains(&name.as_str()) {
            assert!(answer.status < 500, "{name}: {}", answer.text);
        } else if is_open {
            let refused = [401, 403].contains(&answer.status) && !JIRA_SAYS.contains(&name.as_str());
            assert!(!refused && answer.status < 500, "{name}: {} {}", answer.status, answer.text);
        } else {
            assert!(closed.contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
    assert!(open.is_empty(), "no operations any more: {open:?}");
}

async fn whoever_may_only_read_changes_nothing(world: &World, joined: Joined) {
    let things = things(world).await;
    let before = counted(world);
    grants(world, true).await;
    let me = world.agent().get("/api/v1/me").await.expect(200).body;
    assert_eq!((&me["role"], &me["permissions"]), (&json!("agent"), &json!(["browse"])));
    let open = [OPEN_TO_AGENTS.as_slice(), OPEN_TO_READERS.as_slice()].concat();
    tries(world, joined, &things, &open, &[403], true).await;
    assert_eq!(counted(world), before);
    let path = format!("/api/v1/customers/{}", things.account);
    let values = world.agent().get(&format!("{path}/values")).await.expect(200).body;
    assert_eq!(values["values"][0]["value"], "canary value of the first tenant");
    let history = world.agent().get(&format!("{path}/history")).await.expect(200).body;
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
}

async fn an_agent_without_a_permission_gets_nothing_of_customers(world: &World, joined: Joined) {
    let things = things(world).await;
    let before = counted(world);
    grants(world, false).await;
    let me = world.agent().get("/api/v1/me").await.expect(200).body;
    assert_eq!((&me["role"], &me["permissions"]), (&json!("agent"), &json!([])));
    tries(world, joined, &things, &OPEN_TO_AGENTS, &[403, 404], false).await;
    assert_eq!(counted(world), before);
    let path = format!("/api/v1/customers/{}/history", things.account);
    let history = world.admin().get(&path).await.expect(200).body;
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
}
