//! What is generated and committed is what the program says: openapi.json, docs/data.md (docs/hosts.md: see `hosts`). `UPDATE=1` writes them.

use std::path::Path;

pub(crate) fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != made {
        let differs = committed.lines().zip(made.lines()).find(|(one, other)| one != other);
        panic!(
            "{file} is not what the program says; run the tests once with UPDATE=1 and look at the difference. The first: {differs:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_is_committed() {
    let world = crate::world::World::start().await;
    compare("openapi.json", &(world.program.openapi.to_pretty_json().unwrap() + "\n"));
    world.end().await;
}

/// Each operation shows what is sent and what is answered, and what it shows is of the form that it describes.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_has_an_example_that_holds() {
    let world = crate::world::World::start().await;
    let description: serde_json::Value = serde_json::to_value(&world.program.openapi).unwrap();
    let mut wrong = Vec::new();
    let mut check = |name: &str, content: &serde_json::Value| {
        let Some(media) = content.as_object().and_then(|all| all.values().next()) else { return };
        let Some(example) = media.get("example") else {
            wrong.push(format!("{name}: no example"));
            return;
        };
        let schema = serde_json::json!({"allOf": [media["schema"]], "components": description["components"]});
        let validator = jsonschema::validator_for(&schema).unwrap();
        wrong.extend(validator.iter_errors(example).map(|error| format!("{name}: {error}")));
    };
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            check(&format!("{name}, request"), &operation["requestBody"]["content"]);
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with('2') {
                    check(&format!("{name}, {status}"), &response["content"]);
                }
            }
        }
    }
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let content = serde_json::json!({"parameter": parameter});
                check(&format!("{method} {path}, {}", parameter["name"]), &content);
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    world.end().await;
}

#[test]
fn the_data_map_is_committed() {
    compare("docs/data.md", &steward::cli::data_map());
}

#[test]
fn the_registry_has_no_mistakes() {
    for registry in [steward::program::registry(), steward::program::shelf_registry()] {
        assert_eq!(registry.mistakes(), Vec::<String>::new());
    }
}
