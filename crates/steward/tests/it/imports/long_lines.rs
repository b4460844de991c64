//! A file in which a quotation mark is missing, or seems to be: forty megabytes of it are one row, which is refused and told of in a line; what stands
//! around it is carried out.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{Importing, counts, customers, value};
use crate::world::World;

/// As many bytes as a part may have.
const PART: usize = 524_288;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_forty_megabytes_is_refused_and_no_other() {
    let world = World::start().await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(&world, 3).await;
    let [first, second, third] = [0, 1, 2].map(|at| people[at].0.as_str());
    let long = format!("{}\n", "x".repeat(1_999)).repeat(20_000);
    let file = format!("Account ID,Plan\n{first},Gold\n{second},\"{long}\"\n{third},Silver\n");
    assert!(file.len() > 40_000_000);

    // As bytes, which is how scripts send files.
    let import = Importing::of(&world, "customer", b"", PART).await;
    let script = world.script("Nightly import", &["imports:write"]).await;
    for (number, part) in file.as_bytes().chunks(PART).enumerate() {
        let request = Request::put(import.at(&format!("/parts/{number}")))
            .header(header::AUTHORIZATION, format!("Bearer {}", script.secret))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(Body::from(part.to_vec()));
        world.send(request.unwrap()).await.expect(200);
    }
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!((&checked["state"], counts(&checked)), (&json!("checked"), [2, 0, 1, 0]));
    let refused = import.rows("refused").await;
    let errors = refused[0]["errors"].as_array().unwrap();
    assert_eq!((&refused[0]["line"], &refused[0]["row"], errors.len()), (&json!(3), &json!(2), 1));
    assert_eq!((&errors[0]["code"], &errors[0]["limit"]), (&json!("too_long"), &json!(1_048_576)));

    let report = import.does("report").await.expect(200).text;
    assert!(report.contains("\n3,refused,"), "{report}");
    // The line breaks of what was thrown away are counted.
    assert!(report.contains(&format!("\n20004,changed,{third},{third},Plan,,Silver,,")), "{report}");
    assert!(report.len() < 2_000, "nothing of the row is told: {} bytes", report.len());

    let done = import.runs().await;
    assert_eq!((&done["state"], &done["valuesWritten"]), (&json!("done"), &json!(2)));
    assert_eq!(value(&world, first, &plan).await, "Gold");
    assert_eq!(value(&world, third, &plan).await, "Silver");
    assert_eq!(value(&world, second, &plan).await, Value::Null);
    world.end().await;
}
