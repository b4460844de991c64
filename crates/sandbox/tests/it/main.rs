//! The sandbox from outside, over HTTP: whether it is a Jira, and whether it is as unkind as one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "tests")]

mod archive;
mod contract;
mod jirajs;
mod limits;
mod permissions;
mod search;
mod support;
mod webhooks;
