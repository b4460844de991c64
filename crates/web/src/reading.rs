//! Who saw whose values: a row for each reader, person, way and day, on disk before the values leave.
//!
//! What goes through an exit is counted there, whoever shows it ([`vault::Exit`]); [`crate::reply`] hands the count here, and
//! answers nothing of a person's that no way was named for. It keeps no value and no name, nothing of what people read of
//! themselves, and of whom a row is about only a pseudonym under that person's own key: it goes with them. Start at
//! [`Readings::record`].

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use kernel::{AccountId, Actor, Cx, Fault, KeyClass, Result, TokenId, from_micros, micros};
use serde::Serialize;
use store::Store;
use utoipa::ToSchema;
use uuid::Uuid;
use vault::{Keys, Subject, Vault};

use crate::sql::{self, NewReading};

/// Readings known to be on disk today, of all tenants: those of a thousand pages, some 10 MB. What fell out is looked for in
/// the table.
const KNOWN: u64 = 100_000;
const DAY_MICROS: i64 = 24 * 3600 * 1_000_000;
/// Begins a token's id where accounts' ids stand too.
const TOKEN: &str = "token:";
/// Begins a receiver's id there.
const RECEIVER: &str = "webhook:";
/// Stands there for whoever reads an issue.
const ISSUE_READERS: &str = "jira:issue";
/// People whom one statement is about: those of a page of a table.
const AT_ONCE: usize = 128;

/// In which way somebody saw a person's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReadingWay)]
pub enum Way {
    /// Beside a request.
    Panel,
    /// On the customer's page, or in the answer to a change.
    Page,
    /// In a table, or as one that a query about values found.
    Table,
    /// In the answer to a search by words.
    Search,
    /// In the history.
    History,
    /// In a file of many.
    Export,
    /// In the report of an import.
    Import,
    /// In the preview or the report of a bulk action.
    BulkAction,
    /// In the preview of a change of a field's type.
    TypeChange,
    /// Beside another customer, before a merge.
    Merge,
    /// On the page that says what is held.
    Held,
    /// In a message to another system.
    Message,
    /// On a request in Jira, onto which it was written.
    Issue,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Panel,
        Self::Page,
        Self::Table,
        Self::Search,
        Self::History,
        Self::Export,
        Self::Import,
        Self::BulkAction,
        Self::TypeChange,
        Self::Merge,
        Self::Held,
        Self::Message,
        Self::Issue,
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Panel => "panel",
            Self::Page => "page",
            Self::Table => "table",
            Self::Search => "search",
            Self::History => "history",
            Self::Export => "export",
            Self::Import => "import",
            Self::BulkAction => "bulk_action",
            Self::TypeChange => "type_change",
            Self::Merge => "merge",
            Self::Held => "held",
            Self::Message => "message",
            Self::Issue => "issue",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|way| way.name() == name);
        found.ok_or_else(|| Fault::broken("web_row", "reading.way is not from its closed set"))
    }
}

/// What a reader is to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReaderKind {
    /// Somebody of the support team.
    SupportTeam,
    /// Somebody who administers Jira.
    Administrator,
    /// A script with an API token.
    Automation,
    /// Another system that administrators named.
    Receiver,
    /// Whoever reads the person's requests in Jira.
    IssueReaders,
}

impl ReaderKind {
    const ALL: [Self; 5] =
        [Self::SupportTeam, Self::Administrator, Self::Automation, Self::Receiver, Self::IssueReaders];

    fn name(self) -> &'static str {
        match self {
            Self::SupportTeam => "support_team",
            Self::Administrator => "administrator",
            Self::Automation => "automation",
            Self::Receiver => "receiver",
            Self::IssueReaders => "issue_readers",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Fault::broken("web_row", "reading.kind is not from its closed set"))
    }
}

/// Who saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A person, by account.
    Person(AccountId),
    /// An API token.
    Token(TokenId),
    /// A receiver of webhooks.
    Receiver(Uuid),
    /// Whoever may read the request; Jira knows who.
    IssueReaders,
}

impl Reader {
    /// As stored.
    fn stored(&self) -> String {
        match self {
            Self::Person(account) => account.as_str().to_owned(),
            Self::Token(id) => format!("{TOKEN}{id}"),
            Self::Receiver(id) => format!("{RECEIVER}{id}"),
            Self::IssueReaders => ISSUE_READERS.to_owned(),
        }
    }

    fn parse(stored: &str) -> Result<Self> {
        let id = |text: &str| Uuid::parse_str(text).map_err(|error| Fault::broken("web_row", error));
        if let Some(token) = stored.strip_prefix(TOKEN) {
            return id(token).map(|id| Self::Token(TokenId(id)));
        }
        if stored == ISSUE_READERS {
            return Ok(Self::IssueReaders);
        }
        match stored.strip_prefix(RECEIVER) {
            Some(receiver) => id(receiver).map(Self::Receiver),
            None => AccountId::new(stored).map(Self::Person),
        }
    }
}

/// Whoever is about to see values, in which way.
pub(crate) struct Looking {
    kind: ReaderKind,
    reader: Reader,
    way: Way,
}

impl Looking {
    /// Whoever acts. What the program reads for itself is shown to nobody, so it has no reply to show it in.
    pub(crate) fn of(cx: &Cx, way: Way) -> Result<Self> {
        let (kind, reader) = match cx.actor() {
            Actor::Person(account) if cx.standing().admin => {
                (ReaderKind::Administrator, Reader::Person(account.clone()))
            }
            Actor::Person(account) => (ReaderKind::SupportTeam, Reader::Person(account.clone())),
            Actor::Token(token) => (ReaderKind::Automation, Reader::Token(token.id)),
            Actor::System(_) => return Err(Fault::broken("reading_nobody", "values are shown, and to nobody")),
        };
        Ok(Self { kind, reader, way })
    }

    /// A receiver of webhooks.
    pub(crate) fn receiver(id: Uuid) -> Self {
        Self { kind: ReaderKind::Receiver, reader: Reader::Receiver(id), way: Way::Message }
    }

    /// Whoever reads the request that it is written onto.
    pub(crate) fn issue() -> Self {
        Self { kind: ReaderKind::IssueReaders, reader: Reader::IssueReaders, way: Way::Issue }
    }
}

/// What a person is told of a day: how many readers of a kind saw it, in one way.
pub struct Told {
    /// The day, in UTC.
    pub day: Date,
    /// When the last of them first saw it on that day.
    pub last_at: Timestamp,
    /// What they are.
    pub kind: ReaderKind,
    /// In which way.
    pub way: Way,
    /// The receiver; of people and tokens none is told.
    pub receiver: Option<Uuid>,
    /// How many.
    pub readers: u64,
}

/// One reading, as an administrator is told of it.
pub struct Reading {
    /// The day, in UTC.
    pub day: Date,
    /// When they first saw it on that day.
    pub at: Timestamp,
    /// What the reader was then.
    pub kind: ReaderKind,
    /// In which way.
    pub way: Way,
    /// Who.
    pub reader: Reader,
}

/// Where a list goes on: behind so many rows of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    pub(crate) day: i64,
    pub(crate) rows: i64,
}

impl After {
    /// From a cursor.
    pub fn parse(cursor: &str) -> Option<Self> {
        let (day, rows) = cursor.split_once('.')?;
        let (day, rows) = (day.parse().ok()?, rows.parse().ok()?);
        ((0..=i64::from(u32::MAX)).contains(&day) && (0..=i64::from(u32::MAX)).contains(&rows))
            .then_some(Self { day, rows })
    }

    /// Behind the last row of a page that began here, if there may be more.
    fn next(self, days: &[i64], more: bool) -> Option<Self> {
        let day = *days.last().filter(|_| more)?;
        let shown = i64::try_from(days.iter().filter(|one| **one == day).count()).ok()?;
        Some(Self { day, rows: if day == self.day { self.rows + shown } else { shown } })
    }
}

impl Default for After {
    fn default() -> Self {
        Self { day: i64::MAX, rows: 0 }
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.day, self.rows)
    }
}

fn day_of(at: Timestamp) -> i64 {
    micros(at).div_euclid(DAY_MICROS)
}

fn date_of(day: i64) -> Date {
    from_micros(day.saturating_mul(DAY_MICROS)).to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn pseudonym(own: &Keys) -> Result<Vec<u8>> {
    Ok(own.hash("reading", b"")?.to_vec())
}

/// The record of readings; cheap to clone.
#[derive(Clone)]
pub struct Readings {
    store: Store,
    vault: Vault,
    /// Fingerprints of what is on disk. Only that it is there: what is not here may be there too.
    known: moka::future::Cache<[u8; 32], ()>,
}

impl Readings {
    /// Over a database and its keys.
    pub fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault, known: moka::future::Cache::new(KNOWN) }
    }

    /// Notes that whoever acts sees something of these people in this way. Returns once it is on disk: what nobody noted may
    /// not leave. What is known to be there costs nothing; a page of others one small read, and one write where it is new today.
    pub(crate) async fn record(&self, cx: &Cx, looking: &Looking, people: BTreeSet<AccountId>) -> Result<()> {
        let day = day_of(cx.now());
        let reader = looking.reader.stored();
        let mark = |person: &AccountId| {
            let parts = [&cx.tenant().to_string(), &day.to_string(), looking.way.name(), looking.kind.name(), &reader];
            let whole = format!("{} {}", parts.join(" "), person.as_str());
            <[u8; 32]>::try_from(vault::fingerprint(whole.as_bytes())).unwrap_or_default()
        };
        let new: Vec<(AccountId, [u8; 32])> = people
            .into_iter()
            .filter(|person| looking.reader != Reader::Person(person.clone()))
            .map(|person| (mark(&person), person))
            .filter(|(mark, _)| !self.known.contains_key(mark))
            .map(|(mark, person)| (person, mark))
            .collect();
        for page in new.chunks(AT_ONCE) {
            let accounts: Vec<&AccountId> = page.iter().map(|(person, _)| person).collect();
            let keys = self.vault.keys_of_people(cx, KeyClass::Index, &accounts).await?;
            let mut subjects = keys.iter().map(pseudonym).collect::<Result<Vec<_>>>()?;
            let row =
                NewReading { day, way: looking.way.name(), kind: looking.kind.name(), reader: &reader, at: cx.now() };
            let kept: BTreeSet<Vec<u8>> =
                sql::reading_known(&mut self.store.read(cx).await?, &row, &subjects).await?.into_iter().collect();
            subjects.retain(|subject| !kept.contains(subject));
            if !subjects.is_empty() {
                let mut scoped = self.store.note(cx).await?;
                sql::reading_insert(&mut scoped, &row, &subjects).await?;
                scoped.commit().await?;
            }
            for (_, mark) in page {
                self.known.insert(*mark, ()).await;
            }
        }
        Ok(())
    }

    async fn subject(&self, cx: &Cx, account: &AccountId) -> Result<Vec<u8>> {
        pseudonym(&self.vault.keys(cx, KeyClass::Index, Subject::Person(account)).await?)
    }

    /// How many readings are kept of a person, and since when. The caller has asked whether it may be told.
    pub async fn count(&self, cx: &Cx, account: &AccountId) -> Result<(u64, Option<Timestamp>)> {
        let subject = self.subject(cx, account).await?;
        sql::reading_count(&mut self.store.read(cx).await?, &subject).await
    }

    /// Who saw a person's values, as the person is told: newest first, and where to go on. The caller has asked whether it
    /// may be told.
    pub async fn told(
        &self,
        cx: &Cx,
        account: &AccountId,
        after: After,
        limit: u32,
    ) -> Result<(Vec<Told>, Option<After>)> {
        let subject = self.subject(cx, account).await?;
        let mut rows = sql::reading_told(&mut self.store.read(cx).await?, &subject, after, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = after.next(&rows.iter().map(|row| row.day).collect::<Vec<_>>(), more);
        let told = rows.into_iter().map(|row| {
            let receiver = match row.reader.as_str() {
                "" => None,
                reader => match Reader::parse(reader)? {
                    Reader::Receiver(id) => Some(id),
                    Reader::Person(_) | Reader::Token(_) | Reader::IssueReaders => None,
                },
            };
            let (kind, way) = (ReaderKind::parse(&row.kind)?, Way::parse(&row.way)?);
            Ok(Told { day: date_of(row.day), last_at: row.at, kind, way, receiver, readers: row.readers })
        });
        Ok((told.collect::<Result<_>>()?, next))
    }

    /// The same, each reader by themselves, for an administrator.
    pub async fn list(
        &self,
        cx: &Cx,
        account: &AccountId,
        after: After,
        limit: u32,
    ) -> Result<(Vec<Reading>, Option<After>)> {
        let subject = self.subject(cx, account).await?;
        let mut rows = sql::reading_list(&mut self.store.read(cx).await?, &subject, after, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = after.next(&rows.iter().map(|row| row.day).collect::<Vec<_>>(), more);
        let listed = rows.into_iter().map(|row| {
            let (kind, way) = (ReaderKind::parse(&row.kind)?, Way::parse(&row.way)?);
            Ok(Reading { day: date_of(row.day), at: row.at, kind, way, reader: Reader::parse(&row.reader)? })
        });
        Ok((listed.collect::<Result<_>>()?, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        for way in Way::ALL {
            assert_eq!(Way::parse(way.name()).ok(), Some(way));
        }
        for kind in ReaderKind::ALL {
            assert_eq!(ReaderKind::parse(kind.name()).ok(), Some(kind));
        }
        let id = Uuid::nil();
        let person = AccountId::new("5b10ac8d82e05b22cc7d4ef5").ok().map(Reader::Person);
        let others = [Reader::Token(TokenId(id)), Reader::Receiver(id), Reader::IssueReaders];
        for reader in person.into_iter().chain(others) {
            assert_eq!(Reader::parse(&reader.stored()).ok(), Some(reader));
        }
    }

    #[test]
    fn a_page_goes_on_within_its_day_and_behind_it() {
        #[track_caller]
        fn check(from: After, days: &[i64], more: bool, expected: Option<&str>) {
            assert_eq!(from.next(days, more).map(|after| after.to_string()).as_deref(), expected);
        }
        check(After::default(), &[9, 9, 8], true, Some("8.1"));
        check(After { day: 8, rows: 1 }, &[8, 8], true, Some("8.3"));
        check(After { day: 8, rows: 3 }, &[8, 7, 7], true, Some("7.2"));
        check(After::default(), &[9, 9], false, None);
        assert_eq!(After::parse("8.3"), Some(After { day: 8, rows: 3 }));
        for wrong in ["", "8", "8.", "-1.2", "8.-1", "8.x", "99999999999.1"] {
            assert_eq!(After::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_is_a_day_of_the_world() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap_or_default();
        assert_eq!(date_of(day_of(at("2026-11-22T23:59:59Z"))).to_string(), "2026-11-22");
        assert_eq!(date_of(day_of(at("2026-11-23T00:00:00Z"))).to_string(), "2026-11-23");
    }
}
