//! The pages: who sees what, what forms do, and what may not run in them.

use reqwest::StatusCode;
use sandbox::{Running, events::Actor, state::Issue};
use serde_json::json;

use crate::{
    remote::Remote,
    site::{self, Browser, client},
};

async fn start() -> Running {
    let remote = Remote::start().await;
    site::start(site::config(&remote.url)).await
}

/// A request of the demo's customer, with an internal note and a hostile comment on it.
fn hers(site: &Running) -> (Issue, String) {
    let state = site.state();
    let (issue, desk, customer, agent) = {
        let store = state.read();
        let id = |name: &str| store.accounts.values().find(|a| a.display_name == name).unwrap().account_id.clone();
        let (customer, agent) = (id("Amélie Fournier"), id("Jonas Brandt"));
        let issue = store.issues.values().find(|i| i.reporter.as_ref() == Some(&customer)).unwrap();
        (Issue::clone(issue), store.desk_of(&issue.project_id).unwrap().id.clone(), customer, agent)
    };
    let text = |text: &str| json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]});
    let say = |who: &str, words: &str, public| {
        state.add_comment(&Actor::person(who), issue.id, text(words), public, None, Default::default()).unwrap();
    };
    say(&agent, "between us only", false);
    say(&customer, "<script>alert('x')</script>", true);
    (issue, desk)
}

#[tokio::test]
async fn everybody_finds_their_pages_and_no_others() {
    let site = start().await;
    let (issue, desk) = hers(&site);
    let request = format!("/servicedesk/customer/portal/{desk}/{}", issue.key);
    let browse = format!("/browse/{}", issue.key);
    let (admin, agent, customer) = (
        Browser::sign_in(&site, "admin").await,
        Browser::sign_in(&site, "agent").await,
        Browser::sign_in(&site, "customer").await,
    );
    let rows = [
        (&agent, "/jira/projects", 200),
        (&agent, "/jira/servicedesk/projects/CARE/queues/1", 200),
        (&agent, "/jira/servicedesk/projects/CARE/queues/99", 404),
        (&agent, "/jira/servicedesk/projects/IT/queues/21", 404),
        (&agent, "/jira/servicedesk/projects/CARE", 303),
        (&agent, browse.as_str(), 200),
        (&agent, "/browse/BIKE-2", 200),
        (&agent, "/browse/IT-1", 404),
        (&agent, "/browse/CARE-99999", 404),
        (&agent, "/issues/?jql=project+%3D+CARE", 200),
        (&agent, "/jira/settings/apps", 403),
        (&agent, request.as_str(), 200),
        (&admin, "/jira/settings/apps", 200),
        (&admin, "/browse/IT-1", 200),
        (&customer, "/jira/projects", 403),
        (&customer, "/issues/", 403),
        (&customer, browse.as_str(), 303),
        (&customer, "/browse/CARE-99999", 404),
        (&customer, request.as_str(), 200),
        (&customer, "/servicedesk/customer/portals", 200),
        (&customer, "/servicedesk/customer/portal/1", 200),
        (&customer, "/servicedesk/customer/portal/2", 404),
        (&customer, "/servicedesk/customer/portal/3", 404),
        (&customer, "/servicedesk/customer/portal/1/create/101", 200),
        (&customer, "/servicedesk/customer/portal/1/create/107", 404),
        (&customer, "/servicedesk/customer/portal/3/IT-1", 404),
        (&customer, "/servicedesk/customer/user/requests", 200),
        (&customer, "/servicedesk/customer/user/profile", 200),
    ];
    for (browser, path, status) in rows {
        let (found, page) = browser.get(path).await;
        assert_eq!(found.as_u16(), status, "{path} {page}");
    }
    let (_, seen) = agent.get(&browse).await;
    assert!(seen.contains("between us only") && seen.contains("customer-panel"));
    assert!(seen.contains("&lt;script&gt;alert(") && !seen.contains("<script>alert"));
    for path in [&request, &browse.replace("/browse", &format!("/servicedesk/customer/portal/{desk}"))] {
        let (_, seen) = customer.get(path).await;
        assert!(!seen.contains("between us only") && seen.contains("&lt;script&gt;alert("));
        assert!(!seen.contains("customer-panel"));
    }
    let (_, seen) = agent.get(&request).await;
    assert!(!seen.contains("between us only"), "the portal shows nothing internal, whoever looks");
    let answer = client().get(format!("{}{browse}", site.url())).send().await.unwrap();
    assert_eq!(answer.headers()["location"], format!("/?to={}", browse.replace('/', "%2F")));
    site.shutdown().await;
}

#[tokio::test]
async fn nothing_inline_runs() {
    let site = start().await;
    let agent = Browser::sign_in(&site, "agent").await;
    let frames = site.forge().frames_url().to_owned();
    for path in [
        "/",
        "/jira/projects",
        "/browse/CARE-1",
        "/issues/",
        "/servicedesk/customer/portals",
        "/servicedesk/customer/user/profile",
    ] {
        let answer = agent.fetch(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let framed = policy.split(';').find_map(|part| part.trim().strip_prefix("frame-src ")).unwrap();
        let framed: Vec<&str> = framed.split_whitespace().collect();
        assert_eq!(framed, ["'self'", &frames], "nothing else is framed while no Connect app is installed");
        assert!(policy.contains("frame-ancestors 'none'"));
        let page = answer.text().await.unwrap();
        assert!(!page.contains(" style=") && !page.contains(" onclick=") && !page.contains("<style"), "{path}");
        assert!(page.split("<script").skip(1).all(|tag| tag.trim_start().starts_with("src=")), "{path}");
    }
    let frame = format!("{frames}/forge/cdn/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914/main/index.html");
    let answer = client().get(frame).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("frame-ancestors {}", site.url())) && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(page.contains("<head><script src=\"/forge/bridge.js\"></script><script src=app.js>"), "{page}");
    let bridge = client().get(format!("{frames}/forge/bridge.js")).send().await.unwrap().text().await.unwrap();
    assert!(bridge.contains(&format!("const SITE = \"{}\"", site.url())));
    for path in ["main/../main/app.js", "main//app.js", "main/none.js", "other/index.html"] {
        let url = format!("{frames}/forge/cdn/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914/{path}");
        let status = client().get(&url).send().await.unwrap().status();
        // Clients resolve `..` themselves: what is left is the file itself.
        assert!(status == StatusCode::NOT_FOUND || path.contains(".."), "{path}");
    }
    site.shutdown().await;
}

#[tokio::test]
async fn forms_act_as_the_person_who_sends_them() {
    let site = start().await;
    let agent = Browser::sign_in(&site, "agent").await;
    let customer = Browser::sign_in(&site, "customer").await;
    let create = "/servicedesk/customer/portal/1/create/101";
    let (status, page) = customer.post(create, &[("summary", ""), ("description", "typed <b>already</b>")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("This is needed.") && page.contains("typed &lt;b&gt;already&lt;"), "{page}");
    let fields = [("summary", "Sonnette muette"), ("description", "Depuis ce matin.\n\nMerci"), ("organization", "10")];
    let (status, to) = customer.post(create, &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{to}");
    let key = to.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let state = site.state();
    let read = || Issue::clone(state.read().issue(&key).unwrap());
    let issue = read();
    assert_eq!(
        (issue.summary.as_str(), issue.channel.as_str(), issue.request_type_id.as_deref()),
        ("Sonnette muette", "portal", Some("101"))
    );
    assert_eq!(issue.organizations, ["10"]);
    let name = |id: &Option<String>| id.as_ref().map(|id| state.read().display_name(id)).unwrap_or_default();
    assert_eq!(name(&issue.reporter), "Amélie Fournier");

    let comment = format!("/browse/{key}/comment");
    assert_eq!(
        agent.post_bare(&comment, &[("text", "forged"), ("_token", &customer.page_token)]).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(agent.post(&comment, &[("text", "  ")]).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(agent.post(&comment, &[("text", "Bonjour"), ("audience", "public")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(agent.post(&comment, &[("text", "note"), ("audience", "internal")]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(customer.post(&comment, &[("text", "as agent")]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        agent.post(&format!("/browse/{key}/transition"), &[("transition", "21")]).await.0,
        StatusCode::SEE_OTHER
    );
    assert_eq!(agent.post(&format!("/browse/{key}/transition"), &[("transition", "71")]).await.0, StatusCode::CONFLICT);
    assert_eq!(read().status_id, "10001");
    let portal = format!("/servicedesk/customer/portal/1/{key}");
    assert_eq!(customer.post(&format!("{portal}/transition"), &[("transition", "11")]).await.0, StatusCode::CONFLICT);
    let reply = format!("{portal}/comment");
    assert_eq!(customer.reply(&reply, " ", None).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let (status, page) = customer.reply(&reply, "", Some(("film.mov", &large))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("A file may have 10 MB"), "{page}");
    assert!(read().attachments.is_empty(), "nothing half-done");
    assert_eq!(customer.reply(&reply, "Ça marche", None).await.0, StatusCode::SEE_OTHER);
    assert_eq!(customer.reply(&reply, "", Some(("<photo>.png", b"pixels"))).await.0, StatusCode::SEE_OTHER);
    let issue = read();
    assert_eq!(issue.status_id, "10000", "a reply puts the request back with support");
    let public: Vec<bool> = issue.comments.iter().map(|comment| comment.public).collect();
    assert_eq!(public, [true, false, true, true]);
    let file = &issue.attachments[0];
    assert_eq!((file.filename.as_str(), file.size, file.comment_id), ("<photo>.png", 6, Some(issue.comments[3].id)));
    let link = format!("/secure/attachment/{}/%3Cphoto%3E%2Epng", file.id);
    for (who, path) in [(&customer, &portal), (&agent, &format!("/browse/{key}"))] {
        let (_, page) = who.get(path).await;
        assert!(page.contains(&link.replace('/', "&#x2f;")) && page.contains("&lt;photo&gt;.png"), "{page}");
        assert_eq!(who.get(&link).await, (StatusCode::OK, "pixels".to_owned()));
    }
    let other = {
        let store = state.read();
        store.issues.values().find(|i| i.key.starts_with("IT-")).unwrap().key.clone()
    };
    assert_eq!(
        customer.reply(&format!("/servicedesk/customer/portal/3/{other}/comment"), "x", None).await.0,
        StatusCode::NOT_FOUND
    );
    let jonas = state.read().accounts.values().find(|a| a.display_name == "Jonas Brandt").unwrap().account_id.clone();
    assert_eq!(agent.post(&format!("/browse/{key}/assignee"), &[("assignee", &jonas)]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(
        agent.post(&format!("/browse/{key}/assignee"), &[("assignee", issue.reporter.as_deref().unwrap())]).await.0,
        StatusCode::CONFLICT
    );
    assert_eq!(read().assignee, Some(jonas));
    assert_eq!(customer.post(&format!("{portal}/transition"), &[("transition", "51")]).await.0, StatusCode::SEE_OTHER);
    assert!(read().resolved_at.is_some());
    assert_eq!(agent.post("/sandbox/logout", &[]).await.0, StatusCode::SEE_OTHER);
    assert_eq!(agent.get("/jira/projects").await.0, StatusCode::SEE_OTHER);
    site.shutdown().await;
}

#[tokio::test]
async fn queues_of_the_demo_can_be_searched() {
    let site = start().await;
    let admin = Browser::sign_in(&site, "admin").await;
    let queues: Vec<String> = {
        let state = site.state();
        let store = state.read();
        store
            .service_desks
            .values()
            .flat_map(|desk| {
                let key = store.projects[&desk.project_id].key.clone();
                desk.queues
                    .iter()
                    .map(move |queue| format!("/jira/servicedesk/projects/{key}/queues/{}", queue.id))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    for path in queues {
        let (status, page) = admin.get(&path).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!page.contains("class=\"fault\""), "{path} {page}");
    }
    site.shutdown().await;
}
