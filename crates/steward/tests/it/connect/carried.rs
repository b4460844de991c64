//! The Forge app that carries the Connect app on, made as docs/connect.md says to make it.

use sandbox::forge::ForgeApp;

use super::*;

const CONNECT: &str = include_str!("../../../../../deploy/forge/connect.yml");

/// The app that we deploy, with the Connect app's key and this server's address in it.
pub(super) fn app(world: &World) -> ForgeApp {
    let origin = world.config.server.origin.as_str().trim_end_matches('/');
    let connect = CONNECT.replace("com.example.steward", CONNECT_APP).replace("https://steward.example.com", origin);
    let part = |name: &str| {
        let (_, rest) = connect.split_once(&format!("\n{name}:\n")).unwrap();
        rest.split("\n\n").next().unwrap().trim_end().to_owned()
    };
    let ours = steward::demo::app();
    let (head, rest) = ours.manifest_yaml.split_once("  external:\n").unwrap();
    let (_, rest) = rest.split_once("\nresources:\n").unwrap();
    let with_key = format!("\n{}\n  runtime:\n", part("app"));
    let with_scopes = format!("{}\n", part("permissions"));
    let head = head.replacen("\n  runtime:\n", &with_key, 1).replacen("  scopes:\n", &with_scopes, 1);
    let lifecycle = format!("\nconnectModules:\n{}\n\nmodules:\n", part("connectModules"));
    let rest = rest.replacen("\nmodules:\n", &lifecycle, 1);
    let manifest_yaml = format!("{head}\nremotes:\n{}\n\nresources:\n{rest}", part("remotes"));
    ForgeApp { manifest_yaml, ..ours }
}

/// The app that we deploy, with the Connect app's key in it and nothing else of Connect's: administrators type the server's address.
pub(super) fn by_its_key() -> ForgeApp {
    let ours = steward::demo::app();
    let with_key = format!("\n  connect:\n    key: {CONNECT_APP}\n  runtime:\n");
    let manifest_yaml = ours.manifest_yaml.replacen("\n  runtime:\n", &with_key, 1);
    assert_ne!(manifest_yaml, ours.manifest_yaml);
    ForgeApp { manifest_yaml, ..ours }
}

/// The address of a page of Connect's, as it was signed before Connect went.
pub(super) fn page(world: &World) -> String {
    let carried = world.jira.connect().installation(CONNECT_APP).unwrap();
    let (path, now) = ("/connect/customers-page", kernel::Clock::now(&*world.clock).as_second());
    let hash = qsh::of("GET", path, "");
    let claims = json!({"iss": carried.client_key, "iat": now, "exp": now + 180, "qsh": hash, "sub": "5b1:a"});
    let key = EncodingKey::from_secret(carried.secret().as_bytes());
    format!("{path}?jwt={}", signed(Algorithm::HS256, None, &claims, &key))
}
