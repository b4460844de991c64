//! The copying: a job that says everything of the site to the other region, slice by slice, while the site stands still here, and then
//! compares. It says where it goes on, so that a process that dies goes on there; what was said twice is the same as once.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jobs::{Handler, Outcome};
use kernel::{Cx, Fault, KeyClass, Kind, Result, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::realm::{Move, Since, Stage, moves, rows};
use store::tenants::{self, State};
use store::{ObjectId, shelf};
use uuid::Uuid;

use super::said::{Answer, Ask, KeySaid, SaltSaid};
use super::{COPY, Realm, move_of};

/// What reading leaves behind while the site stands still: said again at the end, from the instant on in which it did. Of `job` and `outbox` all is
/// said, at the end alone.
pub(super) const LATE: [(&str, Option<&str>); 10] = [
    ("outward_call", Some("last_at")),
    ("host_invocation", Some("seen_at")),
    ("host_system_token", Some("received_at")),
    ("host_user_token", Some("received_at")),
    ("host_refresh_token", Some("received_at")),
    ("person", Some("fetched_at")),
    ("host_user_name", Some("fetched_at")),
    ("reading", Some("at")),
    ("job", None),
    ("outbox", None),
];

/// Salts that are said at once.
pub(super) const SALTS_AT_ONCE: u32 = 2_000;
/// Objects that are listed at once.
const OBJECTS_AT_ONCE: u32 = 20;
/// Things said in one slice of the job: a minute where each takes its time.
const SLICE: usize = 40;
/// Bytes of rows that are said at once; a single row may be longer.
const ROWS_BYTES: usize = 4 << 20;

/// Where it goes on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase")]
enum Place {
    Begin,
    Shelf,
    Rows { table: usize, after: Option<Vec<Json>> },
    Objects { after: Option<Uuid> },
    Sums { table: usize },
}

pub(super) struct Copy(pub(super) Realm);

#[async_trait]
impl Handler for Copy {
    fn kind(&self) -> &'static str {
        COPY
    }

    // The tenant stands still, and this is why.
    fn runs_for_departed(&self) -> bool {
        true
    }

    async fn run(&self, cx: &Cx, payload: &Json) -> Result<Outcome> {
        let realm = &self.0;
        let id = move_of(payload)?;
        let place = payload.get("place").cloned().and_then(|place| serde_json::from_value(place).ok());
        let mut place = place.unwrap_or(Place::Begin);
        let Some(found) = moves::by_id(realm.store(), id).await? else { return Ok(Outcome::Done) };
        if found.stage != Stage::Sending {
            return Ok(Outcome::Done);
        }
        if tenants::state_of(realm.store(), cx.tenant()).await? != Some(State::Moving) {
            // It was uninstalled meanwhile.
            realm.reopen(cx, &found, Stage::Failed, Some("site_gone")).await?;
            return Ok(Outcome::Done);
        }
        for step in 0..SLICE {
            match realm.copy(cx, &found, place.clone()).await {
                Ok(Some(next)) => place = next,
                Ok(None) => return Ok(Outcome::Done),
                // What was said before is not said again: it is tried at once from here, and then less and less often.
                Err(fault) if fault.kind() == Kind::Busy && step > 0 => break,
                Err(fault) if fault.kind() == Kind::Busy => return Err(fault),
                Err(fault) => {
                    let cause = fault.private_source().map(ToString::to_string);
                    tracing::error!(event = "site_not_moved", site = %cx.tenant(), code = fault.code(), cause);
                    realm.reopen(cx, &found, Stage::Failed, Some(fault.code())).await?;
                    return Ok(Outcome::Done);
                }
            }
        }
        Ok(Outcome::Again(json!({"move": id, "place": place})))
    }
}

/// What the other side refuses is broken here: asking again does not help.
pub(super) fn done(answer: Answer) -> Result<()> {
    match answer {
        Answer::Done => Ok(()),
        Answer::Refused { why } => Err(Fault::broken("region_refused", format!("the other region refuses: {why}"))),
        _ => Err(Fault::broken("realm_said", "another answer than was asked for")),
    }
}

fn differs(what: &str) -> Fault {
    Fault::broken("move_differs", format!("{what}: not the same there as here"))
}

impl Realm {
    async fn say(&self, cx: &Cx, found: &Move, ask: Ask, behind: &[u8]) -> Result<()> {
        done(self.ask(cx, &found.region, found.id, &ask, behind).await?)
    }

    /// One step; none when all is there and the same.
    async fn copy(&self, cx: &Cx, found: &Move, place: Place) -> Result<Option<Place>> {
        let tables = rows::tables(self.store().registry());
        Ok(Some(match place {
            Place::Begin => {
                self.say_begin(cx, found).await?;
                Place::Shelf
            }
            Place::Shelf => {
                self.say_shelf(cx, found).await?;
                Place::Rows { table: 0, after: None }
            }
            Place::Rows { table, after } => match tables.get(table) {
                None => Place::Objects { after: None },
                Some(of) => match self.say_rows(cx, found, of, after.as_deref(), None).await? {
                    None => Place::Rows { table: table + 1, after: None },
                    after => Place::Rows { table, after },
                },
            },
            Place::Objects { after } => match self.say_objects(cx, found, after).await? {
                None => Place::Sums { table: 0 },
                after => Place::Objects { after },
            },
            Place::Sums { table } => {
                let Some(of) = tables.get(table) else {
                    let mut scoped = self.store().beyond(cx).await?;
                    moves::step(&mut scoped, cx, found.id, Stage::Sending, Stage::Ready, None).await?;
                    scoped.commit().await?;
                    tracing::info!(event = "site_copied", site = %cx.tenant(), to = found.region);
                    return Ok(None);
                };
                if LATE.iter().all(|(name, _)| *name != of.name) {
                    self.compare(cx, found, of).await?;
                }
                Place::Sums { table: table + 1 }
            }
        }))
    }

    async fn say_begin(&self, cx: &Cx, found: &Move) -> Result<()> {
        let mut scoped = self.store().read(cx).await?;
        let row = rows::tenant_row(self.store(), &mut scoped).await?;
        drop(scoped);
        let begin = Ask::Begin {
            site: cx.tenant().0,
            installation: self.installation(cx).await?,
            migration: found.migration.clone(),
            schema: rows::schema(self.store().registry()),
            row,
            ends_at: kernel::micros(found.ends_at),
        };
        self.say(cx, found, begin, b"").await
    }

    /// The host's name of the installation.
    pub(super) async fn installation(&self, cx: &Cx) -> Result<String> {
        let found = store::tenants::by_id::<Json>(self.store(), cx.tenant()).await?;
        Ok(found.ok_or_else(Fault::not_found)?.installation)
    }

    /// All keys and salts, in place of those that were said before.
    async fn say_shelf(&self, cx: &Cx, found: &Move) -> Result<()> {
        let regions = self.regions()?;
        let line = regions.channel.line(&regions.own, &found.region, found.id.as_bytes());
        let mut keys = Vec::new();
        for class in KeyClass::ALL {
            for key in shelf::keys(&self.0.shelf, cx.tenant(), class).await? {
                let place = (cx.tenant(), class, key.version);
                let handed = self.0.room.vault.hand_over(&line, place, &key.wrapped).await?;
                keys.push(KeySaid {
                    class: class.name().to_owned(),
                    version: key.version,
                    handed: STANDARD_NO_PAD.encode(handed),
                    created_at: kernel::micros(key.created_at),
                    retired_at: key.retired_at.map(kernel::micros),
                });
            }
        }
        self.say(cx, found, Ask::Keys { keys }, b"").await?;
        let (mut first, mut after) = (true, String::new());
        loop {
            let some = shelf::salt_rows(&self.0.shelf, cx.tenant(), &after, SALTS_AT_ONCE).await?;
            let last = some.last().map(|row| row.subject.clone());
            let said = |row: shelf::SaltRow| SaltSaid {
                subject: row.subject,
                salt: STANDARD_NO_PAD.encode(row.salt),
                created_at: kernel::micros(row.created_at),
            };
            if first || last.is_some() {
                self.say(cx, found, Ask::Salts { first, salts: some.into_iter().map(said).collect() }, b"").await?;
            }
            let Some(last) = last else { return Ok(()) };
            (first, after) = (false, last);
        }
    }

    /// Some rows of a table; where it goes on.
    async fn say_rows(
        &self,
        cx: &Cx,
        found: &Move,
        table: &'static Table,
        after: Option<&[Json]>,
        since: Option<Since>,
    ) -> Result<Option<Vec<Json>>> {
        let mut scoped = self.store().read(cx).await?;
        let page = rows::page(&mut scoped, table, after, since).await?;
        drop(scoped);
        let mut some = Vec::new();
        let mut bytes = 0;
        for row in page.rows.into_iter().filter(|row| !is_of_a_move(table, row)) {
            bytes += row.iter().map(|cell| cell.as_str().map_or(8, str::len)).sum::<usize>();
            some.push(row);
            if bytes >= ROWS_BYTES {
                let rows = std::mem::take(&mut some);
                self.say(cx, found, Ask::Rows { table: table.name.to_owned(), rows }, b"").await?;
                bytes = 0;
            }
        }
        if !some.is_empty() {
            self.say(cx, found, Ask::Rows { table: table.name.to_owned(), rows: some }, b"").await?;
        }
        Ok(page.next)
    }

    async fn say_objects(&self, cx: &Cx, found: &Move, after: Option<Uuid>) -> Result<Option<Uuid>> {
        let blobs = &self.0.room.blobs;
        let ids = blobs.kept(cx, after.map(ObjectId), OBJECTS_AT_ONCE).await?;
        for id in &ids {
            match blobs.get(cx, *id).await? {
                Some(bytes) => self.say(cx, found, Ask::Object { id: id.0 }, &bytes).await?,
                // Lost before: what needs it says so, here as there.
                None => tracing::warn!(event = "site_object_missing", site = %cx.tenant()),
            }
        }
        Ok(ids.last().map(|id| id.0))
    }

    async fn compare(&self, cx: &Cx, found: &Move, table: &'static Table) -> Result<()> {
        let here = rows::sum(&mut self.store().read(cx).await?, table).await?;
        let ask = Ask::Sum { table: table.name.to_owned() };
        match self.ask(cx, &found.region, found.id, &ask, b"").await? {
            Answer::Sum { rows, hash } if (rows, hash.as_str()) == (here.rows, here.text().as_str()) => Ok(()),
            Answer::Sum { .. } => Err(differs(table.name)),
            other => done(other),
        }
    }

    /// What reading left behind since the site stood still, its jobs, and its keys if any came or went; nothing of it changes any more.
    pub(super) async fn say_late(&self, cx: &Cx, found: &Move) -> Result<()> {
        let registry = self.store().registry();
        for (name, column) in LATE {
            let Some(table) = rows::table(registry, name) else { continue };
            let since = column.zip(found.frozen_at);
            let mut after: Option<Vec<Json>> = None;
            loop {
                after = self.say_rows(cx, found, table, after.as_deref(), since).await?;
                if after.is_none() {
                    break;
                }
            }
        }
        for again in [true, false] {
            let there = match self.ask(cx, &found.region, found.id, &Ask::Shelf, b"").await? {
                Answer::Shelf(there) => there,
                other => return done(other),
            };
            if there == self.shelf_sum(cx.tenant()).await? {
                return Ok(());
            }
            if again {
                self.say_shelf(cx, found).await?;
            }
        }
        Err(differs("the shelf"))
    }
}

/// The jobs of the move itself stay.
fn is_of_a_move(table: &Table, row: &[Json]) -> bool {
    let kind = table.columns.iter().position(|column| column.name == "kind").and_then(|place| row.get(place));
    table.name == "job" && kind.and_then(Json::as_str).is_some_and(|kind| [COPY, super::CARRY_ON].contains(&kind))
}
