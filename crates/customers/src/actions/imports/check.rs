//! The dry run: reads the file from its beginning, and writes down, page by page, what each row would change. A slice of
//! it goes through the pages that are there, by their count, and on from there.

use std::collections::BTreeMap;

use kernel::{AccountId, Cx, Fault, KeyClass, Result};
use store::changes;
use vault::{Keys, Subject};
use zeroize::Zeroizing;

use super::seeking::Seeker;
use super::who::{self, Who, Whose};
use super::{known, making};
use crate::Room;
use crate::actions::batches::{plan_place, same_plan, save, staged, standing, stop};
use crate::actions::directory::{self, Names};
use crate::actions::fields::{self, OpenField};
use crate::actions::turned::Turned;
use crate::actions::{access, merges};
use crate::imports::mapping::{self, Mapping, Target};
use crate::imports::plan::{self, Mapped, Newcomer, Outcome, PlannedRow, Refusal, Standing};
use crate::imports::text::{self, RawRow, Rows};
use crate::model::{Entity, FieldId, FieldType, ImportId, ImportState, Owner, Value};
use crate::sql::{self, SealedImport};

/// Rows of one page of the plan, which is one transaction of the run: a fraction of a second.
const PAGE_ROWS: usize = 500;
/// Bytes of cells that fill a page before that.
const PAGE_BYTES: usize = 262_144;
/// Pages of one slice of the job.
const PAGES_A_SLICE: usize = 100;

/// What is the same for all rows of a slice.
struct Slice<'a> {
    cx: &'a Cx,
    room: &'a Room,
    id: ImportId,
    entity: Entity,
    seen: &'a SealedImport,
    keys: Keys,
    hashes: Keys,
    mapping: Mapping,
    fields: BTreeMap<FieldId, Mapped>,
    turned: Turned,
    who: Who<'a>,
    seeker: Seeker<'a>,
    width: usize,
}

/// What came of a page.
enum Page {
    Laid,
    /// The next slice goes on with it.
    More,
    /// The import goes another way by now.
    Stopped,
}

/// A row that was read, on its way to its plan.
struct Read {
    row: PlannedRow,
    cells: Vec<String>,
    owner: Option<Owner>,
}

/// One slice; true when there is more.
pub(crate) async fn slice(cx: &Cx, room: &Room, import: SealedImport) -> Result<bool> {
    let id = import.id;
    let keys = access::tenant_keys(cx, room).await?;
    let Some(sealed) = &import.plan else { return Ok(false) };
    let plan = keys.open(&plan_place(id), sealed)?;
    let all = fields::all(cx, room).await?;
    let settings = &plan.peek().settings;
    let width = plan.peek().headers.len();
    let Ok(mapping) = mapping::check(settings, width, import.entity, &known(&all, import.entity)) else {
        stop(cx, room, id, ImportState::Checking, ImportState::Uploading, "fields_changed").await?;
        return Ok(false);
    };
    let head = staged::head(cx, room, &keys, id).await?;
    let dialect = text::detect(&head, import.utf8, settings.encoding, settings.delimiter);
    let turned = Turned::of(&all);
    let fields = mapped(&mapping, all);
    let sorted = match by_names(&mapping, &fields) {
        true => Some(directory::sorted(cx, room).await?),
        false => None,
    };
    let hashes = room.shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    let slice = Slice {
        cx,
        room,
        id,
        seeker: Seeker::of(cx, room, &import, hashes.clone()).await?,
        hashes,
        fields,
        turned,
        entity: import.entity,
        seen: &import,
        who: Who::of(sorted.as_deref(), import.entity),
        mapping,
        keys,
        width,
    };
    slice.read(Rows::new(dialect)).await
}

fn mapped(mapping: &Mapping, all: Vec<OpenField>) -> BTreeMap<FieldId, Mapped> {
    all.into_iter()
        .filter(|field| mapping.targets.contains(&Target::Field(field.id)))
        .map(|field| (field.id, Mapped { kind: field.kind, required: field.required, body: field.body.peek().clone() }))
        .collect()
}

/// Whether somebody is looked for by address or name.
fn by_names(mapping: &Mapping, fields: &BTreeMap<FieldId, Mapped>) -> bool {
    mapping.targets.iter().any(|target| matches!(target, Target::Email | Target::Name))
        || fields.values().any(|field| field.kind == FieldType::User)
}

impl Slice<'_> {
    async fn read(&self, mut rows: Rows) -> Result<bool> {
        let import = self.seen;
        let (mut seen, mut pages, mut bytes) = (0, 0, 0);
        let mut cursor = import.cursor;
        let mut pieces = staged::Pieces::new(self.cx, self.room, &self.keys, self.id);
        let mut batch: Vec<RawRow> = Vec::new();
        let mut size = 0;
        loop {
            let some = pieces.next().await?;
            let last = some.is_empty();
            let mut found = Vec::new();
            for piece in &some {
                bytes += i64::try_from(piece.len()).map_err(|error| Fault::broken("customers_import", error))?;
                rows.push(piece, false, &mut found);
            }
            if last {
                rows.push(&[], true, &mut found);
            }
            for raw in found {
                seen += 1;
                // The header, and what an earlier slice has done.
                if seen == 1 || seen <= cursor {
                    continue;
                }
                if seen > self.room.limits.import_rows + 1 {
                    return self.give_up("too_many_rows").await;
                }
                size += raw.cells.iter().flatten().map(String::len).sum::<usize>();
                batch.push(raw);
                if batch.len() == PAGE_ROWS || size >= PAGE_BYTES {
                    size = 0;
                    match self.page(std::mem::take(&mut batch), &mut cursor, seen, false).await? {
                        Page::Laid => {}
                        Page::More => return Ok(true),
                        Page::Stopped => return Ok(false),
                    }
                    pages += 1;
                    if pages == PAGES_A_SLICE {
                        return Ok(true);
                    }
                }
            }
            if last {
                break;
            }
        }
        if bytes != import.bytes {
            // It was swept: the file is older than a file may be.
            return self.give_up("file_gone").await;
        }
        Ok(matches!(self.page(batch, &mut cursor, seen, true).await?, Page::More))
    }

    /// Ends the import for a reason that its page explains; what is left to do is to drop the file.
    async fn give_up(&self, why: &'static str) -> Result<bool> {
        let (from, to) = (ImportState::Checking, ImportState::Cancelled);
        stop(self.cx, self.room, self.id, from, to, why).await?;
        Ok(true)
    }

    /// Plans a page's rows and writes the plan down.
    async fn page(&self, raw: Vec<RawRow>, cursor: &mut i64, seen: i64, end: bool) -> Result<Page> {
        let first = seen - i64::try_from(raw.len()).map_err(|error| Fault::broken("customers_import", error))?;
        let Some(mut read) = self.owners(raw, first).await? else { return Ok(Page::More) };
        if !self.plan(&mut read).await? {
            return Ok(Page::More);
        }
        let Some(before) = sql::import_get(&mut self.room.shared.store.read(self.cx).await?, self.id).await? else {
            return Ok(Page::Stopped);
        };
        let first_of = self.first_rows(&mut read).await?;
        let rows = Zeroizing::new(read.into_iter().map(|read| read.row).collect::<Vec<_>>());
        let page = (self.id, before.pages);
        let laid = match rows.is_empty() {
            true => None,
            false => Some(staged::lay_page(self.cx, self.room, &self.keys, page, &rows).await?),
        };
        let mut scoped = self.room.shared.store.write(self.cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut import) = sql::import_get(&mut scoped, self.id).await? else { return Ok(Page::Stopped) };
        if import.state != ImportState::Checking || import.cursor != *cursor || import.pages != before.pages {
            return Ok(Page::Stopped);
        }
        same_plan(self.seen, &import)?;
        if !sql::import_owners_put(&mut scoped, self.id, &first_of, self.cx.now()).await? {
            return Err(Fault::busy("import_elsewhere", "Another node goes on with this import.", None));
        }
        if let Some(laid) = laid {
            staged::put_page(&mut scoped, page, laid, self.cx.now()).await?;
            import.pages += 1;
        }
        for row in rows.iter() {
            import.counts.add(row.outcome, 1);
        }
        import.cursor = seen;
        if end {
            import.state = ImportState::Checked;
        }
        save(&mut scoped, self.cx, import).await?;
        scoped.commit().await?;
        *cursor = seen;
        Ok(Page::Laid)
    }

    /// Of the owners of these rows those that no row was about before, with the line that is. A row about one who was in the
    /// file before says the same, or is refused.
    async fn first_rows(&self, read: &mut [Read]) -> Result<BTreeMap<String, (i64, Vec<u8>)>> {
        let about = |read: &Read| match (&read.owner, &read.row.newcomer) {
            _ if read.row.outcome == Outcome::Refused => Ok(None),
            (Some(owner), _) => Ok(Some(owner.id().to_owned())),
            (None, Some(newcomer)) => self.key_of(newcomer).map(Some),
            (None, None) => Ok(None),
        };
        let about = read.iter().map(about).collect::<Result<Vec<Option<String>>>>()?;
        let owners: Vec<&str> = about.iter().flatten().map(String::as_str).collect();
        let mut scoped = self.room.shared.store.read(self.cx).await?;
        let earlier = sql::import_owner_list_of(&mut scoped, self.id, &owners).await?;
        drop(scoped);
        let mut first_of: BTreeMap<String, (i64, Vec<u8>)> = BTreeMap::new();
        for (Read { row, cells, .. }, owner) in read.iter_mut().zip(about) {
            let Some(owner) = owner else { continue };
            let digest = self.digest(cells)?;
            match first_of.get(&owner).or_else(|| earlier.get(&owner)) {
                None => {
                    let line = i64::try_from(row.line).unwrap_or(i64::MAX);
                    first_of.insert(owner, (line, digest.to_vec()));
                }
                Some((_, same)) if *same == digest => {
                    row.changes.clear();
                    row.newcomer = None;
                    row.outcome = Outcome::Unchanged;
                }
                Some((line, _)) => row.refuse(Refusal::of_row(
                    "not_unique",
                    format!("Line {line} is about the same one and says something else. Leave one of the two."),
                )),
            }
        }
        Ok(first_of)
    }

    /// Whom each row is about. Rows that say nothing at all are left out. None: the next slice goes on looking for people.
    async fn owners(&self, raw: Vec<RawRow>, first: i64) -> Result<Option<Vec<Read>>> {
        let cells: Vec<_> = raw.iter().filter_map(|raw| plan::cells_of(raw, self.width).ok()).collect();
        let ids = who::known_ids(self.cx, self.room, self.entity, &self.mapping, &cells).await?;
        if !self.seeker.seek(self.who.strange_addresses(&self.mapping, &cells, &self.seeker)).await? {
            return Ok(None);
        }
        let mut read = Vec::with_capacity(raw.len());
        // The header is the first row of the file, and no row of the import.
        for (number, raw) in (first..).zip(raw) {
            if plan::is_blank(&raw) {
                continue;
            }
            let mut row = PlannedRow { row: number, line: raw.line, ..PlannedRow::default() };
            let mut owner = None;
            match plan::cells_of(&raw, self.width) {
                Ok(cells) => {
                    let (named, found) = self.who.owner(&self.mapping, cells, &ids, &self.seeker);
                    row.named = named;
                    match found {
                        Ok(Whose::Known(found)) => {
                            row.owner = Some(found.id().to_owned());
                            owner = Some(found);
                        }
                        Ok(Whose::New(newcomer)) => row.newcomer = Some(newcomer),
                        Err(refusal) => row.refuse(refusal),
                    }
                }
                Err(refusal) => row.refuse(refusal),
            }
            read.push(Read { row, cells: raw.cells.unwrap_or_default(), owner });
        }
        self.refuse_merged(&mut read).await?;
        Ok(Some(read))
    }

    /// Rows about somebody who was merged say where they went.
    async fn refuse_merged(&self, read: &mut [Read]) -> Result<()> {
        let owners: Vec<Owner> = read.iter().filter_map(|read| read.owner.clone()).collect();
        let merged = sql::merged_of(&mut self.room.shared.store.read(self.cx).await?, &owners).await?;
        for Read { row, owner, .. } in read {
            if let Some(kept) = owner.as_ref().and_then(|owner| merged.get(owner.id())) {
                row.refuse(Refusal::of_row("merged", merges::moved(kept)));
                *owner = None;
            }
        }
        Ok(())
    }

    /// What each row would change of what stands. False: the next slice goes on looking for people.
    async fn plan(&self, read: &mut [Read]) -> Result<bool> {
        let owners: Vec<Owner> = read.iter().filter_map(|read| read.owner.clone()).collect();
        let standing =
            standing::read(self.cx, self.room, &owners, &self.turned, |id| self.fields.contains_key(&id)).await?;
        let people = self.people(read, &standing).await?;
        let called = |account: &str| {
            let account = AccountId::new(account).ok()?;
            people.get(&account).map(|name| name.peek().name.clone())
        };
        let nothing = Standing::default();
        let standing_of = |owner: Option<&Owner>, is_new: bool| match owner {
            Some(owner) => Some(standing.get(owner.id()).unwrap_or(&nothing)),
            None => is_new.then_some(&nothing),
        };
        let mut strange = Vec::new();
        for Read { row, cells, owner } in read.iter() {
            let Some(standing) = standing_of(owner.as_ref(), row.newcomer.is_some()) else { continue };
            let named = plan::people_named(cells, &self.mapping, &self.fields, standing, &called);
            strange.extend(named.into_iter().filter(|text| self.who.is_strange(text, &people)));
        }
        if !self.seeker.seek(strange).await? {
            return Ok(false);
        }
        for Read { row, cells, owner } in read {
            let Some(standing) = standing_of(owner.as_ref(), row.newcomer.is_some()) else { continue };
            let means = |text: &str| self.who.person(text, &people, &self.seeker);
            plan::plan_values(row, cells, &self.mapping, &self.fields, standing, (&means, &called));
        }
        Ok(true)
    }

    /// The people whom cells of user fields name by their accounts, and those whom values name now.
    async fn people(&self, read: &[Read], standing: &BTreeMap<String, Standing>) -> Result<Names> {
        let is_user = |id: &FieldId| self.fields.get(id).is_some_and(|field| field.kind == FieldType::User);
        let mut accounts = Vec::new();
        for Read { cells, .. } in read {
            for (target, text) in self.mapping.targets.iter().zip(cells) {
                if matches!(target, Target::Field(id) if is_user(id)) {
                    accounts.extend(Who::named(text));
                }
            }
        }
        let held = standing.values().flat_map(|standing| &standing.values).filter(|(id, _)| is_user(id));
        let defaults = self.fields.values().filter(|field| field.kind == FieldType::User);
        let held = held.map(|(_, (value, _))| value).chain(defaults.map(|field| &field.body.default));
        accounts.extend(held.filter_map(|value| match value {
            Value::Text(id) => AccountId::new(id.as_str()).ok(),
            _ => None,
        }));
        who::names(self.cx, self.room, accounts).await
    }

    /// What stands for somebody who has no id yet: a keyed hash of their address.
    fn key_of(&self, newcomer: &Newcomer) -> Result<String> {
        let hash = making::address_hash(&self.hashes, &newcomer.email)?;
        Ok(hash.iter().fold("new:".to_owned(), |text, byte| format!("{text}{byte:02x}")))
    }

    /// A keyed hash of what a row says of fields: two rows about one person may only say the same.
    fn digest(&self, cells: &[String]) -> Result<[u8; 32]> {
        let said = self.mapping.targets.iter().zip(cells).filter(|(target, _)| matches!(target, Target::Field(_)));
        let said: Vec<&str> = said.map(|(_, text)| text.as_str()).collect();
        let said = serde_json::to_vec(&said).map_err(|error| Fault::broken("customers_import", error))?;
        self.hashes.hash("import row", &said)
    }
}
