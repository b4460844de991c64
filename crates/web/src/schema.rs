//! Sessions of our own origin, API tokens, keys of customers' sites, and who saw whose values.

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
/// The key of a customer's site, if it began with one.
static SESSION_SIGNED_BY: Column = Column::new(S, "signed_by", Uuid, &OPAQUE_ID).or_null();
table!(SESSION, "session", Tenant, [
    Column::new(S, "tenant", Uuid, &OPAQUE_ID),
    Column::new(S, "token_hash", Bytes, &SESSION_CLASS),
    Column::new(S, "kind", Text, &STATE),
    Column::new(S, "account", Text, &OPAQUE_ID),
    sealed_column(S, "context", KeyClass::Data, &SESSION_CLASS),
    Column::new(S, "made_at", Int, &INSTANT),
    Column::new(S, "expires_at", Int, &INSTANT),
    SESSION_SIGNED_BY,
], key ["tenant", "token_hash"], row ["token_hash"], written "made_at");

static API_TOKEN_CLASS: DataClass = DataClass {
    name: "api-token",
    purpose: "API tokens of scripts, each as a hash, with the name that administrators gave it; the name stays after the token was revoked, so that history can be read.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

const A: &str = "api_token";
pub(crate) static API_TOKEN_NAME: Column = sealed_column(A, "name", KeyClass::Data, &API_TOKEN_CLASS);
table!(API_TOKEN, "api_token", Tenant, [
    Column::new(A, "tenant", Uuid, &OPAQUE_ID),
    Column::new(A, "id", Uuid, &OPAQUE_ID),
    // Both hashes go with the revocation.
    Column::new(A, "token_hash", Bytes, &API_TOKEN_CLASS).or_null(),
    Column::new(A, "name_hash", Bytes, &API_TOKEN_CLASS).or_null(),
    sealed_column(A, "name", KeyClass::Data, &API_TOKEN_CLASS),
    Column::new(A, "scopes", Text, &STATE),
    Column::new(A, "made_by", Text, &OPAQUE_ID),
    Column::new(A, "made_at", Int, &INSTANT),
    Column::new(A, "expires_at", Int, &INSTANT),
    // The day alone: when within it is nobody's business.
    Column::new(A, "used_on", Int, &INSTANT).or_null(),
    Column::new(A, "revoked_at", Int, &INSTANT).or_null(),
], key ["tenant", "id"], unique [&["tenant", "token_hash"] as &[&str], &["tenant", "name_hash"] as &[&str]], row ["id"]);

static CUSTOMER_KEY_CLASS: DataClass = DataClass {
    name: "customer-sign-in-key",
    purpose: "Keys of customers' own sites, as administrators named them: what they are called, and what became of the last token.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static CUSTOMER_KEY_SECRET: DataClass = DataClass {
    name: "customer-sign-in-secret",
    purpose: "What tokens of customers' own sites are verified with.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static CUSTOMER_TOKEN: DataClass = DataClass {
    name: "customer-sign-in-token",
    purpose: "Hashes of the tokens with which customers signed in, so that none is used twice.",
    audience: Audience::Nobody,
    retention: Retention::Minutes(60),
    regional: true,
    export: Export::Never,
};

const K: &str = "customer_key";
pub(crate) static CUSTOMER_KEY_BODY: Column = sealed_column(K, "body", KeyClass::Data, &CUSTOMER_KEY_CLASS);
pub(crate) static CUSTOMER_KEY_MATERIAL: Column =
    sealed_column(K, "material", KeyClass::Credential, &CUSTOMER_KEY_SECRET);
table!(CUSTOMER_KEY, "customer_key", Tenant, [
    Column::new(K, "tenant", Uuid, &OPAQUE_ID),
    Column::new(K, "id", Uuid, &OPAQUE_ID),
    // By which a token's key is found.
    Column::new(K, "kid_hash", Bytes, &CUSTOMER_KEY_CLASS),
    sealed_column(K, "body", KeyClass::Data, &CUSTOMER_KEY_CLASS),
    sealed_column(K, "material", KeyClass::Credential, &CUSTOMER_KEY_SECRET),
    Column::new(K, "algorithm", Text, &STATE),
    Column::new(K, "made_by", Text, &OPAQUE_ID),
    Column::new(K, "made_at", Int, &INSTANT),
    Column::new(K, "expires_at", Int, &INSTANT),
    // The day alone: when within it is nobody's business.
    Column::new(K, "used_on", Int, &INSTANT).or_null(),
    Column::new(K, "refused_at", Int, &INSTANT).or_null(),
    Column::new(K, "refused_why", Text, &STATE).or_null(),
], key ["tenant", "id"], unique [&["tenant", "kid_hash"] as &[&str]], row ["id"]);

const T: &str = "customer_token";
table!(CUSTOMER_TOKEN_TABLE, "customer_token", Tenant, [
    Column::new(T, "tenant", Uuid, &OPAQUE_ID),
    Column::new(T, "token_hash", Bytes, &CUSTOMER_TOKEN),
    Column::new(T, "seen_at", Int, &INSTANT),
], key ["tenant", "token_hash"], written "seen_at");

static READING_CLASS: DataClass = DataClass {
    name: "reading",
    purpose: "Who saw a customer's values, in which way, on which day, so that the person can be told: the reader by account, token or receiver, the person by a pseudonym that goes with them. Neither the values nor which of them.",
    audience: Audience::TenantAndSubject,
    // What somebody may still want to know is a year of it: a yearly look at who looks sees all of it.
    retention: Retention::Days(365),
    regional: true,
    export: Export::TenantAndSubject,
};

const R: &str = "reading";
table!(READING, "reading", Tenant, [
    Column::new(R, "tenant", Uuid, &OPAQUE_ID),
    Column::new(R, "subject", Bytes, &READING_CLASS),
    Column::new(R, "day", Int, &READING_CLASS),
    Column::new(R, "kind", Text, &STATE),
    Column::new(R, "way", Text, &STATE),
    Column::new(R, "reader", Text, &OPAQUE_ID),
    // The first time on that day.
    Column::new(R, "at", Int, &READING_CLASS),
], key ["tenant", "subject", "day", "kind", "way", "reader"], index [&["tenant", "at"] as &[&str]], written "at");

/// This room's tables.
pub static ROOM: Room = Room {
    name: "web",
    tables: &[&SESSION, &API_TOKEN, &READING, &CUSTOMER_KEY, &CUSTOMER_TOKEN_TABLE],
    migrations: &[
        Migration { version: 1, steps: &[Step::Create(&SESSION)] },
        Migration { version: 2, steps: &[Step::Create(&API_TOKEN)] },
        Migration { version: 3, steps: &[Step::Create(&READING)] },
        Migration {
            version: 4,
            steps: &[Step::Create(&CUSTOMER_KEY), Step::Create(&CUSTOMER_TOKEN_TABLE), Step::Add(&SESSION_SIGNED_BY)],
        },
    ],
};
