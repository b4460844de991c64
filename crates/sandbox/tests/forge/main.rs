//! The Forge host and the pages from outside: with an app's remote that really listens, and a browser's
//! requests.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]

mod invoke;
#[path = "../kept_keys/mod.rs"]
mod kept_keys;
mod lifecycle;
mod manifest;
mod pages;
mod remote;
mod residency;
mod site;
mod tokens;
mod triggers;
