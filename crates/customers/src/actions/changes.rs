//! What changed since a page looked, by ids: of a customer to whoever may see customers, and to that customer.

use std::time::Duration;

use kernel::{Cx, Result};
use serde::Serialize;
use store::changes as sequence;
use utoipa::ToSchema;

use crate::Room;
use crate::actions::access;
use crate::model::Permission;

/// Changes told at once.
const AT_ONCE: u32 = 200;

/// What sort of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ChangeKind {
    /// A customer's values.
    Customer,
    /// An organization's values.
    Organization,
    /// A field's definition, or the order of fields.
    Field,
    /// A section.
    Section,
    /// A product.
    Product,
}

/// What is told.
pub(crate) struct Told {
    pub(crate) after: i64,
    pub(crate) changes: Vec<(ChangeKind, String)>,
    pub(crate) more: bool,
}

/// What changed after `after`, as soon as something did or the time is over.
pub(crate) async fn since(cx: &Cx, room: &Room, after: Option<i64>, within: Duration) -> Result<Told> {
    let all = access::permissions(cx, room).await?.contains(&Permission::Browse);
    let Some(after) = after else {
        let after = room.shared.watch.past(cx, i64::MAX, Duration::ZERO).await?;
        return Ok(Told { after, changes: Vec::new(), more: false });
    };
    let latest = room.shared.watch.past(cx, after, within).await?;
    let found = sequence::since(&mut room.shared.store.read(cx).await?, after, AT_ONCE).await?;
    let told = found.iter().filter_map(|change| {
        let kind = kind_of(&change.kind)?;
        let own = cx.person().is_some_and(|person| person.as_str() == change.row_id);
        let seen = match kind {
            ChangeKind::Customer => all || own,
            ChangeKind::Organization | ChangeKind::Product => all,
            ChangeKind::Field | ChangeKind::Section => true,
        };
        seen.then(|| (kind, change.row_id.clone()))
    });
    let more = found.len() == AT_ONCE as usize;
    let last = found.last().map_or(after, |last| last.seq);
    // Some numbers are taken and nothing is noted by them; all up to the latest are told of.
    Ok(Told { after: if more { last } else { last.max(latest) }, changes: told.collect(), more })
}

/// Of what pages show; the rest of the sequence is for others.
fn kind_of(noted: &str) -> Option<ChangeKind> {
    match noted {
        "customer" => Some(ChangeKind::Customer),
        "organization" => Some(ChangeKind::Organization),
        "field" => Some(ChangeKind::Field),
        "section" => Some(ChangeKind::Section),
        "product" => Some(ChangeKind::Product),
        _ => None,
    }
}
