//! The way to another region, and what comes from one: both ends of a line. Whoever has not the secret gets the answer of an address that
//! is not there, and is not read beyond its first headers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use host::{Outward, Purpose};
use jiff::Timestamp;
use kernel::{Cx, Fault, Result};
use uuid::Uuid;
use vault::{Line, Said};

use super::Realm;
use super::said::{Answer, Ask, framed};

/// Where the other side listens.
pub(super) const PATH: &str = "/realm/v1";
/// Who says it.
const REGION: HeaderName = HeaderName::from_static("x-steward-region");
/// Of which move.
const MOVE: HeaderName = HeaderName::from_static("x-steward-move");
/// That whoever says it has the secret, and when it was said.
const GATE: HeaderName = HeaderName::from_static("x-steward-gate");
/// A page of rows, or an object, each way and on disk.
const TIME: Duration = Duration::from_secs(60);
/// Answers are a few numbers.
const ANSWER_BYTES: usize = 1 << 20;
/// How far the clocks of two regions may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(300);
/// When to try again.
const AGAIN: Duration = Duration::from_secs(5);

/// Whoever says something, proven by its gate.
pub(super) struct Heard {
    /// From which region.
    pub(super) region: String,
    /// Of which move.
    pub(super) id: Uuid,
    /// When, by its own clock, in microseconds; later than whatever it said before.
    pub(super) at: i64,
    pub(super) line: Line,
    pub(super) gate: Vec<u8>,
}

fn unavailable(why: String) -> Fault {
    Fault::busy("region_unavailable", "The other region does not answer at the moment. Try again.", Some(AGAIN))
        .because(why)
}

impl Realm {
    /// Says something to another region, for the tenant of the context, and waits for what it answers.
    ///
    /// # Errors
    /// `region_unavailable` and what the door says (busy); `realm_said` (broken) for an answer that nobody understands.
    pub(super) async fn ask(&self, cx: &Cx, region: &str, id: Uuid, ask: &Ask, behind: &[u8]) -> Result<Answer> {
        let regions = self.regions()?;
        let address = regions.others.get(region);
        let address = address.ok_or_else(|| Fault::broken("realm_regions", "a region that is not configured"))?;
        let line = regions.channel.line(&regions.own, region, id.as_bytes());
        let gate = line.seal(Said::Gate, &[], &self.next_at(cx.now()).to_be_bytes())?;
        let body = line.seal(Said::Ask, &[&gate], &framed(ask, behind)?)?;
        let url = address.join(PATH).map_err(|error| Fault::broken("realm_regions", error))?;
        let mut call = Outward::new(Method::POST, url);
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Fault::broken("realm_regions", error));
        call.headers.insert(REGION, value(&regions.own)?);
        call.headers.insert(MOVE, value(&id.to_string())?);
        call.headers.insert(GATE, value(&STANDARD_NO_PAD.encode(&gate))?);
        call.body = Some(body.into());
        call.time = TIME;
        call.body_limit = ANSWER_BYTES;
        let reply = self.0.host.door.send(cx.tenant(), Purpose::Region, call).await?;
        if reply.status != StatusCode::OK {
            return Err(unavailable(format!("it answered {}", reply.status)));
        }
        let opened = line.open(Said::Answer, &[&gate], &reply.body);
        let plain = opened.map_err(|_| unavailable("an answer that it did not seal".to_owned()))?;
        serde_json::from_slice(&plain).map_err(|error| Fault::broken("realm_said", error))
    }

    /// An instant later than any that was said before: two nodes agree as far as their clocks do.
    fn next_at(&self, now: Timestamp) -> i64 {
        let now = kernel::micros(now);
        let told = self.0.said_at.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last + 1)));
        told.map_or(now, |last| now.max(last + 1))
    }

    /// Proves whoever says something, by headers alone.
    ///
    /// # Errors
    /// `not_found`, whatever is wrong.
    pub(super) fn gate(&self, headers: &HeaderMap, now: Timestamp) -> Result<Heard> {
        let regions = self.0.regions.as_ref().ok_or_else(Fault::not_found)?;
        let text =
            |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).ok_or_else(Fault::not_found);
        let region = text(&REGION)?;
        if !regions.others.contains_key(region) {
            return Err(Fault::not_found());
        }
        let id: Uuid = text(&MOVE)?.parse().map_err(|_| Fault::not_found())?;
        let gate = STANDARD_NO_PAD.decode(text(&GATE)?).map_err(|_| Fault::not_found())?;
        let line = regions.channel.line(region, &regions.own, id.as_bytes());
        let said = line.open(Said::Gate, &[], &gate)?;
        let at = i64::from_be_bytes(said.as_slice().try_into().map_err(|_| Fault::not_found())?);
        let apart = now.duration_since(kernel::from_micros(at)).unsigned_abs();
        if apart > CLOCKS_APART {
            return Err(Fault::not_found().because("said long ago, or by a clock that is wrong"));
        }
        Ok(Heard { region: region.to_owned(), id, at, line, gate })
    }
}
