//! The outward-call ledger: which host was called, for which purpose and tenant, how often in each hour. The
//! first call of an hour is on disk before it leaves; counts follow.

use jiff::{Timestamp, Unit};
use kernel::{Column, Result, RowName, Sealed, TenantId};

use crate::row::Row;
use crate::stores::Store;
use crate::{args, schema};

/// The sealed column of the host called; its row is [`row_name`].
pub static TARGET: &Column = &schema::OUTWARD_TARGET;

const OPEN: &str = "INSERT INTO outward_call (tenant, hour_at, target_hash, purpose, target, calls, last_at) \
     VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (tenant, hour_at, target_hash, purpose) DO NOTHING";
const COUNT: &str = "UPDATE outward_call SET calls = calls + $5, last_at = $6 \
     WHERE tenant = $1 AND hour_at = $2 AND target_hash = $3 AND purpose = $4";
const LIST: &str = "SELECT tenant, hour_at, target_hash, purpose, target, calls, last_at FROM outward_call \
     WHERE tenant = $1 ORDER BY hour_at DESC, purpose LIMIT $2";

/// Names one hour's calls to one host for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// For whom; [`TenantId::SERVER`] for the server itself.
    pub tenant: TenantId,
    /// The hour it falls in.
    pub hour_at: Timestamp,
    /// Keyed hash of the host's name.
    pub target_hash: Vec<u8>,
    /// Why: a code from `host`'s list.
    pub purpose: &'static str,
}

/// The hour that an instant falls in.
pub fn hour_of(at: Timestamp) -> Timestamp {
    at.round(jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor)).unwrap_or(at)
}

/// The row's name in associated data.
pub fn row_name(tenant: TenantId, hour_at: Timestamp, target_hash: &[u8], purpose: &str) -> RowName {
    RowName::new().uuid(tenant.0).int(kernel::micros(hour_at)).bytes(target_hash).text(purpose)
}

/// Opens a line: on disk when this returns.
pub async fn open(store: &Store, line: &Line, target: Sealed<String>, at: Timestamp) -> Result<()> {
    let mut server = store.server_write().await?;
    server.run(OPEN, args![line.tenant, line.hour_at, line.target_hash.clone(), line.purpose, target, at]).await?;
    server.commit().await
}

/// Adds calls to lines that are open.
pub async fn count(store: &Store, lines: &[(Line, i64)], at: Timestamp) -> Result<()> {
    let mut server = store.server_write().await?;
    for (line, calls) in lines {
        server.run(COUNT, args![line.tenant, line.hour_at, line.target_hash.clone(), line.purpose, *calls, at]).await?;
    }
    server.commit().await
}

/// A line as it stands.
pub struct Read {
    /// The hour.
    pub hour_at: Timestamp,
    /// Keyed hash of the host's name.
    pub target_hash: Vec<u8>,
    /// Why.
    pub purpose: String,
    /// The host's name.
    pub target: Sealed<String>,
    /// How often.
    pub calls: i64,
    /// The last one.
    pub last_at: Timestamp,
}

/// A tenant's lines, newest hour first.
pub async fn list(store: &Store, tenant: TenantId, limit: u32) -> Result<Vec<Read>> {
    let mut server = store.server_read().await?;
    server.rows(LIST, args![tenant, limit]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Read> {
    Ok(Read {
        hour_at: row.instant("hour_at")?,
        target_hash: row.bytes("target_hash")?,
        purpose: row.text("purpose")?,
        target: row.sealed("target")?,
        calls: row.int("calls")?,
        last_at: row.instant("last_at")?,
    })
}
