//! A file on its way here: in parts, one after the other.

use kernel::{Cx, Fault, FieldFault, Result};
use store::changes;

use super::{find, read_import, require};
use crate::Room;
use crate::actions::access;
use crate::actions::batches::{OpenBatch, open, save, staged, wrong_state};
use crate::imports::text;
use crate::model::{ImportId, ImportState};
use crate::sql::{self, SealedImport};

/// Bytes of one part of a file: as JSON it fits a request body, and a frame in Jira.
const PART_BYTES: usize = 524_288;

/// Stages one part of the file. Parts come in their order; one that came before is taken for a repetition.
pub(crate) async fn put_part(cx: &Cx, room: &Room, id: ImportId, number: i64, bytes: &[u8]) -> Result<OpenBatch> {
    require(cx)?;
    if bytes.is_empty() || bytes.len() > PART_BYTES {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/body".to_owned(),
            code: "too_long",
            detail: format!("A part of a file has 1 to {PART_BYTES} bytes."),
            limit: Some(PART_BYTES as u64),
        }]));
    }
    let keys = access::tenant_keys(cx, room).await?;
    let seen = find(cx, room, id).await?;
    if with_part(&seen, number, bytes.len(), room.limits.import_bytes)?.is_none() {
        return open(&keys, seen);
    }
    let laid = staged::lay_part(cx, room, &keys, (id, number), bytes).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let mut import = sql::import_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    // It may have come twice at the same moment; then what was laid now goes by itself.
    let Some(total) = with_part(&import, number, bytes.len(), room.limits.import_bytes)? else {
        return open(&keys, import);
    };
    import.bytes = total;
    import.utf8 &= text::may_be_utf8(bytes);
    import.parts += 1;
    staged::put_part(&mut scoped, (id, number), laid, cx.now()).await?;
    save(&mut scoped, cx, import).await?;
    scoped.commit().await?;
    read_import(cx, room, id).await
}

/// How many bytes the file has with this part; none when the part is there already.
fn with_part(import: &SealedImport, number: i64, bytes: usize, limit: u64) -> Result<Option<i64>> {
    if import.state != ImportState::Uploading {
        return Err(wrong_state(import, "a file is added to only before its dry run."));
    }
    if number < import.parts {
        return Ok(None);
    }
    if number > import.parts {
        let text = format!("Parts come in their order: the next one is {}.", import.parts);
        return Err(Fault::invalid_field("/part", "order", text));
    }
    let bytes = import.bytes + i64::try_from(bytes).map_err(|error| Fault::broken("customers_import", error))?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes > limit) {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/file".to_owned(),
            code: "too_large",
            detail: format!("A file has at most {limit} bytes here. Divide it, each part with the header."),
            limit: Some(limit),
        }]));
    }
    Ok(Some(bytes))
}
