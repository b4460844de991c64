//! Installing, upgrading and uninstalling apps.
//!
//! Start reading at [`install`].

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Value, json};
use url::Url;

use super::{AddressError, ForgeApp, Host, Installation, Manifest, ManifestError, installation, payload, trigger};
use crate::{
    App,
    events::Actor,
    state::{
        PropertyIndex,
        model::{Account, AccountType},
    },
};

/// Why an app could not be installed or upgraded.
#[derive(Debug)]
pub enum InstallError {
    /// Forge would not deploy the manifest.
    Manifest(ManifestError),
    /// The address given for the remote.
    Address(AddressError),
    /// It is installed already.
    Installed(String),
    /// It isn't installed.
    NotInstalled(String),
    /// What it carries on of a Connect app was not taken.
    Connect(String),
    /// The host failed.
    Host(String),
}

impl std::fmt::Display for InstallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Manifest(error) => error.fmt(f),
            Self::Address(error) => error.fmt(f),
            Self::Installed(id) => write!(f, "{id} is installed already"),
            Self::NotInstalled(id) => write!(f, "{id} is not installed"),
            Self::Connect(why) => write!(f, "the Connect app that it carries on: {why}"),
            Self::Host(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for InstallError {}

/// Installs an app as the site's admin. One that carries a Connect app on takes that app's place: Connect tells it first how the installation is
/// named, and it is installed if it takes that.
///
/// # Errors
/// As [`Host::install`], and [`InstallError::Connect`].
pub(crate) async fn install(
    site: &App,
    app: ForgeApp,
    remote: Option<&str>,
) -> Result<Arc<Installation>, InstallError> {
    let made = site.forge.set_up(app, remote)?;
    site.connect.carry(&made).await.map_err(|error| InstallError::Connect(error.to_string()))?;
    site.forge.begin(&made)?;
    Ok(made)
}

impl Host {
    /// Installs an app as the site's admin. `remote` is the address of its one customer-managed
    /// remote, when it has one and the admin types it right away; it can also be set later.
    ///
    /// # Errors
    /// [`InstallError`]: the manifest is refused, the address is, the app is there already, or carries a Connect app on, which
    /// [`crate::Running::install`] can wait for.
    pub fn install(self: &Arc<Self>, app: ForgeApp, remote: Option<&str>) -> Result<Arc<Installation>, InstallError> {
        let made = self.set_up(app, remote)?;
        if made.manifest.connect.as_ref().is_some_and(|carried| carried.remote.is_some()) {
            return Err(InstallError::Connect("it is told of the installation first".to_owned()));
        }
        self.begin(&made)?;
        Ok(made)
    }

    /// An installation of an app that nobody was told of yet.
    fn set_up(&self, app: ForgeApp, remote: Option<&str>) -> Result<Arc<Installation>, InstallError> {
        let site = self.site().map_err(InstallError::Host)?;
        let manifest = Manifest::parse(&app.manifest_yaml).map_err(InstallError::Manifest)?;
        if self.installation(&manifest.app_id).is_some() {
            return Err(InstallError::Installed(manifest.app_id));
        }
        let mut addresses: BTreeMap<String, Url> = BTreeMap::new();
        if let Some(address) = remote {
            let managed = manifest.remotes.iter().find(|remote| remote.configurable.is_some());
            let remote =
                managed.ok_or_else(|| InstallError::Address(AddressError::NoRemote("customer-managed".to_owned())))?;
            let url = installation::check(remote, address).map_err(InstallError::Address)?;
            addresses.insert(remote.key.clone(), url);
        }
        Ok(Arc::new(Installation {
            name: app.name,
            manifest,
            account_id: format!("712020:{}", site.state.random_uuid()),
            version: 1,
            resources: app.resources,
            installation_uuid: site.state.random_uuid().to_string(),
            environment_uuid: site.state.random_uuid().to_string(),
            addresses: Arc::new(RwLock::new(addresses)),
            region: Arc::default(),
        }))
    }

    /// From now on it is there, and its remote is told so.
    fn begin(self: &Arc<Self>, installed: &Arc<Installation>) -> Result<(), InstallError> {
        let site = self.site().map_err(InstallError::Host)?;
        let account = Account::new(&installed.account_id, AccountType::App, &installed.name, "");
        site.state.add_account(&Actor::default(), account);
        self.put(installed);
        site.state.declare_properties(installed.app_id(), indexed(installed));
        let admin = crate::pages::people::find(&site.state.read(), "admin");
        let mut payload = about(installed);
        payload::set(&mut payload, "installerAccountId", json!(admin));
        self.lifecycle_event(installed, "avi:forge:installed:app", &payload);
        trigger::schedule(self, installed);
        Ok(())
    }

    /// Deploys a new major version of an installed app; the installation stays the same.
    ///
    /// # Errors
    /// As [`Host::install`].
    pub fn upgrade(self: &Arc<Self>, app: ForgeApp) -> Result<Arc<Installation>, InstallError> {
        let manifest = Manifest::parse(&app.manifest_yaml).map_err(InstallError::Manifest)?;
        let before =
            self.installation(&manifest.app_id).ok_or_else(|| InstallError::NotInstalled(manifest.app_id.clone()))?;
        let upgraded = Arc::new(Installation {
            name: app.name,
            manifest,
            account_id: before.account_id.clone(),
            version: before.version + 1,
            resources: app.resources,
            installation_uuid: before.installation_uuid.clone(),
            environment_uuid: before.environment_uuid.clone(),
            addresses: before.addresses.clone(),
            region: before.region.clone(),
        });
        // Tokens of the version before have its scopes; Forge hands out new ones.
        self.forget_tokens(&before);
        self.put(&upgraded);
        let site = self.site().map_err(InstallError::Host)?;
        site.state.declare_properties(upgraded.app_id(), indexed(&upgraded));
        let mut payload = about(&upgraded);
        payload::set(&mut payload, "permissions", json!({"scopes": upgraded.manifest.scopes}));
        self.lifecycle_event(&upgraded, "avi:forge:upgraded:app", &payload);
        trigger::schedule(self, &upgraded);
        Ok(upgraded)
    }

    /// Uninstalls an app: its remote is told (once, best effort, and is not asked), then its tokens
    /// are withdrawn, its account is deactivated and its pages are gone. Nothing tells it afterwards.
    ///
    /// # Errors
    /// [`InstallError::NotInstalled`].
    pub async fn uninstall(&self, app: &str) -> Result<(), InstallError> {
        let installed = self.installation(app).ok_or_else(|| InstallError::NotInstalled(app.to_owned()))?;
        trigger::before_uninstall(self, &installed).await;
        self.installed.write().unwrap_or_else(PoisonError::into_inner).shift_remove(installed.app_id());
        self.forget_tokens(&installed);
        let site = self.site().map_err(InstallError::Host)?;
        site.state.declare_properties(installed.app_id(), Vec::new());
        let gone = site.state.edit_account(&Actor::default(), &installed.account_id, |account| {
            account.active = false;
        });
        gone.map_err(|_| InstallError::Host("the app's account is missing".to_owned()))
    }

    fn put(&self, installed: &Arc<Installation>) {
        self.installed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(installed.app_id().to_owned(), installed.clone());
    }
}

fn indexed(app: &Installation) -> Vec<PropertyIndex> {
    app.manifest.properties.iter().flat_map(|(_, values)| values.clone()).collect()
}

/// What lifecycle events say; ids here are plain UUIDs, not ARIs.
fn about(app: &Installation) -> Value {
    json!({
        "id": app.installation_uuid,
        "app": {"id": app.app_uuid(), "version": app.app_version(), "name": app.name},
        "environment": {"id": app.environment_uuid},
    })
}
