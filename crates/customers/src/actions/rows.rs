//! Values of many records at once, as a page of a table shows them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Cx, Fault, FieldFault, Result};

use crate::Room;
use crate::actions::access;
use crate::actions::reach::Reach;
use crate::actions::turned::Turned;
use crate::actions::values::{self, OpenValue};
use crate::model::{Entity, FieldId, Owner, Permission};
use crate::{rules, sql};

/// Records of one request: a page of a list.
pub(crate) const ROWS_AT_ONCE: usize = 100;

/// One record's.
#[derive(Default)]
pub(crate) struct Row {
    /// The version of all its values together, those that were not asked for too.
    pub(crate) version: i64,
    pub(crate) values: Vec<OpenValue>,
}

/// The values of these records, of these fields; in the order of the records. Fields that the caller does not see are as
/// ones without a value.
pub(crate) async fn read_rows(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    owners: &[Owner],
    fields: &[FieldId],
) -> Result<Vec<Row>> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    for (pointer, count, limit) in
        [("/ids", owners.len(), ROWS_AT_ONCE), ("/fields", fields.len(), rules::FIELDS_PER_ENTITY)]
    {
        if count > limit {
            return Err(Fault::invalid_fields(vec![FieldFault {
                pointer: pointer.to_owned(),
                code: "too_many",
                detail: format!("At most {limit} at once."),
                limit: Some(limit as u64),
            }]));
        }
    }
    let visible = values::visible(cx, room, entity, &Reach::Agent).await?;
    let turned = Turned::of(visible.values());
    let wanted: BTreeSet<FieldId> = fields.iter().copied().filter(|field| visible.contains_key(field)).collect();
    let mut sealed: BTreeMap<String, (i64, Vec<sql::SealedValue>)> = BTreeMap::new();
    for (owner, value) in sql::value_list_of(&mut room.shared.store.read(cx).await?, owners).await? {
        let (version, values) = sealed.entry(owner).or_default();
        *version = value.version.max(*version);
        if wanted.contains(&value.field) {
            values.push(value);
        }
    }
    let filled: Vec<&Owner> = owners.iter().filter(|owner| sealed.contains_key(owner.id())).collect();
    let keys = access::keys_of_owners(cx, room, &filled).await?;
    let open = |owner: &Owner| match (sealed.remove(owner.id()), keys.get(owner.id())) {
        (Some((version, values)), Some((_, keys))) => {
            let values =
                values.into_iter().map(|value| values::open_value(keys, owner, value).map(|value| turned.value(value)));
            Ok(Row { version, values: values.collect::<Result<_>>()? })
        }
        _ => Ok(Row::default()),
    };
    owners.iter().map(open).collect()
}
