//! Staged rows, page by page: what would change and did, and what was refused and why; and how those they are about are called.

use std::collections::BTreeMap;

use kernel::{AccountId, Cx, OrganizationId, Result};
use vault::Exit;
use zeroize::Zeroizing;

use super::staged;
use crate::Room;
use crate::actions::directory;
use crate::imports::plan::{Outcome, PlannedRow};
use crate::model::{Entity, ImportId};
use crate::sql;

/// Pages whose counts are looked at in one statement.
const COUNTS_AT_ONCE: u32 = 500;

/// Where a reading of the report goes on: a page, and how many rows of it were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) page: i64,
    pub(crate) row: usize,
}

impl Place {
    /// From a cursor.
    pub(crate) fn parse(cursor: &str) -> Option<Self> {
        let (page, row) = cursor.split_once('.')?;
        Some(Self { page: page.parse().ok().filter(|page| *page >= 0)?, row: row.parse().ok()? })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.page, self.row)
    }
}

/// Rows that were staged. They lie under the tenant's keys, and some of them say what people's values are: they are looked
/// at through an exit, which notes whose.
pub(crate) struct StagedRows {
    entity: Entity,
    rows: Zeroizing<Vec<PlannedRow>>,
}

impl StagedRows {
    /// Whose they are.
    pub(crate) fn owners(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(|row| row.owner.as_deref())
    }

    /// Lets them go out.
    pub(crate) fn release<'r>(&'r self, exit: &'r Exit) -> impl Iterator<Item = &'r PlannedRow> {
        self.rows.iter().inspect(|row| {
            let owner = row.owner.as_deref().filter(|_| self.entity == Entity::Customer && !row.changes.is_empty());
            if let Some(account) = owner.and_then(|owner| AccountId::new(owner).ok()) {
                exit.shows(&account);
            }
        })
    }
}

/// The rows of a batch about these, of whoever may see them.
pub(crate) async fn staged_rows(
    cx: &Cx,
    room: &Room,
    (entity, id): (Entity, ImportId),
    outcome: Option<Outcome>,
    place: Place,
    limit: usize,
) -> Result<(StagedRows, Option<Place>)> {
    let (found, next) = planned_rows(cx, room, id, outcome, place, limit).await?;
    Ok((StagedRows { entity, rows: found }, next))
}

async fn planned_rows(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    outcome: Option<Outcome>,
    mut place: Place,
    limit: usize,
) -> Result<(Zeroizing<Vec<PlannedRow>>, Option<Place>)> {
    let mut found = Zeroizing::new(Vec::new());
    loop {
        let counts =
            sql::import_page_counts(&mut room.shared.store.read(cx).await?, id, place.page, COUNTS_AT_ONCE).await?;
        let Some((last, _)) = counts.last().copied() else { return Ok((found, None)) };
        let wanted = counts.into_iter().filter(|(_, counts)| outcome.map_or(counts.total(), |one| counts.of(one)) > 0);
        for (number, _) in wanted {
            let skip = if number == place.page { place.row } else { 0 };
            let Some((rows, _)) = staged::page(cx, room, id, number).await? else { continue };
            for (at, row) in rows.iter().enumerate().skip(skip) {
                if outcome.is_some_and(|one| one != row.outcome) {
                    continue;
                }
                if found.len() == limit {
                    return Ok((found, Some(Place { page: number, row: at })));
                }
                found.push(row.clone());
            }
        }
        place = Place { page: last + 1, row: 0 };
    }
}

/// How owners are called.
pub(crate) type Called = BTreeMap<String, String>;

pub(crate) async fn called<'i>(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    ids: impl Iterator<Item = &'i str>,
) -> Result<Called> {
    let mut called = Called::new();
    match entity {
        Entity::Customer => {
            let accounts: Vec<AccountId> = ids.filter_map(|id| AccountId::new(id).ok()).collect();
            let names = directory::names(cx, room, &accounts).await?;
            called.extend(names.iter().map(|(account, name)| (account.to_string(), name.peek().name.clone())));
        }
        Entity::Organization => {
            for id in ids.filter_map(|id| OrganizationId::new(id).ok()) {
                if let Some(name) = directory::organization_name(cx, room, &id).await? {
                    called.insert(id.as_str().to_owned(), name.peek().clone());
                }
            }
        }
    }
    Ok(called)
}
