//! Faults on command, by hand: what is in force and how often it struck, one more, one less, how deliveries go, and back.
//!
//! No fault strikes the page: whoever made the site hang up on everybody can take that back. It says nothing that the
//! document of `/sandbox/faults` does not, and is read by the same reader.

use axum::{Form, extract::State as Shared, http::StatusCode, response::Response};
use minijinja::context;
use serde_json::{Map, Value, json};

use super::{
    super::{
        forms::{Fields, back, field, genuine},
        page,
        session::Viewer,
    },
    admin, template,
};
use crate::{App, faults};

/// Where the page is.
const HERE: &str = "/sandbox/settings/faults";
/// What somebody is told who may not.
const NOT_YOURS: &str = "You can’t set faults";
/// What may stand in a fault of requests, and whether it is a number.
const OF_A_RULE: [(&str, bool); 10] = [
    ("do", false),
    ("method", false),
    ("path", false),
    ("next", true),
    ("chance", true),
    ("reason", false),
    ("retryAfterS", true),
    ("status", true),
    ("forS", true),
    ("by", false),
];

pub(super) async fn show(Shared(app): Shared<App>, viewer: Viewer) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => shown(&app, &viewer, &Fields::new(), &[]),
        Err(refused) => *refused,
    }
}

fn shown(app: &App, viewer: &Viewer, typed: &Fields, mistakes: &[faults::Mistake]) -> Response {
    let told = faults::door::told(app.state.faults());
    let rules: Vec<Value> = list(&told, "/faults/requests")
        .iter()
        .zip(list(&told, "/met"))
        .map(|(rule, met)| json!({"rule": rule, "words": words(rule), "met": met}))
        .collect();
    let webhooks: Vec<Value> = {
        let store = app.state.read();
        store
            .webhooks
            .values()
            .map(|hook| json!({"name": hook.name, "url": hook.url, "events": hook.events, "enabled": hook.enabled}))
            .collect()
    };
    let content = context! {
        title => "Faults", here => HERE,
        rules => template(&json!(rules)), told => template(&told), webhooks => template(&json!(webhooks)),
        typed => template(&json!(typed)), mistakes => template(&json!(mistakes)),
    };
    let mut response = page(app, viewer, "faults.html", content);
    if !mistakes.is_empty() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

fn list<'v>(value: &'v Value, at: &str) -> &'v [Value] {
    value.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What a rule does, to whom, how often.
fn words(rule: &Value) -> String {
    let text = |key: &str| {
        rule.get(key).filter(|value| !value.is_null()).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    };
    let between = || {
        let end = |key: &str| rule.get("ms").and_then(|ms| ms.get(key)).and_then(Value::as_u64);
        match (end("from"), end("to")) {
            (Some(from), Some(to)) => format!("{from} to {to} ms"),
            _ => format!("{} ms", text("ms").unwrap_or_default()),
        }
    };
    let what = match text("do").as_deref() {
        Some("rateLimit") => {
            let wait = text("retryAfterS").map(|s| format!(", try again in {s} s")).unwrap_or_default();
            format!("Rate limit ({}){wait}", text("reason").unwrap_or_default())
        }
        Some("error") => format!("Error {}", text("status").unwrap_or_default()),
        Some("slow") => format!("Answered {} late", between()),
        Some("lose") => "Done, and the answer lost".to_owned(),
        Some("stumble") => format!("Done, and answered with error {}", text("status").unwrap_or_default()),
        _ => format!("Down for {} s ({})", text("forS").unwrap_or_default(), text("by").unwrap_or_default()),
    };
    let method = text("method").unwrap_or_else(|| "every method".to_owned());
    let path = text("path").unwrap_or_else(|| "every path".to_owned());
    let next = text("next").map(|next| format!(", the next {next}")).unwrap_or_default();
    let chance = text("chance").filter(|chance| chance != "1.0" && chance != "1");
    format!("{what}: {method}, {path}{next}{}", chance.map(|part| format!(", {part} of them")).unwrap_or_default())
}

/// As a number where it is one: else the reader says what is wrong with it.
fn value(text: &str, number: bool) -> Value {
    match text.parse::<Value>() {
        Ok(read) if number && read.is_number() => read,
        _ => text.into(),
    }
}

fn range(fields: &Fields, name: &str) -> Option<Value> {
    let (from, to) = (field(fields, &format!("{name}From")), field(fields, &format!("{name}To")));
    match (from.is_empty(), to.is_empty()) {
        (true, true) => None,
        (false, true) => Some(value(from, true)),
        (_, false) => {
            Some(json!({"from": value(if from.is_empty() { "0" } else { from }, true), "to": value(to, true)}))
        }
    }
}

/// Puts the document in force, or shows what is wrong with it beside what was typed.
fn command(app: &App, viewer: &Viewer, typed: &Fields, document: &Value) -> Response {
    match faults::read(document.to_string().as_bytes()) {
        Ok((faults, seed)) => {
            app.state.faults().command(faults, seed);
            back(HERE)
        }
        Err(mistakes) => shown(app, viewer, typed, &mistakes),
    }
}

/// One form, by what its button says.
pub(super) async fn act(Shared(app): Shared<App>, viewer: Viewer, Form(fields): Form<Fields>) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let mut document = faults::door::told(app.state.faults()).get("faults").cloned().unwrap_or_default();
    let Some(object) = document.as_object_mut() else { return back(HERE) };
    match field(&fields, "act") {
        "add" => {
            let mut rule: Map<String, Value> = OF_A_RULE
                .iter()
                .map(|(name, number)| (*name, field(&fields, name), *number))
                .filter(|(_, text, _)| !text.is_empty())
                .map(|(name, text, number)| (name.to_owned(), value(text, number)))
                .collect();
            if let Some(ms) = range(&fields, "ms") {
                rule.insert("ms".to_owned(), ms);
            }
            if let Some(rules) = object.entry("requests").or_insert_with(|| json!([])).as_array_mut() {
                rules.push(Value::Object(rule));
            }
        }
        "remove" => {
            let at = field(&fields, "rule").parse::<usize>().ok();
            if let (Some(at), Some(rules)) = (at, object.get_mut("requests").and_then(Value::as_array_mut))
                && at < rules.len()
            {
                rules.remove(at);
            }
        }
        "deliveries" => {
            let mut delivery = Map::new();
            for name in ["twice", "disordered", "dropped", "retryMs"] {
                if !field(&fields, name).is_empty() {
                    delivery.insert(name.to_owned(), value(field(&fields, name), true));
                }
            }
            delivery.extend(range(&fields, "delayMs").map(|delay| ("delayMs".to_owned(), delay)));
            object.insert("delivery".to_owned(), Value::Object(delivery));
            object.insert("searchLagMs".to_owned(), range(&fields, "searchLagMs").unwrap_or_else(|| json!(0)));
        }
        "calm" => {
            let seed = object.get("seed").cloned();
            object.clear();
            object.extend(seed.map(|seed| ("seed".to_owned(), seed)));
        }
        "start" => {
            app.state.faults().take_back();
            return back(HERE);
        }
        _ => return back(HERE),
    }
    command(&app, &viewer, &fields, &document)
}
