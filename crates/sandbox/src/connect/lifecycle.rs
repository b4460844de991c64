//! Installing an app from its descriptor, giving it a new secret, switching it off, uninstalling it.
//!
//! Start reading at [`Host::install`].

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Descriptor, DescriptorError, Host, Installation, Site, token};
use crate::events::Actor;
use crate::forge;
use crate::state::model::{Account, AccountType};
use crate::webhooks::Registration;

/// How long an app may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest descriptor, in bytes.
const DESCRIPTOR_BYTES: usize = 1024 * 1024;
/// Bytes of a shared secret before they are written as text.
const SECRET_BYTES: usize = 48;
/// Lifetime of the token of a lifecycle call, in seconds.
const LIFETIME_S: i64 = 180;

/// Why an app was not installed.
#[derive(Debug)]
pub enum InstallError {
    /// Its descriptor could not be read.
    Unreachable(String),
    /// Its descriptor is not one.
    Descriptor(DescriptorError),
    /// It is not installed.
    NotInstalled(String),
    /// It did not take the call; with what it answered.
    Refused(&'static str, Option<u16>),
    /// The host failed.
    Host(String),
}

impl std::fmt::Display for InstallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the descriptor could not be read: {why}"),
            Self::Descriptor(error) => error.fmt(f),
            Self::NotInstalled(key) => write!(f, "{key} is not installed"),
            Self::Refused(event, Some(status)) => write!(f, "the app answered “{event}” with {status}"),
            Self::Refused(event, None) => write!(f, "the app did not answer “{event}”"),
            Self::Host(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for InstallError {}

/// A secret that nobody knows yet.
fn secret() -> Result<String, InstallError> {
    let mut bytes = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| InstallError::Host("no randomness".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl Host {
    /// Installs the app whose descriptor is at `url`; once more, if it is installed, with its descriptor as it is now and a new
    /// secret. `installation_id` is how Forge names the installation, where the app is on its way there.
    ///
    /// # Errors
    /// [`InstallError`]: nothing is installed then, and an app that was keeps its secret.
    pub async fn install(&self, url: &str, installation_id: Option<&str>) -> Result<Arc<Installation>, InstallError> {
        let site = self.site().map_err(InstallError::Host)?;
        let descriptor = read(site, url).await?;
        self.take(site, descriptor, installation_id).await
    }

    /// Installs what a Forge app carries on of a Connect app, in that app's place where it is there already: with a new secret, and told how
    /// Forge names the installation. Nothing, for an app that carries none on.
    ///
    /// # Errors
    /// As [`Host::install`].
    pub(crate) async fn carry(&self, app: &forge::Installation) -> Result<(), InstallError> {
        let Some(descriptor) = Descriptor::carried(app) else { return Ok(()) };
        let site = self.site().map_err(InstallError::Host)?;
        self.take(site, descriptor, Some(&app.installation_id())).await.map(drop)
    }

    async fn take(
        &self,
        site: &Site,
        descriptor: Descriptor,
        installation_id: Option<&str>,
    ) -> Result<Arc<Installation>, InstallError> {
        let before = self.installation(&descriptor.key);
        let account_id = match &before {
            Some(before) => before.account_id.clone(),
            None => {
                let account_id = format!("712020:{}", site.state.random_uuid());
                let account = Account::new(&account_id, AccountType::App, &descriptor.name, "");
                site.state.add_account(&Actor::default(), account);
                account_id
            }
        };
        let client_key = {
            let mut keys = self.client_keys.write().unwrap_or_else(PoisonError::into_inner);
            keys.entry(descriptor.key.clone()).or_insert_with(|| site.state.random_uuid().to_string()).clone()
        };
        let oauth_client = before
            .as_ref()
            .map_or_else(|| URL_SAFE_NO_PAD.encode(site.state.random_uuid()), |b| b.oauth_client.clone());
        let mut secrets = vec![secret()?];
        secrets.extend(before.as_ref().map(|before| before.secret().to_owned()));
        let new = Installation { descriptor, account_id, client_key, oauth_client, enabled: true, secrets };
        let mut body = about(site, &new, "installed");
        if let Some(object) = body.as_object_mut() {
            object.insert("sharedSecret".to_owned(), json!(new.secret()));
            object.insert("oauthClientId".to_owned(), json!(new.oauth_client));
            if let Some(id) = installation_id {
                object.insert("installationId".to_owned(), json!(id));
            }
        }
        // While the app is told of the new secret it calls with the old one, or with the new.
        let new = self.put(new);
        let told = self.tell_signed(&new, "installed", &body).await;
        let accepted = matches!(told, Ok(StatusCode::OK | StatusCode::NO_CONTENT));
        if !accepted {
            self.take_back(site, &new, before);
            return Err(InstallError::Refused("installed", told.ok().map(|status| status.as_u16())));
        }
        self.declare_hooks(site, &new);
        site.state.declare_properties(&new.descriptor.key, new.descriptor.properties.clone());
        let secrets = vec![new.secret().to_owned()];
        let new = self.put(Installation { secrets, ..copy(&new) });
        self.tell(&new, "enabled").await;
        Ok(new)
    }

    /// What was before an install that failed.
    fn take_back(&self, site: &Site, new: &Installation, before: Option<Arc<Installation>>) {
        let mut installed = self.installed.write().unwrap_or_else(PoisonError::into_inner);
        match before {
            Some(before) => {
                installed.insert(before.descriptor.key.clone(), before);
            }
            None => {
                installed.shift_remove(&new.descriptor.key);
                // An account that nobody has is nobody's: it was made a moment ago.
                let _ = site.state.edit_account(&Actor::default(), &new.account_id, |account| account.active = false);
            }
        }
    }

    /// Switches an app off: it is told while it still is one, then its pages, webhooks and calls end.
    ///
    /// # Errors
    /// [`InstallError::NotInstalled`].
    pub async fn disable(&self, key: &str) -> Result<(), InstallError> {
        let app = self.installation(key).ok_or_else(|| InstallError::NotInstalled(key.to_owned()))?;
        self.tell(&app, "disabled").await;
        self.put(Installation { enabled: false, ..copy(&app) });
        Ok(())
    }

    /// Uninstalls an app, whatever it answers.
    ///
    /// # Errors
    /// [`InstallError::NotInstalled`].
    pub async fn uninstall(&self, key: &str) -> Result<(), InstallError> {
        let app = self.installation(key).ok_or_else(|| InstallError::NotInstalled(key.to_owned()))?;
        let site = self.site().map_err(InstallError::Host)?;
        let body = about(site, &app, "uninstalled");
        if self.tell_signed(&app, "uninstalled", &body).await.is_err() {
            tracing::info!(app = key, "an app did not answer when it was uninstalled");
        }
        self.installed.write().unwrap_or_else(PoisonError::into_inner).shift_remove(key);
        {
            let mut store = site.state.write();
            store.webhooks.retain(|_, hook| hook.connect_app.as_deref() != Some(key));
            store.app_properties.remove(key);
        }
        site.state.revoke_app_tokens(key);
        site.state.declare_properties(key, Vec::new());
        let gone = site.state.edit_account(&Actor::default(), &app.account_id, |account| account.active = false);
        gone.map_err(|_| InstallError::Host("the app's account is missing".to_owned()))
    }

    fn declare_hooks(&self, site: &Site, app: &Installation) {
        let now = site.state.now();
        let key = &app.descriptor.key;
        let mut store = site.state.write();
        store.webhooks.retain(|_, hook| hook.connect_app.as_ref() != Some(key));
        for hook in &app.descriptor.hooks {
            let id = store.next_id();
            let registration = Registration {
                id,
                name: String::new(),
                url: app.descriptor.address(&hook.url),
                events: vec![hook.event.clone()],
                jql: hook.filter.clone(),
                secret: None,
                enabled: true,
                exclude_body: hook.exclude_body,
                app_id: Some(key.clone()),
                connect_app: Some(key.clone()),
                expires_at: None,
                field_ids: Vec::new(),
                property_keys: hook.property_keys.clone(),
                updated_at: now,
                updated_by: app.account_id.clone(),
            };
            store.webhooks.insert(id, registration);
        }
    }

    /// Tells an app by a call that is signed with the host's own key.
    async fn tell_signed(&self, app: &Installation, event: &str, body: &Value) -> Result<StatusCode, String> {
        let site = self.site()?;
        let path = app.descriptor.lifecycle.get(event).ok_or("the app does not want to know")?;
        let url = app.descriptor.address(path);
        let (path, query) = app.descriptor.below(&url).ok_or("an address beside the app")?;
        let now = site.state.now().as_second();
        let claims = json!({
            "iss": app.client_key, "aud": [app.descriptor.base_url], "iat": now, "exp": now + LIFETIME_S,
            "qsh": token::hash("POST", &path, &query),
        });
        let signed = self.key.sign(&claims)?;
        post(site, &url, &format!("JWT {signed}"), body).await
    }

    /// Tells an app by a call that is signed with what both share; nobody waits for its answer's meaning.
    async fn tell(&self, app: &Installation, event: &str) {
        let (Ok(site), Some(path)) = (self.site(), app.descriptor.lifecycle.get(event)) else { return };
        let url = app.descriptor.address(path);
        let Some(signature) = self.signature(&app.descriptor.key, "POST", &url) else { return };
        if let Err(why) = post(site, &url, &signature, &about(site, app, event)).await {
            tracing::info!(why, event, "an app did not answer");
        }
    }
}

fn copy(app: &Installation) -> Installation {
    Installation {
        descriptor: app.descriptor.clone(),
        account_id: app.account_id.clone(),
        client_key: app.client_key.clone(),
        oauth_client: app.oauth_client.clone(),
        enabled: app.enabled,
        secrets: app.secrets.clone(),
    }
}

fn about(site: &Site, app: &Installation, event: &str) -> Value {
    json!({
        "key": app.descriptor.key, "clientKey": app.client_key, "eventType": event, "productType": "jira",
        "baseUrl": site.state.site_url(), "displayUrl": site.state.site_url(),
        "displayUrlServicedeskHelpCenter": site.state.site_url(),
        "description": format!("Atlassian Jira at {}", site.state.site_url()),
        // Of old, and empty now.
        "publicKey": "", "serverVersion": "100000", "pluginsVersion": "1001.0.0",
    })
}

async fn post(site: &Site, url: &str, authorization: &str, body: &Value) -> Result<StatusCode, String> {
    let request = site.http.post(url).timeout(ANSWER_TIMEOUT).header("authorization", authorization).json(body);
    request.send().await.map(|answer| answer.status()).map_err(|error| error.to_string())
}

async fn read(site: &Site, url: &str) -> Result<Descriptor, InstallError> {
    let unreachable = |error: reqwest::Error| InstallError::Unreachable(error.to_string());
    let answer = site.http.get(url).timeout(ANSWER_TIMEOUT).send().await.map_err(unreachable)?;
    if answer.status() != StatusCode::OK {
        return Err(InstallError::Unreachable(format!("it is answered with {}", answer.status().as_u16())));
    }
    let bytes = answer.bytes().await.map_err(unreachable)?;
    if bytes.len() > DESCRIPTOR_BYTES {
        return Err(InstallError::Unreachable("it is too long".to_owned()));
    }
    Descriptor::parse(&bytes).map_err(InstallError::Descriptor)
}
