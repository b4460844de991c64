//! One site moves to another region: its rows, keys, salts and objects go from this server to another one of the same operator's, while
//! Jira waits. Read the decision first: docs/decisions/0037-a-site-moves-to-another-region.md.
//!
//! The hooks of Forge ([`hooks`]) decide when; a job ([`send`]) copies, and says to the other server ([`peer`], [`said`]) what it is to
//! keep ([`receive`]). At any moment one of both serves the site or none does, never both. It must never say anything to the other
//! side that is not sealed for it, nor unwrap a key but to wrap it for the other side. Start at [`Realm`].

mod commit;
mod hooks;
mod http;
mod peer;
mod receive;
mod said;
mod send;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use jobs::Handler;
use kernel::{Cx, Fault, Result, TenantId};
use serde_json::{Value as Json, json};
use store::realm::{Move, Stage, moves};
use store::tenants::State;
use store::{Scoped, Store, ledger};
use url::Url;
use uuid::Uuid;
use vault::Channel;

use crate::Room;

/// After the host's window it still asks how far each app is, every five minutes, and then says commit or rollback: only after that a site
/// that nobody spoke of is opened again.
const AFTER_THE_WINDOW: Duration = Duration::from_secs(15 * 60);
/// The longest window that the host gives; a site is not closed for longer, whatever a hook says.
const LONGEST_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// How long what was committed lies here, closed: a commit whose answer was lost is tried twice more within a minute, and then called back.
const KEPT_AFTER_COMMIT: Duration = Duration::from_secs(3600);
/// How soon a commit that broke off is gone on with, if the host does not ask again.
const COMMIT_AGAIN: Duration = Duration::from_secs(60);
/// Sites that are copied out of here at once: each holds a connection, a job, and the other side's attention.
const MOVES_AT_ONCE: i64 = 4;

/// The kind of the job that copies.
const COPY: &str = "trust.copy_site";
/// The kind of the job that ends what was begun.
const CARRY_ON: &str = "trust.carry_on_move";

/// The regions of one operator's.
pub struct Regions {
    /// This one's name.
    pub own: String,
    /// The others, with where each is reached.
    pub others: BTreeMap<String, Url>,
    /// What both sides know.
    pub channel: Channel,
}

struct Parts {
    room: Room,
    shelf: Store,
    host: host::Host,
    regions: Option<Regions>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// When something was last said: each thing that is said is later than the one before.
    said_at: AtomicI64,
}

/// Moves sites; cheap to clone.
#[derive(Clone)]
pub struct Realm(Arc<Parts>);

impl Realm {
    /// Over a room, the shelf, and the way out. Without regions it knows that it has none.
    pub fn new(
        room: Room,
        shelf: Store,
        host: host::Host,
        regions: Option<Regions>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self(Arc::new(Parts { room, shelf, host, regions, wake, said_at: AtomicI64::new(0) }))
    }

    /// Its jobs.
    pub fn handlers(&self) -> Vec<Arc<dyn Handler>> {
        vec![Arc::new(send::Copy(self.clone())), Arc::new(commit::CarryOn(self.clone()))]
    }

    /// What Forge calls, and what other regions say.
    pub fn routes(&self, shared: &web::Shared) -> (axum::Router, axum::Router) {
        http::routes(self, shared)
    }

    fn store(&self) -> &Store {
        &self.0.room.store
    }

    fn regions(&self) -> Result<&Regions> {
        self.0.regions.as_ref().ok_or_else(|| Fault::broken("realm_regions", "a move without regions"))
    }

    /// What is kept in memory of a tenant is no longer so.
    async fn forget(&self, tenant: TenantId) {
        self.0.host.sites.forget(tenant).await;
        self.0.room.vault.forget(tenant).await;
        (self.0.wake)();
    }

    /// Opens a site again that stood still, and goes to `to`; the other side is told to remove what it has. False when the move stands
    /// elsewhere by now.
    async fn reopen(&self, cx: &Cx, found: &Move, to: Stage, error: Option<&str>) -> Result<bool> {
        let mut scoped = self.store().beyond(cx).await?;
        let state = moves::hold(&mut scoped).await?;
        if !moves::step(&mut scoped, cx, found.id, found.stage, to, error).await? {
            return Ok(false);
        }
        if let Some(state @ (State::Moving | State::Moved)) = state {
            moves::turn(&mut scoped, cx, state, State::Active).await?;
            let object = error.unwrap_or("rollback");
            note(&mut scoped, cx, "tenant.move_ended", object).await?;
        }
        enqueue(&mut scoped, cx, CARRY_ON, found.id, "tell", cx.now()).await?;
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        Ok(true)
    }
}

/// A line on the ledger of the tenant that moves.
async fn note(scoped: &mut Scoped, cx: &Cx, kind: &'static str, object: &str) -> Result<()> {
    ledger::append(scoped, cx, ledger::Entry { kind, object: Some(object), ..ledger::Entry::default() }).await.map(drop)
}

/// A job about a move, at an instant.
async fn enqueue(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &'static str,
    id: Uuid,
    why: &str,
    at: jiff::Timestamp,
) -> Result<()> {
    jobs::enqueue(scoped, cx, kind, &format!("{id} {why}"), &json!({"move": id}), at).await.map(drop)
}

/// Which move a job is about.
fn move_of(payload: &Json) -> Result<Uuid> {
    let id = payload.get("move").and_then(Json::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Fault::invalid("realm_job", "no move"))
}

fn later(at: jiff::Timestamp, by: Duration) -> jiff::Timestamp {
    at.checked_add(by).unwrap_or(jiff::Timestamp::MAX)
}
