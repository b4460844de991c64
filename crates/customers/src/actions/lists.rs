//! Lists of customers and organizations: those that a query means, in its order, a page at a time.
//!
//! Records are looked at some at a time, and of those that match no more are held than a page has; of a query that
//! orders, the order is (`order`). A cursor is the id of the last record seen: what follows is what stands behind that
//! record now.

mod order;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{AccountId, Cx, Fault, FieldFault, OrganizationId, Result};

use crate::Room;
use crate::actions::directory::{self, CustomerRecord, OrganizationRecord, Sorted};
use crate::actions::records::{AT_ONCE, Reader};
use crate::actions::turned::Turned;
use crate::actions::{entitlements, search};
use crate::model::Entity;
use crate::query::typed::{Reads, Typed};

pub(crate) use order::{Orders, orders};

/// What a list is asked for.
pub(crate) struct Asked {
    pub(crate) typed: Typed,
    /// The query that it means, in one spelling; empty: everything.
    pub(crate) written: String,
    /// Each must be there: as part of a name or address, or as words of any field, the last of them perhaps begun.
    pub(crate) search: Vec<String>,
}

/// Finds records of one entity.
pub(crate) struct Finder<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) room: &'a Room,
    pub(crate) sorted: &'a Arc<Sorted>,
    pub(crate) entity: Entity,
    pub(crate) asked: &'a Asked,
    narrowed: Narrowed,
    turned: Turned,
}

/// What an index leaves to be looked at.
#[derive(Default)]
struct Narrowed {
    /// Places, in order; none: all.
    places: Option<Vec<usize>>,
    /// All of them are meant.
    exact: bool,
    /// Places that have the words which are searched, besides those whose name or address has them in its middle.
    searched: BTreeSet<usize>,
}

impl<'a> Finder<'a> {
    /// Narrowed by the index, where there is one.
    pub(crate) async fn new(
        cx: &'a Cx,
        room: &'a Room,
        sorted: &'a Arc<Sorted>,
        entity: Entity,
        asked: &'a Asked,
    ) -> Result<Self> {
        let mut narrowed = Narrowed::default();
        if (asked.typed.filter.is_some() || !asked.search.is_empty())
            && let Some(ready) = search::ready(cx, room, sorted).await?
        {
            if let Some((places, exact)) = search::places_meant(&ready, sorted, entity, &asked.typed)? {
                narrowed = Narrowed { places: Some(places), exact, searched: BTreeSet::new() };
            }
            if !asked.search.is_empty() {
                narrowed.searched = search::places_of(cx, room, &ready, entity, &asked.search).await?;
            }
        }
        Ok(Self { cx, room, sorted, entity, asked, narrowed, turned: Turned::of_all(cx, room).await? })
    }

    /// Places from `from` on that may be meant, in order.
    fn candidates(&self, from: usize) -> impl Iterator<Item = usize> {
        let all = self.narrowed.places.is_none().then(|| from..self.len()).into_iter().flatten();
        let places = self.narrowed.places.as_deref().unwrap_or_default();
        let narrowed = places.iter().skip(places.partition_point(|place| *place < from)).copied();
        all.chain(narrowed).filter(|place| self.is_searched(*place))
    }

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
        let merged =
            self.entity == Entity::Customer && self.sorted.customers.get(place).is_some_and(|line| line.merged);
        if merged && !self.asked.typed.asks_of_merged() {
            return false;
        }
        let text = match self.entity {
            Entity::Customer => self.sorted.customers.get(place).map(|line| &line.search),
            Entity::Organization => self.sorted.organizations.get(place).map(|line| &line.search),
        };
        text.is_some_and(|text| self.asked.search.iter().all(|part| text.contains(part)))
            || self.narrowed.searched.contains(&place)
    }

    /// How many records match, where that is known without looking at each.
    fn total(&self) -> Option<usize> {
        match (&self.asked.typed.filter, self.asked.search.is_empty(), self.narrowed.places.is_some()) {
            (None, true, false) => Some(self.len()),
            (filter, ..) => (filter.is_none() || self.narrowed.exact).then(|| self.candidates(0).count()),
        }
    }

    /// Whether the index left all records to be looked at, or more than one page's look is.
    fn looks_through(&self) -> bool {
        self.asked.typed.filter.is_some()
            && (self.narrowed.places.is_none()
                || (!self.narrowed.exact && self.has_more_than(self.room.limits.looked_at)))
    }

    fn has_more_than(&self, many: usize) -> bool {
        self.candidates(0).nth(many).is_some()
    }

    fn reader<'r>(&'r self, reads: &'r Reads) -> Reader<'r> {
        let (cx, room, sorted, entity) = (self.cx, self.room, self.sorted, self.entity);
        Reader { cx, room, sorted, entity, reads, turned: &self.turned }
    }

    /// The places of up to `limit` records behind the one that `cursor` names, and where to go on.
    async fn page(&self, cursor: Option<&str>, limit: usize) -> Result<(Vec<usize>, Option<String>)> {
        let after = cursor.map(|cursor| self.place_of(cursor)).transpose()?;
        let (mut found, stopped) = if self.asked.typed.order.is_empty() {
            self.look(after.map_or(0, |place| place + 1), limit + 1, self.room.limits.looked_at).await?
        } else {
            (self.lowest(after, limit + 1).await?, None)
        };
        let more = found.len() > limit;
        found.truncate(limit);
        let next = if more { found.last().copied() } else { stopped };
        Ok((found, next.and_then(|place| self.id(place)).map(str::to_owned)))
    }

    fn place_of(&self, cursor: &str) -> Result<usize> {
        let place = match self.entity {
            Entity::Customer => AccountId::new(cursor).ok().and_then(|id| self.sorted.customer(&id)),
            Entity::Organization => OrganizationId::new(cursor).ok().and_then(|id| self.sorted.organization(&id)),
        };
        place.ok_or_else(|| {
            Fault::invalid_field("/cursor", "expired", "The list changed. Start again without a cursor.")
        })
    }

    /// The first records that match, in the directory's own order.
    pub(crate) async fn first(&self, from: usize, limit: usize) -> Result<Vec<usize>> {
        Ok(self.look(from, limit, usize::MAX).await?.0)
    }

    /// The same, among so many that are looked at; and the last of these, where there are more to be looked at.
    async fn look(&self, from: usize, limit: usize, most: usize) -> Result<(Vec<usize>, Option<usize>)> {
        let mut candidates = self.candidates(from);
        if self.asked.typed.filter.is_none() || self.narrowed.exact {
            return Ok((candidates.take(limit).collect(), None));
        }
        let reads = self.asked.typed.reads();
        let reader = self.reader(&reads);
        let (mut found, mut looked) = (Vec::new(), 0);
        while found.len() < limit {
            let some: Vec<usize> = candidates.by_ref().take(AT_ONCE.min(most - looked)).collect();
            let Some(last) = some.last().copied() else { break };
            let records = reader.read(&some).await?;
            let matching = some.iter().zip(&records).filter(|(_, record)| self.asked.typed.matches(record));
            found.extend(matching.map(|(place, _)| *place));
            looked += some.len();
            if looked >= most && found.len() < limit {
                return Ok((found, candidates.next().map(|_| last)));
            }
        }
        found.truncate(limit);
        Ok((found, None))
    }

    /// The records that match, in the query's order, behind the one at `after`.
    pub(crate) async fn lowest(&self, after: Option<usize>, limit: usize) -> Result<Vec<usize>> {
        let most = self.room.limits.ordered_by_history;
        if self.asked.typed.reads().has_history() && self.has_more_than(most) {
            let detail = format!(
                "The histories of more than {most} records would have to be read to put them in order. Leave ORDER BY away, or \
                 narrow the query by what fields say now."
            );
            return Err(Fault::invalid_fields(vec![FieldFault {
                pointer: "/query".to_owned(),
                code: "too_many_to_order",
                detail,
                limit: Some(most as u64),
            }]));
        }
        order::behind(self, after, limit).await
    }
}

/// A page of records, and what is known of the whole.
pub(crate) struct Listed<T> {
    pub(crate) records: Vec<T>,
    /// Where to go on; none at the end.
    pub(crate) next: Option<String>,
    /// Whether they were looked at one by one.
    pub(crate) looked_through: bool,
    /// How many there are, where that is known without looking at each; told with the first page.
    pub(crate) total: Option<usize>,
}

/// Customers that are asked for.
pub(crate) async fn list_customers(
    cx: &Cx,
    room: &Room,
    asked: &Asked,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Listed<CustomerRecord>> {
    let sorted = directory::sorted(cx, room).await?;
    let finder = Finder::new(cx, room, &sorted, Entity::Customer, asked).await?;
    let (places, next) = finder.page(cursor, limit as usize).await?;
    let accounts: Vec<_> =
        places.iter().filter_map(|place| sorted.customers.get(*place)).map(|line| line.id.clone()).collect();
    Ok(Listed {
        records: directory::records(cx, room, &sorted, &accounts).await?,
        next,
        looked_through: finder.looks_through(),
        total: cursor.is_none().then(|| finder.total()).flatten(),
    })
}

/// The same of organizations.
pub(crate) async fn list_organizations(
    cx: &Cx,
    room: &Room,
    asked: &Asked,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Listed<OrganizationRecord>> {
    let sorted = directory::sorted(cx, room).await?;
    let finder = Finder::new(cx, room, &sorted, Entity::Organization, asked).await?;
    let (places, next) = finder.page(cursor, limit as usize).await?;
    let lines: Vec<_> = places.iter().filter_map(|place| sorted.organizations.get(*place)).collect();
    let mut entitled = HashMap::new();
    for some in lines.chunks(AT_ONCE) {
        let ids: Vec<_> = some.iter().map(|line| &line.id).collect();
        entitled.extend(entitlements::open_of(cx, room, &ids).await?);
    }
    let records = lines.into_iter().filter_map(|line| {
        Some(OrganizationRecord {
            member_count: sorted.members.get(&line.id).map_or(0, Vec::len),
            name: sorted.organization_name(&line.id)?,
            id: line.id.clone(),
            counts: None,
            members: None,
            entitlements: entitled.remove(line.id.as_str()).unwrap_or_default(),
        })
    });
    Ok(Listed {
        records: records.collect(),
        next,
        looked_through: finder.looks_through(),
        total: cursor.is_none().then(|| finder.total()).flatten(),
    })
}
