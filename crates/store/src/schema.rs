//! The store's own tables: tenants, the ledger, the outbox, the change sequence, outward calls; and
//! the key shelf's, which lie in a database of their own.

use kernel::ColumnKind::{Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Retention, Room, STATE, Step,
    sealed_column, table,
};

/// The site behind a tenant.
static SITE: DataClass = DataClass {
    name: "site",
    purpose: "The address of the tenant's Jira and of its API: host configuration, needed to call it and to link to it.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static LEDGER_CLASS: DataClass = DataClass {
    name: "ledger",
    purpose: "What happened to data, as codes, ids and keyed pseudonyms: the evidence of erasures, rotations and changes.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static OUTWARD: DataClass = DataClass {
    name: "outward-call",
    purpose: "Which host was called for which purpose, how often: the evidence that nothing goes where nobody sent it.",
    audience: Audience::Tenant,
    retention: Retention::Days(90),
    regional: true,
    export: Export::Tenant,
};

static WRAPPED_KEY: DataClass = DataClass {
    name: "wrapped-key",
    purpose: "The tenant's keys, wrapped by the operator's root key. Deleting one makes what it sealed unreadable.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

static SALT: DataClass = DataClass {
    name: "subject-salt",
    purpose: "One random number a person, from which the key to that person's data is derived. Deleting it erases the person.",
    audience: Audience::Nobody,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

const T: &str = "tenant";
pub(crate) const TENANT_SITE: Column = sealed_column(T, "site", KeyClass::Data, &SITE);
table!(
    TENANT,
    "tenant",
    Server,
    [
        Column::new(T, "tenant", Uuid, &OPAQUE_ID),
        Column::new(T, "installation", Text, &OPAQUE_ID),
        Column::new(T, "cloud", Text, &OPAQUE_ID),
        Column::new(T, "mode", Text, &STATE),
        Column::new(T, "state", Text, &STATE),
        Column::new(T, "region", Text, &STATE),
        TENANT_SITE,
        Column::new(T, "created_at", Int, &INSTANT),
        Column::new(T, "state_at", Int, &INSTANT),
        Column::new(T, "change_seq", Int, &STATE),
        Column::new(T, "ledger_seq", Int, &STATE),
        Column::new(T, "ledger_hash", Bytes, &LEDGER_CLASS),
    ],
    key["tenant"],
    unique[&["installation"] as &[&str]],
    row["tenant"]
);

const N: &str = "tenant_name";
table!(TENANT_NAME, "tenant_name", Server, [
    Column::new(N, "tenant", Uuid, &OPAQUE_ID),
    Column::new(N, "name", Text, &OPAQUE_ID),
    Column::new(N, "given_at", Int, &INSTANT),
], key ["tenant", "name"], unique [&["name"] as &[&str]]);

const L: &str = "ledger";
table!(LEDGER, "ledger", Tenant, [
    Column::new(L, "tenant", Uuid, &OPAQUE_ID),
    Column::new(L, "seq", Int, &STATE),
    Column::new(L, "at", Int, &INSTANT),
    Column::new(L, "kind", Text, &LEDGER_CLASS),
    Column::new(L, "actor", Bytes, &LEDGER_CLASS).or_null(),
    Column::new(L, "subject", Bytes, &LEDGER_CLASS).or_null(),
    Column::new(L, "object", Text, &LEDGER_CLASS).or_null(),
    Column::new(L, "hash", Bytes, &LEDGER_CLASS),
], key ["tenant", "seq"]);

const C: &str = "change";
table!(CHANGE, "change", Tenant, [
    Column::new(C, "tenant", Uuid, &OPAQUE_ID),
    Column::new(C, "kind", Text, &STATE),
    Column::new(C, "row_id", Text, &OPAQUE_ID),
    Column::new(C, "seq", Int, &STATE),
    Column::new(C, "at", Int, &INSTANT),
], key ["tenant", "kind", "row_id"], index [&["tenant", "seq"] as &[&str]]);

const O: &str = "outbox";
table!(OUTBOX, "outbox", Server, [
    Column::new(O, "tenant", Uuid, &OPAQUE_ID),
    Column::new(O, "id", Uuid, &OPAQUE_ID),
    Column::new(O, "topic", Text, &STATE),
    Column::new(O, "body", Text, &OPAQUE_ID),
    Column::new(O, "at", Int, &INSTANT),
], key ["tenant", "id"], index [&["id"] as &[&str]]);

const W: &str = "outward_call";
pub(crate) const OUTWARD_TARGET: Column = sealed_column(W, "target", KeyClass::Data, &OUTWARD);
table!(OUTWARD_CALL, "outward_call", Server, [
    Column::new(W, "tenant", Uuid, &OPAQUE_ID),
    Column::new(W, "hour_at", Int, &INSTANT),
    Column::new(W, "target_hash", Bytes, &OUTWARD),
    Column::new(W, "purpose", Text, &STATE),
    OUTWARD_TARGET,
    Column::new(W, "calls", Int, &STATE),
    Column::new(W, "last_at", Int, &INSTANT),
], key ["tenant", "hour_at", "target_hash", "purpose"], row ["tenant", "hour_at", "target_hash", "purpose"], written "last_at");

/// Answers that are given again.
static IDEMPOTENT_ANSWER: DataClass = DataClass {
    name: "idempotent-answer",
    purpose: "Which requests with an Idempotency-Key were done, as keyed hashes, and the answer of each, sealed, to be given again for a day; of what else was asked of Jira and not heard, a keyed hash, to be looked for before it is asked again.",
    audience: Audience::Nobody,
    // A day, and what the sweep takes early of it.
    retention: Retention::Minutes(26 * 60),
    regional: true,
    export: Export::Never,
};

const I: &str = "idempotency";
pub(crate) static IDEMPOTENCY_ANSWER: Column = sealed_column(I, "answer", KeyClass::Data, &IDEMPOTENT_ANSWER).or_null();
table!(IDEMPOTENCY, "idempotency", Tenant, [
    Column::new(I, "tenant", Uuid, &OPAQUE_ID),
    Column::new(I, "key_hash", Bytes, &IDEMPOTENT_ANSWER),
    Column::new(I, "request_hash", Bytes, &IDEMPOTENT_ANSWER),
    Column::new(I, "state", Text, &STATE),
    sealed_column(I, "answer", KeyClass::Data, &IDEMPOTENT_ANSWER).or_null(),
    Column::new(I, "made_at", Int, &INSTANT),
], key ["tenant", "key_hash"], row ["key_hash"], written "made_at");

const B: &str = "object";
table!(OBJECT, "object", Tenant, [
    Column::new(B, "tenant", Uuid, &OPAQUE_ID),
    Column::new(B, "id", Uuid, &OPAQUE_ID),
    Column::new(B, "state", Text, &STATE),
    Column::new(B, "bytes", Int, &STATE),
    Column::new(B, "written_at", Int, &INSTANT),
], key ["tenant", "id"], index [&["tenant", "state"] as &[&str]]);

const P: &str = "object_place";
table!(
    OBJECT_PLACE,
    "object_place",
    Server,
    [
        Column::new(P, "one", Int, &STATE),
        Column::new(P, "place", Uuid, &OPAQUE_ID),
        Column::new(P, "since_at", Int, &INSTANT),
    ],
    key["one"]
);

/// Kept beyond the move, so that what is asked of it once more has its answer; a move is planned 80 days ahead at most.
static SITE_MOVE: DataClass = DataClass {
    name: "site-move",
    purpose: "Which site moves, or moved, between this region and another one, and how far it is: ids, codes and instants.",
    audience: Audience::Operators,
    retention: Retention::Days(90),
    regional: true,
    export: Export::Never,
};

// Its rows outlive their tenant, and stay where they are when it moves: what names the tenant is called `site`.
const R: &str = "realm_move";
table!(REALM_MOVE, "realm_move", Server, [
    Column::new(R, "id", Uuid, &OPAQUE_ID),
    Column::new(R, "site", Uuid, &OPAQUE_ID),
    Column::new(R, "way", Text, &STATE),
    Column::new(R, "migration", Text, &OPAQUE_ID),
    Column::new(R, "region", Text, &STATE),
    Column::new(R, "stage", Text, &STATE),
    Column::new(R, "ends_at", Int, &INSTANT),
    Column::new(R, "frozen_at", Int, &INSTANT).or_null(),
    Column::new(R, "heard_at", Int, &INSTANT),
    Column::new(R, "change_seq", Int, &STATE).or_null(),
    Column::new(R, "ledger_seq", Int, &STATE).or_null(),
    Column::new(R, "error", Text, &STATE).or_null(),
    Column::new(R, "made_at", Int, &INSTANT),
    Column::new(R, "changed_at", Int, &SITE_MOVE),
], key ["id"], index [&["site"] as &[&str]], written "changed_at");

const K: &str = "tenant_key";
table!(TENANT_KEY, "tenant_key", Server, [
    Column::new(K, "tenant", Uuid, &OPAQUE_ID),
    Column::new(K, "keys", Text, &STATE),
    Column::new(K, "version", Int, &STATE),
    Column::new(K, "wrapped", Bytes, &WRAPPED_KEY),
    Column::new(K, "created_at", Int, &INSTANT),
    Column::new(K, "retired_at", Int, &INSTANT).or_null(),
], key ["tenant", "keys", "version"]);

const S: &str = "subject_salt";
table!(SUBJECT_SALT, "subject_salt", Server, [
    Column::new(S, "tenant", Uuid, &OPAQUE_ID),
    Column::new(S, "subject", Text, &OPAQUE_ID),
    Column::new(S, "salt", Bytes, &SALT),
    Column::new(S, "created_at", Int, &INSTANT),
], key ["tenant", "subject"]);

/// The store's tables in the main database.
pub static ROOM: Room = Room {
    name: "store",
    tables: &[
        &TENANT,
        &TENANT_NAME,
        &LEDGER,
        &CHANGE,
        &OUTBOX,
        &OUTWARD_CALL,
        &IDEMPOTENCY,
        &OBJECT,
        &OBJECT_PLACE,
        &REALM_MOVE,
    ],
    migrations: &[
        Migration {
            version: 1,
            steps: &[
                Step::Create(&TENANT),
                Step::Create(&LEDGER),
                Step::Create(&CHANGE),
                Step::Create(&OUTBOX),
                Step::Create(&OUTWARD_CALL),
            ],
        },
        Migration { version: 2, steps: &[Step::Create(&IDEMPOTENCY)] },
        Migration { version: 3, steps: &[Step::Create(&TENANT_NAME)] },
        Migration { version: 4, steps: &[Step::Create(&OBJECT), Step::Create(&OBJECT_PLACE)] },
        Migration { version: 5, steps: &[Step::Create(&REALM_MOVE)] },
    ],
};

/// The key shelf's tables, in a database of their own.
pub static SHELF_ROOM: Room = Room {
    name: "shelf",
    tables: &[&TENANT_KEY, &SUBJECT_SALT],
    migrations: &[Migration { version: 1, steps: &[Step::Create(&TENANT_KEY), Step::Create(&SUBJECT_SALT)] }],
};
