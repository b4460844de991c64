//! What undoing an import left: somebody changed it since.

use kernel::{Cx, Result};

use super::require;
use crate::Room;
use crate::actions::batches::undo::kept_of;
use crate::model::ImportId;
use crate::sql::Made;

/// Values that did not go back, latest first, and where to go on.
pub(crate) async fn list_kept(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Made>, Option<i64>)> {
    require(cx)?;
    super::find(cx, room, id).await?;
    kept_of(cx, room, id, before, limit).await
}
