//! Issues that values stand on, and the sending of them.

use jiff::Timestamp;
use kernel::{AccountId, Fault, IssueId, OrganizationId, ProjectId, Result};
use store::{Row, Scoped, args};

use crate::model::FieldId;

const PUT: &str = "INSERT INTO issue_mark (tenant, issue, owner, project, state, turn, attempts, due_at, leaves) \
     VALUES ($1, $2, $3, $4, 'waiting', 1, 0, $5, FALSE) ON CONFLICT (tenant, issue) DO UPDATE SET owner = excluded.owner, \
     project = excluded.project, state = 'waiting', turn = issue_mark.turn + 1, attempts = 0, due_at = excluded.due_at, \
     error = NULL, leaves = FALSE \
     WHERE issue_mark.owner <> excluded.owner OR issue_mark.project <> excluded.project OR issue_mark.leaves";
const LEAVES: &str = "UPDATE issue_mark SET state = 'waiting', turn = turn + 1, attempts = 0, due_at = $3, error = NULL, \
     leaves = TRUE WHERE tenant = $1 AND issue = $2";
const OF_OWNER: &str = "UPDATE issue_mark SET state = 'waiting', turn = turn + 1, attempts = 0, due_at = $3, error = NULL \
     WHERE tenant = $1 AND (owner = $2 OR owner IN \
     (SELECT merged FROM customer_merge WHERE tenant = $1 AND kept = $2 AND undone_at IS NULL))";
const OF_ORGANIZATION: &str = "UPDATE issue_mark SET state = 'waiting', turn = turn + 1, attempts = 0, due_at = $3, \
     error = NULL WHERE tenant = $1 AND owner IN \
     (SELECT account FROM membership WHERE tenant = $1 AND organization = $2 UNION SELECT merged FROM customer_merge \
     WHERE tenant = $1 AND undone_at IS NULL AND kept IN \
     (SELECT account FROM membership WHERE tenant = $1 AND organization = $2))";
const OF_ALL: &str = "UPDATE issue_mark SET state = 'waiting', turn = turn + 1, attempts = 0, due_at = $2, error = NULL \
     WHERE tenant = $1";
// What no content has the hash of: it is sent again, or taken away.
const FORGET_SENT: &str = "UPDATE issue_mark SET sent = $2 WHERE tenant = $1 AND sent IS NOT NULL";
const DUE: &str = "SELECT issue, owner, project, turn, attempts, sent, leaves FROM issue_mark WHERE tenant = $1 \
     AND state = 'waiting' AND due_at <= $2 ORDER BY due_at LIMIT $3";
const NEXT: &str = "SELECT MIN(due_at) AS due_at FROM issue_mark WHERE tenant = $1 AND state = 'waiting'";
const SENT: &str = "UPDATE issue_mark SET sent = $3 WHERE tenant = $1 AND issue = $2";
const SETTLE: &str = "UPDATE issue_mark SET state = $4, attempts = $5, due_at = $6, error = $7 \
     WHERE tenant = $1 AND issue = $2 AND turn = $3";
const DROP: &str = "DELETE FROM issue_mark WHERE tenant = $1 AND issue = $2";
const DROP_SETTLED: &str = "DELETE FROM issue_mark WHERE tenant = $1 AND issue = $2 AND turn = $3 AND sent IS NULL";
const COUNTS: &str = "SELECT state, COUNT(*) AS n FROM issue_mark WHERE tenant = $1 GROUP BY state";
const FAILED: &str =
    "SELECT issue, error FROM issue_mark WHERE tenant = $1 AND state = 'failed' ORDER BY issue LIMIT $2";
const ORGANIZATIONS_OF: &str = "SELECT organization FROM membership WHERE tenant = $1 AND account = $2 \
     ORDER BY organization LIMIT $3";
const SENDING: &str = "SELECT active, seq, held_until, failures, error, found_at, finding_since, copying FROM issue_sending \
     WHERE tenant = $1";
const ACTIVATE: &str = "INSERT INTO issue_sending (tenant, active, seq, failures) VALUES ($1, $2, $3, 0) \
     ON CONFLICT (tenant) DO UPDATE SET active = excluded.active";
const COPIES: &str = "INSERT INTO issue_sending (tenant, active, seq, failures, copying) VALUES ($1, FALSE, $3, 0, $2) \
     ON CONFLICT (tenant) DO UPDATE SET copying = excluded.copying";
const COPY_FAILED: &str = "INSERT INTO issue_copy_failure (tenant, issue, field, error, at) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (tenant, issue, field) DO UPDATE SET error = excluded.error, at = excluded.at";
const COPY_FAILURES: &str = "SELECT issue, field, error, at FROM issue_copy_failure WHERE tenant = $1 AND at >= $2 \
     ORDER BY at DESC, issue, field LIMIT $3";
const COPY_FORGET: &str = "DELETE FROM issue_copy_failure WHERE tenant = $1 AND at < $2";
const FOLLOWED: &str = "UPDATE issue_sending SET seq = $2 WHERE tenant = $1 AND seq < $2";
const CLAIM: &str =
    "UPDATE issue_sending SET busy_until = $3 WHERE tenant = $1 AND (busy_until IS NULL OR busy_until <= $2)";
const BUSY: &str = "UPDATE issue_sending SET busy_until = $2 WHERE tenant = $1";
const HEALTH: &str = "UPDATE issue_sending SET held_until = $2, failures = $3, error = $4 WHERE tenant = $1";
const FINDING: &str =
    "UPDATE issue_sending SET finding_since = $2, found_at = COALESCE($3, found_at) WHERE tenant = $1";

/// An issue whose property is to be looked at.
pub(crate) struct Mark {
    pub(crate) issue: IssueId,
    /// Its reporter.
    pub(crate) owner: AccountId,
    pub(crate) project: ProjectId,
    pub(crate) turn: i64,
    pub(crate) attempts: i64,
    /// The hash of what Jira has; none: no property.
    pub(crate) sent: Option<Vec<u8>>,
    /// Nothing is to stand there any more.
    pub(crate) leaves: bool,
}

/// How the sending is.
pub(crate) struct Sending {
    /// Whether any field stands on issues.
    pub(crate) active: bool,
    pub(crate) seq: i64,
    pub(crate) held_until: Option<Timestamp>,
    pub(crate) failures: i64,
    pub(crate) error: Option<String>,
    pub(crate) found_at: Option<Timestamp>,
    pub(crate) finding_since: Option<Timestamp>,
    /// Whether any field is copied into issues that are made.
    pub(crate) copying: bool,
}

/// A value that Jira did not take when an issue was made.
pub(crate) struct CopyFailure {
    pub(crate) issue: String,
    pub(crate) field: FieldId,
    pub(crate) code: String,
    pub(crate) at: Timestamp,
}

/// What a try leaves behind.
pub(crate) struct Settled<'e> {
    pub(crate) state: &'static str,
    pub(crate) attempts: i64,
    pub(crate) due_at: Timestamp,
    pub(crate) error: Option<&'e str>,
}

fn mark(row: &Row) -> Result<Mark> {
    Ok(Mark {
        issue: IssueId::new(row.text("issue")?)?,
        owner: AccountId::new(row.text("owner")?)?,
        project: ProjectId::new(row.text("project")?)?,
        turn: row.int("turn")?,
        attempts: row.int("attempts")?,
        sent: row.opt_bytes("sent")?,
        leaves: row.bool("leaves")?,
    })
}

/// Notes an issue; one that is known waits again only if its reporter or its project is another one.
pub(crate) async fn mark_put(
    scoped: &mut Scoped,
    (issue, owner, project): (&IssueId, &AccountId, &ProjectId),
    at: Timestamp,
) -> Result<()> {
    scoped.run(PUT, args![issue.as_str(), owner, project.as_str(), at]).await.map(drop)
}

/// Has what stands on an issue taken away, if the issue is known.
pub(crate) async fn mark_leaves(scoped: &mut Scoped, issue: &IssueId, at: Timestamp) -> Result<()> {
    scoped.run(LEAVES, args![issue.as_str(), at]).await.map(drop)
}

pub(crate) async fn mark_owner(scoped: &mut Scoped, owner: &str, at: Timestamp) -> Result<()> {
    scoped.run(OF_OWNER, args![owner, at]).await.map(drop)
}

/// Marks the issues of an organization's people.
pub(crate) async fn mark_organization(scoped: &mut Scoped, id: &str, at: Timestamp) -> Result<()> {
    scoped.run(OF_ORGANIZATION, args![id, at]).await.map(drop)
}

pub(crate) async fn mark_all(scoped: &mut Scoped, at: Timestamp) -> Result<()> {
    scoped.run(OF_ALL, args![at]).await.map(drop)
}

/// Forgets what was sent, so that all of it is sent once more.
pub(crate) async fn mark_forget_sent(scoped: &mut Scoped) -> Result<()> {
    scoped.run(FORGET_SENT, args![Vec::<u8>::new()]).await.map(drop)
}

pub(crate) async fn mark_due(scoped: &mut Scoped, now: Timestamp, limit: u32) -> Result<Vec<Mark>> {
    scoped.rows(DUE, args![now, limit]).await?.iter().map(mark).collect()
}

pub(crate) async fn mark_next(scoped: &mut Scoped) -> Result<Option<Timestamp>> {
    scoped.row(NEXT, args![]).await?.map_or(Ok(None), |row| row.opt_instant("due_at"))
}

/// What Jira has now, whatever was marked meanwhile.
pub(crate) async fn mark_sent(scoped: &mut Scoped, issue: &IssueId, sent: Option<Vec<u8>>) -> Result<()> {
    scoped.run(SENT, args![issue.as_str(), sent]).await.map(drop)
}

/// What became of a mark, unless it was marked again since.
pub(crate) async fn mark_settle(scoped: &mut Scoped, mark: &Mark, settled: Settled<'_>) -> Result<()> {
    let words = args![
        mark.issue.as_str(),
        mark.turn,
        settled.state,
        settled.attempts,
        settled.due_at,
        settled.error.map(str::to_owned)
    ];
    scoped.run(SETTLE, words).await.map(drop)
}

pub(crate) async fn mark_drop(scoped: &mut Scoped, issue: &IssueId) -> Result<()> {
    scoped.run(DROP, args![issue.as_str()]).await.map(drop)
}

/// Drops an issue on which nothing stands any more, unless it was marked again since.
pub(crate) async fn mark_drop_settled(scoped: &mut Scoped, mark: &Mark) -> Result<()> {
    scoped.run(DROP_SETTLED, args![mark.issue.as_str(), mark.turn]).await.map(drop)
}

/// How many issues are in which state.
pub(crate) async fn mark_counts(scoped: &mut Scoped) -> Result<Vec<(String, i64)>> {
    scoped.rows(COUNTS, args![]).await?.iter().map(|row| Ok((row.text("state")?, row.int("n")?))).collect()
}

/// Issues that Jira does not take a property for, and why.
pub(crate) async fn mark_failed(scoped: &mut Scoped, limit: u32) -> Result<Vec<(String, Option<String>)>> {
    let rows = scoped.rows(FAILED, args![limit]).await?;
    rows.iter().map(|row| Ok((row.text("issue")?, row.opt_text("error")?))).collect()
}

/// The organizations that somebody is in, as the directory has it.
pub(crate) async fn organizations_of(
    scoped: &mut Scoped,
    account: &AccountId,
    limit: u32,
) -> Result<Vec<OrganizationId>> {
    let rows = scoped.rows(ORGANIZATIONS_OF, args![account, limit]).await?;
    rows.iter().map(|row| OrganizationId::new(row.text("organization")?)).collect()
}

/// How the sending is; none where nobody ever chose a field.
pub(crate) async fn sending_get(scoped: &mut Scoped) -> Result<Option<Sending>> {
    let row = scoped.row(SENDING, args![]).await?;
    row.map(|row| {
        Ok::<_, Fault>(Sending {
            active: row.bool("active")?,
            seq: row.int("seq")?,
            held_until: row.opt_instant("held_until")?,
            failures: row.int("failures")?,
            error: row.opt_text("error")?,
            found_at: row.opt_instant("found_at")?,
            finding_since: row.opt_instant("finding_since")?,
            copying: row.opt_bool("copying")?.unwrap_or(false),
        })
    })
    .transpose()
}

/// Says whether any field stands on issues. Changes are followed from `seq` where they were not before.
pub(crate) async fn sending_activate(scoped: &mut Scoped, active: bool, seq: i64) -> Result<()> {
    scoped.run(ACTIVATE, args![active, seq]).await.map(drop)
}

/// Says whether any field is copied into issues that are made.
pub(crate) async fn sending_copies(scoped: &mut Scoped, copying: bool, seq: i64) -> Result<()> {
    scoped.run(COPIES, args![copying, seq]).await.map(drop)
}

/// Notes that Jira did not take a field's value.
pub(crate) async fn copy_failed(
    scoped: &mut Scoped,
    issue: &IssueId,
    field: FieldId,
    code: &str,
    at: Timestamp,
) -> Result<()> {
    scoped.run(COPY_FAILED, args![issue.as_str(), field.0, code.to_owned(), at]).await.map(drop)
}

/// The newest of those, of after an instant.
pub(crate) async fn copy_failures(scoped: &mut Scoped, since: Timestamp, limit: u32) -> Result<Vec<CopyFailure>> {
    let rows = scoped.rows(COPY_FAILURES, args![since, limit]).await?;
    let failure = |row: &Row| {
        Ok(CopyFailure {
            issue: row.text("issue")?,
            field: FieldId(row.uuid("field")?),
            code: row.text("error")?,
            at: row.instant("at")?,
        })
    };
    rows.iter().map(failure).collect()
}

/// Forgets those of before an instant.
pub(crate) async fn copy_forget(scoped: &mut Scoped, before: Timestamp) -> Result<()> {
    scoped.run(COPY_FORGET, args![before]).await.map(drop)
}

pub(crate) async fn sending_followed(scoped: &mut Scoped, seq: i64) -> Result<()> {
    scoped.run(FOLLOWED, args![seq]).await.map(drop)
}

/// Takes the sending, if nobody has it.
pub(crate) async fn sending_claim(scoped: &mut Scoped, now: Timestamp, until: Timestamp) -> Result<bool> {
    Ok(scoped.run(CLAIM, args![now, until]).await? == 1)
}

/// Keeps it until then; until now gives it back.
pub(crate) async fn sending_keep(scoped: &mut Scoped, until: Timestamp) -> Result<()> {
    scoped.run(BUSY, args![until]).await.map(drop)
}

/// Notes how Jira takes it.
pub(crate) async fn sending_health(
    scoped: &mut Scoped,
    held_until: Option<Timestamp>,
    failures: i64,
    error: Option<&str>,
) -> Result<()> {
    scoped.run(HEALTH, args![held_until, failures, error.map(str::to_owned)]).await.map(drop)
}

/// Notes that all issues are being looked for, or were.
pub(crate) async fn sending_finding(
    scoped: &mut Scoped,
    since: Option<Timestamp>,
    found_at: Option<Timestamp>,
) -> Result<()> {
    scoped.run(FINDING, args![since, found_at]).await.map(drop)
}
