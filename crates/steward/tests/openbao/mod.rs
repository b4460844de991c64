//! A real key service: OpenBao, with a transit key, a policy and a role of one's own for each test, and a wire to it
//! that can be cut.
//!
//! `STEWARD_TEST_OPENBAO` is the folder that `scripts/openbao.sh start` prints.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The service, as its operator.
pub(crate) struct Bao {
    folder: PathBuf,
    client: reqwest::Client,
    token: String,
}

/// A key in it, and what this server needs to use it.
pub(crate) struct Key<'a> {
    bao: &'a Bao,
    pub(crate) name: String,
    pub(crate) role_id: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Bao {
    /// The service, if it is here.
    pub(crate) fn here() -> Option<Self> {
        let Ok(folder) = std::env::var("STEWARD_TEST_OPENBAO") else {
            let missing = "SKIPPED: needs OpenBao: STEWARD_TEST_OPENBAO=$(scripts/openbao.sh start)";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
            eprintln!("{missing}");
            return None;
        };
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "the operator of the service, not the program")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = std::fs::read_to_string(Path::new(&folder).join("root-token")).unwrap().trim().to_owned();
        Some(Self { folder: folder.into(), client, token })
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).unwrap().trim().to_owned()
    }

    /// Where it listens with TLS.
    pub(crate) fn address(&self) -> String {
        self.read("address")
    }

    /// Where it listens without.
    pub(crate) fn plain(&self) -> String {
        self.read("plain")
    }

    /// The authority of its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Asks as its operator.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answered = self.answered(method, path, body).await;
        assert!(answered.is_ok(), "{path}: {answered:?}");
        answered.unwrap()
    }

    /// The same, where what is asked of may be gone.
    async fn answered(&self, method: Method, path: &str, body: Value) -> Result<Value, reqwest::StatusCode> {
        let url = format!("{}/v1/{path}", self.plain());
        let sent = self.client.request(method, url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        if !sent.status().is_success() {
            return Err(sent.status());
        }
        let text = sent.text().await.unwrap();
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    /// A new key, a policy that permits its use and nothing else, and a role with that policy.
    pub(crate) async fn key(&self) -> Key<'_> {
        let name = format!("steward-{}", uuid::Uuid::now_v7().simple());
        self.ask(Method::POST, &format!("transit/keys/{name}"), json!({})).await;
        let key = Key { bao: self, role_id: String::new(), folder: tempfile::tempdir().unwrap(), name };
        key.permit(&["encrypt", "decrypt"]).await;
        let role = format!("auth/approle/role/{}", key.name);
        let settings = json!({"token_policies": key.name, "token_ttl": "1h", "token_max_ttl": "24h"});
        self.ask(Method::POST, &role, settings).await;
        let read = self.ask(Method::GET, &format!("{role}/role-id"), Value::Null).await;
        let made = self.ask(Method::POST, &format!("{role}/secret-id"), json!({})).await;
        key.write("secret-id", made["data"]["secret_id"].as_str().unwrap());
        Key { role_id: read["data"]["role_id"].as_str().unwrap().to_owned(), ..key }
    }
}

impl Key<'_> {
    /// Lets the key's policy permit these operations alone.
    pub(crate) async fn permit(&self, operations: &[&str]) {
        let lines: String = operations
            .iter()
            .map(|operation| format!("path \"transit/{operation}/{}\" {{ capabilities = [\"update\"] }}\n", self.name))
            .collect();
        let path = format!("sys/policies/acl/{}", self.name);
        self.bao.ask(Method::POST, &path, json!({"policy": lines})).await;
    }

    /// A file beside the role's, for its owner alone.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A token with the key's policy, and for how long it is good.
    pub(crate) async fn token(&self, ttl: &str) -> String {
        let wanted = json!({"policies": [self.name], "ttl": ttl, "renewable": true});
        let made = self.bao.ask(Method::POST, "auth/token/create", wanted).await;
        made["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    /// Ends every token of the role, and of no other: other tests have theirs.
    pub(crate) async fn revoke_logins(&self) {
        let all = self.bao.ask(Method::GET, "auth/token/accessors?list=true", Value::Null).await;
        for accessor in all["data"]["keys"].as_array().unwrap() {
            let named = json!({ "accessor": accessor });
            // What another test ended meanwhile is not there.
            let Ok(found) = self.bao.answered(Method::POST, "auth/token/lookup-accessor", named.clone()).await else {
                continue;
            };
            if found["data"]["meta"]["role_name"] == self.name {
                self.bao.ask(Method::POST, "auth/token/revoke-accessor", named).await;
            }
        }
    }

    /// A new version of the key; answers which is the newest.
    pub(crate) async fn rotate(&self) {
        self.bao.ask(Method::POST, &format!("transit/keys/{}/rotate", self.name), json!({})).await;
    }

    /// From now on nothing older than this version is opened.
    pub(crate) async fn shut_before(&self, version: u32) {
        let path = format!("transit/keys/{}/config", self.name);
        self.bao.ask(Method::POST, &path, json!({"min_decryption_version": version})).await;
    }

    /// The setting's lines, with the role's login: over TLS, or over a wire without.
    pub(crate) fn toml(&self, wire: Option<&Wire>) -> String {
        let (address, authority) = match wire {
            Some(wire) => (wire.address.clone(), String::new()),
            None => (self.bao.address(), format!("ca_file = {:?}\n", self.bao.authority())),
        };
        let secret = self.folder.path().join("secret-id");
        format!(
            "address = \"{address}\"\nkey = \"{}\"\n{authority}role_id = \"{}\"\nsecret_id_file = {secret:?}\n",
            self.name, self.role_id
        )
    }
}

/// A way to the service that can be cut, and that counts what begins to pass.
pub(crate) struct Wire {
    pub(crate) address: String,
    /// Connections and requests: what came towards the service in one piece.
    pub(crate) pieces: Arc<AtomicUsize>,
    whole: watch::Sender<bool>,
}

impl Wire {
    /// Lays it; `each` hears of every piece before it goes on.
    pub(crate) async fn lay(bao: &Bao, each: impl Fn(usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let behind = bao.plain().trim_start_matches("http://").to_owned();
        let (whole, _) = watch::channel(true);
        let (pieces, each) = (Arc::new(AtomicUsize::new(0)), Arc::new(each));
        let (told, counted) = (whole.subscribe(), pieces.clone());
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if !*told.borrow() {
                    continue;
                }
                let far = TcpStream::connect(&behind).await.unwrap();
                tokio::spawn(pass(near, far, told.clone(), counted.clone(), each.clone()));
            }
        });
        Self { address, pieces, whole }
    }

    /// Cuts it: what is connected ends, and what connects is not answered.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Mends it.
    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn pass(
    mut near: TcpStream,
    mut far: TcpStream,
    mut whole: watch::Receiver<bool>,
    pieces: Arc<AtomicUsize>,
    each: Arc<impl Fn(usize) + Send + Sync + 'static>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut forth, mut back) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            biased;
            () = ended(&mut whole) => return,
            read = near.read(&mut forth) => match read {
                Ok(length) if length > 0 => {
                    each(pieces.fetch_add(1, Ordering::SeqCst) + 1);
                    if far.write_all(&forth[..length]).await.is_err() { return }
                }
                _ => return,
            },
            read = far.read(&mut back) => match read {
                Ok(length) if length > 0 => if near.write_all(&back[..length]).await.is_err() { return },
                _ => return,
            },
        }
    }
}

async fn ended(whole: &mut watch::Receiver<bool>) {
    // An error is the end of the test that held the other end.
    let _ = whole.wait_for(|whole| !whole).await;
}
