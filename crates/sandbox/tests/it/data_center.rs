//! The site as a Data Center: who people are there, what it has by its version, and what it has not.

use sandbox::{Config, DataCenter, Deployment, OauthClient, RateLimit};
use serde_json::{Value, json};

use crate::support::{ADMIN, AGENT, CARLA, DAVID, Hand, OTHER, calm, seed};

const ALL: [&str; 5] = [ADMIN, AGENT, OTHER, CARLA, DAVID];
const CALLBACK: &str = "http://127.0.0.1:9/callback";

pub(crate) struct Server {
    pub(crate) running: sandbox::Running,
    http: reqwest::Client,
}

struct Told {
    status: u16,
    name: String,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

pub(crate) fn config(version: &str) -> Config {
    let server = DataCenter { version: version.parse().unwrap(), rate_limit: None };
    let mut seed = seed();
    // Somebody who left: a name that still stands in old issues.
    seed.accounts[2].active = false;
    Config {
        deployment: Deployment::DataCenter(server),
        source: sandbox::Source::Seed(Box::new(seed)),
        contract: None,
        oauth: vec![OauthClient {
            id: "client".to_owned(),
            secret: "secret".to_owned(),
            callback: CALLBACK.to_owned(),
        }],
        ..calm()
    }
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { running: sandbox::start(config).await.unwrap(), http }
    }

    async fn told(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Told {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.running.url()));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.header("X-ExperimentalApi", "opt-in").send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        for id in ALL {
            assert!(!text.contains(id), "{method} {path} tells an account id: {text}");
        }
        assert!(!text.contains("accountId"), "{method} {path}: {text}");
        let name = headers.get("x-ausername").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Told { status, name, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// As somebody, by the token of their first name.
    pub(crate) async fn expect(&self, status: u16, who: &str, method: &str, path: &str, body: Option<Value>) -> Value {
        let told = self.told(&format!("{who}-token"), method, path, body).await;
        assert_eq!(told.status, status, "{who} {method} {path}: {}", told.body);
        told.body
    }
}

pub(crate) async fn server(version: &str) -> Server {
    Server::start(config(version)).await
}

#[tokio::test]
async fn a_wrong_token_is_nobody() {
    let site = server("10.3").await;
    let info = site.told("", "GET", "/rest/api/2/serverInfo", None).await;
    assert_eq!((info.status, info.name.as_str()), (200, "anonymous"));
    assert_eq!(info.body["deploymentType"], "Server");
    assert_eq!(info.body["versionNumbers"], json!([10, 3, 0]));
    assert_eq!(info.body["serverTime"], Value::Null);
    let me = site.told("bob-token", "GET", "/rest/api/2/myself", None).await;
    assert_eq!((me.status, me.name.as_str()), (200, "bob"));
    assert_eq!((&me.body["name"], &me.body["key"]), (&json!("bob"), &json!("bagent")));
    assert_eq!(me.body["emailAddress"], "bob@example.com");
    let wrong = site.told("wrong", "GET", "/rest/api/2/myself", None).await;
    assert_eq!((wrong.status, wrong.name.as_str()), (401, "anonymous"));
    assert_eq!(wrong.body["message"], "Client must be authenticated to access this resource.");
    // No error where nobody may read, too.
    let found = site.told("wrong", "GET", "/rest/api/2/search?jql=", None).await;
    assert_eq!((found.status, found.name.as_str(), &found.body["total"]), (200, "anonymous", &json!(0)));
    // Who left is nobody, whatever they bring.
    assert_eq!(site.told("olga-token", "GET", "/rest/api/2/myself", None).await.name, "anonymous");
    let basic = site.http.get(format!("{}/rest/api/2/myself", site.running.url())).basic_auth("bob", Some("bob-token"));
    assert_eq!(basic.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn people_have_names_and_keys() {
    let site = server("10.3").await;
    let found = site.expect(200, "bob", "GET", "/rest/api/2/user/search?username=ca", None).await;
    assert_eq!(found[0]["name"], "carla@example.com");
    assert_eq!(found.as_array().unwrap().len(), 1);
    site.expect(400, "bob", "GET", "/rest/api/2/user/search?query=ca", None).await;
    site.expect(403, "carla", "GET", "/rest/api/2/user/search?username=bob", None).await;
    let all = site.expect(200, "bob", "GET", "/rest/api/2/user/search?username=.", None).await;
    assert!(!all.to_string().contains("Olga"));
    let all = site.expect(200, "bob", "GET", "/rest/api/2/user/search?username=.&includeInactive=true", None).await;
    assert!(all.as_array().unwrap().iter().any(|one| one["name"] == "olga" && one["active"] == false));
    let keys: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["alice", "bagent", "JIRAUSER10003", "david@example.com", "JIRAUSER10002"]);

    // A new name, the same key.
    let actor = sandbox::events::Actor::person(ADMIN);
    site.running.state().edit_account(&actor, AGENT, |account| account.username = "robert".to_owned()).unwrap();
    let told = site.expect(404, "alice", "GET", "/rest/api/2/user?username=bob", None).await;
    assert_eq!(told["errorMessages"][0], "The user named 'bob' does not exist");
    assert_eq!(site.expect(200, "alice", "GET", "/rest/api/2/user?key=bagent", None).await["name"], "robert");
    assert_eq!(site.told("bob-token", "GET", "/rest/api/2/myself", None).await.name, "robert");
    let can =
        site.expect(200, "alice", "GET", "/rest/api/2/user/assignable/search?project=HELP&username=rob", None).await;
    assert_eq!(can[0]["key"], "bagent");
    let members = site.expect(200, "alice", "GET", "/rest/api/2/group/member?groupname=jira-users", None).await;
    assert_eq!(members["values"].as_array().unwrap().len(), 2);
    let picture = site.expect(200, "alice", "GET", "/rest/api/2/user?key=bagent", None).await;
    let picture = site.http.get(picture["avatarUrls"]["48x48"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(picture.status(), 200);
}

#[tokio::test]
async fn issues_are_written_in_wiki_text_and_by_names() {
    let site = server("9.12").await;
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Mail",
        "description": "It is *down*, says [~carla@example.com]", "assignee": {"name": "bob"}, "reporter": {"name": "carla@example.com"}}});
    let made = site.expect(201, "bob", "POST", "/rest/api/2/issue", Some(new)).await;
    let own = format!("/rest/api/2/issue/{}", made["key"].as_str().unwrap());
    let read = site.expect(200, "bob", "GET", &own, None).await;
    assert_eq!(read["fields"]["description"], "It is *down*, says [~carla@example.com]");
    assert_eq!(read["fields"]["assignee"]["key"], "bagent");
    assert_eq!(read["fields"]["reporter"]["name"], "carla@example.com");
    let unknown = json!({"fields": {"assignee": {"name": "nobody"}}});
    let told = site.expect(400, "bob", "PUT", &own, Some(unknown)).await;
    assert_eq!(told["errors"]["assignee"], "User 'nobody' does not exist.");
    site.expect(400, "bob", "PUT", &own, Some(json!({"fields": {"assignee": {"accountId": AGENT}}}))).await;
    site.expect(204, "bob", "PUT", &format!("{own}/assignee"), Some(json!({"name": null}))).await;
    site.expect(204, "bob", "PUT", &format!("{own}/assignee"), Some(json!({"name": "alice"}))).await;
    let changed = site.expect(200, "bob", "GET", &format!("{own}?expand=changelog"), None).await;
    let item = &changed["changelog"]["histories"][0]["items"][0];
    assert_eq!((&item["field"], &item["to"]), (&json!("assignee"), &json!("alice")));

    let note =
        json!({"body": "Between _us_", "properties": [{"key": "sd.public.comment", "value": {"internal": true}}]});
    let note = site.expect(201, "bob", "POST", &format!("{own}/comment"), Some(note)).await;
    assert_eq!((&note["body"], &note["author"]["name"]), (&json!("Between _us_"), &json!("bob")));
    assert_eq!(note["jsdPublic"], Value::Null);
    let kept = json!({"accounts": "mine", "style": "kept"});
    site.expect(201, "bob", "PUT", &format!("{own}/properties/mine"), Some(kept.clone())).await;
    assert_eq!(site.expect(200, "bob", "GET", &format!("{own}/properties/mine"), None).await["value"], kept);

    let page = site.expect(200, "bob", "GET", "/rest/api/2/search?jql=assignee=alice&maxResults=1", None).await;
    assert_eq!((&page["total"], &page["startAt"], &page["maxResults"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(page["issues"][0]["fields"]["assignee"]["name"], "alice");
    let body = json!({"jql": "reporter = 'carla@example.com'", "startAt": 1, "fields": ["summary"]});
    let page = site.expect(200, "bob", "POST", "/rest/api/2/search", Some(body)).await;
    assert_eq!((&page["total"], page["issues"].as_array().unwrap().len()), (&json!(1), 0));
    let gone = json!({"jql": format!("key IN (HELP-999, {})", made["key"].as_str().unwrap()), "maxResults": 0});
    site.expect(400, "bob", "POST", "/rest/api/2/search", Some(gone.clone())).await;
    let mut gone = gone;
    gone["validateQuery"] = json!(false);
    let counted = site.expect(200, "bob", "POST", "/rest/api/2/search", Some(gone)).await;
    assert_eq!((&counted["total"], &counted["issues"]), (&json!(1), &json!([])));

    // An account id is nobody's name.
    let by_account = site.http.get(format!("{}/rest/api/2/search?jql=assignee='{ADMIN}'", site.running.url()));
    assert_eq!(by_account.bearer_auth("bob-token").send().await.unwrap().status(), 400);

    // What may be done is told whole.
    let may = site.expect(200, "bob", "GET", "/rest/api/2/mypermissions?projectKey=HELP", None).await;
    assert_eq!(may["permissions"]["SERVICEDESK_AGENT"]["havePermission"], true);
    assert_eq!(may["permissions"]["ADMINISTER"]["havePermission"], false);
}

#[tokio::test]
async fn what_is_clouds_is_not_there() {
    let site = server("10.3").await;
    for (method, path) in [
        ("GET", "/rest/api/3/myself"),
        ("GET", "/rest/api/2/search/jql?jql=project=HELP"),
        ("POST", "/rest/api/2/permissions/check"),
        ("GET", "/rest/api/2/user/bulk?accountId=x"),
        ("GET", "/rest/api/2/users/search"),
        ("GET", "/rest/api/2/project/search"),
        ("POST", "/rest/api/2/issue/bulkfetch"),
        ("GET", "/rest/atlassian-connect/1/addons/x"),
        ("GET", "/rest/forge/1/app/properties"),
        ("GET", "/_edge/tenant_info"),
        ("POST", "/graphql"),
        ("GET", "/authorize"),
        ("POST", "/oauth/token"),
        ("GET", "/rest/webhooks/1.0/webhook"),
    ] {
        site.expect(404, "alice", method, path, Some(json!({}))).await;
    }
    site.expect(405, "alice", "POST", "/rest/api/2/issue/HELP-1", Some(json!({}))).await;
}

#[tokio::test]
async fn service_management_takes_names() {
    let site = server("9.12").await;
    let desk = "/rest/servicedeskapi/servicedesk";
    let desks = site.expect(200, "bob", "GET", desk, None).await;
    assert_eq!(desks["values"][0]["projectKey"], "HELP");
    let request = json!({"serviceDeskId": "1", "requestTypeId": "25", "requestFieldValues": {"summary": "Laptop"},
        "raiseOnBehalfOf": "carla@example.com", "requestParticipants": ["david@example.com"]});
    let made = site.expect(201, "bob", "POST", "/rest/servicedeskapi/request", Some(request.clone())).await;
    assert_eq!(made["reporter"]["name"], "carla@example.com");
    let own = format!("/rest/servicedeskapi/request/{}", made["issueKey"].as_str().unwrap());
    let taking = site.expect(200, "bob", "GET", &format!("{own}/participant"), None).await;
    assert_eq!(taking["values"][0]["key"], "david@example.com");
    for wrong in [json!({"channel": "x"}), json!({"isAdfRequest": true}), json!({"raiseOnBehalfOf": CARLA})] {
        let mut sent = request.clone();
        sent.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let told =
            site.http.post(format!("{}/rest/servicedeskapi/request", site.running.url())).bearer_auth("bob-token");
        assert_eq!(told.json(&sent).send().await.unwrap().status(), 400, "{wrong}");
    }
    let customer = json!({"email": "nina@example.com", "fullName": "Nina Ny"});
    let unasked =
        site.http.post(format!("{}/rest/servicedeskapi/customer", site.running.url())).bearer_auth("alice-token");
    assert_eq!(unasked.json(&customer).send().await.unwrap().status(), 412);
    let nina = site.expect(201, "alice", "POST", "/rest/servicedeskapi/customer", Some(customer)).await;
    assert_eq!((&nina["name"], &nina["displayName"]), (&json!("nina@example.com"), &json!("Nina Ny")));
    assert!(nina["key"].as_str().unwrap().starts_with("JIRAUSER"));
    let them = json!({"usernames": ["nina@example.com"]});
    site.expect(204, "alice", "POST", &format!("{desk}/1/customer"), Some(them.clone())).await;
    let company =
        site.expect(201, "bob", "POST", "/rest/servicedeskapi/organization", Some(json!({"name": "Initech"}))).await;
    let other =
        site.expect(201, "bob", "POST", "/rest/servicedeskapi/organization", Some(json!({"name": "Initech"}))).await;
    assert_ne!(other["id"], company["id"], "nobody says that there is only one of a name");
    let company = format!("/rest/servicedeskapi/organization/{}", company["id"].as_str().unwrap());
    site.expect(204, "bob", "POST", &format!("{company}/user"), Some(them.clone())).await;
    let members = site.expect(200, "bob", "GET", &format!("{company}/user"), None).await;
    assert_eq!(members["values"][0]["name"], "nina@example.com");
    let gone = json!({"usernames": ["nobody"]});
    site.expect(400, "bob", "POST", &format!("{company}/user"), Some(gone)).await;
    site.expect(204, "bob", "DELETE", &format!("{company}/user"), Some(them)).await;
    let said = json!({"body": "Which *one*?", "public": true});
    let said = site.expect(201, "bob", "POST", &format!("{own}/comment"), Some(said)).await;
    assert_eq!((&said["body"], &said["author"]["key"]), (&json!("Which *one*?"), &json!("bagent")));
}

#[tokio::test]
async fn tokens_are_made_used_and_revoked() {
    let hand = Hand::new();
    let site = Server::start(Config { clock: hand.clock(), ..config("10.3") }).await;
    let tokens = "/rest/pat/latest/tokens";
    let made = site.expect(201, "bob", "POST", tokens, Some(json!({"name": "robot", "expirationDuration": 1}))).await;
    let secret = made["rawToken"].as_str().unwrap();
    assert_eq!(site.told(secret, "GET", "/rest/api/2/myself", None).await.name, "bob");
    let listed = site.expect(200, "bob", "GET", tokens, None).await;
    assert!(listed.to_string().contains("robot") && !listed.to_string().contains(secret));
    hand.forward(24 * 3_600_000 + 1);
    assert_eq!(site.told(secret, "GET", "/rest/api/2/myself", None).await.name, "anonymous");
    let lasting = site.expect(201, "bob", "POST", tokens, Some(json!({"name": "lasting"}))).await;
    let one = format!("{tokens}/{}", lasting["id"]);
    site.expect(404, "carla", "DELETE", &one, None).await;
    site.expect(204, "bob", "DELETE", &one, None).await;
    let secret = lasting["rawToken"].as_str().unwrap();
    assert_eq!(site.told(secret, "GET", "/rest/api/2/myself", None).await.name, "anonymous");
    assert_eq!(site.told("", "POST", tokens, Some(json!({"name": "x"}))).await.status, 401);
    site.expect(400, "bob", "POST", tokens, Some(json!({"name": "x", "expirationDuration": 366}))).await;
}

#[tokio::test]
async fn the_limit_is_each_persons_own() {
    let hand = Hand::new();
    let mut config = Config { clock: hand.clock(), ..config("10.3") };
    let limit = RateLimit { limit: 3, fill: 2, interval_s: 60 };
    config.deployment = Deployment::DataCenter(DataCenter { rate_limit: Some(limit), ..DataCenter::default() });
    let site = Server::start(config).await;
    let ask = async |token: &str| site.told(token, "GET", "/rest/api/2/myself", None).await;
    let header = |told: &Told, name: &str| told.headers[name].to_str().unwrap().to_owned();
    let first = ask("bob-token").await;
    assert_eq!(header(&first, "x-ratelimit-remaining"), "2");
    assert_eq!((header(&first, "x-ratelimit-limit"), header(&first, "x-ratelimit-fillrate")), ("3".into(), "2".into()));
    assert_eq!(header(&first, "x-ratelimit-interval-seconds"), "60");
    ask("bob-token").await;
    ask("bob-token").await;
    let refused = ask("bob-token").await;
    assert_eq!(refused.status, 429);
    assert!(header(&refused, "retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(ask("alice-token").await.status, 200);
    assert!(!ask("").await.headers.contains_key("x-ratelimit-limit"));
    hand.forward(60_000);
    assert_eq!(header(&ask("bob-token").await, "x-ratelimit-remaining"), "1");
}

#[tokio::test]
async fn a_commanded_limit_says_when_to_come_again_and_no_more() {
    let site = server("10.3").await;
    let faults = json!({"requests": [{"do": "rateLimit", "reason": "burst", "path": "/rest/api/2/", "next": 1}]});
    let put = site.http.put(format!("{}/sandbox/faults", site.running.url())).json(&faults).send().await.unwrap();
    assert_eq!(put.status(), 200);
    let refused = site.told("bob-token", "GET", "/rest/api/2/myself", None).await;
    assert_eq!((refused.status, refused.headers.contains_key("retry-after")), (429, true));
    assert!(!refused.headers.keys().any(|name| name.as_str().contains("ratelimit")), "{:?}", refused.headers);
    assert_eq!(site.told("bob-token", "GET", "/rest/api/2/myself", None).await.status, 200);
}

#[tokio::test]
async fn a_generated_company_has_people_who_left_and_people_with_other_names() {
    let site = Server::start(Config { source: sandbox::Source::Demo(1), ..config("10.3") }).await;
    let state = site.running.state();
    let store = state.read();
    let left = store.accounts.values().filter(|account| !account.active).count();
    let renamed = store
        .accounts
        .values()
        .filter(|account| account.user_key != account.username && !account.user_key.starts_with("JIRAUSER"));
    assert!(left > 2 && renamed.count() > 2, "{left}");
    let keys: std::collections::BTreeSet<&str> = store.accounts.values().map(|a| a.user_key.as_str()).collect();
    assert_eq!(keys.len(), store.accounts.len(), "a key is one person's");
}

/// A receiver of webhooks, and what came: address, signature, whether the body is whole, and the body.
async fn receiver() -> (String, tokio::sync::mpsc::UnboundedReceiver<(String, Option<String>, Value)>) {
    use axum::{Router, body::Bytes, extract::OriginalUri, http::HeaderMap, routing::post};
    let (send, came) = tokio::sync::mpsc::unbounded_channel();
    let take = async move |OriginalUri(uri): OriginalUri, headers: HeaderMap, body: Bytes| {
        let signature = headers.get("x-hub-signature").map(|value| value.to_str().unwrap().to_owned());
        let good = signature.as_deref().is_none_or(|given| given == signed("a secret", &body));
        assert!(good, "the signature is of other bytes");
        assert!(!headers.contains_key("x-atlassian-webhook-identifier"));
        send.send((uri.to_string(), signature, serde_json::from_slice(&body).unwrap_or(Value::Null))).unwrap();
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{*path}", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, came)
}

fn signed(secret: &str, body: &[u8]) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex::encode(hmac::sign(&key, body)))
}

async fn an_incident_with_a_comment(site: &Server) -> String {
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Mail"}});
    let made = site.expect(201, "bob", "POST", "/rest/api/2/issue", Some(new)).await;
    let key = made["key"].as_str().unwrap().to_owned();
    site.running.deliveries_settled().await;
    let comment = format!("/rest/api/2/issue/{key}/comment");
    site.expect(201, "bob", "POST", &comment, Some(json!({"body": "Looking, [~carla@example.com]"}))).await;
    site.running.deliveries_settled().await;
    key
}

#[tokio::test]
async fn until_9_webhooks_are_not_signed_and_name_who_did_it() {
    let site = server("9.12").await;
    let (url, mut came) = receiver().await;
    let hooks = "/rest/webhooks/1.0/webhook";
    let new = json!({"name": "Steward", "url": format!("{url}/hear/${{issue.id}}?x=1"), "secret": "a secret",
        "events": ["jira:issue_created", "jira:issue_updated", "comment_created"],
        "filters": {"issue-related-events-section": "project = HELP"}, "excludeBody": false});
    site.expect(403, "bob", "POST", hooks, Some(new.clone())).await;
    site.expect(404, "alice", "POST", "/rest/jira-webhook/1.0/webhooks", Some(new.clone())).await;
    let made = site.expect(201, "alice", "POST", hooks, Some(new)).await;
    assert_eq!((&made["lastUpdatedUser"], &made["enabled"]), (&json!("alice"), &json!(true)));
    let own = made["self"].as_str().unwrap().strip_prefix(&site.running.url()).unwrap().to_owned();
    let key = an_incident_with_a_comment(&site).await;
    let (address, signature, body) = came.recv().await.unwrap();
    assert_eq!(signature, None);
    let id = body["issue"]["id"].as_str().unwrap();
    assert_eq!(address, format!("/hear/{id}?x=1&user_id=bob&user_key=bagent"));
    assert_eq!((&body["webhookEvent"], &body["user"]["key"]), (&json!("jira:issue_created"), &json!("bagent")));
    let mut two = [came.recv().await.unwrap().2, came.recv().await.unwrap().2];
    two.sort_by_key(|body| body["webhookEvent"].to_string());
    let [comment, update] = two;
    assert_eq!((&comment["webhookEvent"], &comment["issue"]), (&json!("comment_created"), &Value::Null));
    assert_eq!(comment["comment"]["author"]["name"], "bob");
    assert_eq!(update["issue_event_type_name"], "issue_commented");
    assert_eq!(update["issue"]["key"], key.as_str());
    for body in [comment, update] {
        assert!(ALL.iter().all(|id| !body.to_string().contains(id)), "{body}");
    }
    site.expect(204, "alice", "DELETE", &own, None).await;
    assert_eq!(site.expect(200, "alice", "GET", hooks, None).await, json!([]));
}

#[tokio::test]
async fn since_10_the_secret_stands_in_the_configuration() {
    let site = server("10.3").await;
    let (url, mut came) = receiver().await;
    let hooks = "/rest/jira-webhook/1.0/webhooks";
    let new = |configuration: Value| {
        json!({"name": "Steward", "url": format!("{url}/{{issue.key}}"), "events": ["jira:issue_created"],
            "active": true, "secret": "a secret", "configuration": configuration})
    };
    let filters = json!({"issue-related-events-section": "project = OPEN"}).to_string();
    site.expect(201, "alice", "POST", hooks, Some(new(json!({"FILTERS": filters})))).await;
    let unsigned = site.expect(201, "alice", "POST", hooks, Some(new(json!({})))).await;
    an_incident_with_a_comment(&site).await;
    let (address, signature, body) = came.recv().await.unwrap();
    assert_eq!((address, signature), (format!("/{}", body["issue"]["key"].as_str().unwrap()), None));
    let own = format!("{hooks}/{}", unsigned["id"]);
    let signed = new(json!({"SECRET": "a secret", "EXCLUDE_BODY": "true"}));
    let kept = site.expect(200, "alice", "PUT", &own, Some(signed)).await;
    assert!(!kept.to_string().contains("a secret"));
    an_incident_with_a_comment(&site).await;
    let (_, signature, body) = came.recv().await.unwrap();
    assert!(signature.is_some());
    assert_eq!(body, Value::Null);
    let wrong = json!({"name": "x", "url": "http://127.0.0.1:9/", "events": ["issue_property_set"]});
    site.expect(400, "alice", "POST", hooks, Some(wrong)).await;
    assert_eq!(came.try_recv().ok(), None);
}

#[tokio::test]
async fn people_say_yes_to_a_client_on_the_site_itself() {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let site = server("10.3").await;
    let session = site.running.state().open_session(AGENT);
    let get = async |path: &str| {
        let url = if path.starts_with('/') { format!("{}{path}", site.running.url()) } else { path.to_owned() };
        let cookie = format!("{}={session}", sandbox::state::SESSION_COOKIE);
        let answer = site.http.get(url).header("cookie", cookie).send().await.unwrap();
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), to.unwrap_or_default())
    };
    let verifier = "a-verifier-of-more-than-forty-three-characters";
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(hash);
    let asked = |scope: &str| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", "client"), ("redirect_uri", CALLBACK), ("response_type", "code")])
            .extend_pairs([("state", "s"), ("scope", scope)])
            .extend_pairs([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")])
            .finish()
    };
    let (status, to) = get(&format!("/rest/oauth2/latest/authorize?{}", asked("ADMIN"))).await;
    assert!(status == 303 && to.contains("error=invalid_scope") && to.contains("state=s"), "{status} {to}");
    let (status, to) = get(&format!("/rest/oauth2/latest/authorize?{}", asked("WRITE"))).await;
    assert_eq!((status, to.starts_with("/plugins/servlet/oauth2/consent?")), (303, true));
    assert_eq!(get(&to).await.0, 200);
    let code = async || {
        let (_, back) = get(&to.replace("consent?", "consent/accept?")).await;
        let back = url::Url::parse(&back).unwrap();
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    };
    let token = async |form: &[(&str, &str)]| {
        let url = format!("{}/rest/oauth2/latest/token", site.running.url());
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", "client"), ("client_secret", "secret")])
            .extend_pairs(form)
            .finish();
        let request = site.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    let given = code().await;
    let exchange = |code: &str, verifier: &str| {
        [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code", code), ("code_verifier", verifier)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let said = async |form: &[(String, String)]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        token(&form).await
    };
    assert_eq!(said(&exchange(&given, "another")).await.1["error"], "invalid_grant");
    assert_eq!(said(&exchange(&given, verifier)).await.0, 400, "a code is good once");
    let (status, tokens) = said(&exchange(&code().await, verifier)).await;
    assert_eq!((status, &tokens["token_type"]), (200, &json!("bearer")));
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(site.told(access, "GET", "/rest/api/2/myself", None).await.name, "bob");
    // It is no person's token: what administers is closed to it.
    assert_eq!(site.told(access, "POST", "/rest/pat/latest/tokens", Some(json!({"name": "x"}))).await.status, 403);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await.0, 400);
    let whole = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("redirect_uri", CALLBACK)];
    assert_eq!(token(&whole).await.0, 200);
    assert_eq!(token(&whole).await.0, 400, "a refresh token is good once");
}
