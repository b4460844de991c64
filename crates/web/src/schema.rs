//! Sessions of our own origin.

use kernel::ColumnKind::{Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Retention, Room, STATE, Step,
    sealed_column, table,
};

static SESSION_CLASS: DataClass = DataClass {
    name: "session",
    purpose: "Who is signed in on Steward's own origin, as a hash of their token, and where in Jira they came from.",
    audience: Audience::Nobody,
    retention: Retention::Days(1),
    regional: true,
    export: Export::Never,
};

const S: &str = "session";
pub(crate) static SESSION_CONTEXT: Column = sealed_column(S, "context", KeyClass::Data, &SESSION_CLASS);
table!(SESSION, "session", Tenant, [
    Column::new(S, "tenant", Uuid, &OPAQUE_ID),
    Column::new(S, "token_hash", Bytes, &SESSION_CLASS),
    Column::new(S, "kind", Text, &STATE),
    Column::new(S, "account", Text, &OPAQUE_ID),
    sealed_column(S, "context", KeyClass::Data, &SESSION_CLASS),
    Column::new(S, "made_at", Int, &INSTANT),
    Column::new(S, "expires_at", Int, &INSTANT),
], key ["tenant", "token_hash"], row ["token_hash"], written "made_at");

/// This room's tables.
pub static ROOM: Room = Room {
    name: "web",
    tables: &[&SESSION],
    migrations: &[Migration { version: 1, steps: &[Step::Create(&SESSION)] }],
};
