//! Every operation that the sandbox serves, driven at least once, and each answer compared with
//! Atlassian's OpenAPI files.

use std::collections::BTreeSet;

use crate::support::{self, ADMIN, AGENT, APP, As, CARLA, DAVID, Site, calm};
use serde_json::{Value, json};

const TABLE: &str = include_str!("../../src/rest/operations.tsv");

fn doc(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

#[tokio::test]
async fn every_operation_keeps_the_contract() {
    if support::specs().is_none() {
        return;
    }
    let mut config = calm();
    config.rate_limits.enabled = false;
    let site = Site::start(config).await;
    let admin = As::Person("alice");
    let agent = As::Person("bob");
    let carla = As::Person("carla");
    site.token(
        "system",
        APP,
        &[
            "read:app-data:jira",
            "write:app-data:jira",
            "read:jira-work",
            "manage:jira-webhook",
            "manage:servicedesk-customer",
            "read:servicedesk-request",
        ],
    );
    let app = As::Token("system");

    for path in [
        "serverInfo",
        "field",
        "priority",
        "status",
        "status/10000",
        "statuscategory",
        "issuetype",
        "resolution",
        "label",
        "myself?expand=groups",
        &format!("user?accountId={CARLA}"),
        "user/search?query=car",
        "users/search",
        "user/assignable/search?project=HELP",
        &format!("user/bulk?accountId={CARLA}&accountId={AGENT}"),
        &format!("user/groups?accountId={AGENT}"),
        "group/bulk",
        "groups/picker?query=jira",
        "group/member?groupname=jira-users&maxResults=2",
        "project",
        "project/search?expand=lead",
        "project/HELP",
        "project/HELP/statuses",
        "project/HELP/role",
        "project/HELP/role/10101",
        "role",
        "issueLinkType",
        "issueLinkType/10000",
        "mypermissions?permissions=BROWSE_PROJECTS,ADMINISTER&projectKey=HELP",
    ] {
        site.expect(200, admin, "GET", &format!("/rest/api/3/{path}"), None).await;
    }

    // Issues and what hangs on them.
    let create = |summary: &str| {
        json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Service Request"},
            "summary": summary, "description": doc("It is broken"), "labels": ["one"],
            "duedate": "2026-12-24", "assignee": {"accountId": AGENT},
            "customfield_10050": "A-1"},
            "properties": [{"key": "steward", "value": {"region": "EU"}}]})
    };
    let first = site.expect(201, agent, "POST", "/rest/api/3/issue", Some(create("First"))).await;
    let second = site.expect(201, agent, "POST", "/rest/api/3/issue", Some(create("Second"))).await;
    let (key, id) = (first["key"].as_str().unwrap(), first["id"].as_str().unwrap());
    let other = second["key"].as_str().unwrap();
    let issue = format!("/rest/api/3/issue/{key}");
    let edit = json!({"fields": {"summary": "First, edited", "assignee": null},
        "update": {"labels": [{"add": "two"}]}});
    site.expect(204, agent, "PUT", &issue, Some(edit)).await;
    site.expect(204, agent, "PUT", &format!("{issue}/assignee"), Some(json!({"accountId": AGENT}))).await;
    site.expect(200, agent, "GET", &format!("{issue}?expand=changelog,names,schema,transitions&properties=*all"), None)
        .await;
    site.expect(200, agent, "GET", &format!("{issue}/changelog"), None).await;
    site.expect(200, agent, "GET", &format!("{issue}/worklog"), None).await;
    let fetch = json!({"issueIdsOrKeys": [key, other, "NONE-1"], "fields": ["*all"],
        "expand": ["changelog"]});
    let fetched = site.expect(200, agent, "POST", "/rest/api/3/issue/bulkfetch", Some(fetch)).await;
    assert_eq!(fetched["issues"].as_array().unwrap().len(), 2);

    let said = json!({"body": doc("A note"),
        "properties": [{"key": "sd.public.comment", "value": {"internal": true}}]});
    let comment = site.expect(201, agent, "POST", &format!("{issue}/comment"), Some(said)).await;
    assert_eq!(comment["jsdPublic"], false);
    let comment = comment["id"].as_str().unwrap();
    site.expect(200, agent, "GET", &format!("{issue}/comment?expand=properties"), None).await;
    site.expect(200, agent, "GET", &format!("{issue}/comment/{comment}"), None).await;
    site.expect(200, agent, "PUT", &format!("{issue}/comment/{comment}"), Some(json!({"body": doc("A better note")})))
        .await;
    site.expect(
        200,
        agent,
        "POST",
        "/rest/api/3/comment/list",
        Some(json!({"ids": [comment.parse::<u64>().unwrap()]})),
    )
    .await;
    for (base, created) in
        [(format!("/rest/api/3/comment/{comment}/properties"), "mark"), (format!("{issue}/properties"), "mark")]
    {
        let one = format!("{base}/{created}");
        site.expect(201, agent, "PUT", &one, Some(json!({"a": 1}))).await;
        site.expect(200, agent, "PUT", &one, Some(json!(2))).await;
        site.expect(200, agent, "GET", &one, None).await;
        site.expect(200, agent, "GET", &base, None).await;
        site.expect(204, agent, "DELETE", &one, None).await;
        site.expect(404, agent, "GET", &one, None).await;
    }
    let own = format!("/rest/api/3/user/properties/mark?accountId={AGENT}");
    site.expect(201, agent, "PUT", &own, Some(json!("x"))).await;
    site.expect(200, agent, "GET", &own, None).await;
    site.expect(200, agent, "GET", &format!("/rest/api/3/user/properties?accountId={AGENT}"), None).await;
    site.expect(204, agent, "DELETE", &own, None).await;
    site.expect(204, agent, "DELETE", &format!("{issue}/comment/{comment}"), None).await;

    let linked = json!({"type": {"name": "Blocks"}, "inwardIssue": {"key": key},
        "outwardIssue": {"key": other}});
    site.expect(201, agent, "POST", "/rest/api/3/issueLink", Some(linked)).await;
    let read = site.expect(200, agent, "GET", &issue, None).await;
    let link = &read["fields"]["issuelinks"][0];
    assert_eq!(link["outwardIssue"]["key"], other);
    let link = format!("/rest/api/3/issueLink/{}", link["id"].as_str().unwrap());
    site.expect(200, agent, "GET", &link, None).await;
    site.expect(204, agent, "DELETE", &link, None).await;

    let steps = site.expect(200, agent, "GET", &format!("{issue}/transitions"), None).await;
    assert_eq!(steps["transitions"][0]["name"], "Start work");
    site.expect(
        204,
        agent,
        "POST",
        &format!("{issue}/transitions"),
        Some(json!({"transition": {"id": "51"}, "fields": {"resolution": {"name": "Won't Do"}}})),
    )
    .await;

    // Search.
    let search = json!({"jql": "project = HELP ORDER BY key", "fields": ["*all"],
        "expand": "names,schema,changelog", "maxResults": 1});
    let page = site.expect(200, agent, "POST", "/rest/api/3/search/jql", Some(search)).await;
    assert_eq!((page["isLast"].as_bool(), page["nextPageToken"].is_string()), (Some(false), true));
    site.expect(200, agent, "GET", "/rest/api/3/search/jql?jql=project%20%3D%20HELP", None).await;
    site.expect(200, agent, "POST", "/rest/api/3/search/approximate-count", Some(json!({"jql": "project = HELP"})))
        .await;
    site.expect(200, agent, "POST", "/rest/api/3/jql/parse", Some(json!({"queries": ["project = HELP", "nonsense"]})))
        .await;
    for method in ["GET", "POST"] {
        let body = (method == "POST").then(|| json!({}));
        site.expect(410, agent, method, "/rest/api/3/search", body).await;
    }
    site.expect(
        200,
        admin,
        "POST",
        "/rest/api/3/permissions/check",
        Some(json!({"accountId": AGENT, "globalPermissions": ["ADMINISTER"],
            "projectPermissions": [{"permissions": ["BROWSE_PROJECTS"], "projects": [10000],
                "issues": [id.parse::<u64>().unwrap()]}]})),
    )
    .await;

    webhooks_and_app_properties(&site, admin, app).await;
    crate::connect_app::keeps_its_properties(&site).await;
    service_desk(&site, admin, agent, carla).await;

    site.expect(403, agent, "DELETE", &issue, None).await;
    site.expect(204, admin, "DELETE", &issue, None).await;
    site.expect(404, admin, "GET", &issue, None).await;

    let seen: BTreeSet<String> = site.running.contract_seen().into_iter().map(|(k, _)| k).collect();
    let unseen: Vec<String> = TABLE
        .lines()
        .map(|line| line.split('\t').take(2).collect::<Vec<_>>().join(" "))
        .filter(|operation| !seen.contains(operation))
        .collect();
    assert!(unseen.is_empty(), "never driven: {unseen:#?}");
    site.end().await;
}

/// What the site takes all the same is said: Jira need not take it.
#[tokio::test]
async fn requests_that_the_files_do_not_allow_are_reported() {
    if support::specs().is_none() {
        return;
    }
    let site = Site::start(calm()).await;
    let agent = As::Person("bob");
    let queries = json!({"queries": ["project = HELP"]});
    site.expect(200, agent, "POST", "/rest/api/3/jql/parse?validation=sometimes", Some(queries)).await;
    site.expect(200, agent, "GET", "/rest/servicedeskapi/servicedesk/1/queue?includeCount=yes", None).await;
    let raised = json!({"serviceDeskId": 1, "requestTypeId": "25",
        "requestFieldValues": {"summary": "Printer", "description": "It smokes"}});
    site.expect(201, As::Person("carla"), "POST", "/rest/servicedeskapi/request", Some(raised)).await;
    // Whoever is refused knows it already; and Jira is known to take what these two say.
    let wrong = json!({"jql": "project = HELP", "fields": "summary"});
    site.expect(400, agent, "POST", "/rest/api/3/search/jql", Some(wrong)).await;
    let unset = json!({"jql": "project = HELP", "nextPageToken": null});
    site.expect(200, agent, "POST", "/rest/api/3/search/jql", Some(unset)).await;
    let twice = json!({"globalPermissions": ["ADMINISTER", "ADMINISTER"]});
    site.expect(200, agent, "POST", "/rest/api/3/permissions/check", Some(twice)).await;

    let found = site.running.contract_violations();
    let mut operations: Vec<&str> = found.iter().map(|one| one.operation.as_str()).collect();
    operations.dedup();
    let expected = [
        "POST /rest/api/3/jql/parse",
        "GET /rest/servicedeskapi/servicedesk/{serviceDeskId}/queue",
        "POST /rest/servicedeskapi/request",
    ];
    assert_eq!(operations, expected, "{found:#?}");
    assert!(found.iter().all(|one| one.message.starts_with("the request: ")), "{found:#?}");
    site.running.shutdown().await;
}

async fn webhooks_and_app_properties(site: &Site, admin: As<'_>, app: As<'_>) {
    let registered = json!({"url": "https://example.com/hook", "webhooks": [
        {"events": ["jira:issue_created"], "jqlFilter": "project = HELP",
            "fieldIdsFilter": ["summary"], "issuePropertyKeysFilter": ["steward"]},
        {"events": ["jira:nothing"], "jqlFilter": "nonsense ="}]});
    let made = site.expect(200, app, "POST", "/rest/api/3/webhook", Some(registered)).await;
    let results = &made["webhookRegistrationResult"];
    let id = results[0]["createdWebhookId"].as_u64().unwrap();
    assert!(results[1]["errors"].as_array().is_some_and(|e| e.len() == 2), "{results}");
    site.expect(200, app, "GET", "/rest/api/3/webhook", None).await;
    site.expect(200, app, "GET", "/rest/api/3/webhook/failed", None).await;
    let ids = json!({"webhookIds": [id]});
    site.expect(200, app, "PUT", "/rest/api/3/webhook/refresh", Some(ids.clone())).await;
    site.expect(202, app, "DELETE", "/rest/api/3/webhook", Some(ids)).await;
    site.expect(403, admin, "GET", "/rest/api/3/webhook", None).await;

    let hooks = "/rest/webhooks/1.0/webhook";
    let hook = json!({"name": "Hook", "url": "http://127.0.0.1:9/", "events": ["comment_created"],
        "filters": {"issue-related-events-section": "project = HELP"}, "secret": "s"});
    let made = site.expect(201, admin, "POST", hooks, Some(hook.clone())).await;
    let own = made["self"].as_str().unwrap().replace(&site.running.url(), "");
    site.expect(200, admin, "GET", hooks, None).await;
    site.expect(200, admin, "GET", &own, None).await;
    site.expect(200, admin, "PUT", &own, Some(hook)).await;
    site.expect(204, admin, "DELETE", &own, None).await;

    // What Jira keeps of a Connect app is for that app, and for the Forge app that carries it on.
    let kept = "/rest/atlassian-connect/1/addons/com.example/properties/connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8";
    site.expect(404, app, "GET", kept, None).await;
    site.expect(401, admin, "GET", kept, None).await;

    let base = "/rest/forge/1/app/properties";
    let one = format!("{base}/state");
    site.expect(201, app, "PUT", &one, Some(json!({"a": 1}))).await;
    site.expect(200, app, "PUT", &one, Some(json!({"a": 2}))).await;
    site.expect(200, app, "GET", &one, None).await;
    site.expect(200, app, "GET", base, None).await;
    site.expect(204, app, "DELETE", &one, None).await;
    site.expect(404, app, "GET", &one, None).await;
    site.expect(400, app, "PUT", &format!("{base}/{}", "k".repeat(128)), Some(json!(1))).await;
}

async fn service_desk(site: &Site, admin: As<'_>, agent: As<'_>, carla: As<'_>) {
    let api = "/rest/servicedeskapi";
    for path in [
        "info",
        "servicedesk",
        "servicedesk/1",
        "servicedesk/HELP",
        "requesttype",
        "servicedesk/1/requesttype",
        "servicedesk/1/requesttype/25",
        "servicedesk/1/requesttype/25/field",
        "servicedesk/1/requesttypegroup",
        "servicedesk/1/customer?query=car",
        "servicedesk/1/organization",
        "organization",
        "organization/30",
        "organization/30/user",
        "servicedesk/1/queue?includeCount=true",
        "servicedesk/1/queue/5",
        "servicedesk/1/queue/5/issue",
    ] {
        site.expect(200, agent, "GET", &format!("{api}/{path}"), None).await;
    }
    let new = json!({"email": "eve@example.com", "displayName": "Eve Ünal"});
    let eve = site.expect(201, admin, "POST", &format!("{api}/customer"), Some(new.clone())).await;
    let eve = json!({"accountIds": [eve["accountId"]]});
    site.expect(400, admin, "POST", &format!("{api}/customer"), Some(new.clone())).await;
    site.expect(409, admin, "POST", &format!("{api}/customer?strictConflictStatusCode=true"), Some(new)).await;
    let customers = format!("{api}/servicedesk/1/customer");
    site.expect(403, agent, "POST", &customers, Some(eve.clone())).await;
    site.expect(204, admin, "POST", &customers, Some(eve.clone())).await;
    site.expect(204, admin, "DELETE", &customers, Some(eve.clone())).await;

    let made = site.expect(201, agent, "POST", &format!("{api}/organization"), Some(json!({"name": "Globex"}))).await;
    let organization = format!("{api}/organization/{}", made["id"].as_str().unwrap());
    let number: u64 = made["id"].as_str().unwrap().parse().unwrap();
    site.expect(204, agent, "POST", &format!("{organization}/user"), Some(eve.clone())).await;
    site.expect(204, agent, "DELETE", &format!("{organization}/user"), Some(eve)).await;
    let property = format!("{organization}/property/tier");
    site.expect(201, agent, "PUT", &property, Some(json!({"tier": "gold"}))).await;
    site.expect(200, agent, "PUT", &property, Some(json!("gold"))).await;
    site.expect(200, agent, "GET", &property, None).await;
    site.expect(200, agent, "GET", &format!("{organization}/property"), None).await;
    site.expect(204, agent, "DELETE", &property, None).await;
    let uses = format!("{api}/servicedesk/1/organization");
    site.expect(204, agent, "POST", &uses, Some(json!({"organizationId": number}))).await;
    site.expect(204, agent, "DELETE", &uses, Some(json!({"organizationId": number}))).await;
    site.expect(204, admin, "DELETE", &organization, None).await;

    let raised = json!({"serviceDeskId": "1", "requestTypeId": "25", "requestParticipants": [DAVID],
        "requestFieldValues": {"summary": "Printer", "description": "It *smokes*"}});
    let made = site.expect(201, carla, "POST", &format!("{api}/request"), Some(raised)).await;
    let made_key = made["issueKey"].as_str().unwrap();
    let request = format!("{api}/request/{made_key}");
    site.expect(200, carla, "GET", &format!("{api}/request?requestStatus=OPEN_REQUESTS"), None).await;
    site.expect(
        200,
        carla,
        "GET",
        &format!("{request}?expand=participant,status,requestType,serviceDesk,comment,action"),
        None,
    )
    .await;
    let said = site
        .expect(
            201,
            agent,
            "POST",
            &format!("{request}/comment"),
            Some(json!({"body": "Have you tried *turning it off*?", "public": true})),
        )
        .await;
    let said = said["id"].as_str().unwrap();
    site.expect(200, carla, "GET", &format!("{request}/comment?expand=renderedBody"), None).await;
    site.expect(200, carla, "GET", &format!("{request}/comment/{said}"), None).await;
    let aside = format!("{api}/servicedesk/projectKey:HELP/attachTemporaryFile");
    let file = || crate::attachments::form(&[("smoke.txt", b"black")]);
    let (status, told) = site.upload(carla, &aside, file(), Some("no-check")).await;
    assert_eq!(status, 201, "{told}");
    let ids = [&told["temporaryAttachments"][0]["temporaryAttachmentId"]];
    let attach = json!({"temporaryAttachmentIds": ids, "public": true, "additionalComment": {"body": "Look"}});
    let made = site.expect(201, carla, "POST", &format!("{request}/attachment"), Some(attach)).await;
    let with_file = made["comment"]["id"].as_str().unwrap();
    site.expect(200, carla, "GET", &format!("{request}/attachment?start=0&limit=5"), None).await;
    site.expect(200, carla, "GET", &format!("{request}/comment/{with_file}/attachment"), None).await;
    site.expect(200, carla, "GET", &format!("{request}/comment?expand=attachment"), None).await;
    site.expect(200, carla, "GET", &format!("{request}?expand=attachment"), None).await;
    let link = made["attachments"]["values"][0]["_links"]["content"].as_str().unwrap().to_owned();
    let link = link.strip_prefix(&site.running.url()).unwrap();
    assert_eq!(site.raw(carla, "GET", link, None).await.text().await.unwrap(), "black");
    let id = link.rsplit('/').next().unwrap();
    let platform = "/rest/api/3/attachment";
    site.expect(200, agent, "GET", &format!("{platform}/meta"), None).await;
    site.expect(200, agent, "GET", &format!("{platform}/{id}"), None).await;
    let fetched = site.raw(agent, "GET", &format!("{platform}/content/{id}?redirect=false"), None).await;
    assert_eq!(fetched.status(), 200);
    let issue = format!("/rest/api/3/issue/{made_key}");
    let (status, _) = site.upload(agent, &format!("{issue}/attachments"), file(), Some("no-check")).await;
    assert_eq!(status, 200);
    site.expect(200, agent, "GET", &format!("{issue}?fields=attachment&expand=changelog"), None).await;
    site.expect(204, admin, "DELETE", &format!("{platform}/{id}"), None).await;
    site.expect(200, carla, "GET", &format!("{request}/participant"), None).await;
    let whom = json!({"accountIds": [ADMIN]});
    site.expect(200, carla, "POST", &format!("{request}/participant"), Some(whom.clone())).await;
    site.expect(200, carla, "DELETE", &format!("{request}/participant"), Some(whom)).await;
    let steps = site.expect(200, carla, "GET", &format!("{request}/transition"), None).await;
    assert!(steps["values"].as_array().unwrap().iter().all(|t| t["name"] != "Start work"));
    site.expect(
        204,
        carla,
        "POST",
        &format!("{request}/transition"),
        Some(json!({"id": "51", "additionalComment": {"body": "Solved"}})),
    )
    .await;
    crate::approvals::is_answered(site, made_key).await;
    for path in ["sla?limit=1", "sla/1", "sla/2"] {
        site.expect(200, agent, "GET", &format!("{request}/{path}"), None).await;
    }
    let statuses = site.expect(200, carla, "GET", &format!("{request}/status"), None).await;
    assert_eq!(statuses["size"], 2);
}
