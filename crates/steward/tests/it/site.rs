//! Sites that an operator joins by a token: looked at before anything is kept, taken up by a server that runs, told of
//! changes by signed webhooks, given another token, left.

mod heard;

use std::path::PathBuf;
use std::process::{Output, Stdio};

use axum::body::Body;
use axum::http::{Method, Request, header};
use host::client::{As, Jira};
use kernel::AccountId;
use sandbox::events::Actor;
use serde_json::{Value, json};
use store::{sweep, tenants};
use tokio::io::AsyncWriteExt;

use crate::databases::Database;
use crate::world::World;

/// The server's configuration as its operator wrote it, on this machine.
pub(crate) fn written(world: &World) -> PathBuf {
    let (config, path) = (&world.config, world.folder.path().join("steward.toml"));
    let mut text = format!(
        "[server]\norigin = \"{}\"\nlisten = \"127.0.0.1:0\"\n[data]\ndirectory = {:?}\nroot_key = {:?}\n",
        config.server.origin,
        config.data.directory,
        config.data.root_key.as_ref().unwrap(),
    );
    for (name, url) in [("database", &config.data.database), ("shelf", &config.data.shelf)] {
        if let Some(url) = url {
            text.push_str(&format!("{name} = {:?}\n", secrecy::ExposeSecret::expose_secret(url)));
        }
    }
    let sign_in = &config.sign_in;
    text.push_str(&format!(
        "[sign_in]\nauthority = \"{}\"\ngranted_sites = \"{}\"\n[network]\nallow_loopback = true\n",
        sign_in.authority, sign_in.granted_sites
    ));
    let gateways: Vec<String> = config.forge.api_bases.iter().map(ToString::to_string).collect();
    text.push_str(&format!("[forge]\napi_bases = {gateways:?}\n"));
    std::fs::write(&path, text).unwrap();
    path
}

/// An operator at the command line, who types a secret into a pipe.
pub(crate) async fn steward(world: &World, arguments: &[&str], secret: &str) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["site", "--config"]).arg(written(world)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // It may have ended without reading.
    let _ = input.write_all(secret.as_bytes()).await;
    drop(input);
    child.wait_with_output().await.unwrap()
}

/// Standard output of a command that did what it was told.
#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
pub(crate) fn refused(output: &Output, words: &str) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && said.contains(words), "{said}");
}

/// Joins the world's site with the administrator's token, and lets the server read its customers.
pub(crate) async fn joins(world: &World) -> Value {
    joins_at(world, &world.jira).await
}

/// The same with another site.
pub(crate) async fn joins_at(world: &World, jira: &sandbox::Running) -> Value {
    let admin = jira.visitor("admin").unwrap();
    let url = jira.url();
    let arguments = ["add", "--address", &url, "--account", &admin.email, "--token-file", "-", "--json"];
    let joined = steward(world, &arguments, &admin.api_token.unwrap()).await;
    let joined: Value = serde_json::from_str(&done(&joined)).unwrap();
    world.program.runner.drain().await.unwrap();
    joined
}

/// Names the client that people sign in through.
pub(crate) async fn signs_in_through(world: &World) {
    signs_in_through_at(world, &world.jira).await;
}

/// The same of another site.
pub(crate) async fn signs_in_through_at(world: &World, jira: &sandbox::Running) {
    let url = jira.url();
    let arguments = ["sign-in", &url, "--client", "steward-client", "--secret-file", "-"];
    done(&steward(world, &arguments, "steward-secret").await);
}

/// What somebody sends to where Jira sends its webhooks.
pub(crate) async fn tells(world: &World, path: &str, signature: Option<&str>, body: &[u8]) -> crate::world::Answer {
    let mut request =
        Request::builder().method(Method::POST).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature", signature);
    }
    world.send(request.body(Body::from(body.to_vec())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let world = World::unjoined(Vec::new()).await;
    a_site_is_joined_by_a_token(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) else { return };
    let world = World::unjoined(vec![main, shelf]).await;
    a_site_is_joined_by_a_token(&world).await;
    world.end().await;
}

/// As after a server that died between its two writes of joining, or with a shelf that lost a key.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_whose_credential_does_not_open_can_be_left() {
    let world = World::unjoined(Vec::new()).await;
    joins(&world).await;
    let url = world.jira.url();
    let listed: Value = serde_json::from_str(&done(&steward(&world, &["list", "--json"], "").await)).unwrap();
    let tenant = kernel::TenantId(listed[0]["id"].as_str().unwrap().parse().unwrap());
    for key in world.program.vault.versions(tenant, kernel::KeyClass::Credential).await.unwrap() {
        world.program.vault.destroy_version(tenant, kernel::KeyClass::Credential, key.version).await.unwrap();
    }
    let left = done(&steward(&world, &["remove", &url, "--yes"], "").await);
    assert!(left.contains("could not be taken away"), "{left}");
    world.program.runner.drain().await.unwrap();
    assert_eq!(tenants::state_of(&world.program.store, tenant).await.unwrap(), Some(tenants::State::Gone));
    world.end().await;
}

async fn a_site_is_joined_by_a_token(world: &World) {
    let (admin, agent) = (world.jira.visitor("admin").unwrap(), world.jira.visitor("agent").unwrap());
    let url = world.jira.url();
    let add = |account: &str| ["add", "--address", &url, "--account", account, "--token-file", "-"].map(str::to_owned);
    let adds = async |account: &str, token: &str| {
        let arguments = add(account);
        steward(world, &arguments.each_ref().map(String::as_str), token).await
    };

    // Nothing is kept of what is not enough.
    refused(&adds(&admin.email, "wrong-token").await, "The account signs in: Check the e-mail address");
    refused(&adds(&agent.email, agent.api_token.as_deref().unwrap()).await, "Administer Jira: Put the account");
    refused(&adds("nobody", "t").await, "account: The account is named by its e-mail address.");
    let nowhere = ["add", "--address", "http://127.0.0.1:9", "--account", &admin.email, "--token-file", "-"];
    refused(&steward(world, &nowhere, "t").await, "address: There is no Jira at this address.");
    let inside = ["add", "--address", "http://10.0.0.1", "--account", &admin.email, "--token-file", "-"];
    refused(&steward(world, &inside, "t").await, "address: This server may not call this address");
    assert_eq!(done(&steward(world, &["list", "--json"], "").await).trim(), "[]");

    // A server that runs takes it up: its jobs read the site as the account.
    let joined = joins(world).await;
    assert_eq!((&joined["joined"], &joined["webhook"]), (&json!(true), &json!(true)), "{joined}");
    assert_eq!(joined["cloudId"], world.jira.state().cloud_id());
    refused(&adds(&admin.email, admin.api_token.as_deref().unwrap()).await, "This site is joined already, by a token");
    let list: Value = serde_json::from_str(&done(&steward(world, &["list", "--json"], "").await)).unwrap();
    assert_eq!((&list[0]["joinedBy"], &list[0]["state"]), (&json!("cloud-token"), &json!("active")), "{list}");
    let cx = world.reader().await;
    assert_eq!(cx.tenant().to_string(), joined["id"].as_str().unwrap());
    let cloud = &world.program.host().cloud;
    let me = Jira::for_tenant(cloud, &cx, As::App).myself().await.unwrap();
    assert_eq!(me.account_id.as_str(), admin.account_id);
    assert!(jobs::dead_letters(&world.program.store, 10).await.unwrap().is_empty());
    let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
    let customers = rows.iter().find(|(table, _)| *table == "customer").map_or(0, |(_, count)| *count);
    assert!(customers > 10, "{rows:?}");
    // Nobody signed in: Steward acts for nobody.
    let person = As::Person(AccountId::new(agent.account_id.clone()).unwrap());
    let stranger = Jira::for_tenant(cloud, &cx, person).myself().await.err().unwrap();
    assert_eq!(stranger.code(), "refused");

    webhooks_are_proven_and_taken_once(world, &joined, &cx).await;

    // The account is looked at again; another token takes the place of the first.
    done(&steward(world, &["check"], "").await);
    world
        .jira
        .state()
        .edit_account(&Actor::default(), &admin.account_id, |account| {
            account.api_tokens = vec!["a-new-token".to_owned()];
        })
        .unwrap();
    let check = steward(world, &["check", "--json"], "").await;
    let checked: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(checked[0]["checks"][0]["found"], "lacks", "{checked}");
    assert!(!check.status.success());
    let ended = Jira::for_tenant(cloud, &cx, As::App).myself().await.err().unwrap();
    assert_eq!(ended.code(), "jira_access_ended");
    let token = ["token", &url, "--account", &admin.email, "--token-file", "-"];
    refused(&steward(world, &token, "another-wrong-one").await, "Nothing was replaced");
    done(&steward(world, &token, "a-new-token").await);
    Jira::for_tenant(cloud, &cx, As::App).myself().await.unwrap();

    // It leaves: unreadable at once, gone soon, and Jira tells it nothing more.
    refused(&steward(world, &["remove", &url], "").await, "--yes is needed");
    done(&steward(world, &["remove", &url, "--yes"], "").await);
    assert!(world.jira.state().read().webhooks.is_empty());
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!(tenants::state_of(&world.program.store, cx.tenant()).await.unwrap(), Some(tenants::State::Gone));
    for class in [kernel::KeyClass::Data, kernel::KeyClass::Credential] {
        assert!(store::shelf::keys(&world.program.shelf, cx.tenant(), class).await.unwrap().is_empty());
    }
    let left = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
    let left: Vec<_> =
        left.into_iter().filter(|(table, count)| *count > 0 && !["tenant", "ledger", "job"].contains(table)).collect();
    assert_eq!(left, []);
    // And can come again, as another tenant.
    world
        .jira
        .state()
        .edit_account(&Actor::default(), &admin.account_id, |account| {
            account.api_tokens = vec![admin.api_token.clone().unwrap()];
        })
        .unwrap();
    assert_ne!(joins(world).await["id"], joined["id"]);
}

/// A browser: it keeps cookies, each for its own host, and goes where it is sent only when told.
pub(crate) struct Browser<'w> {
    world: &'w World,
    jira: &'w sandbox::Running,
    ours: std::collections::BTreeMap<String, String>,
    theirs: String,
    /// The version that the next request says it saw.
    pub(crate) saw: Option<i64>,
}

impl<'w> Browser<'w> {
    /// Somebody who is signed in to Jira.
    pub(crate) fn of(world: &'w World, who: &str) -> Self {
        Self::at(world, &world.jira, who)
    }

    /// The same at another site.
    pub(crate) fn at(world: &'w World, jira: &'w sandbox::Running, who: &str) -> Self {
        let account = jira.visitor(who).unwrap().account_id;
        let session = jira.state().open_session(&account);
        let theirs = format!("tenant.session.token={session}");
        Self { world, jira, ours: std::collections::BTreeMap::new(), theirs, saw: None }
    }

    /// The header `Cookie`, as it is sent to us.
    pub(crate) fn cookies(&self) -> String {
        let jar: Vec<String> = self.ours.iter().map(|(name, value)| format!("{name}={value}")).collect();
        jar.join("; ")
    }

    pub(crate) async fn asks(
        &mut self,
        method: Method,
        path: &str,
        csrf: Option<&str>,
        body: Option<Value>,
    ) -> crate::world::Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, self.cookies());
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf).header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(version) = self.saw.take() {
            request = request.header(header::IF_MATCH, format!("\"v{version}\""));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.world.send(request.body(body).unwrap()).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.ours.remove(name)
            } else {
                self.ours.insert(name.to_owned(), value.to_owned())
            };
        }
        answer
    }

    pub(crate) async fn goes(&mut self, path: &str) -> crate::world::Answer {
        self.asks(Method::GET, path, None, None).await
    }

    /// Goes to an address of Jira's or Atlassian's, as whoever is signed in there.
    pub(crate) async fn goes_there(&self, at: &str) -> reqwest::Response {
        #[expect(clippy::disallowed_methods, reason = "a browser at the stand-in Jira")]
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        client.get(at).header("cookie", &self.theirs).send().await.unwrap()
    }

    /// Whether Atlassian knows who this is, and asks whether Steward may. Whom it does not know it sends nowhere, whatever they say.
    pub(crate) async fn is_known_at_atlassian(&mut self, site: &str) -> bool {
        let sent = self.goes(&format!("/sign-in/{site}")).await.expect(303);
        let away = sent.headers["location"].to_str().unwrap().to_owned();
        let asked = self.goes_there(&away).await.status().as_u16() == 200;
        let said = self.goes_there(&away.replace("/authorize?", "/authorize/accept?")).await;
        assert_eq!(said.headers().contains_key("location"), asked, "a code for whoever is asked, and for nobody else");
        asked
    }

    /// Says yes or no at Atlassian's, and answers where it is sent back to: path and query.
    async fn consents(&self, away: &str, to_it: bool) -> String {
        if away.contains("/rest/oauth2/") {
            return self.consents_at_data_center(away).await;
        }
        assert!(away.starts_with(&format!("{}/authorize?", self.jira.url())), "{away}");
        let asked = self.goes_there(away).await;
        assert_eq!(asked.status().as_u16(), 200);
        let page = asked.text().await.unwrap();
        assert!(page.contains("read:jira-work") && !page.contains("write:"), "{page}");
        let deny = if to_it { "" } else { "&deny=1" };
        let accept = away.replace("/authorize?", "/authorize/accept?") + deny;
        let back = self.goes_there(&accept).await;
        let back: url::Url = back.headers()["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(back.path(), "/sign-in/callback");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Says yes at the Data Center's own page.
    async fn consents_at_data_center(&self, away: &str) -> String {
        assert!(away.starts_with(&format!("{}/rest/oauth2/latest/authorize?", self.jira.url())), "{away}");
        assert!(away.contains("scope=READ") && away.contains("code_challenge_method=S256"), "{away}");
        let place = |answer: &reqwest::Response| answer.headers()["location"].to_str().unwrap().to_owned();
        let sent = place(&self.goes_there(away).await);
        let page = url::Url::parse(away).unwrap().join(&sent).unwrap().to_string();
        assert!(page.starts_with(&format!("{}/", self.jira.url())), "{page}");
        assert_eq!(self.goes_there(&page).await.status().as_u16(), 200);
        let said = self.goes_there(&page.replace("/consent?", "/consent/accept?")).await;
        let back: url::Url = place(&said).parse().unwrap();
        assert_eq!(back.path(), "/sign-in/callback");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Signs in, and answers what the page of the session then has.
    pub(crate) async fn signs_in(&mut self, site: &str) -> String {
        let sent = self.goes(&format!("/sign-in/{site}")).await.expect(303);
        let back = self.consents(sent.headers["location"].to_str().unwrap(), true).await;
        let welcome = self.goes(&back).await.expect(200);
        assert!(welcome.text.contains("http-equiv=\"refresh\""), "{}", welcome.text);
        let session = self.goes("/api/v1/session").await.expect(200);
        session.body["csrf"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_on_our_own_pages() {
    let world = World::unjoined(Vec::new()).await;
    let joined = joins(&world).await;
    let site = joined["id"].as_str().unwrap();
    let mut agent = Browser::of(&world, "agent");
    let unset = agent.goes(&format!("/sign-in/{site}")).await.expect(401);
    assert!(unset.text.contains("steward site sign-in"), "{}", unset.text);
    // What Atlassian does not know is not kept.
    let url = world.jira.url();
    for (client, secret) in [("steward-client", "another-secret"), ("another-client", "steward-secret")] {
        let named = ["sign-in", &url, "--client", client, "--secret-file", "-"];
        refused(&steward(&world, &named, secret).await, "client: Atlassian does not know this client id");
    }
    agent.goes(&format!("/sign-in/{site}")).await.expect(401);
    signs_in_through(&world).await;

    // An agent: what Jira lets them see, as themselves.
    agent.goes("/api/v1/me").await.expect(401);
    let csrf = agent.signs_in(site).await;
    let me = agent.goes("/api/v1/me").await.expect(200);
    assert_eq!(me.body["role"], "agent", "{}", me.text);
    let issue = world.issue();
    let panel = agent.goes(&format!("/api/v1/panel?issue={issue}")).await.expect(200);
    assert!(panel.text.contains(&world.jira.visitor("customer").unwrap().account_id), "{}", panel.text);
    let none = format!("/api/v1/panel?issue={}-99999", issue.split('-').next().unwrap());
    agent.goes(&none).await.expect(404);
    assert!(agent.goes("/api/v1/customers").await.expect(200).body["items"].as_array().unwrap().len() > 10);
    // Access is asked for anew when it ends, while the session lasts.
    world.clock.advance(std::time::Duration::from_secs(2 * 3600));
    agent.goes(&format!("/api/v1/panel?issue={issue}")).await.expect(200);
    let home = agent.goes("/sign-in").await.expect(303);
    assert_eq!(home.headers["location"], format!("/sign-in/{site}"), "the browser remembers its site");

    // An administrator sets it up, a customer with an account at Atlassian sees what they may; who knows only the portal has none to sign in with.
    let mut admin = Browser::of(&world, "admin");
    let admins = admin.signs_in(site).await;
    let field = json!({"entity": "customer", "type": "text", "name": "Tier", "audience": "customerEdit"});
    admin.asks(Method::POST, "/api/v1/fields", Some(&admins), Some(field.clone())).await.expect(201);
    agent.asks(Method::POST, "/api/v1/fields", Some(&csrf), Some(field)).await.expect(403);
    let unlicensed = world.unlicensed().who;
    let mut customer = Browser::of(&world, &unlicensed);
    assert!(customer.is_known_at_atlassian(site).await);
    customer.signs_in(site).await;
    assert_eq!(customer.goes("/api/v1/me").await.expect(200).body["role"], "customer");
    customer.goes("/api/v1/customers").await.expect(403);
    customer.goes(&format!("/api/v1/customers/{unlicensed}/values")).await.expect(200);
    let mut portal_only = Browser::of(&world, "customer");
    assert!(!portal_only.is_known_at_atlassian(site).await);
    portal_only.goes("/api/v1/session").await.expect(401);

    // A no, another browser's answer, a code used twice, a state of nobody's: nobody is signed in by them.
    let mut other = Browser::of(&world, "admin");
    let sent = other.goes(&format!("/sign-in/{site}")).await.expect(303);
    let away = sent.headers["location"].to_str().unwrap().to_owned();
    let denied = other.consents(&away, false).await;
    assert!(other.goes(&denied).await.expect(401).text.contains("did not let Steward"));
    let good = admin.consents(&away, true).await;
    assert!(other.goes(&good).await.expect(401).text.contains("another browser"), "its attempt was used up");
    let sent = other.goes(&format!("/sign-in/{site}")).await.expect(303);
    let away = sent.headers["location"].to_str().unwrap().to_owned();
    let good = other.consents(&away, true).await;
    let mut thief = Browser::of(&world, "customer");
    thief.goes(&good).await.expect(401);
    thief.goes(&format!("/sign-in/{site}")).await.expect(303);
    thief.goes(&good).await.expect(401);
    thief.goes("/api/v1/session").await.expect(401);
    let attempt = other.ours["steward-sign-in"].clone();
    other.goes(&good).await.expect(200);
    other.ours.remove("steward");
    other.ours.insert("steward-sign-in".to_owned(), attempt);
    other.goes(&good).await.expect(401);
    other.goes(&format!("/sign-in/{}", kernel::TenantId::fresh())).await.expect(404);
    other.goes("/sign-in/none").await.expect(404);

    // Signed out, nothing of it is left.
    agent.asks(Method::DELETE, "/api/v1/session", Some(&csrf), None).await.expect(204);
    agent.goes("/api/v1/me").await.expect(401);
    let cx = world.reader().await;
    let person = As::Person(AccountId::new(world.jira.visitor("agent").unwrap().account_id).unwrap());
    let gone = Jira::for_tenant(&world.program.host().cloud, &cx, person).myself().await.err().unwrap();
    assert_eq!(gone.code(), "refused");
    world.end().await;
}

async fn webhooks_are_proven_and_taken_once(world: &World, joined: &Value, cx: &kernel::Cx) {
    let customer = AccountId::new(world.jira.visitor("customer").unwrap().account_id).unwrap();
    let people = &world.program.host().people;
    let name = async || {
        let found = people.profiles(cx, std::slice::from_ref(&customer)).await.unwrap();
        found.get(&customer).map(|profile| profile.peek().name.clone())
    };
    let before = name().await.unwrap();
    // Jira's own webhook arrives at the server's own listener, and the cached name goes.
    let path = joined["webhookUrl"].as_str().unwrap().strip_prefix(world.config.server.origin.as_str()).unwrap();
    let path = format!("/{path}");
    world
        .jira
        .state()
        .edit_account(&Actor::default(), customer.as_str(), |account| {
            account.display_name = "Renamed Meanwhile".to_owned();
        })
        .unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_ne!(before, "Renamed Meanwhile");
    assert_eq!(name().await.as_deref(), Some("Renamed Meanwhile"));

    let secret = world.program.host().joining.hook_secret(cx).await.unwrap();
    let body = json!({"timestamp": 1, "webhookEvent": "user_updated", "user": {"accountId": customer.as_str()}});
    let body = body.to_string().into_bytes();
    let signed = |secret: &str| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&key, &body)))
    };
    let stranger = format!("/hooks/{}", kernel::TenantId::fresh());
    let refusals = [
        tells(world, &stranger, Some(&signed(&secret)), &body).await,
        tells(world, "/hooks/none", Some(&signed(&secret)), &body).await,
        tells(world, &path, None, &body).await,
        tells(world, &path, Some(&signed("another secret")), &body).await,
        tells(world, &path, Some(&signed(&secret)), b"{}").await,
        tells(world, &path, Some(&signed(&secret).replace("sha256", "sha1")), &body).await,
        tells(world, "/hooks/nothing/here", None, &body).await,
    ];
    for refusal in &refusals {
        assert_eq!((refusal.status, &refusal.text), (404, &refusals[6].text), "the same to the byte");
    }
    let queued = async || {
        let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
        rows.iter().find(|(table, _)| *table == "host_invocation").map_or(0, |(_, count)| *count)
    };
    let seen = queued().await;
    for _ in 0..3 {
        tells(world, &path, Some(&signed(&secret)), &body).await.expect(204);
    }
    assert_eq!(queued().await, seen + 1, "told again, it does nothing");
    world.program.runner.drain().await.unwrap();
}
