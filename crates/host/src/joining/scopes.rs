//! Whether a token that has scopes has those that are needed. The gateway says that one is missing, and not which: so each is
//! asked for what it alone opens, by questions that change nothing whatever is answered.

use kernel::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::look::{Finding, Look, Probe, is_one};
use crate::service::Login;

/// A scope, and what it alone opens.
struct Scope {
    probe: Probe,
    method: Method,
    path: &'static str,
    body: Option<Value>,
}

impl Scope {
    fn new(
        code: &'static str,
        what: &'static str,
        needed_for: &'static str,
        method: Method,
        path: &'static str,
    ) -> Self {
        let mend = "Make another token and choose this scope, too: none can be added to a token that is there.";
        let probe = Probe { code, what, needed_for, finding: Finding::Unknown, mend, blocks: true };
        Self { probe, method, path, body: None }
    }
}

fn needed() -> [Scope; 6] {
    let new = Scope::new;
    [
        new("read_jira_user", "Scope read:jira-user", "names and groups of people", Method::GET, "rest/api/3/myself"),
        new(
            "read_jira_work",
            "Scope read:jira-work",
            "projects, issues, what a person may",
            Method::GET,
            "rest/api/3/project/search?maxResults=1",
        ),
        new(
            "write_jira_work",
            "Scope write:jira-work",
            "values on issues",
            Method::DELETE,
            "rest/api/3/issue/0/properties/stewardCustomers",
        ),
        new(
            "read_servicedesk_request",
            "Scope read:servicedesk-request",
            "service projects and their requests",
            Method::GET,
            "rest/servicedeskapi/servicedesk?limit=1",
        ),
        Scope {
            // Nobody is taken off a request that is not there.
            body: Some(json!({"accountIds": []})),
            ..new(
                "write_servicedesk_request",
                "Scope write:servicedesk-request",
                "raising a request for a customer",
                Method::DELETE,
                "rest/servicedeskapi/request/0/participant",
            )
        },
        new(
            "manage_servicedesk_customer",
            "Scope manage:servicedesk-customer",
            "customers and organizations",
            Method::GET,
            "rest/servicedeskapi/organization?limit=1",
        ),
    ]
}

impl Look {
    /// Which of them a token at the gateway has.
    pub(super) async fn scopes(&self, login: &Login) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        for Scope { probe, method, path, body } in needed() {
            let answer = self.ask(method, path, Some(login), body).await?;
            probes.push(Probe { finding: is_one(!answer.lacks_scope()), ..probe });
        }
        Ok(probes)
    }
}
