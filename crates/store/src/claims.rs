//! Requests that are done once: the claim of each on its idempotency key, written with its first change, and the answer
//! that it was given. Both stand or neither does, so a request that is sent again is never done again.
//!
//! The change sequence writes the claim (`changes`): whatever changes something of a tenant's takes a turn there first.

use jiff::{SignedDuration, Timestamp};
use kernel::{Claim, Column, Fault, Result, RowName, Sealed};

use crate::args;
use crate::row::Row;
use crate::scoped::Scoped;

/// How long a key is remembered, and its answer given again: a day, in which whoever was cut off has tried again.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Where answers are sealed.
pub const ANSWER: &Column = &crate::schema::IDEMPOTENCY_ANSWER;

const TAKE: &str = "INSERT INTO idempotency (tenant, key_hash, request_hash, state, made_at) \
     VALUES ($1, $2, $3, 'begun', $4) \
     ON CONFLICT (tenant, key_hash) DO UPDATE SET request_hash = excluded.request_hash, state = excluded.state, \
     answer = NULL, made_at = excluded.made_at WHERE idempotency.made_at <= $5";
const GET: &str = "SELECT request_hash, state, answer, made_at FROM idempotency \
     WHERE tenant = $1 AND key_hash = $2 AND made_at > $3";
const ANSWERED: &str = "UPDATE idempotency SET state = 'answered', answer = $4 \
     WHERE tenant = $1 AND key_hash = $2 AND made_at = $3 AND state = 'begun'";
const LOST: &str = "UPDATE idempotency SET state = 'lost' \
     WHERE tenant = $1 AND key_hash = $2 AND made_at = $3 AND state = 'begun'";

/// How far a claimed request came.
pub enum Came<A> {
    /// Its change stands. Its answer does not yet, or never will: whoever put it together may be gone.
    Begun,
    /// Its change stands, and its answer is this.
    Answered(Sealed<A>),
    /// Its change stands; its answer could not be put together.
    Lost,
}

/// A claim as it stands.
pub struct Standing<A> {
    /// Keyed hash of what was asked.
    pub request: Vec<u8>,
    /// How far it came.
    pub came: Came<A>,
    /// When it was asked.
    pub at: Timestamp,
}

/// The row's name of an answer in associated data.
pub fn row_name(key: &[u8; 32]) -> RowName {
    RowName::new().bytes(key)
}

pub(crate) fn forgotten(now: Timestamp) -> Timestamp {
    now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)
}

/// Whoever comes second while the first is being done, on whichever node.
pub fn taken() -> Fault {
    Fault::duplicate(
        "idempotency_in_progress",
        "A request with this Idempotency-Key is being done. Send it again in a moment to get its answer.",
    )
}

/// Writes the transaction's claim, if it has one that does not stand yet.
pub(crate) async fn take(scoped: &mut Scoped) -> Result<()> {
    let Some(claim) = scoped.claim.clone().filter(|claim| !claim.stands()) else { return Ok(()) };
    if std::mem::replace(&mut scoped.claimed, true) {
        return Ok(());
    }
    let (key, request): (&[u8], &[u8]) = (&claim.key, &claim.request);
    let written = scoped.run(TAKE, args![key, request, claim.at, forgotten(claim.at)]).await?;
    if written == 1 { Ok(()) } else { Err(taken()) }
}

/// What is known of a key.
pub async fn get<A>(scoped: &mut Scoped, key: &[u8; 32], now: Timestamp) -> Result<Option<Standing<A>>> {
    let key: &[u8] = key;
    scoped.row(GET, args![key, forgotten(now)]).await?.as_ref().map(standing).transpose()
}

fn standing<A>(row: &Row) -> Result<Standing<A>> {
    let came = match (row.text("state")?.as_str(), row.opt_sealed("answer")?) {
        ("answered", Some(answer)) => Came::Answered(answer),
        ("begun", None) => Came::Begun,
        ("lost", None) => Came::Lost,
        _ => return Err(Fault::broken("store_row", "idempotency.state is not from its closed set")),
    };
    Ok(Standing { request: row.bytes("request_hash")?, came, at: row.instant("made_at")? })
}

/// Keeps the answer of a claim that stands.
pub async fn answered<A>(scoped: &mut Scoped, claim: &Claim, answer: Sealed<A>) -> Result<()> {
    let key: &[u8] = &claim.key;
    scoped.run(ANSWERED, args![key, claim.at, answer]).await.map(drop)
}

/// Says that a claim that stands has no answer, and will have none.
pub async fn lost(scoped: &mut Scoped, claim: &Claim) -> Result<()> {
    let key: &[u8] = &claim.key;
    scoped.run(LOST, args![key, claim.at]).await.map(drop)
}
