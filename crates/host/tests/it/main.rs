//! This room against a real stand-in Jira, and its door against servers and names that lie.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod door;
mod inbound;
mod jira;
mod people;
mod world;
