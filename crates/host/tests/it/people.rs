//! People: standing, what they see, names.

use std::sync::Arc;

use host::client::IssueRef;
use kernel::{AccountId, Clock};
use vault::Exit;

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(standing_is_what_jira_says, people_see_their_own, names_are_kept_sealed_and_short,);

async fn standing_is_what_jira_says(database: &Database) {
    let world = World::start(database).await;
    let (_, cx, admin) = world.enter("admin", "settings-page", None).await;
    let standing = world.host.callers.standing_of_caller(&cx, &admin, &[]).await.unwrap();
    assert!(standing.admin && !standing.groups.is_empty());
    let (_, _, agent) = world.enter("agent", "customers-page", None).await;
    let team: Vec<_> = world.team_roles();
    let standing = world.host.callers.standing_of_caller(&cx, &agent, &team).await.unwrap();
    assert!(!standing.admin && standing.agent);
    assert_eq!(standing.roles.len(), 1);
    let (_, _, customer) = world.enter("customer", "portal-profile", None).await;
    let standing = world.host.callers.standing_of_caller(&cx, &customer, &team).await.unwrap();
    assert!(!standing.admin && !standing.agent && standing.groups.is_empty() && standing.roles.is_empty());
}

async fn people_see_their_own(database: &Database) {
    let world = World::start(database).await;
    let (_, key, reporter) = world.some_request();
    let (_, cx, agent) = world.enter("agent", "customer-panel", Some(&key)).await;
    let issue = IssueRef::parse(&key).unwrap();
    assert!(world.host.callers.may_see_issue(&cx, &agent, &issue).await.unwrap());
    assert!(world.host.callers.may_see_issue(&cx, &reporter, &issue).await.unwrap());
    let stranger = world.customer_without(&key);
    assert!(!world.host.callers.may_see_issue(&cx, &stranger, &issue).await.unwrap());
    let missing = IssueRef::parse("NOSUCH-1").unwrap();
    assert!(!world.host.callers.may_see_issue(&cx, &agent, &missing).await.unwrap());
    // Somebody whom Jira gives no token for.
    let nobody = AccountId::new("5be24ba3f91c106033269289").unwrap();
    assert!(!world.host.callers.may_see_issue(&cx, &nobody, &issue).await.unwrap());
}

async fn names_are_kept_sealed_and_short(database: &Database) {
    let world = World::start(database).await;
    let (_, _, reporter) = world.some_request();
    let (_, cx, agent) = world.enter("agent", "customers-page", None).await;
    let nobody = AccountId::new("nobody-here").unwrap();
    let wanted = [agent.clone(), reporter.clone(), nobody.clone(), agent.clone()];
    let mut profiles = world.host.people.profiles(&cx, &wanted).await.unwrap();
    assert_eq!(profiles.len(), 2);
    let expected = world.jira.state().read().display_name(agent.as_str());
    let name = profiles.remove(&agent).unwrap().release(&Exit::audited()).name.clone();
    assert_eq!(name, expected);

    // On disk it lies sealed.
    if let store::StoreUrl::Sqlite(path) = &database.url {
        for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(expected.len()).any(|window| window == expected.as_bytes()));
        }
    }

    // A day passes and Jira is down: the old name serves; after a week it does not.
    let later = |days: i64| {
        let clock = kernel::ManualClock::new(world.base.clock.now() + jiff::SignedDuration::from_hours(24 * days));
        let clock: Arc<dyn Clock> = Arc::new(clock);
        kernel::Cx::mint(
            cx.tenant(),
            cx.actor().clone(),
            kernel::Standing::default(),
            clock,
            kernel::RequestId::fresh(),
        )
    };
    let served = world.host.people.profiles(&later(2), std::slice::from_ref(&agent)).await.unwrap();
    assert_eq!(served.len(), 1);
    let served = world.host.people.profiles(&later(8), std::slice::from_ref(&agent)).await.unwrap();
    assert!(served.is_empty());

    world.host.people.forget(&cx, &agent).await.unwrap();
    let fresh = world.host.people.profile(&cx, &agent).await.unwrap();
    assert!(fresh.is_some());
}
