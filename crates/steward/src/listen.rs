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
use socket2::{SockFilter, SockRef};
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;

/// What a stop waits for requests that are being answered: the longest that one may take, and a little.
const GRACE: Duration = Duration::from_secs(26);

/// The instruction of a packet filter that ends with how many bytes of a packet are let through: `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;

/// How long after the last connection its request may take to arrive. A proxy sends it along at once.
const HEARD: Duration = Duration::from_millis(250);

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
    let (watcher, door) = (handle.clone(), listener.try_clone()?);
    let stop_watching = stop.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        // Nobody who has come is turned away: a proxy does not send a POST again once it was sent. First, nobody else comes:
        // their knocking is not heard, and they knock again a second later. Meanwhile those who came are let in and say what
        // they want; a connection without a request would be closed as an idle one.
        const HEAR_NOTHING: SockFilter = SockFilter::new(RETURN, 0, 0, 0);
        let _ = SockRef::from(&door).attach_filter(&[HEAR_NOTHING]);
        tokio::time::sleep(HEARD).await;
        // The server keeps its listener while it finishes: whoever came now would wait for nobody. So they are refused,
        // and a proxy goes elsewhere at once. Both fail only for a socket that listens no more.
        let _ = rustix::net::shutdown(&door, rustix::net::Shutdown::Both);
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
mod renewal;
#[cfg(test)]
mod tests;
