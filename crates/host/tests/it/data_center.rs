//! A Jira Data Center: recognised, joined by a personal access token, read and written in its own words, by people who sign in
//! at it and are ids of ours here; its webhooks by whichever resource it has.

use std::sync::Arc;
use std::time::Duration;

use host::client::{As, BACKGROUND, GroupId, IssueRef, Jira, Power, Search};
use host::jql::Whose;
use host::limits::Timer;
use host::{Attempt, Finding, Hook, Login, Look, OauthClient, Telling};
use kernel::{AccountId, Cx, Kind, SystemClock, TenantId};
use sandbox::{DataCenter, RateLimit, Version};
use serde_json::json;
use url::Url;

use crate::databases::Database;
use crate::misbehaving::front::{Front, Time};
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    a_token_is_looked_at_before_it_is_kept,
    people_are_ids_of_ours_and_lie_sealed,
    people_sign_in_at_it_and_are_judged_as_themselves,
    what_is_asked_and_made_is_in_its_own_words,
    webhooks_of_an_older_one_are_known_by_their_address,
    webhooks_are_signed_where_it_can,
    its_limit_is_kept_ahead_of_and_heeded,
);

const CALLBACK: &str = "http://127.0.0.1:9/sign-in/callback";

/// Calls that the limited one lets somebody make in each of its intervals.
const BUDGET: u32 = 40;
const INTERVAL: Duration = Duration::from_secs(60);

pub(crate) fn is_one(config: &mut sandbox::Config, server: DataCenter) {
    config.forge.apps = Vec::new();
    config.deployment = sandbox::Deployment::DataCenter(server);
    config.oauth = vec![sandbox::OauthClient {
        id: "client".to_owned(),
        secret: "secret".to_owned(),
        callback: CALLBACK.to_owned(),
    }];
}

async fn world(database: &Database, version: Version) -> World {
    let change = |config: &mut sandbox::Config| is_one(config, DataCenter { version, rate_limit: None });
    let tell_of = |_: &sandbox::Running, config: &mut host::HostConfig| config.callback = CALLBACK.parse().ok();
    World::by(database, Arc::new(SystemClock), change, tell_of).await
}

/// One whose administrator set a limit, what stands before it and sees each call, and the time of all of them.
async fn limited(database: &Database) -> (World, Arc<Front>, Arc<Time>) {
    let interval_s = u32::try_from(INTERVAL.as_secs()).unwrap();
    let limit = RateLimit { limit: BUDGET, fill: BUDGET, interval_s };
    let change = |config: &mut sandbox::Config| {
        is_one(config, DataCenter { rate_limit: Some(limit), ..DataCenter::default() });
    };
    let tell_of = |config: &mut host::HostConfig| config.callback = CALLBACK.parse().ok();
    let (world, front) = Box::pin(Front::before(database, 1, change, tell_of)).await;
    let time = front.time.clone();
    (world, front, time)
}

fn token(world: &World, who: &str) -> Login {
    world.login(who)
}

async fn look(world: &World, typed: &str) -> Look {
    assert!(typed.starts_with(&world.jira.url()));
    world.look(typed).await
}

/// Joins it, with a client that people sign in through.
async fn joined(world: &World) -> Cx {
    Box::pin(world.joined(Some(&OauthClient::new("client", "secret").unwrap()))).await
}

fn app<'a>(world: &'a World, cx: &'a Cx) -> Jira<'a> {
    Jira::for_tenant(&world.host.cloud, cx, As::App)
}

/// The id that somebody has here, found by their address.
async fn id_of(world: &World, cx: &Cx, who: &str) -> AccountId {
    let email = world.jira.visitor(who).unwrap().email;
    app(world, cx).user_search(&email).await.unwrap().remove(0).account_id
}

/// What the administrator's own token is answered.
async fn jira_asks(world: &World, path: &str) -> serde_json::Value {
    #[expect(clippy::disallowed_methods, reason = "an administrator at the stand-in Jira")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = client.get(format!("{}/rest/api/2/{path}", world.jira.url()));
    let answer = asked.bearer_auth(world.jira.visitor("admin").unwrap().api_token.unwrap()).send().await.unwrap();
    answer.json().await.unwrap()
}

/// Signs somebody in, as their browser does.
async fn signs_in(world: &World, cx: &Cx, who: &str) -> AccountId {
    let known = world.host.sites.of(cx.tenant()).await.unwrap();
    let (attempt, callback) = (Attempt::of(who), Url::parse(CALLBACK).unwrap());
    let away = world.host.sign_in.begin(cx, &known, &attempt, &callback).await.unwrap();
    assert!(away.as_str().starts_with(&format!("{}/rest/oauth2/latest/authorize?", world.jira.url())), "{away}");
    let session = world.jira.state().open_session(&world.jira.visitor(who).unwrap().account_id);
    #[expect(clippy::disallowed_methods, reason = "a browser at the stand-in Jira")]
    let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let cookie = format!("tenant.session.token={session}");
    let goes = async |to: &Url| {
        let answer = browser.get(to.clone()).header("cookie", &cookie).send().await.unwrap();
        to.join(answer.headers()["location"].to_str().unwrap()).unwrap()
    };
    let asked = goes(&away).await;
    let accept: Url = asked.as_str().replace("/consent?", "/consent/accept?").parse().unwrap();
    let back = goes(&accept).await;
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let signed = world.host.sign_in.finish(cx, &known, &attempt, &code, &callback).await.unwrap();
    signed.account
}

async fn a_token_is_looked_at_before_it_is_kept(database: &Database) {
    let world = world(database, Version::default()).await;
    // From whatever page was open.
    let mut look = look(&world, &format!("{}/secure/Dashboard.jspa?x=1", world.jira.url())).await;
    let mut found = async |login: &Login| {
        let probed = look.probe(login).await.unwrap();
        (probed.is_enough(), probed.probes.into_iter().map(|probe| probe.finding).collect::<Vec<_>>())
    };
    // Data Center answers a token that is none as nobody's.
    let (enough, findings) = found(&Login::personal("no-such-token").unwrap()).await;
    assert!(!enough && findings[0] == Finding::Lacks && findings[1..].iter().all(|one| *one == Finding::Unknown));
    let (enough, findings) = found(&token(&world, "agent")).await;
    assert!(!enough && findings[0] == Finding::Has && findings[1] == Finding::Lacks, "{findings:?}");
    let cx = joined(&world).await;
    let again = look.probe(&token(&world, "admin")).await.unwrap();
    let twice = world.host.joining.join(&world.cx(TenantId::fresh()), &again, &token(&world, "admin"), None).await;
    assert_eq!(twice.err().unwrap().code(), "site_joined");

    // A token that ended is a refusal, never an empty answer.
    world.host.joining.replace(&cx, &again, &Login::personal("ended").unwrap()).await.unwrap();
    let refused = app(&world, &cx).service_projects(0).await.err().unwrap();
    assert_eq!(refused.code(), "jira_access_ended");
    let refused = app(&world, &cx).organizations(None, 0).await.err().unwrap();
    assert_eq!(refused.code(), "jira_access_ended");
}

async fn people_are_ids_of_ours_and_lie_sealed(database: &Database) {
    let world = world(database, Version::default()).await;
    let cx = joined(&world).await;
    let desk = app(&world, &cx).service_desks(0).await.unwrap().items.remove(0).id;
    let customers = app(&world, &cx).desk_customers(&desk, "", 0).await.unwrap().items;
    assert!(customers.len() > 3);
    let (id, again) = (id_of(&world, &cx, "customer").await, id_of(&world, &cx, "customer").await);
    assert!(id == again && id.as_str().starts_with("dc-") && id.as_str().len() == 35, "{id}");
    let theirs = world.jira.visitor("customer").unwrap();
    let (name, key) = {
        let state = world.jira.state();
        let store = state.read();
        let account = store.account(&theirs.account_id).unwrap();
        (account.username.clone(), account.user_key.clone())
    };
    // Another site's id of the same person is another one: nothing joins the two.
    let other = world.cx(TenantId::fresh());
    assert!(world.host.people.profiles(&cx, std::slice::from_ref(&id)).await.unwrap().contains_key(&id));
    assert!(app(&world, &other).user(&id).await.is_err());

    if let store::StoreUrl::Sqlite(path) = &database.url {
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for secret in [&theirs.email, &theirs.display_name, &name, &key] {
                let found = secret.len() > 6 && bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "somebody's name lies in the clear");
            }
        }
    }
    // Somebody of whom this Jira never told is nobody, and no call is made about them.
    let nobody = AccountId::new("dc-00000000000000000000000000000000").unwrap();
    assert_eq!(app(&world, &cx).user(&nobody).await.err().unwrap().kind(), Kind::NotFound);
}

async fn people_sign_in_at_it_and_are_judged_as_themselves(database: &Database) {
    let world = world(database, Version::default()).await;
    let cx = joined(&world).await;
    let (agent, callers) = (id_of(&world, &cx, "agent").await, &world.host.callers);
    // Whoever did not sign in has no standing here, and is not acted for.
    let stranger = callers.standing(&cx, &agent).await.unwrap();
    assert!(!stranger.agent && !stranger.admin);
    let unproven = async || callers.standing_of_caller(&cx, &agent, &[]).await.err().map(|fault| fault.code());
    assert_eq!(unproven().await, Some("sign_in_over"));
    let refused = Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone())).myself().await.err().unwrap();
    assert_eq!(refused.code(), "refused");

    // Nothing of that is kept: whoever signs in is who they are at once.
    assert_eq!(signs_in(&world, &cx, "agent").await, agent);
    let standing = callers.standing_of_caller(&cx, &agent, &world.team_roles()).await.unwrap();
    assert!(standing.agent && !standing.admin && standing.roles.len() == 1, "{standing:?}");
    assert!(standing.groups.iter().all(|group| GroupId::new(group.clone()).is_ok() && group.starts_with("dc-")));
    let admin = signs_in(&world, &cx, "admin").await;
    let standing = callers.standing_of_caller(&cx, &admin, &[]).await.unwrap();
    assert!(standing.admin && !standing.groups.is_empty());

    let (_, key, reporter) = world.some_request();
    let issue = IssueRef::parse(&key).unwrap();
    let shown = Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone())).issue(&issue).await.unwrap();
    let theirs = shown.fields.reporter.unwrap().account_id;
    assert_ne!(theirs.as_str(), reporter.as_str());
    assert!(callers.may_see_issue(&cx, &agent, &issue).await.unwrap());
    // A reporter is told by the request itself; a stranger is not, and whoever works here and did not sign in neither: Data Center's word
    // for other people is a list of suggestions, in which everybody is.
    assert!(callers.may_see_issue(&cx, &theirs, &issue).await.unwrap());
    world.host.sign_in.forget(&cx, &admin).await.unwrap();
    assert!(!callers.may_see_issue(&cx, &admin, &issue).await.unwrap());
    let suggested = jira_asks(&world, &format!("user/viewissue/search?issueKey={key}&username=.")).await;
    assert!(suggested.as_array().unwrap().len() > 3, "{suggested}");
    let missing = IssueRef::parse("NOSUCH-1").unwrap();
    assert!(!callers.may_see_issue(&cx, &agent, &missing).await.unwrap());

    // Access is asked for anew when Jira takes it no more, with the address that Data Center wants to see.
    world.jira.state().write().app_tokens.clear();
    Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone())).myself().await.unwrap();
    world.host.sign_in.forget(&cx, &agent).await.unwrap();
    let gone = Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone())).myself().await.err().unwrap();
    assert_eq!(gone.code(), "refused");

    // Taken back in Jira, or the account closed there: not a wrong answer, and not one that would be right in a minute.
    signs_in(&world, &cx, "agent").await;
    callers.forget(cx.tenant(), &agent).await;
    assert!(world.jira.take_back_grants("agent"));
    for _ in 0..2 {
        assert_eq!(unproven().await, Some("sign_in_over"));
    }
    assert!(!callers.standing(&cx, &agent).await.unwrap().agent);
    signs_in(&world, &cx, "agent").await;
    assert_eq!(unproven().await, None);
    callers.forget(cx.tenant(), &agent).await;
    let theirs = world.jira.visitor("agent").unwrap().account_id;
    let close = |account: &mut sandbox::state::model::Account| account.active = false;
    world.jira.state().edit_account(&sandbox::events::Actor::default(), &theirs, close).unwrap();
    assert_eq!(unproven().await, Some("sign_in_over"));
}

async fn what_is_asked_and_made_is_in_its_own_words(database: &Database) {
    let world = world(database, Version::default()).await;
    let cx = joined(&world).await;
    let jira = app(&world, &cx);
    let projects: Vec<_> = jira.service_projects(0).await.unwrap().items.into_iter().map(|one| one.id).collect();
    assert!(!projects.is_empty() && projects == **world.host.callers.service_projects(&cx).await.unwrap());
    let customer = id_of(&world, &cx, "customer").await;
    let counts = world.host.request_counts(&cx, As::App, Whose::Customer(&customer)).await.unwrap();
    assert!(counts.open + counts.closed > 0, "{counts:?}");
    let ids = world.issue_ids(7);
    assert_eq!(jira.issues(&ids).await.unwrap().len(), ids.len());
    let jql = format!("project = {} ORDER BY created", projects[0]);
    let (mut seen, mut next) = (0, None);
    loop {
        let search = Search { jql: &jql, next: next.as_deref(), reconcile: &[], limit: 100 };
        let page = jira.search(search).await.unwrap();
        seen += page.issues.len() as u64;
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, jira.count(&jql).await.unwrap());
    assert!(!world.host.tells_organizations(&cx).await.unwrap());

    let organization = jira.create_organization(&"Zürich Bahn AG".to_owned().into()).await.unwrap().id;
    jira.add_members(&organization, std::slice::from_ref(&customer)).await.unwrap();
    let members = jira.organization_users(&organization, 0).await.unwrap().items;
    assert!(members.len() == 1 && members[0].account_id == customer);
    jira.remove_members(&organization, std::slice::from_ref(&customer)).await.unwrap();
    assert!(jira.organization_users(&organization, 0).await.unwrap().items.is_empty());

    let (email, name) = ("grace.hopper@navy.example".to_owned(), "Grace Hopper".to_owned());
    let made = jira.create_customer(&email.clone().into(), &name.clone().into()).await.unwrap();
    assert!(made.account_id.as_str().starts_with("dc-"));
    let twice = jira.create_customer(&email.to_uppercase().into(), &name.into()).await.err().unwrap();
    assert_eq!(twice.code(), "email_in_use");
    // What is done for a person is done only if Jira lets that person: it is asked as them.
    let agent = signs_in(&world, &cx, "agent").await;
    let standing = world.host.callers.standing_of_caller(&cx, &agent, &[]).await.unwrap();
    let as_agent = Cx::mint(
        cx.tenant(),
        kernel::Actor::Person(agent),
        standing,
        world.base.clock.clone(),
        kernel::RequestId::fresh(),
    );
    let hand = app(&world, &as_agent).hand(Power::Administrator).await;
    assert_eq!(hand.err().unwrap().kind(), Kind::Refused);
    app(&world, &as_agent).hand(Power::Agent).await.unwrap();
    let mut works = 0;
    for project in &projects {
        works += usize::from(app(&world, &as_agent).hand(Power::AgentIn(project)).await.is_ok());
    }
    assert!(works > 0 && works < projects.len(), "{works} of {}", projects.len());
}

async fn webhooks_of_an_older_one_are_known_by_their_address(database: &Database) {
    webhooks(database, Version::new(9, 12), false).await;
}

async fn webhooks_are_signed_where_it_can(database: &Database) {
    webhooks(database, Version::default(), true).await;
}

fn events(hook: &sandbox::Registration) -> Vec<&str> {
    hook.events.iter().map(String::as_str).collect()
}

async fn webhooks(database: &Database, version: Version, signs: bool) {
    let world = world(database, version).await;
    let cx = joined(&world).await;
    let secret = world.host.joining.hook_secret(&cx).await.unwrap();
    let base = Url::parse(&format!("http://127.0.0.1:9/hooks/{}", cx.tenant())).unwrap();
    let hook = Hook { url: &base, secret: &secret };
    let (look, login) = (look(&world, &world.jira.url()).await, token(&world, "admin"));
    let (none, both) = (Telling::default(), Telling { accounts: true, issues: true });
    assert_eq!(look.has_hooks(&login, hook).await.unwrap(), Some(none));
    for _ in 0..2 {
        assert_eq!(look.register_hooks(&login, hook).await.unwrap(), both);
    }
    assert_eq!(look.has_hooks(&login, hook).await.unwrap(), Some(both));
    let registered: Vec<_> = world.jira.state().read().webhooks.values().cloned().collect();
    assert_eq!(registered.len(), 2, "told twice, they are there once");
    assert!(look.hooks_by_hand(&login, hook, both).await.unwrap().is_empty());
    let by_hand = look.hooks_by_hand(&login, hook, none).await.unwrap();
    for (by_hand, registered) in by_hand.iter().zip(&registered) {
        assert_eq!((registered.secret.is_some(), by_hand.secret.is_some()), (signs, signs));
        assert_eq!((by_hand.url.as_str(), by_hand.events), (registered.url.as_str(), events(registered).as_slice()));
        assert_eq!((by_hand.filter, by_hand.without_body), (registered.jql.as_str(), registered.exclude_body));
    }

    let address = registered[0].url.rsplit('/').next().unwrap().to_owned();
    let body = json!({"timestamp": 1, "webhookEvent": "user_updated", "user": {"key": "JIRAUSER1", "name": "n"}});
    let body = body.to_string();
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let signature = format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&mac, body.as_bytes())));
    let takes = async |address: Option<&str>, signature: Option<&str>| {
        let taken = world.host.inbound.accept_hook(&cx, address, "", signature, body.as_bytes()).await;
        taken.map_err(|fault| fault.kind())
    };
    assert_eq!(takes(Some(&address), None).await, if signs { Err(Kind::NotFound) } else { Ok(()) });
    assert_eq!(takes(Some(&address), Some(&signature)).await, Ok(()));
    assert_eq!(takes(None, Some(&signature)).await, Err(Kind::NotFound));
    assert_eq!(takes(Some("another"), Some(&signature)).await, Err(Kind::NotFound));
    assert_eq!(look.drop_hooks(&login, hook).await.unwrap(), 2);
    assert!(world.jira.state().read().webhooks.is_empty());
}

/// One budget for each person, over all that may be asked: nobody is refused by it whom it told that nothing is left, and a
/// refusal keeps everybody who asks with the same account away until it is filled again.
async fn its_limit_is_kept_ahead_of_and_heeded(database: &Database) {
    let (world, front, time) = Box::pin(limited(database)).await;
    let cx = joined(&world).await;
    front.seen.lock().unwrap().clear();
    for _ in 0..BUDGET {
        app(&world, &cx).within(BACKGROUND).myself().await.unwrap();
        app(&world, &cx).within(BACKGROUND).service_projects(0).await.unwrap();
    }
    {
        let seen = front.seen.lock().unwrap();
        assert_eq!(seen.len(), 2 * BUDGET as usize);
        assert!(seen.iter().all(|call| call.status == Some(200)), "a call was made that had to be refused");
        assert!(Timer::now(&*time) >= INTERVAL, "nobody waited");
    }

    // At the beginning of an interval, somebody else uses up what the account has: that is first heard of by a refusal.
    let passed = Duration::from_secs(Timer::now(&*time).as_secs() % INTERVAL.as_secs());
    time.pass(INTERVAL - passed);
    #[expect(clippy::disallowed_methods, reason = "an administrator at the stand-in Jira")]
    let script = reqwest::Client::builder().no_proxy().build().unwrap();
    let secret = world.jira.visitor("admin").unwrap().api_token.unwrap();
    let asked = format!("{}/rest/api/2/myself", world.jira.url());
    while script.get(&asked).bearer_auth(&secret).send().await.unwrap().status().is_success() {}
    let refused = app(&world, &cx).myself().await.err().unwrap();
    assert_eq!(refused.code(), "jira_rate_limited");
    let arrived = || front.seen.lock().unwrap().len();
    let before = arrived();
    let refused = app(&world, &cx).service_projects(0).await.err().unwrap();
    assert_eq!((refused.code(), arrived()), ("jira_rate_limited", before), "another endpoint has the same budget");
    let told = refused.retry_after().unwrap();
    assert!(told > INTERVAL / 2 && told <= INTERVAL, "{told:?}");
    time.pass(told);
    app(&world, &cx).service_projects(0).await.unwrap();

    // Whoever uses up their own stops nobody else.
    let agent = signs_in(&world, &cx, "agent").await;
    let mut refused = None;
    for _ in 0..=BUDGET {
        refused = Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone())).myself().await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused.map(|fault| fault.code()), Some("jira_rate_limited"));
    app(&world, &cx).myself().await.unwrap();
}
