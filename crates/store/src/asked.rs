//! Calls that are not the same when they are made twice, to others who do not say what became of the first. Each is noted
//! before it is made, as a keyed hash of what it asks for, and the note is taken out with what its answer changes here. A note
//! that stays says that it may have been done: whoever asks for the same looks for it first.
//!
//! The notes lie among the claims of requests that are done once, and are swept with them. Start at [`before`].

use jiff::{SignedDuration, Timestamp};
use kernel::{Fault, Result, limits};

use crate::args;
use crate::changes;
use crate::claims::forgotten;
use crate::scoped::Scoped;

const GET: &str = "SELECT state, made_at FROM idempotency WHERE tenant = $1 AND key_hash = $2 AND made_at > $3";
const ASK: &str = "INSERT INTO idempotency (tenant, key_hash, request_hash, state, made_at) \
     VALUES ($1, $2, $2, 'asking', $3) \
     ON CONFLICT (tenant, key_hash) DO UPDATE SET state = excluded.state, made_at = excluded.made_at \
     WHERE idempotency.made_at <= $4 OR idempotency.made_at = $5";
const UNHEARD: &str = "UPDATE idempotency SET state = 'unheard' \
     WHERE tenant = $1 AND key_hash = $2 AND made_at = $3 AND state = 'asking'";
const HEARD: &str = "DELETE FROM idempotency \
     WHERE tenant = $1 AND key_hash = $2 AND made_at = $3 AND state IN ('asking', 'unheard')";

/// Whoever asks for the same while somebody is asking.
fn taken() -> Fault {
    Fault::duplicate(
        "idempotency_in_progress",
        "The same is being asked for at this moment. Wait a moment, and look before you send it again.",
    )
}

/// When the same was asked for and nobody heard what became of it; none where nobody waits to hear. Refused while somebody is
/// asking: whoever has asked for longer than a request takes is gone.
pub async fn before(scoped: &mut Scoped, what: &[u8; 32], now: Timestamp) -> Result<Option<Timestamp>> {
    let what: &[u8] = what;
    let Some(row) = scoped.row(GET, args![what, forgotten(now)]).await? else { return Ok(None) };
    let at = row.instant("made_at")?;
    let longest = SignedDuration::try_from(limits::REQUEST_TIME).unwrap_or(SignedDuration::MAX);
    match row.text("state")?.as_str() {
        "unheard" => Ok(Some(at)),
        "asking" if now.duration_since(at) >= longest => Ok(Some(at)),
        "asking" => Err(taken()),
        _ => Err(Fault::broken("store_row", "idempotency.state is not from its closed set")),
    }
}

/// Notes that it is asked for at `at`, in place of the asking `before` that [`before`] told of. Refused where somebody else was faster.
pub async fn ask(scoped: &mut Scoped, what: &[u8; 32], before: Option<Timestamp>, at: Timestamp) -> Result<()> {
    let what: &[u8] = what;
    changes::turn(scoped).await?;
    let gone = forgotten(at);
    let written = scoped.run(ASK, args![what, at, gone, before.unwrap_or(gone)]).await?;
    if written == 1 { Ok(()) } else { Err(taken()) }
}

/// Says that nobody heard what became of the asking of that instant.
pub async fn unheard(scoped: &mut Scoped, what: &[u8; 32], at: Timestamp) -> Result<()> {
    let what: &[u8] = what;
    scoped.run(UNHEARD, args![what, at]).await.map(drop)
}

/// Takes the note of the asking of that instant out: what became of it is known.
pub async fn heard(scoped: &mut Scoped, what: &[u8; 32], at: Timestamp) -> Result<()> {
    let what: &[u8] = what;
    scoped.run(HEARD, args![what, at]).await.map(drop)
}
