//! The queue's tables.

use kernel::ColumnKind::{Int, Text, Uuid};
use kernel::{Audience, Column, DataClass, Export, INSTANT, Migration, OPAQUE_ID, Retention, Room, STATE, Step, table};

static FINISHED: DataClass = DataClass {
    name: "finished-job",
    purpose: "When a job was done: kept for a day, so that the same event told again does not run again.",
    audience: Audience::Operators,
    retention: Retention::Days(1),
    regional: true,
    export: Export::Never,
};

const J: &str = "job";
table!(JOB, "job", Server, [
    Column::new(J, "tenant", Uuid, &OPAQUE_ID),
    Column::new(J, "id", Uuid, &OPAQUE_ID),
    Column::new(J, "kind", Text, &STATE),
    Column::new(J, "key", Text, &OPAQUE_ID),
    Column::new(J, "payload", Text, &OPAQUE_ID),
    Column::new(J, "state", Text, &STATE),
    Column::new(J, "run_at", Int, &INSTANT),
    Column::new(J, "attempts", Int, &STATE),
    Column::new(J, "lease_until", Int, &INSTANT).or_null(),
    Column::new(J, "error", Text, &STATE).or_null(),
    Column::new(J, "created_at", Int, &INSTANT),
    Column::new(J, "finished_at", Int, &FINISHED).or_null(),
], key ["tenant", "id"], unique [&["tenant", "kind", "key"] as &[&str]], index [&["state", "run_at"] as &[&str]], written "finished_at");

const S: &str = "schedule";
table!(
    SCHEDULE,
    "schedule",
    Server,
    [Column::new(S, "name", Text, &STATE), Column::new(S, "next_at", Int, &INSTANT),],
    key["name"]
);

/// The queue's tables.
pub static ROOM: Room = Room {
    name: "jobs",
    tables: &[&JOB, &SCHEDULE],
    migrations: &[Migration { version: 1, steps: &[Step::Create(&JOB), Step::Create(&SCHEDULE)] }],
};
