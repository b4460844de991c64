//! The durable queue: at least once, idempotent by key, back-off with jitter, dead letters, schedules.
//!
//! A job's payload carries ids, never text. It is enqueued in the transaction that makes it true, claimed by one
//! statement under a lease, and run by whichever node is free; a node that dies lets its lease run out. Start at
//! [`Handler`] and [`Runner`].

mod queue;
mod rules;
mod runner;
mod schema;
mod sql;

pub use queue::{DeadLetter, dead_letters, enqueue, run_again, waiting};
pub use runner::{Handler, Outcome, Runner, RunnerParts, Schedule};
pub use schema::ROOM;
