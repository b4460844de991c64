//! Moves, out of here and into here: one row each, which each step changes only if it stands where the step thinks it does.

use jiff::Timestamp;
use kernel::{Cx, Fault, Result, TenantId};
use uuid::Uuid;

use crate::args;
use crate::row::Row;
use crate::scoped::Scoped;
use crate::stores::Store;
use crate::tenants::State;

/// Which way a tenant moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From here to another region.
    Out,
    /// From another region to here.
    In,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Out: announced.
    Scheduled,
    /// Out: the tenant stands still and is being copied.
    Sending,
    /// Out: all is there, and compared.
    Ready,
    /// Out: nothing is served here any more; the other side may serve it by now.
    Committing,
    /// Out: the other side serves it.
    Committed,
    /// Out: called back after the other side may have begun to serve it.
    Undoing,
    /// Out: it did not come about, for a reason that is told.
    Failed,
    /// Out: it was called back.
    Undone,
    /// In: it is being copied here.
    Arriving,
    /// In: it is served here.
    Arrived,
    /// In: what came is being removed.
    Leaving,
    /// In: nothing of it is here any more.
    Removed,
}

const STAGES: [(Stage, &str); 12] = [
    (Stage::Scheduled, "scheduled"),
    (Stage::Sending, "sending"),
    (Stage::Ready, "ready"),
    (Stage::Committing, "committing"),
    (Stage::Committed, "committed"),
    (Stage::Undoing, "undoing"),
    (Stage::Failed, "failed"),
    (Stage::Undone, "undone"),
    (Stage::Arriving, "arriving"),
    (Stage::Arrived, "arrived"),
    (Stage::Leaving, "leaving"),
    (Stage::Removed, "removed"),
];

impl Stage {
    /// The stable name.
    pub fn name(self) -> &'static str {
        STAGES.iter().find(|(stage, _)| *stage == self).map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Result<Self> {
        let found = STAGES.iter().find(|(_, known)| *known == name).map(|(stage, _)| *stage);
        found.ok_or_else(|| Fault::broken("move_stage", "an unknown stage"))
    }
}

/// A move as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its id, the same on both sides.
    pub id: Uuid,
    /// Whose.
    pub site: TenantId,
    /// The host's number of it.
    pub migration: String,
    /// The other region.
    pub region: String,
    /// How far it is.
    pub stage: Stage,
    /// When the host's window ends.
    pub ends_at: Timestamp,
    /// Since when the tenant stands still.
    pub frozen_at: Option<Timestamp>,
    /// The tenant's last change and last ledger entry: out, when it stood still; in, when it began to be served here.
    pub marks: Option<(i64, i64)>,
    /// Why it failed: a code.
    pub error: Option<String>,
    /// Since when it is where it is.
    pub changed_at: Timestamp,
}

/// What a new move is made of.
pub struct NewMove<'a> {
    /// Its id.
    pub id: Uuid,
    /// Which way.
    pub way: Way,
    /// The host's number of it.
    pub migration: &'a str,
    /// The other region.
    pub region: &'a str,
    /// Where it begins.
    pub stage: Stage,
    /// When the host's window ends.
    pub ends_at: Timestamp,
    /// When the other side said so, by its own clock, in microseconds; 0 for a move out of here.
    pub heard_at: i64,
}

const INSERT: &str = "INSERT INTO realm_move (id, site, way, migration, region, stage, ends_at, heard_at, made_at, \
     changed_at) VALUES ($2, $1, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (id) DO NOTHING";
const PLAN: &str = "UPDATE realm_move SET region = $3, ends_at = $4, changed_at = $5 \
     WHERE site = $1 AND id = $2 AND stage = 'scheduled'";
const BY_ID: &str = "SELECT id, site, migration, region, stage, ends_at, frozen_at, change_seq, ledger_seq, error, changed_at \
     FROM realm_move WHERE id = $1";
const OUT: &str = "SELECT id, site, migration, region, stage, ends_at, frozen_at, change_seq, ledger_seq, error, changed_at \
     FROM realm_move WHERE site = $1 AND way = 'out' ORDER BY made_at DESC, id DESC LIMIT 50";
const STEP: &str =
    "UPDATE realm_move SET stage = $4, error = $5, changed_at = $6 WHERE site = $1 AND id = $2 AND stage = $3";
const FROZEN: &str = "UPDATE realm_move SET frozen_at = $3, ends_at = $4, change_seq = $5, ledger_seq = $6 \
     WHERE site = $1 AND id = $2";
const MARK: &str = "UPDATE realm_move SET change_seq = $3, ledger_seq = $4 WHERE site = $1 AND id = $2";
const HEAR: &str = "UPDATE realm_move SET heard_at = $3 WHERE site = $1 AND id = $2 AND heard_at < $3 AND stage = $4";
const UNDER_WAY: &str = "SELECT COUNT(*) AS n FROM realm_move WHERE way = 'out' \
     AND stage IN ('sending', 'ready', 'committing', 'undoing')";
/// Whoever writes holds the row by its key; this waits for them, and they wait for this.
const HOLD: (&str, &str) =
    ("SELECT state FROM tenant WHERE tenant = $1", "SELECT state FROM tenant WHERE tenant = $1 FOR UPDATE");
const TURN: &str = "UPDATE tenant SET state = $3, state_at = $4 WHERE tenant = $1 AND state = $2";
const MARKS: &str = "SELECT change_seq, ledger_seq FROM tenant WHERE tenant = $1";

fn read(row: &Row) -> Result<Move> {
    let marks = row.opt_int("change_seq")?.zip(row.opt_int("ledger_seq")?);
    Ok(Move {
        id: row.uuid("id")?,
        site: TenantId(row.uuid("site")?),
        migration: row.text("migration")?,
        region: row.text("region")?,
        stage: Stage::parse(&row.text("stage")?)?,
        ends_at: row.instant("ends_at")?,
        frozen_at: row.opt_instant("frozen_at")?,
        marks,
        error: row.opt_text("error")?,
        changed_at: row.instant("changed_at")?,
    })
}

/// A move by its id.
pub async fn by_id(store: &Store, id: Uuid) -> Result<Option<Move>> {
    let mut server = store.server_read().await?;
    server.row(BY_ID, args![id]).await?.as_ref().map(read).transpose()
}

/// The tenant's moves out of here, newest first; fifty at most.
pub async fn out_of_here(scoped: &mut Scoped) -> Result<Vec<Move>> {
    scoped.rows(OUT, Vec::new()).await?.iter().map(read).collect()
}

/// How many tenants are being moved out of here at the moment.
pub async fn under_way(store: &Store) -> Result<i64> {
    let mut server = store.server_read().await?;
    server.row(UNDER_WAY, Vec::new()).await?.map_or(Ok(0), |row| row.int("n"))
}

/// Makes a move; nothing when there is one of this id.
pub async fn insert(scoped: &mut Scoped, cx: &Cx, new: &NewMove<'_>) -> Result<bool> {
    let values =
        args![new.id, new.way.name(), new.migration, new.region, new.stage.name(), new.ends_at, new.heard_at, cx.now()];
    Ok(scoped.run(INSERT, values).await? == 1)
}

/// Changes what is announced.
pub async fn plan(scoped: &mut Scoped, cx: &Cx, id: Uuid, region: &str, ends_at: Timestamp) -> Result<bool> {
    Ok(scoped.run(PLAN, args![id, region, ends_at, cx.now()]).await? == 1)
}

/// Goes from one stage to another; false when it stands elsewhere by now.
pub async fn step(scoped: &mut Scoped, cx: &Cx, id: Uuid, from: Stage, to: Stage, error: Option<&str>) -> Result<bool> {
    Ok(scoped.run(STEP, args![id, from.name(), to.name(), error.map(str::to_owned), cx.now()]).await? == 1)
}

/// Notes since when the tenant stands still, until when it may, and what its last change was.
pub async fn frozen(scoped: &mut Scoped, cx: &Cx, id: Uuid, ends_at: Timestamp, marks: (i64, i64)) -> Result<()> {
    scoped.run(FROZEN, args![id, cx.now(), ends_at, marks.0, marks.1]).await.map(drop)
}

/// Notes what the tenant's last change was.
pub async fn mark(scoped: &mut Scoped, id: Uuid, marks: (i64, i64)) -> Result<()> {
    scoped.run(MARK, args![id, marks.0, marks.1]).await.map(drop)
}

/// Notes that the other side said something at `at`, by its own clock; false when it said something later already, or when the
/// move is not at this stage.
pub async fn hear(scoped: &mut Scoped, id: Uuid, at: i64, stage: Stage) -> Result<bool> {
    Ok(scoped.run(HEAR, args![id, at, stage.name()]).await? == 1)
}

/// Waits until nobody writes anything of the tenant's, and keeps it so until the transaction ends; answers its state.
pub async fn hold(scoped: &mut Scoped) -> Result<Option<State>> {
    scoped.row(HOLD, Vec::new()).await?.map(|row| State::parse(&row.text("state")?)).transpose()
}

/// Changes the tenant's state, if it is the one that is expected.
pub async fn turn(scoped: &mut Scoped, cx: &Cx, from: State, to: State) -> Result<bool> {
    Ok(scoped.run(TURN, args![from.name(), to.name(), cx.now()]).await? == 1)
}

/// The numbers of the tenant's last change and last ledger entry.
pub async fn marks(scoped: &mut Scoped) -> Result<(i64, i64)> {
    let row = scoped.row(MARKS, Vec::new()).await?.ok_or_else(Fault::not_found)?;
    Ok((row.int("change_seq")?, row.int("ledger_seq")?))
}
