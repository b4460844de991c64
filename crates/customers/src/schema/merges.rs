//! Tables of merges, and of pairs that are not the same.

use kernel::ColumnKind::{Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, OPAQUE_ID, Retention, STATE, Step, sealed_column, table,
};

static MERGE_CLASS: DataClass = DataClass {
    name: "merge",
    purpose: "Which customers were merged into which, and which values and memberships that changed, by ids: so that the merged one is still found, and that it can be taken back.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

const M: &str = "customer_merge";
pub(crate) static MERGE_BODY: Column = sealed_column(M, "body", KeyClass::Data, &MERGE_CLASS);
table!(MERGE, "customer_merge", Tenant, [
    Column::new(M, "tenant", Uuid, &OPAQUE_ID),
    Column::new(M, "id", Uuid, &OPAQUE_ID),
    Column::new(M, "merged", Text, &OPAQUE_ID),
    Column::new(M, "kept", Text, &OPAQUE_ID),
    Column::new(M, "actor", Text, &OPAQUE_ID),
    Column::new(M, "at", Int, &INSTANT),
    Column::new(M, "undone_at", Int, &INSTANT).or_null(),
    Column::new(M, "version", Int, &STATE),
    sealed_column(M, "body", KeyClass::Data, &MERGE_CLASS),
], key ["tenant", "id"], index [&["tenant", "merged"] as &[&str], &["tenant", "kept"] as &[&str]], row ["id"]);

const D: &str = "duplicate_dismissal";
table!(
    DISMISSAL,
    "duplicate_dismissal",
    Tenant,
    [
        Column::new(D, "tenant", Uuid, &OPAQUE_ID),
        Column::new(D, "first", Text, &OPAQUE_ID),
        Column::new(D, "second", Text, &OPAQUE_ID),
        Column::new(D, "at", Int, &INSTANT),
        Column::new(D, "actor", Text, &OPAQUE_ID),
    ],
    key["tenant", "first", "second"]
);

pub(crate) static STEPS: [Step; 2] = [Step::Create(&MERGE), Step::Create(&DISMISSAL)];
