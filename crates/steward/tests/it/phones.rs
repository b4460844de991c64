//! Telephone numbers as people write them: in values, imports and queries by the country of their field, and found as they are typed.

use axum::http::Method;
use serde_json::{Value, json};

use crate::imports::{Importing, counts, customers, value};
use crate::world::World;

on_both!(
    a_number_without_a_country_is_of_its_fields,
    a_country_of_an_import_goes_over_it,
    a_number_is_found_as_it_is_typed,
);

/// A field of numbers, of this country; its id.
async fn phone(world: &World, name: &str, country: Value) -> String {
    let field = json!({"entity": "customer", "type": "phone", "name": name, "country": country});
    world.admin().defines(field).await["id"].as_str().unwrap().to_owned()
}

async fn found(world: &World, query: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let page = world.agent().get(&format!("/api/v1/customers?query={query}")).await.expect(200).body;
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["accountId"].as_str().unwrap().to_owned()).collect()
}

async fn a_number_without_a_country_is_of_its_fields(world: &World) {
    let (german, strict) = (phone(world, "Mobile", json!("de")).await, phone(world, "Fax", Value::Null).await);
    let field = world.admin().get(&format!("/api/v1/fields/{german}")).await.expect(200);
    assert_eq!(field.body["country"], "DE");
    let customer = world.customer().account();
    world.agent().writes(&customer, &german, json!("030 901820")).await.expect(200);
    assert_eq!(value(world, &customer, &german).await, "+4930901820");
    world.agent().writes(&customer, &german, json!("+41 44 668 18 00")).await.expect(200);
    assert_eq!(value(world, &customer, &german).await, "+41446681800");
    world.agent().writes(&customer, &german, json!("0049 30 901820")).await.expect(200);
    let refused = world.agent().writes(&customer, &strict, json!("030 901820")).await.expect(422).body;
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("+49") && detail.contains("country"), "{detail}");

    // Queries read it alike, by the whole and by a part.
    for query in ["Mobile = \"030 901820\"", "Mobile ~ \"030 9018\"", "Mobile ~ \"0049 30\"", "Mobile ~ 901820"] {
        assert_eq!(found(world, query).await, std::slice::from_ref(&customer), "{query}");
    }
    assert!(found(world, "Mobile ~ 111111").await.is_empty());
    let asked = "/api/v1/customers?query=Fax%20%3D%20%22030%20901820%22";
    let told = world.agent().get(asked).await.expect(422).body;
    assert!(told["mistakes"][0]["detail"].as_str().unwrap().contains("country"), "{told}");

    // What no country has, and what is no field of numbers.
    let path = format!("/api/v1/fields/{german}");
    let wanted = json!({"entity": "customer", "type": "phone", "name": "Mobile", "country": "Germany"});
    let told = world.admin().put(&path, &field.etag(), wanted).await.expect(422).body;
    assert_eq!((&told["errors"][0]["pointer"], &told["errors"][0]["code"]), (&json!("/country"), &json!("unknown")));
    let wanted = json!({"entity": "customer", "type": "text", "name": "Words", "country": "DE"});
    let told = world.admin().post("/api/v1/fields", wanted).await.expect(422).body;
    assert_eq!(told["errors"][0]["code"], "not_allowed");
    // It is taken away as it was given.
    let wanted = json!({"entity": "customer", "type": "phone", "name": "Mobile"});
    let changed = world.admin().put(&path, &field.etag(), wanted).await.expect(200).body;
    assert_eq!(changed["country"], Value::Null);
    world.agent().writes(&customer, &german, json!("030 901821")).await.expect(422);
}

async fn a_country_of_an_import_goes_over_it(world: &World) {
    let (german, strict) = (phone(world, "Mobile", json!("DE")).await, phone(world, "Fax", Value::Null).await);
    let people = customers(world, 2).await;
    let file = format!("Account ID,Mobile,Fax\n{},030 901820,\n{},,030 901820\n", people[0].0, people[1].0);
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [1, 0, 1, 0]);
    assert_eq!(import.rows("refused").await[0]["errors"][0]["column"], 2);
    import.runs().await;
    assert_eq!(value(world, &people[0].0, &german).await, "+4930901820");

    let file = format!("Account ID,Mobile,Fax\n{},044 668 18 00,044 668 18 00\n", people[0].0);
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    let settings = world.admin().get(&import.at("/preview")).await.expect(200).body["suggested"].clone();
    let mut wrong = settings.clone();
    wrong["country"] = json!("Switzerland");
    let told = world.admin().ask(Method::POST, &import.at("/check"), None, Some(wrong)).await.expect(422).body;
    assert_eq!(told["errors"][0]["pointer"], "/country");
    assert_eq!(counts(&import.checks_as_suggested(json!({"country": "ch"})).await), [1, 0, 0, 0]);
    import.runs().await;
    for field in [&german, &strict] {
        assert_eq!(value(world, &people[0].0, field).await, "+41446681800");
    }
    // It is remembered with the rest of how such a file is read.
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    let preview = world.admin().get(&import.at("/preview")).await.expect(200).body;
    assert_eq!((&preview["remembered"], &preview["suggested"]["country"]), (&json!(true), &json!("ch")));
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [0, 1, 0, 0]);
}

async fn a_number_is_found_as_it_is_typed(world: &World) {
    let phone = phone(world, "Mobile", json!("DE")).await;
    let note = world.admin().defines_text("Note", "agents").await;
    let (one, other) = (world.customer().account(), world.other_customer().account());
    world.agent().writes(&one, &phone, json!("030 901820")).await.expect(200);
    world.agent().writes(&other, &phone, json!("+49 40 7654321")).await.expect(200);
    world.agent().writes(&other, &note, json!("House 30, quokka")).await.expect(200);
    // Whom the number finds: of what is found, those whom it shows by the field.
    let typed = async |text: &str| -> Vec<String> {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let body = world.agent().get(&format!("/api/v1/search?q={encoded}")).await.expect(200).body;
        let hits = body["items"].as_array().unwrap().iter().filter(|hit| hit["field"]["id"] == phone.as_str());
        hits.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    };
    for text in [
        "+49 30 901820",
        "+49 (0)30 901820",
        "+4930901820",
        "0049 30 901820",
        "030 901820",
        "030901820",
        "30 90 18 20",
        "30-901820",
        "901820",
        "1820",
        // Still being typed, from the beginning and from the area on.
        "+49 30 90",
        "030 9018",
    ] {
        assert_eq!(typed(text).await, std::slice::from_ref(&one), "{text}");
    }
    // Few digits are in nearly every number, and no digit of a number is forgiven.
    for text in ["49", "30", "820", "0", "00", "+49 30 901821", "030 901 821", "901820 "] {
        let expected = if text == "901820 " { vec![one.clone()] } else { Vec::new() };
        assert_eq!(typed(text).await, expected, "{text}");
    }
    // A number among words, and digits that are no number at all.
    let hits = async |text: &str| -> Vec<String> {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let body = world.agent().get(&format!("/api/v1/search?q={encoded}")).await.expect(200).body;
        let items = body["items"].as_array().unwrap().iter();
        items.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(hits("quokka 040 765 43 21").await, std::slice::from_ref(&other));
    assert_eq!(hits("house 30 quokka").await, std::slice::from_ref(&other));
    assert!(hits("quokka 030 901820").await.is_empty());
    for text in ["+49 30 901820", "030 901820", "901820"] {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let page = world.agent().get(&format!("/api/v1/customers?search={encoded}")).await.expect(200).body;
        let items: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["accountId"]).collect();
        assert_eq!(items, [&json!(one)], "{text}");
    }
    // What is written over is found no more.
    world.agent().writes(&one, &phone, json!("+49 30 115115")).await.expect(200);
    assert!(typed("901820").await.is_empty());
    assert_eq!(typed("115115").await, [one]);
}
