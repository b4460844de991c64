//! The queue's statements. A job is claimed by one statement; the two databases differ in how a claim keeps out of
//! another's way.

use jiff::Timestamp;
use kernel::{Cx, Result, TenantId};
use store::{Row, Scoped, Server, args};
use uuid::Uuid;

/// A job as claimed.
pub(crate) struct Job {
    pub(crate) tenant: TenantId,
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) payload: String,
    pub(crate) attempts: i64,
    /// Until when it is this node's; also proves that it still is.
    pub(crate) lease_until: Timestamp,
}

const ENQUEUE: &str = "INSERT INTO job (tenant, id, kind, key, payload, state, run_at, attempts, created_at) \
     VALUES ($1, $2, $3, $4, $5, 'ready', $6, 0, $7) ON CONFLICT (tenant, kind, key) DO NOTHING";
/// A job whose lease ran out took its node down or was cut off with it: that counts as a try. `=` and not `IN`:
/// PostgreSQL may evaluate the inner statement of an `IN` more than once, and then claims more than one.
const CLAIM: (&str, &str) = (
    "UPDATE job SET attempts = CASE WHEN state = 'running' THEN attempts + 1 ELSE attempts END, \
     state = 'running', lease_until = $2 WHERE (tenant, id) = (SELECT tenant, id FROM job \
     WHERE (state = 'ready' AND run_at <= $1) OR (state = 'running' AND lease_until < $1) ORDER BY run_at LIMIT 1) \
     RETURNING tenant, id, kind, payload, attempts, lease_until",
    "UPDATE job SET attempts = CASE WHEN state = 'running' THEN attempts + 1 ELSE attempts END, \
     state = 'running', lease_until = $2 WHERE (tenant, id) = (SELECT tenant, id FROM job \
     WHERE (state = 'ready' AND run_at <= $1) OR (state = 'running' AND lease_until < $1) ORDER BY run_at LIMIT 1 \
     FOR UPDATE SKIP LOCKED) RETURNING tenant, id, kind, payload, attempts, lease_until",
);
// What follows a run is written only while the lease is still this node's ($3): a node that was slower than its lease
// must not end or repeat what another runs by now.
const DONE: &str = "UPDATE job SET state = 'done', lease_until = NULL, error = NULL, finished_at = $4 \
     WHERE tenant = $1 AND id = $2 AND lease_until = $3";
const AGAIN: &str = "UPDATE job SET state = 'ready', lease_until = NULL, payload = $4, run_at = $5, attempts = 0 \
     WHERE tenant = $1 AND id = $2 AND lease_until = $3";
const WAIT: &str = "UPDATE job SET state = 'ready', lease_until = NULL, run_at = $4 \
     WHERE tenant = $1 AND id = $2 AND lease_until = $3";
const RETRY: &str = "UPDATE job SET state = 'ready', lease_until = NULL, attempts = attempts + 1, run_at = $4, \
     error = $5 WHERE tenant = $1 AND id = $2 AND lease_until = $3";
const DEAD: &str = "UPDATE job SET state = 'dead', lease_until = NULL, attempts = attempts + 1, error = $4 \
     WHERE tenant = $1 AND id = $2 AND lease_until = $3";
const LIST_DEAD: &str = "SELECT tenant, id, kind, error, attempts, created_at FROM job WHERE state = 'dead' \
     ORDER BY created_at LIMIT $1";
const REVIVE: &str = "UPDATE job SET state = 'ready', attempts = 0, run_at = $2 WHERE id = $1 AND state = 'dead'";
const COUNT: &str = "SELECT state, COUNT(*) AS n FROM job WHERE state <> 'done' GROUP BY state";
const DUE_NOW: &str = "SELECT COUNT(*) AS n FROM job WHERE (state = 'ready' AND run_at <= $1) OR state = 'running'";
const PLAN: &str = "INSERT INTO schedule (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const NEXT_AT: &str = "SELECT next_at FROM schedule WHERE name = $1";
const MOVE: &str = "UPDATE schedule SET next_at = $3 WHERE name = $1 AND next_at = $2";

pub(crate) async fn job_enqueue(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &str,
    key: &str,
    payload: &serde_json::Value,
    run_at: Timestamp,
) -> Result<bool> {
    let words = args![Uuid::now_v7(), kind, key, payload.to_string(), run_at, cx.now()];
    Ok(scoped.run(ENQUEUE, words).await? == 1)
}

pub(crate) async fn job_enqueue_for(
    server: &mut Server,
    tenant: TenantId,
    kind: &str,
    key: &str,
    payload: &str,
    at: Timestamp,
) -> Result<bool> {
    Ok(server.run(ENQUEUE, args![tenant, Uuid::now_v7(), kind, key, payload, at, at]).await? == 1)
}

pub(crate) async fn job_claim(server: &mut Server, now: Timestamp, lease_until: Timestamp) -> Result<Option<Job>> {
    server.row(CLAIM, args![now, lease_until]).await?.as_ref().map(job).transpose()
}

fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        tenant: TenantId(row.uuid("tenant")?),
        id: row.uuid("id")?,
        kind: row.text("kind")?,
        payload: row.text("payload")?,
        attempts: row.int("attempts")?,
        lease_until: row.instant("lease_until")?,
    })
}

pub(crate) async fn job_done(server: &mut Server, job: &Job, now: Timestamp) -> Result<()> {
    server.run(DONE, args![job.tenant, job.id, job.lease_until, now]).await.map(drop)
}

pub(crate) async fn job_again(server: &mut Server, job: &Job, payload: &str, now: Timestamp) -> Result<()> {
    server.run(AGAIN, args![job.tenant, job.id, job.lease_until, payload, now]).await.map(drop)
}

/// Later, and not counted as a try.
pub(crate) async fn job_wait(server: &mut Server, job: &Job, run_at: Timestamp) -> Result<()> {
    server.run(WAIT, args![job.tenant, job.id, job.lease_until, run_at]).await.map(drop)
}

pub(crate) async fn job_retry(server: &mut Server, job: &Job, run_at: Timestamp, code: &str) -> Result<()> {
    server.run(RETRY, args![job.tenant, job.id, job.lease_until, run_at, code]).await.map(drop)
}

pub(crate) async fn job_dead(server: &mut Server, job: &Job, code: &str) -> Result<()> {
    server.run(DEAD, args![job.tenant, job.id, job.lease_until, code]).await.map(drop)
}

pub(crate) async fn dead_list(server: &mut Server, limit: u32) -> Result<Vec<Row>> {
    server.rows(LIST_DEAD, args![limit]).await
}

pub(crate) async fn dead_revive(server: &mut Server, id: Uuid, now: Timestamp) -> Result<bool> {
    Ok(server.run(REVIVE, args![id, now]).await? == 1)
}

pub(crate) async fn job_counts(server: &mut Server) -> Result<Vec<(String, i64)>> {
    server.rows(COUNT, Vec::new()).await?.iter().map(|row| Ok((row.text("state")?, row.int("n")?))).collect()
}

pub(crate) async fn job_due(server: &mut Server, now: Timestamp) -> Result<i64> {
    server.row(DUE_NOW, args![now]).await?.map_or(Ok(0), |row| row.int("n"))
}

pub(crate) async fn schedule_plan(server: &mut Server, name: &str, first: Timestamp) -> Result<()> {
    server.run(PLAN, args![name, first]).await.map(drop)
}

pub(crate) async fn schedule_next(server: &mut Server, name: &str) -> Result<Option<Timestamp>> {
    server.row(NEXT_AT, args![name]).await?.map(|row| row.instant("next_at")).transpose()
}

/// Whether this node is the one that moved it.
pub(crate) async fn schedule_move(server: &mut Server, name: &str, from: Timestamp, to: Timestamp) -> Result<bool> {
    Ok(server.run(MOVE, args![name, from, to]).await? == 1)
}
