//! Listening: its own TLS, or plain on this machine or behind a declared proxy; a graceful stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;

/// What a stop waits for requests that are being answered: the longest that one may take, and a little.
const GRACE: Duration = Duration::from_secs(26);

/// Binds before anything else is started, so that a taken port is told at once.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}: is another program there?"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until `stop`, then finishes what it began.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    config: &ServerConfig,
    router: Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let handle = Handle::new();
    let (watcher, door) = (handle.clone(), listener.try_clone()?);
    tokio::spawn(async move {
        stop.cancelled().await;
        // The server keeps its listener while it finishes: whoever came now would wait for nobody. So they are refused,
        // and a proxy goes elsewhere at once. That fails only for a socket that listens no more.
        let _ = rustix::net::shutdown(&door, rustix::net::Shutdown::Both);
        watcher.graceful_shutdown(Some(GRACE));
    });
    let service: IntoMakeServiceWithConnectInfo<Router, SocketAddr> = router.into_make_service_with_connect_info();
    match (&config.tls_certificate, &config.tls_key) {
        (Some(certificate), Some(key)) => {
            let tls = RustlsConfig::from_config(Arc::new(tls_config(certificate, key)?));
            axum_server::from_tcp_rustls(listener, tls)?.handle(handle).serve(service).await?;
        }
        _ => axum_server::from_tcp(listener)?.handle(handle).serve(service).await?,
    }
    Ok(())
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
mod tests;
