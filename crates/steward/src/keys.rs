//! The operator's root keys, as the configuration names them: a file, or a key of a key service (OpenBao, Vault).
//!
//! `vault` decides what they wrap; here they are found. A service is asked by the door of `host`, by a way that leads
//! to its address alone. Start at [`RootKeys::open`].

pub(crate) mod probe;
mod session;
#[cfg(test)]
mod tests;
mod transit;

use std::path::Path;
use std::sync::Arc;

use kernel::Clock;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use vault::{FileRootKey, RootKey, Roots};

use crate::config::{DataConfig, KeyServiceConfig};
pub(crate) use transit::Transit;

/// The root keys and the services that they lie in.
pub struct RootKeys {
    /// What wraps, and what still opens.
    pub(crate) roots: Roots,
    pub(crate) services: Vec<Transit>,
}

/// The certificates of an authority, DER, from a file in PEM.
pub(crate) fn authority(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
    anyhow::ensure!(!certificates.is_empty(), "it holds none");
    Ok(certificates.into_iter().map(|certificate: CertificateDer<'_>| certificate.to_vec()).collect())
}

/// What stands where a root key is named.
pub(crate) enum Named<'a> {
    File(&'a Path),
    Service(&'a KeyServiceConfig),
}

impl RootKeys {
    /// Reads files; services are not called yet.
    ///
    /// # Errors
    /// What is wrong with which setting, and how to mend it.
    pub fn open(config: &DataConfig, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let mut services = Vec::new();
        let mut open = |named: Named<'_>| -> anyhow::Result<Arc<dyn RootKey>> {
            Ok(match named {
                Named::File(path) => Arc::new(FileRootKey::read(path)?),
                Named::Service(service) => {
                    let transit = Transit::new(service, clock.clone())?;
                    services.push(transit.clone());
                    Arc::new(transit)
                }
            })
        };
        let current = open(config.current_root_key()?)?;
        let former = config.former_root_key().map(open).transpose()?;
        anyhow::ensure!(
            former.as_ref().is_none_or(|former| former.name() != current.name()),
            "data: the former root key is the one that wraps: leave it out, or name the key that was before"
        );
        Ok(Self { roots: Roots::new(current).with_former(former), services })
    }
}
