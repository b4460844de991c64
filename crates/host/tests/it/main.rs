//! This room against a real stand-in Jira, and its door against servers and names that lie.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and one that cannot start says so"
)]

mod connect;
mod connect_python;
mod context_paths;
mod data_center;
#[path = "../../../store/tests/databases/mod.rs"]
mod databases;
mod door;
mod inbound;
mod jira;
#[path = "../../../sandbox/tests/kept_keys/mod.rs"]
mod kept_keys;
mod manifest;
mod misbehaving;
mod people;
mod world;
