//! What the settings of a bucket do, as docs/operate.md has them: where its name stands in an address, and who vouches for the server's
//! certificate. Against a real server that speaks S3, behind TLS by an authority of this test's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use kernel::{Actor, Clock, Cx, ManualClock, RequestId, Standing, SystemClock, TenantId};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use steward::config::Config;
use steward::program::{Parts, Program};
use store::ObjectId;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::objects::s3;
use crate::rekey::{FILE, Server};

/// An authority, and a certificate of its for `localhost` and for a bucket's host.
const MAKE: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=An authority of nobody else' \
  -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem &&
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr &&
echo \"subjectAltName=DNS:localhost,DNS:$1.localhost\" >names &&
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem";

/// What speaks TLS before a server that does not.
struct Front {
    folder: tempfile::TempDir,
    port: u16,
}

impl Front {
    /// None where openssl, which makes the certificates, is missing.
    async fn before(behind: SocketAddr, bucket: &str) -> Option<Self> {
        if std::process::Command::new("openssl").arg("version").output().is_err() {
            let missing = "SKIPPED: a certificate needs `openssl`";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
            eprintln!("{missing}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("sh")
            .args(["-c", MAKE, "sh", bucket])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let certificate = CertificateDer::from_pem_file(folder.path().join("server.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(folder.path().join("server.key")).unwrap();
        let config =
            rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not know the authority hangs up.
                    let Ok(mut near) = acceptor.accept(near).await else { return };
                    let mut far = TcpStream::connect(behind).await.unwrap();
                    // Either end may leave as it likes.
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Some(Self { folder, port })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Standard output of a command on this configuration.
async fn steward(command: &str, file: &Path) -> String {
    let mut steward = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    let output = steward.arg(command).arg("--config").arg(file).stdin(Stdio::null()).output().await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What doctor says of the objects.
async fn doctor(file: &Path) -> String {
    let told = steward("doctor", file).await;
    let line = told.lines().find(|line| line.contains(" objects: "));
    line.unwrap_or_else(|| panic!("doctor says nothing of objects: {told}")).to_owned()
}

async fn open(file: &Path, clock: &Arc<ManualClock>) -> Program {
    let config = Config::read(file).unwrap();
    Program::open(&config, Parts::of(&config, clock.clone()).unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buckets_name_and_its_authority_are_where_the_settings_say() {
    let Some([endpoint, bucket, access_key, secret_key]) = s3() else { return };
    let server = Server::new().await;
    let behind = endpoint.trim_start_matches("http://").parse().unwrap();
    let Some(front) = Front::before(behind, &bucket).await else { return };
    let prefix = format!("test/{}", uuid::Uuid::now_v7());
    let configured = |name: &str, host: &str, bucket: &str, lines: &str| {
        let objects = format!(
            "[objects]\nendpoint = \"https://{host}:{}\"\nbucket = \"{bucket}\"\nprefix = \"{prefix}\"\n\
             access_key = \"{access_key}\"\nsecret_key = \"{secret_key}\"\n{lines}",
            front.port
        );
        server.configure(name, &format!("{FILE}{objects}"))
    };
    let authority = format!("ca_file = {:?}\n", front.file("ca.pem"));

    // Nobody on this machine knows the authority; and what is named instead must be one.
    let unknown = configured("unknown.toml", "localhost", &bucket, "");
    steward("migrate", &unknown).await;
    let told = doctor(&unknown).await;
    assert!(told.starts_with("WRONG") && told.contains("invalid peer certificate"), "{told}");
    let none = configured("none.toml", "localhost", &bucket, &format!("ca_file = {:?}\n", front.file("names")));
    let told = doctor(&none).await;
    assert!(told.starts_with("WRONG") && told.contains("objects_ca_file"), "{told}");

    // In the path, unless said otherwise; then in the host. A bucket that is not there is told.
    let in_path = configured("path.toml", "localhost", &bucket, &authority);
    let in_host =
        configured("host.toml", &format!("{bucket}.localhost"), &bucket, &format!("path_style = false\n{authority}"));
    for file in [&in_path, &in_host] {
        let told = doctor(file).await;
        assert!(told.starts_with("ok") && told.ends_with("answers"), "{told}");
    }
    let elsewhere = configured("elsewhere.toml", "localhost", "no-such-bucket", &authority);
    let told = doctor(&elsewhere).await;
    assert!(told.starts_with("WRONG") && told.contains("NoSuchBucket"), "{told}");

    // It is one bucket by either address: what is put by one is read by the other.
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let (tenant, actor) = (TenantId::fresh(), Actor::System("test"));
    let cx = Cx::mint(tenant, actor, Standing::default(), clock.clone(), RequestId::fresh());
    let id = ObjectId::begun(cx.now());
    let program = open(&in_path, &clock).await;
    program.blobs.put(&cx, id, b"sealed".to_vec()).await.unwrap();
    program.close().await.unwrap();
    let program = open(&in_host, &clock).await;
    assert_eq!(program.blobs.get(&cx, id).await.unwrap().unwrap().as_ref(), b"sealed");
    clock.advance(std::time::Duration::from_secs(3601));
    assert_eq!(program.blobs.collect(tenant, clock.now()).await.unwrap(), 1);
    assert!(program.blobs.get(&cx, id).await.unwrap().is_none());
    program.close().await.unwrap();
}
