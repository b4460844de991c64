//! The last deliveries of webhooks and of Forge's events: what was sent, to whom, how often, and what came of it; those that
//! wait leave at once, or never, by hand.
//!
//! It decides nothing about the others and sends nothing itself: whoever delivers holds a [`Ticket`], waits by it, and writes
//! down what came of it. Start reading at [`Log::enter`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{config::Clock, forge, webhooks};

/// Deliveries that are kept, the latest.
pub(crate) const KEPT: usize = 500;
/// Bytes of bodies that are kept in all; beyond them the oldest deliveries are forgotten, too.
const KEPT_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of an answer that are kept.
pub(crate) const ANSWER_KEPT: usize = 4096;

/// What is sent again when somebody asks for it.
#[derive(Clone)]
pub(crate) enum What {
    Webhook(webhooks::Told),
    Forge(Arc<forge::Delivery>),
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It leaves then, or is tried again then.
    Waiting(Timestamp),
    /// It was sent, and is not answered yet.
    UnderWay,
    /// The receiver said yes.
    Taken,
    /// The receiver did not, and it is not tried again.
    NotTaken,
    /// Somebody took it back by hand.
    Dropped,
    /// A fault lost it: it never left.
    Lost,
}

/// One try.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) took: Duration,
    /// The answer's status.
    pub(crate) status: Option<u16>,
    /// The beginning of its body, or why there is none.
    pub(crate) said: String,
}

/// What a delivery is, as it is entered.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) what: What,
    /// The webhook's name, or the app's.
    pub(crate) to: String,
    pub(crate) url: String,
    pub(crate) event: String,
    pub(crate) body: Option<Bytes>,
    /// The delivery that this one repeats, by hand.
    pub(crate) again_of: Option<u64>,
}

/// One delivery.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    pub(crate) made: Made,
    pub(crate) stand: Stand,
    pub(crate) attempts: Vec<Attempt>,
}

#[derive(Default)]
struct Controls {
    hurry: Notify,
    dropped: CancellationToken,
}

#[derive(Default)]
struct Kept {
    last: u64,
    bytes: usize,
    /// Their numbers follow each other.
    entries: VecDeque<(Delivery, Arc<Controls>)>,
}

impl Kept {
    fn at(&self, id: u64) -> Option<usize> {
        let first = self.entries.front()?.0.id;
        usize::try_from(id.checked_sub(first)?).ok()
    }

    fn get(&self, id: u64) -> Option<&(Delivery, Arc<Controls>)> {
        self.entries.get(self.at(id)?)
    }
}

/// The last deliveries.
pub(crate) struct Log {
    clock: Clock,
    kept: Mutex<Kept>,
}

fn size(made: &Made) -> usize {
    made.body.as_ref().map_or(0, Bytes::len)
}

impl Log {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, made: Made, stand: Stand) -> (u64, Arc<Controls>) {
        let at = (self.clock)();
        let controls = Arc::new(Controls::default());
        let mut kept = self.kept();
        kept.last += 1;
        kept.bytes += size(&made);
        let id = kept.last;
        kept.entries.push_back((Delivery { id, at, made, stand, attempts: Vec::new() }, controls.clone()));
        while kept.entries.len() > KEPT || (kept.bytes > KEPT_BYTES && kept.entries.len() > 1) {
            let Some((gone, _)) = kept.entries.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(size(&gone.made));
        }
        (id, controls)
    }

    /// A delivery that is about to be made.
    pub(crate) fn enter(self: &Arc<Self>, made: Made) -> Ticket {
        let (id, controls) = self.put(made, Stand::UnderWay);
        Ticket { log: self.clone(), id, controls }
    }

    /// A delivery that a fault lost.
    pub(crate) fn lost(&self, made: Made) {
        self.put(made, Stand::Lost);
    }

    /// Those for which `f` says so, the latest first.
    pub(crate) fn list(&self, f: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        self.kept().entries.iter().rev().map(|(delivery, _)| delivery).filter(|one| f(one)).cloned().collect()
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.kept().entries.len()
    }

    pub(crate) fn one(&self, id: u64) -> Option<Delivery> {
        self.kept().get(id).map(|(delivery, _)| delivery.clone())
    }

    fn waiting(&self, id: u64) -> Option<Arc<Controls>> {
        let kept = self.kept();
        let (delivery, controls) = kept.get(id)?;
        matches!(delivery.stand, Stand::Waiting(_)).then(|| controls.clone())
    }

    /// Lets one that waits leave at once; whether one does.
    pub(crate) fn hurry(&self, id: u64) -> bool {
        self.waiting(id).inspect(|controls| controls.hurry.notify_waiters()).is_some()
    }

    /// Takes one back that waits; whether one does.
    pub(crate) fn take_back(&self, id: u64) -> bool {
        let Some(controls) = self.waiting(id) else { return false };
        controls.dropped.cancel();
        self.change(id, |delivery| delivery.stand = Stand::Dropped);
        true
    }

    fn change(&self, id: u64, f: impl FnOnce(&mut Delivery)) {
        let mut kept = self.kept();
        if let Some(at) = kept.at(id)
            && let Some((delivery, _)) = kept.entries.get_mut(at)
        {
            f(delivery);
        }
    }
}

/// Held by whoever makes a delivery.
pub(crate) struct Ticket {
    log: Arc<Log>,
    id: u64,
    controls: Arc<Controls>,
}

impl Ticket {
    /// Waits until it is time, or somebody cannot wait; false when it was taken back instead.
    pub(crate) async fn wait(&self, pause: Duration) -> bool {
        let hurried = self.controls.hurry.notified();
        tokio::pin!(hurried);
        // Listening must begin before anybody can see that it waits.
        hurried.as_mut().enable();
        if !pause.is_zero() {
            let until = (self.log.clock)().checked_add(pause).unwrap_or(Timestamp::MAX);
            self.log.change(self.id, |delivery| delivery.stand = Stand::Waiting(until));
        }
        let goes = tokio::select! {
            biased;
            () = self.controls.dropped.cancelled() => false,
            () = hurried => true,
            () = tokio::time::sleep(pause) => true,
        };
        if goes {
            // Between the end of the pause and here somebody may have taken it back.
            self.log.change(self.id, |delivery| {
                if delivery.stand != Stand::Dropped {
                    delivery.stand = Stand::UnderWay;
                }
            });
        }
        goes && !self.controls.dropped.is_cancelled()
    }

    /// Writes a try down.
    pub(crate) fn tried(&self, began: Instant, status: Option<u16>, said: String) {
        let took = began.elapsed();
        let now = (self.log.clock)();
        let at = now.checked_sub(took).unwrap_or(now);
        self.log.change(self.id, |delivery| delivery.attempts.push(Attempt { at, took, status, said }));
    }

    /// It is over: taken, or not.
    pub(crate) fn end(&self, taken: bool) {
        let stand = if taken { Stand::Taken } else { Stand::NotTaken };
        self.log.change(self.id, |delivery| delivery.stand = stand);
    }
}

/// The beginning of a text that is at most so many bytes.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// The beginning of an answer's body, as text.
pub(crate) async fn said(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_KEPT {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    beginning(&text, ANSWER_KEPT).to_owned()
}
