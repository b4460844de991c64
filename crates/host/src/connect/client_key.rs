//! Which site of Connect's a Forge installation goes on from, where Connect told nobody how Forge names it: Jira keeps the site's `clientKey` as a property
//! of the app, until Connect ends.
//!
//! The address is what a proven token says, so that the answer is of that very site, whatever token it is asked with. Start at [`ClientKeys::of`].

use std::time::Duration;

use kernel::{Fault, Result, TenantId};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::token::CLIENT_KEY_BYTES;
use crate::client::authorize::{header, no_access};
use crate::door::{Door, Outward, Purpose, Reply};
use crate::fault::{paced, unexpected};
use crate::forge::token::Invocation;
use crate::tokens::Presented;

/// The property that Atlassian reserved for it.
const PROPERTY: &str = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8";
/// For one question: Forge waits five seconds for the answer to an event, and there may be two.
const TIME: Duration = Duration::from_secs(2);
const ANSWER_BYTES: usize = 64 * 1024;

/// Asks Jira for it, as the app.
pub(crate) struct ClientKeys {
    /// The Connect app's key, which the Forge app's manifest has too.
    pub(crate) app: String,
    pub(crate) door: Door,
}

#[derive(Deserialize)]
struct Property {
    value: String,
}

impl ClientKeys {
    /// The `clientKey` of the site; none if the app carries no Connect app on, or the site never had it.
    ///
    /// # Errors
    /// `Busy` while Jira does not say, `jira_access_missing` without a token that it takes.
    pub(crate) async fn of(&self, invocation: &Invocation, system: Option<&Presented>) -> Result<Option<String>> {
        let system = system.ok_or_else(no_access)?;
        let base = &invocation.api_base;
        let path = ["rest", "atlassian-connect", "1", "addons", self.app.as_str(), "properties", PROPERTY];
        let reply = self.ask(below(base, &path)?, system).await?;
        match reply.status.as_u16() {
            200 => {
                let read = serde_json::from_slice::<Property>(&reply.body);
                let value = read.map_err(|_| unexpected("an app's property of another shape than documented"))?.value;
                let is_one =
                    (1..=CLIENT_KEY_BYTES).contains(&value.len()) && value.chars().all(|c| c.is_ascii_graphic());
                if is_one { Ok(Some(value)) } else { Err(unexpected("a site's key that is none")) }
            }
            404 => Ok(None),
            // Right after an installation Jira takes no token of the app's at all. One that opens something else is refused this for good: the app is
            // another one.
            401 | 403 => {
                match self.ask(below(base, &["rest", "api", "3", "serverInfo"])?, system).await?.status.as_u16() {
                    200 => Ok(None),
                    401 | 403 => Err(no_access()),
                    status => Err(unanswered(status)),
                }
            }
            status => Err(unanswered(status)),
        }
    }

    async fn ask(&self, url: Url, system: &Presented) -> Result<Reply> {
        let mut call = Outward::new(Method::GET, url);
        call.time = TIME;
        call.body_limit = ANSWER_BYTES;
        call.authorization = Some(header(system.text())?);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.door.send(TenantId::SERVER, Purpose::ClientKey, call).await
    }
}

fn below(base: &Url, path: &[&str]) -> Result<Url> {
    let mut url = base.clone();
    url.path_segments_mut().map_err(|()| unexpected("an API base that has no paths"))?.pop_if_empty().extend(path);
    Ok(url)
}

fn unanswered(status: u16) -> Fault {
    match status {
        429 => paced(Duration::from_secs(60)),
        500.. => Fault::busy(
            "jira_unavailable",
            "Jira has a problem at the moment. Try again.",
            Some(Duration::from_secs(10)),
        ),
        _ => unexpected("a status that is not documented"),
    }
}
