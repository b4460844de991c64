//! What is staged of an import: its file in parts and its report in pages, each a sealed object. An object is put before the
//! transaction whose row names it, so that no transaction waits for where objects lie.

use jiff::Timestamp;
use kernel::{Column, Cx, Fault, Result};
use store::{ObjectId, Scoped, blobs, changes};
use vault::{Keys, Place};
use zeroize::Zeroizing;

use crate::Room;
use crate::actions::access;
use crate::imports::plan::{Outcome, PlannedRow, Refusal};
use crate::imports::text::HEAD_BYTES;
use crate::model::{Counts, ImportId};
use crate::sql::Laid;
use crate::{schema, sql};

/// Parts read in one statement: two megabytes of the file.
const PARTS_AT_ONCE: u32 = 4;
/// Parts dropped in one transaction.
const DROPPED_AT_ONCE: i64 = 64;

fn place(column: &'static Column, id: ImportId, number: i64) -> Place {
    Place::new(column, sql::import_staged_row(id, number))
}

async fn lay(cx: &Cx, room: &Room, keys: &Keys, place: &Place, plain: &[u8]) -> Result<Laid> {
    let object = ObjectId::begun(cx.now());
    let (key, sealed) = keys.seal_object(place, object.0.as_bytes(), plain)?;
    room.shared.blobs.put(cx, object, sealed).await?;
    Ok(Laid { object, key })
}

/// What lies there, in the open; none when it is gone.
async fn lift(cx: &Cx, room: &Room, keys: &Keys, place: &Place, laid: &Laid) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(sealed) = room.shared.blobs.get(cx, laid.object).await? else { return Ok(None) };
    keys.open_object(place, &laid.key, laid.object.0.as_bytes(), &sealed).map(Some)
}

/// Lays a part of the file, for [`put_part`].
pub(crate) async fn lay_part(
    cx: &Cx,
    room: &Room,
    keys: &Keys,
    (id, number): (ImportId, i64),
    bytes: &[u8],
) -> Result<Laid> {
    lay(cx, room, keys, &place(&schema::IMPORT_CHUNK_KEY, id, number), bytes).await
}

/// Puts a part of the file that was laid.
pub(crate) async fn put_part(scoped: &mut Scoped, part: (ImportId, i64), laid: Laid, at: Timestamp) -> Result<()> {
    blobs::keep(scoped, laid.object).await?;
    sql::import_chunk_put(scoped, part, laid, at).await
}

/// One part, in the open; none when it is gone.
pub(crate) async fn part(
    cx: &Cx,
    room: &Room,
    keys: &Keys,
    (id, number): (ImportId, i64),
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let found = sql::import_chunk_list(&mut room.shared.store.read(cx).await?, id, number, 1).await?;
    match found.into_iter().find(|(at, _)| *at == number) {
        Some((_, laid)) => lift(cx, room, keys, &place(&schema::IMPORT_CHUNK_KEY, id, number), &laid).await,
        None => Ok(None),
    }
}

/// A file, part by part.
pub(crate) struct Pieces<'a> {
    cx: &'a Cx,
    room: &'a Room,
    keys: &'a Keys,
    id: ImportId,
    next: i64,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(cx: &'a Cx, room: &'a Room, keys: &'a Keys, id: ImportId) -> Self {
        Self { cx, room, keys, id, next: 0 }
    }

    /// Some more parts; none at the end, or where one is gone.
    pub(crate) async fn next(&mut self) -> Result<Vec<Zeroizing<Vec<u8>>>> {
        let mut scoped = self.room.shared.store.read(self.cx).await?;
        let found = sql::import_chunk_list(&mut scoped, self.id, self.next, PARTS_AT_ONCE).await?;
        drop(scoped);
        let mut pieces = Vec::with_capacity(found.len());
        for (number, laid) in found {
            let place = place(&schema::IMPORT_CHUNK_KEY, self.id, number);
            let Some(bytes) = lift(self.cx, self.room, self.keys, &place, &laid).await? else { break };
            pieces.push(bytes);
            self.next = number + 1;
        }
        Ok(pieces)
    }
}

/// The beginning of the file: [`HEAD_BYTES`], or all of it.
pub(crate) async fn head(cx: &Cx, room: &Room, keys: &Keys, id: ImportId) -> Result<Zeroizing<Vec<u8>>> {
    let mut pieces = Pieces::new(cx, room, keys, id);
    let mut head = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
    while head.len() < HEAD_BYTES {
        let some = pieces.next().await?;
        if some.is_empty() {
            break;
        }
        for piece in some {
            let missing = HEAD_BYTES - head.len();
            head.extend_from_slice(piece.get(..piece.len().min(missing)).unwrap_or_default());
        }
    }
    Ok(head)
}

/// Drops some of the file; true while there is more. At the end its objects are gone too.
pub(crate) async fn drop_file(cx: &Cx, room: &Room, id: ImportId) -> Result<bool> {
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let first = sql::import_chunk_list(&mut scoped, id, 0, 1).await?.first().map(|(number, _)| *number);
    match first {
        Some(number) => drop(sql::import_chunk_drop(&mut scoped, id, number + DROPPED_AT_ONCE).await?),
        None => drop(sql::import_owner_drop(&mut scoped, id).await?),
    }
    scoped.commit().await?;
    if first.is_none() {
        room.shared.blobs.collect(cx.tenant(), cx.now()).await?;
    }
    Ok(first.is_some())
}

/// A page that was laid.
pub(crate) struct LaidPage {
    laid: Laid,
    counts: Counts,
}

/// Lays a page of the plan, for [`put_page`].
pub(crate) async fn lay_page(
    cx: &Cx,
    room: &Room,
    keys: &Keys,
    (id, number): (ImportId, i64),
    rows: &[PlannedRow],
) -> Result<LaidPage> {
    let text = serde_json::to_vec(rows).map_err(|error| Fault::broken("customers_import", error))?;
    let counts = Counts::of_rows(rows);
    let place = place(&schema::IMPORT_PAGE_KEY, id, number);
    Ok(LaidPage { laid: lay(cx, room, keys, &place, &Zeroizing::new(text)).await?, counts })
}

/// Puts a page of the plan that was laid.
pub(crate) async fn put_page(scoped: &mut Scoped, page: (ImportId, i64), laid: LaidPage, at: Timestamp) -> Result<()> {
    blobs::keep(scoped, laid.laid.object).await?;
    sql::import_page_put(scoped, page, laid.counts, laid.laid, at).await
}

/// Notes which rows of a page, by their places, somebody was faster than, and what its rows came to with that.
pub(crate) async fn lose(scoped: &mut Scoped, page: (ImportId, i64), places: &[usize], counts: Counts) -> Result<()> {
    let broken = |error: serde_json::Error| Fault::broken("customers_import", error);
    sql::import_page_lose(scoped, page, counts, &serde_json::to_string(places).map_err(broken)?).await
}

/// A page's rows, wiped when dropped, and since when they are there; none when it is gone.
pub(crate) async fn page(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    number: i64,
) -> Result<Option<(Zeroizing<Vec<PlannedRow>>, Timestamp)>> {
    let broken = |error: serde_json::Error| Fault::broken("customers_import", error);
    let found = sql::import_page_get(&mut room.shared.store.read(cx).await?, id, number).await?;
    let Some((laid, lost, at)) = found else { return Ok(None) };
    let keys = access::tenant_keys(cx, room).await?;
    let place = place(&schema::IMPORT_PAGE_KEY, id, number);
    let Some(text) = lift(cx, room, &keys, &place, &laid).await? else { return Ok(None) };
    let mut rows: Zeroizing<Vec<PlannedRow>> = Zeroizing::new(serde_json::from_slice(&text).map_err(broken)?);
    let lost: Vec<usize> =
        lost.map(|lost| serde_json::from_str(&lost).map_err(broken)).transpose()?.unwrap_or_default();
    for place in lost {
        if let Some(row) = rows.get_mut(place) {
            let detail = "After the dry run somebody changed a value of this row, or merged whom it is about. Nothing of it was written.";
            row.outcome = Outcome::Overtaken;
            row.refusals = vec![Refusal::of_row("conflict", detail)];
        }
    }
    Ok(Some((rows, at)))
}
