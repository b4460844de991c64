//! Tables of imports. The file and its report are a staging class of their own and go within a week; what an import was
//! stays with the history that names it.

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Audience, Column, DataClass, Export, INSTANT, KeyClass, OPAQUE_ID, Retention, STATE, Step, sealed_column, table,
};

static IMPORT_FILE: DataClass = DataClass {
    name: "import-file",
    purpose: "A file that an administrator imports, and the report of what it, a change of a field's type or a bulk action, would change and did; and which records a bulk action is about: a staging class, in objects, dropped when the import ends, and within a week in any case.",
    audience: Audience::Tenant,
    retention: Retention::Days(7),
    regional: true,
    export: Export::Never,
};

static IMPORT_RECORD: DataClass = DataClass {
    name: "import-record",
    purpose: "Which imports there were: what the file was called and how its columns were read. History names the import that made a change. Which changes of fields' types there were, and how values were read. Which bulk actions there were, and what they did.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

static IMPORT_UNDO: DataClass = DataClass {
    name: "import-undo",
    purpose: "Which values and memberships an import, a change of a field's type or a bulk action changed, by ids, so that it can be taken back for a month.",
    audience: Audience::Nobody,
    retention: Retention::Days(30),
    regional: true,
    export: Export::Never,
};

static IMPORT_MADE: DataClass = DataClass {
    name: "import-made",
    purpose: "Which accounts Jira made for an import, by ids and keyed hashes of their addresses, so that nobody is made twice, and that they are listed and can lose the access that they were given, for a month.",
    audience: Audience::Tenant,
    retention: Retention::Days(30),
    regional: true,
    export: Export::Never,
};

static IMPORT_MAPPING: DataClass = DataClass {
    name: "import-mapping",
    purpose: "How files with the same headers were read before: forgotten when not used for a year.",
    audience: Audience::Tenant,
    retention: Retention::Days(365),
    regional: true,
    export: Export::Never,
};

const I: &str = "import";
pub(crate) static IMPORT_NAME: Column = sealed_column(I, "name", KeyClass::Data, &IMPORT_RECORD);
pub(crate) static IMPORT_PLAN: Column = sealed_column(I, "plan", KeyClass::Data, &IMPORT_RECORD).or_null();
table!(IMPORT, "import", Tenant, [
    Column::new(I, "tenant", Uuid, &OPAQUE_ID),
    Column::new(I, "id", Uuid, &OPAQUE_ID),
    Column::new(I, "entity", Text, &STATE),
    Column::new(I, "state", Text, &STATE),
    Column::new(I, "reason", Text, &STATE).or_null(),
    Column::new(I, "author", Text, &OPAQUE_ID),
    Column::new(I, "parts", Int, &STATE),
    Column::new(I, "bytes", Int, &STATE),
    Column::new(I, "utf8", Bool, &STATE),
    Column::new(I, "cursor", Int, &STATE),
    Column::new(I, "pages", Int, &STATE),
    Column::new(I, "changed", Int, &STATE),
    Column::new(I, "unchanged", Int, &STATE),
    Column::new(I, "refused", Int, &STATE),
    Column::new(I, "overtaken", Int, &STATE),
    Column::new(I, "written", Int, &STATE),
    Column::new(I, "returned", Int, &STATE),
    Column::new(I, "kept", Int, &STATE),
    Column::new(I, "version", Int, &STATE),
    Column::new(I, "created_at", Int, &INSTANT),
    Column::new(I, "updated_at", Int, &INSTANT),
    sealed_column(I, "name", KeyClass::Data, &IMPORT_RECORD),
    sealed_column(I, "plan", KeyClass::Data, &IMPORT_RECORD).or_null(),
    Column::new(I, "field", Uuid, &OPAQUE_ID).or_null(),
    Column::new(I, "act", Text, &STATE).or_null(),
    Column::new(I, "made", Int, &STATE).or_null(),
    Column::new(I, "people", Int, &STATE).or_null(),
    Column::new(I, "takes_access", Bool, &STATE).or_null(),
], key ["tenant", "id"], row ["id"]);

const C: &str = "import_chunk";
pub(crate) static IMPORT_CHUNK_KEY: Column = sealed_column(C, "key", KeyClass::Data, &IMPORT_FILE);
table!(IMPORT_CHUNK, "import_chunk", Tenant, [
    Column::new(C, "tenant", Uuid, &OPAQUE_ID),
    Column::new(C, "import", Uuid, &OPAQUE_ID),
    Column::new(C, "number", Int, &STATE),
    Column::object(C, "object", &IMPORT_FILE),
    sealed_column(C, "key", KeyClass::Data, &IMPORT_FILE),
    Column::new(C, "written_at", Int, &INSTANT),
], key ["tenant", "import", "number"], index [&["tenant", "object"] as &[&str]], row ["import", "number"], written "written_at");

const P: &str = "import_page";
pub(crate) static IMPORT_PAGE_KEY: Column = sealed_column(P, "key", KeyClass::Data, &IMPORT_FILE);
table!(IMPORT_PAGE, "import_page", Tenant, [
    Column::new(P, "tenant", Uuid, &OPAQUE_ID),
    Column::new(P, "import", Uuid, &OPAQUE_ID),
    Column::new(P, "number", Int, &STATE),
    Column::new(P, "changed", Int, &STATE),
    Column::new(P, "unchanged", Int, &STATE),
    Column::new(P, "refused", Int, &STATE),
    Column::new(P, "overtaken", Int, &STATE),
    Column::new(P, "lost", Text, &STATE).or_null(),
    Column::object(P, "object", &IMPORT_FILE),
    sealed_column(P, "key", KeyClass::Data, &IMPORT_FILE),
    Column::new(P, "written_at", Int, &INSTANT),
    Column::new(P, "made", Int, &STATE).or_null(),
], key ["tenant", "import", "number"], index [&["tenant", "object"] as &[&str]], row ["import", "number"], written "written_at");

const O: &str = "import_owner";
table!(IMPORT_OWNER, "import_owner", Tenant, [
    Column::new(O, "tenant", Uuid, &OPAQUE_ID),
    Column::new(O, "import", Uuid, &OPAQUE_ID),
    Column::new(O, "owner", Text, &OPAQUE_ID),
    Column::new(O, "line", Int, &STATE),
    Column::new(O, "digest", Bytes, &IMPORT_FILE),
    Column::new(O, "written_at", Int, &INSTANT),
], key ["tenant", "import", "owner"], written "written_at");

const CH: &str = "import_change";
table!(IMPORT_CHANGE, "import_change", Tenant, [
    Column::new(CH, "tenant", Uuid, &OPAQUE_ID),
    Column::new(CH, "import", Uuid, &OPAQUE_ID),
    Column::new(CH, "id", Int, &STATE),
    Column::new(CH, "owner", Text, &IMPORT_UNDO),
    Column::new(CH, "field", Uuid, &OPAQUE_ID),
    Column::new(CH, "state", Text, &STATE),
    Column::new(CH, "written_at", Int, &INSTANT),
], key ["tenant", "import", "id"], index [&["tenant", "import", "state", "id"] as &[&str]], written "written_at");

const M: &str = "import_mapping";
pub(crate) static IMPORT_MAPPING_BODY: Column = sealed_column(M, "body", KeyClass::Data, &IMPORT_MAPPING);
table!(IMPORT_MAPPING_TABLE, "import_mapping", Tenant, [
    Column::new(M, "tenant", Uuid, &OPAQUE_ID),
    Column::new(M, "source", Bytes, &IMPORT_MAPPING),
    sealed_column(M, "body", KeyClass::Data, &IMPORT_MAPPING),
    Column::new(M, "written_at", Int, &INSTANT),
], key ["tenant", "source"], row ["source"], written "written_at");

const MA: &str = "import_made";
table!(IMPORT_MADE_TABLE, "import_made", Tenant, [
    Column::new(MA, "tenant", Uuid, &OPAQUE_ID),
    Column::new(MA, "import", Uuid, &OPAQUE_ID),
    // A keyed hash.
    Column::new(MA, "address", Bytes, &IMPORT_MADE),
    Column::new(MA, "number", Int, &STATE),
    Column::new(MA, "state", Text, &STATE),
    Column::new(MA, "account", Text, &IMPORT_MADE).or_null(),
    Column::new(MA, "reason", Text, &STATE).or_null(),
    Column::new(MA, "asked_at", Int, &INSTANT),
    Column::new(MA, "written_at", Int, &INSTANT),
], key ["tenant", "import", "address"], index [&["tenant", "import", "state", "number"] as &[&str]], subject "account", written "written_at");

/// The field whose type changes.
static IMPORT_FIELD: Column = Column::new(I, "field", Uuid, &OPAQUE_ID).or_null();

/// A change of a field's type is kept as an import is.
pub(super) static TYPE_CHANGE_STEPS: [Step; 1] = [Step::Add(&IMPORT_FIELD)];

/// What a bulk action does.
static IMPORT_ACT: Column = Column::new(I, "act", Text, &STATE).or_null();

/// A bulk action is kept as an import is.
pub(super) static BULK_ACTION_STEPS: [Step; 1] = [Step::Add(&IMPORT_ACT)];

/// How many rows are about customers who are made, how many accounts that were, and whether undoing takes their access away.
static IMPORT_MADE_COUNT: Column = Column::new(I, "made", Int, &STATE).or_null();
static IMPORT_PEOPLE: Column = Column::new(I, "people", Int, &STATE).or_null();
static IMPORT_TAKES_ACCESS: Column = Column::new(I, "takes_access", Bool, &STATE).or_null();
static IMPORT_PAGE_MADE: Column = Column::new(P, "made", Int, &STATE).or_null();

/// An import may make customers.
pub(super) static MAKING_STEPS: [Step; 5] = [
    Step::Create(&IMPORT_MADE_TABLE),
    Step::Add(&IMPORT_MADE_COUNT),
    Step::Add(&IMPORT_PEOPLE),
    Step::Add(&IMPORT_TAKES_ACCESS),
    Step::Add(&IMPORT_PAGE_MADE),
];

/// Makes the tables.
pub(super) static STEPS: [Step; 6] = [
    Step::Create(&IMPORT),
    Step::Create(&IMPORT_CHUNK),
    Step::Create(&IMPORT_PAGE),
    Step::Create(&IMPORT_OWNER),
    Step::Create(&IMPORT_CHANGE),
    Step::Create(&IMPORT_MAPPING_TABLE),
];
