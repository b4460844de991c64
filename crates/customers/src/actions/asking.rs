//! Things that Jira makes, and would make twice: what it is asked is noted before, so that whoever asks for the same after an
//! answer that nobody heard gets what the first asking made, if it made it. With an `Idempotency-Key` or without.
//!
//! Nothing of what is asked for is kept but a keyed hash, for a day at most. Start at [`Asking::settle`].

use futures::future::BoxFuture;
use host::client::ANSWER_LOST;
use jiff::{SignedDuration, Timestamp};
use kernel::{Actor, Cx, Fault, KeyClass, Kind, Result};
use store::{Scoped, asked};
use vault::Subject;

use crate::Room;

/// For so long a call that nobody hears of any more may still be under way in Jira, or its search not know what it made.
const SETTLING: SignedDuration = SignedDuration::from_mins(1);
/// Jira's clock may differ from ours by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    /// Jira has one of an address, however often it is asked.
    Customer,
    Organization,
    Request,
}

impl Thing {
    fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Organization => "organization",
            Self::Request => "request",
        }
    }
}

/// One thing that is asked for.
pub(crate) struct Asking<'a> {
    cx: &'a Cx,
    room: &'a Room,
    thing: Thing,
    what: [u8; 32],
    /// When the same was asked for and not heard of.
    before: Option<Timestamp>,
    /// Which note is taken out when it is heard of.
    noted: Option<Timestamp>,
}

/// Nobody heard whether Jira made it.
pub(crate) fn lost(cause: &'static str) -> Fault {
    let text = "Jira did not say whether it did this. Send the same again in a minute: it is looked for first, and not made twice.";
    Fault::busy(ANSWER_LOST, text, None).because(cause)
}

/// Who asks, as one word.
pub(crate) fn asker(cx: &Cx) -> String {
    match cx.actor() {
        Actor::Person(account) => format!("person {account}"),
        Actor::Token(token) => format!("token {}", token.id),
        Actor::System(name) => (*name).to_owned(),
    }
}

impl<'a> Asking<'a> {
    /// Of a thing that `parts` tell from all others of its kind. Refused while the same is being asked for.
    pub(crate) async fn of(cx: &'a Cx, room: &'a Room, thing: Thing, parts: &[&str]) -> Result<Self> {
        let whole = serde_json::to_vec(&(thing.name(), parts)).map_err(|error| Fault::broken("asking", error))?;
        let hashes = room.shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
        let what = hashes.hash("asked of jira", &whole)?;
        let before = asked::before(&mut room.shared.store.read(cx).await?, &what, cx.now()).await?;
        Ok(Self { cx, room, thing, what, before, noted: before })
    }

    /// When the same was asked for and not heard of.
    pub(crate) fn before(&self) -> Option<Timestamp> {
        self.before
    }

    /// What was made for it was made since then, by Jira's clock.
    pub(crate) fn since(&self) -> Timestamp {
        let asked_at = self.before.unwrap_or_else(|| self.cx.now());
        asked_at.checked_sub(SKEW).unwrap_or(Timestamp::MIN)
    }

    /// What an earlier asking made, as the first look finds it; else what is made now. Of an answer that nobody heard the second look
    /// may tell at once. The note stays until [`Self::heard`].
    pub(crate) async fn settle<T>(
        &mut self,
        first: BoxFuture<'_, Result<Option<T>>>,
        make: BoxFuture<'_, Result<T>>,
        second: BoxFuture<'_, Result<Option<T>>>,
    ) -> Result<T> {
        if let Some(before) = self.before {
            match first.await {
                Ok(Some(made)) => return Ok(made),
                Ok(None) => {}
                // To look again is safe.
                Err(fault) if fault.kind() == Kind::Busy => return Err(fault),
                Err(fault) => return Err(lost(fault.code())),
            }
            if self.thing != Thing::Customer && self.cx.now().duration_since(before) < SETTLING {
                return Err(lost("it was asked for a moment ago"));
            }
        }
        match self.make(make).await {
            Err(fault) if fault.code() == ANSWER_LOST => match second.await {
                Ok(Some(made)) => Ok(made),
                // What was there before was not made.
                Err(there) if there.kind() == Kind::Conflict => {
                    let mut scoped = self.room.shared.store.write(self.cx).await?;
                    self.heard(&mut scoped).await?;
                    scoped.commit().await?;
                    Err(there)
                }
                _ => Err(lost(fault.code())),
            },
            answer => answer,
        }
    }

    /// Asks for it, and takes the note out where Jira did not make it. Where that fails the note stays, and to ask again is safe.
    async fn make<T>(&mut self, make: BoxFuture<'_, Result<T>>) -> Result<T> {
        let (cx, store) = (self.cx, &self.room.shared.store);
        // Of a customer the first asking counts: for how long Jira's search may be behind is counted from it.
        let at = self.before.filter(|_| self.thing == Thing::Customer).unwrap_or_else(|| cx.now());
        let mut scoped = store.write(cx).await?;
        asked::ask(&mut scoped, &self.what, self.before, at).await?;
        scoped.commit().await?;
        self.noted = Some(at);
        let fault = match make.await {
            Ok(made) => return Ok(made),
            Err(fault) => fault,
        };
        let mut scoped = store.write(cx).await?;
        if fault.code() == ANSWER_LOST {
            asked::unheard(&mut scoped, &self.what, at).await?;
        } else {
            asked::heard(&mut scoped, &self.what, at).await?;
        }
        scoped.commit().await?;
        Err(fault)
    }

    /// Takes the note out, with what the answer changes here.
    pub(crate) async fn heard(&self, scoped: &mut Scoped) -> Result<()> {
        match self.noted {
            Some(at) => asked::heard(scoped, &self.what, at).await,
            None => Ok(()),
        }
    }
}
