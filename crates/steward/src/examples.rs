//! What openapi.json says beyond what the handlers do: an example for each operation, as what refusals are sent, and those that any
//! operation may answer. Examples are data, in `examples.json`, put in by operation and by the parameters' names; a test holds them to
//! the schemas.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterBuilder, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

const EXAMPLES: &str = include_str!("examples.json");

#[derive(Deserialize)]
struct Examples {
    /// By the parameter's name, where an operation says nothing else.
    parameters: BTreeMap<String, Value>,
    /// By `METHOD path`, the path without `/api/v1`.
    operations: BTreeMap<String, Example>,
}

#[derive(Deserialize)]
struct Example {
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    request: Option<Value>,
    response: Option<Value>,
}

/// What refusals are sent as.
const PROBLEM: &str = "application/problem+json";

/// How an ETag of ours is written.
const ETAG: &str = "^\"v[0-9]{1,18}\"$";

/// The last word on what is said of the API.
pub(crate) fn describe(openapi: &mut OpenApi) {
    common(openapi);
    refusals(openapi);
    add(openapi);
}

fn refusal(description: &str) -> RefOr<Response> {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    ResponseBuilder::new().description(description).content(PROBLEM, problem).build().into()
}

/// What the layers around the handlers answer, and the extractors in front of them.
fn common(openapi: &mut OpenApi) {
    for (_, operation) in openapi.paths.paths.values_mut().flat_map(operations) {
        let parameters = operation.parameters.iter_mut().flatten().filter_map(described);
        for parameter in parameters.filter(|parameter| parameter.name == "If-Match") {
            parameter.schema = Some(ObjectBuilder::new().schema_type(Type::String).pattern(Some(ETAG)).into());
        }
        let (asks, sends) = (operation.parameters.is_some(), operation.request_body.is_some());
        let answers = &mut operation.responses.responses;
        let mut may = |status: &str, description| {
            answers.entry(status.to_owned()).or_insert_with(|| refusal(description));
        };
        may("429", "Too many requests: send it again after `Retry-After` seconds");
        if sends {
            may("413", "The body is too large");
            may("415", "The body is of another media type");
        }
        if asks || sends {
            may("422", "A parameter, a header or the body is not as described, or says what cannot be");
        }
    }
}

/// `web::reply` sends each refusal as problem details, and a handler's description knows but its schema.
fn refusals(openapi: &mut OpenApi) {
    let operations = openapi.paths.paths.values_mut().flat_map(operations);
    for (status, response) in operations.flat_map(|(_, operation)| &mut operation.responses.responses) {
        let Some(response) = described(response).filter(|_| status.starts_with(['4', '5'])) else { continue };
        if let Some(content) = response.content.shift_remove("application/json") {
            response.content.insert(PROBLEM.to_owned(), content);
        }
    }
}

/// Puts the examples in. What has none stays without; the test says so.
fn add(openapi: &mut OpenApi) {
    let Ok(examples) = serde_json::from_str::<Examples>(EXAMPLES) else { return };
    for (path, item) in &mut openapi.paths.paths {
        for (method, operation) in operations(item) {
            let name = format!("{method} {}", path.strip_prefix("/api/v1").unwrap_or(path));
            let own = examples.operations.get(&name);
            for parameter in operation.parameters.iter_mut().flatten().filter_map(described) {
                let example = own.and_then(|own| own.parameters.get(&parameter.name));
                let example = example.or_else(|| examples.parameters.get(&parameter.name)).cloned();
                *parameter = ParameterBuilder::from(parameter.clone()).example(example).build();
            }
            if let Some(example) = own {
                put(operation, example);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", item.get.as_mut()),
        ("POST", item.post.as_mut()),
        ("PUT", item.put.as_mut()),
        ("PATCH", item.patch.as_mut()),
        ("DELETE", item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// What is described in place; a reference to somewhere else has its example there.
fn described<T>(described: &mut RefOr<T>) -> Option<&mut T> {
    match described {
        RefOr::T(described) => Some(described),
        RefOr::Ref(_) => None,
    }
}

fn put(operation: &mut Operation, example: &Example) {
    let request = operation.request_body.iter_mut().filter_map(described);
    for content in request.flat_map(|body| body.content.values_mut()).filter_map(described) {
        content.example.clone_from(&example.request);
    }
    let successes = operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with('2'));
    let successes = successes.filter_map(|(_, response)| described(response));
    // Of several forms, the first: it is what is sent unless another is asked for.
    for content in successes.filter_map(|response| response.content.values_mut().next()).filter_map(described) {
        content.example.clone_from(&example.response);
    }
}
