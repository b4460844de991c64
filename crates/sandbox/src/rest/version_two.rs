//! Version 2 of the platform's API: the same operations as version 3, with wiki text where that has
//! documents.
//!
//! One state and one set of handlers: what differs is turned here, on the way in and on the way out.
//! Entity properties are apps' own data and are never touched. Start reading at [`serve`].

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value};

use super::{MAX_BODY, error::ApiError};
use crate::{App, adf, state::model::FieldKind, wiki};

/// What version 2 is asked by; `latest` is it, too.
const PREFIXES: [&str; 2] = ["/rest/api/2/", "/rest/api/latest/"];
const THIRD: &str = "/rest/api/3/";
/// Largest answer that is turned, in bytes.
pub(crate) const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// System fields of issues that are documents.
const FIELDS: [&str; 2] = ["description", "environment"];
/// What may be a document in an answer.
const TEXTS: [&str; 4] = ["description", "environment", "body", "comment"];

/// The same path of version 3, if this is one of version 2.
pub(crate) fn third(uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str();
    let rest = PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))?;
    format!("{THIRD}{rest}").parse().ok()
}

/// Answers a request of version 2 by version 3.
pub(crate) async fn serve(app: &App, request: Request, third: Uri, next: Next) -> Response {
    // Values of entity properties look like anything.
    let opaque = third.path().contains("/properties");
    let (mut parts, body) = request.into_parts();
    parts.uri = third;
    let mut request = Request::from_parts(parts, body);
    if !opaque && is_json(request.headers()) {
        request = match turn_in(request, &written(app)).await {
            Ok(turned) => turned,
            Err(refusal) => return refusal.into_response(),
        };
    }
    let answer = next.run(request).await;
    if opaque || !is_json(answer.headers()) { answer } else { turn_out(answer, app.state.site_url()).await }
}

/// The fields of issues that are documents.
pub(crate) fn written(app: &App) -> Vec<String> {
    let store = app.state.read();
    let custom = store.custom_fields.values().filter(|field| field.kind == FieldKind::Paragraph);
    FIELDS.iter().map(|name| (*name).to_owned()).chain(custom.map(|field| field.id.clone())).collect()
}

/// Whether a body says that it is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json")
}

async fn turn_in(request: Request, written: &[String]) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| ApiError::too_large("The request body is too large."))?;
    let turned = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            documents(&mut value, parts.uri.path(), written)?;
            Bytes::from(value.to_string())
        }
        // What is no JSON is refused where all such is.
        Err(_) => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(turned)))
}

/// Turns the texts of a request into documents.
pub(crate) fn documents(value: &mut Value, path: &str, written: &[String]) -> Result<(), ApiError> {
    let Value::Object(object) = value else { return Ok(()) };
    let comment = path.contains("/comment") && !path.ends_with("/comment/list");
    if comment && let Some(body) = object.get_mut("body") {
        document(body, "comment")?;
    }
    if let Some(Value::Object(fields)) = object.get_mut("fields") {
        for name in written {
            if let Some(text) = fields.get_mut(name) {
                document(text, name)?;
            }
        }
    }
    if let Some(Value::Object(update)) = object.get_mut("update") {
        for name in written {
            let operations = update.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten();
            for text in operations.filter_map(|operation| operation.get_mut("set")) {
                document(text, name)?;
            }
        }
    }
    Ok(())
}

fn document(text: &mut Value, field: &str) -> Result<(), ApiError> {
    match text {
        Value::Null => Ok(()),
        Value::String(written) => {
            let length = written.chars().count();
            if length > adf::MAX_TEXT {
                let why = format!(
                    "The entered text is too long. It exceeds the allowed limit of {} characters.",
                    adf::MAX_TEXT
                );
                return Err(ApiError::field(field, why));
            }
            // An empty text is none, as version 3 says it.
            *text = if written.trim().is_empty() { Value::Null } else { wiki::to_adf(written) };
            Ok(())
        }
        _ => Err(ApiError::field(field, "Operation value must be a string")),
    }
}

async fn turn_out(answer: Response, site: &str) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_ANSWER).await else {
        return ApiError::gateway(500).into_response();
    };
    let turned = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            texts(&mut value, &format!("{site}{THIRD}"), &format!("{site}/rest/api/2/"));
            Bytes::from(value.to_string())
        }
        Err(_) => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(turned))
}

/// Turns the documents of an answer into texts, and its addresses into those of version 2.
pub(crate) fn texts(value: &mut Value, third: &str, second: &str) {
    match value {
        Value::Object(object) => texts_of(object, third, second),
        Value::Array(list) => list.iter_mut().for_each(|item| texts(item, third, second)),
        Value::String(address) => {
            if let Some(rest) = address.strip_prefix(third) {
                *address = format!("{second}{rest}");
            }
        }
        _ => {}
    }
}

fn texts_of(object: &mut Map<String, Value>, third: &str, second: &str) {
    for (name, value) in object.iter_mut().filter(|(name, _)| *name != "properties") {
        let text = TEXTS.contains(&name.as_str()) || name.starts_with("customfield_");
        if text && value.get("type").is_some_and(|kind| kind == "doc") {
            *value = Value::String(wiki::from_adf(value));
        } else {
            texts(value, third, second);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn doc(text: &str) -> Value {
        json!({"type": "doc", "version": 1, "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
    }

    fn written() -> Vec<String> {
        ["description", "environment", "customfield_1"].map(str::to_owned).into()
    }

    #[test]
    fn texts_become_documents_where_version_3_has_them() {
        let check = |path: &str, mut sent: Value, expected: Value| {
            assert!(documents(&mut sent, path, &written()).is_ok(), "{path}");
            assert_eq!(sent, expected, "{path}");
        };
        let issue = "/rest/api/3/issue";
        check(
            issue,
            json!({"fields": {"description": "a", "summary": "b"}}),
            json!({"fields": {"description": doc("a"), "summary": "b"}}),
        );
        check(
            issue,
            json!({"fields": {"customfield_1": "a", "customfield_2": "b"}}),
            json!({"fields": {"customfield_1": doc("a"), "customfield_2": "b"}}),
        );
        check(issue, json!({"fields": {"environment": null}}), json!({"fields": {"environment": null}}));
        check(issue, json!({"fields": {"description": " "}}), json!({"fields": {"description": null}}));
        check(
            "/rest/api/3/issue/A-1",
            json!({"update": {"description": [{"set": "a"}], "labels": [{"add": "a"}]}}),
            json!({"update": {"description": [{"set": doc("a")}], "labels": [{"add": "a"}]}}),
        );
        check(
            "/rest/api/3/issue/A-1/comment",
            json!({"body": "a", "properties": [{"key": "k", "value": {"body": "v"}}]}),
            json!({"body": doc("a"), "properties": [{"key": "k", "value": {"body": "v"}}]}),
        );
        check("/rest/api/3/search/jql", json!({"fields": ["description"]}), json!({"fields": ["description"]}));
        for (path, sent) in [
            (issue, json!({"fields": {"description": doc("a")}})),
            ("/rest/api/3/issue/A-1/comment/1", json!({"body": doc("a")})),
            (issue, json!({"fields": {"description": "x".repeat(adf::MAX_TEXT + 1)}})),
        ] {
            assert!(documents(&mut sent.clone(), path, &written()).is_err(), "{path}");
        }
    }

    #[test]
    fn documents_become_texts_and_apps_data_stays() {
        let mut answer = json!({
            "self": "http://site/rest/api/3/issue/1",
            "fields": {"description": doc("a"), "customfield_1": doc("e"), "comment": {"comments": [{"body": doc("b"), "self": "http://other/rest/api/3/x"}]},
                "worklog": {"worklogs": [{"comment": doc("c")}]}},
            "properties": {"mine": {"body": doc("d"), "self": "http://site/rest/api/3/x"}},
        });
        texts(&mut answer, "http://site/rest/api/3/", "http://site/rest/api/2/");
        assert_eq!(
            answer,
            json!({
                "self": "http://site/rest/api/2/issue/1",
                "fields": {"description": "a", "customfield_1": "e", "comment": {"comments": [{"body": "b", "self": "http://other/rest/api/3/x"}]},
                    "worklog": {"worklogs": [{"comment": "c"}]}},
                "properties": {"mine": {"body": doc("d"), "self": "http://site/rest/api/3/x"}},
            })
        );
    }

    #[test]
    fn only_version_2_is_turned() {
        let check = |sent: &str, expected: Option<&str>| {
            let turned = sent.parse::<Uri>().ok().and_then(|uri| third(&uri)).map(|uri| uri.to_string());
            assert_eq!(turned.as_deref(), expected, "{sent}");
        };
        check("/rest/api/2/issue/A-1?fields=*all", Some("/rest/api/3/issue/A-1?fields=*all"));
        check("/rest/api/latest/myself", Some("/rest/api/3/myself"));
        check("/rest/api/3/myself", None);
        check("/rest/api/20/myself", None);
        check("/browse/rest/api/2/x", None);
    }
}
