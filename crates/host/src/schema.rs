//! The tables of this room.

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Retention, Room, STATE, Step,
    sealed_column, table,
};

static INVOCATION: DataClass = DataClass {
    name: "invocation",
    purpose: "Hashes of the ids of invocation tokens that were used, so that none is used twice.",
    audience: Audience::Nobody,
    retention: Retention::Minutes(60),
    regional: true,
    export: Export::Never,
};

static ACCESS_TOKEN: DataClass = DataClass {
    name: "access-token",
    purpose: "Short-lived tokens with which Jira lets Steward act as itself or as a person; they end within hours by themselves.",
    audience: Audience::Nobody,
    retention: Retention::Days(1),
    regional: true,
    export: Export::Never,
};

static PERSON_CACHE: DataClass = DataClass {
    name: "person-cache",
    purpose: "Display names and e-mail addresses that come from Jira, so that pages can show who somebody is: a cache, refreshed or dropped.",
    audience: Audience::TenantAndSubject,
    retention: Retention::Days(7),
    regional: true,
    export: Export::TenantAndSubject,
};

const I: &str = "host_invocation";
table!(HOST_INVOCATION, "host_invocation", Tenant, [
    Column::new(I, "tenant", Uuid, &OPAQUE_ID),
    Column::new(I, "jti_hash", Bytes, &INVOCATION),
    Column::new(I, "seen_at", Int, &INSTANT),
], key ["tenant", "jti_hash"], written "seen_at");

const S: &str = "host_system_token";
pub(crate) static SYSTEM_TOKEN: Column = sealed_column(S, "token", KeyClass::Credential, &ACCESS_TOKEN);
table!(HOST_SYSTEM_TOKEN, "host_system_token", Tenant, [
    Column::new(S, "tenant", Uuid, &OPAQUE_ID),
    SYSTEM_TOKEN,
    Column::new(S, "expires_at", Int, &INSTANT),
    Column::new(S, "received_at", Int, &INSTANT),
], key ["tenant"], row ["tenant"], written "received_at");

const U: &str = "host_user_token";
pub(crate) static USER_TOKEN: Column = sealed_column(U, "token", KeyClass::Credential, &ACCESS_TOKEN);
table!(HOST_USER_TOKEN, "host_user_token", Tenant, [
    Column::new(U, "tenant", Uuid, &OPAQUE_ID),
    Column::new(U, "account", Text, &OPAQUE_ID),
    USER_TOKEN,
    Column::new(U, "expires_at", Int, &INSTANT),
    Column::new(U, "received_at", Int, &INSTANT),
], key ["tenant", "account"], row ["tenant", "account"], subject "account", written "received_at");

const P: &str = "person";
pub(crate) static PROFILE: Column = sealed_column(P, "profile", KeyClass::Names, &PERSON_CACHE);
table!(PERSON, "person", Tenant, [
    Column::new(P, "tenant", Uuid, &OPAQUE_ID),
    Column::new(P, "account", Text, &OPAQUE_ID),
    PROFILE,
    Column::new(P, "active", Bool, &STATE),
    Column::new(P, "fetched_at", Int, &INSTANT),
], key ["tenant", "account"], row ["tenant", "account"], subject "account", written "fetched_at");

/// This room's tables.
pub static ROOM: Room = Room {
    name: "host",
    tables: &[&HOST_INVOCATION, &HOST_SYSTEM_TOKEN, &HOST_USER_TOKEN, &PERSON],
    migrations: &[Migration {
        version: 1,
        steps: &[
            Step::Create(&HOST_INVOCATION),
            Step::Create(&HOST_SYSTEM_TOKEN),
            Step::Create(&HOST_USER_TOKEN),
            Step::Create(&PERSON),
        ],
    }],
};
