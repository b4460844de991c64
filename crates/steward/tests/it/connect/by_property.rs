//! A Forge app that has nothing of Connect's but the key, so that Connect tells nobody of its installation: Jira says which site it was, and what comes first
//! goes on with what that site had. A site that was never here begins its own.

use sandbox::Faults;
use sandbox::faults::{Misfortune, RequestFault};
use store::tenants::{self, State};

use super::*;

const CLOUD: &str = "22222222-2222-4222-8222-222222222222";

/// The app is installed, and told the server's address only then: whatever comes next is the first call.
async fn installs(world: &World, jira: &sandbox::Running) -> String {
    const TOLD: &str = "avi:forge:installed:app";
    let before = jira.attempts_of(TOLD);
    let forge = jira.forge().install(carried::by_its_key(), None).unwrap();
    // What is told of it finds no address, and is told again much later.
    while jira.attempts_of(TOLD) == before {
        tokio::task::yield_now().await;
    }
    forge.set_remote_address("backend", Some(world.config.server.origin.as_str())).unwrap();
    forge.installation_id()
}

/// Another server with an app of the same key, which takes whatever it is told: where its descriptor is.
async fn elsewhere() -> String {
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let descriptor = json!({
        "key": CONNECT_APP, "baseUrl": base, "authentication": {"type": "jwt"}, "apiMigrations": {"signed-install": true},
        "lifecycle": {"installed": "/told", "uninstalled": "/told"}, "scopes": ["READ"],
    });
    let descriptor = descriptor.to_string();
    let router = axum::Router::new()
        .route("/descriptor", axum::routing::get(move || async { descriptor }))
        .route("/told", axum::routing::post(|| async { axum::http::StatusCode::NO_CONTENT }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("{base}/descriptor")
}

async fn named(world: &World, installation: &str) -> Option<kernel::TenantId> {
    let row = tenants::by_name::<Value>(&world.program.store, installation).await.unwrap();
    row.map(|tenant| tenant.id)
}

/// Whoever asks the site what it was called by is answered so.
fn is_answered_with(jira: &sandbox::Running, status: u16) {
    let path = Some("/rest/atlassian-connect".to_owned());
    let rule = RequestFault { method: None, path, next: None, chance: 1.0, what: Misfortune::Error { status } };
    jira.state().faults().command(Faults { requests: vec![rule], ..Faults::none() }, None);
}

/// Mode and state of every tenant, oldest first.
async fn all(world: &World) -> Vec<(Mode, State)> {
    let all = tenants::list::<Value>(&world.program.store, kernel::TenantId::SERVER, 10).await.unwrap();
    all.into_iter().map(|tenant| (tenant.mode, tenant.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_first_opens_what_the_site_had() {
    let world = World::start_connected().await;
    let field = world.admin().defines_text("Contract", "agents").await;
    let customer = world.customer().account();
    world.agent().writes(&customer, &field, json!("K-17")).await.expect(200);
    let tenant = world.tenant().await;
    let installation = installs(&world, &world.jira).await;
    let path = format!("/api/v1/customers/{customer}/values");

    // Nothing is settled, and no tenant made, while Jira cannot be asked: without a token, with one that it does not take, while it does not answer.
    let waits = async |answer: Answer, code: &str| {
        assert_eq!(answer.expect(503).body["code"], code);
        assert_eq!(
            (all(&world).await, named(&world, &installation).await),
            (vec![(Mode::Connect, State::Active)], None)
        );
    };
    waits(world.agent().get(&path).await, "jira_access_missing").await;
    let page = page_of_forge(&world.jira).await;
    let foreign = Request::get(&path)
        .header(header::AUTHORIZATION, format!("Bearer {}", page["token"].as_str().unwrap()))
        .header("x-forge-oauth-system", "not-the-apps");
    waits(world.send(foreign.body(Body::empty()).unwrap()).await, "jira_access_missing").await;
    // One that Jira takes, and that is not the app's: whoever looks at a page may send it along.
    let theirs = page_of_forge(&world.jira).await;
    let misled = Request::get(&path)
        .header(header::AUTHORIZATION, format!("Bearer {}", theirs["token"].as_str().unwrap()))
        .header("x-forge-oauth-system", theirs["headers"]["x-forge-oauth-user"].as_str().unwrap());
    waits(world.send(misled.body(Body::empty()).unwrap()).await, "jira_access_missing").await;
    is_answered_with(&world.jira, 503);
    waits(opens_by_forge(&world, &world.jira, &path).await, "jira_unavailable").await;
    world.jira.state().faults().take_back();

    let values = opens_by_forge(&world, &world.jira, &path).await.expect(200);
    assert!(values.text.contains("K-17"), "{}", values.text);
    assert_eq!((world.tenant().await, mode(&world).await), (tenant, Mode::Forge));
    assert_eq!(named(&world, &installation).await, Some(tenant), "from now on nobody has to ask");
    world.agent().get(&path).await.expect(200);
    let cx = world.reader().await;
    let entries = store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1000).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.kind == "tenant.moved").count(), 1);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_was_never_here_begins_its_own() {
    let mut world = World::start_connected().await;
    let second = crate::world::site(&world.clock, CLOUD, Some(&world.jira)).await;
    world.admit(&second).await;
    let world = world;
    let app = steward::demo::app_id().unwrap();
    let (connected, here, gone) =
        ((Mode::Connect, State::Active), (Mode::Forge, State::Active), (Mode::Forge, State::Gone));

    // It never had the Connect app, and Forge's own call is the first.
    second.forge().install(carried::by_its_key(), Some(world.config.server.origin.as_str())).unwrap();
    second.deliveries_settled().await;
    assert_eq!(all(&world).await, [connected, here]);
    second.forge().uninstall(&app).await.unwrap();

    // It had one of the same key, of another server's.
    second.connect().install(&elsewhere().await, None).await.unwrap();
    installs(&world, &second).await;
    opens_by_forge(&world, &second, "/api/v1/me").await.expect(200);
    assert_eq!(all(&world).await, [connected, gone, here]);
    second.forge().uninstall(&app).await.unwrap();

    // Where its page stands is signed: on none of the sites with Connect, so that it waits for no token.
    installs(&world, &second).await;
    let page = Actor { jira: &second, ..world.agent() };
    assert_ne!(page.get("/api/v1/me").await.status, 401);
    assert_eq!(all(&world).await, [connected, gone, gone, here]);
    second.forge().uninstall(&app).await.unwrap();

    // Jira says nothing of Connect to this app, and takes its token for everything else.
    is_answered_with(&second, 403);
    installs(&world, &second).await;
    opens_by_forge(&world, &second, "/api/v1/me").await.expect(200);
    assert_eq!(all(&world).await, [connected, gone, gone, gone, here]);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
