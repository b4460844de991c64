//! What an operator is told of an account's rights in each service project: what keeps a site from being joined, and what
//! costs one feature alone.

use sandbox::Version;
use sandbox::state::model::{ProjectKind, ROLE_ADMINISTRATORS, ROLE_TEAM, RoleActor};
use serde_json::{Value, json};

use crate::site::{done, joins, steward};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn of_cloud() {
    let world = World::unjoined(Vec::new()).await;
    rights_in_projects_are_counted(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_data_center() {
    let world = World::data_center(Vec::new(), Version::default()).await;
    rights_in_projects_are_counted(&world).await;
    world.end().await;
}

fn found<'v>(checks: &'v Value, code: &str) -> &'v Value {
    let one = checks.as_array().unwrap().iter().find(|one| one["code"] == code);
    &one.unwrap_or_else(|| panic!("{code} is not looked at: {checks}"))["found"]
}

async fn rights_in_projects_are_counted(world: &World) {
    let state = world.jira.state();
    let account = RoleActor::User(world.jira.visitor("admin").unwrap().account_id);
    let desks: Vec<String> = {
        let store = state.read();
        let service = store.projects.values().filter(|project| project.kind == ProjectKind::ServiceDesk);
        service.map(|project| project.id.clone()).collect()
    };
    let all = desks.len();
    assert!(all > 1, "{desks:?}");
    // An agent everywhere, and who administers all but one.
    for desk in &desks {
        state.add_role(desk, ROLE_TEAM, account.clone()).unwrap();
    }
    state.remove_role(&desks[0], ROLE_ADMINISTRATORS, &account).unwrap();
    let joined = joins(world).await;
    assert_eq!(joined["joined"], true, "{joined}");
    let checks = &joined["checks"];
    assert_eq!(found(checks, "administer_projects"), &json!({"some": all - 1, "of": all}), "{checks}");
    for code in ["service_agent", "edit_issues"] {
        assert_eq!(found(checks, code), "has", "{checks}");
    }

    // Who administers none is told what goes without it; nothing is wrong with the site.
    for desk in &desks {
        state.remove_role(desk, ROLE_ADMINISTRATORS, &account).unwrap();
    }
    let told = done(&steward(world, &["check"], "").await);
    assert!(
        told.contains("Administer Projects: Where it is missing, Jira refuses to let customers into a project"),
        "{told}"
    );
    assert!(!told.contains("Edit Issues: Where"), "{told}");

    // One who only looks on in a project may not edit there.
    state.remove_role(&desks[0], ROLE_TEAM, &account).unwrap();
    state.open_project(&desks[0], true).unwrap();
    let checked: Value = serde_json::from_str(&done(&steward(world, &["check", "--json"], "").await)).unwrap();
    let checks = &checked[0]["checks"];
    for code in ["service_agent", "edit_issues"] {
        assert_eq!(found(checks, code), &json!({"some": all - 1, "of": all}), "{checks}");
    }
    assert_eq!(found(checks, "administer_projects"), "lacks", "{checks}");

    // Who works in none cannot be worked with.
    for desk in &desks {
        state.remove_role(desk, ROLE_TEAM, &account).unwrap();
    }
    let check = steward(world, &["check", "--json"], "").await;
    let checked: Value = serde_json::from_slice(&check.stdout).unwrap();
    let checks = &checked[0]["checks"];
    assert_eq!(found(checks, "service_agent"), "lacks", "{checks}");
    assert!(!check.status.success());
}
