//! The store on both databases: one body a test, run on each.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, and one that cannot start says so"
)]

#[path = "../databases/mod.rs"]
mod databases;

mod asked;
mod claims;
mod disk;
mod keeping;
mod resealing;
mod schema;
mod sequences;
mod tables;
mod tenancy;
mod walls;
mod writes;
