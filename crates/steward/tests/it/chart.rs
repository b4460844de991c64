//! What the Helm chart renders is what the program reads: `scripts/chart.sh` writes each variant's file and the environment that its
//! container is given, and both are read as the program in that container would.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use steward::config::Config;

/// The folder of variants; nothing where Helm is not to be had.
async fn rendered() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/chart.sh");
    let output = tokio::process::Command::new(script).arg(folder.path()).output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    if let Some(missing) = said.lines().find(|line| line.starts_with("SKIPPED:")) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    }
    Some(folder)
}

/// One variant as the program finds it.
fn variant(folder: &Path, name: &str) -> Config {
    let place = folder.join(name);
    let given = std::fs::read(place.join("environment.json")).unwrap();
    let given: BTreeMap<String, String> = serde_json::from_slice(&given).unwrap();
    let environment = given.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::read_with(&place.join("steward.toml"), environment).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

fn told(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(ExposeSecret::expose_secret)
}

#[tokio::test]
async fn the_program_takes_what_the_chart_renders() {
    let Some(folder) = rendered().await else { return };
    let read = |name: &str| variant(folder.path(), name);

    let least = read("least");
    assert_eq!(least.server.origin.as_str(), "https://steward.example.com/");
    assert_eq!(least.server.listen.to_string(), "0.0.0.0:8443");
    assert!(least.server.behind_proxy && least.server.proxy_on_other_machine && least.server.tls_key.is_none());
    assert_eq!(least.data.root_key.as_deref(), Some(Path::new("/run/steward/root.key")));
    assert!(least.data.database.is_none() && least.objects.endpoint.is_none() && least.data.root_key_service.is_none());

    let many = read("many");
    assert!(told(many.data.database.as_ref()).is_some_and(|url| url.contains("/steward?sslmode=verify-full")));
    assert!(told(many.data.shelf.as_ref()).is_some_and(|url| url.contains("/shelf?sslmode=verify-full")));
    assert_eq!(told(many.objects.secret_key.as_ref()), Some("000123"));
    assert_eq!(told(many.server.metrics_token.as_ref()), Some("456000"));
    let objects = many.objects;
    assert_eq!((objects.bucket.as_deref(), objects.access_key.as_deref()), (Some("steward"), Some("key")));
    assert_eq!((objects.prefix, objects.region.as_str(), objects.path_style), (None, "us-east-1", true));

    let objects = read("prefix").objects;
    assert_eq!(objects.prefix.as_deref(), Some("steward/one"));
    assert_eq!((objects.region.as_str(), objects.path_style), ("eu-1", false));

    let own = read("own-tls").server;
    assert_eq!(own.tls_certificate.as_deref(), Some(Path::new("/etc/steward/tls/tls.crt")));
    assert_eq!(own.tls_key.as_deref(), Some(Path::new("/etc/steward/tls/tls.key")));
    assert!(!own.behind_proxy && !own.proxy_on_other_machine);

    let data = read("key-service").data;
    let service = data.root_key_service.unwrap();
    assert_eq!((data.root_key, service.address.as_str()), (None, "https://bao.internal:8200/"));
    assert_eq!(service.role_id.as_deref(), Some("0a1b"));
    assert_eq!(service.secret_id_file.as_deref(), Some(Path::new("/etc/steward/secret/bao-secret-id")));

    let settings = read("settings");
    assert_eq!(settings.data.region, "north \"1\"");
    assert_eq!(settings.forge.apps, ["ari:cloud:ecosystem::app/1", "ari:cloud:ecosystem::app/2"]);
    let sites: Vec<&str> = settings.connect.sites.iter().map(url::Url::as_str).collect();
    assert_eq!(sites, ["https://one.atlassian.net/", "https://two.atlassian.net/"]);
    assert_eq!((settings.imports.file_bytes.get(), settings.jobs.workers), (4 << 30, 8));
    assert!((settings.traces.ratio - 0.25).abs() < f64::EPSILON && settings.network.allow_private);
}
