//! A renewed certificate, as somebody who connects sees it.
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
