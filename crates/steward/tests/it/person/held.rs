//! What is held about a person, told to them and to administrators; their copy of it; and two who were made one.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use store::ledger;

use super::{readings, ways};
use crate::world::{Actor, World};

on_both!(
    what_is_held_is_told_and_no_class_is_forgotten,
    a_copy_holds_what_the_person_may_see,
    what_is_told_of_a_merged_customer,
);

/// Classes of which nothing is about a customer: what the tenant's own people made, and what joins a server to a site.
const OF_NOBODY: [&str; 26] = [
    "api-token",
    "connect-credential",
    "customer-sign-in-key",
    "customer-sign-in-secret",
    "customer-sign-in-token",
    "deleted-view",
    "entitlement",
    "field-definition",
    "finished-job",
    "import-mapping",
    "import-record",
    "instant",
    "invocation",
    "name-hash",
    "opaque-id",
    "organization-name",
    "organization-value",
    "outward-call",
    "product",
    "saved-view",
    "site",
    "site-credential",
    "site-move",
    "state",
    "webhook",
    "webhook-secret",
];

async fn what_is_held_is_told_and_no_class_is_forgotten(world: &World) {
    let (admin, customer, agent) = (world.admin(), world.customer(), world.agent());
    let open = admin.defines_text("Animal", "customerView").await;
    let secret = admin.defines_text("Canary of the support team", "agents").await;
    let account = customer.account();
    let path = format!("/api/v1/customers/{account}/held");
    let empty = customer.get(&path).await.expect(200).body;
    assert_eq!((&empty["values"], &empty["hiddenFields"], &empty["region"]), (&json!([]), &json!(0), &json!("test")));
    agent.writes(&account, &open, json!("lynx")).await.expect(200);
    agent.writes(&account, &open, json!("ocelot")).await.expect(200);
    agent.writes(&account, &secret, json!("canary in a note")).await.expect(200);

    let answer = customer.get(&path).await.expect(200);
    assert!(!answer.text.contains("anary"), "{}", answer.text);
    let held = answer.body;
    assert_eq!(held["hiddenFields"], 1);
    assert_eq!((held["values"].as_array().unwrap().len(), &held["values"][0]["fieldName"]), (1, &json!("Animal")));
    let class = |name: &str| {
        let found = held["classes"].as_array().unwrap().iter().find(|class| class["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("{name} is not told"))
    };
    let values = class("customer-value");
    // Two values as they stand and three changes.
    assert_eq!(
        (&values["entries"], &values["keptDays"], &values["liesIn"]),
        (&json!(5), &Value::Null, &json!("database"))
    );
    assert_eq!(values["since"], "2026-11-22T09:00:00Z");
    assert_eq!((&class("reading")["entries"], &class("reading")["keptDays"]), (&json!(1), &json!(365)));
    assert_eq!((&class("directory-entry")["entries"], &class("person-cache")["keptDays"]), (&json!(3), &json!(7)));
    assert_eq!((&class("search-index")["entries"], &class("search-index")["liesIn"]), (&Value::Null, &json!("files")));
    assert!(held.get("mergedInto").is_none() && held.get("mergedFrom").is_none(), "{held}");

    let told: BTreeSet<&str> =
        held["classes"].as_array().unwrap().iter().map(|class| class["name"].as_str().unwrap()).collect();
    let known = steward::program::registry();
    let known: BTreeSet<&str> = known.classes().into_keys().collect();
    let forgotten: Vec<_> = known.iter().filter(|name| !told.contains(*name) && !OF_NOBODY.contains(name)).collect();
    assert!(forgotten.is_empty(), "say whether something of it is a customer's: {forgotten:?}");
    let both: Vec<_> = OF_NOBODY.iter().filter(|name| told.contains(*name)).collect();
    assert!(both.is_empty(), "{both:?}");

    // An administrator is shown what the person is shown.
    let shown = admin.get(&path).await.expect(200).body;
    assert_eq!((&shown["values"], &shown["hiddenFields"]), (&held["values"], &held["hiddenFields"]));
    world.program.runner.drain().await.unwrap();
}

async fn a_copy_holds_what_the_person_may_see(world: &World) {
    let (admin, customer, agent) = (world.admin(), world.customer(), world.agent());
    let open = admin.defines_text("Animal", "customerEdit").await;
    let secret = admin.defines_text("Canary of the support team", "agents").await;
    let account = customer.account();
    customer.writes(&account, &open, json!("lynx")).await.expect(200);
    agent.writes(&account, &open, json!("ocelot")).await.expect(200);
    agent.writes(&account, &secret, json!("canary in a note")).await.expect(200);
    let path = format!("/api/v1/customers/{account}/copy");
    for actor in [&customer, &admin] {
        let answer = actor.ask(Method::POST, &path, None, None).await.expect(200);
        assert!(!answer.text.contains("anary"), "{}", answer.text);
        let named = answer.headers["content-disposition"].to_str().unwrap();
        assert_eq!(named, "attachment; filename=\"held-about-you-2026-11-22.json\"");
        let copy = answer.body;
        assert_eq!((&copy["accountId"], &copy["hiddenFields"]), (&json!(account), &json!(1)));
        assert!(copy["profile"]["displayName"].is_string());
        assert_eq!(
            (&copy["values"][0]["text"], &copy["values"][0]["givenBy"]),
            (&json!("ocelot"), &json!("supportTeam"))
        );
        let changes = copy["changes"].as_array().unwrap();
        let said: Vec<_> = changes.iter().map(|one| (&one["fromText"], &one["toText"], &one["givenBy"])).collect();
        let (lynx, none, ocelot) = (json!("lynx"), json!(""), json!("ocelot"));
        let (team, person) = (json!("supportTeam"), json!("person"));
        assert_eq!(said, [(&lynx, &ocelot, &team), (&none, &lynx, &person)]);
        assert_eq!((&copy["moreChanges"], &copy["moreReadings"]), (&json!(false), &json!(false)));
        assert_eq!(copy["readings"][0]["by"], "supportTeam");
        assert!(!copy["readings"].to_string().contains(&agent.account()));
    }
    // The ledger knows of both; that an administrator took one is told.
    let entries =
        ledger::list(&mut world.program.store.read(&world.reader().await).await.unwrap(), 0, 10_000).await.unwrap();
    let copies: Vec<_> = entries.iter().filter(|entry| entry.kind == "customers.person_copied").collect();
    assert_eq!(copies.len(), 2);
    assert!(copies.iter().all(|entry| entry.subject.is_some() && entry.actor.is_some()));
    assert_eq!(copies[0].object.as_deref(), Some("values=1 changes=2 readings=1"));
    assert!(ways(&readings(&customer, &account).await).contains(&("export".to_owned(), "administrator".to_owned())));
}

/// Each is told what is theirs: the merged one's values lie with them still, what was moved lies with the kept one.
async fn what_is_told_of_a_merged_customer(world: &World) {
    let (admin, agent, kept, merged) = (world.admin(), world.agent(), world.customer(), world.other_customer());
    let field = admin.defines_text("Animal", "customerView").await;
    let (here, there) = (kept.account(), merged.account());
    agent.writes(&there, &field, json!("lynx")).await.expect(200);
    let wish = json!({"keptVersion": 0, "mergedVersion": agent.get(&format!("/api/v1/customers/{there}/values")).await.expect(200).body["version"]});
    let merge = agent.post(&format!("/api/v1/customers/{here}/merge/{there}"), wish).await.expect(201).body;

    let held = |actor: &Actor<'_>, account: &str| {
        let (path, token) = (format!("/api/v1/customers/{account}/held"), actor.who.clone());
        async move {
            let module = if token == "admin" { "settings-page" } else { "portal-profile" };
            world.on_page(&token, module).get(&path).await.expect(200)
        }
    };
    let entries = |held: &Value| {
        let classes = held["classes"].as_array().unwrap();
        classes.iter().find(|class| class["name"] == "merge").unwrap()["entries"].clone()
    };
    let (of_kept, of_merged) = (held(&kept, &here).await, held(&merged, &there).await);
    assert_eq!((&of_kept.body["values"][0]["text"], entries(&of_kept.body)), (&json!("lynx"), json!(1)));
    assert_eq!((&of_merged.body["values"][0]["text"], entries(&of_merged.body)), (&json!("lynx"), json!(1)));
    assert!(!of_kept.text.contains(&there) && !of_merged.text.contains(&here), "one is told nothing of the other");
    assert_eq!(held(&admin, &there).await.body["mergedInto"], json!(here));
    assert_eq!(held(&admin, &here).await.body["mergedFrom"], json!([there]));
    // What was seen of the one was not seen of the other: only the administrator looked at the kept one's.
    let of_the_kept = ways(&readings(&kept, &here).await);
    assert_eq!(of_the_kept, [("held".to_owned(), "administrator".to_owned())].into());
    assert!(ways(&readings(&merged, &there).await).contains(&("page".to_owned(), "supportTeam".to_owned())));

    let id = merge["merge"]["id"].as_str().unwrap();
    agent.ask(Method::POST, &format!("/api/v1/merges/{id}/undo"), None, None).await.expect(200);
    let after = held(&admin, &there).await.body;
    assert!(after.get("mergedInto").is_none(), "{after}");
    assert_eq!(held(&kept, &here).await.body["values"], json!([]));
    world.program.runner.drain().await.unwrap();
}
