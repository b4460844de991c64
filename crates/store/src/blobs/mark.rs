//! The mark that says whose a place is, so that a server neither sweeps another's objects nor looks for its own where they
//! are not.

use bytes::Bytes;
use kernel::{Clock, Fault, Result, SystemClock};
use object_store::path::Path;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Blobs;
use crate::args;

/// No tenant has this name.
const NAME: &str = "steward.json";
const MARK_BYTES: usize = 4096;

const PUT: &str = "INSERT INTO object_place (one, place, since_at) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING";
const GET: &str = "SELECT place FROM object_place WHERE one = 1";
const SET: &str = "UPDATE object_place SET place = $1, since_at = $2 WHERE one = 1";

/// What the mark is called in a place.
pub(super) fn name() -> Path {
    Path::from(NAME)
}

/// Who put the mark, and the place's number.
pub(super) struct Mark {
    owner: String,
    place: Uuid,
}

impl Blobs {
    /// Makes the place this server's, or sees that it is. `owner` is what this server's keys alone make.
    ///
    /// # Errors
    /// `objects_foreign`: another server's. `objects_elsewhere`: this database's objects lie in another place.
    pub async fn claim(&self, owner: &str) -> Result<()> {
        let place = self.marked(owner).await?;
        let now = SystemClock.now();
        let mut server = self.store.server_write().await?;
        server.run(PUT, args![place, now]).await?;
        let known = server.row(GET, Vec::new()).await?.map(|row| row.uuid("place")).transpose()?;
        server.commit().await?;
        if known == Some(place) {
            return Ok(());
        }
        Err(Fault::broken(
            "objects_elsewhere",
            format!(
                "the objects of this database lie elsewhere, not in {}. All nodes of one database need the same [objects], and a \
                 folder is no place for several. If the former place is lost for good, `steward objects adopt` goes on with this one",
                self.place.called()
            ),
        ))
    }

    /// Makes the place `owner`'s, or sees that it is; the database is not told yet.
    ///
    /// # Errors
    /// `objects_foreign`: another server's.
    pub async fn reserve(&self, owner: &str) -> Result<()> {
        self.marked(owner).await.map(drop)
    }

    /// Goes on with this place although the database knew another one: what lay there is lost.
    pub async fn adopt(&self, owner: &str) -> Result<()> {
        let place = self.marked(owner).await?;
        let now = SystemClock.now();
        let mut server = self.store.server_write().await?;
        server.run(PUT, args![place, now]).await?;
        server.run(SET, args![place, now]).await?;
        server.commit().await
    }

    /// The number of a place that is, or now becomes, `owner`'s.
    async fn marked(&self, owner: &str) -> Result<Uuid> {
        let mark = match self.mark().await? {
            Some(mark) => mark,
            None => {
                let mark = json!({"owner": owner, "place": Uuid::new_v4().to_string()}).to_string();
                match self.place.put_new(&name(), Bytes::from(mark)).await {
                    Ok(()) => {}
                    // Another node was first.
                    Err(fault) if fault.kind() == kernel::Kind::Conflict => {}
                    Err(fault) => return Err(fault),
                }
                self.mark().await?.ok_or_else(|| Fault::broken("objects_mark", "a mark that was put is gone"))?
            }
        };
        if mark.owner != owner {
            let text = format!(
                "{} holds another server's objects: give this one a bucket, a folder or an objects.prefix of its own",
                self.place.called()
            );
            return Err(Fault::broken("objects_foreign", text));
        }
        Ok(mark.place)
    }

    pub(super) async fn mark(&self) -> Result<Option<Mark>> {
        let Some(bytes) = self.place.get(&name(), MARK_BYTES).await? else { return Ok(None) };
        let read = || {
            let mark: Value = serde_json::from_slice(&bytes).ok()?;
            let text = |key: &str| mark.get(key).and_then(Value::as_str);
            Some(Mark { owner: text("owner")?.to_owned(), place: text("place")?.parse().ok()? })
        };
        read()
            .map(Some)
            .ok_or_else(|| Fault::broken("objects_mark", "steward.json in the objects' place is not a mark"))
    }
}
