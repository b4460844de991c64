//! Whether a client that people are to sign in through is one: the authorization server is asked with a code that it never
//! gave, before anything is kept. It answers about the client first, and about the code only where it knows the client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kernel::{Clock, Fault, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::Deployment;
use crate::address::Networks;
use crate::door::{OperatorDoor, Outward, Purpose};
use crate::service::OauthClient;
use crate::sign_in::{DATA_CENTER_TOKEN_AT, TOKEN_AT};

const ASK_TIME: Duration = Duration::from_secs(10);
/// An answer is an error's name and a sentence.
const ANSWER_BYTES: usize = 64 * 1024;
/// A code that nobody was ever given.
const NO_CODE: &str = "steward-asks-whether-this-client-is-known";

/// A look at where people of a site are to sign in, by an operator.
pub struct ClientLook {
    way: OperatorDoor,
    token: Url,
    deployment: Deployment,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

/// What an answer says of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// That it is known by its secret: only the code is wrong.
    Known,
    /// That it is not, or by another secret, or may not sign people in.
    Unknown,
    /// Nothing: nobody is there to sign in at.
    NoProvider,
    /// Nothing, at the moment.
    Unwell,
    /// Something else.
    Neither,
}

fn said(status: u16, error: &str, deployment: Deployment) -> Said {
    match (status, error) {
        (_, "invalid_grant") => Said::Known,
        // Atlassian's own server calls a wrong secret `access_denied`.
        (_, "invalid_client" | "access_denied" | "unauthorized_client") => Said::Unknown,
        (404, _) if deployment == Deployment::DataCenter => Said::NoProvider,
        (429 | 500..=599, _) => Said::Unwell,
        _ => Said::Neither,
    }
}

impl ClientLook {
    /// At a Data Center's base, which is its own authorization server, or at the origin of Atlassian's.
    ///
    /// # Errors
    /// `outward_refused` for an address that no configuration can make right.
    pub fn at(
        deployment: Deployment,
        authority: &Url,
        networks: Networks,
        user_agent: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let path = match deployment {
            Deployment::Cloud => TOKEN_AT,
            Deployment::DataCenter => DATA_CENTER_TOKEN_AT,
        };
        let token = authority.join(path).map_err(|error| Fault::broken("sign_in", error))?;
        let way = OperatorDoor::within(networks, Purpose::Joining, &token, None, user_agent, clock)?;
        Ok(Self { way, token, deployment })
    }

    /// Its way out, whose calls the door writes on the ledger.
    pub fn way(&self) -> OperatorDoor {
        self.way.clone()
    }

    /// Whether the authorization server knows the client by its secret; false where it says neither that nor the opposite.
    /// `callback` is where it sends people back to.
    ///
    /// # Errors
    /// `client_unknown` and `no_provider` (Invalid) with what to do; `sign_in_unavailable` (Busy) while it does not answer.
    pub async fn prove(&self, client: &OauthClient, callback: &Url) -> Result<bool> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", NO_CODE)
            .append_pair("redirect_uri", callback.as_str())
            .append_pair("client_id", &client.id)
            .append_pair("client_secret", &client.secret)
            .finish();
        let mut call = Outward::new(Method::POST, self.token.clone());
        call.time = ASK_TIME;
        call.body_limit = ANSWER_BYTES;
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        call.body = Some(Bytes::from(form));
        let reply = self.way.send(call).await?;
        let Refusal { error } = serde_json::from_slice(&reply.body).unwrap_or_default();
        match said(reply.status.as_u16(), &error, self.deployment) {
            Said::Known => Ok(true),
            Said::Neither => Ok(false),
            Said::Unwell => {
                Err(Fault::busy("sign_in_unavailable", "Jira does not answer at the moment. Nothing was kept.", None))
            }
            Said::NoProvider => Err(Fault::invalid_field(
                "/client",
                "no_provider",
                "This Jira has no OAuth 2.0 provider, at which people would sign in: Jira has one since 8.22. Until it is \
                 upgraded nobody can sign in here, and everything else works. Nothing was kept.",
            )),
            Said::Unknown => Err(Fault::invalid_field("/client", "client_unknown", unknown(self.deployment))),
        }
    }
}

fn unknown(deployment: Deployment) -> &'static str {
    match deployment {
        Deployment::Cloud => {
            "Atlassian does not know this client id, or not by this secret. Copy both from developer.atlassian.com, the \
             OAuth 2.0 integration's Settings. Nothing was kept."
        }
        Deployment::DataCenter => {
            "Jira does not know this client id, or not by this secret. Copy both from Administration, Applications, \
             Application links: the link is an incoming one of an external application, and Edit shows its credentials. \
             Nothing was kept."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_client() {
        #[track_caller]
        fn check(status: u16, error: &str, cloud: Said, data_center: Said) {
            let found = [Deployment::Cloud, Deployment::DataCenter].map(|deployment| said(status, error, deployment));
            assert_eq!(found, [cloud, data_center], "{status} {error}");
        }
        check(403, "invalid_grant", Said::Known, Said::Known);
        check(400, "invalid_grant", Said::Known, Said::Known);
        check(401, "invalid_client", Said::Unknown, Said::Unknown);
        check(401, "access_denied", Said::Unknown, Said::Unknown);
        check(403, "unauthorized_client", Said::Unknown, Said::Unknown);
        check(404, "", Said::Neither, Said::NoProvider);
        for status in [429, 500, 503] {
            check(status, "", Said::Unwell, Said::Unwell);
        }
        // A proxy's page to sign in at, and what nobody documented.
        for (status, error) in [(200, ""), (302, ""), (401, ""), (400, "invalid_request"), (400, "")] {
            check(status, error, Said::Neither, Said::Neither);
        }
    }
}
