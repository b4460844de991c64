//! Sessions of our own origin: a one-time ticket from inside Jira becomes a cookie; an invocation token can be traded
//! for a short bearer session. A token names its tenant and is stored as a hash only.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kernel::{AccountId, Cx, Fault, KeyClass, Result, RowName, Sealed, TenantId};
use serde::{Deserialize, Serialize};
use store::Scoped;
use uuid::Uuid;
use vault::{Open, Place, Subject};
use zeroize::Zeroize;

use crate::router::Shared;
use crate::secret::{self, hash};
use crate::{schema, sql};

/// A ticket is used at once or not at all.
const TICKET_TIME: Duration = Duration::from_secs(60);
/// A working day; standing in Jira is asked again every minute all the same.
const COOKIE_TIME: Duration = Duration::from_secs(8 * 3600);
/// The same of a customer; that the account is in use is asked again every minute.
const CUSTOMER_TIME: Duration = Duration::from_secs(8 * 3600);
/// A script's run.
const BEARER_TIME: Duration = Duration::from_secs(600);

/// What a session is for. One kind is never taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ticket,
    Cookie,
    Bearer,
    /// A customer's, on their own site's word: it never is anything but a customer's.
    Customer,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Cookie => "cookie",
            Self::Bearer => "bearer",
            Self::Customer => "customer",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Ticket => "stwt",
            Self::Cookie => "stwc",
            Self::Bearer => "stwb",
            Self::Customer => "stwp",
        }
    }

    fn time(self) -> Duration {
        match self {
            Self::Ticket => TICKET_TIME,
            Self::Cookie => COOKIE_TIME,
            Self::Bearer => BEARER_TIME,
            Self::Customer => CUSTOMER_TIME,
        }
    }
}

/// Where in Jira the person came from; sealed beside the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct Context {
    /// The site's address.
    pub site_url: String,
    /// The person's language.
    pub locale: Option<String>,
    /// The person's time zone.
    pub time_zone: Option<String>,
}

/// A new session's token: goes to its owner once, and is kept nowhere.
pub(crate) struct Made {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

fn place(hash: &[u8]) -> Place {
    Place::new(&schema::SESSION_CONTEXT, RowName::new().bytes(hash))
}

pub(crate) fn unknown() -> Fault {
    Fault::unauthenticated("session_unknown", "This session has ended. Open Steward again from where you came.")
}

/// Makes a session for the context's person.
pub(crate) async fn make(shared: &Shared, cx: &Cx, kind: Kind, account: &AccountId, context: &Context) -> Result<Made> {
    let prepared = prepare(shared, cx, kind, account, context).await?;
    let mut scoped = shared.store.write(cx).await?;
    prepared.put(&mut scoped, None).await?;
    scoped.commit().await?;
    Ok(prepared.made())
}

/// A session that is sealed and not yet written: for whoever writes more in the same transaction.
pub(crate) struct Prepared {
    token: String,
    kind: Kind,
    account: AccountId,
    context: Sealed<Context>,
    made_at: Timestamp,
    expires_at: Timestamp,
}

/// Prepares one, before a transaction begins.
pub(crate) async fn prepare(
    shared: &Shared,
    cx: &Cx,
    kind: Kind,
    account: &AccountId,
    context: &Context,
) -> Result<Prepared> {
    let token = secret::make(kind.prefix(), cx.tenant())?;
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let context = keys.seal(&place(&hash(&token)), context)?;
    let expires_at = cx.now().checked_add(kind.time()).unwrap_or(Timestamp::MAX);
    Ok(Prepared { token, kind, account: account.clone(), context, made_at: cx.now(), expires_at })
}

impl Prepared {
    /// Writes it, in the caller's transaction. `signed_by` is the key whose deletion ends it.
    pub(crate) async fn put(&self, scoped: &mut Scoped, signed_by: Option<Uuid>) -> Result<()> {
        let new = sql::NewSession {
            hash: &hash(&self.token),
            kind: self.kind,
            account: &self.account,
            context: self.context.clone(),
            made_at: self.made_at,
            expires_at: self.expires_at,
            signed_by,
        };
        sql::session_put(scoped, new).await
    }

    /// What its owner is told, once it is written.
    pub(crate) fn made(self) -> Made {
        Made { token: self.token, expires_at: self.expires_at }
    }
}

/// The tenant of a token that has the right form; whether it is good is for [`find`] or [`take`] to say.
pub(crate) fn claimed_tenant(kind: Kind, token: &str) -> Result<TenantId> {
    secret::tenant_of(kind.prefix(), token).ok_or_else(unknown)
}

/// Who a session belongs to.
pub(crate) async fn find(shared: &Shared, cx: &Cx, kind: Kind, token: &str) -> Result<(AccountId, Open<Context>)> {
    let hash = hash(token);
    let found = sql::session_get(&mut shared.store.read(cx).await?, &hash, kind, cx.now()).await?;
    open(shared, cx, &hash, found).await
}

/// Who a one-time ticket belongs to; it is good no more.
pub(crate) async fn take(shared: &Shared, cx: &Cx, token: &str) -> Result<(AccountId, Open<Context>)> {
    let hash = hash(token);
    let mut scoped = shared.store.write(cx).await?;
    let found = sql::session_take(&mut scoped, &hash, Kind::Ticket, cx.now()).await?;
    scoped.commit().await?;
    open(shared, cx, &hash, found).await
}

async fn open(
    shared: &Shared,
    cx: &Cx,
    hash: &[u8],
    found: Option<(AccountId, Sealed<Context>)>,
) -> Result<(AccountId, Open<Context>)> {
    let (account, context) = found.ok_or_else(unknown)?;
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    Ok((account, keys.open(&place(hash), &context)?))
}

/// Ends a session; whether it was its person's last one on our own origin.
pub(crate) async fn end(shared: &Shared, cx: &Cx, account: &AccountId, token: &str) -> Result<bool> {
    let mut scoped = shared.store.write(cx).await?;
    sql::session_drop(&mut scoped, &hash(token)).await?;
    let others = sql::session_any(&mut scoped, account, Kind::Cookie, cx.now()).await?;
    scoped.commit().await?;
    Ok(!others)
}

/// What a page of ours sends with each change: only a page that could read our answer knows it.
pub(crate) fn csrf_of(token: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"steward csrf 1 ");
    context.update(token.as_bytes());
    URL_SAFE_NO_PAD.encode(context.finish())
}

/// Compares without telling how far it got.
pub(crate) fn csrf_matches(token: &str, sent: &str) -> bool {
    constant_time::verify_slices_are_equal(csrf_of(token).as_bytes(), sent.as_bytes()).is_ok()
}
