//! Projects, desks and who may do what there, by hand: each change is what the APIs say.

use serde_json::json;

use super::{Browser, Receiver, hook};
use crate::support::{As, CARLA, DAVID, OTHER, Site, calm};

const HERE: &str = "/sandbox/settings/projects";
const HELP: &str = "/sandbox/settings/projects/HELP";
const ALICE: As<'_> = As::Person("alice");
const OLGA: As<'_> = As::Person("olga");

#[tokio::test]
async fn a_project_that_is_added_works_and_webhooks_are_told() {
    let receiver = Receiver::start().await;
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    hook(&site, &receiver.url, &["project_created"]).await;
    let service = [("name", "Facilities"), ("key", "fac"), ("kind", "service")];
    assert_eq!(admin.post(HERE, &service).await, (303, format!("{HERE}/FAC?done=added")));
    let software = [("name", "Tools"), ("key", "TOOLS"), ("kind", "software")];
    assert_eq!(admin.post(HERE, &software).await.0, 303);
    let told = site.expect(200, ALICE, "GET", "/rest/api/3/project/FAC", None).await;
    assert_eq!(told["projectTypeKey"], "service_desk");
    site.expect(200, OLGA, "GET", "/rest/api/3/project/TOOLS", None).await;
    site.expect(404, OLGA, "GET", "/rest/api/3/project/FAC", None).await;

    // A customer raises a request at the new desk.
    let desks = site.expect(200, As::Person("carla"), "GET", "/rest/servicedeskapi/servicedesk", None).await;
    let desk = desks["values"].as_array().unwrap().iter().find(|desk| desk["projectKey"] == "FAC").unwrap();
    let desk = desk["id"].as_str().unwrap().to_owned();
    let path = format!("/rest/servicedeskapi/servicedesk/{desk}/requesttype");
    let kinds = site.expect(200, As::Person("carla"), "GET", &path, None).await;
    let kind = kinds["values"][0]["id"].as_str().unwrap();
    let request = json!({"serviceDeskId": desk, "requestTypeId": kind, "requestFieldValues": {"summary": "Cold"}});
    let made = site.expect(201, As::Person("carla"), "POST", "/rest/servicedeskapi/request", Some(request)).await;
    assert_eq!(made["issueKey"], "FAC-1");
    assert!(admin.get("/jira/servicedesk/projects/FAC/queues/1").await.1.contains("Cold"));

    site.running.deliveries_settled().await;
    assert_eq!(receiver.events(), ["project_created", "project_created"]);
    let keys: Vec<_> = receiver.got().iter().map(|(_, body)| body["project"]["key"].clone()).collect();
    assert!(keys.contains(&json!("FAC")) && keys.contains(&json!("TOOLS")), "{keys:?}");
    site.end().await;
}

#[tokio::test]
async fn roles_and_browsing_are_given_and_taken() {
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    let may = |who| {
        let path = "/rest/api/3/mypermissions?permissions=SERVICEDESK_AGENT,ADMINISTER_PROJECTS&projectKey=HELP";
        site.expect(200, who, "GET", path, None)
    };
    site.expect(404, OLGA, "GET", "/rest/api/3/project/HELP", None).await;
    assert_eq!(admin.post(HELP, &[("act", "open")]).await.0, 303);
    assert_eq!(may(OLGA).await["permissions"]["SERVICEDESK_AGENT"]["havePermission"], false, "browsing is not more");
    assert_eq!(admin.post(HELP, &[("act", "team"), ("team", "olga@example.com")]).await.0, 303);
    assert_eq!(may(OLGA).await["permissions"]["SERVICEDESK_AGENT"]["havePermission"], true);
    assert_eq!(admin.post(HELP, &[("act", "admins"), ("admins", "jira-users")]).await.0, 303);
    assert_eq!(may(OLGA).await["permissions"]["ADMINISTER_PROJECTS"]["havePermission"], true, "by a group");
    let gone = [("act", "admins-off"), ("kind", "group"), ("id", "jira-users")];
    assert_eq!(admin.post(HELP, &gone).await.0, 303);
    assert_eq!(admin.post(HELP, &[("act", "team-off"), ("kind", "user"), ("id", OTHER)]).await.0, 303);
    assert_eq!(admin.post(HELP, &[("act", "shut")]).await.0, 303);
    site.expect(404, OLGA, "GET", "/rest/api/3/project/HELP", None).await;
    site.end().await;
}

#[tokio::test]
async fn customers_organizations_and_request_types_of_a_desk() {
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    let customers = || async {
        let path = "/rest/servicedeskapi/servicedesk/1/customer";
        let told = site.expect(200, As::Person("bob"), "GET", path, None).await;
        let mut ids: Vec<String> = told["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["accountId"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(customers().await, [CARLA, DAVID], "one by herself, one by the organization");
    assert_eq!(admin.post(HELP, &[("act", "organization-off"), ("organization", "30")]).await.0, 303);
    assert_eq!(customers().await, [CARLA]);
    assert_eq!(admin.post(HELP, &[("act", "customer"), ("customer", "David Customer")]).await.0, 303);
    assert_eq!(admin.post(HELP, &[("act", "customer-off"), ("id", CARLA)]).await.0, 303);
    assert_eq!(customers().await, [DAVID]);
    assert_eq!(admin.post(HELP, &[("act", "organization"), ("organization", "30")]).await.0, 303);
    assert_eq!(customers().await, [CARLA, DAVID]);

    assert_eq!(admin.post(HELP, &[("act", "anybody")]).await.0, 303);
    let (status, page) = admin.post(HELP, &[("act", "customer-off"), ("id", DAVID)]).await;
    assert_eq!(status, 422);
    assert!(page.contains("Customers cannot be removed from a service desk with open access."));

    let kind = [("act", "type"), ("type-name", "Break glass"), ("type-about", "At night")];
    assert_eq!(admin.post(HELP, &kind).await.0, 303);
    let path = "/rest/servicedeskapi/servicedesk/1/requesttype";
    let kinds = site.expect(200, As::Person("bob"), "GET", path, None).await;
    assert!(kinds["values"].as_array().unwrap().iter().any(|one| one["name"] == "Break glass"), "{kinds}");
    site.end().await;
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_changes_nothing() {
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    let long = "n".repeat(256);
    for (path, fields, field, why) in [
        (
            HERE,
            vec![("name", long.as_str()), ("key", "NEW")],
            "name",
            "The name may have 255 characters; this has 256.",
        ),
        (HERE, vec![("name", "New"), ("key", "N")], "key", "The key may have 2 to 10 characters; this has 1."),
        (HERE, vec![("name", "New"), ("key", "1NEW")], "key", "The key must be capital letters and digits"),
        (HERE, vec![("name", "New"), ("key", "HELP")], "key", "A project with that key already exists."),
        (HERE, vec![("name", "help desk"), ("key", "NEW")], "key", "A project with that name already exists."),
        (HELP, vec![("act", "team"), ("team", "")], "team", "The person is missing."),
        (HELP, vec![("act", "team"), ("team", "nobody")], "team", "Nobody here has that e-mail address"),
        (HELP, vec![("act", "admins"), ("admins", "carla@example.com")], "admins", "Only people with an Atlassian"),
        (HELP, vec![("act", "customer"), ("customer", "x")], "customer", "Nobody here has that e-mail address"),
        (HELP, vec![("act", "organization"), ("organization", "31")], "organization", "There is no such organization."),
        (HELP, vec![("act", "type"), ("type-name", &long)], "type-name", "may have 255 characters; this has 256."),
        (HELP, vec![("act", "type"), ("type-name", "Get IT help")], "type-name", "has a request type of this name"),
    ] {
        let (status, page) = admin.post(path, &fields).await;
        assert_eq!(status, 422, "{why}");
        let beside = page.split(&format!("id=\"{field}-fault\"")).nth(1).unwrap_or_default();
        assert!(beside.split("</p>").next().unwrap().contains(why), "{why}: {page}");
    }
    assert_eq!(site.running.state().read().projects.len(), 3);
    assert_eq!(admin.post(&format!("{HERE}/NONE"), &[("act", "open")]).await.0, 404);
    site.end().await;
}

#[tokio::test]
async fn only_administrators_and_only_by_the_pages_own_forms() {
    let site = Site::start(calm()).await;
    let agent = Browser::of(&site, "bob").await;
    let admin = Browser::of(&site, "alice").await;
    for path in [HERE, HELP] {
        assert_eq!(agent.get(path).await.0, 403, "{path}");
        assert_eq!(agent.post(path, &[("act", "open"), ("name", "New"), ("key", "NEW")]).await.0, 403, "{path}");
        assert_eq!(admin.get(path).await.0, 200, "{path}");
        assert_eq!(admin.forged(path, &[("act", "open"), ("_token", "x")]).await.0, 403, "{path}");
    }
    site.end().await;
}
