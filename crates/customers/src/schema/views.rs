//! Tables of saved views.

use kernel::ColumnKind::{Bool, Int, Text, Uuid};
use kernel::{Audience, Column, DataClass, Export, KeyClass, OPAQUE_ID, Retention, STATE, Step, sealed_column, table};

static VIEW: DataClass = DataClass {
    name: "saved-view",
    purpose: "Lists as people saved them: a name, a query, columns; a person's own or shared.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static DELETED_VIEW: DataClass = DataClass {
    name: "deleted-view",
    purpose: "When a saved view was deleted: until it goes, whoever deleted it can take it back.",
    audience: Audience::Tenant,
    retention: Retention::Days(30),
    regional: true,
    export: Export::Tenant,
};

const V: &str = "saved_view";
pub(crate) static SAVED_VIEW_BODY: Column = sealed_column(V, "body", KeyClass::Data, &VIEW);
// `deleted_at` is empty while the view stands, so nothing of it goes by age.
table!(SAVED_VIEW, "saved_view", Tenant, [
    Column::new(V, "tenant", Uuid, &OPAQUE_ID),
    Column::new(V, "id", Uuid, &OPAQUE_ID),
    Column::new(V, "entity", Text, &STATE),
    Column::new(V, "owner", Text, &OPAQUE_ID),
    Column::new(V, "shared", Bool, &STATE),
    Column::new(V, "version", Int, &STATE),
    Column::new(V, "deleted_at", Int, &DELETED_VIEW).or_null(),
    sealed_column(V, "body", KeyClass::Data, &VIEW),
], key ["tenant", "id"], index [&["tenant", "entity", "owner"] as &[&str]], row ["id"], written "deleted_at");

const D: &str = "saved_view_default";
table!(
    SAVED_VIEW_DEFAULT,
    "saved_view_default",
    Tenant,
    [
        Column::new(D, "tenant", Uuid, &OPAQUE_ID),
        Column::new(D, "account", Text, &OPAQUE_ID),
        Column::new(D, "entity", Text, &STATE),
        Column::new(D, "saved_view", Uuid, &OPAQUE_ID),
    ],
    key["tenant", "account", "entity"]
);

pub(crate) static STEPS: [Step; 2] = [Step::Create(&SAVED_VIEW), Step::Create(&SAVED_VIEW_DEFAULT)];
