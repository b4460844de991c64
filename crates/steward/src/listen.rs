//! Listening: its own TLS, or plain on this machine or behind a declared proxy; a graceful stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;

/// What a stop waits for requests that are being answered: the longest that one may take, and a little.
const GRACE: Duration = Duration::from_secs(26);

/// How often the certificate's files are looked at. Whoever cannot wait sends SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Binds before anything else is started, so that a taken port is told at once.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}: is another program there?"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until `stop`, then finishes what it began; upon `reload` it takes a renewed certificate.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    config: &ServerConfig,
    router: Router,
    stop: CancellationToken,
    reload: Option<Signal>,
) -> anyhow::Result<()> {
    let handle = Handle::new();
    let watcher = handle.clone();
    let stop_watching = stop.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        watcher.graceful_shutdown(Some(GRACE));
    });
    let service: IntoMakeServiceWithConnectInfo<Router, SocketAddr> = router.into_make_service_with_connect_info();
    match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => {
            let files = Certificate { chain: certificate.clone(), key: key.clone() };
            let mut seen = files.fingerprint();
            let tls = RustlsConfig::from_config(Arc::new(tls_config(certificate, key)?));
            let taken = tls.clone();
            let renewing = keep_renewing(reload, move || files.renew(&mut seen, &taken));
            tokio::spawn(stop_watching.run_until_cancelled_owned(renewing));
            axum_server::from_tcp_rustls(listener, tls)?.handle(handle).serve(service).await?;
        }
        _ => {
            tokio::spawn(stop_watching.run_until_cancelled_owned(keep_renewing(reload, || {})));
            axum_server::from_tcp(listener)?.handle(handle).serve(service).await?;
        }
    }
    Ok(())
}

/// The files of a certificate and its key.
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
}

impl Certificate {
    /// What lies in them, by hash; nothing if one cannot be read, as in the moment in which it is replaced.
    fn fingerprint(&self) -> Option<Vec<u8>> {
        let read = |path| std::fs::read(path).map(|bytes| vault::fingerprint(&bytes)).ok();
        Some([read(&self.chain)?, read(&self.key)?].concat())
    }

    /// Takes what lies there now, if it is other than `seen`. What does not fit together leaves the old certificate in
    /// use, and is told once.
    fn renew(&self, seen: &mut Option<Vec<u8>>, tls: &RustlsConfig) {
        let now = self.fingerprint();
        if now.is_none() || now == *seen {
            return;
        }
        *seen = now;
        match tls_config(&self.chain, &self.key) {
            Ok(config) => {
                tls.reload_from_config(Arc::new(config));
                tracing::info!(event = "certificate_renewed");
            }
            Err(error) => tracing::error!(event = "certificate_kept", reason = format!("{error:#}")),
        }
    }
}

/// Takes a renewed certificate without a restart: within a minute, and at once upon SIGHUP. Connections that stand go
/// on under the old one. Without a certificate a SIGHUP, which would end the program, is heard and does nothing.
async fn keep_renewing(mut reload: Option<Signal>, mut renew: impl FnMut()) {
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        let asked = async {
            match &mut reload {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = every.tick() => {}
            _ = asked => tracing::info!(event = "reload_asked"),
        }
        renew();
    }
}

/// TLS 1.2 and 1.3, as rustls has them: nothing older is in it.
pub(crate) fn tls_config(certificate: &std::path::Path, key: &std::path::Path) -> anyhow::Result<rustls::ServerConfig> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .with_context(|| format!("server.tls_certificate: {} cannot be read", certificate.display()))?
        .collect::<Result<_, _>>()
        .with_context(|| format!("server.tls_certificate: {} is not PEM", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("server.tls_key: {} is not a private key in PEM", key.display()))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("server.tls_key does not belong to server.tls_certificate")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::path::Path;
    use std::process::Command;

    use axum::routing::get;

    use super::*;

    fn certificate(folder: &Path, name: &str) -> Certificate {
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=DNS:localhost"])
            .args(["-out", chain.to_str().unwrap(), "-keyout", key.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Certificate { chain, key }
    }

    /// The certificate that a new connection is shown.
    async fn shown(port: u16) -> Vec<u8> {
        #[expect(clippy::disallowed_methods, reason = "somebody who connects, not the program")]
        let client =
            reqwest::Client::builder().no_proxy().tls_info(true).danger_accept_invalid_certs(true).build().unwrap();
        let answer = client.get(format!("https://localhost:{port}/")).send().await.unwrap();
        let seen = answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
        seen.peer_certificate().unwrap().to_vec()
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_taken_and_a_broken_one_is_not() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let files = certificate(folder.path(), "first");
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut seen = files.fingerprint();
        let tls = RustlsConfig::from_config(Arc::new(tls_config(&files.chain, &files.key).unwrap()));
        let router = Router::new().route("/", get(|| async { "here" }));
        let server = axum_server::from_tcp_rustls(listener, tls.clone()).unwrap().serve(router.into_make_service());
        let server = tokio::spawn(server);
        let first = shown(port).await;
        files.renew(&mut seen, &tls);
        assert_eq!(shown(port).await, first);

        certificate(folder.path(), "second");
        files.renew(&mut seen, &tls);
        let second = shown(port).await;
        assert_ne!(second, first);

        // Half of it replaced, then garbage, then nothing: the certificate in use stays.
        let key = std::fs::read(&files.key).unwrap();
        certificate(folder.path(), "third");
        let third = std::fs::read(&files.key).unwrap();
        std::fs::write(&files.key, key).unwrap();
        files.renew(&mut seen, &tls);
        assert_eq!(shown(port).await, second);
        std::fs::write(&files.key, "garbage").unwrap();
        files.renew(&mut seen, &tls);
        std::fs::remove_file(&files.key).unwrap();
        files.renew(&mut seen, &tls);
        assert_eq!(shown(port).await, second);
        std::fs::write(&files.key, third).unwrap();
        files.renew(&mut seen, &tls);
        assert!(![first, second].contains(&shown(port).await));
        server.abort();
    }
}
