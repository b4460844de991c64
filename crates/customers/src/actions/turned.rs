//! Values of before a change of their field's type, as everybody reads them: as the type that stands.

use std::collections::BTreeMap;

use kernel::{Cx, Fault, Result};
use store::Scoped;

use crate::Room;
use crate::actions::fields::{self, OpenField};
use crate::actions::values::{OpenChange, OpenValue};
use crate::conversion;
use crate::model::{Action, Change, Entity, FieldBody, FieldId, FieldType, Value};
use crate::sql;

/// The fields whose type changed, with what they are now.
#[derive(Default)]
pub(crate) struct Turned(BTreeMap<FieldId, (FieldType, FieldBody)>);

impl Turned {
    pub(crate) fn of<'f>(fields: impl IntoIterator<Item = &'f OpenField>) -> Self {
        let turned = fields.into_iter().filter(|field| !field.body.peek().past.is_empty());
        Self(turned.map(|field| (field.id, (field.kind, field.body.peek().clone()))).collect())
    }

    /// Of all fields.
    pub(crate) async fn of_all(cx: &Cx, room: &Room) -> Result<Self> {
        Ok(Self::of(&fields::all(cx, room).await?))
    }

    /// A value as it reads now.
    pub(crate) fn value(&self, stored: OpenValue) -> OpenValue {
        let Some((kind, body)) = self.0.get(&stored.field) else { return stored };
        let version = stored.version;
        let now = |value: &Value| conversion::now(*kind, body, version, value);
        OpenValue { value: stored.value.reshape(now), ..stored }
    }

    /// What was written under a number, as it reads now.
    pub(crate) fn said(&self, field: FieldId, version: i64, value: &Value) -> Value {
        let turned = self.0.get(&field).and_then(|(kind, body)| conversion::now(*kind, body, version, value));
        turned.unwrap_or_else(|| value.clone())
    }

    /// A change as it reads now.
    pub(crate) fn change(&self, entry: OpenChange) -> OpenChange {
        let Some((kind, body)) = self.0.get(&entry.field) else { return entry };
        let (id, action) = (entry.id, entry.action);
        let now = |change: &Change| conversion::change_now(*kind, body, id, action, change);
        OpenChange { change: entry.change.reshape(now), ..entry }
    }

    /// What a change was from and to, as people read it then, where the field was of another type.
    pub(crate) fn then(
        &self,
        field: FieldId,
        (id, action): (i64, Action),
        change: &Change,
    ) -> (Option<String>, Option<String>) {
        let body = self.0.get(&field).map(|(_, body)| body);
        body.map_or((None, None), |body| conversion::change_then(body, id, action, change))
    }
}

/// Refuses to write what was checked against a type that is no more. Asked in the transaction that writes, once it has the
/// tenant's turn.
pub(crate) async fn check_kinds<'f>(
    scoped: &mut Scoped,
    entity: Entity,
    fields: impl IntoIterator<Item = &'f (FieldId, FieldType)>,
) -> Result<()> {
    let standing = sql::field_kinds(scoped, entity).await?;
    if fields.into_iter().all(|(id, kind)| standing.get(id) == Some(kind)) {
        return Ok(());
    }
    Err(Fault::conflict("A field's type was changed at the same moment. Read the fields again."))
}
