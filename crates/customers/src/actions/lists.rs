//! Lists of customers and organizations: those that a query means, in its order, a page at a time.
//!
//! Records are looked at some at a time, and of those that match no more are held than a page has. A cursor is the id
//! of the last record seen: what follows is what stands behind that record now.

use std::collections::BinaryHeap;

use kernel::{Cx, Fault, Result};

use crate::Room;
use crate::actions::directory::{self, CustomerRecord, OrganizationRecord, Sorted};
use crate::actions::records::{AT_ONCE, Reader};
use crate::model::Entity;
use crate::query::evaluate::Keys;
use crate::query::typed::{Reads, Typed};

/// What a list is asked for.
pub(crate) struct Asked {
    pub(crate) typed: Typed,
    /// Parts of a name or address; each must be there.
    pub(crate) search: Vec<String>,
}

/// Finds records of one entity.
pub(crate) struct Finder<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) room: &'a Room,
    pub(crate) sorted: &'a Sorted,
    pub(crate) entity: Entity,
    pub(crate) asked: &'a Asked,
}

impl Finder<'_> {
    fn len(&self) -> usize {
        match self.entity {
            Entity::Customer => self.sorted.customers.len(),
            Entity::Organization => self.sorted.organizations.len(),
        }
    }

    /// The id at a place of the directory.
    pub(crate) fn id(&self, place: usize) -> Option<&str> {
        match self.entity {
            Entity::Customer => self.sorted.customers.get(place).map(|line| line.id.as_str()),
            Entity::Organization => self.sorted.organizations.get(place).map(|line| line.id.as_str()),
        }
    }

    fn is_searched(&self, place: usize) -> bool {
        let text = match self.entity {
            Entity::Customer => self.sorted.customers.get(place).map(|line| &line.search),
            Entity::Organization => self.sorted.organizations.get(place).map(|line| &line.search),
        };
        text.is_some_and(|text| self.asked.search.iter().all(|part| text.contains(part)))
    }

    fn reader<'r>(&'r self, reads: &'r Reads) -> Reader<'r> {
        Reader { cx: self.cx, room: self.room, sorted: self.sorted, entity: self.entity, reads }
    }

    /// The places of up to `limit` records behind the one that `cursor` names, and where to go on.
    async fn page(&self, cursor: Option<&str>, limit: usize) -> Result<(Vec<usize>, Option<String>)> {
        let after = cursor.map(|cursor| self.place_of(cursor)).transpose()?;
        let mut found = if self.asked.typed.order.is_empty() {
            self.first(after.map_or(0, |place| place + 1), limit + 1).await?
        } else {
            self.lowest(after, limit + 1).await?
        };
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).and_then(|place| self.id(*place)).map(str::to_owned);
        Ok((found, next))
    }

    fn place_of(&self, cursor: &str) -> Result<usize> {
        (0..self.len()).find(|place| self.id(*place) == Some(cursor)).ok_or_else(|| {
            Fault::invalid_field("/cursor", "expired", "The list changed. Start again without a cursor.")
        })
    }

    /// The first records that match, in the directory's own order.
    pub(crate) async fn first(&self, from: usize, limit: usize) -> Result<Vec<usize>> {
        let mut candidates = (from..self.len()).filter(|place| self.is_searched(*place));
        if self.asked.typed.filter.is_none() {
            return Ok(candidates.take(limit).collect());
        }
        let reads = self.asked.typed.reads();
        let reader = self.reader(&reads);
        let mut found = Vec::new();
        while found.len() < limit {
            let some: Vec<usize> = candidates.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            let records = reader.read(&some).await?;
            let matching = some.iter().zip(&records).filter(|(_, record)| self.asked.typed.matches(record));
            found.extend(matching.map(|(place, _)| *place));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The records that match and stand lowest in the query's order, behind `after`. All are looked at; `limit` are
    /// held.
    pub(crate) async fn lowest(&self, after: Option<usize>, limit: usize) -> Result<Vec<usize>> {
        let reads = self.asked.typed.reads();
        let reader = self.reader(&reads);
        let behind: Option<(Keys, usize)> = match after {
            None => None,
            Some(place) => reader.read(&[place]).await?.first().map(|record| (self.asked.typed.keys(record), place)),
        };
        let mut candidates = (0..self.len()).filter(|place| self.is_searched(*place));
        let mut lowest: BinaryHeap<(Keys, usize)> = BinaryHeap::new();
        loop {
            let some: Vec<usize> = candidates.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            for (record, place) in reader.read(&some).await?.iter().zip(some) {
                if !self.asked.typed.matches(record) {
                    continue;
                }
                let entry = (self.asked.typed.keys(record), place);
                if behind.as_ref().is_some_and(|behind| entry <= *behind) {
                    continue;
                }
                lowest.push(entry);
                if lowest.len() > limit {
                    lowest.pop();
                }
            }
        }
        Ok(lowest.into_sorted_vec().into_iter().map(|(_, place)| place).collect())
    }
}

/// Customers that are asked for.
pub(crate) async fn list_customers(
    cx: &Cx,
    room: &Room,
    asked: &Asked,
    cursor: Option<&str>,
    limit: u32,
) -> Result<(Vec<CustomerRecord>, Option<String>)> {
    let sorted = directory::sorted(cx, room).await?;
    let finder = Finder { cx, room, sorted: &sorted, entity: Entity::Customer, asked };
    let (places, next) = finder.page(cursor, limit as usize).await?;
    let accounts: Vec<_> =
        places.iter().filter_map(|place| sorted.customers.get(*place)).map(|line| line.id.clone()).collect();
    Ok((directory::records(cx, room, &sorted, &accounts).await?, next))
}

/// Organizations that are asked for.
pub(crate) async fn list_organizations(
    cx: &Cx,
    room: &Room,
    asked: &Asked,
    cursor: Option<&str>,
    limit: u32,
) -> Result<(Vec<OrganizationRecord>, Option<String>)> {
    let sorted = directory::sorted(cx, room).await?;
    let finder = Finder { cx, room, sorted: &sorted, entity: Entity::Organization, asked };
    let (places, next) = finder.page(cursor, limit as usize).await?;
    let mut records = Vec::with_capacity(places.len());
    for line in places.iter().filter_map(|place| sorted.organizations.get(*place)) {
        if let Some(name) = directory::organization_name(cx, room, &line.id).await? {
            records.push(OrganizationRecord {
                member_count: sorted.members.get(&line.id).map_or(0, Vec::len),
                id: line.id.clone(),
                name,
                counts: None,
                members: None,
            });
        }
    }
    Ok((records, next))
}
