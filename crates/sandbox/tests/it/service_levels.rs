//! How long a customer waits, and how long they should.

use serde_json::{Value, json};

use crate::support::{As, Hand, Site, calm};

const HOUR_MS: i64 = 3_600_000;

/// The first cycle of a level, whether it goes on or not.
fn cycle(sla: &Value) -> (&'static str, &Value) {
    match &sla["ongoingCycle"] {
        Value::Null => ("completed", &sla["completedCycles"][0]),
        going => ("ongoing", going),
    }
}

#[tokio::test]
async fn answers_and_resolutions_are_timed() {
    let clock = Hand::new();
    let mut config = calm();
    config.clock = clock.clock();
    let site = Site::start(config).await;
    let (agent, carla) = (As::Person("bob"), As::Person("carla"));
    let raised = json!({"serviceDeskId": "1", "requestTypeId": "25", "requestFieldValues": {"summary": "A laptop"}});
    let made = site.expect(201, carla, "POST", "/rest/servicedeskapi/request", Some(raised)).await;
    let request = format!("/rest/servicedeskapi/request/{}", made["issueKey"].as_str().unwrap());
    let levels = format!("{request}/sla");
    site.expect(403, carla, "GET", &levels, None).await;
    site.expect(401, As::Nobody, "GET", &levels, None).await;
    site.expect(404, As::Person("olga"), "GET", &levels, None).await;
    site.expect(404, agent, "GET", &format!("{levels}/3"), None).await;

    // Neither the customer's own words nor a note are an answer.
    for (who, public) in [(carla, true), (agent, false)] {
        let said = json!({"body": "Still waiting", "public": public});
        site.expect(201, who, "POST", &format!("{request}/comment"), Some(said)).await;
    }
    clock.forward(2 * HOUR_MS);
    let listed = site.expect(200, agent, "GET", &levels, None).await;
    let values = listed["values"].as_array().unwrap();
    let names: Vec<&Value> = values.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Time to resolution", "Time to first response"]);
    for (sla, goal) in values.iter().zip([40, 8]) {
        let (state, cycle) = cycle(sla);
        assert_eq!((state, &cycle["breached"], &cycle["paused"]), ("ongoing", &json!(false), &json!(false)));
        assert_eq!(cycle["goalDuration"]["millis"], goal * HOUR_MS);
        assert_eq!(cycle["elapsedTime"], json!({"millis": 2 * HOUR_MS, "friendly": "2h 0m"}));
        assert_eq!(cycle["remainingTime"]["millis"], (goal - 2) * HOUR_MS);
    }

    clock.forward(7 * HOUR_MS);
    let late = site.expect(200, agent, "GET", &format!("{levels}/2"), None).await;
    let (state, waited) = cycle(&late);
    assert_eq!((state, &waited["breached"]), ("ongoing", &json!(true)));
    assert_eq!(waited["remainingTime"], json!({"millis": -HOUR_MS, "friendly": "-1h 0m"}));
    let said = json!({"body": "Here it is", "public": true});
    site.expect(201, agent, "POST", &format!("{request}/comment"), Some(said)).await;
    clock.forward(HOUR_MS);
    site.expect(204, carla, "POST", &format!("{request}/transition"), Some(json!({"id": "51"}))).await;
    clock.forward(HOUR_MS);
    for (id, hours, breached) in [("2", 9, true), ("1", 10, false)] {
        let sla = site.expect(200, agent, "GET", &format!("{levels}/{id}"), None).await;
        let (state, cycle) = cycle(&sla);
        assert_eq!((state, &cycle["breached"]), ("completed", &json!(breached)));
        assert_eq!(cycle["elapsedTime"]["millis"], hours * HOUR_MS);
        assert!(cycle["stopTime"]["epochMillis"].is_i64());
    }
    site.end().await;
}
