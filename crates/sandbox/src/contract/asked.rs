//! What is compared of a request: its parameters, and its body where that is JSON.
//!
//! Only what was done is judged: whoever was refused was told so. A request is read before it is answered, and goes on as
//! it came. What Jira takes although its files do not say so is in named lists here, each with its reason.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::header::CONTENT_TYPE,
};
use serde_json::{Map, Value, json};

use super::Parameter;
use crate::rest::{MAX_BODY, error::ApiError};

/// Rules of the files that Jira does not hold requests to: the schema, where in it, the rule.
const LOOSER: [(&str, &str, &str); 9] = [
    // Sets: what is named twice is in them once.
    ("IssueCommentListRequestBean", "/properties/ids", "uniqueItems"),
    ("BulkPermissionsRequestBean", "/properties/globalPermissions", "uniqueItems"),
    ("BulkPermissionsRequestBean", "/properties/projectPermissions", "uniqueItems"),
    ("BulkProjectPermissions", "/properties/issues", "uniqueItems"),
    ("BulkProjectPermissions", "/properties/permissions", "uniqueItems"),
    ("BulkProjectPermissions", "/properties/projects", "uniqueItems"),
    ("ServiceDeskCustomerDTO", "/properties/accountIds", "uniqueItems"),
    ("ServiceDeskCustomerDTO", "/properties/usernames", "uniqueItems"),
    // Each webhook of a registration has an answer of its own, which says so of an event that there is not.
    ("WebhookDetails", "/properties/events/items", "enum"),
];

/// Ids that the files call texts and that may be numbers, too: PyPI `jira`, which people use with Jira, writes it so.
const NUMBERS: [(&str, &str); 1] = [("IssueTransition", "/properties/id")];

const TRUTHS: [&str; 2] = ["true", "false"];

/// What is kept of a request until it is answered.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    kind: String,
    body: Bytes,
}

impl Asked {
    /// Reads a request of this path pattern, and gives it back as it came.
    ///
    /// # Errors
    /// When its body is longer than Jira reads.
    pub(crate) async fn read(pattern: &str, request: Request) -> Result<(Self, Request), ApiError> {
        let (parts, body) = request.into_parts();
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let path = placed(pattern, parts.uri.path());
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        // Uploads may be larger, and nothing of them is compared.
        if kind.starts_with("multipart/") {
            let asked = Self { path, query, kind, body: Bytes::new() };
            return Ok((asked, Request::from_parts(parts, body)));
        }
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| ApiError::too_large("The request body is too large."))?;
        let request = Request::from_parts(parts, Body::from(body.clone()));
        Ok((Self { path, query, kind, body }, request))
    }

    /// What is wrong with the parameters.
    pub(super) fn parameters(&self, described: &[Parameter]) -> Vec<String> {
        let mut wrong = Vec::new();
        for parameter in described {
            let given = match parameter.place.as_str() {
                "path" => &self.path,
                "query" => &self.query,
                _ => continue,
            };
            // One without a value is as one that is not there.
            let values = given.iter().filter(|(name, value)| *name == parameter.name && !value.is_empty());
            let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
            // Nobody misses one that has a default, although the files call some of those required.
            if values.is_empty() && parameter.required && parameter.schema.get("default").is_none() {
                wrong.push(format!("the parameter {} is missing", parameter.name));
            }
            let mistakes = values.into_iter().filter_map(|value| mistake(&parameter.schema, value));
            wrong.extend(mistakes.map(|what| format!("the parameter {} is {what}", parameter.name)));
        }
        wrong
    }

    /// The JSON body; none if there is none and none is needed.
    ///
    /// # Errors
    /// What is wrong instead.
    pub(super) fn json(&self, required: bool) -> Result<Option<Value>, String> {
        if self.body.is_empty() {
            return if required { Err("the body is missing".to_owned()) } else { Ok(None) };
        }
        if !self.kind.starts_with("application/json") {
            return Err(format!("the content type is {:?}", self.kind));
        }
        let value = serde_json::from_slice(&self.body).map_err(|_| "the body is no JSON".to_owned())?;
        Ok(Some(without_nulls(value)))
    }
}

/// What a path has at the places of its pattern.
fn placed(pattern: &str, path: &str) -> Vec<(String, String)> {
    let parts = pattern.split('/').zip(path.split('/'));
    let values = parts.filter_map(|(name, value)| {
        let name = name.strip_prefix('{')?.strip_suffix('}')?;
        Some((name.to_owned(), value.to_owned()))
    });
    values.collect()
}

/// What is wrong with a value of a parameter.
fn mistake(schema: &Value, value: &str) -> Option<String> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind == "array" {
        return mistake(schema.get("items")?, value);
    }
    if kind == "integer" {
        let is_short = schema.get("format").is_some_and(|format| format == "int32");
        let fits = if is_short { value.parse::<i32>().is_ok() } else { value.parse::<i64>().is_ok() };
        return (!fits).then(|| "no whole number, or too large a one".to_owned());
    }
    let listed: Vec<&str> =
        schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if kind == "boolean" || listed == TRUTHS {
        // In whatever case: Python's clients write `True`.
        let fits = TRUTHS.iter().any(|truth| truth.eq_ignore_ascii_case(value));
        return (!fits).then(|| "neither true nor false".to_owned());
    }
    let fits = listed.is_empty() || listed.contains(&value);
    (!fits).then(|| format!("none of {}", listed.join(", ")))
}

/// A property that is null is as one that is not there: clients write so what they leave out, and Jira reads it so.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Changes a named schema to what requests are held to.
pub(super) fn loosen(schema: &mut Value, name: &str) {
    for (_, place) in NUMBERS.iter().filter(|(of, _)| *of == name) {
        if let Some(Value::Object(object)) = schema.pointer_mut(place) {
            object.insert("type".to_owned(), json!(["string", "integer"]));
        }
    }
    for (_, place, rule) in LOOSER.iter().filter(|(of, _, _)| *of == name) {
        if let Some(Value::Object(object)) = schema.pointer_mut(place) {
            object.remove(*rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_held_to_their_types() {
        let check = |schema: Value, value: &str, expected: Option<&str>| {
            assert_eq!(mistake(&schema, value).as_deref(), expected, "{schema} {value}");
        };
        let short = || json!({"type": "integer", "format": "int32"});
        let number = Some("no whole number, or too large a one");
        check(short(), "-7", None);
        check(short(), "4294967296", number);
        check(json!({"type": "integer", "format": "int64"}), "4294967296", None);
        check(short(), "HELP", number);
        check(json!({"type": "array", "items": short()}), "x", number);
        check(json!({"type": "array", "items": {"type": "string"}}), "a,b", None);
        check(json!({"type": "string"}), "x", None);
        let truth = Some("neither true nor false");
        check(json!({"type": "boolean"}), "True", None);
        check(json!({"type": "boolean"}), "yes", truth);
        check(json!({"type": "string", "enum": ["true", "false"]}), "False", None);
        check(json!({"type": "string", "enum": ["true", "false"]}), "no", truth);
        let listed = || json!({"type": "string", "enum": ["key", "-key"]});
        check(listed(), "-key", None);
        check(listed(), "KEY", Some("none of key, -key"));
        check(json!({}), "x", None);
    }

    #[test]
    fn parameters_that_must_be_there_are_missed() {
        let parameter = |place: &str, name: &str, schema: Value| Parameter {
            name: name.to_owned(),
            place: place.to_owned(),
            required: true,
            schema,
        };
        let described = [
            parameter("path", "id", json!({"type": "integer"})),
            parameter("query", "accountId", json!({"type": "string"})),
            parameter("query", "validation", json!({"type": "string", "default": "strict"})),
            parameter("header", "x", json!({"type": "string"})),
        ];
        let check = |path: &str, query: &[(&str, &str)], expected: &[&str]| {
            let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let asked = Asked { path: placed("/thing/{id}/part", path), query, ..Asked::default() };
            assert_eq!(asked.parameters(&described), expected, "{path}");
        };
        let missing = "the parameter accountId is missing";
        check("/thing/7/part", &[("accountId", "a"), ("accountId", "b"), ("other", "c")], &[]);
        check("/thing/7/part", &[("accountId", "")], &[missing]);
        check("/thing/x/part", &[], &["the parameter id is no whole number, or too large a one", missing]);
    }

    #[test]
    fn what_is_null_is_left_out() {
        let sent = json!({"a": null, "b": {"c": null, "d": [null, {"e": null}]}, "f": 0});
        assert_eq!(without_nulls(sent), json!({"b": {"d": [null, {}]}, "f": 0}));
    }

    #[test]
    fn looser_rules_are_those_of_their_schema() {
        let ids = || json!({"properties": {"accountIds": {"type": "array", "uniqueItems": true}}});
        let (mut desk, mut other) = (ids(), ids());
        loosen(&mut desk, "ServiceDeskCustomerDTO");
        loosen(&mut other, "Other");
        assert_eq!(desk, json!({"properties": {"accountIds": {"type": "array"}}}));
        assert_eq!(other, ids());
        let mut transition = json!({"properties": {"id": {"type": "string"}, "name": {"type": "string"}}});
        loosen(&mut transition, "IssueTransition");
        let both = json!({"properties": {"id": {"type": ["string", "integer"]}, "name": {"type": "string"}}});
        assert_eq!(transition, both);
    }
}
