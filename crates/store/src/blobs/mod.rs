//! Objects: sealed bytes that are too many for a row, in a folder or in a bucket of S3.
//!
//! A row is there before its object and goes after it, so that whatever happens to a process, nothing lies there for ever
//! that no row knows: [`Blobs::put`] writes the row, then the object; [`keep`] is of the transaction that names it; what
//! no row names any more [`Blobs::collect`] takes away. Objects are never overwritten. It must never be given what is
//! not sealed. Start at [`Blobs`].

mod mark;
mod place;
mod sweep;

use bytes::Bytes;
use jiff::Timestamp;
use kernel::{Cx, Fault, Result};
use uuid::Uuid;

pub use place::{BlobPlace, S3};

use crate::args;
use crate::scoped::Scoped;
use crate::stores::Store;
use place::Place;

/// One object. It says when it was begun, by the clock of whoever began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId(pub Uuid);

impl ObjectId {
    /// A new id, begun at this instant.
    pub fn begun(at: Timestamp) -> Self {
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or_default();
        Self(Uuid::new_v7(uuid::Timestamp::from_unix_time(seconds, nanos, 0, 0)))
    }

    /// When it was begun, to the millisecond.
    fn begun_at(self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    }
}

/// Bytes of one object as it lies. It is in memory as a whole; the largest is a page of a report, whose two hundred rows may
/// each tell of long texts.
pub const OBJECT_BYTES: usize = 256 << 20;

const INSERT: &str = "INSERT INTO object (tenant, id, state, bytes, written_at) VALUES ($1, $2, 'coming', $3, $4)";
const KEEP: &str = "UPDATE object SET state = 'kept' WHERE tenant = $1 AND id = $2 AND state = 'coming'";

const KEPT: &str = "SELECT id FROM object WHERE tenant = $1 AND state = 'kept' AND id > $2 ORDER BY id LIMIT $3";
/// Objects that are listed at once for a copy.
const COPIED_AT_ONCE: u32 = 500;

/// Where objects lie, and the rows that know of them. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Store,
    place: Place,
}

impl Blobs {
    /// Joins a database and a place. Touches neither: see [`claim`](Self::claim).
    pub fn open(store: Store, place: &BlobPlace) -> Result<Self> {
        Ok(Self { store, place: Place::open(place)? })
    }

    /// Puts a sealed object, for a row that [`keep`]s it. What nobody keeps within an hour goes.
    ///
    /// # Errors
    /// `objects_unavailable` (busy): the place does not answer, or is full.
    pub async fn put(&self, cx: &Cx, id: ObjectId, sealed: Vec<u8>) -> Result<()> {
        if sealed.len() > OBJECT_BYTES {
            return Err(Fault::invalid("too_long", "An object is longer than can be kept."));
        }
        let bytes = i64::try_from(sealed.len()).map_err(|error| Fault::broken("objects", error))?;
        // Not the caller's transaction, nor one of its idempotency key: this row says nothing yet.
        let mut scoped = self.store.write_of(cx.tenant()).await?;
        scoped.run(INSERT, args![id.0, bytes, cx.now()]).await?;
        scoped.commit().await?;
        self.place.put_new(&place::name(cx.tenant(), id), Bytes::from(sealed)).await
    }

    /// An object's bytes; none when it is gone.
    pub async fn get(&self, cx: &Cx, id: ObjectId) -> Result<Option<Bytes>> {
        self.place.get(&place::name(cx.tenant(), id), OBJECT_BYTES).await
    }

    /// Some kept objects of a tenant's after `after`, for a copy elsewhere.
    pub async fn kept(&self, cx: &Cx, after: Option<ObjectId>, limit: u32) -> Result<Vec<ObjectId>> {
        let after = after.map_or(Uuid::nil(), |id| id.0);
        let rows = self.store.scoped(cx.tenant(), false).await?.rows(KEPT, args![after, limit]).await?;
        rows.iter().map(|row| Ok(ObjectId(row.uuid("id")?))).collect()
    }

    /// Puts an object as it lay elsewhere; its row comes, or came, with the others. Repeatable.
    pub async fn put_as_it_lay(&self, cx: &Cx, id: ObjectId, sealed: Bytes) -> Result<()> {
        self.place.put_new(&place::name(cx.tenant(), id), sealed).await
    }

    /// Copies what is kept of a tenant's from another place, byte for byte; answers how many objects, and how many were not
    /// there. Repeatable.
    pub async fn copy_from(
        &self,
        other: &Self,
        tenant: kernel::TenantId,
        mut tell: impl FnMut(u64),
    ) -> Result<(u64, u64)> {
        let (mut copied, mut missing) = (0, 0);
        let mut after = Uuid::nil();
        loop {
            let rows = other.store.scoped(tenant, false).await?.rows(KEPT, args![after, COPIED_AT_ONCE]).await?;
            let ids = rows.iter().map(|row| Ok(ObjectId(row.uuid("id")?))).collect::<Result<Vec<_>>>()?;
            let Some(last) = ids.last() else { return Ok((copied, missing)) };
            after = last.0;
            for id in &ids {
                let name = place::name(tenant, *id);
                match other.place.get(&name, OBJECT_BYTES).await? {
                    Some(bytes) => {
                        self.place.put_new(&name, bytes).await?;
                        copied += 1;
                        tell(1);
                    }
                    None => missing += 1,
                }
            }
        }
    }

    /// How the place is called: without its credentials.
    pub fn called(&self) -> String {
        self.place.called()
    }

    /// Whether the place answers, and how it is called: without its credentials. Changes nothing.
    ///
    /// # Errors
    /// `objects_no_bucket`, `objects_refused`; `objects_unavailable` (busy).
    pub async fn ping(&self) -> Result<String> {
        self.place.ask(&mark::name()).await?;
        Ok(self.place.called())
    }
}

/// Keeps an object, in the transaction that writes the row which names it.
///
/// # Errors
/// `objects_late` (busy): it took so long that the object is gone, or it is kept already. Nothing of the transaction may
/// stand then.
pub async fn keep(scoped: &mut Scoped, id: ObjectId) -> Result<()> {
    if scoped.run(KEEP, args![id.0]).await? == 1 {
        return Ok(());
    }
    Err(Fault::busy("objects_late", "This took too long. Try again.", None).because("an object was not there to keep"))
}
