//! A Jira Data Center below a path of its address: found from its pages and nowhere else, looked at, joined, signed in at, read
//! and told of; and every link into it keeps the path.

use kernel::AccountId;
use sandbox::Version;
use sandbox::events::Actor;
use serde_json::{Value, json};
use store::sweep;

use crate::site::{Browser, done, refused, steward};
use crate::world::World;

const PATH: &str = "/tools/tracker";

/// Links of an answer.
fn links(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("http://") => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| links(one, found)),
        Value::Object(object) => object.values().for_each(|one| links(one, found)),
        _ => {}
    }
}

/// What the agent raises for a customer: the answers that say where, the form's and the request's.
async fn raised(world: &World, customer: &str) -> [Value; 2] {
    let agent = world.agent();
    let key = world.issue();
    let project = world.jira.state().read().project(key.split('-').next().unwrap()).unwrap().id.clone();
    let kinds = agent.get(&format!("/api/v1/projects/{project}/request-types")).await.expect(200).body;
    for kind in kinds["items"].as_array().unwrap() {
        let kind = kind["id"].as_str().unwrap();
        let form = agent.get(&format!("/api/v1/projects/{project}/request-types/{kind}")).await.expect(200).body;
        if form["missing"] == json!([]) && form["described"] == json!(true) {
            let wanted = json!({
                "accountId": customer, "projectId": project, "requestTypeId": kind, "summary": "Cannot sign in",
                "description": "Since this morning.",
            });
            return [form, agent.post("/api/v1/requests", wanted).await.expect(201).body];
        }
    }
    panic!("the demo has no type that can be raised here: {kinds}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_below_a_path() {
    let world = World::data_center_below(Vec::new(), Version::default(), PATH).await;
    let url = world.jira.url();
    let (admin, agent) = (world.jira.visitor("admin").unwrap(), world.jira.visitor("agent").unwrap());
    let token = world.folder.path().join("token");
    std::fs::write(&token, admin.api_token.unwrap()).unwrap();
    let token = token.to_str().unwrap();
    let adds = async |address: &str, secret: &str| {
        let of_site = ["add", "--address", address, "--token-file", token, "--json"];
        let of_client = ["--client", "steward-client", "--secret-file", "-"];
        steward(&world, &[of_site.as_slice(), of_client.as_slice()].concat(), secret).await
    };

    // Nothing of it is anywhere else at its address.
    let server = url.strip_suffix(PATH).unwrap();
    let elsewhere = [server.to_owned(), format!("{server}/tools"), format!("{url}s")];
    for address in &elsewhere {
        refused(&adds(address, "steward-secret").await, "There is no Jira at this address");
    }
    // What is missing is told, and what is no client.
    let lesser = ["add", "--address", &url, "--token-file", "-"];
    let told = steward(&world, &lesser, agent.api_token.as_deref().unwrap()).await;
    refused(&told, "Administer Jira: Grant it to a group");
    let page = format!("{url}/browse/{}?x=1", world.issue());
    refused(&adds(&page, "another-secret").await, "client: Jira does not know this client id, or not by this secret");
    assert_eq!(done(&steward(&world, &["list", "--json"], "").await).trim(), "[]");

    // From whatever page was open.
    let joined: Value = serde_json::from_str(&done(&adds(&page, "steward-secret").await)).unwrap();
    for said in ["joined", "webhook", "signInProven"] {
        assert_eq!(joined[said], true, "{said}: {joined}");
    }
    world.program.runner.drain().await.unwrap();
    assert!(jobs::dead_letters(&world.program.store, 10).await.unwrap().is_empty());
    let list: Value = serde_json::from_str(&done(&steward(&world, &["list", "--json"], "").await)).unwrap();
    assert_eq!(list[0]["address"], format!("{url}/"), "{list}");
    done(&steward(&world, &["check"], "").await);
    let cx = world.reader().await;
    let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
    let count = |table: &str| rows.iter().find(|(name, _)| *name == table).map_or(0, |(_, count)| *count);
    assert!(count("customer") > 10 && count("organization") > 2 && count("membership") > 5, "{rows:?}");

    Box::pin(links_keep_the_path(&world, &url)).await;
    webhooks_are_asked_about(&world, &cx).await;

    // Access is asked for anew when it ends.
    world.clock.advance(std::time::Duration::from_secs(3 * 3600));
    world.agent().get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200);

    done(&steward(&world, &["remove", &url, "--yes"], "").await);
    assert!(world.jira.state().read().webhooks.is_empty());
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

/// Each link that an answer has, and what is there for whoever follows it.
async fn links_keep_the_path(world: &World, url: &str) {
    let (agent, customer) = (world.agent(), world.customer());
    let me = agent.get("/api/v1/me").await.expect(200).body;
    assert_eq!((&me["role"], &me["siteUrl"]), (&json!("agent"), &json!(format!("{url}/"))), "{me}");
    let theirs = world.known_as(&world.jira.visitor("customer").unwrap().account_id).await;
    let one = agent.get(&format!("/api/v1/customers/{theirs}")).await.expect(200).body;
    let [form, request] = Box::pin(raised(world, &theirs)).await;
    let portal = customer.get("/api/v1/portal").await.expect(200).body;
    let own = customer.get("/api/v1/me/requests").await.expect(200).body;
    assert_eq!(portal["jiraPortalUrl"], format!("{url}/servicedesk/customer/portals"));
    let key = request["issueKey"].as_str().unwrap();
    assert_eq!(request["url"], format!("{url}/browse/{key}"));
    assert!(own["items"].as_array().unwrap().iter().any(|one| one["key"] == key), "{own}");
    for (who, answers) in [("agent", [&one["counts"], &form, &request]), ("customer", [&portal, &own, &Value::Null])] {
        let mut found = Vec::new();
        answers.into_iter().for_each(|answer| links(answer, &mut found));
        assert!(found.len() > 1, "{answers:?}");
        let browser = Browser::of(world, who);
        for link in found {
            assert!(link.starts_with(&format!("{url}/")), "{link}");
            assert_eq!(browser.goes_there(&link).await.status().as_u16(), 200, "{who} {link}");
        }
    }
}

/// Jira tells of a new name, and is asked below its path what it is.
async fn webhooks_are_asked_about(world: &World, cx: &kernel::Cx) {
    let theirs = world.jira.visitor("customer").unwrap().account_id;
    let account = AccountId::new(world.known_as(&theirs).await).unwrap();
    let people = &world.program.host().people;
    let name = async || {
        let found = people.profiles(cx, std::slice::from_ref(&account)).await.unwrap();
        found.get(&account).map(|profile| profile.peek().name.clone())
    };
    assert_ne!(name().await.as_deref(), Some("Renamed Meanwhile"));
    let rename = |account: &mut sandbox::state::model::Account| account.display_name = "Renamed Meanwhile".to_owned();
    world.jira.state().edit_account(&Actor::default(), &theirs, rename).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Renamed Meanwhile"));
}
