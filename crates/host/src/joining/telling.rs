//! What Jira is asked to tell, and where: what became of accounts, and which issue something became of, named in the address and
//! without a body, since that would bring customers' words.
//!
//! Asked for, looked for and taken away alike on Cloud and by either resource of a Data Center. It must never leave a webhook
//! standing that sends issues with their bodies. Start at [`Look::register_hooks`].

use futures::FutureExt;
use kernel::Result;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::Deployment;
use super::look::Look;
use crate::events::NAMES_ISSUE;
use crate::fault::unexpected;
use crate::hooks::{ACCOUNT_EVENTS, ISSUE_EVENTS, address_issues, address_signed, address_unsigned};
use crate::service::Login;

/// Of which issues: those of service projects, where Jira knows projects by their type, else all.
const FILTERS: [&str; 2] = ["projectType = service_desk", ""];
/// What a filter of issues is kept by.
const FILTERED: &str = "issue-related-events-section";

/// Where Jira is to send its webhooks, and with what it signs.
#[derive(Clone, Copy)]
pub struct Hook<'a> {
    /// The address; what is given to Jira may have a secret end.
    pub url: &'a Url,
    /// The secret.
    pub secret: &'a str,
}

/// What an administrator pastes into Jira's own page of webhooks.
pub struct HookAddress {
    /// The address.
    pub url: Url,
    /// The secret; none where this Jira knows none.
    pub secret: Option<String>,
    /// Which events.
    pub events: &'static [&'static str],
    /// Of which issues; empty where it is about none.
    pub filter: &'static str,
    /// Whether the body is to be excluded.
    pub without_body: bool,
}

/// Which of our webhooks stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// Changed and closed accounts. Without it a changed name arrives a day later.
    pub accounts: bool,
    /// Issues that something became of. Without it they are looked for every few minutes.
    pub issues: bool,
}

/// One of our webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Accounts,
    Issues,
}

impl What {
    const ALL: [Self; 2] = [Self::Accounts, Self::Issues];

    /// How it is called among an administrator's.
    fn name(self) -> &'static str {
        match self {
            Self::Accounts => "Steward",
            Self::Issues => "Steward: requests",
        }
    }

    fn events(self) -> &'static [&'static str] {
        match self {
            Self::Accounts => &ACCOUNT_EVENTS,
            Self::Issues => &ISSUE_EVENTS,
        }
    }

    /// The filters that are tried, one after the other.
    fn filters(self) -> &'static [&'static str] {
        match self {
            Self::Accounts => &[""],
            Self::Issues => &FILTERS,
        }
    }

    fn without_body(self) -> bool {
        self == Self::Issues
    }
}

/// Where webhooks are registered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Cloud,
    /// Jira 10 and later.
    Signing,
    /// Until Jira 9: nothing is signed.
    Unsigned,
}

impl Resource {
    fn path(self) -> &'static str {
        match self {
            Self::Cloud | Self::Unsigned => "rest/webhooks/1.0/webhook",
            Self::Signing => "rest/jira-webhook/1.0/webhooks",
        }
    }

    /// Those whose addresses may stand here: a Data Center that is upgraded keeps what it was given.
    fn alike(self) -> &'static [Self] {
        match self {
            Self::Cloud => &[Self::Cloud],
            Self::Signing | Self::Unsigned => &[Self::Signing, Self::Unsigned],
        }
    }

    /// The address that it is given.
    fn url(self, hook: Hook<'_>, what: What) -> Option<Url> {
        let end = match (what, self) {
            (What::Issues, _) => Some(address_issues(hook.secret)),
            (What::Accounts, Self::Cloud) => None,
            (What::Accounts, Self::Signing) => Some(address_signed(hook.secret)),
            (What::Accounts, Self::Unsigned) => Some(address_unsigned(hook.secret)),
        };
        let mut url = hook.url.clone();
        if let Some(end) = end {
            url.path_segments_mut().ok()?.pop_if_empty().push(&end);
        }
        if what == What::Issues {
            let place = if self == Self::Signing { "{issue.id}" } else { "${issue.id}" };
            url.set_query(Some(&format!("{NAMES_ISSUE}={place}")));
        }
        Some(url)
    }

    fn secret(self, hook: Hook<'_>) -> Option<String> {
        (self != Self::Unsigned).then(|| hook.secret.to_owned())
    }

    fn registration(self, hook: Hook<'_>, url: &Url, what: What, filter: &str) -> Value {
        let (name, events, without_body) = (what.name(), what.events(), what.without_body());
        let filters = if filter.is_empty() { json!({}) } else { json!({FILTERED: filter}) };
        match self {
            Self::Cloud => json!({
                "name": name, "url": url, "events": events, "secret": hook.secret, "enabled": true,
                "excludeBody": without_body, "filters": filters,
            }),
            Self::Unsigned => json!({
                "name": name, "url": url, "events": events, "enabled": true, "excludeBody": without_body,
                "filters": filters,
            }),
            Self::Signing => json!({
                "name": name, "url": url, "events": events, "active": true, "scopeType": "global",
                // A secret in any other place is passed over in silence; filters are JSON within a text.
                "configuration": {
                    "SECRET": hook.secret, "EXCLUDE_BODY": without_body.to_string(), "FILTERS": filters.to_string(),
                },
            }),
        }
    }
}

/// A webhook of ours, as Jira has it.
struct Standing {
    what: What,
    path: String,
    without_body: bool,
}

fn id_of(listed: &Value) -> Option<String> {
    let id = match listed.get("id") {
        Some(Value::Number(id)) => id.to_string(),
        Some(Value::String(id)) => id.clone(),
        _ => listed.get("self").and_then(Value::as_str)?.rsplit('/').next()?.to_owned(),
    };
    (!id.is_empty() && id.chars().all(|sign| sign.is_ascii_digit())).then_some(id)
}

/// Whether Jira says that it leaves the body out: one that knows no such thing says nothing.
fn leaves_body_out(listed: &Value) -> bool {
    let said = listed.get("excludeBody").or_else(|| listed.pointer("/configuration/EXCLUDE_BODY"));
    said.is_some_and(|said| said == &Value::Bool(true) || said == "true")
}

impl Look {
    /// Asks Jira to tell what it does not tell yet. What it then tells: an account that may not ask is no error, its
    /// administrator can; nor is a Jira that would send bodies of issues, which is not asked for them.
    pub async fn register_hooks(&self, login: &Login, hook: Hook<'_>) -> Result<Telling> {
        let at = self.hooks_at(login).await?;
        let mut stand = [false; What::ALL.len()];
        for (stands, what) in stand.iter_mut().zip(What::ALL) {
            *stands =
                self.keeps(login, at, hook, what).boxed().await? || self.makes(login, at, hook, what).boxed().await?;
        }
        let [accounts, issues] = stand;
        Ok(Telling { accounts, issues })
    }

    /// Which of our webhooks Jira has; none where it does not let the account look, as no token that has scopes.
    pub async fn has_hooks(&self, login: &Login, hook: Hook<'_>) -> Result<Option<Telling>> {
        let at = self.hooks_at(login).await?;
        let Some(standing) = self.standing(login, at, hook).boxed().await? else { return Ok(None) };
        let is_there =
            |what: What| standing.iter().any(|one| one.what == what && one.without_body == what.without_body());
        Ok(Some(Telling { accounts: is_there(What::Accounts), issues: is_there(What::Issues) }))
    }

    /// Takes our webhooks away; how many there were.
    pub async fn drop_hooks(&self, login: &Login, hook: Hook<'_>) -> Result<usize> {
        let at = self.hooks_at(login).await?;
        let standing = self.standing(login, at, hook).boxed().await?.unwrap_or_default();
        for one in &standing {
            self.drop_hook(login, one).await?;
        }
        Ok(standing.len())
    }

    /// What an administrator pastes where the account may not register webhooks itself: those that do not stand.
    pub async fn hooks_by_hand(&self, login: &Login, hook: Hook<'_>, telling: Telling) -> Result<Vec<HookAddress>> {
        if telling.accounts && telling.issues {
            return Ok(Vec::new());
        }
        let at = self.hooks_at(login).await?;
        let missing = What::ALL.into_iter().zip([telling.accounts, telling.issues]).filter(|(_, stands)| !stands);
        let by_hand = missing.map(|(what, _)| -> Result<HookAddress> {
            let url = at.url(hook, what).ok_or_else(|| unexpected("an address that has no paths"))?;
            Ok(HookAddress {
                url,
                secret: at.secret(hook),
                events: what.events(),
                filter: what.filters().first().copied().unwrap_or_default(),
                without_body: what.without_body(),
            })
        });
        by_hand.collect()
    }

    /// Which resource this one has: asked of a Data Center, since a version that is told can be a proxy's or an early one's.
    async fn hooks_at(&self, login: &Login) -> Result<Resource> {
        if self.recognised()? == Deployment::Cloud {
            return Ok(Resource::Cloud);
        }
        let asked = self.ask(Method::GET, Resource::Signing.path(), Some(login), None).await?;
        Ok(if asked.is_not_there() { Resource::Unsigned } else { Resource::Signing })
    }

    async fn standing(&self, login: &Login, at: Resource, hook: Hook<'_>) -> Result<Option<Vec<Standing>>> {
        let addresses = |what: What| at.alike().iter().filter_map(move |one| Some((what, one.url(hook, what)?)));
        let ours: Vec<(What, Url)> = What::ALL.into_iter().flat_map(addresses).collect();
        let all: Option<Vec<Value>> = self.get(at.path(), Some(login)).await?;
        let of_ours = |listed: &Value| {
            let url = listed.get("url").and_then(Value::as_str)?;
            let (what, _) = ours.iter().find(|(_, address)| address.as_str() == url)?;
            let path = format!("{}/{}", at.path(), id_of(listed)?);
            Some(Standing { what: *what, path, without_body: leaves_body_out(listed) })
        };
        Ok(all.map(|all| all.iter().filter_map(of_ours).collect()))
    }

    /// Whether one stands as it is asked for. One that stands otherwise is taken away.
    async fn keeps(&self, login: &Login, at: Resource, hook: Hook<'_>, what: What) -> Result<bool> {
        let mut kept = false;
        let standing = self.standing(login, at, hook).await?.unwrap_or_default();
        for one in standing.iter().filter(|one| one.what == what) {
            if one.without_body == what.without_body() {
                kept = true;
            } else {
                self.drop_hook(login, one).await?;
            }
        }
        Ok(kept)
    }

    async fn makes(&self, login: &Login, at: Resource, hook: Hook<'_>, what: What) -> Result<bool> {
        let Some(url) = at.url(hook, what) else { return Ok(false) };
        for filter in what.filters() {
            let ask = at.registration(hook, &url, what, filter);
            if self.ask(Method::POST, at.path(), Some(login), Some(ask)).await?.is_success() {
                return self.keeps(login, at, hook, what).await;
            }
        }
        Ok(false)
    }

    async fn drop_hook(&self, login: &Login, one: &Standing) -> Result<()> {
        self.ask(Method::DELETE, &one.path, Some(login), None).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ids_of_webhooks() {
        #[track_caller]
        fn check(listed: Value, id: Option<&str>) {
            assert_eq!(id_of(&listed).as_deref(), id, "{listed}");
        }
        check(json!({"id": 7}), Some("7"));
        check(json!({"id": "8"}), Some("8"));
        check(json!({"self": "https://jira.acme.example/rest/webhooks/1.0/webhook/12"}), Some("12"));
        check(json!({"self": "https://jira.acme.example/rest/webhooks/1.0/webhook/12x"}), None);
        check(json!({"id": "../9"}), None);
        check(json!({}), None);
    }

    #[test]
    fn a_body_is_left_out_where_jira_says_so() {
        for left_out in [
            json!({"excludeBody": true}),
            json!({"configuration": {"EXCLUDE_BODY": "true"}}),
            json!({"configuration": {"EXCLUDE_BODY": true}}),
        ] {
            assert!(leaves_body_out(&left_out), "{left_out}");
        }
        for sent in [
            json!({}),
            json!({"excludeBody": false}),
            json!({"configuration": {}}),
            json!({"configuration": {"EXCLUDE_BODY": "false"}}),
        ] {
            assert!(!leaves_body_out(&sent), "{sent}");
        }
    }

    #[test]
    fn addresses_have_an_end_that_nobody_guesses() {
        let url = Url::parse("https://steward.acme.example/hooks/0").unwrap();
        let hook = Hook { url: &url, secret: "s" };
        let at = |resource: Resource, what: What| resource.url(hook, what).unwrap();
        let end = |at: &Url| at.path_segments().unwrap().next_back().unwrap().to_owned();
        let (new, old) = (at(Resource::Signing, What::Accounts), at(Resource::Unsigned, What::Accounts));
        // 32 bytes in base64.
        assert!(old != new && end(&old).len() == 43 && end(&new).len() == 43);
        assert_eq!(at(Resource::Cloud, What::Accounts), url, "its signature proves it");
        // Whoever knows the address of one kind knows none of the other.
        let issues = at(Resource::Cloud, What::Issues);
        assert!(end(&issues).len() == 43 && ![end(&old), end(&new)].contains(&end(&issues)));
        assert_eq!(issues.query(), Some("issue=${issue.id}"));
        assert_eq!(at(Resource::Unsigned, What::Issues), issues);
        assert_eq!(at(Resource::Signing, What::Issues).query(), Some("issue={issue.id}"));
    }
}
