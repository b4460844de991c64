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

static SITE_CREDENTIAL: DataClass = DataClass {
    name: "site-credential",
    purpose: "With what a site was joined that has no Forge app: the account and API token that Steward calls Jira with, the secret that Jira signs its webhooks with, and the client that people sign in through.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static CONNECT_CREDENTIAL: DataClass = DataClass {
    name: "connect-credential",
    purpose: "The secret that a site with the Connect app shares with this server, by which each proves itself to the other, the one before it for some minutes, and the app's id at Atlassian's authorization server.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static SIGN_IN_TOKEN: DataClass = DataClass {
    name: "sign-in-token",
    purpose: "Tokens with which Steward asks anew for access as a person who signed in on its own pages; they go with the day or when the person signs out.",
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

static DATA_CENTER_USER: DataClass = DataClass {
    name: "data-center-user",
    purpose: "The keys by which a Jira Data Center knows the people whom Steward knows by ids of its own; they stay when somebody is renamed.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
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

const J: &str = "host_service";
pub(crate) static SERVICE_LOGIN: Column = sealed_column(J, "login", KeyClass::Credential, &SITE_CREDENTIAL);
pub(crate) static SERVICE_HOOK: Column = sealed_column(J, "hook", KeyClass::Credential, &SITE_CREDENTIAL);
pub(crate) static SERVICE_CLIENT: Column = sealed_column(J, "client", KeyClass::Credential, &SITE_CREDENTIAL).or_null();
static SERVICE_HEARD: Column = Column::new(J, "heard_at", Int, &INSTANT).or_null();
table!(
    HOST_SERVICE,
    "host_service",
    Tenant,
    [
        Column::new(J, "tenant", Uuid, &OPAQUE_ID),
        SERVICE_LOGIN,
        SERVICE_HOOK,
        sealed_column(J, "client", KeyClass::Credential, &SITE_CREDENTIAL).or_null(),
        Column::new(J, "changed_at", Int, &INSTANT),
        Column::new(J, "heard_at", Int, &INSTANT).or_null(),
    ],
    key["tenant"],
    row["tenant"]
);

const C: &str = "host_connect";
pub(crate) static CONNECT_SECRET: Column = sealed_column(C, "secret", KeyClass::Credential, &CONNECT_CREDENTIAL);
table!(
    HOST_CONNECT,
    "host_connect",
    Tenant,
    [Column::new(C, "tenant", Uuid, &OPAQUE_ID), CONNECT_SECRET, Column::new(C, "changed_at", Int, &INSTANT),],
    key["tenant"],
    row["tenant"]
);

const R: &str = "host_refresh_token";
pub(crate) static REFRESH_TOKEN: Column = sealed_column(R, "token", KeyClass::Credential, &SIGN_IN_TOKEN);
table!(HOST_REFRESH_TOKEN, "host_refresh_token", Tenant, [
    Column::new(R, "tenant", Uuid, &OPAQUE_ID),
    Column::new(R, "account", Text, &OPAQUE_ID),
    REFRESH_TOKEN,
    Column::new(R, "received_at", Int, &INSTANT),
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

const D: &str = "host_user";
pub(crate) static USER_KEY: Column = sealed_column(D, "user_key", KeyClass::Data, &DATA_CENTER_USER);
table!(HOST_USER, "host_user", Tenant, [
    Column::new(D, "tenant", Uuid, &OPAQUE_ID),
    Column::new(D, "account", Text, &OPAQUE_ID),
    USER_KEY,
    Column::new(D, "changed_at", Int, &INSTANT),
], key ["tenant", "account"], row ["tenant", "account"], subject "account");

// What somebody signs in with there is often an e-mail address: a cache like the one of names.
const N: &str = "host_user_name";
pub(crate) static USER_NAME: Column = sealed_column(N, "name", KeyClass::Names, &PERSON_CACHE);
table!(HOST_USER_NAME, "host_user_name", Tenant, [
    Column::new(N, "tenant", Uuid, &OPAQUE_ID),
    Column::new(N, "account", Text, &OPAQUE_ID),
    USER_NAME,
    Column::new(N, "fetched_at", Int, &INSTANT),
], key ["tenant", "account"], row ["tenant", "account"], subject "account", written "fetched_at");

const L: &str = "host_silence";
table!(
    HOST_SILENCE,
    "host_silence",
    Tenant,
    [
        Column::new(L, "tenant", Uuid, &OPAQUE_ID),
        Column::new(L, "since_at", Int, &INSTANT),
        Column::new(L, "looked_at", Int, &INSTANT),
    ],
    key["tenant"]
);

/// This room's tables.
pub static ROOM: Room = Room {
    name: "host",
    tables: &[
        &HOST_INVOCATION,
        &HOST_SYSTEM_TOKEN,
        &HOST_USER_TOKEN,
        &PERSON,
        &HOST_SERVICE,
        &HOST_REFRESH_TOKEN,
        &HOST_CONNECT,
        &HOST_USER,
        &HOST_USER_NAME,
        &HOST_SILENCE,
    ],
    migrations: &[
        Migration {
            version: 1,
            steps: &[
                Step::Create(&HOST_INVOCATION),
                Step::Create(&HOST_SYSTEM_TOKEN),
                Step::Create(&HOST_USER_TOKEN),
                Step::Create(&PERSON),
            ],
        },
        Migration { version: 2, steps: &[Step::Create(&HOST_SERVICE), Step::Create(&HOST_REFRESH_TOKEN)] },
        Migration { version: 3, steps: &[Step::Create(&HOST_CONNECT)] },
        Migration { version: 4, steps: &[Step::Create(&HOST_USER), Step::Create(&HOST_USER_NAME)] },
        Migration { version: 5, steps: &[Step::Create(&HOST_SILENCE)] },
        Migration { version: 6, steps: &[Step::Add(&SERVICE_HEARD)] },
    ],
};
