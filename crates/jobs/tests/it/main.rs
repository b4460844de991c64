//! The queue on both databases, under a clock that stands still until it is moved.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "a test that cannot go on fails, one that cannot start says so, and a handler may panic"
)]

#[path = "../../../store/tests/databases/mod.rs"]
mod databases;

mod failures;
mod queue;
mod schedules;
mod workers;
mod world;
