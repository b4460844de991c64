//! The end of a move: committed, called back, or neither in time. Between the moment in which this server serves the site no more and the one in
//! which the other says that it does, none serves it; a commit that breaks off there is gone on with until the other side has answered.

use async_trait::async_trait;
use jobs::{Handler, Outcome};
use kernel::{Cx, Fault, Kind, Result};
use serde_json::Value as Json;
use store::realm::{Move, Stage, moves};
use store::tenants::{self, State};

use super::said::{Answer, Ask};
use super::send::done;
use super::{AFTER_THE_WINDOW, CARRY_ON, COMMIT_AGAIN, KEPT_AFTER_COMMIT, Realm, enqueue, later, move_of, note};

/// What became of a commit.
pub(super) enum Committed {
    /// The other side serves it.
    Yes,
    /// It is served here as before.
    No,
}

impl Realm {
    /// Hands the site over. Repeatable.
    ///
    /// # Errors
    /// Busy while the other side does not answer: then nobody serves it, and it is gone on with.
    pub(super) async fn commit(&self, cx: &Cx, found: &Move) -> Result<Committed> {
        let found = match found.stage {
            Stage::Committed => return Ok(Committed::Yes),
            Stage::Ready => match self.close(cx, found).await? {
                Some(closed) => closed,
                None => return Ok(Committed::No),
            },
            Stage::Committing => found.clone(),
            _ => return Ok(Committed::No),
        };
        match self.hand_over(cx, &found).await {
            Ok(()) => {}
            Err(fault) if fault.kind() == Kind::Busy => return Err(fault),
            Err(fault) => {
                let cause = fault.private_source().map(ToString::to_string);
                tracing::error!(event = "site_not_moved", site = %cx.tenant(), code = fault.code(), cause);
                self.reopen(cx, &found, Stage::Failed, Some(fault.code())).await?;
                return Ok(Committed::No);
            }
        }
        let mut scoped = self.store().beyond(cx).await?;
        if moves::step(&mut scoped, cx, found.id, Stage::Committing, Stage::Committed, None).await? {
            note(&mut scoped, cx, "tenant.moved_away", &format!("to {}", found.region)).await?;
            enqueue(&mut scoped, cx, CARRY_ON, found.id, "leave", later(cx.now(), KEPT_AFTER_COMMIT)).await?;
            scoped.commit().await?;
            tracing::info!(event = "site_moved", site = %cx.tenant(), to = found.region);
        }
        Ok(Committed::Yes)
    }

    /// Serves the site no more. None when something of it changed since it stood still, which nothing may: then it is opened again.
    async fn close(&self, cx: &Cx, found: &Move) -> Result<Option<Move>> {
        let mut scoped = self.store().beyond(cx).await?;
        let state = moves::hold(&mut scoped).await?;
        let untouched = found.marks == Some(moves::marks(&mut scoped).await?);
        if !untouched || state != Some(State::Moving) {
            drop(scoped);
            self.reopen(cx, found, Stage::Failed, Some("changed")).await?;
            return Ok(None);
        }
        if !moves::step(&mut scoped, cx, found.id, Stage::Ready, Stage::Committing, None).await? {
            return Err(Fault::busy("move_busy", "The migration is being committed or called back already.", None));
        }
        moves::turn(&mut scoped, cx, State::Moving, State::Moved).await?;
        enqueue(&mut scoped, cx, CARRY_ON, found.id, "commit", later(cx.now(), COMMIT_AGAIN)).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        moves::by_id(self.store(), found.id).await
    }

    async fn hand_over(&self, cx: &Cx, found: &Move) -> Result<()> {
        let (change_seq, ledger_seq) =
            found.marks.ok_or_else(|| Fault::broken("realm_marks", "a copy without marks"))?;
        let activate = Ask::Activate { change_seq, ledger_seq };
        match self.say_late(cx, found).await {
            // Late, because an answer was lost: it serves the site already, which asking once more tells.
            Err(fault) if fault.kind() != Kind::Busy => {
                done(self.ask(cx, &found.region, found.id, &activate, b"").await?).map_err(|_| fault)
            }
            Err(fault) => Err(fault),
            Ok(()) => done(self.ask(cx, &found.region, found.id, &activate, b"").await?),
        }
    }

    /// Calls a move back. False when it cannot be any more.
    ///
    /// # Errors
    /// Busy while the other side, which may serve the site by now, does not answer.
    pub(super) async fn roll_back(&self, cx: &Cx, found: &Move) -> Result<bool> {
        match found.stage {
            Stage::Failed | Stage::Undone => Ok(true),
            Stage::Scheduled | Stage::Sending | Stage::Ready => self.reopen(cx, found, Stage::Undone, None).await,
            Stage::Committing | Stage::Committed => {
                let mut scoped = self.store().beyond(cx).await?;
                let state = moves::hold(&mut scoped).await?;
                if state != Some(State::Moved)
                    || !moves::step(&mut scoped, cx, found.id, found.stage, Stage::Undoing, None).await?
                {
                    return Ok(false);
                }
                enqueue(&mut scoped, cx, CARRY_ON, found.id, "undo", later(cx.now(), COMMIT_AGAIN)).await?;
                scoped.commit().await?;
                let undoing = Move { stage: Stage::Undoing, ..found.clone() };
                self.undo(cx, &undoing).await
            }
            Stage::Undoing => self.undo(cx, found).await,
            Stage::Arriving | Stage::Arrived | Stage::Leaving | Stage::Removed => Ok(false),
        }
    }

    /// Ends the tenant here, an hour after the other side began to serve it.
    async fn leave(&self, cx: &Cx) -> Result<()> {
        if tenants::state_of(self.store(), cx.tenant()).await? == Some(State::Moved) {
            self.0.host.sites.end(cx).await?;
        }
        Ok(())
    }

    /// Asks the other side to let go of the site. Where people use it there already it stays there.
    async fn undo(&self, cx: &Cx, found: &Move) -> Result<bool> {
        if let Answer::Refused { .. } = self.ask(cx, &found.region, found.id, &Ask::Remove, b"").await? {
            let mut scoped = self.store().beyond(cx).await?;
            if moves::step(&mut scoped, cx, found.id, Stage::Undoing, Stage::Committed, None).await? {
                note(&mut scoped, cx, "tenant.move_kept", &format!("to {}", found.region)).await?;
                enqueue(&mut scoped, cx, CARRY_ON, found.id, "leave again", later(cx.now(), KEPT_AFTER_COMMIT)).await?;
                scoped.commit().await?;
            }
            return Ok(false);
        }
        self.reopen(cx, found, Stage::Undone, None).await
    }
}

pub(super) struct CarryOn(pub(super) Realm);

#[async_trait]
impl Handler for CarryOn {
    fn kind(&self) -> &'static str {
        CARRY_ON
    }

    fn runs_for_departed(&self) -> bool {
        true
    }

    async fn run(&self, cx: &Cx, payload: &Json) -> Result<Outcome> {
        let realm = &self.0;
        let Some(found) = moves::by_id(realm.store(), move_of(payload)?).await? else { return Ok(Outcome::Done) };
        let over = cx.now() >= later(found.ends_at, AFTER_THE_WINDOW);
        match found.stage {
            Stage::Scheduled | Stage::Sending | Stage::Ready if over => {
                realm.reopen(cx, &found, Stage::Failed, Some("window_over")).await?;
            }
            Stage::Committing => {
                realm.commit(cx, &found).await?;
            }
            Stage::Undoing => {
                realm.undo(cx, &found).await?;
            }
            // Called back, or failed: what is there goes. A site that never began to move has nothing there.
            Stage::Failed | Stage::Undone if found.frozen_at.is_some() => {
                realm.ask(cx, &found.region, found.id, &Ask::Remove, b"").await?;
            }
            Stage::Committed if cx.now() >= later(found.changed_at, KEPT_AFTER_COMMIT) => {
                realm.leave(cx).await?;
            }
            Stage::Arriving if over => {
                let mut scoped = realm.store().beyond(cx).await?;
                let mine = moves::step(&mut scoped, cx, found.id, Stage::Arriving, Stage::Leaving, Some("window_over"))
                    .await?;
                scoped.commit().await?;
                if mine {
                    realm.removed(cx, &found).await?;
                }
            }
            Stage::Leaving => realm.removed(cx, &found).await?,
            _ => {}
        }
        Ok(Outcome::Done)
    }
}
