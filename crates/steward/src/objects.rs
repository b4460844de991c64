//! Where objects lie: from the configuration to a place that is this server's.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use kernel::{Clock, Fault, KeyClass, Result, SystemClock, TenantId};
use secrecy::ExposeSecret;
use store::blobs::S3;
use store::{BlobPlace, Blobs, Dialect, Store};
use vault::{Subject, Vault};

use crate::cli;
use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::RootKeys;

/// Opens the place; asks nothing of it.
pub(crate) fn open(config: &Config, store: &Store) -> Result<Blobs> {
    Blobs::open(store.clone(), &place(config)?)
}

/// Opens the place and makes it this server's, or sees that it is.
pub(crate) async fn claimed(config: &Config, store: &Store, vault: &Vault, now: Timestamp) -> Result<Blobs> {
    let blobs = open(config, store)?;
    blobs.claim(&owner(vault, now).await?).await?;
    if config.objects.endpoint.is_none() && config.objects.directory.is_none() && store.dialect() == Dialect::Postgres {
        tracing::warn!(
            event = "objects_not_shared",
            reason = "objects lie in this machine's folder: one node only. Several need the same [objects]"
        );
    }
    Ok(blobs)
}

/// What this server's keys alone make: a place of another server's does not say it.
pub(crate) async fn owner(vault: &Vault, now: Timestamp) -> Result<String> {
    let keys = vault.keys_of(TenantId::SERVER, KeyClass::Index, Subject::Tenant, now).await?;
    let hash = keys.hash("objects' place", b"owner")?;
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn place(config: &Config) -> Result<BlobPlace> {
    let objects = &config.objects;
    let (Some(endpoint), Some(bucket), Some(access_key)) = (&objects.endpoint, &objects.bucket, &objects.access_key)
    else {
        let own = || config.data.directory.join("objects");
        return Ok(BlobPlace::Folder(objects.directory.clone().unwrap_or_else(own)));
    };
    let secret = objects.secret().map_err(|error| Fault::broken("objects_secret_key_file", error))?;
    let read = |file: &Path| crate::keys::authority(file).map_err(|error| Fault::broken("objects_ca_file", error));
    let authority = objects.ca_file.as_deref().map(read).transpose()?;
    Ok(BlobPlace::S3(Box::new(S3 {
        endpoint: endpoint.to_string(),
        bucket: bucket.clone(),
        region: objects.region.clone(),
        prefix: objects.prefix.clone(),
        access_key: access_key.clone(),
        secret_key: secret.expose_secret().to_owned(),
        path_style: objects.path_style,
        client: host::store_client(endpoint, authority)?,
    })))
}

/// What an operator does about objects.
#[derive(clap::Subcommand)]
pub(crate) enum Action {
    /// Go on with the configured place although the objects lay in another, which is lost
    Adopt,
}

/// Does it. The server does not run meanwhile: it would not have started.
pub(crate) async fn run(file: &Path, action: &Action) -> anyhow::Result<()> {
    let Action::Adopt = action;
    let config = Config::read(file)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = RootKeys::open(&config.data, &clock)?;
    let (store, shelf) = cli::stores(&config).await?;
    let vault = Vault::with_roots(Arc::new(StoreShelf { shelf: shelf.clone(), store: store.clone() }), keys.roots);
    let blobs = open(&config, &store).map_err(cli::told)?;
    blobs.adopt(&owner(&vault, clock.now()).await.map_err(cli::told)?).await.map_err(cli::told)?;
    store.close().await;
    shelf.close().await;
    Ok(())
}
