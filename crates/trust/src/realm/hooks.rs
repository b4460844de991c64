//! What Forge's hooks ask for. Each may come late, twice, or for a migration that nobody knows: what it did is told again, and nothing is
//! done twice. Start at [`Realm::schedule`].

use std::time::Duration;

use host::{Mode, MoveCode, MoveHook, Named};
use jiff::Timestamp;
use kernel::{Cx, Fault, Result};
use store::realm::{Move, NewMove, Stage, Way, moves, rows};
use store::tenants::State;
use uuid::Uuid;

use super::commit::Committed;
use super::said::{Answer, Ask};
use super::{AFTER_THE_WINDOW, CARRY_ON, COPY, LONGEST_WINDOW, MOVES_AT_ONCE, Realm, enqueue, later, note};

/// How far ahead a move is planned: its row is kept for ninety days.
const PLANNED_AHEAD: Duration = Duration::from_secs(80 * 24 * 3600);

/// Why a hook is not done.
pub(super) enum Refused {
    /// For a reason that Forge knows: it does not ask again.
    Coded(MoveCode, &'static str),
    /// For another one; where it is busy, Forge asks again.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn coded<T>(code: MoveCode, why: &'static str) -> std::result::Result<T, Refused> {
    Err(Refused::Coded(code, why))
}

/// How far a migration is, in Forge's words where it has some.
pub(super) struct Status {
    pub(super) status: &'static str,
    pub(super) code: Option<MoveCode>,
}

impl Realm {
    async fn known(&self, cx: &Cx, migration: &str) -> Result<Option<Move>> {
        let mut scoped = self.store().read(cx).await?;
        Ok(moves::out_of_here(&mut scoped).await?.into_iter().find(|one| one.migration == migration))
    }

    /// The region that a hook names, if a site may move there.
    fn location(&self, hook: &MoveHook, named: &Named) -> std::result::Result<String, Refused> {
        let location = named.location.clone().unwrap_or_default();
        match &self.0.regions {
            None => coded(MoveCode::Unsupported, "this server stands in one region"),
            Some(_) if hook.mode != Mode::Forge => {
                coded(MoveCode::Unsupported, "a site that Forge alone does not join")
            }
            Some(regions) if regions.others.contains_key(&location) => Ok(location),
            Some(_) => coded(MoveCode::Region, "no server of this operator's stands in that region"),
        }
    }

    /// A move is announced: the other region is asked whether the site could come.
    pub(super) async fn schedule(&self, cx: &Cx, hook: &MoveHook, named: &Named) -> std::result::Result<(), Refused> {
        let region = self.location(hook, named)?;
        let (starts_at, ends_at) = window(named)?;
        if ends_at <= starts_at || ends_at <= cx.now() || starts_at > later(cx.now(), PLANNED_AHEAD) {
            return coded(MoveCode::Failed, "a window that is over, or more than 80 days ahead");
        }
        if hook.state != State::Active {
            return coded(MoveCode::TooMany, "the site is moving already");
        }
        let known = self.known(cx, &named.migration).await?;
        if known.as_ref().is_some_and(|known| known.stage != Stage::Scheduled) {
            return coded(MoveCode::Failed, "a migration that is over");
        }
        let id = known.as_ref().map_or_else(Uuid::now_v7, |known| known.id);
        let hello = Ask::Hello {
            site: cx.tenant().0,
            installation: hook.installation.clone(),
            schema: rows::schema(self.store().registry()),
        };
        match self.ask(cx, &region, id, &hello, b"").await? {
            Answer::Done => {}
            Answer::Refused { why } if why == "other_version" => {
                return coded(MoveCode::Region, "the other region runs another version");
            }
            _ => return coded(MoveCode::Failed, "the other region refuses the site"),
        }
        let mut scoped = self.store().write(cx).await?;
        if known.is_some() {
            moves::plan(&mut scoped, cx, id, &region, ends_at).await?;
        } else {
            let new = NewMove {
                id,
                way: Way::Out,
                migration: &named.migration,
                region: &region,
                stage: Stage::Scheduled,
                ends_at,
                heard_at: 0,
            };
            moves::insert(&mut scoped, cx, &new).await?;
        }
        scoped.commit().await?;
        Ok(())
    }

    /// The move begins: from here on the site is read and not written.
    pub(super) async fn start(&self, cx: &Cx, hook: &MoveHook, named: &Named) -> std::result::Result<(), Refused> {
        let region = self.location(hook, named)?;
        let (_, ends_at) = window(named)?;
        let ends_at = ends_at.min(later(cx.now(), LONGEST_WINDOW));
        let Some(found) = self.known(cx, &named.migration).await? else {
            return coded(MoveCode::NotScheduled, "a migration that was not scheduled");
        };
        match found.stage {
            Stage::Scheduled => {}
            Stage::Sending | Stage::Ready | Stage::Committing | Stage::Committed => return Ok(()),
            _ => return coded(MoveCode::NotScheduled, "a migration that is over"),
        }
        if ends_at <= cx.now() {
            return coded(MoveCode::Failed, "a window that is over");
        }
        if moves::under_way(self.store()).await? >= MOVES_AT_ONCE {
            return coded(MoveCode::TooMany, "as many sites are moving as may at once");
        }
        let mut scoped = self.store().beyond(cx).await?;
        if moves::hold(&mut scoped).await? != Some(State::Active) {
            return coded(MoveCode::Failed, "a site that is not served here");
        }
        moves::plan(&mut scoped, cx, found.id, &region, ends_at).await?;
        if !moves::step(&mut scoped, cx, found.id, Stage::Scheduled, Stage::Sending, None).await? {
            return Err(Fault::busy("move_busy", "The migration is being started already.", None).into());
        }
        note(&mut scoped, cx, "tenant.move_started", &format!("to {region}")).await?;
        moves::turn(&mut scoped, cx, State::Active, State::Moving).await?;
        let marks = moves::marks(&mut scoped).await?;
        moves::frozen(&mut scoped, cx, found.id, ends_at, marks).await?;
        enqueue(&mut scoped, cx, COPY, found.id, "copy", cx.now()).await?;
        enqueue(&mut scoped, cx, CARRY_ON, found.id, "end", later(ends_at, AFTER_THE_WINDOW)).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        tracing::info!(event = "site_moving", site = %cx.tenant(), to = region);
        Ok(())
    }

    /// How far it is; the newest, where none is named.
    pub(super) async fn status(&self, cx: &Cx, migration: Option<&str>) -> Result<Status> {
        let mut scoped = self.store().read(cx).await?;
        let all = moves::out_of_here(&mut scoped).await?;
        let found = all.into_iter().find(|one| migration.is_none_or(|named| one.migration == named));
        let is = |status| Ok(Status { status, code: None });
        match found.map(|found| (found.stage, found.error)) {
            None => Ok(Status { status: "failed", code: Some(MoveCode::NotScheduled) }),
            Some((Stage::Scheduled, _)) => is("scheduled"),
            Some((Stage::Ready | Stage::Committing, _)) => is("ready-to-commit"),
            Some((Stage::Committed, _)) => is("committed"),
            Some((Stage::Undone | Stage::Undoing, _)) => is("rolled-back"),
            Some((Stage::Failed, _)) => Ok(Status { status: "failed", code: Some(MoveCode::Failed) }),
            Some(_) => is("in-progress"),
        }
    }

    /// The site is handed over. Answered when the other region serves it.
    pub(super) async fn hear_commit(&self, cx: &Cx, named: &Named) -> std::result::Result<(), Refused> {
        let Some(found) = self.known(cx, &named.migration).await? else {
            return coded(MoveCode::NotScheduled, "a migration that was not scheduled");
        };
        match self.commit(cx, &found).await? {
            Committed::Yes => Ok(()),
            Committed::No => coded(MoveCode::Failed, "the site is served here as before"),
        }
    }

    /// The move is called back.
    pub(super) async fn hear_rollback(&self, cx: &Cx, named: &Named) -> std::result::Result<(), Refused> {
        match self.known(cx, &named.migration).await? {
            // Nothing was begun: nothing is to be undone.
            None => Ok(()),
            Some(found) if self.roll_back(cx, &found).await? => Ok(()),
            Some(_) => coded(MoveCode::Failed, "the site is served in the other region"),
        }
    }
}

fn window(named: &Named) -> std::result::Result<(Timestamp, Timestamp), Refused> {
    named.starts_at.zip(named.ends_at).ok_or(Refused::Coded(MoveCode::Failed, "no window"))
}
