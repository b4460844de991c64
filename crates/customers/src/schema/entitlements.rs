//! Tables of products and of entitlements to them.

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, OPAQUE_ID, Retention, STATE, Step, sealed_column, table,
};

use super::NAME_HASH;

static PRODUCT_CLASS: DataClass = DataClass {
    name: "product",
    purpose: "Products that the tenant's administrators define: their names.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static ENTITLEMENT_CLASS: DataClass = DataClass {
    name: "entitlement",
    purpose: "What organizations are entitled to, now and before: first and last day, limit, note.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

const P: &str = "product";
pub(crate) static PRODUCT_NAME: Column = sealed_column(P, "name", KeyClass::Data, &PRODUCT_CLASS);
table!(PRODUCT, "product", Tenant, [
    Column::new(P, "tenant", Uuid, &OPAQUE_ID),
    Column::new(P, "id", Uuid, &OPAQUE_ID),
    Column::new(P, "audience", Text, &STATE),
    Column::new(P, "version", Int, &STATE),
    Column::new(P, "retired", Bool, &STATE),
    sealed_column(P, "name", KeyClass::Data, &PRODUCT_CLASS),
    Column::new(P, "name_hash", Bytes, &NAME_HASH),
], key ["tenant", "id"], unique [&["tenant", "name_hash"] as &[&str]], row ["id"]);

const E: &str = "entitlement";
pub(crate) static ENTITLEMENT_TERMS: Column = sealed_column(E, "terms", KeyClass::Data, &ENTITLEMENT_CLASS);
table!(
    ENTITLEMENT,
    "entitlement",
    Tenant,
    [
        Column::new(E, "tenant", Uuid, &OPAQUE_ID),
        Column::new(E, "owner", Text, &OPAQUE_ID),
        Column::new(E, "product", Uuid, &OPAQUE_ID),
        sealed_column(E, "terms", KeyClass::Data, &ENTITLEMENT_CLASS),
        Column::new(E, "version", Int, &STATE),
        Column::new(E, "updated_at", Int, &INSTANT),
        Column::new(E, "updated_by", Text, &OPAQUE_ID),
    ],
    key["tenant", "owner", "product"],
    row["owner", "product"]
);

const H: &str = "entitlement_history";
pub(crate) static ENTITLEMENT_CHANGE: Column = sealed_column(H, "change", KeyClass::Data, &ENTITLEMENT_CLASS);
table!(
    ENTITLEMENT_HISTORY,
    "entitlement_history",
    Tenant,
    [
        Column::new(H, "tenant", Uuid, &OPAQUE_ID),
        Column::new(H, "owner", Text, &OPAQUE_ID),
        Column::new(H, "id", Int, &STATE),
        Column::new(H, "product", Uuid, &OPAQUE_ID),
        sealed_column(H, "change", KeyClass::Data, &ENTITLEMENT_CLASS),
        Column::new(H, "action", Text, &STATE),
        Column::new(H, "at", Int, &INSTANT),
        Column::new(H, "actor", Text, &OPAQUE_ID),
    ],
    key["tenant", "owner", "id"],
    row["owner", "id"]
);

pub(crate) static STEPS: [Step; 3] =
    [Step::Create(&PRODUCT), Step::Create(&ENTITLEMENT), Step::Create(&ENTITLEMENT_HISTORY)];
