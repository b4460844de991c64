//! Keys that age, data that goes, tenants that leave: the whole of it on both databases, under a clock that is moved
//! by days.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and one that cannot start says so"
)]

#[path = "../../../store/tests/databases/mod.rs"]
mod databases;

mod departure;
mod register;
mod rotation;
mod shelf;
mod world;
