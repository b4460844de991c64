//! Tables of values on issues: which issues there are, what became of each, and how far the sending is.

use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{Audience, Column, DataClass, Export, INSTANT, OPAQUE_ID, Retention, STATE, Step, table};

static ISSUE_MARK_CLASS: DataClass = DataClass {
    name: "issue-mark",
    purpose: "Which issues the chosen values of their reporters stand on in Jira, by ids alone, and a keyed hash of what was sent there, so that it is sent once and kept right.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};

const M: &str = "issue_mark";
table!(MARK, "issue_mark", Tenant, [
    Column::new(M, "tenant", Uuid, &OPAQUE_ID),
    Column::new(M, "issue", Text, &OPAQUE_ID),
    Column::new(M, "owner", Text, &OPAQUE_ID),
    Column::new(M, "project", Text, &OPAQUE_ID),
    Column::new(M, "state", Text, &STATE),
    // Grows with each mark: what was sent is settled only if nothing came meanwhile.
    Column::new(M, "turn", Int, &STATE),
    Column::new(M, "attempts", Int, &STATE),
    Column::new(M, "due_at", Int, &INSTANT),
    Column::new(M, "sent", Bytes, &ISSUE_MARK_CLASS).or_null(),
    Column::new(M, "error", Text, &STATE).or_null(),
    // Nothing is to stand there any more: it left the service projects, or nobody reported it.
    Column::new(M, "leaves", Bool, &STATE),
], key ["tenant", "issue"], index [&["tenant", "owner"] as &[&str], &["tenant", "state", "due_at"] as &[&str]], subject "owner");

const S: &str = "issue_sending";
// Whether any field is copied into issues when they are made.
static COPYING: Column = Column::new(S, "copying", Bool, &STATE).or_null();
table!(
    SENDING,
    "issue_sending",
    Tenant,
    [
        Column::new(S, "tenant", Uuid, &OPAQUE_ID),
        Column::new(S, "active", Bool, &STATE),
        // How far the change sequence was followed.
        Column::new(S, "seq", Int, &STATE),
        // Who sends now; until when Jira is left alone, after how many failures in a row, and why.
        Column::new(S, "busy_until", Int, &INSTANT).or_null(),
        Column::new(S, "held_until", Int, &INSTANT).or_null(),
        Column::new(S, "failures", Int, &STATE),
        Column::new(S, "error", Text, &STATE).or_null(),
        // When all issues were last looked for to the end; since when they are being looked for.
        Column::new(S, "found_at", Int, &INSTANT).or_null(),
        Column::new(S, "finding_since", Int, &INSTANT).or_null(),
        COPYING,
    ],
    key["tenant"]
);

const C: &str = "issue_copy_failure";
table!(
    COPY_FAILURE,
    "issue_copy_failure",
    Tenant,
    [
        Column::new(C, "tenant", Uuid, &OPAQUE_ID),
        Column::new(C, "issue", Text, &OPAQUE_ID),
        // Which field's value Jira did not take, and why.
        Column::new(C, "field", Uuid, &OPAQUE_ID),
        Column::new(C, "error", Text, &STATE),
        Column::new(C, "at", Int, &INSTANT),
    ],
    key["tenant", "issue", "field"]
);

pub(crate) static COPY_STEPS: [Step; 2] = [Step::Add(&COPYING), Step::Create(&COPY_FAILURE)];
pub(crate) static STEPS: [Step; 2] = [Step::Create(&MARK), Step::Create(&SENDING)];
