//! What stands of the owners of a page's rows.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Cx, Result};

use crate::Room;
use crate::actions::turned::Turned;
use crate::actions::{access, values};
use crate::imports::plan::Standing;
use crate::model::{FieldId, Owner};
use crate::sql;

/// Values of those fields that are asked for, by owner. Keys are fetched for those owners alone of whom something stands.
pub(crate) async fn read(
    cx: &Cx,
    room: &Room,
    owners: &[Owner],
    turned: &Turned,
    wanted: impl Fn(FieldId) -> bool,
) -> Result<BTreeMap<String, Standing>> {
    let mut sealed = sql::value_list_of(&mut room.shared.store.read(cx).await?, owners).await?;
    sealed.retain(|(_, value)| wanted(value.field));
    let of: BTreeSet<&str> = sealed.iter().map(|(owner, _)| owner.as_str()).collect();
    let held: Vec<&Owner> = owners.iter().filter(|owner| of.contains(owner.id())).collect();
    let keys = access::keys_of_owners(cx, room, &held).await?;
    let mut standing: BTreeMap<String, Standing> = BTreeMap::new();
    for (id, value) in sealed {
        let Some((owner, keys)) = keys.get(id.as_str()) else { continue };
        let open = turned.value(values::open_value(keys, owner, value)?);
        standing.entry(id).or_default().values.insert(open.field, (open.value.peek().clone(), open.version));
    }
    Ok(standing)
}
