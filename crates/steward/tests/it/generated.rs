//! What is generated and committed is what the program says: openapi.json, docs/data.md. `UPDATE=1` writes them.

use std::path::Path;

fn compare(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(&path, made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{file} is not what the program says; run the tests once with UPDATE=1 and look at the difference"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openapi_is_committed() {
    let world = crate::world::World::start().await;
    compare("openapi.json", &(world.program.openapi.to_pretty_json().unwrap() + "\n"));
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
