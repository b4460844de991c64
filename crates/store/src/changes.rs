//! The change sequence: per tenant a number that only grows, and for each changed thing the number of its
//! last change. Caches catch up from it. Taking a number takes the tenant's row until the transaction
//! ends, so numbers become visible in their order. A request that is to be done once writes its claim here. A tenant that is locked or gone gives none: nothing of its changes.

use kernel::{Cx, Fault, Result};

use crate::args;
use crate::claims;
use crate::scoped::Scoped;

const NEXT: &str = "UPDATE tenant SET change_seq = change_seq + $2 WHERE tenant = $1 AND state = 'active' \
     RETURNING change_seq";
const TURN: &str = "UPDATE tenant SET change_seq = change_seq WHERE tenant = $1 AND state = 'active'";
const RECORD: &str = "INSERT INTO change (tenant, kind, row_id, seq, at) VALUES {rows} \
     ON CONFLICT (tenant, kind, row_id) DO UPDATE SET seq = excluded.seq, at = excluded.at";
const LATEST: &str = "SELECT change_seq FROM tenant WHERE tenant = $1";
const LAST_OF: &str = "SELECT seq FROM change WHERE tenant = $1 AND kind = $2 AND row_id = $3";
const SINCE: &str = "SELECT kind, row_id, seq FROM change WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// One thing's last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What sort of thing.
    pub kind: String,
    /// Which one.
    pub row_id: String,
    /// When, in the tenant's sequence.
    pub seq: i64,
}

/// Takes the tenant's turn: until this transaction ends, no other changes anything of the tenant's that takes a turn
/// too, so what is read after this stays true.
pub async fn take_turn(scoped: &mut Scoped) -> Result<()> {
    turn(scoped).await?;
    claims::take(scoped).await
}

/// The same, without the claim of a request that is to be done once: nothing that it asked for is done yet.
pub(crate) async fn turn(scoped: &mut Scoped) -> Result<()> {
    if scoped.run(TURN, Vec::new()).await? == 1 { Ok(()) } else { Err(Fault::not_found()) }
}

/// Takes the next `count` numbers at once; answers the first.
pub async fn reserve(scoped: &mut Scoped, count: u32) -> Result<i64> {
    let row = scoped.row(NEXT, args![count]).await?.ok_or_else(Fault::not_found)?;
    claims::take(scoped).await?;
    Ok(row.int("change_seq")? - i64::from(count) + 1)
}

/// Notes that `row_id` changed, by a number that was reserved.
pub async fn note(scoped: &mut Scoped, cx: &Cx, kind: &'static str, row_id: &str, seq: i64) -> Result<()> {
    note_all(scoped, cx, kind, vec![(row_id, seq)]).await
}

/// Notes that all of these changed, each by a number that was reserved; where one is named twice, the later number stands.
pub async fn note_all(scoped: &mut Scoped, cx: &Cx, kind: &'static str, mut changed: Vec<(&str, i64)>) -> Result<()> {
    changed.sort_unstable_by(|(one, seq), (other, later)| one.cmp(other).then(later.cmp(seq)));
    changed.dedup_by(|(one, _), (other, _)| one == other);
    let rows = changed.into_iter().map(|(row_id, seq)| args![kind, row_id, seq, cx.now()]).collect();
    scoped.run_rows(RECORD, rows).await.map(drop)
}

/// Takes the next number and notes that `row_id` changed.
pub async fn record(scoped: &mut Scoped, cx: &Cx, kind: &'static str, row_id: &str) -> Result<i64> {
    let seq = reserve(scoped, 1).await?;
    note(scoped, cx, kind, row_id, seq).await?;
    Ok(seq)
}

/// The number of the last change of all.
pub async fn latest(scoped: &mut Scoped) -> Result<i64> {
    scoped.row(LATEST, args![]).await?.ok_or_else(Fault::not_found)?.int("change_seq")
}

/// The number of the last change of one thing; 0 where there was none.
pub async fn last_of(scoped: &mut Scoped, kind: &'static str, row_id: &str) -> Result<i64> {
    scoped.row(LAST_OF, args![kind, row_id]).await?.map_or(Ok(0), |row| row.int("seq"))
}

/// What changed after `seq`, oldest first.
pub async fn since(scoped: &mut Scoped, seq: i64, limit: u32) -> Result<Vec<Change>> {
    scoped
        .rows(SINCE, args![seq, limit])
        .await?
        .iter()
        .map(|row| Ok(Change { kind: row.text("kind")?, row_id: row.text("row_id")?, seq: row.int("seq")? }))
        .collect()
}
