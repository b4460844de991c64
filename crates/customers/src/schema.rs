//! This room's tables.

mod entitlements;
mod imports;
mod issues;
mod merges;
mod views;

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Retention, Room, STATE, Step,
    sealed_column, table,
};

pub(crate) use entitlements::{ENTITLEMENT_CHANGE, ENTITLEMENT_TERMS, PRODUCT_NAME};
pub(crate) use imports::{IMPORT_CHUNK_KEY, IMPORT_MAPPING_BODY, IMPORT_NAME, IMPORT_PAGE_KEY, IMPORT_PLAN};
pub(crate) use merges::MERGE_BODY;
pub(crate) use views::SAVED_VIEW_BODY;

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
    purpose: "What agents wrote into an organization's fields, now and before. Its members see what is shared with customers.",
    audience: Audience::TenantAndSubject,
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

static SEARCH_INDEX: DataClass = DataClass {
    name: "search-index",
    purpose: "Words of names, addresses and values, with the records that have them, in files of the data directory: a cache, made anew whenever the key of the week or a person's data goes.",
    audience: Audience::Tenant,
    retention: Retention::Days(7),
    regional: true,
    export: Export::Never,
};

/// Stands for the files of search indexes.
pub(crate) static SEARCH_FILE: Column = sealed_column("search_index", "file", KeyClass::Names, &SEARCH_INDEX);

/// What lies in files and not in tables.
pub static FILES: [&Column; 1] = [&SEARCH_FILE];

static DIRECTORY: DataClass = DataClass {
    name: "directory-entry",
    purpose: "Which accounts are customers, in which service projects, and which belong to which organization, as Jira has it: a cache, read again or dropped within a week.",
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
    Column::new(C, "made", Bool, &STATE).or_null(),
], key ["tenant", "account"], subject "account", written "synced_at");

/// Whoever was made from here may be in no list of Jira's.
static CUSTOMER_MADE: Column = Column::new(C, "made", Bool, &STATE).or_null();

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
], key ["tenant", "organization", "account"], index [&["tenant", "account"] as &[&str]], subject "account", written "synced_at");

const PC: &str = "project_customer";
table!(PROJECT_CUSTOMER, "project_customer", Tenant, [
    Column::new(PC, "tenant", Uuid, &OPAQUE_ID),
    Column::new(PC, "project", Text, &OPAQUE_ID),
    Column::new(PC, "account", Text, &OPAQUE_ID),
    Column::new(PC, "synced_at", Int, &DIRECTORY),
], key ["tenant", "project", "account"], index [&["tenant", "account"] as &[&str]], subject "account", written "synced_at");

static WEBHOOK_CLASS: DataClass = DataClass {
    name: "webhook",
    purpose: "Receivers that administrators named: their name, address, and what they are told.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static WEBHOOK_SECRET: DataClass = DataClass {
    name: "webhook-secret",
    purpose: "What messages to a receiver are signed with; the former one for a day after a new one was made.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static WEBHOOK_LOG: DataClass = DataClass {
    name: "webhook-delivery",
    purpose: "What happened that receivers are told of, by ids alone, and what became of each message. No message is kept: it is made again when it is sent.",
    audience: Audience::Tenant,
    retention: Retention::Days(14),
    regional: true,
    export: Export::Tenant,
};

const W: &str = "webhook";
pub(crate) static WEBHOOK_BODY: Column = sealed_column(W, "body", KeyClass::Data, &WEBHOOK_CLASS);
pub(crate) static WEBHOOK_SECRETS: Column = sealed_column(W, "secrets", KeyClass::Credential, &WEBHOOK_SECRET);
table!(
    WEBHOOK,
    "webhook",
    Tenant,
    [
        Column::new(W, "tenant", Uuid, &OPAQUE_ID),
        Column::new(W, "id", Uuid, &OPAQUE_ID),
        Column::new(W, "version", Int, &STATE),
        Column::new(W, "state", Text, &STATE),
        sealed_column(W, "body", KeyClass::Data, &WEBHOOK_CLASS),
        sealed_column(W, "secrets", KeyClass::Credential, &WEBHOOK_SECRET),
        Column::new(W, "made_at", Int, &INSTANT),
        // Since when nothing reached it; how often in a row; until when it is left alone; who delivers to it now.
        Column::new(W, "failing_since", Int, &INSTANT).or_null(),
        Column::new(W, "failures", Int, &STATE),
        Column::new(W, "held_until", Int, &INSTANT).or_null(),
        Column::new(W, "busy_until", Int, &INSTANT).or_null(),
    ],
    key["tenant", "id"],
    row["id"]
);

const WE: &str = "webhook_event";
table!(
    WEBHOOK_EVENT,
    "webhook_event",
    Tenant,
    [
        Column::new(WE, "tenant", Uuid, &OPAQUE_ID),
        Column::new(WE, "seq", Int, &STATE),
        Column::new(WE, "id", Uuid, &OPAQUE_ID),
        Column::new(WE, "kind", Text, &STATE),
        Column::new(WE, "owner", Text, &OPAQUE_ID).or_null(),
        Column::new(WE, "member", Text, &OPAQUE_ID).or_null(),
        Column::new(WE, "field", Uuid, &OPAQUE_ID).or_null(),
        Column::new(WE, "actor", Text, &OPAQUE_ID).or_null(),
        Column::new(WE, "at", Int, &WEBHOOK_LOG),
    ],
    key["tenant", "seq"],
    written "at"
);

const WD: &str = "webhook_delivery";
table!(WEBHOOK_DELIVERY, "webhook_delivery", Tenant, [
    Column::new(WD, "tenant", Uuid, &OPAQUE_ID),
    Column::new(WD, "webhook", Uuid, &OPAQUE_ID),
    Column::new(WD, "seq", Int, &STATE),
    Column::new(WD, "state", Text, &STATE),
    Column::new(WD, "attempts", Int, &STATE),
    Column::new(WD, "due_at", Int, &INSTANT),
    Column::new(WD, "attempted_at", Int, &INSTANT).or_null(),
    Column::new(WD, "status", Int, &STATE).or_null(),
    Column::new(WD, "error", Text, &STATE).or_null(),
    Column::new(WD, "event_at", Int, &WEBHOOK_LOG),
], key ["tenant", "webhook", "seq"], index [&["tenant", "webhook", "state", "due_at"] as &[&str]], written "event_at");

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
        &PROJECT_CUSTOMER,
        &WEBHOOK,
        &WEBHOOK_EVENT,
        &WEBHOOK_DELIVERY,
        &imports::IMPORT,
        &imports::IMPORT_CHUNK,
        &imports::IMPORT_PAGE,
        &imports::IMPORT_OWNER,
        &imports::IMPORT_CHANGE,
        &imports::IMPORT_MAPPING_TABLE,
        &imports::IMPORT_MADE_TABLE,
        &views::SAVED_VIEW,
        &views::SAVED_VIEW_DEFAULT,
        &entitlements::PRODUCT,
        &entitlements::ENTITLEMENT,
        &entitlements::ENTITLEMENT_HISTORY,
        &merges::MERGE,
        &merges::DISMISSAL,
        &issues::MARK,
        &issues::SENDING,
        &issues::COPY_FAILURE,
    ],
    migrations: &[
        Migration {
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
        },
        Migration { version: 2, steps: &imports::STEPS },
        Migration {
            version: 3,
            steps: &[Step::Create(&WEBHOOK), Step::Create(&WEBHOOK_EVENT), Step::Create(&WEBHOOK_DELIVERY)],
        },
        Migration { version: 4, steps: &imports::TYPE_CHANGE_STEPS },
        Migration { version: 5, steps: &views::STEPS },
        Migration { version: 6, steps: &imports::BULK_ACTION_STEPS },
        Migration { version: 7, steps: &entitlements::STEPS },
        Migration { version: 8, steps: &merges::STEPS },
        Migration { version: 9, steps: &[Step::Create(&PROJECT_CUSTOMER)] },
        Migration { version: 10, steps: &imports::MAKING_STEPS },
        Migration { version: 11, steps: &issues::STEPS },
        Migration { version: 12, steps: &issues::COPY_STEPS },
        Migration { version: 13, steps: &[Step::Add(&CUSTOMER_MADE)] },
    ],
};
