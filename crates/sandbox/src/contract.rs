//! Every answer compared with Atlassian's OpenAPI files: status known, content type, body by schema; and every request that was
//! done, so that no app passes here whose calls Jira need not take: see [`asked`].
//!
//! The files are read from a folder given at start and never shipped. They are large: an operation is parsed when it is
//! answered first, a schema when an operation asks for it. Quirks of OpenAPI 3.0
//! (`nullable`) are turned into JSON Schema; what Jira does although its files do not say so is in
//! named lists here, each with its reason.

mod asked;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{body::Body, http::header::CONTENT_TYPE, response::Response};
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

pub(crate) use asked::Asked;

/// The files, by name.
const FILES: [&str; 2] = ["jira-platform-v3.json", "jira-service-management.json"];

/// Statuses that Jira answers for any operation, though the files list them for few: nobody signed
/// in, and a body of another type.
const ANY_STATUSES: [u16; 2] = [401, 415];

/// Statuses that Connect's own source has for the properties of apps, though the files do not: another app's, and one too many.
const BESIDE_FILES: [(&str, u16); 4] = [
    ("GET /rest/atlassian-connect/1/addons/{addonKey}/properties", 404),
    ("PUT /rest/atlassian-connect/1/addons/{addonKey}/properties/{propertyKey}", 404),
    ("PUT /rest/atlassian-connect/1/addons/{addonKey}/properties/{propertyKey}", 409),
    ("PUT /rest/forge/1/app/properties/{propertyKey}", 409),
];

/// Properties that Jira answers as null although the files give them one plain type: a field that
/// was or became empty has no old or new value.
const NULLS: [(&str, &str); 4] = [
    ("ChangeDetails", "from"),
    ("ChangeDetails", "fromString"),
    ("ChangeDetails", "to"),
    ("ChangeDetails", "toString"),
];

/// Operations answered although the files do not have them; the reason beside each. The list may
/// only shrink.
pub(crate) const BEYOND_FILES: [(&str, &str); 5] = [
    ("GET /rest/webhooks/1.0/webhook", "admin webhooks have their own, older API"),
    ("POST /rest/webhooks/1.0/webhook", "admin webhooks have their own, older API"),
    ("GET /rest/webhooks/1.0/webhook/{id}", "admin webhooks have their own, older API"),
    ("PUT /rest/webhooks/1.0/webhook/{id}", "admin webhooks have their own, older API"),
    ("DELETE /rest/webhooks/1.0/webhook/{id}", "admin webhooks have their own, older API"),
];

/// The statuses of removed operations, which the files still list as working.
const REMOVED: [&str; 2] = ["GET /rest/api/3/search", "POST /rest/api/3/search"];

/// Violations kept; more are only counted by being absent.
const MAX_VIOLATIONS: usize = 1000;
/// Largest answer that is checked, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// An answer, or a request that was done, that differs from the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `METHOD path`.
    pub operation: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// What differs.
    pub message: String,
}

/// What is read of a file at the start: where its parts are.
#[derive(Deserialize)]
struct Spec {
    paths: HashMap<String, HashMap<String, Box<RawValue>>>,
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    schemas: Schemas,
}

type Schemas = HashMap<String, Box<RawValue>>;

struct Operation {
    file: usize,
    /// Not parsed yet.
    described: Box<RawValue>,
}

/// What is read of an operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(default)]
    request_body: Value,
    #[serde(default)]
    responses: Map<String, Value>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    #[serde(rename = "in")]
    place: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    schema: Value,
}

/// What a schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Request,
    /// Of this status.
    Answer(u16),
}

#[derive(Default)]
struct Found {
    violations: Vec<Violation>,
    seen: BTreeMap<String, bool>,
    described: HashMap<String, Arc<Described>>,
    validators: HashMap<(String, Part), Option<Arc<Validator>>>,
}

/// The check.
pub(crate) struct Contract {
    schemas: Vec<Schemas>,
    operations: HashMap<String, Operation>,
    found: Mutex<Found>,
}

impl Contract {
    /// Reads the files of a folder.
    ///
    /// # Errors
    /// What could not be read.
    pub(crate) fn open(folder: &Path) -> Result<Self, String> {
        let mut schemas = Vec::new();
        let mut operations = HashMap::new();
        for (file, name) in FILES.iter().enumerate() {
            let path = folder.join(name);
            let text = std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            let spec: Spec = serde_json::from_str(&text).map_err(|why| format!("{name}: {why}"))?;
            schemas.push(spec.components.schemas);
            for (path, methods) in spec.paths {
                for (method, described) in methods {
                    let key = format!("{} {path}", method.to_uppercase());
                    operations.insert(key, Operation { file, described });
                }
            }
        }
        Ok(Self { schemas, operations, found: Mutex::default() })
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.found().violations.clone()
    }

    pub(crate) fn seen(&self) -> Vec<(String, bool)> {
        self.found().seen.iter().map(|(k, v)| (k.clone(), *v)).collect()
    }

    /// Checks an answer, and what was asked if it was done, and passes the answer on unchanged.
    pub(crate) async fn check(&self, method: &str, path: &str, asked: &Asked, answer: Response) -> Response {
        let key = format!("{method} {path}");
        let known = self.operations.get(&key);
        self.found().seen.insert(key.clone(), known.is_some());
        let status = answer.status().as_u16();
        let Some(operation) = known else {
            if !BEYOND_FILES.iter().any(|(name, _)| *name == key) {
                self.report(&key, status, "the files do not have this operation".to_owned());
            }
            return answer;
        };
        if status < 400 {
            for message in self.mistakes(&key, operation, asked) {
                self.report(&key, status, format!("the request: {message}"));
            }
        }
        let (parts, body) = answer.into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, MAX_ANSWER).await else {
            self.report(&key, status, "the answer is too large to check".to_owned());
            return Response::from_parts(parts, Body::empty());
        };
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        for message in self.differences(&key, operation, status, kind, &bytes) {
            self.report(&key, status, message);
        }
        Response::from_parts(parts, Body::from(bytes))
    }

    fn report(&self, operation: &str, status: u16, message: String) {
        tracing::warn!(operation, status, message, "a call differs from Atlassian's OpenAPI");
        let mut found = self.found();
        if found.violations.len() < MAX_VIOLATIONS {
            found.violations.push(Violation { operation: operation.to_owned(), status, message });
        }
    }

    /// What is wrong with a request.
    fn mistakes(&self, key: &str, operation: &Operation, asked: &Asked) -> Vec<String> {
        let Some(described) = self.described(key, operation) else {
            // Said of the answer.
            return Vec::new();
        };
        let mut wrong = asked.parameters(&described.parameters);
        let Some(schema) = described.request_body.pointer("/content/application~1json/schema") else {
            return wrong;
        };
        let required = described.request_body.get("required") == Some(&Value::Bool(true));
        match asked.json(required) {
            Ok(Some(body)) => wrong.extend(self.judge(key, operation.file, Part::Request, schema, &body)),
            Ok(None) => {}
            Err(what) => wrong.push(what),
        }
        wrong
    }

    fn differences(&self, key: &str, operation: &Operation, status: u16, kind: &str, bytes: &[u8]) -> Vec<String> {
        if status == 410 && REMOVED.contains(&key) {
            return Vec::new();
        }
        let Some(described) = self.described(key, operation) else {
            return vec!["the files describe this operation in no known way".to_owned()];
        };
        let Some(response) = described.responses.get(&status.to_string()) else {
            if ANY_STATUSES.contains(&status) || BESIDE_FILES.contains(&(key, status)) {
                return Vec::new();
            }
            return vec![format!("the status {status} is not listed")];
        };
        if status == 204 {
            let empty = bytes.is_empty();
            return if empty { Vec::new() } else { vec!["204 with a body".to_owned()] };
        }
        let Some(schema) = response.pointer("/content/application~1json/schema") else {
            return Vec::new();
        };
        if schema.as_object().is_none_or(Map::is_empty) {
            return Vec::new();
        }
        if !kind.starts_with("application/json") {
            return vec![format!("the content type is {kind:?}")];
        }
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
            return vec!["the body is no JSON".to_owned()];
        };
        self.judge(key, operation.file, Part::Answer(status), schema, &value)
    }

    fn judge(&self, key: &str, file: usize, part: Part, schema: &Value, value: &Value) -> Vec<String> {
        if schema.as_object().is_none_or(Map::is_empty) {
            return Vec::new();
        }
        let Some(validator) = self.validator(key, file, part, schema) else {
            return vec!["the schema cannot be used".to_owned()];
        };
        validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .map(|text| text.chars().take(400).collect())
            .collect()
    }

    fn described(&self, key: &str, operation: &Operation) -> Option<Arc<Described>> {
        if let Some(read) = self.found().described.get(key) {
            return Some(read.clone());
        }
        let read: Described = serde_json::from_str(operation.described.get()).ok()?;
        let read = Arc::new(read);
        self.found().described.insert(key.to_owned(), read.clone());
        Some(read)
    }

    fn validator(&self, key: &str, file: usize, part: Part, schema: &Value) -> Option<Arc<Validator>> {
        if let Some(made) = self.found().validators.get(&(key.to_owned(), part)) {
            return made.clone();
        }
        let mut parts = Map::new();
        let all = self.schemas.get(file)?;
        let mut waiting: BTreeSet<String> = references(schema);
        while let Some(name) = waiting.pop_first() {
            if parts.contains_key(&name) {
                continue;
            }
            let named: Value = serde_json::from_str(all.get(&name)?.get()).ok()?;
            waiting.extend(references(&named));
            let mut translated = translate(&named, Some(&name));
            if part == Part::Request {
                asked::loosen(&mut translated, &name);
            }
            parts.insert(name, translated);
        }
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [translate(schema, None)],
            "components": {"schemas": parts},
        });
        let made = jsonschema::validator_for(&whole).ok().map(Arc::new);
        self.found().validators.insert((key.to_owned(), part), made.clone());
        made
    }
}

const PREFIX: &str = "#/components/schemas/";

fn references(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut waiting = vec![schema];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(object) => {
                if let Some(name) = object.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(PREFIX)) {
                    names.insert(name.to_owned());
                }
                waiting.extend(object.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    names
}

/// OpenAPI 3.0 to JSON Schema: `nullable` becomes a type, and the lists above apply.
fn translate(schema: &Value, name: Option<&str>) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|v| translate(v, None)).collect(),
        Value::Object(object) => {
            let mut out: Map<String, Value> = object
                .iter()
                // Examples are data, not schema, and may contain anything.
                .filter(|(key, _)| !matches!(key.as_str(), "example" | "nullable" | "xml"))
                .map(|(key, value)| {
                    if key == "properties" {
                        (key.clone(), properties(value, name))
                    } else if matches!(key.as_str(), "enum" | "default" | "required") {
                        (key.clone(), value.clone())
                    } else {
                        (key.clone(), translate(value, None))
                    }
                })
                .collect();
            if object.get("nullable") == Some(&Value::Bool(true)) {
                return nullable(out);
            }
            // An empty `allOf` beside nothing else means "anything".
            if out.get("allOf").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                out.remove("allOf");
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

fn properties(value: &Value, name: Option<&str>) -> Value {
    let Value::Object(properties) = value else { return value.clone() };
    let translated = properties.iter().map(|(key, property)| {
        let property = translate(property, None);
        let null = NULLS.iter().any(|(schema, field)| Some(*schema) == name && field == key);
        let property = match property {
            Value::Object(object) if null => nullable(object),
            other => other,
        };
        (key.clone(), property)
    });
    Value::Object(translated.collect())
}

fn nullable(schema: Map<String, Value>) -> Value {
    json!({"anyOf": [Value::Object(schema), {"type": "null"}]})
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use axum::http::Request;

    use super::*;

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).unwrap_or_default()
    }

    /// A contract of one operation in two methods, without files.
    fn small() -> Contract {
        let responses = json!({"200": {"content": {"application/json": {"schema":
            {"$ref": "#/components/schemas/Thing"}}}}, "204": {}});
        let thing = json!({"type": "object", "additionalProperties": false,
            "properties": {"id": {"type": "string"}}});
        let reading = json!({"responses": responses});
        let writing = json!({"responses": responses,
            "parameters": [{"name": "size", "in": "query", "schema": {"type": "integer"}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/Thing"}}}}});
        let operation = |described: &Value| Operation { file: 0, described: raw(described) };
        Contract {
            schemas: vec![[("Thing".to_owned(), raw(&thing))].into()],
            operations: [
                ("GET /thing".to_owned(), operation(&reading)),
                ("POST /thing".to_owned(), operation(&writing)),
            ]
            .into(),
            found: Mutex::default(),
        }
    }

    #[tokio::test]
    async fn what_differs_is_reported() {
        let contract = small();
        let cases = [
            ("GET", 200, r#"{"id":"1"}"#, 0),
            ("GET", 200, r#"{"id":1}"#, 1),
            ("GET", 200, r#"{"other":"1"}"#, 1),
            ("GET", 200, "no json", 1),
            ("GET", 204, "", 0),
            ("GET", 204, "{}", 1),
            ("GET", 404, "{}", 1),
            ("GET", 401, "{}", 0),
            ("PUT", 200, "{}", 1),
        ];
        for (method, status, body, expected) in cases {
            let before = contract.violations().len();
            let answer =
                Response::builder().status(status).header(CONTENT_TYPE, "application/json").body(Body::from(body));
            let answer = answer.unwrap_or_default();
            contract.check(method, "/thing", &Asked::default(), answer).await;
            let found = contract.violations().len() - before;
            assert_eq!(found, expected, "{method} {status} {body}");
        }
        assert_eq!(contract.seen().len(), 2);
    }

    #[tokio::test]
    async fn a_request_is_judged_once_it_was_done() {
        let contract = small();
        let json = "application/json; charset=utf-8";
        let cases = [
            ("", json, r#"{"id":"1"}"#, 204, 0),
            ("", json, r#"{"id":null}"#, 204, 0),
            ("", json, r#"{"id":1}"#, 204, 1),
            ("", json, r#"{"id":1}"#, 401, 0),
            ("", json, r#"{"id":"1","other":"2"}"#, 204, 1),
            ("", json, "", 204, 1),
            ("", json, "no json", 204, 1),
            ("", "text/plain", r#"{"id":"1"}"#, 204, 1),
            ("?size=7", json, r#"{"id":"1"}"#, 204, 0),
            ("?size=many", json, r#"{"id":1}"#, 204, 2),
        ];
        for (query, kind, body, status, expected) in cases {
            let before = contract.violations().len();
            let request = Request::post(format!("/thing{query}")).header(CONTENT_TYPE, kind).body(Body::from(body));
            let (asked, request) = Asked::read("/thing", request.unwrap()).await.unwrap();
            let passed = axum::body::to_bytes(request.into_body(), MAX_ANSWER).await.unwrap();
            assert_eq!(passed, body.as_bytes(), "it goes on as it came");
            let answer = Response::builder().status(status).body(Body::empty()).unwrap();
            contract.check("POST", "/thing", &asked, answer).await;
            let found = contract.violations().len() - before;
            assert_eq!(found, expected, "{query} {kind} {status} {body}");
        }
        assert!(contract.violations().iter().all(|found| found.message.starts_with("the request: ")));
    }

    #[test]
    fn null_is_allowed_only_where_it_is_said() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "a": {"type": "string", "nullable": true}, "b": {"type": "string"}}});
        let validator = jsonschema::validator_for(&translate(&schema, None)).ok();
        let valid = |v: Value| validator.as_ref().is_some_and(|s| s.is_valid(&v));
        assert!(valid(json!({"a": null, "b": "x"})));
        assert!(!valid(json!({"b": null})));
        assert!(!valid(json!({"c": 1})));
        let named = json!({"type": "object", "properties": {"from": {"type": "string"}}});
        let named = jsonschema::validator_for(&translate(&named, Some("ChangeDetails"))).ok();
        assert!(named.is_some_and(|s| s.is_valid(&json!({"from": null}))));
    }
}
