//! Approvals of requests: who is asked, who may answer, and what comes of it.

use serde_json::{Value, json};

use crate::support::{As, CARLA, DAVID, OTHER, Site, calm};

const CARLA_ASKS: As<'static> = As::Person("carla");
const DAVID_SAYS: As<'static> = As::Person("david");
const AGENT_SAYS: As<'static> = As::Person("bob");

fn at(request: &str, rest: &str) -> String {
    format!("/rest/servicedeskapi/request/{request}/approval{rest}")
}

fn decides(decision: &str) -> Option<Value> {
    Some(json!({ "decision": decision }))
}

/// Somebody is asked, as a workflow would; answers the approval's id.
async fn asks(site: &Site, asked: Value) -> String {
    let made = site.expect(201, As::Nobody, "POST", "/sandbox/approvals", Some(asked)).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn request(site: &Site) -> String {
    let raised = json!({"serviceDeskId": "1", "requestTypeId": "25", "requestFieldValues": {"summary": "A laptop"}});
    let made = site.expect(201, CARLA_ASKS, "POST", "/rest/servicedeskapi/request", Some(raised)).await;
    made["issueKey"].as_str().unwrap().to_owned()
}

/// One of two is enough, and the other can say nothing more.
pub(crate) async fn is_answered(site: &Site, request: &str) {
    let asked = json!({"issue": request, "name": "May they?", "approvers": [CARLA, "bob@example.com"], "needed": 1});
    let id = asks(site, asked).await;
    let one = at(request, &format!("/{id}"));
    let listed = site.expect(200, CARLA_ASKS, "GET", &at(request, "?limit=1"), None).await;
    let listed = &listed["values"][0];
    assert_eq!((&listed["id"], &listed["name"]), (&json!(id), &json!("May they?")));
    assert_eq!((&listed["finalDecision"], &listed["canAnswerApproval"]), (&json!("pending"), &json!(true)));
    assert_eq!(listed["completedDate"], Value::Null);

    let done = site.expect(200, AGENT_SAYS, "POST", &one, decides("approve")).await;
    assert_eq!((&done["finalDecision"], &done["canAnswerApproval"]), (&json!("approved"), &json!(false)));
    assert!(done["completedDate"]["epochMillis"].is_i64());
    let said: Vec<&Value> =
        done["approvers"].as_array().unwrap().iter().map(|each| &each["approverDecision"]).collect();
    assert_eq!(said, ["pending", "approved"]);
    for who in [CARLA_ASKS, AGENT_SAYS] {
        site.expect(409, who, "POST", &one, decides("decline")).await;
    }
    let read = site.expect(200, CARLA_ASKS, "GET", &one, None).await;
    assert_eq!(read["finalDecision"], "approved");
}

#[tokio::test]
async fn who_is_asked_answers_and_nobody_else() {
    let site = Site::start(calm()).await;
    let request = request(&site).await;
    // Olga works elsewhere: she sees the request only since she is asked.
    site.expect(404, As::Person("olga"), "GET", &at(&request, ""), None).await;
    let id = asks(&site, json!({"issue": request, "approvers": [OTHER, "bob@example.com"]})).await;
    let one = at(&request, &format!("/{id}"));
    let mine = "/rest/servicedeskapi/request?requestOwnership=APPROVER&approvalStatus=";
    let waiting = site.expect(200, As::Person("olga"), "GET", &format!("{mine}MY_PENDING_APPROVAL"), None).await;
    assert_eq!(waiting["values"][0]["issueKey"], json!(request));

    for (status, who, body) in [
        (401, As::Nobody, decides("approve")),
        (403, CARLA_ASKS, decides("approve")),
        (403, DAVID_SAYS, decides("approve")),
        (400, As::Person("olga"), decides("perhaps")),
        (400, As::Person("olga"), Some(json!({}))),
    ] {
        site.expect(status, who, "POST", &one, body).await;
    }
    site.expect(404, CARLA_ASKS, "GET", &at(&request, "/1"), None).await;
    site.expect(404, CARLA_ASKS, "GET", &at(&request, "/x"), None).await;

    // All must say yes unless somebody said how many; one no is enough.
    let half = site.expect(200, As::Person("olga"), "POST", &one, decides("approve")).await;
    assert_eq!(half["finalDecision"], "pending");
    site.expect(409, As::Person("olga"), "POST", &one, decides("decline")).await;
    let done = site.expect(200, AGENT_SAYS, "POST", &one, decides("decline")).await;
    assert_eq!(done["finalDecision"], "declined");
    for (which, found) in [("MY_PENDING_APPROVAL", 0), ("MY_HISTORY_APPROVAL", 1)] {
        let listed = site.expect(200, As::Person("olga"), "GET", &format!("{mine}{which}"), None).await;
        assert_eq!(listed["size"], found, "{which}");
    }
    site.end().await;
}

#[tokio::test]
async fn what_nobody_can_be_asked() {
    let site = Site::start(calm()).await;
    let request = request(&site).await;
    for (status, asked) in [
        (404, json!({"issue": "HELP-999", "approvers": [DAVID]})),
        (404, json!({"issue": request, "approvers": ["nobody@example.com"]})),
        (422, json!({"issue": request, "approvers": []})),
        (422, json!({"issue": request, "approvers": [DAVID], "needed": 2})),
        (422, json!({"issue": request, "approvers": [DAVID, "david@example.com"]})),
        (422, json!({"issue": request})),
    ] {
        let told = site.expect(status, As::Nobody, "POST", "/sandbox/approvals", Some(asked)).await;
        assert!(told["error"].is_string(), "{told}");
    }
    site.end().await;
}
