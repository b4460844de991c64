//! People and groups by hand: each change is seen by the APIs, and told as Jira tells it.

use super::{Browser, Receiver, hook};
use crate::support::{ADMIN, AGENT, As, CARLA, Site, calm};

const HERE: &str = "/sandbox/settings/people";
const GROUPS: &str = "/sandbox/settings/groups";
const ALICE: As<'_> = As::Person("alice");

/// The page of one person.
fn page_of(id: &str) -> String {
    format!("{HERE}/{}", id.replace(':', "%3A").replace('-', "%2D"))
}

/// Somebody as the platform tells them.
async fn told(site: &Site, id: &str) -> serde_json::Value {
    site.expect(200, ALICE, "GET", &format!("/rest/api/3/user?accountId={id}"), None).await
}

#[tokio::test]
async fn who_is_added_is_there_and_webhooks_are_told() {
    let receiver = Receiver::start().await;
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    hook(&site, &receiver.url, &["user_created", "user_updated"]).await;
    let agent = [("name", "Nina <New>"), ("email", "nina@example.com"), ("kind", "agent"), ("project", "HELP")];
    let (status, to) = admin.post(HERE, &agent).await;
    assert_eq!(status, 303, "{to}");
    assert!(admin.get(&to).await.1.contains("Nina &lt;New&gt;"));
    let found = site.expect(200, ALICE, "GET", "/rest/api/3/user/search?query=nina@example.com", None).await;
    let id = found[0]["accountId"].as_str().unwrap().to_owned();
    assert_eq!(found[0]["accountType"], "atlassian");
    let agents = site.expect(200, ALICE, "GET", "/rest/api/3/user/assignable/search?project=HELP&query=nina", None);
    assert_eq!(agents.await[0]["accountId"], id.as_str(), "she works in the project");

    // Her token is hers.
    let page = page_of(&id);
    assert_eq!(admin.post(&page, &[("act", "token")]).await.0, 303);
    let (_, shown) = admin.get(&page).await;
    let token = shown.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let answer = site.http.get(format!("{}/rest/api/3/myself", site.running.url()));
    let answer = answer.basic_auth("nina@example.com", Some(token)).send().await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["accountId"], id.as_str());

    let customer = [("name", "Cuno"), ("email", "cuno@example.com"), ("kind", "customer")];
    assert_eq!(admin.post(HERE, &customer).await.0, 303);
    let (_, list) = admin.get(&format!("{HERE}?q=CUNO")).await;
    assert!(list.contains("cuno@example.com") && list.contains("1 person"));
    site.running.deliveries_settled().await;
    assert_eq!(receiver.events(), ["user_created", "user_created"]);
    site.end().await;
}

#[tokio::test]
async fn on_a_data_center_who_is_added_has_a_name_a_key_and_a_personal_token() {
    let site = Site::start(crate::data_center::config("10.3")).await;
    let admin = Browser::of(&site, "alice").await;
    let (status, to) = admin.post(HERE, &[("name", "Nina"), ("email", "nina@example.com"), ("kind", "agent")]).await;
    assert_eq!(status, 303, "{to}");
    let (page, _) = to.split_once('?').unwrap();
    assert_eq!(admin.post(page, &[("act", "token")]).await.0, 303);
    let (_, shown) = admin.get(page).await;
    assert!(shown.contains("<code>nina</code>") && shown.contains("<code>JIRAUSER"), "{shown}");
    let token = shown.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let answer = site.http.get(format!("{}/rest/api/2/myself", site.running.url())).bearer_auth(token).send().await;
    assert_eq!(answer.unwrap().json::<serde_json::Value>().await.unwrap()["name"], "nina");
    site.end().await;
}

#[tokio::test]
async fn a_person_is_renamed_hidden_deactivated_and_back() {
    let receiver = Receiver::start().await;
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    hook(&site, &receiver.url, &["user_updated"]).await;
    let page = page_of(AGENT);
    assert_eq!(admin.post(&page, &[("act", "profile"), ("name", "Bobby")]).await.0, 303);
    let value = told(&site, AGENT).await;
    assert_eq!(value["displayName"], "Bobby");
    let others = As::Person("olga");
    let path = format!("/rest/api/3/user?accountId={AGENT}");
    assert!(site.expect(200, others, "GET", &path, None).await.get("emailAddress").is_none(), "hidden");
    // The same once more changes nothing, and tells nobody.
    assert_eq!(admin.post(&page, &[("act", "profile"), ("name", "Bobby")]).await.0, 303);
    assert_eq!(admin.post(&page, &[("act", "deactivate")]).await.0, 303);
    assert_eq!(told(&site, AGENT).await["active"], false);
    site.expect(401, As::Person("bob"), "GET", "/rest/api/3/myself", None).await;
    assert!(admin.get(HERE).await.1.contains("Deactivated"));
    assert_eq!(admin.post(&page, &[("act", "activate")]).await.0, 303);
    site.expect(200, As::Person("bob"), "GET", "/rest/api/3/myself", None).await;
    site.running.deliveries_settled().await;
    assert_eq!(receiver.events().len(), 3);
    assert!(receiver.got().iter().all(|(_, body)| body["user"]["accountId"] == AGENT), "{:?}", receiver.got());
    site.end().await;
}

#[tokio::test]
async fn groups_are_made_joined_left_and_deleted() {
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    assert_eq!(admin.post(GROUPS, &[("act", "add"), ("name", "night & shift")]).await.0, 303);
    let page = page_of(AGENT);
    assert_eq!(admin.post(&page, &[("act", "join"), ("group", "night & shift")]).await.0, 303);
    let path = format!("/rest/api/3/user/groups?accountId={AGENT}");
    let groups = site.expect(200, ALICE, "GET", &path, None).await;
    assert!(groups.as_array().unwrap().iter().any(|group| group["name"] == "night & shift"), "{groups}");
    let (_, list) = admin.get(GROUPS).await;
    assert!(list.contains("night &amp; shift") && list.contains("1 person"));
    assert!(admin.get(&format!("{HERE}?group=night+%26+shift")).await.1.contains("1 person"));
    assert_eq!(admin.post(&page, &[("act", "leave"), ("group", "night & shift")]).await.0, 303);
    assert_eq!(site.expect(200, ALICE, "GET", &path, None).await.as_array().unwrap().len(), 1);
    assert_eq!(admin.post(GROUPS, &[("act", "delete"), ("group", "night & shift")]).await.0, 303);
    let (status, page) = admin.post(GROUPS, &[("act", "delete"), ("group", "jira-users")]).await;
    assert_eq!(status, 422);
    assert!(page.contains("Every site has this group."));
    site.end().await;
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_changes_nothing() {
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    let before = site.running.state().read().accounts.len();
    let long = "n".repeat(256);
    let address = format!("{}@example.com", "a".repeat(260));
    for (fields, field, why) in [
        ([("name", ""), ("email", "a@b.example")], "name", "The name is missing."),
        (
            [("name", long.as_str()), ("email", "a@b.example")],
            "name",
            "The name may have 255 characters; this has 256.",
        ),
        ([("name", "A"), ("email", "nobody")], "email", "This is no e-mail address."),
        ([("name", "A"), ("email", address.as_str())], "email", "may have 254 characters; this has 272."),
        ([("name", "A"), ("email", "BOB@example.com")], "email", "An account already exists for this email address."),
    ] {
        let (status, page) = admin.post(HERE, &fields).await;
        assert_eq!(status, 422, "{why}");
        let beside = page.split(&format!("id=\"{field}-fault\"")).nth(1).unwrap_or_default();
        assert!(beside.split("</p>").next().unwrap().contains(why), "{why}: {page}");
        assert!(page.contains(&format!("value=\"{}\"", fields[1].1)), "what was typed stays");
    }
    assert_eq!(site.running.state().read().accounts.len(), before);
    // Whoever is the last to administer the site stays that.
    for fields in [vec![("act", "deactivate")], vec![("act", "leave"), ("group", "jira-administrators")]] {
        let (status, page) = admin.post(&page_of(ADMIN), &fields).await;
        assert_eq!(status, 422);
        assert!(page.contains("Nobody would administer this site any more."), "{page}");
    }
    let (status, page) = admin.post(&page_of(CARLA), &[("act", "join"), ("group", "jira-users")]).await;
    assert_eq!(status, 422);
    assert!(page.contains("Customers and apps are in no groups."));
    let (status, page) = admin.post(&page_of(AGENT), &[("act", "join"), ("group", "none")]).await;
    assert_eq!(status, 422);
    assert!(page.contains("There is no such group."));
    assert_eq!(admin.post(&page_of("nobody"), &[("act", "deactivate")]).await.0, 404);
    site.end().await;
}

#[tokio::test]
async fn only_administrators_and_only_by_the_pages_own_forms() {
    let site = Site::start(calm()).await;
    let agent = Browser::of(&site, "bob").await;
    let admin = Browser::of(&site, "alice").await;
    for path in [HERE.to_owned(), page_of(AGENT), GROUPS.to_owned()] {
        assert_eq!(agent.get(&path).await.0, 403, "{path}");
        assert_eq!(agent.post(&path, &[("act", "deactivate"), ("name", "X")]).await.0, 403, "{path}");
        assert_eq!(admin.get(&path).await.0, 200, "{path}");
        assert_eq!(admin.forged(&path, &[("act", "deactivate"), ("_token", "x")]).await.0, 403, "{path}");
    }
    assert_eq!(told(&site, AGENT).await["active"], true);
    site.end().await;
}
