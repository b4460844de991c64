//! Records as a query looks at them: some at a time, of their values those that are asked for, wiped when dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{AccountId, Cx, OrganizationId, Result};
use vault::Open;

use crate::Room;
use crate::actions::directory::{Line, Sorted};
use crate::actions::turned::Turned;
use crate::actions::{access, entitlements, history, values};
use crate::model::{Change, Entity, FieldId, Owner, Value};
use crate::query::evaluate::{Facts, OpenFacts, Past, Record};
use crate::query::typed::Reads;
use crate::sql;

/// Records read at once, and wiped before the next.
pub(crate) const AT_ONCE: usize = 64;
/// Changes of one field of one owner that a query looks back on, newest first; more would be a program's, not people's.
const CHANGES: usize = 5_000;
/// Changes read in one statement.
const CHANGES_PAGE: u32 = 500;

/// Opened.
pub(crate) type OpenRecord = Record<Open<Value>, Open<Change>>;

/// Reads records of a sorted directory by their places in it.
pub(crate) struct Reader<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) room: &'a Room,
    pub(crate) sorted: &'a Sorted,
    pub(crate) entity: Entity,
    pub(crate) reads: &'a Reads,
    /// Of fields whose type changed, what values of before say now.
    pub(crate) turned: &'a Turned,
}

/// What of an owner's values is wanted.
struct Wanted<'a> {
    values: &'a BTreeSet<FieldId>,
    history: &'a BTreeSet<FieldId>,
    updated: bool,
    entitlements: bool,
}

impl Reader<'_> {
    /// The records at these places; whoever asks bounds how many.
    pub(crate) async fn read(&self, places: &[usize]) -> Result<Vec<OpenRecord>> {
        let wanted = Wanted {
            values: &self.reads.own,
            history: &self.reads.own_history,
            updated: self.reads.updated,
            entitlements: self.reads.entitlements,
        };
        match self.entity {
            Entity::Organization => {
                let lines = places.iter().filter_map(|place| self.sorted.organizations.get(*place));
                let owned = lines.map(|line| (Owner::Organization(line.id.clone()), self.organization(line))).collect();
                let facts = self.fill(owned, &wanted).await?;
                Ok(facts.into_iter().map(|own| Record { own, organizations: Vec::new() }).collect())
            }
            Entity::Customer => {
                let lines: Vec<_> = places.iter().filter_map(|place| self.sorted.customers.get(*place)).collect();
                let organizations = self.organizations(&lines).await?;
                let owned = lines.iter().map(|line| (Owner::Customer(line.id.clone()), self.customer(line))).collect();
                let facts = self.fill(owned, &wanted).await?;
                Ok(facts
                    .into_iter()
                    .zip(&lines)
                    .map(|(own, line)| {
                        let of = self.sorted.memberships.get(&line.id).into_iter().flatten();
                        Record { own, organizations: of.filter_map(|id| organizations.get(id).cloned()).collect() }
                    })
                    .collect())
            }
        }
    }

    fn customer(&self, line: &Line<AccountId>) -> OpenFacts {
        let projects = self.sorted.projects.get(&line.id).into_iter().flatten();
        Facts {
            projects: projects.map(|project| project.as_str().to_owned()).collect(),
            ..facts(line.id.as_str(), line)
        }
    }

    fn organization(&self, line: &Line<OrganizationId>) -> OpenFacts {
        Facts { members: self.sorted.members.get(&line.id).map_or(0, Vec::len), ..facts(line.id.as_str(), line) }
    }

    /// The organizations of these customers, each once.
    async fn organizations(&self, customers: &[&Line<AccountId>]) -> Result<HashMap<OrganizationId, Arc<OpenFacts>>> {
        let ids: BTreeSet<&OrganizationId> =
            customers.iter().filter_map(|line| self.sorted.memberships.get(&line.id)).flatten().collect();
        let places = ids.into_iter().filter_map(|id| self.sorted.organization(id));
        let lines: Vec<_> = places.filter_map(|place| self.sorted.organizations.get(place)).collect();
        let wanted = Wanted {
            values: &self.reads.organizations,
            history: &self.reads.organizations_history,
            updated: self.reads.organizations_updated,
            entitlements: self.reads.organizations_entitlements,
        };
        let mut found = HashMap::new();
        for some in lines.chunks(AT_ONCE) {
            let owned =
                some.iter().map(|line| (Owner::Organization(line.id.clone()), self.organization(line))).collect();
            let filled = self.fill(owned, &wanted).await?;
            found.extend(some.iter().zip(filled).map(|(line, facts)| (line.id.clone(), Arc::new(facts))));
        }
        Ok(found)
    }

    /// Reads and opens what is wanted of these owners' values.
    async fn fill(&self, mut owned: Vec<(Owner, OpenFacts)>, wanted: &Wanted<'_>) -> Result<Vec<OpenFacts>> {
        if !wanted.values.is_empty() || wanted.updated {
            let owners: Vec<Owner> = owned.iter().map(|(owner, _)| owner.clone()).collect();
            let sealed = sql::value_list_of(&mut self.room.shared.store.read(self.cx).await?, &owners).await?;
            let mut by_owner: BTreeMap<String, Vec<sql::SealedValue>> = BTreeMap::new();
            for (owner, value) in sealed {
                by_owner.entry(owner).or_default().push(value);
            }
            let has = |owner: &Owner| {
                let values = by_owner.get(owner.id()).into_iter().flatten();
                values.into_iter().any(|value| wanted.values.contains(&value.field))
            };
            let opened: Vec<&Owner> = owners.iter().filter(|owner| has(owner)).collect();
            let keys = access::keys_of_owners(self.cx, self.room, &opened).await?;
            for (owner, facts) in &mut owned {
                let values = by_owner.remove(owner.id()).unwrap_or_default();
                facts.updated = values.iter().map(|value| value.updated_at).max();
                let Some((_, keys)) = keys.get(owner.id()) else { continue };
                for value in values.into_iter().filter(|value| wanted.values.contains(&value.field)) {
                    let opened = self.turned.value(values::open_value(keys, owner, value)?);
                    facts.values.insert(opened.field, opened.value);
                }
            }
        }
        if wanted.entitlements {
            let organizations = owned.iter().filter_map(|(owner, _)| match owner {
                Owner::Organization(id) => Some(id),
                Owner::Customer(_) => None,
            });
            let mut found = entitlements::entitled(self.cx, self.room, &organizations.collect::<Vec<_>>()).await?;
            for (owner, facts) in &mut owned {
                facts.entitlements = found.remove(owner.id()).unwrap_or_default();
            }
        }
        for field in wanted.history {
            for (owner, facts) in &mut owned {
                facts.history.insert(*field, self.history(owner, *field).await?);
            }
        }
        Ok(owned.into_iter().map(|(_, facts)| facts).collect())
    }

    /// The changes of a field, oldest first.
    async fn history(&self, owner: &Owner, field: FieldId) -> Result<Vec<Past<Open<Change>>>> {
        let mut changes = Vec::new();
        let mut before = i64::MAX;
        while changes.len() < CHANGES {
            let mut scoped = self.room.shared.store.read(self.cx).await?;
            let page = sql::history_list(&mut scoped, owner, Some(field), before, CHANGES_PAGE).await?;
            let full = page.len() == CHANGES_PAGE as usize;
            if page.is_empty() {
                break;
            }
            let keys = access::owner_keys(self.cx, self.room, owner).await?;
            for entry in page {
                before = entry.id;
                let Some(entry) = history::open_unless_erased(&keys, owner, entry)? else { continue };
                let entry = self.turned.change(entry);
                changes.push(Past { at: entry.at, by: entry.by.stored(), change: entry.change });
            }
            if !full {
                break;
            }
        }
        changes.reverse();
        Ok(changes)
    }
}

pub(crate) fn facts<I>(id: &str, line: &Line<I>) -> OpenFacts {
    Facts {
        id: id.to_owned(),
        name: line.name.clone(),
        email: line.email.clone(),
        active: line.active,
        merged: line.merged,
        time_zone: line.time_zone.clone(),
        projects: Vec::new(),
        members: 0,
        updated: None,
        entitlements: Vec::new(),
        values: BTreeMap::new(),
        history: BTreeMap::new(),
    }
}
