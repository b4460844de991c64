//! This room's tables.

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Retention, Room, STATE, Step,
    sealed_column, table,
};

static DEFINITION: DataClass = DataClass {
    name: "field-definition",
    purpose: "Fields, sections and permissions that the tenant's administrators define.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static NAME_HASH: DataClass = DataClass {
    name: "name-hash",
    purpose: "Keyed hashes of names, so that two fields or sections cannot share one.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static CUSTOMER_VALUE: DataClass = DataClass {
    name: "customer-value",
    purpose: "What agents and customers wrote into a customer's fields, now and before.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::TenantAndSubject,
};

static ORGANIZATION_VALUE: DataClass = DataClass {
    name: "organization-value",
    purpose: "What agents wrote into an organization's fields, now and before.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static ORGANIZATION_NAME: DataClass = DataClass {
    name: "organization-name",
    purpose: "Names of organizations as Jira has them: a cache, read again or dropped within a week.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Days(7),
    regional: true,
    export: Export::Never,
};

static DIRECTORY: DataClass = DataClass {
    name: "directory-entry",
    purpose: "Which accounts are customers and which belong to which organization, as Jira has it: a cache, read again or dropped within a week.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Days(7),
    regional: true,
    export: Export::TenantAndSubject,
};

const S: &str = "section";
pub(crate) static SECTION_NAME: Column = sealed_column(S, "name", KeyClass::Data, &DEFINITION);
table!(SECTION, "section", Tenant, [
    Column::new(S, "tenant", Uuid, &OPAQUE_ID),
    Column::new(S, "id", Uuid, &OPAQUE_ID),
    Column::new(S, "entity", Text, &STATE),
    Column::new(S, "position", Int, &STATE),
    Column::new(S, "version", Int, &STATE),
    sealed_column(S, "name", KeyClass::Data, &DEFINITION),
    Column::new(S, "name_hash", Bytes, &NAME_HASH),
], key ["tenant", "id"], unique [&["tenant", "entity", "name_hash"] as &[&str]], row ["id"]);

const F: &str = "field";
pub(crate) static FIELD_BODY: Column = sealed_column(F, "body", KeyClass::Data, &DEFINITION);
table!(FIELD, "field", Tenant, [
    Column::new(F, "tenant", Uuid, &OPAQUE_ID),
    Column::new(F, "id", Uuid, &OPAQUE_ID),
    Column::new(F, "entity", Text, &STATE),
    Column::new(F, "kind", Text, &STATE),
    Column::new(F, "section", Uuid, &OPAQUE_ID).or_null(),
    Column::new(F, "position", Int, &STATE),
    Column::new(F, "required", Bool, &STATE),
    Column::new(F, "audience", Text, &STATE),
    Column::new(F, "version", Int, &STATE),
    Column::new(F, "retired", Bool, &STATE),
    sealed_column(F, "body", KeyClass::Data, &DEFINITION),
    Column::new(F, "name_hash", Bytes, &NAME_HASH),
], key ["tenant", "id"], unique [&["tenant", "entity", "name_hash"] as &[&str]], row ["id"]);

const P: &str = "permission";
pub(crate) static PERMISSION_BODY: Column = sealed_column(P, "body", KeyClass::Data, &DEFINITION);
table!(
    PERMISSION,
    "permission",
    Tenant,
    [
        Column::new(P, "tenant", Uuid, &OPAQUE_ID),
        Column::new(P, "version", Int, &STATE),
        sealed_column(P, "body", KeyClass::Data, &DEFINITION),
    ],
    key["tenant"],
    row["tenant"]
);

const CV: &str = "customer_value";
pub(crate) static CUSTOMER_VALUE_VALUE: Column = sealed_column(CV, "value", KeyClass::Data, &CUSTOMER_VALUE);
table!(CUSTOMER_VALUE_TABLE, "customer_value", Tenant, [
    Column::new(CV, "tenant", Uuid, &OPAQUE_ID),
    Column::new(CV, "owner", Text, &OPAQUE_ID),
    Column::new(CV, "field", Uuid, &OPAQUE_ID),
    sealed_column(CV, "value", KeyClass::Data, &CUSTOMER_VALUE),
    Column::new(CV, "version", Int, &STATE),
    Column::new(CV, "updated_at", Int, &INSTANT),
    Column::new(CV, "updated_by", Text, &OPAQUE_ID),
], key ["tenant", "owner", "field"], row ["owner", "field"], subject "owner");

const OV: &str = "organization_value";
pub(crate) static ORGANIZATION_VALUE_VALUE: Column = sealed_column(OV, "value", KeyClass::Data, &ORGANIZATION_VALUE);
table!(ORGANIZATION_VALUE_TABLE, "organization_value", Tenant, [
    Column::new(OV, "tenant", Uuid, &OPAQUE_ID),
    Column::new(OV, "owner", Text, &OPAQUE_ID),
    Column::new(OV, "field", Uuid, &OPAQUE_ID),
    sealed_column(OV, "value", KeyClass::Data, &ORGANIZATION_VALUE),
    Column::new(OV, "version", Int, &STATE),
    Column::new(OV, "updated_at", Int, &INSTANT),
    Column::new(OV, "updated_by", Text, &OPAQUE_ID),
], key ["tenant", "owner", "field"], row ["owner", "field"]);

const CH: &str = "customer_history";
pub(crate) static CUSTOMER_HISTORY_CHANGE: Column = sealed_column(CH, "change", KeyClass::Data, &CUSTOMER_VALUE);
table!(CUSTOMER_HISTORY, "customer_history", Tenant, [
    Column::new(CH, "tenant", Uuid, &OPAQUE_ID),
    Column::new(CH, "owner", Text, &OPAQUE_ID),
    Column::new(CH, "id", Int, &STATE),
    Column::new(CH, "field", Uuid, &OPAQUE_ID),
    sealed_column(CH, "change", KeyClass::Data, &CUSTOMER_VALUE),
    Column::new(CH, "action", Text, &STATE),
    Column::new(CH, "at", Int, &INSTANT),
    Column::new(CH, "actor", Text, &OPAQUE_ID),
], key ["tenant", "owner", "id"], row ["owner", "id"], subject "owner");

const OH: &str = "organization_history";
pub(crate) static ORGANIZATION_HISTORY_CHANGE: Column =
    sealed_column(OH, "change", KeyClass::Data, &ORGANIZATION_VALUE);
table!(ORGANIZATION_HISTORY, "organization_history", Tenant, [
    Column::new(OH, "tenant", Uuid, &OPAQUE_ID),
    Column::new(OH, "owner", Text, &OPAQUE_ID),
    Column::new(OH, "id", Int, &STATE),
    Column::new(OH, "field", Uuid, &OPAQUE_ID),
    sealed_column(OH, "change", KeyClass::Data, &ORGANIZATION_VALUE),
    Column::new(OH, "action", Text, &STATE),
    Column::new(OH, "at", Int, &INSTANT),
    Column::new(OH, "actor", Text, &OPAQUE_ID),
], key ["tenant", "owner", "id"], row ["owner", "id"]);

const C: &str = "customer";
table!(CUSTOMER, "customer", Tenant, [
    Column::new(C, "tenant", Uuid, &OPAQUE_ID),
    Column::new(C, "account", Text, &OPAQUE_ID),
    Column::new(C, "synced_at", Int, &DIRECTORY),
], key ["tenant", "account"], written "synced_at");

const O: &str = "organization";
pub(crate) static ORGANIZATION_BODY: Column = sealed_column(O, "name", KeyClass::Names, &ORGANIZATION_NAME);
table!(ORGANIZATION, "organization", Tenant, [
    Column::new(O, "tenant", Uuid, &OPAQUE_ID),
    Column::new(O, "organization", Text, &OPAQUE_ID),
    sealed_column(O, "name", KeyClass::Names, &ORGANIZATION_NAME),
    Column::new(O, "synced_at", Int, &DIRECTORY),
], key ["tenant", "organization"], row ["organization"], written "synced_at");

const M: &str = "membership";
table!(MEMBERSHIP, "membership", Tenant, [
    Column::new(M, "tenant", Uuid, &OPAQUE_ID),
    Column::new(M, "organization", Text, &OPAQUE_ID),
    Column::new(M, "account", Text, &OPAQUE_ID),
    Column::new(M, "synced_at", Int, &DIRECTORY),
], key ["tenant", "organization", "account"], index [&["tenant", "account"] as &[&str]], written "synced_at");

/// This room's tables.
pub static ROOM: Room = Room {
    name: "customers",
    tables: &[
        &SECTION,
        &FIELD,
        &PERMISSION,
        &CUSTOMER_VALUE_TABLE,
        &ORGANIZATION_VALUE_TABLE,
        &CUSTOMER_HISTORY,
        &ORGANIZATION_HISTORY,
        &CUSTOMER,
        &ORGANIZATION,
        &MEMBERSHIP,
    ],
    migrations: &[Migration {
        version: 1,
        steps: &[
            Step::Create(&SECTION),
            Step::Create(&FIELD),
            Step::Create(&PERMISSION),
            Step::Create(&CUSTOMER_VALUE_TABLE),
            Step::Create(&ORGANIZATION_VALUE_TABLE),
            Step::Create(&CUSTOMER_HISTORY),
            Step::Create(&ORGANIZATION_HISTORY),
            Step::Create(&CUSTOMER),
            Step::Create(&ORGANIZATION),
            Step::Create(&MEMBERSHIP),
        ],
    }],
};
