//! The sandbox from outside, over HTTP: whether it is a Jira, and whether it is as unkind as one.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]

mod ace;
mod approvals;
mod archive;
mod attachments;
mod connect_app;
mod context_path;
mod contract;
mod data_center;
mod faults;
#[path = "../foreign/mod.rs"]
mod foreign;
mod jirajs;
#[path = "../kept_keys/mod.rs"]
mod kept_keys;
mod limits;
mod oauth;
mod operations;
mod permissions;
mod python;
mod search;
mod service_levels;
mod settings;
mod support;
mod version_two;
mod viewing;
mod webhooks;
