//! Files on issues and requests: uploaded, fetched, ranged, deleted; and by no door to whom they are not meant for.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, routing::post};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{As, DAVID, Site, calm};

const ALICE: As<'_> = As::Person("alice");
const BOB: As<'_> = As::Person("bob");
const CARLA: As<'_> = As::Person("carla");
const DESK: &str = "/rest/servicedeskapi";

pub(crate) fn form(files: &[(&str, &[u8])]) -> Form {
    files.iter().fold(Form::new(), |form, (name, bytes)| {
        form.part("file", Part::bytes(bytes.to_vec()).file_name((*name).to_owned()))
    })
}

impl Site {
    /// Sends files; `token` is the header against foreign pages.
    pub(crate) async fn upload(&self, who: As<'_>, path: &str, form: Form, token: Option<&str>) -> (u16, Value) {
        let As::Person(name) = who else { unreachable!("files are sent by people here") };
        let request = self.http.post(format!("{}{path}", self.running.url()));
        let mut request = request.basic_auth(format!("{name}@example.com"), Some(format!("{name}-token")));
        if let Some(token) = token {
            request = request.header("X-Atlassian-Token", token);
        }
        let answer = request.multipart(form).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    /// Carla's request, shared with David.
    pub(crate) async fn request(&self) -> String {
        let raised = json!({"serviceDeskId": "1", "requestTypeId": "25", "requestParticipants": [DAVID],
            "requestFieldValues": {"summary": "Printer"}});
        let made = self.expect(201, CARLA, "POST", &format!("{DESK}/request"), Some(raised)).await;
        made["issueKey"].as_str().unwrap().to_owned()
    }

    /// Lays a file aside and attaches it; answers the attachment's id.
    async fn attach(&self, who: As<'_>, key: &str, name: &str, public: bool) -> String {
        let path = format!("{DESK}/servicedesk/1/attachTemporaryFile");
        let (status, aside) = self.upload(who, &path, form(&[(name, b"0123456789")]), Some("no-check")).await;
        assert_eq!(status, 201, "{aside}");
        let id = &aside["temporaryAttachments"][0]["temporaryAttachmentId"];
        let body =
            json!({"temporaryAttachmentIds": [id], "public": public, "additionalComment": {"body": "See *this*"}});
        let path = format!("{DESK}/request/{key}/attachment");
        let made = self.expect(201, who, "POST", &path, Some(body)).await;
        assert_eq!(made["comment"]["public"], public);
        let link = made["attachments"]["values"][0]["_links"]["self"].as_str().unwrap().to_owned();
        link.rsplit('/').next().unwrap().to_owned()
    }

    async fn names(&self, who: As<'_>, path: &str) -> Vec<String> {
        let page = self.expect(200, who, "GET", path, None).await;
        page["values"].as_array().unwrap().iter().map(|v| v["filename"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_file_comes_back_whole_in_part_and_by_a_ticket() {
    let site = Site::start(calm()).await;
    let key = site.request().await;
    let path = format!("/rest/api/3/issue/{key}/attachments");
    let (status, made) = site.upload(BOB, &path, form(&[("Größe.txt", b"0123456789")]), Some("no-check")).await;
    assert_eq!((status, made[0]["filename"].as_str()), (200, Some("Größe.txt")));
    let id = made[0]["id"].as_str().unwrap();
    let content = format!("/rest/api/3/attachment/content/{id}");
    let whole = site.raw(BOB, "GET", &format!("{content}?redirect=false"), None).await;
    assert_eq!(whole.headers()["content-disposition"], "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt");
    assert_eq!(whole.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(whole.text().await.unwrap(), "0123456789");
    for (range, status, body, shown) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-1", 206, "9", Some("bytes 9-9/10")),
        ("bytes=10-", 416, "", Some("bytes */10")),
        ("lines=1-2", 200, "0123456789", None),
    ] {
        let url = format!("{}{content}?redirect=false", site.running.url());
        let asked = site.http.get(url).basic_auth("bob@example.com", Some("bob-token")).header("Range", range);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), status, "{range}");
        assert_eq!(answer.headers().get("content-range").map(|v| v.to_str().unwrap()), shown, "{range}");
        assert_eq!(answer.text().await.unwrap(), body, "{range}");
    }
    let quiet = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!("{}{content}", site.running.url());
    let sent = quiet.get(url).basic_auth("bob@example.com", Some("bob-token")).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let ticket = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(!ticket.starts_with(&site.running.url()), "files come from another origin");
    assert_eq!(quiet.get(&ticket).send().await.unwrap().text().await.unwrap(), "0123456789");
    let forged = ticket.replace(&format!("/media/{id}/"), "/media/10001/");
    assert_eq!(quiet.get(forged).send().await.unwrap().status(), 403);
    site.expect(204, BOB, "DELETE", &format!("/rest/api/3/attachment/{id}"), None).await;
    site.expect(404, BOB, "GET", &format!("/rest/api/3/attachment/{id}"), None).await;
    assert_eq!(quiet.get(&ticket).send().await.unwrap().status(), 404);
    site.end().await;
}

#[tokio::test]
async fn uploads_are_refused_for_what_is_wrong_with_them() {
    let site = Site::start(calm()).await;
    let key = site.request().await;
    let issue = format!("/rest/api/3/issue/{key}/attachments");
    let aside = format!("{DESK}/servicedesk/1/attachTemporaryFile");
    let small = || form(&[("a.txt", b"a")]);
    let many = || form(&vec![("a.txt", b"a".as_slice()); 61]);
    let large = || form(&[("a.bin", &vec![0; 10 * 1024 * 1024 + 1])]);
    let check = async |who: As<'_>, path: &str, form: Form, token: Option<&str>, expected: u16| {
        let (status, said) = site.upload(who, path, form, token).await;
        assert_eq!(status, expected, "{path}: {said}");
    };
    let full = form(&[("a.bin", &vec![0; 10 * 1024 * 1024])]);
    check(BOB, &issue, full, Some("no-check"), 200).await;
    check(BOB, &issue, small(), None, 403).await;
    check(BOB, &issue, many(), Some("no-check"), 413).await;
    check(BOB, &issue, large(), Some("no-check"), 413).await;
    check(CARLA, &issue, small(), Some("no-check"), 404).await;
    check(As::Person("olga"), &issue, small(), Some("no-check"), 404).await;
    check(BOB, &aside, small(), None, 403).await;
    check(CARLA, &aside, many(), Some("no-check"), 413).await;
    check(CARLA, &aside, Form::new(), Some("no-check"), 400).await;
    check(As::Person("olga"), &aside, small(), Some("no-check"), 404).await;
    let attach = format!("{DESK}/request/{key}/attachment");
    for ids in [json!([]), json!(["temp-nobodys"])] {
        site.expect(400, CARLA, "POST", &attach, Some(json!({"temporaryAttachmentIds": ids, "public": true}))).await;
    }
    // What one laid aside is nobody else's, and is good once.
    let (_, told) = site.upload(CARLA, &aside, small(), Some("no-check")).await;
    let take =
        json!({"temporaryAttachmentIds": [told["temporaryAttachments"][0]["temporaryAttachmentId"]], "public": true});
    site.expect(400, As::Person("david"), "POST", &attach, Some(take.clone())).await;
    let mut inward = take.clone();
    inward["public"] = json!(false);
    site.expect(403, CARLA, "POST", &attach, Some(inward)).await;
    site.expect(201, CARLA, "POST", &attach, Some(take.clone())).await;
    site.expect(400, CARLA, "POST", &attach, Some(take)).await;
    site.end().await;
}

#[tokio::test]
async fn nothing_internal_reaches_a_customer_by_any_door() {
    let site = Site::start(calm()).await;
    let key = site.request().await;
    let public = site.attach(BOB, &key, "public.txt", true).await;
    let hidden = site.attach(BOB, &key, "hidden.txt", false).await;
    let note = json!({"body": "Between us: hidden words", "public": false});
    let request = format!("{DESK}/request/{key}");
    site.expect(201, BOB, "POST", &format!("{request}/comment"), Some(note.clone())).await;
    site.expect(403, CARLA, "POST", &format!("{request}/comment"), Some(note)).await;
    let path = format!("/rest/api/3/issue/{key}/attachments");
    let (_, bare) = site.upload(BOB, &path, form(&[("bare.txt", b"x")]), Some("no-check")).await;
    let bare = bare[0]["id"].as_str().unwrap().to_owned();
    let all = site.expect(200, BOB, "GET", &format!("{request}/comment?limit=100"), None).await;
    let notes: Vec<&str> = all["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["public"] == false)
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    assert_eq!(notes.len(), 2);
    assert_eq!(site.names(BOB, &format!("{request}/attachment")).await, ["public.txt", "hidden.txt", "bare.txt"]);

    for customer in [CARLA, As::Person("david")] {
        assert_eq!(site.names(customer, &format!("{request}/attachment")).await, ["public.txt"]);
        let expand = "expand=comment,comment.attachment,attachment,participant,status,action,requestType,serviceDesk";
        for path in [
            format!("{request}?{expand}"),
            format!("{request}/comment?public=true&internal=true&expand=attachment,renderedBody&limit=100"),
            format!("{request}/comment?public=false&internal=true"),
            format!("{request}/attachment"),
            format!("{DESK}/request?requestOwnership=ALL_REQUESTS&searchTerm=hidden&{expand}"),
            format!("{DESK}/request?{expand}"),
            format!("/rest/api/3/issue/{key}?fields=*all&expand=changelog"),
            format!("/rest/api/3/issue/{key}/comment"),
            format!("/rest/api/3/issue/{key}/changelog"),
            "/rest/api/3/search/jql?jql=comment~hidden&fields=*all".to_owned(),
        ] {
            let (_, told) = site.call(customer, "GET", &path, None).await;
            let told = told.to_string();
            assert!(
                !told.contains("hidden.txt") && !told.contains("hidden words") && !told.contains("bare.txt"),
                "{path}: {told}"
            );
        }
        let ids = json!({"ids": notes.iter().map(|id| id.parse::<u64>().unwrap()).collect::<Vec<_>>()});
        let told = site.call(customer, "POST", "/rest/api/3/comment/list", Some(ids)).await.1;
        assert_eq!(told["values"], json!([]));
        for id in &notes {
            site.expect(404, customer, "GET", &format!("{request}/comment/{id}"), None).await;
            site.expect(404, customer, "GET", &format!("{request}/comment/{id}/attachment"), None).await;
            site.expect(404, customer, "GET", &format!("/rest/api/3/comment/{id}/properties"), None).await;
        }
        for (id, status) in [(&public, 200), (&hidden, 404), (&bare, 404)] {
            let answer = site.raw(customer, "GET", &format!("{request}/attachment/{id}"), None).await;
            assert_eq!(answer.status(), status, "{id}");
            site.expect(404, customer, "GET", &format!("/rest/api/3/attachment/{id}"), None).await;
            site.expect(404, customer, "GET", &format!("/rest/api/3/attachment/content/{id}"), None).await;
            let session = site.running.state().open_session(match customer {
                CARLA => crate::support::CARLA,
                _ => DAVID,
            });
            let page = site.http.get(format!("{}/secure/attachment/{id}/x", site.running.url()));
            let page = page.header("Cookie", format!("tenant.session.token={session}"));
            assert_eq!(page.send().await.unwrap().status(), status, "{id}");
        }
        site.expect(404, customer, "DELETE", &format!("/rest/api/3/attachment/{public}"), None).await;
    }
    // What was public and becomes a note takes its file along.
    let said = all["values"].as_array().unwrap().iter().find(|c| c["public"] == true).unwrap()["id"].as_str().unwrap();
    let inward = format!("/rest/api/3/comment/{said}/properties/sd.public.comment");
    site.expect(201, BOB, "PUT", &inward, Some(json!({"internal": true}))).await;
    assert!(site.names(CARLA, &format!("{request}/attachment")).await.is_empty());
    site.end().await;
}

type Received = Arc<Mutex<Vec<Value>>>;

#[tokio::test]
async fn files_and_participants_are_told_to_webhooks() {
    let received = Received::default();
    let router = Router::new()
        .route(
            "/",
            post(async |State(received): State<Received>, Json(body): Json<Value>| received.lock().unwrap().push(body)),
        )
        .with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let site = Site::start(calm()).await;
    let key = site.request().await;
    let hook = json!({"name": "Files", "url": url,
        "events": ["attachment_created", "attachment_deleted", "comment_created", "jira:issue_updated"],
        "filters": {"issue-related-events-section": "project = HELP"}});
    site.expect(201, ALICE, "POST", "/rest/webhooks/1.0/webhook", Some(hook)).await;
    let told = async || {
        site.running.deliveries_settled().await;
        let mut told = std::mem::take(&mut *received.lock().unwrap());
        told.sort_by_key(|body| body["webhookEvent"].as_str().unwrap().to_owned());
        told
    };
    let events =
        |told: &[Value]| told.iter().map(|e| e["webhookEvent"].as_str().unwrap().to_owned()).collect::<Vec<_>>();

    let id = site.attach(CARLA, &key, "log.txt", true).await;
    let made = told().await;
    assert_eq!(events(&made), ["attachment_created", "comment_created", "jira:issue_updated"]);
    assert_eq!((&made[0]["attachment"]["filename"], &made[0]["attachment"]["id"]), (&json!("log.txt"), &json!(id)));
    assert!(made[0].get("issue").is_none(), "it tells of the file alone");
    assert_eq!(made[2]["changelog"]["items"][0]["field"], "Attachment");
    assert_eq!(made[2]["changelog"]["items"][0]["toString"], "log.txt");

    site.expect(204, ALICE, "DELETE", &format!("/rest/api/3/attachment/{id}"), None).await;
    assert_eq!(events(&told().await), ["attachment_deleted", "jira:issue_updated"]);

    let participant = format!("{DESK}/request/{key}/participant");
    let whom = json!({"accountIds": [crate::support::ADMIN]});
    for (method, from, to) in [("POST", DAVID, "both"), ("DELETE", "both", DAVID)] {
        site.expect(200, CARLA, method, &participant, Some(whom.clone())).await;
        let change = told().await;
        assert_eq!(events(&change), ["jira:issue_updated"], "{method}");
        let item = &change[0]["changelog"]["items"][0];
        assert_eq!(item["field"], "Request participants");
        for (end, expected) in [("from", from), ("to", to)] {
            let ids = item[end].as_str().unwrap();
            assert!(ids.contains(DAVID), "{method} {end}: {ids}");
            assert_eq!(ids.contains(crate::support::ADMIN), expected == "both", "{method} {end}: {ids}");
        }
        // Adding whom is there already, or removing whom is not, changes nothing and tells nobody.
        site.expect(200, CARLA, method, &participant, Some(whom.clone())).await;
        assert!(told().await.is_empty(), "{method}");
    }
    site.end().await;
}
