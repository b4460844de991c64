//! The listener itself: which TLS it speaks, that it speaks nothing else, and that a stop loses no answer.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a client of the listener; a test that cannot go on fails"
)]

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;

/// A listener with TLS of its own, by a certificate that nobody but its own clients trusts.
struct Listening {
    address: SocketAddr,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<anyhow::Result<()>>,
    authority: reqwest::Certificate,
    _folder: tempfile::TempDir,
}

/// `None` where openssl, which makes the certificate and speaks what is too old for rustls, is missing.
async fn listening(router: Router) -> Option<Listening> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    let Ok(made) = made else {
        let missing = "SKIPPED: the listener's own TLS needs `openssl`";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    };
    assert!(made.success());
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&certificate).unwrap()).unwrap();
    let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let config = ServerConfig {
        origin: format!("https://localhost:{}", address.port()).parse().unwrap(),
        listen: address,
        tls_certificate: Some(certificate),
        tls_key: Some(key),
        behind_proxy: false,
        proxy_on_other_machine: false,
        metrics_token: None,
    };
    let stop = CancellationToken::new();
    let until = stop.clone();
    let served = tokio::spawn(async move { serve(listener, &config, router, until).await });
    Some(Listening { address, stop, served, authority, _folder: folder })
}

impl Listening {
    fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    fn client(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder().no_proxy().tls_certs_only([self.authority.clone()])
    }

    async fn end(self) {
        self.stop.cancel();
        self.served.await.unwrap().unwrap();
    }
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_speaks_tls_1_2_and_1_3_and_both_versions_of_http() {
    let Some(listening) = listening(hello()).await else { return };
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        for (old, spoken) in [(true, axum::http::Version::HTTP_11), (false, axum::http::Version::HTTP_2)] {
            let client = listening.client().tls_version_min(version).tls_version_max(version);
            let client = if old { client.http1_only() } else { client };
            let answer = client.build().unwrap().get(listening.url()).send().await.unwrap();
            assert_eq!(answer.version(), spoken, "{version:?}");
            assert_eq!(answer.text().await.unwrap(), "hello");
        }
    }
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_what_is_older_than_tls_1_2() {
    let Some(listening) = listening(hello()).await else { return };
    let address = listening.address.to_string();
    let attempt = move |version: &str| {
        // The lowest level of its own rules: else openssl itself would refuse, and nothing would be tried.
        Command::new("openssl")
            .args(["s_client", "-connect", &address, "-servername", "localhost", version])
            .args(["-cipher", "DEFAULT@SECLEVEL=0"])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let (current, old) =
        tokio::task::spawn_blocking(move || (attempt("-tls1_2"), [attempt("-tls1"), attempt("-tls1_1")]))
            .await
            .unwrap();
    let said = |output: &std::process::Output| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert!(said(&current).contains("Protocol  : TLSv1.2"), "{}", said(&current));
    for output in old {
        assert!(!output.status.success());
        // Told by the listener's own alert, not by openssl.
        assert!(said(&output).contains("SSL alert number"), "{}", said(&output));
        assert!(said(&output).contains("Cipher is (NONE)"), "{}", said(&output));
    }
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_nothing_is_answered() {
    let Some(listening) = listening(hello()).await else { return };
    let mut plain = TcpStream::connect(listening.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut off is as good as one that is closed.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    // And a certificate that the caller does not know is not taken for ours.
    let stranger = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    assert!(stranger.get(listening.url()).send().await.is_err());
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_it_began_and_begins_nothing() {
    let (begun, has_begun) = oneshot::channel();
    let (release, released) = oneshot::channel();
    let ends = std::sync::Mutex::new(Some((begun, released)));
    let ends = Arc::new(ends);
    let slow = get(move || {
        let ends = ends.lock().unwrap().take();
        async move {
            let (begun, released): (oneshot::Sender<()>, oneshot::Receiver<()>) = ends.expect("asked once");
            begun.send(()).unwrap();
            released.await.unwrap();
            "finished"
        }
    });
    let Some(listening) = listening(Router::new().route("/", slow)).await else { return };
    let client = listening.client().build().unwrap();
    let url = listening.url();
    let mut asking = tokio::spawn(async move { client.get(url).send().await?.text().await });
    tokio::select! {
        begun = has_begun => begun.unwrap(),
        ended = &mut asking => panic!("it was not asked: {ended:?}"),
    }
    listening.stop.cancel();
    // It lets go of its address while the request is still under way.
    while TcpStream::connect(listening.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!listening.served.is_finished());
    release.send(()).unwrap();
    assert_eq!(asking.await.unwrap().unwrap(), "finished");
    listening.end().await;
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_by_the_setting() {
    #[track_caller]
    fn check(certificate: &str, key: &str, setting: &str) {
        let folder = tempfile::tempdir().unwrap();
        let (certificate_file, key_file) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let why = format!("{:#}", tls_config(&certificate_file, &key_file).unwrap_err());
        assert!(why.starts_with(setting), "{why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pem");
    let why = format!("{:#}", tls_config(&missing, &missing).unwrap_err());
    assert!(why.starts_with("server.tls_certificate: ") && why.contains("cannot be read"), "{why}");
    check("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "", "server.tls_certificate: ");
    check("", "not a key", "server.tls_key: ");
}
