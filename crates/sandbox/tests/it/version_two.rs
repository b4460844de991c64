//! Version 2 of the platform's API beside version 3: one site, texts instead of documents.

use serde_json::{Value, json};

use crate::support::{APP, As, Site, calm};

const BOB: As<'_> = As::Person("bob");

#[tokio::test]
async fn the_two_versions_write_and_read_one_site() {
    let site = Site::start(calm()).await;
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"},
        "summary": "Mail", "description": "It is *down* for\n* us\n* them"}});
    let made = site.expect(201, BOB, "POST", "/rest/api/2/issue", Some(new)).await;
    assert!(made["self"].as_str().unwrap().contains("/rest/api/2/issue/"));
    let key = made["key"].as_str().unwrap();
    let (second, third) = (format!("/rest/api/2/issue/{key}"), format!("/rest/api/3/issue/{key}"));
    let document = site.expect(200, BOB, "GET", &third, None).await["fields"]["description"].clone();
    assert_eq!(document["content"][0]["content"][1]["marks"][0]["type"], "strong");
    assert_eq!(document["content"][1]["type"], "bulletList");
    let text = site.expect(200, BOB, "GET", &second, None).await;
    assert_eq!(text["fields"]["description"], "It is *down* for\n\n* us\n* them");
    assert!(!text.to_string().contains("/rest/api/3/"));

    // Written back as it was read, it is the same document.
    let same = json!({"fields": {"description": text["fields"]["description"]}});
    site.expect(204, BOB, "PUT", &second, Some(same)).await;
    assert_eq!(site.expect(200, BOB, "GET", &third, None).await["fields"]["description"], document);
    let cleared = json!({"update": {"description": [{"set": ""}]}});
    site.expect(204, BOB, "PUT", &second, Some(cleared)).await;
    assert_eq!(site.expect(200, BOB, "GET", &third, None).await["fields"]["description"], Value::Null);

    let said =
        json!({"body": "Looking, _soon_", "properties": [{"key": "sd.public.comment", "value": {"internal": true}}]});
    let said = site.expect(201, BOB, "POST", &format!("{second}/comment"), Some(said)).await;
    assert_eq!((&said["body"], &said["jsdPublic"]), (&json!("Looking, _soon_"), &json!(false)));
    let listed = site.expect(200, BOB, "GET", "/rest/api/latest/search/jql?jql=project=HELP&fields=*all", None).await;
    assert_eq!(listed["issues"][0]["fields"]["comment"]["comments"][0]["body"], "Looking, _soon_");

    // A document is no text here, and what apps keep is theirs.
    let document = json!({"type": "doc", "version": 1, "content": []});
    let refused = site.expect(400, BOB, "POST", &format!("{second}/comment"), Some(json!({"body": document}))).await;
    assert_eq!(refused["errors"]["comment"], "Operation value must be a string");
    let kept = json!({"body": document, "self": format!("{}/rest/api/3/x", site.running.url())});
    site.expect(201, BOB, "PUT", &format!("{second}/properties/mine"), Some(kept.clone())).await;
    assert_eq!(site.expect(200, BOB, "GET", &format!("{second}/properties/mine"), None).await["value"], kept);

    // The same scopes, and the same words for what is gone or never was.
    site.token("narrow", APP, &["read:jira-user"]);
    site.expect(401, As::Token("narrow"), "GET", "/rest/api/2/project", None).await;
    site.expect(410, BOB, "GET", "/rest/api/2/search?jql=x", None).await;
    site.expect(404, BOB, "GET", "/rest/api/2/nothing", None).await;
    site.end().await;
}
