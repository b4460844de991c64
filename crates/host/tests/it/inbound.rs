//! Calls from Forge: pages, events, the hourly call, the end.

use std::collections::BTreeMap;

use host::{As, ForgeHeaders, Jira, client::IssueRef};
use kernel::Kind;
use serde_json::Value;
use store::{ledger, outbox, tenants};

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_page_makes_its_tenant_and_a_token_works_once,
    tokens_used_at_the_same_time_work_once,
    tokens_from_elsewhere_are_refused,
    only_allowed_sites_become_tenants,
    events_become_ids_in_the_outbox,
    a_changed_account_is_told,
    a_tenant_that_leaves_is_gone_at_once,
    without_keys_nobody_is_refused_for_good,
);

async fn a_page_makes_its_tenant_and_a_token_works_once(database: &Database) {
    let world = World::start(database).await;
    let (_, key, _) = world.some_request();
    let page = world.page("agent", "customer-panel", Some(&key)).await;
    let call = world.host.inbound.verify(&page.forge()).await.unwrap();
    let cx = world.cx(call.tenant);
    world.host.inbound.settle(&cx, &call).await.unwrap();
    assert_eq!(call.invocation.extension.issue_key.as_ref().unwrap().as_str(), key);
    assert_eq!(call.invocation.module, "customer-panel");
    assert_eq!(call.known.site.url.as_ref().unwrap().as_str().trim_end_matches('/'), world.jira.url());

    // The same token again: verified, and refused when it is settled; by a fresh process too.
    let again = world.host.inbound.verify(&page.forge()).await.unwrap();
    let fault = world.host.inbound.settle(&cx, &again).await.unwrap_err();
    assert_eq!((fault.kind(), fault.code()), (Kind::Unauthenticated, "token_replayed"));

    // Another page of the same installation is the same tenant, and nothing is told twice.
    let (second, _, _) = world.enter("admin", "settings-page", None).await;
    assert_eq!(second.tenant, call.tenant);
    let entries = ledger::list(&mut world.base.store.read(&cx).await.unwrap(), 0, 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["tenant.installed"]);
    let told = outbox::next(&mut world.base.store.server_write().await.unwrap(), 10).await.unwrap();
    assert_eq!(told.iter().map(|message| message.topic.as_str()).collect::<Vec<_>>(), ["tenant.installed"]);
}

/// Calls that come together are settled in one transaction; each token is good once all the same, on two nodes too.
async fn tokens_used_at_the_same_time_work_once(database: &Database) {
    let world = World::start(database).await;
    let (_, cx, _) = world.enter("agent", "customers-page", None).await;
    let base = &world.base;
    let config = crate::world::host_config(&world.jira);
    let other = host::Host::new(config, base.store.clone(), base.vault.clone(), base.clock.clone()).unwrap();
    let mut calls = Vec::new();
    for number in 0..40 {
        let page = world.page(if number % 2 == 0 { "agent" } else { "admin" }, "customers-page", None).await;
        // The other node hears them the other way around.
        calls.push((number, &world.host, world.host.inbound.verify(&page.forge()).await.unwrap()));
        calls.push((number, &world.host, world.host.inbound.verify(&page.forge()).await.unwrap()));
        calls.insert(0, (number, &other, other.inbound.verify(&page.forge()).await.unwrap()));
    }
    let settled = futures::future::join_all(calls.iter().map(|(_, host, call)| host.inbound.settle(&cx, call))).await;
    let mut taken = [0; 40];
    for ((number, ..), settled) in calls.iter().zip(settled) {
        match settled {
            Ok(()) => taken[*number] += 1,
            Err(fault) => assert_eq!((fault.kind(), fault.code()), (Kind::Unauthenticated, "token_replayed")),
        }
    }
    assert_eq!(taken, [1; 40]);
    // What came beside a token that was used before is not kept: it would be kept for its longer life, and Jira knows it not.
    let (page, text) = (world.page("agent", "customers-page", None).await, world.long_lived_text());
    let foreign = ForgeHeaders { system_token: Some(&text), ..page.forge() };
    let (first, again) = (world.host.inbound.verify(&page.forge()).await, world.host.inbound.verify(&foreign).await);
    let (first, again) = (first.unwrap(), again.unwrap());
    let (first, again) = futures::join!(world.host.inbound.settle(&cx, &first), world.host.inbound.settle(&cx, &again));
    assert_eq!((first.is_ok(), again.unwrap_err().code()), (true, "token_replayed"));
    Jira::for_tenant(&world.host.cloud, &cx, As::App).server_info().await.unwrap();
}

async fn tokens_from_elsewhere_are_refused(database: &Database) {
    let world = World::start(database).await;
    let elsewhere = Database::sqlite().await.unwrap();
    let other = World::start(&elsewhere).await;
    let page = other.page("agent", "customers-page", None).await;
    // Signed by another host, with a key that ours does not publish.
    let fault = world.host.inbound.verify(&page.forge()).await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Unauthenticated, "token_invalid"));
    for authorization in [None, Some("Bearer x"), Some("Basic eDp5")] {
        let headers = ForgeHeaders { authorization, ..ForgeHeaders::default() };
        let fault = world.host.inbound.verify(&headers).await.err().unwrap();
        assert_eq!(fault.kind(), Kind::Unauthenticated);
    }
    let all = tenants::list::<String>(&world.base.store, kernel::TenantId::SERVER, 10).await.unwrap();
    assert!(all.is_empty());
}

async fn only_allowed_sites_become_tenants(database: &Database) {
    let world = World::start(database).await;
    let base = &world.base;
    let with = |sites: &[&str]| {
        let mut config = crate::world::host_config(&world.jira);
        config.sites = sites.iter().map(|site| (*site).to_owned()).collect();
        host::Host::new(config, base.store.clone(), base.vault.clone(), base.clock.clone()).unwrap()
    };
    let page = world.page("agent", "customers-page", None).await;
    let strangers = ["https://elsewhere.atlassian.net", "00000000-0000-4000-8000-000000000000"];
    let fault = with(&strangers).inbound.verify(&page.forge()).await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Unauthenticated, "site_not_allowed"));
    let all = tenants::list::<String>(&base.store, kernel::TenantId::SERVER, 10).await.unwrap();
    assert!(all.is_empty(), "a tenant was made");
    // An event says no origin: the id lets it in, the origin does not.
    let event = world.next_sent_to("/forge/events").await;
    let site = world.jira.url();
    let fault = with(&[&site]).inbound.verify(&event.forge()).await.err().unwrap();
    assert_eq!(fault.code(), "site_not_allowed");
    let cloud = world.jira.state().cloud_id().to_owned();
    let first = with(&[strangers[0], &cloud]).inbound.verify(&event.forge()).await.unwrap();
    assert_eq!(first.known.cloud, cloud);
    // Whoever is a tenant stays one.
    let again = with(&strangers).inbound.verify(&page.forge()).await.unwrap();
    assert_eq!(again.tenant, first.tenant);
}

async fn a_changed_account_is_told(database: &Database) {
    let world = World::start(database).await;
    let (_, cx, person) = world.enter("agent", "customers-page", None).await;
    world.host.people.profile(&cx, &person).await.unwrap().unwrap();
    let kept =
        async || world.host.people.profiles(&world.cx(cx.tenant()), std::slice::from_ref(&person)).await.unwrap();
    assert_eq!(kept().await.len(), 1);
    let actor = sandbox::events::Actor::person(person.as_str());
    let rename = |account: &mut sandbox::state::model::Account| account.display_name = "Another Name".to_owned();
    world.jira.state().edit_account(&actor, person.as_str(), rename).unwrap();
    let told = loop {
        let sent = world.next_sent_to("/forge/events").await;
        if String::from_utf8_lossy(&sent.body).contains("avi:jira:updated:user") {
            break sent;
        }
    };
    let call = world.host.inbound.verify(&told.forge()).await.unwrap();
    world.host.inbound.accept_event(&cx, &call, &told.body).await.unwrap();
    let mut messages = outbox::next(&mut world.base.store.server_write().await.unwrap(), 10).await.unwrap();
    messages.retain(|message| message.topic == host::events::USER_TOPIC);
    let payload: Value = serde_json::from_str(&messages[0].body).unwrap();
    for handler in world.host.handlers() {
        if handler.topic() == Some(host::events::USER_TOPIC) {
            handler.run(&cx, &payload).await.unwrap();
        }
    }
    let profile = kept().await.remove(&person).unwrap();
    assert_eq!(profile.release(&vault::Exit::audited()).name, "Another Name");
}

async fn events_become_ids_in_the_outbox(database: &Database) {
    let world = World::start(database).await;
    let installed = world.next_sent_to("/forge/events").await;
    let call = world.host.inbound.verify(&installed.forge()).await.unwrap();
    let cx = world.cx(call.tenant);
    world.host.inbound.accept_event(&cx, &call, &installed.body).await.unwrap();
    // An event names nobody.
    assert_eq!(call.person().err().unwrap().code(), "person_required");

    let (id, _, reporter) = world.some_request();
    let actor = sandbox::events::Actor::person(reporter.as_str());
    let canary = "canary in a comment";
    let adf = serde_json::json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": canary}]}]});
    world.jira.state().add_comment(&actor, id.parse().unwrap(), adf, true, None, BTreeMap::new()).unwrap();
    let commented = loop {
        let sent = world.next_sent_to("/forge/events").await;
        if String::from_utf8_lossy(&sent.body).contains("avi:jira:commented:issue") {
            break sent;
        }
    };
    let call = world.host.inbound.verify(&commented.forge()).await.unwrap();
    world.host.inbound.accept_event(&cx, &call, &commented.body).await.unwrap();
    let replay = world.host.inbound.accept_event(&cx, &call, &commented.body).await.unwrap_err();
    assert_eq!(replay.code(), "token_replayed");

    let told = outbox::next(&mut world.base.store.server_write().await.unwrap(), 10).await.unwrap();
    let topics: Vec<&str> = told.iter().map(|message| message.topic.as_str()).collect();
    assert_eq!(topics, ["tenant.installed", "jira.comment"]);
    let body: Value = serde_json::from_str(&told[1].body).unwrap();
    assert_eq!((body["event"].as_str(), body["issue"].as_str()), (Some("written"), Some(id.as_str())));
    assert!(!told[1].body.contains("canary"));

    // No page told the site's address yet: a job asks for it.
    assert!(world.host.sites.of(call.tenant).await.unwrap().site.url.is_none());
    for handler in world.host.handlers() {
        if handler.topic() == Some(host::events::INSTALLED_TOPIC) {
            handler.run(&cx, &Value::Null).await.unwrap();
        }
    }
    let site = world.host.sites.of(call.tenant).await.unwrap().site.url.clone().unwrap();
    assert_eq!(site.as_str().trim_end_matches('/'), world.jira.url());

    // The event brought the token to act as the app, which works.
    let jira = Jira::for_tenant(&world.host.cloud, &cx, As::App);
    assert_eq!(jira.issue(&IssueRef::parse(&id).unwrap()).await.unwrap().id.as_str(), id);
}

async fn without_keys_nobody_is_refused_for_good(database: &Database) {
    let world = World::start(database).await;
    let page = world.page("agent", "customers-page", None).await;
    world.host.inbound.verify(&page.forge()).await.unwrap();
    let mut config = crate::world::host_config(&world.jira);
    config.signing_keys.set_port(Some(1)).unwrap();
    let base = &world.base;
    let deaf = host::Host::new(config, base.store.clone(), base.vault.clone(), base.clock.clone()).unwrap();
    for _ in 0..2 {
        let fault = deaf.inbound.verify(&page.forge()).await.err().unwrap();
        assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "token_keys_unavailable"));
    }
    // Two calls, one try: keys are asked for once in half a minute.
    deaf.door.flush().await.unwrap();
    world.host.door.flush().await.unwrap();
    let lines = store::outward::list(&base.store, kernel::TenantId::SERVER, 10).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.calls).sum::<i64>(), 2);
}

async fn a_tenant_that_leaves_is_gone_at_once(database: &Database) {
    let world = World::start(database).await;
    let (call, cx, person) = world.enter("agent", "customers-page", None).await;
    world.host.callers.standing_of_caller(&cx, &person, &[]).await.unwrap();
    // A page that was opened before, and is used after.
    let late = world.page("agent", "customers-page", None).await;

    let forge = world.jira.forge();
    let leaving = tokio::spawn(async move { forge.uninstall(crate::world::APP).await });
    let sent = world.next_sent_to("/forge/uninstall").await;
    let uninstall = world.host.inbound.verify(&sent.forge()).await.unwrap();
    world.host.inbound.accept_uninstall(&cx, &uninstall).await.unwrap();
    leaving.await.unwrap().unwrap();

    let fault = world.host.inbound.verify(&late.forge()).await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Unauthenticated, "tenant_gone"));
    assert_eq!(world.host.sites.of(call.tenant).await.err().unwrap().code(), "tenant_gone");
    // Nothing leaves for it any more.
    assert!(Jira::for_tenant(&world.host.cloud, &cx, As::App).myself().await.is_err());
    let entries = ledger::list(&mut world.base.store.read(&cx).await.unwrap(), 0, 10).await.unwrap();
    assert_eq!(entries.last().unwrap().kind, "tenant.gone");
    let told = outbox::next(&mut world.base.store.server_write().await.unwrap(), 10).await.unwrap();
    assert_eq!(told.last().unwrap().topic, "tenant.gone");
}
