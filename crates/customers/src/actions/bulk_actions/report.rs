//! What a preview found and a run did, record by record.

use kernel::{Cx, OrganizationId, Result};
use vault::Open;

use crate::Room;
use crate::actions::batches::OpenBatch;
use crate::actions::batches::report::{Called, Place, StagedRows, called, staged_rows};
use crate::actions::batches::undo::kept_of;
use crate::actions::directory;
use crate::imports::plan::Outcome;
use crate::model::{Act, Entity, ImportId};
use crate::sql::Made;

/// Some rows, those that came to this if it is asked for, how they are called, and where to go on.
pub(crate) async fn read_rows(
    cx: &Cx,
    room: &Room,
    (entity, id): (Entity, ImportId),
    outcome: Option<Outcome>,
    place: Place,
    limit: usize,
) -> Result<(StagedRows, Called, Option<Place>)> {
    super::find(cx, room, entity, id).await?;
    let (rows, next) = staged_rows(cx, room, (entity, id), outcome, place, limit).await?;
    let called = called(cx, room, entity, rows.owners()).await?;
    Ok((rows, called, next))
}

/// What did not go back: somebody changed it since, or Jira refused. And where to go on.
pub(crate) async fn list_kept(
    cx: &Cx,
    room: &Room,
    (entity, id): (Entity, ImportId),
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Made>, Called, Option<i64>)> {
    super::find(cx, room, entity, id).await?;
    let (kept, next) = kept_of(cx, room, id, before, limit).await?;
    let called = called(cx, room, entity, kept.iter().map(|made| made.owner.as_str())).await?;
    Ok((kept, called, next))
}

/// How the organization is called that customers are put into, where it is one and still there.
pub(crate) async fn organization_called(cx: &Cx, room: &Room, batch: &OpenBatch) -> Result<Option<Open<String>>> {
    let of: Option<OrganizationId> = match batch.plan.as_ref().and_then(|plan| plan.peek().act.as_ref()) {
        Some(Act::AddToOrganization(of) | Act::RemoveFromOrganization(of)) => Some(of.clone()),
        _ => None,
    };
    match of {
        Some(of) => directory::organization_name(cx, room, &of).await,
        None => Ok(None),
    }
}
