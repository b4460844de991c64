//! The preview: looks at each chosen record, and writes down, page by page, what would become of it. A page of the choice is a
//! page of the plan, so that a slice goes on behind the last page that stands.

use std::collections::{HashMap, HashSet};

use kernel::{AccountId, Cx, Fault, Result};
use store::changes;
use zeroize::Zeroizing;

use super::act_of;
use crate::Room;
use crate::actions::batches::{self, owner_of, plan_place, staged, standing};
use crate::actions::fields::{self, OpenField};
use crate::actions::turned::Turned;
use crate::actions::{access, directory, merges};
use crate::imports::plan::{Outcome, PlannedRow, Refusal, plan_value};
use crate::model::{Act, Entity, ImportState, Owner, Value};
use crate::sql::{self, SealedImport};

/// Pages of one slice of the job.
const PAGES_A_SLICE: i64 = 100;

/// One slice; true when there is more.
pub(crate) async fn slice(cx: &Cx, room: &Room, batch: SealedImport) -> Result<bool> {
    let keys = access::tenant_keys(cx, room).await?;
    let Some(sealed) = &batch.plan else { return Ok(false) };
    let plan = keys.open(&plan_place(batch.id), sealed)?;
    let fields = fields::all(cx, room).await?;
    let looks = Looks { cx, room, entity: batch.entity, act: act_of(plan.peek())?, fields: &fields };
    for number in batch.pages..batch.pages + PAGES_A_SLICE {
        let Some(before) = sql::import_get(&mut room.shared.store.read(cx).await?, batch.id).await? else {
            return Ok(false);
        };
        let rows = match staged::part(cx, room, &keys, (batch.id, number)).await? {
            Some(text) => {
                let ids: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
                let mut rows = looks.at(&ids).await?;
                for row in rows.iter_mut() {
                    row.row += before.cursor;
                }
                let laid = staged::lay_page(cx, room, &keys, (batch.id, number), &rows).await?;
                Some((rows, laid))
            }
            None if number < batch.parts => {
                // It was swept: what was chosen is kept for a week.
                batches::stop(cx, room, batch.id, ImportState::Checking, ImportState::Cancelled, "file_gone").await?;
                return Ok(false);
            }
            None => None,
        };
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut now) = sql::import_get(&mut scoped, batch.id).await? else { return Ok(false) };
        if now.state != ImportState::Checking || now.pages != number || before.pages != number {
            return Ok(false);
        }
        let end = rows.is_none();
        if let Some((rows, laid)) = rows {
            staged::put_page(&mut scoped, (batch.id, number), laid, cx.now()).await?;
            now.pages += 1;
            for row in rows.iter() {
                now.counts.add(row.outcome, 1);
            }
            now.cursor = now.counts.total();
        } else {
            now.state = ImportState::Checked;
        }
        batches::save(&mut scoped, cx, now).await?;
        scoped.commit().await?;
        if end {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is the same for all records of a slice.
struct Looks<'a> {
    cx: &'a Cx,
    room: &'a Room,
    entity: Entity,
    act: &'a Act,
    fields: &'a [OpenField],
}

impl Looks<'_> {
    /// What would become of these records, numbered from 1.
    async fn at(&self, ids: &[String]) -> Result<Zeroizing<Vec<PlannedRow>>> {
        let owners = ids.iter().map(|id| owner_of(self.entity, id)).collect::<Result<Vec<Owner>>>()?;
        let mut known = directory::known(self.cx, self.room, &owners).await?;
        let merged = match self.act {
            Act::SetValue { .. } => sql::merged_of(&mut self.room.shared.store.read(self.cx).await?, &owners).await?,
            // Where an account belongs in Jira is its own, merged or not.
            Act::AddToOrganization(_) | Act::RemoveFromOrganization(_) | Act::AddToProject(_) => HashMap::new(),
        };
        known.retain(|id| !merged.contains_key(id));
        let mut rows = Zeroizing::new(Vec::with_capacity(owners.len()));
        for (number, owner) in (1..).zip(&owners) {
            let mut row = PlannedRow { row: number, owner: Some(owner.id().to_owned()), ..PlannedRow::default() };
            match merged.get(owner.id()) {
                Some(kept) => row.refuse(Refusal::of_row("merged", merges::moved(kept))),
                None if known.contains(owner.id()) => {}
                None => row.refuse(Refusal::of_row("unknown", "Jira knows nobody and nothing of this id any more.")),
            }
            rows.push(row);
        }
        match self.act {
            Act::SetValue { field, value } => {
                let field = self.fields.iter().find(|known| known.id == *field).ok_or_else(Fault::not_found)?;
                self.values(field, value, &owners, &known, &mut rows).await?;
            }
            Act::AddToOrganization(_) | Act::RemoveFromOrganization(_) | Act::AddToProject(_) => {
                self.places(&owners, &known, &mut rows).await?;
            }
        }
        Ok(rows)
    }

    async fn values(
        &self,
        field: &OpenField,
        value: &Value,
        owners: &[Owner],
        known: &HashSet<String>,
        rows: &mut [PlannedRow],
    ) -> Result<()> {
        let turned = Turned::of([field]);
        let standing = standing::read(self.cx, self.room, owners, &turned, |id| id == field.id).await?;
        for (owner, row) in owners.iter().zip(rows).filter(|(owner, _)| known.contains(owner.id())) {
            let held = standing.get(owner.id()).and_then(|standing| standing.values.get(&field.id));
            plan_value(row, (field.id, field.kind, field.required), field.body.peek(), value, held);
        }
        Ok(())
    }

    async fn places(&self, owners: &[Owner], known: &HashSet<String>, rows: &mut [PlannedRow]) -> Result<()> {
        let mut scoped = self.room.shared.store.read(self.cx).await?;
        for (owner, row) in owners.iter().zip(rows).filter(|(owner, _)| known.contains(owner.id())) {
            let account = AccountId::new(owner.id())?;
            row.outcome = match self.act {
                Act::AddToOrganization(of) if sql::membership_exists(&mut scoped, of, &account).await? => {
                    Outcome::Unchanged
                }
                Act::RemoveFromOrganization(of) if !sql::membership_exists(&mut scoped, of, &account).await? => {
                    Outcome::Unchanged
                }
                Act::AddToProject(project) if sql::project_customer_exists(&mut scoped, project, &account).await? => {
                    Outcome::Unchanged
                }
                _ => Outcome::Changed,
            };
        }
        Ok(())
    }
}
