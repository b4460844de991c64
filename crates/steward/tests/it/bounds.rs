//! How far a list goes for what no index answers, on servers with small bounds: where a page ends, how the next one goes
//! on, and what is refused.

use axum::body::Body;
use axum::http::{Request, header};
use customers::Limits;
use serde_json::{Value, json};
use steward::program::{Parts, Program};

use crate::queries::{encoded, found};
use crate::world::{Actor, Answer, World};

on_both!(
    a_page_ends_at_the_bound_and_leads_on,
    a_narrowed_list_is_looked_through_beyond_the_bound,
    an_order_by_a_history_is_refused_beyond_the_bound,
);

/// Records that are looked at for a page here.
const LOOKED_AT: usize = 7;

/// Another server on the same data, with these bounds.
async fn bounded(world: &World, limits: Limits) -> Program {
    let parts = Parts { limits, ..Parts::of(&world.config, world.clock.clone()).unwrap() };
    Program::open(&world.config, parts).await.unwrap()
}

async fn asks(world: &World, server: &Program, path: &str) -> Answer {
    let token = world.agent().token().await;
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    World::send_to(server, request.body(Body::empty()).unwrap()).await
}

/// All pages of a query, one after the other.
async fn pages(world: &World, server: &Program, query: &str, limit: usize) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/customers?limit={limit}&query={}{cursor}", encoded(query));
        let page = asks(world, server, &path).await.expect(200).body;
        let next = page["nextCursor"].as_str().map(encoded);
        pages.push(page);
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap()).collect()
}

fn all(pages: &[Value]) -> Vec<&str> {
    pages.iter().flat_map(ids).collect()
}

/// Everybody in the order of lists, and each third of them after the first `skipped`, who have something in this field
/// now: a later one something lower.
async fn some_have(world: &World, field: &str, skipped: usize) -> (Vec<String>, Vec<String>) {
    let agent = world.agent();
    let everybody = found(&agent, "customers", "", 100).await;
    assert!(everybody.len() > 3 * LOOKED_AT, "{}", everybody.len());
    let some: Vec<String> = everybody.iter().skip(skipped).step_by(3).cloned().collect();
    let values: Vec<String> = (0..some.len()).map(|place| format!("lynx {}", 900 - place)).collect();
    writes(&agent, field, &some, &values).await;
    (everybody, some)
}

async fn writes(agent: &Actor<'_>, field: &str, accounts: &[String], values: &[String]) {
    let item = |(account, value): (&String, &String)| json!({"accountId": account, "values": {field: value}});
    let items: Vec<Value> = accounts.iter().zip(values).map(item).collect();
    let written = agent.post("/api/v1/customers/values:bulk", json!({"items": items})).await.expect(200).body;
    assert_eq!(written["written"], accounts.len(), "{written}");
}

async fn a_page_ends_at_the_bound_and_leads_on(world: &World) {
    let animal = world.admin().defines_text("Animal", "agents").await;
    // Nobody of the first page is meant.
    let (everybody, changed) = some_have(world, &animal, LOOKED_AT + 1).await;
    let small = bounded(world, Limits { looked_at: LOOKED_AT, ..Limits::default() }).await;
    let looked_through = pages(world, &small, "Animal CHANGED", 100).await;
    assert_eq!(looked_through.len(), everybody.len().div_ceil(LOOKED_AT));
    for (page, looked_at) in looked_through.iter().zip(everybody.chunks(LOOKED_AT)) {
        let meant: Vec<&String> = looked_at.iter().filter(|account| changed.contains(account)).collect();
        assert_eq!(ids(page), meant, "{page}");
        assert_eq!((&page["lookedThrough"], &page["total"]), (&json!(true), &Value::Null));
        let last = looked_at.last().filter(|last| Some(*last) != everybody.last());
        let next = page["nextCursor"].as_str();
        assert_eq!(next, last.map(String::as_str), "it goes on behind the last that was looked at");
    }
    assert!(ids(&looked_through[0]).is_empty(), "an empty page leads on");
    assert_eq!(all(&looked_through), changed);

    // A page that is full before the bound goes on behind the last that it has.
    let full = pages(world, &small, "Animal CHANGED", 1).await;
    assert!(full.iter().all(|page| ids(page).len() < 2 && page["lookedThrough"] == true));
    assert_eq!(all(&full), changed);
    let others: Vec<&String> = everybody.iter().filter(|account| !changed.contains(account)).collect();
    assert_eq!(all(&pages(world, &small, "NOT Animal CHANGED", 3).await), others);
    small.close().await.unwrap();

    // Within the bounds that a server has it is one page, of the same.
    let path = format!("/api/v1/customers?limit=100&query={}", encoded("Animal CHANGED"));
    let whole = world.agent().get(&path).await.expect(200).body;
    assert_eq!((&whole["lookedThrough"], &whole["nextCursor"]), (&json!(true), &Value::Null));
    assert_eq!(ids(&whole), changed);
}

async fn a_narrowed_list_is_looked_through_beyond_the_bound(world: &World) {
    let animal = world.admin().defines_text("Animal", "agents").await;
    let tier = world.admin().defines_text("Tier", "agents").await;
    let (everybody, changed) = some_have(world, &animal, 0).await;
    let small = bounded(world, Limits { looked_at: LOOKED_AT, ..Limits::default() }).await;
    let query = "Tier = Gold AND Animal CHANGED";
    let meant = |golden: &[String]| golden.iter().filter(|one| changed.contains(one)).cloned().collect::<Vec<String>>();
    let gold = vec!["Gold".to_owned(); LOOKED_AT];
    let (more, golden) = everybody[everybody.len() - LOOKED_AT - 1..].split_at(1);
    writes(&world.agent(), &tier, golden, &gold).await;
    let one = pages(world, &small, query, 100).await;
    assert_eq!((one.len(), &one[0]["lookedThrough"]), (1, &json!(false)), "no more than are looked at for one page");
    assert_eq!(all(&one), meant(golden));

    writes(&world.agent(), &tier, more, &gold).await;
    let golden = &everybody[everybody.len() - LOOKED_AT - 1..];
    let two = pages(world, &small, query, 100).await;
    assert_eq!((two.len(), &two[0]["lookedThrough"], &two[1]["lookedThrough"]), (2, &json!(true), &json!(true)));
    assert_eq!(two[0]["nextCursor"], golden[LOOKED_AT - 1]);
    assert_eq!(all(&two), meant(golden));
    small.close().await.unwrap();
}

async fn an_order_by_a_history_is_refused_beyond_the_bound(world: &World) {
    let animal = world.admin().defines_text("Animal", "agents").await;
    let tier = world.admin().defines_text("Tier", "agents").await;
    let (everybody, mut changed) = some_have(world, &animal, 0).await;
    writes(&world.agent(), &tier, &changed, &vec!["Gold".to_owned(); changed.len()]).await;
    changed.reverse();
    let query = "Animal CHANGED ORDER BY Animal";
    let of_all = bounded(world, Limits { ordered_by_history: everybody.len(), ..Limits::default() }).await;
    assert_eq!(all(&pages(world, &of_all, query, 4).await), changed, "as many as may be put in order");
    of_all.close().await.unwrap();

    let most = everybody.len() - 1;
    let small = bounded(world, Limits { ordered_by_history: most, ..Limits::default() }).await;
    let refused = asks(world, &small, &format!("/api/v1/customers?query={}", encoded(query))).await.expect(422).body;
    let error = &refused["errors"][0];
    assert_eq!((&error["code"], &error["pointer"]), (&json!("too_many_to_order"), &json!("/query")));
    let detail = error["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("more than {most} records")), "{detail}");
    assert_eq!(error["limit"], most);
    // Either half of it is answered, and so is the whole of fewer.
    let mut as_listed = changed.clone();
    as_listed.reverse();
    assert_eq!(all(&pages(world, &small, "Animal CHANGED", 100).await), as_listed);
    assert_eq!(all(&pages(world, &small, "Animal IS NOT EMPTY ORDER BY Animal", 4).await), changed);
    assert_eq!(all(&pages(world, &small, "Tier = Gold AND Animal CHANGED ORDER BY Animal", 4).await), changed);
    small.close().await.unwrap();
}
