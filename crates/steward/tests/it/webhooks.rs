//! Webhooks out: what a receiver is told, how it knows that it was us, and what becomes of what it did not take.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use crate::imports::Importing;
use crate::merges::{merge_into, unmerge};
use crate::world::World;

/// What a receiver got.
#[derive(Clone)]
pub(crate) struct Message {
    headers: HeaderMap,
    bytes: Bytes,
    body: Value,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// Somebody who listens on this machine, and answers as told; 204 when nothing was.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Message>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    url: String,
}

impl Receiver {
    pub(crate) async fn listen() -> Self {
        let mut receiver = Self::default();
        let (got, answers) = (receiver.got.clone(), receiver.answers.clone());
        let take = move |headers: HeaderMap, bytes: Bytes| async move {
            let body = serde_json::from_slice(&bytes).unwrap();
            got.lock().unwrap().push(Message { headers, bytes, body });
            let status = StatusCode::from_u16(answers.lock().unwrap().pop_front().unwrap_or(204)).unwrap();
            (status, [("location", "/elsewhere"), ("retry-after", "30")])
        };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        receiver.url = format!("http://{}/in", listener.local_addr().unwrap());
        let router = Router::new().route("/in", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    fn answers(&self, statuses: impl IntoIterator<Item = u16>) {
        *self.answers.lock().unwrap() = statuses.into_iter().collect();
    }

    /// What came since it was last asked, in the order of what happened.
    fn taken(&self) -> Vec<Message> {
        let mut taken = std::mem::take(&mut *self.got.lock().unwrap());
        taken.sort_by_key(|message| message.body["sequence"].as_i64());
        taken
    }

    pub(crate) fn told(&self) -> Vec<Value> {
        self.taken().into_iter().map(|message| message.body).collect()
    }
}

const EVENTS: [&str; 13] = [
    "customer.value.changed",
    "organization.value.changed",
    "organization.member.added",
    "organization.member.removed",
    "organization.entitlement.added",
    "organization.entitlement.changed",
    "organization.entitlement.removed",
    "customer.merged",
    "customer.unmerged",
    "field.defined",
    "field.changed",
    "field.retired",
    "field.restored",
];

fn wanted(receiver: &Receiver, values: bool) -> Value {
    json!({"name": "CRM", "url": receiver.url, "events": EVENTS, "includeValues": values})
}

impl World {
    pub(crate) async fn names(&self, receiver: &Receiver, values: bool) -> Value {
        self.admin().post("/api/v1/webhooks", wanted(receiver, values)).await.expect(201).body
    }

    async fn webhook(&self) -> Value {
        self.admin().get("/api/v1/webhooks").await.expect(200).body["items"][0].clone()
    }

    async fn delivers(&self) {
        self.program.runner.drain().await.unwrap();
    }

    async fn delivers_after(&self, pause: Duration) {
        self.clock.advance(pause);
        self.delivers().await;
    }

    async fn log(&self, webhook: &Value, query: &str) -> Vec<Value> {
        let path = format!("/api/v1/webhooks/{}/deliveries{query}", webhook["id"].as_str().unwrap());
        self.admin().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }

    async fn asks(&self, webhook: &Value, what: &str, body: Value) -> crate::world::Answer {
        self.admin().post(&format!("/api/v1/webhooks/{}/{what}", webhook["id"].as_str().unwrap()), body).await
    }
}

on_both!(
    what_happens_is_told,
    what_is_not_taken_is_sent_again,
    what_nothing_reaches_is_switched_off,
    members_that_come_and_go_are_told,
    what_becomes_of_an_entitlement_is_told,
    a_merge_and_its_end_are_told,
    many_changes_are_told_once_each,
    what_an_import_writes_and_takes_back_is_told,
);

async fn what_happens_is_told(world: &World) {
    let (open, shy) = (Receiver::listen().await, Receiver::listen().await);
    world.names(&open, true).await;
    world.names(&shy, false).await;
    let admin = world.admin();
    let secret = admin.defines_text("Rating", "agents").await;
    let shown = admin.defines_text("Plan", "customerView").await;
    let account = world.customer().account();
    world.agent().writes(&account, &secret, json!("Difficult")).await.expect(200);
    world.agent().writes(&account, &shown, json!("Gold")).await.expect(200);
    world.agent().writes(&account, &shown, Value::Null).await.expect(200);
    world.delivers().await;

    let told = open.told();
    let kinds: Vec<_> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
    let value = "customer.value.changed";
    assert_eq!(kinds, ["field.defined", "field.defined", value, value, value]);
    let data: Vec<_> = told.iter().map(|body| body["data"].clone()).collect();
    let agent = json!({"accountId": world.agent().account()});
    let change =
        |field: &str, action: &str| json!({"accountId": account, "fieldId": field, "by": agent, "action": action});
    assert_eq!(data[0], json!({"fieldId": secret, "by": {"accountId": admin.account()}}));
    assert_eq!(data[2], change(&secret, "set"), "what agents alone see stays here");
    let mut with = change(&shown, "set");
    with["from"] = Value::Null;
    with["to"] = json!("Gold");
    assert_eq!(data[3], with);
    with = change(&shown, "cleared");
    with["from"] = json!("Gold");
    with["to"] = Value::Null;
    assert_eq!(data[4], with);

    let told = shy.told();
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|body| body["data"].get("to").is_none()), "values only where they were asked for");
    let sequence: Vec<_> = told.iter().map(|body| body["sequence"].as_i64().unwrap()).collect();
    assert!(sequence.is_sorted_by(|a, b| a < b));
    world.delivers_after(Duration::from_secs(3_000)).await;
    assert!(open.told().is_empty(), "once");
}

async fn what_is_not_taken_is_sent_again(world: &World) {
    let receiver = Receiver::listen().await;
    let made = world.names(&receiver, false).await;
    // An answer, a redirect that is not followed, and one that asks for a pause.
    receiver.answers([422, 302, 429]);
    world.admin().defines_text("Plan", "agents").await;
    world.delivers().await;
    let first = receiver.taken();
    assert_eq!(first.len(), 1);
    let log = world.log(&made, "?state=waiting").await;
    assert_eq!(
        (&log[0]["attempts"], &log[0]["status"], &log[0]["error"]),
        (&json!(1), &json!(422), &json!("webhook_answer"))
    );
    world.delivers().await;
    assert!(receiver.taken().is_empty(), "not before its pause is over");
    for (pause, attempts) in [(30, 2), (80, 3), (400, 4)] {
        world.delivers_after(Duration::from_secs(pause)).await;
        let again = receiver.taken();
        assert_eq!(again.len(), 1, "try {attempts}");
        assert_eq!(again[0].header("webhook-id"), first[0].header("webhook-id"));
        assert_ne!(again[0].header("webhook-timestamp"), first[0].header("webhook-timestamp"));
        assert_eq!(again[0].bytes, first[0].bytes);
        let log = world.log(&made, "").await;
        assert_eq!(log[0]["attempts"], attempts);
        assert_eq!(log[0]["state"], if attempts == 4 { "delivered" } else { "waiting" });
    }
    assert_eq!(world.webhook().await["failingSince"], Value::Null);

    // Sent once more because somebody asked, under the same name.
    let sequence = first[0].body["sequence"].as_i64().unwrap();
    world.asks(&made, &format!("deliveries/{sequence}/replay"), json!({})).await.expect(200);
    world.delivers().await;
    assert_eq!(receiver.taken()[0].header("webhook-id"), first[0].header("webhook-id"));
    world.asks(&made, "deliveries/999999/replay", json!({})).await.expect(404);
    let page = world.log(&made, "?state=failed").await;
    assert!(page.is_empty());

    // A test message goes out whatever it listens to.
    let sent = world.asks(&made, "test", json!({})).await.expect(200).body;
    world.delivers().await;
    let told = receiver.told();
    assert_eq!((&told[0]["type"], &told[0]["sequence"]), (&json!("webhook.test"), &sent["sequence"]));
}

async fn what_nothing_reaches_is_switched_off(world: &World) {
    let receiver = Receiver::listen().await;
    let made = world.names(&receiver, false).await;
    let from = world.clock_text();
    receiver.answers(std::iter::repeat_n(500, 10_000));
    world.admin().defines_text("Plan", "agents").await;
    world.delivers().await;
    assert_eq!(receiver.taken().len(), 1);
    assert_eq!(world.webhook().await["state"], "on");
    for day in 0..6 {
        // Something new each day, so that somebody goes on trying.
        world.admin().defines_text(&format!("Field {day}"), "agents").await;
        for _ in 0..4 {
            world.delivers_after(Duration::from_secs(6 * 3_600)).await;
        }
    }
    let tries = receiver.taken().len();
    assert!((10..100).contains(&tries), "{tries}");
    let off = world.webhook().await;
    assert_eq!(off["state"], "dead");
    assert!(off["failed"].as_i64().unwrap() >= 6, "{off}");
    world.asks(&made, "test", json!({})).await.expect(422);
    receiver.answers([]);
    world.admin().defines_text("While it was off", "agents").await;
    world.delivers_after(Duration::from_secs(3_600)).await;
    assert!(receiver.taken().is_empty());

    // Switched on again, it is told of the whole span, what happened meanwhile too.
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let etag = format!("\"v{}\"", off["version"]);
    world.admin().put(&path, &etag, wanted(&receiver, false)).await.expect(200);
    let span = json!({"from": from, "to": world.clock_text()});
    world.asks(&made, "replay", span.clone()).await.expect(200);
    world.delivers().await;
    assert_eq!(receiver.taken().len(), 8);
    world.asks(&made, "replay", span.clone()).await.expect(200);
    world.delivers().await;
    assert!(receiver.taken().is_empty(), "what arrived is not sent again");
    let mut all = span;
    all["deliveredToo"] = json!(true);
    world.delivers_after(Duration::from_secs(1)).await;
    world.asks(&made, "replay", all).await.expect(200);
    world.delivers().await;
    assert_eq!(receiver.taken().len(), 8);

    // 410: it says itself that it is gone.
    receiver.answers([410]);
    world.admin().defines_text("The last", "agents").await;
    world.delivers().await;
    assert_eq!(world.webhook().await["state"], "dead");
    let version = world.webhook().await["version"].as_i64().unwrap();
    world.admin().ask(Method::DELETE, &path, Some(&format!("\"v{}\"", version - 1)), None).await.expect(412);
    world.admin().ask(Method::DELETE, &path, Some(&format!("\"v{version}\"")), None).await.expect(204);
    world.admin().defines_text("Nobody listens", "agents").await;
    world.delivers_after(Duration::from_secs(86_400)).await;
    assert_eq!(receiver.taken().len(), 1);
}

async fn members_that_come_and_go_are_told(world: &World) {
    let receiver = Receiver::listen().await;
    world.names(&receiver, false).await;
    let nobody = sandbox::events::Actor::default();
    let state = world.jira.state();
    let account = state.create_customer(&nobody, "new@example.com", "New Person").unwrap().account_id;
    let organization = state.create_organization(&nobody, "New organization").id;
    state.edit_organization(&nobody, &organization, |o| o.members.extend([account.clone()])).unwrap();
    world.delivers_after(Duration::from_secs(3_700)).await;
    let told = receiver.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["type"], "organization.member.added");
    assert_eq!(told[0]["data"], json!({"organizationId": organization, "accountId": account}));
    state.edit_organization(&nobody, &organization, |o| o.members.retain(|member| *member != account)).unwrap();
    world.delivers_after(Duration::from_secs(3_700)).await;
    let told = receiver.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["type"], "organization.member.removed");
}

async fn what_becomes_of_an_entitlement_is_told(world: &World) {
    let receiver = Receiver::listen().await;
    world.names(&receiver, true).await;
    let (admin, agent) = (world.admin(), world.agent());
    let product =
        admin.post("/api/v1/products", json!({"name": "Premium support"})).await.expect(201).body["id"].clone();
    let organizations = agent.get("/api/v1/organizations?limit=1").await.expect(200).body;
    let organization = organizations["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/organizations/{organization}/entitlements/{}", product.as_str().unwrap());
    let given = agent.put(&path, "\"v0\"", json!({"limit": 1, "note": "Between us."})).await.expect(200);
    let changed = agent.put(&path, &given.etag(), json!({"limit": 2})).await.expect(200);
    // What says the same changes nothing, and is told to nobody.
    agent.put(&path, &changed.etag(), json!({"limit": 2})).await.expect(200);
    let gone = agent.ask(Method::DELETE, &path, Some(&changed.etag()), None).await.expect(200);
    let history = format!("/api/v1/organizations/{organization}/entitlement-history");
    let first = agent.get(&history).await.expect(200).body["items"][2]["id"].as_str().unwrap().to_owned();
    let back = format!("{history}/{first}/restore");
    agent.ask(Method::POST, &back, Some(&gone.etag()), None).await.expect(200);
    world.delivers().await;
    let told = receiver.told();
    let kinds: Vec<_> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
    let expected = ["added", "changed", "removed", "added"].map(|what| format!("organization.entitlement.{what}"));
    assert_eq!(kinds, expected);
    let data = json!({"organizationId": organization, "productId": product, "by": {"accountId": agent.account()}});
    assert!(told.iter().all(|body| body["data"] == data), "ids, and no terms: {told:?}");
}

async fn a_merge_and_its_end_are_told(world: &World) {
    let receiver = Receiver::listen().await;
    let plan = world.admin().defines_text("Plan", "customerView").await;
    let (kept, merged) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    agent.writes(&merged, &plan, json!("Gold")).await.expect(200);
    world.names(&receiver, false).await;
    let merge = merge_into(world, &kept, &merged).await;
    unmerge(world, &merge).await;
    world.delivers().await;
    let told = receiver.told();
    let kinds: Vec<_> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
    // The value that moves and goes back, each before what moved it.
    let value = "customer.value.changed";
    assert_eq!(kinds, [value, "customer.merged", value, "customer.unmerged"]);
    let data = json!({"keptId": kept, "mergedId": merged, "by": {"accountId": agent.account()}});
    assert_eq!((&told[1]["data"], &told[3]["data"]), (&data, &data));
    assert_eq!(told[0]["data"]["accountId"], json!(kept));
}

async fn many_changes_are_told_once_each(world: &World) {
    let receiver = Receiver::listen().await;
    world.names(&receiver, false).await;
    let fields = [world.admin().defines_text("One", "agents").await, world.admin().defines_text("Two", "agents").await];
    let customers = world.agent().get("/api/v1/customers?limit=80").await.expect(200).body;
    let items: Vec<_> = customers["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|customer| json!({"accountId": customer["accountId"], "values": {&fields[0]: "x", &fields[1]: "y"}}))
        .collect();
    let script = world.script("Import", &["customers:write"]).await;
    script.post("/api/v1/customers/values:bulk", json!({"items": items})).await.expect(200);
    world.delivers().await;
    let told = receiver.taken();
    assert_eq!(told.len(), 2 + 2 * items.len());
    let mut names: Vec<_> = told.iter().map(|message| message.header("webhook-id").to_owned()).collect();
    names.dedup();
    assert_eq!(names.len(), told.len());
    assert_eq!(told.last().unwrap().body["data"]["by"]["tokenId"], script.id);
}

async fn what_an_import_writes_and_takes_back_is_told(world: &World) {
    let receiver = Receiver::listen().await;
    let plan = world.admin().defines_text("Plan", "customerView").await;
    world.names(&receiver, true).await;
    let account = world.customer().account();
    let file = format!("Account ID,Plan\n{account},Gold\n");
    let import = Importing::of(world, "customer", file.as_bytes(), 1_000).await;
    import.checks_as_suggested(json!({})).await;
    import.runs().await;
    let told = receiver.told();
    assert_eq!(told.len(), 1, "{told:?}");
    let by = json!({"importId": import.id});
    let set = json!({"accountId": account, "fieldId": plan, "by": by, "action": "set", "from": null, "to": "Gold"});
    assert_eq!(told[0]["data"], set);
    import.does("undo").await.expect(200);
    world.delivers().await;
    let told = receiver.told();
    assert_eq!((told.len(), &told[0]["data"]["from"], &told[0]["data"]["to"]), (1, &json!("Gold"), &Value::Null));
}

impl World {
    fn clock_text(&self) -> String {
        kernel::Clock::now(&*self.clock).to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_is_on_the_open_internet_and_administrators_name_it() {
    let world = World::start().await;
    let check = async |url: &str, code: &str| {
        let body = json!({"name": "CRM", "url": url, "events": EVENTS});
        let refused = world.admin().post("/api/v1/webhooks", body).await.expect(422);
        let found = (&refused.body["errors"][0]["pointer"], &refused.body["errors"][0]["code"]);
        assert_eq!(found, (&json!("/url"), &json!(code)), "{url}");
    };
    check("crm", "format").await;
    check("http://example.com/in", "not_allowed").await;
    check("https://10.0.0.8/in", "not_allowed").await;
    check("https://169.254.169.254/latest", "not_allowed").await;
    check("https://me:secret@example.com/", "not_allowed").await;
    check("ftp://example.com/", "not_allowed").await;
    // A number too many.
    for place in 0..20 {
        let body = json!({"name": format!("R{place}"), "url": "https://example.com/in", "events": EVENTS});
        world.admin().post("/api/v1/webhooks", body).await.expect(201);
    }
    let body = json!({"name": "One more", "url": "https://example.com/in", "events": EVENTS});
    world.admin().post("/api/v1/webhooks", body).await.expect(422);
    let script = world.script("Script", &["fields:write", "customers:write"]).await;
    script.get("/api/v1/webhooks").await.expect(403);
    world.end().await;
}

/// What stands between "```LANGUAGE" and "```" in docs/webhooks.md.
fn example(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// Runs the document's example for a language; answers what it said.
fn verify(language: &str, message: &Message, secret: &str, now: i64) -> Option<String> {
    let (program, flag, call) = match language {
        "python" => (
            "python3",
            "-c",
            "import sys, os\nprint(verify(os.environ['SECRET'], {k: os.environ[k.replace('-', '_')] for k in ('webhook-id', 'webhook-timestamp', 'webhook-signature')}, os.environ['BODY'].encode(), now=int(os.environ['NOW'])))",
        ),
        _ => (
            "node",
            "-e",
            "const h = Object.fromEntries(['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((k) => [k, process.env[k.replace('-', '_')]]));\nconsole.log(verify(process.env.SECRET, h, Buffer.from(process.env.BODY), Number(process.env.NOW)));",
        ),
    };
    if Command::new(program).arg("--version").output().is_err() {
        let missing = format!("SKIPPED: the {language} example of docs/webhooks.md is not run: {program} is missing");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    }
    let mut command = Command::new(program);
    command.args([flag, &format!("{}\n{call}", example(language))]).env("SECRET", secret).env("NOW", now.to_string());
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        command.env(name.replace('-', "_"), message.header(name));
    }
    let output = command.env("BODY", std::str::from_utf8(&message.bytes).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).trim().to_lowercase())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_knows_us_as_the_document_shows() {
    let world = World::start().await;
    let receiver = Receiver::listen().await;
    let made = world.names(&receiver, false).await;
    let first = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(world.webhook().await.get("secret"), None, "shown once");
    let second = world.asks(&made, "secret", json!({})).await.expect(200).body["secret"].as_str().unwrap().to_owned();
    assert!(first.starts_with("whsec_") && first != second);

    let send = async || {
        world.asks(&made, "test", json!({})).await.expect(200);
        world.delivers().await;
        receiver.taken().remove(0)
    };
    let both = send().await;
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2, "for a day both are good");
    world.delivers_after(Duration::from_secs(86_400)).await;
    let one = send().await;
    assert_eq!(one.header("webhook-signature").split(' ').count(), 1);
    for language in ["python", "js"] {
        let check = |message: &Message, secret: &str, late: i64, expected: &str| {
            let at: i64 = message.header("webhook-timestamp").parse().unwrap();
            if let Some(said) = verify(language, message, secret, at + late) {
                assert_eq!(said, expected, "{language}");
            }
        };
        check(&both, &first, 0, "true");
        check(&both, &second, 0, "true");
        check(&one, &first, 0, "false");
        check(&one, &second, 200, "true");
        check(&one, &second, 400, "false");
        let mut forged = one.clone();
        forged.bytes = Bytes::from(String::from_utf8_lossy(&one.bytes).replace("webhook.test", "field.defined"));
        check(&forged, &second, 0, "false");
    }
    world.end().await;
}
