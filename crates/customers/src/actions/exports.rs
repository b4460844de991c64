//! Exports: what a list shows, as a file. First the records are found and the ledger line is written, then the file is
//! made, some records at a time; so the ledger knows of each export before its first byte leaves.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use jiff::tz::TimeZone;
use kernel::{AccountId, Cx, Fault, FieldFault, Result};
use store::ledger;
use vault::Exit;

use crate::Room;
use crate::actions::directory::{self, Sorted};
use crate::actions::entitlements::{self, OpenEntitlement, Products};
use crate::actions::fields::OpenField;
use crate::actions::lists::{Asked, Finder};
use crate::actions::records::{OpenRecord, Reader};
use crate::actions::turned::Turned;
use crate::actions::{access, queries};
use crate::files::{Cell, Heading, Sheet};
use crate::model::{Entity, FieldId, FieldType, Permission, Value};
use crate::query::typed::Reads;

pub(crate) use crate::files::Format;

/// Records of one piece: each is one commit of who saw them, and a few hundred kilobytes in memory.
const PIECE: usize = 512;

/// What the directory knows, as columns.
const OF_CUSTOMERS: [(&str, &str); 5] = [
    ("name", "Name"),
    ("email", "E-mail"),
    ("organizations", "Organizations"),
    ("timeZone", "Time zone"),
    ("active", "Active"),
];
const OF_ORGANIZATIONS: [(&str, &str); 3] =
    [("name", "Name"), ("members", "Members"), ("entitlements", "Entitlements")];

/// What the directory knows of one entity, as columns: their keys and headings.
pub(crate) fn built_in(entity: Entity) -> &'static [(&'static str, &'static str)] {
    match entity {
        Entity::Customer => &OF_CUSTOMERS,
        Entity::Organization => &OF_ORGANIZATIONS,
    }
}

/// One column.
enum Column {
    Id,
    BuiltIn(&'static str, &'static str),
    Own(Box<OpenField>),
}

/// An export that is on the ledger and may leave.
pub(crate) struct Export {
    cx: Cx,
    room: Room,
    entity: Entity,
    sorted: Arc<Sorted>,
    /// Places in the directory, in the order of the file.
    places: Vec<usize>,
    columns: Vec<Column>,
    reads: Reads,
    turned: Turned,
    products: Products,
    zone: TimeZone,
    format: Format,
    /// Whether being in it says what somebody's values are.
    tells: bool,
}

/// Finds what is to be exported and writes it on the ledger. `columns` are names of what the directory knows, and ids of
/// fields; without any, all.
pub(crate) async fn prepare_export(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    asked: &Asked,
    columns: Option<&[String]>,
    format: Format,
) -> Result<Export> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let columns = chosen(entity, queries::queryable(cx, room).await?, columns)?;
    let sorted = directory::sorted(cx, room).await?;
    let finder = Finder::new(cx, room, &sorted, entity, asked).await?;
    let most = room.limits.export_rows;
    let places = if asked.typed.order.is_empty() {
        finder.first(0, most + 1).await?
    } else {
        finder.lowest(None, most + 1).await?
    };
    if places.len() > most {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/query".to_owned(),
            code: "too_many",
            detail: format!("An export has at most {most} rows. Narrow the query."),
            limit: Some(most as u64),
        }]));
    }
    note(cx, room, entity, format, places.len(), &columns).await?;
    let own: BTreeSet<FieldId> = columns
        .iter()
        .filter_map(|column| match column {
            Column::Own(field) => Some(field.id),
            _ => None,
        })
        .collect();
    let reads = Reads { own, ..Reads::default() };
    let turned = Turned::of(columns.iter().filter_map(|column| match column {
        Column::Own(field) => Some(&**field),
        _ => None,
    }));
    let zone = asked.typed.now.time_zone().clone();
    let products = entitlements::products_by_id(cx, room).await?;
    let (cx, room, tells) = (cx.clone(), room.clone(), asked.typed.tells_values());
    Ok(Export { cx, room, entity, sorted, places, columns, reads, turned, products, zone, format, tells })
}

fn chosen(entity: Entity, fields: Vec<OpenField>, wanted: Option<&[String]>) -> Result<Vec<Column>> {
    let built_in = built_in(entity);
    let mut own: Vec<OpenField> = fields.into_iter().filter(|field| field.entity == entity).collect();
    own.sort_by_key(|field| field.position);
    let mut columns = vec![Column::Id];
    let Some(wanted) = wanted else {
        columns.extend(built_in.iter().map(|(key, name)| Column::BuiltIn(key, name)));
        columns.extend(own.into_iter().map(|field| Column::Own(Box::new(field))));
        return Ok(columns);
    };
    for (place, wanted) in wanted.iter().enumerate() {
        if let Some((key, name)) = built_in.iter().find(|(key, _)| key == wanted) {
            columns.push(Column::BuiltIn(key, name));
        } else if let Some(at) = own.iter().position(|field| field.id.to_string() == *wanted) {
            columns.push(Column::Own(Box::new(own.swap_remove(at))));
        } else {
            let detail =
                "There is no such column, or it is named twice. Columns are named as in the lists, fields by their id.";
            return Err(Fault::invalid_field(format!("/columns/{place}"), "unknown", detail));
        }
    }
    Ok(columns)
}

/// Who took what: the form, how many records, which columns. Never a value, never the query.
async fn note(cx: &Cx, room: &Room, entity: Entity, format: Format, rows: usize, columns: &[Column]) -> Result<()> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let columns: Vec<String> = columns
        .iter()
        .map(|column| match column {
            Column::Id => "id".to_owned(),
            Column::BuiltIn(key, _) => (*key).to_owned(),
            Column::Own(field) => field.id.to_string(),
        })
        .collect();
    let object = format!("{} {} rows={rows} columns={}", entity.name(), format.name(), columns.join(","));
    let mut scoped = room.shared.store.write(cx).await?;
    let entry = ledger::Entry { kind: "customers.exported", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await
}

impl Export {
    /// The file's name.
    pub(crate) fn file_name(&self) -> String {
        let day = self.cx.now().to_zoned(self.zone.clone()).date();
        format!("{}s-{day}.{}", self.entity.name(), self.format.name())
    }

    /// What the file is.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The file, piece by piece. The exit is the reply's: what a piece holds leaves through it.
    pub(crate) fn stream(self, exit: Exit) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let sheet = Sheet::new(self.format, self.headings());
        try_unfold(Some((self, exit, sheet, 0)), |state| async move {
            let Some((export, exit, mut sheet, at)) = state else { return Ok(None) };
            let some: Vec<usize> = export.places.iter().skip(at).take(PIECE).copied().collect();
            if some.is_empty() {
                let bytes = made_aside(move || sheet.finish()).await?;
                return Ok(Some((bytes, None)));
            }
            let rows = export.rows(&some, &exit).await?;
            let (sheet, bytes) = made_aside(move || {
                let bytes = sheet.rows(rows)?;
                Ok((sheet, bytes))
            })
            .await?;
            Ok(Some((bytes, Some((export, exit, sheet, at + some.len())))))
        })
    }

    fn headings(&self) -> Vec<Heading> {
        let heading = |key: &str, name: &str| Heading { key: key.to_owned(), name: name.to_owned(), instants: false };
        self.columns
            .iter()
            .map(|column| match (column, self.entity) {
                (Column::Id, Entity::Customer) => heading("accountId", "Account ID"),
                (Column::Id, Entity::Organization) => heading("id", "Organization ID"),
                (Column::BuiltIn(key, name), _) => heading(key, name),
                (Column::Own(field), _) => Heading {
                    instants: field.kind == FieldType::DateTime,
                    ..heading(&field.id.to_string(), &field.body.peek().name)
                },
            })
            .collect()
    }

    async fn rows(&self, places: &[usize], exit: &Exit) -> Result<Vec<Vec<Cell>>> {
        let (cx, room, sorted) = (&self.cx, &self.room, &*self.sorted);
        let reader = Reader { cx, room, sorted, entity: self.entity, reads: &self.reads, turned: &self.turned };
        let mut records = reader.read(places).await?;
        let people = self.people(&records);
        let names = directory::names(cx, room, &people).await?;
        let mut rows = Vec::with_capacity(records.len());
        match self.entity {
            Entity::Customer => {
                let lines = places.iter().filter_map(|place| sorted.customers.get(*place));
                let accounts: Vec<AccountId> = lines.map(|line| line.id.clone()).collect();
                if self.tells {
                    accounts.iter().for_each(|account| exit.shows(account));
                }
                if !self.columns.iter().any(|column| matches!(column, Column::BuiltIn(..))) {
                    // Nobody's name is asked for.
                    return Ok(records
                        .iter_mut()
                        .map(|record| self.row(record, &names, exit, |_| Cell::Empty))
                        .collect());
                }
                for (shown, record) in
                    directory::records(cx, room, sorted, &accounts).await?.into_iter().zip(&mut records)
                {
                    let mut profile = shown.name.map(|name| name.release(exit));
                    let mut organizations = Some(shown.organizations);
                    rows.push(self.row(record, &names, exit, |key| match key {
                        "name" => text(profile.as_mut().map(|profile| std::mem::take(&mut profile.name))),
                        "email" => text(profile.as_mut().and_then(|profile| profile.email.take())),
                        "timeZone" => text(profile.as_mut().and_then(|profile| profile.time_zone.take())),
                        "organizations" => {
                            let of = organizations.take().unwrap_or_default();
                            Cell::Texts(of.into_iter().map(|(_, name)| name.release(exit)).collect())
                        }
                        _ => Cell::Truth(profile.as_ref().is_some_and(|profile| profile.active)),
                    }));
                }
            }
            Entity::Organization => {
                let wanted = self.columns.iter().any(|column| matches!(column, Column::BuiltIn("entitlements", _)));
                let lines = places.iter().filter_map(|place| sorted.organizations.get(*place)).filter(|_| wanted);
                let ids: Vec<_> = lines.map(|line| &line.id).collect();
                let mut entitled = entitlements::open_of(cx, room, &ids).await?;
                for (place, record) in places.iter().zip(&mut records) {
                    let Some(line) = sorted.organizations.get(*place) else { continue };
                    let mut name = sorted.organization_name(&line.id);
                    let members = sorted.members.get(&line.id).map_or(0, Vec::len);
                    let mut held = entitled.remove(line.id.as_str()).unwrap_or_default();
                    rows.push(self.row(record, &names, exit, |key| match key {
                        "name" => text(name.take().map(|name| name.release(exit))),
                        "entitlements" => self.entitlements(std::mem::take(&mut held), exit),
                        _ => Cell::Number(members as f64),
                    }));
                }
            }
        }
        Ok(rows)
    }

    /// `Premium support, 2026-01-01 to 2026-12-31, 25 seats`, one after the other; notes stay.
    fn entitlements(&self, held: Vec<OpenEntitlement>, exit: &Exit) -> Cell {
        let mut lines: Vec<String> = held
            .into_iter()
            .filter_map(|entitlement| {
                let name = self.products.get(&entitlement.product.0)?.name.peek().clone();
                let terms = entitlement.terms.release(exit)?;
                let days = match (terms.starts, terms.ends) {
                    (None, None) => None,
                    (Some(starts), None) => Some(format!("from {starts}")),
                    (None, Some(ends)) => Some(format!("until {ends}")),
                    (Some(starts), Some(ends)) => Some(format!("{starts} to {ends}")),
                };
                let limit = terms.limit.map(|limit| match terms.unit {
                    Some(unit) => format!("{limit} {unit}"),
                    None => limit.to_string(),
                });
                Some([Some(name), days, limit].into_iter().flatten().collect::<Vec<_>>().join(", "))
            })
            .collect();
        lines.sort();
        if lines.is_empty() { Cell::Empty } else { Cell::Texts(lines) }
    }

    /// Accounts that the values of these records name.
    fn people(&self, records: &[OpenRecord]) -> Vec<AccountId> {
        let user_fields = self.columns.iter().filter_map(|column| match column {
            Column::Own(field) if field.kind == FieldType::User => Some(field),
            _ => None,
        });
        let mut accounts = Vec::new();
        for field in user_fields {
            let held = records.iter().map(|record| {
                record.own.values.get(&field.id).map_or(&field.body.peek().default, |value| value.peek())
            });
            accounts.extend(held.filter_map(|value| match value {
                Value::Text(id) => AccountId::new(id.as_str()).ok(),
                _ => None,
            }));
        }
        accounts
    }

    fn row(
        &self,
        record: &mut OpenRecord,
        names: &directory::Names,
        exit: &Exit,
        mut built_in: impl FnMut(&str) -> Cell,
    ) -> Vec<Cell> {
        self.columns
            .iter()
            .map(|column| match column {
                Column::Id => Cell::Text(record.own.id.clone()),
                Column::BuiltIn(key, _) => built_in(key),
                Column::Own(field) => {
                    let held = record.own.values.remove(&field.id).map(|value| value.release(exit));
                    self.cell(field, held.unwrap_or_else(|| field.body.peek().default.clone()), names)
                }
            })
            .collect()
    }

    /// A value as people read it: options by their names, people by theirs.
    fn cell(&self, field: &OpenField, value: Value, names: &directory::Names) -> Cell {
        let label = |id: String| {
            let option = field.body.peek().options.iter().find(|option| option.id == id);
            option.map_or(id, |option| option.label.clone())
        };
        match (field.kind, value) {
            (_, Value::Empty) => Cell::Empty,
            (_, Value::Bool(truth)) => Cell::Truth(truth),
            (_, Value::Number(number)) => Cell::Number(number),
            (_, Value::List(ids)) => Cell::Texts(ids.into_iter().map(label).collect()),
            (FieldType::Select, Value::Text(id)) => Cell::Text(label(id)),
            (FieldType::Date, Value::Text(day)) => day.parse().map_or(Cell::Text(day), Cell::Day),
            (FieldType::DateTime, Value::Text(at)) => match at.parse::<jiff::Timestamp>() {
                Ok(at) => Cell::Instant(at.to_zoned(self.zone.clone())),
                Err(_) => Cell::Text(at),
            },
            (FieldType::User, Value::Text(id)) => {
                let known = AccountId::new(id.as_str())
                    .ok()
                    .and_then(|account| names.get(&account).map(|name| name.peek().name.clone()));
                Cell::Text(known.unwrap_or(id))
            }
            (_, Value::Text(text)) => Cell::Text(text),
        }
    }
}

fn text(text: Option<String>) -> Cell {
    text.map_or(Cell::Empty, Cell::Text)
}

/// A piece of a file is put together, and compressed, on a thread that answers nobody else meanwhile.
async fn made_aside<T: Send + 'static>(make: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(make).await.map_err(|error| Fault::broken("export_write", error))?
}
