//! Rules that copy values into an issue's own fields when it is made: once, where they are empty, on every kind of site.

use std::time::Duration;

use axum::http::Method;
use sandbox::events::Actor as Somebody;
use sandbox::faults::{Misfortune, RequestFault};
use sandbox::state::{FieldValue, NewIssue};
use serde_json::{Value, json};

use crate::world::{Answer, Joined, World};

const COPIES: &str = "/api/v1/settings/in-jira/copies";
/// Fields of the stand-in Jira's.
const LEVEL: &str = "customfield_10060";
pub(crate) const CONTRACT: &str = "customfield_10061";
const SEATS: &str = "customfield_10063";

on_both!(they_act_once_on_new_requests, what_jira_does_not_take_is_told, what_may_not_be_copied_is_refused);

impl World {
    /// Has a field's values copied into one of Jira's.
    pub(crate) async fn copies(&self, field: &str, target: &str) -> Answer {
        let etag = self.admin().get(&format!("/api/v1/fields/{field}")).await.expect(200).etag();
        self.admin().put(&format!("{COPIES}/{field}"), &etag, json!({"issueFieldId": target})).await
    }

    /// What somebody raises through the portal.
    pub(crate) fn raises(&self, reporter: &str, mut fields: Vec<FieldValue>) -> String {
        let state = self.jira.state();
        let (project_id, issue_type_id) = {
            let store = state.read();
            let known = store.issue(&self.issue()).unwrap().clone();
            (known.project_id.clone(), known.issue_type_id.clone())
        };
        fields.push(FieldValue::Reporter(Some(reporter.to_owned())));
        let (summary, channel) = ("Something new".to_owned(), "portal".to_owned());
        let new = NewIssue { project_id, issue_type_id, summary, channel, fields, properties: Default::default() };
        state.create_issue(&Somebody::person(reporter), new).unwrap().key.clone()
    }

    /// What an issue has in one of its own fields.
    pub(crate) fn has(&self, issue: &str, field: &str) -> Value {
        let state = self.jira.state();
        let store = state.read();
        store.issue(issue).unwrap().custom.get(field).cloned().unwrap_or_default()
    }

    fn labels(&self, issue: &str) -> Vec<String> {
        self.jira.state().read().issue(issue).unwrap().labels.clone()
    }

    pub(crate) async fn passes(&self, pause: Duration) {
        self.clock.advance(pause);
        self.jira.deliveries_settled().await;
        self.program.runner.drain().await.unwrap();
    }

    async fn defines_level(&self) -> (String, String) {
        let field = json!({"entity": "customer", "type": "select", "name": "Level", "audience": "customerView",
            "options": [{"label": "Gold"}, {"label": "Iron"}]});
        let made = self.admin().defines(field).await;
        (made["id"].as_str().unwrap().to_owned(), made["options"][0]["id"].as_str().unwrap().to_owned())
    }
}

async fn they_act_once_on_new_requests(world: &World) {
    let account = world.customer().account();
    let admin = world.admin();
    let (level, gold) = world.defines_level().await;
    let contract = admin.defines_text("Contract", "customerView").await;
    let plan = json!({"entity": "organization", "type": "text", "name": "Plan", "audience": "customerView"});
    let plan = admin.defines(plan).await["id"].as_str().unwrap().to_owned();
    let organization = admin.post("/api/v1/organizations", json!({"name": "Newcomers"})).await.expect(201).body;
    let organization = organization["organizationId"].as_str().unwrap();
    let members = format!("/api/v1/organizations/{organization}/members");
    admin.post(&members, json!({"accountIds": [account]})).await.expect(204);
    let path = format!("/api/v1/organizations/{organization}/values/{plan}");
    world.agent().put(&path, "\"v0\"", json!({"value": "Very large"})).await.expect(200);
    world.agent().writes(&account, &level, json!(gold)).await.expect(200);
    world.agent().writes(&account, &contract, json!("C-17")).await.expect(200);

    let before = world.raises(&account, vec![]);
    world.passes(Duration::from_secs(60)).await;
    for (field, target) in [(&level, LEVEL), (&contract, CONTRACT), (&plan, "labels")] {
        world.copies(field, target).await.expect(200);
    }
    world.passes(Duration::from_secs(60)).await;
    let issue = world.raises(&account, vec![]);
    let given = world.raises(&account, vec![FieldValue::Custom(CONTRACT.to_owned(), json!("C-99"))]);
    let other = world.raises(&world.other_customer().account(), vec![]);
    world.passes(Duration::from_secs(60)).await;
    assert_eq!((world.has(&issue, LEVEL), world.has(&issue, CONTRACT)), (json!({"value": "Gold"}), json!("C-17")));
    assert_eq!(world.labels(&issue), ["Very_large"]);
    assert_eq!(world.has(&given, CONTRACT), json!("C-99"), "what somebody wrote stays");
    assert_eq!(world.has(&given, LEVEL), json!({"value": "Gold"}));
    assert_eq!(world.has(&other, LEVEL), Value::Null);
    assert_eq!(world.has(&before, LEVEL), Value::Null, "what was there before the rule is left alone");

    // Once: what an agent empties stays empty, and a later value is not copied after.
    let id = world.jira.state().read().issue(&issue).unwrap().id;
    let emptied = vec![FieldValue::Custom(CONTRACT.to_owned(), Value::Null)];
    world.jira.state().edit_issue(&Somebody::person(&account), id, emptied).unwrap();
    let etag = world.agent().get(&format!("/api/v1/customers/{account}/values")).await.etag();
    let path = format!("/api/v1/customers/{account}/values/{contract}");
    world.agent().put(&path, &etag, json!({"value": "C-18"})).await.expect(200);
    world.passes(Duration::from_secs(3_600)).await;
    assert_eq!(world.has(&issue, CONTRACT), Value::Null);

    // That it lies there now is a reading, and the rule ends with the field's use.
    let told = world.customer().get(&format!("/api/v1/customers/{account}/readings")).await.expect(200).body;
    assert!(told["items"].as_array().unwrap().iter().any(|one| one["way"] == "issue"), "{told}");
    let rules = admin.get(COPIES).await.expect(200).body;
    assert_eq!(rules["copies"].as_array().unwrap().len(), 3, "{rules}");
    assert_eq!(rules["failures"], json!([]));
    let etag = admin.get(&format!("/api/v1/fields/{level}")).await.etag();
    admin.ask(Method::DELETE, &format!("{COPIES}/{level}"), Some(&etag), None).await.expect(204);
    let etag = admin.get(&format!("/api/v1/fields/{contract}")).await.etag();
    admin.ask(Method::DELETE, &format!("/api/v1/fields/{contract}"), Some(&etag), None).await.expect(204);
    let last = world.raises(&account, vec![]);
    world.passes(Duration::from_secs(60)).await;
    assert_eq!((world.has(&last, LEVEL), world.has(&last, CONTRACT)), (Value::Null, Value::Null));
    assert_eq!(world.labels(&last), ["Very_large"]);
}

async fn what_jira_does_not_take_is_told(world: &World) {
    let account = world.customer().account();
    let admin = world.admin();
    let level = admin.defines_text("Level", "customerView").await;
    let contract = admin.defines_text("Contract", "customerView").await;
    world.agent().writes(&account, &level, json!("Platinum")).await.expect(200);
    world.agent().writes(&account, &contract, json!("C-17")).await.expect(200);
    world.copies(&level, LEVEL).await.expect(200);
    world.copies(&contract, CONTRACT).await.expect(200);
    world.passes(Duration::from_secs(60)).await;

    // No option of that name: that one is told, the other one is copied.
    let issue = world.raises(&account, vec![]);
    world.passes(Duration::from_secs(60)).await;
    assert_eq!((world.has(&issue, LEVEL), world.has(&issue, CONTRACT)), (Value::Null, json!("C-17")));
    let told = admin.get(COPIES).await.expect(200).body;
    let failure = &told["failures"][0];
    assert_eq!((&failure["fieldId"], &failure["code"]), (&json!(level), &json!("jira_rejected")), "{told}");
    assert_eq!(told["failures"].as_array().unwrap().len(), 1);

    // Jira does it and does not say so: it is there, once, and nothing is told.
    let rule = RequestFault {
        method: Some(Method::PUT),
        path: Some("/rest/api/3/issue/".to_owned()),
        next: Some(1),
        chance: 1.0,
        what: Misfortune::Lose,
    };
    world.jira.state().faults().command(sandbox::Faults { requests: vec![rule], ..sandbox::Faults::none() }, None);
    let issue = world.raises(&account, vec![]);
    world.passes(Duration::from_secs(1)).await;
    world.passes(Duration::from_secs(3_600)).await;
    assert_eq!(world.has(&issue, CONTRACT), json!("C-17"));
    // A month later it is told no more.
    world.clock.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(admin.get(COPIES).await.expect(200).body["failures"], json!([]));
    world.passes(Duration::from_secs(60)).await;
}

async fn what_may_not_be_copied_is_refused(world: &World) {
    let admin = world.admin();
    let secret = admin.defines_text("Rating", "agents").await;
    let open = admin.defines_text("Contract", "customerView").await;
    let second = admin.defines_text("Second", "customerView").await;
    let fields = admin.get("/api/v1/settings/in-jira/issue-fields").await.expect(200).body;
    let ids: Vec<&str> = fields["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"labels") && ids.contains(&LEVEL) && !ids.contains(&"summary"), "{ids:?}");
    for (field, target, pointer, code) in [
        (&secret, CONTRACT, "/fieldId", "audience"),
        (&open, SEATS, "/issueFieldId", "type"),
        (&open, "summary", "/issueFieldId", "unknown"),
    ] {
        let refused = world.copies(field, target).await.expect(422).body;
        let error = &refused["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{refused}");
    }
    world.copies(&open, CONTRACT).await.expect(200);
    assert_eq!(world.copies(&second, CONTRACT).await.expect(422).body["errors"][0]["code"], "taken");
    let etag = admin.get(&format!("/api/v1/fields/{open}")).await.etag();
    let (path, body) = (format!("{COPIES}/{open}"), json!({"issueFieldId": CONTRACT}));
    for other in [world.agent(), world.customer()] {
        other.put(&path, &etag, body.clone()).await.expect(403);
        other.get(COPIES).await.expect(403);
    }
    admin.put(&path, "\"v1\"", body).await.expect(412);

    // Narrowed to agents, it is copied no more, also when it is widened again.
    let path = format!("/api/v1/fields/{open}");
    for audience in ["agents", "customerView"] {
        let etag = admin.get(&path).await.etag();
        let body = json!({"entity": "customer", "type": "text", "name": "Contract", "audience": audience});
        admin.put(&path, &etag, body).await.expect(200);
    }
    assert_eq!(admin.get(COPIES).await.expect(200).body["copies"], json!([]));
    world.passes(Duration::from_secs(60)).await;
}

/// Where Jira names an issue and says no word more, they are copied at once; and found, if that is lost.
async fn told_or_found(joined: Joined) {
    let world = World::joined_by(joined, Vec::new()).await;
    let account = world.jira.visitor("customer").unwrap().account_id;
    let known = world.known_as(&account).await;
    let contract = world.admin().defines_text("Contract", "customerView").await;
    world.agent().writes(&known, &contract, json!("C-17")).await.expect(200);
    world.copies(&contract, CONTRACT).await.expect(200);
    world.passes(Duration::from_secs(60)).await;
    let told = world.raises(&account, vec![]);
    world.passes(Duration::ZERO).await;
    assert_eq!(world.has(&told, CONTRACT), json!("C-17"), "{joined:?}");
    // Once, however often it is told: what somebody empties stays empty.
    let id = world.jira.state().read().issue(&told).unwrap().id;
    let emptied = vec![FieldValue::Custom(CONTRACT.to_owned(), Value::Null)];
    world.jira.state().edit_issue(&Somebody::person(&account), id, emptied).unwrap();
    world.passes(Duration::from_secs(11)).await;
    assert_eq!(world.has(&told, CONTRACT), Value::Null, "{joined:?}");

    let lost = sandbox::Faults { delivery_dropped: 1.0, ..sandbox::Faults::none() };
    world.jira.state().faults().command(lost, None);
    let found = world.raises(&account, vec![]);
    world.passes(Duration::ZERO).await;
    assert_eq!(world.has(&found, CONTRACT), Value::Null, "{joined:?}");
    world.jira.state().faults().take_back();
    for _ in 0..3 {
        world.passes(Duration::from_secs(310)).await;
    }
    assert_eq!(world.has(&found, CONTRACT), json!("C-17"), "{joined:?}");
    assert_eq!(world.has(&told, CONTRACT), Value::Null, "{joined:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_cloud_site_by_token() {
    Box::pin(told_or_found(Joined::CloudToken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center() {
    Box::pin(told_or_found(Joined::DataCenter)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_site_with_the_connect_app() {
    Box::pin(told_or_found(Joined::Connect)).await;
}
