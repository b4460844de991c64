//! This room's jobs: reading the directory from Jira, every hour and when a site is joined; imports, slice by slice; what a
//! merge does in Jira, one organization after the other.

pub(crate) mod copies;
mod heard;
pub(crate) mod issues;
pub(crate) mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use host::client::{Customer, Page, ServiceDesk};
use host::{As, Jira, Profile, events};
use jiff::Timestamp;
use jobs::{Handler, Outcome, Schedule};
use kernel::{AccountId, Cx, Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Room;
use crate::actions::announce::announce_members;
use crate::actions::merges::places::Turn;
use crate::actions::{batches, directory, merges};
use crate::model::ImportId;
use crate::sql;
use crate::webhooks::event::EventKind;

pub(crate) const IMPORT: &str = "customers.carry_on_import";
pub(crate) const MERGE: &str = "customers.carry_out_merge";

pub(crate) const SYNC: &str = "customers.sync_directory";
const FIRST_SYNC: &str = "customers.first_sync";
/// A changed membership shows within the hour; the panel asks Jira itself and is always right.
const SYNC_EVERY: Duration = Duration::from_secs(3600);
/// Pages of Jira's read before the job notes how far it is: a crash repeats these at most.
const PAGES_A_SLICE: usize = 10;
/// People whom Jira is asked for by their ids in one step.
const UNSEEN_A_PAGE: u32 = 90;
/// Memberships that ended which receivers of webhooks are told of at once. An hour has few; after a long outage of
/// Jira's the rest is told by the list itself.
const MEMBERS_TOLD: u32 = 1_000;

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    let mut handlers: Vec<Arc<dyn Handler>> = vec![
        Arc::new(Sync { room: room.clone(), kind: SYNC, topic: None }),
        Arc::new(Sync { room: room.clone(), kind: FIRST_SYNC, topic: Some(events::INSTALLED_TOPIC) }),
        Arc::new(webhooks::FanOut(room.clone())),
        Arc::new(webhooks::Replay(room.clone())),
        Arc::new(webhooks::Deliver(room.clone())),
        Arc::new(CarryOnImport { room: room.clone() }),
        Arc::new(CarryOutMerge { room: room.clone() }),
        Arc::new(copies::Copy(room.clone())),
        Arc::new(heard::Hear(room.clone())),
        Arc::new(heard::Upgraded(room.clone())),
    ];
    handlers.extend(issues::handlers(room));
    handlers
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule { kind: SYNC, every: SYNC_EVERY, per_tenant: true }]
}

/// Does what its state says: of an import, a change of a field's type, or a bulk action.
struct CarryOnImport {
    room: Room,
}

#[async_trait]
impl Handler for CarryOnImport {
    fn kind(&self) -> &'static str {
        IMPORT
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let id = payload.get("import").and_then(Value::as_str).and_then(|id| id.parse().ok()).map(ImportId);
        let id = id.ok_or_else(|| Fault::invalid("jobs_payload", "no import"))?;
        let more = batches::go_on(cx, &self.room, id).await?;
        Ok(if more { Outcome::Again(payload.clone()) } else { Outcome::Done })
    }
}

/// Lets the kept one into organizations, or out of them again.
struct CarryOutMerge {
    room: Room,
}

#[async_trait]
impl Handler for CarryOutMerge {
    fn kind(&self) -> &'static str {
        MERGE
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let turn = Turn::of(payload).ok_or_else(|| Fault::invalid("jobs_payload", "no merge"))?;
        let more = merges::places::go_on(cx, &self.room, turn).await?;
        Ok(if more { Outcome::Again(turn.next()) } else { Outcome::Done })
    }
}

struct Sync {
    room: Room,
    kind: &'static str,
    topic: Option<&'static str>,
}

/// How far a reading is. What it did not see when it ends is dropped.
#[derive(Serialize, Deserialize)]
struct Reading {
    started_at: i64,
    at: At,
    start: u32,
}

#[derive(Clone, Serialize, Deserialize)]
enum At {
    /// The customers of this desk, counted from 0.
    Desk(usize),
    /// The list of organizations.
    Organizations,
    /// The people of the first organization after this one.
    People(String),
    /// Those after this account whom none of Jira's lists had, and whom we still know something of.
    Unseen(String),
}

#[async_trait]
impl Handler for Sync {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn topic(&self) -> Option<&'static str> {
        self.topic
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let mut reading: Reading = match payload.get("reading") {
            Some(reading) => {
                serde_json::from_value(reading.clone()).map_err(|_| Fault::invalid("jobs_payload", "not a reading"))?
            }
            None => Reading { started_at: kernel::micros(cx.now()), at: At::Desk(0), start: 0 },
        };
        for _ in 0..PAGES_A_SLICE {
            if !self.step(cx, &mut reading).await? {
                let before = kernel::from_micros(reading.started_at);
                let mut scoped = self.room.shared.store.write(cx).await?;
                let gone = sql::membership_list_older(&mut scoped, before, MEMBERS_TOLD).await?;
                announce_members(&mut scoped, cx, EventKind::MemberRemoved, gone).await?;
                sql::directory_drop_older(&mut scoped, before).await?;
                directory::changed(&mut scoped, cx).await?;
                scoped.commit().await?;
                issues::look(cx, &self.room).await?;
                return Ok(Outcome::Done);
            }
        }
        Ok(Outcome::Again(serde_json::json!({ "reading": reading })))
    }
}

impl Sync {
    /// Reads one page; false when there is none left.
    async fn step(&self, cx: &Cx, reading: &mut Reading) -> Result<bool> {
        let jira = Jira::for_tenant(&self.room.shared.host.cloud, cx, As::App).in_background();
        match reading.at.clone() {
            At::Desk(place) => self.desk_page(cx, &jira, reading, place).await?,
            At::Organizations => self.organization_page(cx, &jira, reading).await?,
            At::People(after) => self.people_page(cx, &jira, reading, &after).await?,
            At::Unseen(after) => return self.unseen_page(cx, &jira, reading, &after).await,
        }
        Ok(true)
    }

    async fn desk_page(&self, cx: &Cx, jira: &Jira<'_>, reading: &mut Reading, place: usize) -> Result<()> {
        let Some(desk) = self.desk(jira, place).await? else {
            (reading.at, reading.start) = (At::Organizations, 0);
            return Ok(());
        };
        let page = jira.desk_customers(&desk.id, "", reading.start).await?;
        let at = cx.now();
        let mut scoped = self.room.shared.store.write(cx).await?;
        let accounts: Vec<&AccountId> = page.items.iter().map(|customer| &customer.account_id).collect();
        sql::customers_put(&mut scoped, accounts.iter().copied(), at).await?;
        sql::project_customers_put(&mut scoped, &desk.project_id, accounts, at).await?;
        scoped.commit().await?;
        self.keep_names(cx, &page.items).await?;
        match page.next {
            Some(next) => reading.start = next,
            None => (reading.at, reading.start) = (At::Desk(place + 1), 0),
        }
        Ok(())
    }

    /// What came along need not be asked again.
    async fn keep_names(&self, cx: &Cx, people: &[Customer]) -> Result<()> {
        let profiles: Vec<_> =
            people.iter().map(|customer| (customer.account_id.clone(), Profile::from(customer))).collect();
        self.room.shared.host.people.keep(cx, &profiles).await
    }

    async fn desk(&self, jira: &Jira<'_>, place: usize) -> Result<Option<ServiceDesk>> {
        let mut start = Some(0);
        let mut seen = 0;
        while let Some(from) = start {
            let page = jira.service_desks(from).await?;
            let count = page.items.len();
            if let Some(desk) = page.items.into_iter().nth(place - seen) {
                return Ok(Some(desk));
            }
            seen += count;
            start = page.next;
        }
        Ok(None)
    }

    async fn organization_page(&self, cx: &Cx, jira: &Jira<'_>, reading: &mut Reading) -> Result<()> {
        let page = jira.organizations(None, reading.start).await?;
        let keys = directory::name_keys(cx, &self.room).await?;
        let at = cx.now();
        let mut scoped = self.room.shared.store.write(cx).await?;
        for organization in &page.items {
            let name = directory::seal_name(&keys, &organization.id, organization.name.peek())?;
            sql::organization_put(&mut scoped, &organization.id, name, at).await?;
        }
        scoped.commit().await?;
        match page.next {
            Some(next) => reading.start = next,
            None => (reading.at, reading.start) = (At::People(String::new()), 0),
        }
        Ok(())
    }

    async fn people_page(&self, cx: &Cx, jira: &Jira<'_>, reading: &mut Reading, after: &str) -> Result<()> {
        let next = sql::organization_list(&mut self.room.shared.store.read(cx).await?, after, 1).await?;
        let Some((organization, _)) = next.into_iter().next() else {
            (reading.at, reading.start) = (At::Unseen(String::new()), 0);
            return Ok(());
        };
        let page = match jira.organization_users(&organization, reading.start).await {
            Ok(page) => page,
            // Deleted since the list was read.
            Err(fault) if fault.kind() == kernel::Kind::NotFound => Page { items: Vec::new(), next: None },
            Err(fault) => return Err(fault),
        };
        let at: Timestamp = cx.now();
        let mut scoped = self.room.shared.store.write(cx).await?;
        let accounts: Vec<&AccountId> = page.items.iter().map(|member| &member.account_id).collect();
        sql::customers_put(&mut scoped, accounts.iter().copied(), at).await?;
        let joined = sql::memberships_put(&mut scoped, &organization, accounts, at).await?;
        let joined = joined.into_iter().map(|account| (organization.clone(), account)).collect();
        announce_members(&mut scoped, cx, EventKind::MemberAdded, joined).await?;
        scoped.commit().await?;
        self.keep_names(cx, &page.items).await?;
        match page.next {
            Some(next) => reading.start = next,
            None => (reading.at, reading.start) = (At::People(organization.as_str().to_owned()), 0),
        }
        Ok(())
    }

    /// An open project lists nobody who has not asked for anything yet, and a project that somebody left lists them no more.
    /// Whoever was made here or has values stays a customer for as long as Jira has their account in use.
    async fn unseen_page(&self, cx: &Cx, jira: &Jira<'_>, reading: &mut Reading, after: &str) -> Result<bool> {
        let since = kernel::from_micros(reading.started_at);
        let mut scoped = self.room.shared.store.read(cx).await?;
        let unseen = sql::customers_unseen(&mut scoped, since, after, UNSEEN_A_PAGE).await?;
        drop(scoped);
        let Some(last) = unseen.last() else { return Ok(false) };
        let users = jira.users(&unseen).await?;
        let mut scoped = self.room.shared.store.write(cx).await?;
        let there = users.iter().filter(|user| user.active).map(|user| &user.account_id);
        sql::customers_put(&mut scoped, there, cx.now()).await?;
        scoped.commit().await?;
        reading.at = At::Unseen(last.as_str().to_owned());
        Ok(true)
    }
}
