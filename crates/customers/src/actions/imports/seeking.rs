//! Whom Jira finds by an address or a name that nobody here is known by: agents, whom no list of customers names, and people whose
//! address Jira tells only whoever looks for it. Asked in the dry run, for each text once, a few at once, and of one import so often at most.
//!
//! It guesses nobody: whoever is found by an address, and not said to have it, stays nobody. What was said is kept in this node's memory, as
//! hashes of texts and ids of accounts; where it is lost, Jira is asked again. Start at [`Seeker::seek`].

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use host::client::{ACCOUNTS_LOOKED_AT, AccountKind, User};
use host::{As, Jira, Personal};
use kernel::{AccountId, Cx, Kind, Result, TenantId};
use vault::Keys;

use super::making::address_hash;
use crate::Room;
use crate::model::{Author, ImportId};
use crate::rules::name_key;
use crate::sql::{self, SealedImport};

/// Asked at once: a page's people are found in seconds, and a Data Center goes on with its work.
const AT_ONCE: usize = 8;
/// Asked in one slice of the job: well within its time, of a Jira that is slow too.
const A_SLICE: usize = 500;
/// Dry runs whose people are kept at once on this node.
const IMPORTS_KEPT: u64 = 100;
/// An import that nobody goes on with leaves the memory.
const IDLE: Duration = Duration::from_secs(3600);

/// What Jira said of one text.
#[derive(Default)]
pub(crate) struct Said {
    /// Whose address it is.
    pub(crate) addressed: Vec<AccountId>,
    /// Who is called so.
    pub(crate) called: Vec<AccountId>,
    /// Somebody was found whose address Jira does not tell.
    pub(crate) withheld: bool,
    /// As many were found as are looked at: there may be another one.
    pub(crate) crowded: bool,
}

/// What was said for one dry run.
pub(crate) struct Sought {
    /// The sealed plan that it is of: another dry run asks anew.
    plan: Vec<u8>,
    said: Mutex<HashMap<[u8; 32], Arc<Said>>>,
}

/// Dry runs of this node.
pub(crate) type Cache = moka::future::Cache<(TenantId, ImportId), Arc<Sought>>;

/// An empty cache.
pub(crate) fn cache() -> Cache {
    moka::future::Cache::builder().max_capacity(IMPORTS_KEPT).time_to_idle(IDLE).build()
}

/// Looks for people, for one slice of a dry run.
pub(super) struct Seeker<'a> {
    cx: &'a Cx,
    room: &'a Room,
    import: &'a SealedImport,
    hashes: Keys,
    sought: Arc<Sought>,
    /// Hashes of addresses that an earlier run of the import asked Jira to make somebody of: whoever is found by one is its own.
    made: HashSet<Vec<u8>>,
    /// How many this slice may still look for.
    left: AtomicUsize,
}

impl<'a> Seeker<'a> {
    pub(super) async fn of(cx: &'a Cx, room: &'a Room, import: &'a SealedImport, hashes: Keys) -> Result<Self> {
        let plan = import.plan.as_ref().map(|plan| plan.as_bytes().to_vec()).unwrap_or_default();
        let place = (cx.tenant(), import.id);
        let sought = match room.sought.get(&place).await.filter(|sought| sought.plan == plan) {
            Some(sought) => sought,
            None => {
                let fresh = Arc::new(Sought { plan, said: Mutex::default() });
                room.sought.insert(place, fresh.clone()).await;
                fresh
            }
        };
        let made = sql::import_made_open(&mut room.shared.store.read(cx).await?, import.id).await?;
        Ok(Self { cx, room, import, hashes, sought, made, left: AtomicUsize::new(A_SLICE) })
    }

    /// Whether the run goes on making whoever has this address.
    pub(super) fn is_being_made(&self, email: &str) -> bool {
        !self.made.is_empty() && address_hash(&self.hashes, email).is_ok_and(|hash| self.made.contains(&hash))
    }

    /// What Jira said of a text; none where it was not asked.
    pub(super) fn said(&self, text: &str) -> Option<Arc<Said>> {
        self.kept(&self.key(text).ok()?)
    }

    fn kept(&self, key: &[u8; 32]) -> Option<Arc<Said>> {
        self.sought.said.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Whether Jira was asked for as many as it may be in this dry run. Where it is asked for nobody at all, what is known here counts.
    pub(super) fn is_spent(&self) -> bool {
        let most = self.room.limits.import_look_ups;
        most > 0 && self.count() >= most
    }

    fn count(&self) -> usize {
        self.sought.said.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn key(&self, text: &str) -> Result<[u8; 32]> {
        self.hashes.hash("import person", name_key(text).as_bytes())
    }

    /// Asks Jira for those of these texts that it was not asked for yet, in their order, as long as the import may. False: the next slice
    /// goes on.
    pub(super) async fn seek(&self, texts: Vec<&str>) -> Result<bool> {
        let mut due = Vec::new();
        let mut seen = HashSet::new();
        for text in texts {
            let key = self.key(text)?;
            if self.kept(&key).is_none() && seen.insert(key) {
                due.push((key, Personal::from(text.to_owned())));
            }
        }
        due.truncate(self.room.limits.import_look_ups.saturating_sub(self.count()));
        if due.is_empty() {
            return Ok(true);
        }
        let left = self.left.load(Ordering::Relaxed);
        let all = due.len() <= left;
        due.truncate(left);
        if due.is_empty() {
            return Ok(false);
        }
        let app = Jira::for_tenant(&self.room.shared.host.cloud, self.cx, As::App).in_background();
        // Whoever began it may be told addresses that an app is not.
        let hand = app.hand_for(self.person()).boxed().await?;
        let asking: Vec<BoxFuture<'_, Result<()>>> =
            due.iter().map(|(key, text)| self.ask((&hand, &app), *key, text).boxed()).collect();
        let mut answers = futures::stream::iter(asking).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(()) => {
                    self.left.fetch_sub(1, Ordering::Relaxed);
                }
                // What was said is progress: the next slice waits, with all its tries.
                Err(fault) if fault.kind() == Kind::Busy && self.left.load(Ordering::Relaxed) < A_SLICE => {
                    return Ok(false);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(all)
    }

    fn person(&self) -> Option<&AccountId> {
        match &self.import.author {
            Author::Person(account) => Some(account),
            Author::Token(_) | Author::Import(_) | Author::BulkAction(_) => None,
        }
    }

    async fn ask(&self, (hand, app): (&Jira<'_>, &Jira<'_>), key: [u8; 32], text: &Personal) -> Result<()> {
        let found = match hand.users_like(text).await {
            // They may be gone, or may not look for people any more.
            Err(fault) if fault.kind() == Kind::Refused => app.users_like(text).await,
            other => other,
        };
        let found = match found {
            Ok(found) => found,
            // Jira lets nobody be looked for, or takes this for no text to look for: then nobody is found.
            Err(fault) if matches!(fault.kind(), Kind::Refused | Kind::Invalid) => Vec::new(),
            Err(fault) => return Err(fault),
        };
        let said = Arc::new(said(&found, text.peek()));
        self.sought.said.lock().unwrap_or_else(PoisonError::into_inner).insert(key, said);
        Ok(())
    }
}

/// Who of those whom Jira found by a text is meant by it.
fn said(found: &[User], text: &str) -> Said {
    let wanted = name_key(text);
    let is = |own: Option<&Personal>| own.is_some_and(|own| name_key(own.peek()) == wanted);
    let crowded = found.len() >= ACCOUNTS_LOOKED_AT;
    let people: Vec<&User> = found.iter().filter(|user| user.active && user.account_type != AccountKind::App).collect();
    let those = |have: &dyn Fn(&User) -> bool| {
        people.iter().filter(|user| have(user)).map(|user| user.account_id.clone()).collect::<Vec<_>>()
    };
    Said {
        addressed: those(&|user| is(user.email_address.as_ref())),
        called: those(&|user| is(user.display_name.as_ref())),
        withheld: people.iter().any(|user| user.email_address.is_none()),
        crowded,
    }
}
