//! /customers/{accountId}/held, /readings and /copy: what is held about a person, who saw it, and a copy of it.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use futures::stream;
use kernel::{AccountId, Cx, Fault, Retention};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{
    After, Page, PageQuery, Path, Person, Problem, ProblemBody, Query, Reader, ReaderKind, Reading, Reply, Told, Way,
};

use crate::Room;
use crate::actions::directory;
use crate::actions::fields::OpenField;
use crate::actions::person::{self, Asker, Copied, HeldClass, Lies, Readings, Receivers, account_of};
use crate::actions::turned::Turned;
use crate::actions::values::OpenValue;
use crate::http::people::CustomerView;
use crate::imports::cells;
use crate::model::{Author, FieldId, Value};

/// Minutes of a day, to which shorter lives are rounded up.
const DAY_MINUTES: u16 = 24 * 60;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(read_held)).routes(routes!(list_readings)).routes(routes!(copy_person))
}

/// Where something lies.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldIn)]
enum LiesView {
    /// In the server's database.
    Database,
    /// In sealed files beside it.
    Files,
    /// In sealed objects: a folder, or a bucket of S3.
    Objects,
}

/// A class of data of which something is, or may be, held about the person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HeldClassView {
    /// Its name.
    #[schema(example = "customer-value")]
    name: &'static str,
    /// What it is, and what it is kept for.
    purpose: &'static str,
    /// How many entries; null where no entry says whom it is about.
    entries: Option<u64>,
    /// When the oldest was written, where that is known.
    since: Option<String>,
    /// Days after which each entry goes, at most; null: it stays while the site uses Steward, and 30 days at most after.
    kept_days: Option<u16>,
    /// Where it lies.
    lies_in: LiesView,
}

impl From<HeldClass> for HeldClassView {
    fn from(held: HeldClass) -> Self {
        Self {
            name: held.class.name,
            purpose: held.class.purpose,
            entries: held.entries,
            since: held.since.map(|at| at.to_string()),
            kept_days: match held.class.retention {
                Retention::Tenancy | Retention::Server => None,
                Retention::Days(days) => Some(days),
                Retention::Minutes(minutes) => Some(minutes.div_ceil(DAY_MINUTES)),
            },
            lies_in: match held.lies {
                Lies::Database => LiesView::Database,
                Lies::Files => LiesView::Files,
                Lies::Objects => LiesView::Objects,
            },
        }
    }
}

/// Who gave a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Giver {
    /// The person themselves.
    Person,
    /// Somebody of the support team.
    SupportTeam,
    /// A script.
    Automation,
    /// A file that was imported.
    Import,
}

impl Giver {
    fn of(author: &Author, account: &AccountId) -> Self {
        match author {
            Author::Person(by) if by == account => Self::Person,
            Author::Person(_) | Author::BulkAction(_) => Self::SupportTeam,
            Author::Token(_) => Self::Automation,
            Author::Import(_) => Self::Import,
        }
    }
}

/// A value that is held.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HeldValueView {
    /// The field.
    field_id: String,
    /// Its name.
    field_name: String,
    /// The value.
    value: Value,
    /// As people read it.
    text: String,
    /// When it was given.
    updated_at: String,
    /// By whom, without a name.
    given_by: Giver,
}

/// What is held about a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HeldView {
    /// The person.
    account_id: String,
    /// The region that all of it lies in.
    region: String,
    /// Since when the site uses Steward: nothing is older.
    site_since: String,
    /// What is held, class by class, those of which there is nothing too.
    classes: Vec<HeldClassView>,
    /// The values that the person may see.
    values: Vec<HeldValueView>,
    /// How many fields hold something that only the support team sees.
    hidden_fields: usize,
    /// Into whom they were merged; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
    /// Who was merged into them; for administrators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merged_from: Vec<String>,
}

/// How values are told: by the names of their fields, people by theirs.
struct Telling<'a> {
    account: &'a AccountId,
    fields: &'a BTreeMap<FieldId, OpenField>,
    names: &'a directory::Names,
}

impl Telling<'_> {
    fn name(&self, id: FieldId) -> String {
        self.fields.get(&id).map(|field| field.body.peek().name.clone()).unwrap_or_default()
    }

    fn text(&self, id: FieldId, value: &Value) -> String {
        let Some(field) = self.fields.get(&id) else { return String::new() };
        let person = account_of(value).and_then(|account| self.names.get(&account));
        cells::written(field.kind, field.body.peek(), value, person.map(|name| name.peek().name.as_str()))
    }

    fn value(&self, stored: OpenValue, exit: &Exit) -> HeldValueView {
        let value = stored.value.release(exit);
        HeldValueView {
            field_id: stored.field.to_string(),
            field_name: self.name(stored.field),
            text: self.text(stored.field, &value),
            value,
            updated_at: stored.updated_at.to_string(),
            given_by: Giver::of(&stored.updated_by, self.account),
        }
    }
}

/// Read what is held about a person
///
/// For the person, and for administrators of Jira, who are shown what the person is shown. Fields of the support team's own are
/// counted and not named.
#[utoipa::path(get, path = "/customers/{accountId}/held", tag = "people", params(("accountId" = String, Path)),
    responses((status = 200, body = HeldView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_held(
    State(room): State<Room>,
    Person(caller): Person,
    Path(account): Path<AccountId>,
) -> Result<Reply, Problem> {
    let cx = &caller.cx;
    let (asker, held) = person::read_held(cx, &room, &account).await?;
    let names = directory::names(cx, &room, &held.people()).await?;
    let shown = Reply::shown(Way::Held, |exit| {
        let telling = Telling { account: &account, fields: &held.fields, names: &names };
        let administrator = asker == Asker::Administrator;
        HeldView {
            account_id: account.to_string(),
            region: held.region,
            site_since: held.site_since.to_string(),
            classes: held.classes.into_iter().map(HeldClassView::from).collect(),
            values: held.values.into_iter().map(|value| telling.value(value, exit)).collect(),
            hidden_fields: held.hidden,
            merged_into: held.merged_into.filter(|_| administrator).map(|account| account.to_string()),
            merged_from: held.merged_from.iter().filter(|_| administrator).map(ToString::to_string).collect(),
        }
    });
    Ok(shown.recorded(cx, &room.shared).await?)
}

/// Who one reading was by; for administrators.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReaderView {
    /// A person's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    /// An API token.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    /// A receiver of webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<String>,
    /// The name, as far as somebody still knows it.
    display_name: Option<String>,
}

/// That a person's values were seen, in one way, on one day.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReadingView {
    /// The day, in UTC.
    day: String,
    /// When the last of these readers first saw it on that day.
    last_at: String,
    /// What they are.
    by: ReaderKind,
    /// In which way.
    way: Way,
    /// How many they are.
    readers: u64,
    /// Of another system, what administrators call it, while they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver_name: Option<String>,
    /// Who; for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<ReaderView>,
}

fn receiver_name(receivers: &Receivers, id: uuid::Uuid) -> Option<String> {
    receivers.get(&id).map(|body| body.peek().name.clone())
}

impl ReadingView {
    fn told(told: &Told, receivers: &Receivers, _exit: &Exit) -> Self {
        Self {
            day: told.day.to_string(),
            last_at: told.last_at.to_string(),
            by: told.kind,
            way: told.way,
            readers: told.readers,
            receiver_name: told.receiver.and_then(|id| receiver_name(receivers, id)),
            reader: None,
        }
    }

    fn each(reading: &Reading, named: &Named, _exit: &Exit) -> Self {
        let reader = match &reading.reader {
            Reader::Person(account) => ReaderView {
                account_id: Some(account.to_string()),
                display_name: named.people.get(account).map(|name| name.peek().name.clone()),
                ..ReaderView::default()
            },
            Reader::Token(id) => ReaderView {
                token_id: Some(id.to_string()),
                display_name: named.tokens.get(id).map(|name| name.peek().clone()),
                ..ReaderView::default()
            },
            Reader::Receiver(id) => ReaderView {
                webhook_id: Some(id.to_string()),
                display_name: receiver_name(&named.receivers, *id),
                ..ReaderView::default()
            },
            Reader::IssueReaders => ReaderView::default(),
        };
        Self {
            day: reading.day.to_string(),
            last_at: reading.at.to_string(),
            by: reading.kind,
            way: reading.way,
            readers: 1,
            receiver_name: None,
            reader: Some(reader),
        }
    }
}

/// Names of readers.
struct Named {
    people: directory::Names,
    tokens: BTreeMap<kernel::TokenId, vault::Open<String>>,
    receivers: Receivers,
}

async fn named(cx: &Cx, room: &Room, readings: &[Reading], receivers: Receivers) -> Result<Named, Problem> {
    let (mut people, mut tokens) = (Vec::new(), Vec::new());
    for reading in readings {
        match &reading.reader {
            Reader::Person(account) => people.push(account.clone()),
            Reader::Token(id) => tokens.push(*id),
            Reader::Receiver(_) | Reader::IssueReaders => {}
        }
    }
    let people = directory::names(cx, room, &people).await?;
    Ok(Named { people, tokens: web::token_names(&room.shared, cx, tokens).await?, receivers })
}

/// List who saw a person's values
///
/// Newest first: how many readers of which kind, in which way, on which day. Administrators of Jira are told each reader; the
/// person is told no names but those of other systems. What a person sees of themselves is not among it. Kept for 365 days.
#[utoipa::path(get, path = "/customers/{accountId}/readings", tag = "people", params(("accountId" = String, Path), PageQuery),
    responses((status = 200, body = Page<ReadingView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_readings(
    State(room): State<Room>,
    Person(caller): Person,
    Path(account): Path<AccountId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let wrong = || Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered.");
    let after = page.cursor.as_deref().map(|cursor| After::parse(cursor).ok_or_else(wrong)).transpose()?;
    let cx = &caller.cx;
    let (readings, receivers, next) =
        person::read_readings(cx, &room, &account, after.unwrap_or_default(), page.limit()?).await?;
    let next_cursor = next.map(|next| next.to_string());
    Ok(match readings {
        Readings::Told(told) => Reply::ok(|exit| Page {
            items: told.iter().map(|one| ReadingView::told(one, &receivers, exit)).collect(),
            next_cursor,
        }),
        Readings::Each(each) => {
            let named = named(cx, &room, &each, receivers).await?;
            Reply::ok(|exit| Page {
                items: each.iter().map(|one| ReadingView::each(one, &named, exit)).collect(),
                next_cursor,
            })
        }
    })
}

/// A change, in a copy.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CopiedChange {
    field_id: String,
    field_name: String,
    from: Value,
    from_text: String,
    to: Value,
    to_text: String,
    at: String,
    given_by: Giver,
}

/// A copy, as it stands in the file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CopyFile {
    account_id: String,
    made_at: String,
    region: String,
    site_since: String,
    /// What Jira says of the person.
    profile: CustomerView,
    held: Vec<HeldClassView>,
    values: Vec<HeldValueView>,
    hidden_fields: usize,
    changes: Vec<CopiedChange>,
    /// Whether there are older changes than the file has.
    more_changes: bool,
    readings: Vec<ReadingView>,
    more_readings: bool,
}

fn file_of(copied: Copied, account: &AccountId, names: &directory::Names, made_at: String, exit: &Exit) -> CopyFile {
    let Copied { held, record, changes, more_changes, readings, receivers, more_readings } = copied;
    let telling = Telling { account, fields: &held.fields, names };
    let turned = Turned::of(held.fields.values());
    let changes = changes.into_iter().map(|entry| {
        let change = entry.change.release(exit);
        let (from_then, to_then) = turned.then(entry.field, (entry.id, entry.action), &change);
        CopiedChange {
            field_id: entry.field.to_string(),
            field_name: telling.name(entry.field),
            from_text: from_then.unwrap_or_else(|| telling.text(entry.field, &change.from)),
            to_text: to_then.unwrap_or_else(|| telling.text(entry.field, &change.to)),
            from: change.from.clone(),
            to: change.to.clone(),
            at: entry.at.to_string(),
            given_by: Giver::of(&entry.by, account),
        }
    });
    CopyFile {
        account_id: account.to_string(),
        made_at,
        region: held.region,
        site_since: held.site_since.to_string(),
        profile: CustomerView::of(record, exit),
        changes: changes.collect(),
        held: held.classes.into_iter().map(HeldClassView::from).collect(),
        values: held.values.into_iter().map(|value| telling.value(value, exit)).collect(),
        hidden_fields: held.hidden,
        more_changes,
        readings: readings.iter().map(|one| ReadingView::told(one, &receivers, exit)).collect(),
        more_readings,
    }
}

/// Export a copy of what is held about a person
///
/// For the person, and for administrators of Jira who answer a request of theirs: what the person may see, and no more. As
/// JSON: what is held, the values, their changes, and who saw them. Who took it is written on the ledger before it leaves.
#[utoipa::path(post, path = "/customers/{accountId}/copy", tag = "people", params(("accountId" = String, Path)),
    responses((status = 200, description = "The file", content((Object = "application/json"))), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn copy_person(
    State(room): State<Room>,
    Person(caller): Person,
    Path(account): Path<AccountId>,
) -> Result<Reply, Problem> {
    let cx = &caller.cx;
    let copied = person::prepare_copy(cx, &room, &account).await?;
    let names = directory::names(cx, &room, &copied.held.people()).await?;
    let now = cx.now();
    let zone = caller.from.time_zone.as_deref().and_then(|zone| jiff::tz::TimeZone::get(zone).ok());
    let day = now.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).date();
    let file_name = format!("held-about-you-{day}.json");
    let of = (cx, &room.shared, Way::Export);
    Ok(Reply::export(of, &file_name, "application/json", |exit| {
        let file = serde_json::to_vec_pretty(&file_of(copied, &account, &names, now.to_string(), &exit));
        let file = file.map(Bytes::from).map_err(|error| Fault::broken("copy_file", error));
        stream::once(std::future::ready(file))
    })?)
}
