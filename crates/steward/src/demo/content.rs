//! What the demo's company has defined and written in Steward: sent through the API as its administrator and an agent.

use anyhow::{anyhow, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use jiff::ToSpan;
use jiff::tz::TimeZone;
use kernel::{Clock, SystemClock};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::program::Program;

/// Answers that the demo reads are pages of lists.
const ANSWER_BYTES: usize = 1_000_000;
/// Customers who get values; the rest shows what an empty panel looks like.
const CUSTOMERS_FILLED: usize = 60;
/// What a first call waits for: the installation is told by an event, and events come late.
const BETWEEN_TRIES: std::time::Duration = std::time::Duration::from_millis(200);
/// So often a session asks before another one takes its place: some minutes.
const TRIES_A_SESSION: usize = 1_000;

/// Somebody's way to the API.
struct Session<'p> {
    program: &'p Program,
    token: String,
}

struct Answer {
    status: u16,
    etag: Option<String>,
    body: Value,
}

impl<'p> Session<'p> {
    /// Trades the invocation token of a page for a session. Until the installation is known and Jira has given Steward
    /// a token, this is refused and tried again; the caller bounds how long.
    async fn open(jira: &sandbox::Running, program: &'p Program, who: &str, module: &str) -> anyhow::Result<Self> {
        loop {
            let token = jira.page_token(who, module, None).await.map_err(|why| anyhow!(why))?;
            let asked = Session { program, token };
            let answer = asked.send(Method::POST, "/api/v1/session/bearer", None, None).await?;
            match (answer.status, answer.body.get("token").and_then(Value::as_str)) {
                (200, Some(token)) => return Ok(Self { program, token: token.to_owned() }),
                (401 | 503, _) => tokio::time::sleep(BETWEEN_TRIES).await,
                (status, _) => bail!("a session was answered with {status}: {}", answer.body),
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        etag: Option<&str>,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))?
            }
            None => request.body(Body::empty())?,
        };
        let Ok(response) = self.program.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let etag = response.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await?;
        Ok(Answer { status, etag, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        let answer = self.send(Method::GET, path, None, None).await?;
        if answer.status != 200 {
            bail!("GET {path} was answered with {}: {}", answer.status, answer.body);
        }
        Ok(answer)
    }

    async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let answer = self.send(Method::POST, path, None, Some(body)).await?;
        if answer.status != 201 {
            bail!("POST {path} was answered with {}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    }
}

/// Waits until the site is joined, then defines fields and writes values, unless that was done before.
pub(super) async fn fill(jira: &sandbox::Running, program: &Program) -> anyhow::Result<()> {
    let admin = Session::open(jira, program, "admin", "settings-page").await?;
    if !items(&admin.get("/api/v1/fields").await?.body).is_empty() {
        return Ok(());
    }
    let fields = define(&admin).await?;
    let managers = managers(jira);
    let customers = directory(jira, program, "/api/v1/customers").await?;
    let organizations = directory(jira, program, "/api/v1/organizations").await?;
    let (admin, agent) = (
        Session::open(jira, program, "admin", "settings-page").await?,
        Session::open(jira, program, "agent", "customers-page").await?,
    );
    for (place, id) in customers.iter().take(CUSTOMERS_FILLED).enumerate() {
        // Every seventh is left empty: so it is in life.
        if place % 7 != 6 {
            if place % 3 == 1 {
                // They had another contract before, so that there is a history to ask of.
                let before =
                    by_id(&fields, vec![("Tier", option(&fields, "Tier", place + 1)), ("Bikes", json!(place))]);
                write(&agent, &format!("/api/v1/customers/{id}/values"), before).await?;
            }
            write(&agent, &format!("/api/v1/customers/{id}/values"), customer_values(&fields, &managers, place))
                .await?;
        }
    }
    for (place, id) in organizations.iter().enumerate() {
        write(&agent, &format!("/api/v1/organizations/{id}/values"), organization_values(&fields, place)).await?;
    }
    entitle(&admin, &agent, &organizations).await
}

fn items(body: &Value) -> &[Value] {
    body.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The first of a list, by name. The first reading of the directory is a job; until it is done the list is empty. Of a large company it
/// takes longer than a session lasts.
async fn directory(jira: &sandbox::Running, program: &Program, path: &str) -> anyhow::Result<Vec<String>> {
    loop {
        let agent = Session::open(jira, program, "agent", "customers-page").await?;
        for _ in 0..TRIES_A_SESSION {
            let page = agent.get(&format!("{path}?limit=100")).await?.body;
            let id = |item: &Value| {
                item.get("accountId").or_else(|| item.get("id")).and_then(Value::as_str).map(str::to_owned)
            };
            let ids: Vec<String> = items(&page).iter().filter_map(id).collect();
            if !ids.is_empty() {
                return Ok(ids);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
}

fn managers(jira: &sandbox::Running) -> Vec<String> {
    ["agent", "admin"].into_iter().filter_map(|who| jira.visitor(who)).map(|visitor| visitor.account_id).collect()
}

/// What the company keeps of its customers and of their organizations.
fn definitions() -> Vec<(&'static str, Value)> {
    let options = |labels: &[&str]| labels.iter().map(|label| json!({"label": label})).collect::<Vec<_>>();
    vec![
        (
            "Contract",
            json!({"entity": "customer", "type": "select", "name": "Tier", "help": "How fast we promise to answer.",
            "options": options(&["Gold", "Silver", "Bronze"]), "audience": "customerView"}),
        ),
        (
            "Contract",
            json!({"entity": "customer", "type": "text", "name": "Contract number", "help": "As printed on the contract, such as NM-2024-0113."}),
        ),
        (
            "Contract",
            json!({"entity": "customer", "type": "date", "name": "Renewal", "help": "The day on which the contract renews."}),
        ),
        ("Contract", json!({"entity": "customer", "type": "user", "name": "Account manager"})),
        (
            "Person",
            json!({"entity": "customer", "type": "phone", "name": "Phone", "audience": "customerEdit", "help": "With the country, such as +49 40 1234567."}),
        ),
        (
            "Person",
            json!({"entity": "customer", "type": "multiSelect", "name": "Speaks", "audience": "customerEdit",
            "options": options(&["Arabic", "Chinese", "English", "French", "German", "Greek", "Hindi", "Japanese", "Polish", "Spanish", "Turkish"])}),
        ),
        ("Person", json!({"entity": "customer", "type": "boolean", "name": "Newsletter", "audience": "customerEdit"})),
        (
            "Person",
            json!({"entity": "customer", "type": "longText", "name": "Notes", "help": "For colleagues only; the customer never sees it."}),
        ),
        (
            "Equipment",
            json!({"entity": "customer", "type": "number", "name": "Bikes", "help": "How many of ours they ride or sell."}),
        ),
        ("Equipment", json!({"entity": "customer", "type": "url", "name": "Shop page"})),
        (
            "Agreement",
            json!({"entity": "organization", "type": "select", "name": "Agreement", "options": options(&["Fleet", "Dealer", "Municipal", "Trial"]), "required": true, "help": "Which terms apply.", "audience": "customerView"}),
        ),
        (
            "Agreement",
            json!({"entity": "organization", "type": "select", "name": "Country", "options": options(&["DE", "DK", "FR", "NL"])}),
        ),
        (
            "Agreement",
            json!({"entity": "organization", "type": "number", "name": "Response hours", "help": "Within how many hours we answer.", "audience": "customerView"}),
        ),
        ("Agreement", json!({"entity": "organization", "type": "date", "name": "Customer since"})),
        ("Billing", json!({"entity": "organization", "type": "email", "name": "Billing address"})),
        ("Billing", json!({"entity": "organization", "type": "url", "name": "Website"})),
        ("Billing", json!({"entity": "organization", "type": "dateTime", "name": "Last review"})),
    ]
}

/// A field as the demo needs it again: its name, id and options' ids.
struct Known {
    name: String,
    id: String,
    options: Vec<String>,
}

async fn define(admin: &Session<'_>) -> anyhow::Result<Vec<Known>> {
    let mut sections: Vec<(String, String, Value)> = Vec::new();
    let mut known = Vec::new();
    for (section, mut field) in definitions() {
        let entity = text(&field, "entity");
        let section_id = match sections.iter().find(|(of, name, _)| *of == entity && name == section) {
            Some((_, _, id)) => id.clone(),
            None => {
                let made = admin.post("/api/v1/sections", json!({"entity": entity, "name": section})).await?;
                let id = made.get("id").cloned().unwrap_or_default();
                sections.push((entity, section.to_owned(), id.clone()));
                id
            }
        };
        if let Some(field) = field.as_object_mut() {
            field.insert("sectionId".to_owned(), section_id);
        }
        let made = admin.post("/api/v1/fields", field).await?;
        let options = made.get("options").and_then(Value::as_array).into_iter().flatten();
        known.push(Known {
            name: text(&made, "name"),
            id: text(&made, "id"),
            options: options.map(|option| text(option, "id")).collect(),
        });
    }
    Ok(known)
}

/// Products, and what organizations are entitled to: some of it ends soon, some is over, some is yet to come.
async fn entitle(admin: &Session<'_>, agent: &Session<'_>, organizations: &[String]) -> anyhow::Result<()> {
    let today = SystemClock.now().to_zoned(TimeZone::UTC).date();
    let day = |days: i64| today.saturating_add(days.days()).to_string();
    let mut products = Vec::new();
    for (name, audience) in
        [("Premium support", "customerView"), ("Workshop visits", "customerView"), ("Fleet tracker beta", "agents")]
    {
        let product = admin.post("/api/v1/products", json!({"name": name, "audience": audience})).await?;
        products.push(text(&product, "id"));
    }
    for (place, id) in organizations.iter().enumerate() {
        let terms = [
            json!({"startsOn": day(-340), "endsOn": day(12 + i64::try_from(place % 5)?), "limit": 25, "unit": "seats"}),
            json!({"startsOn": day(-90), "endsOn": day(275), "limit": 6, "unit": "visits", "note": "Two a quarter; ask before offering a third."}),
            if place.is_multiple_of(2) { json!({"startsOn": day(20)}) } else { json!({"endsOn": day(-45)}) },
        ];
        // Every fourth organization has nothing, most have some of it.
        for (nth, (product, terms)) in products.iter().zip(terms).enumerate() {
            if place % 4 == 3 || (place + nth).is_multiple_of(4) {
                continue;
            }
            let path = format!("/api/v1/organizations/{id}/entitlements/{product}");
            let answer = agent.send(Method::PUT, &path, Some("\"v0\""), Some(terms)).await?;
            if answer.status != 200 {
                bail!("PUT {path} was answered with {}: {}", answer.status, answer.body);
            }
        }
    }
    Ok(())
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn write(agent: &Session<'_>, path: &str, values: Value) -> anyhow::Result<()> {
    let standing = agent.get(path).await?;
    let answer = agent.send(Method::PATCH, path, standing.etag.as_deref(), Some(json!({"values": values}))).await?;
    if answer.status != 200 {
        bail!("PATCH {path} was answered with {}: {}", answer.status, answer.body);
    }
    Ok(())
}

/// Values by field name, as the API takes them: by field id, options by theirs.
fn by_id(fields: &[Known], values: Vec<(&str, Value)>) -> Value {
    values
        .into_iter()
        .filter_map(|(name, value)| {
            fields.iter().find(|field| field.name == name).map(|field| (field.id.clone(), value))
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn option(fields: &[Known], name: &str, place: usize) -> Value {
    let options =
        fields.iter().find(|field| field.name == name).map(|field| field.options.as_slice()).unwrap_or_default();
    options.get(place % options.len().max(1)).map_or(Value::Null, |id| json!(id))
}

fn customer_values(fields: &[Known], managers: &[String], place: usize) -> Value {
    const NOTES: [&str; 6] = [
        "Prefers a call before noon. Knows the product well; skip the basics.",
        "Waiting for the new battery firmware; promised a call when it is out.",
        "Pays by invoice only. Ask accounting before offering a refund.",
        "Has two workshops; parts go to the one in the harbour.",
        "Very patient with us during the charger recall. Be generous.",
        "Writes late at night: answers can wait until the morning.",
    ];
    let manager = managers.get(place % managers.len().max(1));
    let mut values = vec![
        ("Tier", option(fields, "Tier", place)),
        ("Contract number", json!(format!("NM-{}-{:04}", 2021 + place % 5, 113 + place * 37))),
        ("Renewal", json!(renewal(place))),
        ("Account manager", json!(manager)),
        ("Speaks", json!([option(fields, "Speaks", place + 2), option(fields, "Speaks", place * 3)])),
        ("Newsletter", json!(place.is_multiple_of(3))),
        ("Bikes", json!(1 + (place * 7) % 40)),
    ];
    if place.is_multiple_of(2) {
        values.push(("Phone", json!(format!("+4940{:07}", 3_200_400 + place * 7919))));
    }
    if let Some(note) = NOTES.get(place % (NOTES.len() * 2)) {
        values.push(("Notes", json!(note)));
    }
    by_id(fields, values)
}

/// From three weeks ago to five months from now, so that on any day some are due soon.
fn renewal(place: usize) -> String {
    let days = i64::try_from(place * 23 % 180).unwrap_or_default() - 21;
    let today = SystemClock.now().to_zoned(TimeZone::UTC).date();
    today.saturating_add(days.days()).to_string()
}

fn organization_values(fields: &[Known], place: usize) -> Value {
    by_id(
        fields,
        vec![
            ("Agreement", option(fields, "Agreement", place)),
            ("Country", option(fields, "Country", place * 3)),
            ("Response hours", json!(4 << (place % 4))),
            ("Customer since", json!(format!("{}-{:02}-01", 2017 + place % 8, 1 + place % 12))),
            ("Billing address", json!(format!("billing{}@example.com", place + 1))),
            ("Website", json!(format!("https://organization{}.example.com/", place + 1))),
            ("Last review", json!(format!("2026-{:02}-{:02}T09:30:00Z", 1 + place % 10, 1 + (place * 3) % 28))),
        ],
    )
}
