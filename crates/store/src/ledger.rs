//! The ledger: what happened to data, written in the transaction that did it. Entries name people by keyed
//! pseudonyms and things by ids; each carries the hash of itself over its forerunner's.

use aws_lc_rs::digest;
use jiff::Timestamp;
use kernel::{Cx, Fault, Result};

use crate::args;
use crate::scoped::Scoped;

const HEAD: &str = "UPDATE tenant SET ledger_seq = ledger_seq + $2 WHERE tenant = $1 RETURNING ledger_seq, ledger_hash";
const APPEND: &str = "INSERT INTO ledger (tenant, seq, at, kind, actor, subject, object, hash) \
     VALUES {rows}";
const SET_HEAD: &str = "UPDATE tenant SET ledger_hash = $2 WHERE tenant = $1";
const LIST: &str = "SELECT seq, at, kind, actor, subject, object, hash FROM ledger \
     WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// What to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What happened: a stable code such as `customers.value_set`.
    pub kind: &'static str,
    /// Who did it: a keyed pseudonym, or none for the program itself.
    pub actor: Option<Vec<u8>>,
    /// Whom it is about: a keyed pseudonym.
    pub subject: Option<Vec<u8>>,
    /// Which thing: an id of ours, or codes and counts. Never a name or a value.
    pub object: Option<&'a str>,
}

/// An entry as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its place, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Who.
    pub actor: Option<Vec<u8>>,
    /// Whom it is about.
    pub subject: Option<Vec<u8>>,
    /// Which thing.
    pub object: Option<String>,
    /// SHA-256 over the forerunner's hash and the entry.
    pub hash: Vec<u8>,
}

/// Appends, in the caller's transaction.
pub async fn append(scoped: &mut Scoped, cx: &Cx, entry: Entry<'_>) -> Result<i64> {
    append_all(scoped, cx, vec![entry]).await
}

/// Appends several in their order, in the caller's transaction; answers the last one's place.
pub async fn append_all(scoped: &mut Scoped, cx: &Cx, entries: Vec<Entry<'_>>) -> Result<i64> {
    let count = u32::try_from(entries.len()).map_err(|error| Fault::broken("store_ledger", error))?;
    let head = scoped.row(HEAD, args![count]).await?.ok_or_else(Fault::not_found)?;
    let last = head.int("ledger_seq")?;
    let mut hash = head.bytes("ledger_hash")?;
    let at = cx.now();
    let mut rows = Vec::with_capacity(entries.len());
    for (seq, entry) in (last - i64::from(count) + 1..).zip(entries) {
        hash = chain(&hash, seq, at, entry.kind, entry.actor.as_deref(), entry.subject.as_deref(), entry.object);
        rows.push(args![seq, at, entry.kind, entry.actor, entry.subject, entry.object, hash.clone()]);
    }
    scoped.run_rows(APPEND, rows).await?;
    scoped.run(SET_HEAD, args![hash]).await?;
    Ok(last)
}

/// Entries after `seq`, oldest first.
pub async fn list(scoped: &mut Scoped, seq: i64, limit: u32) -> Result<Vec<Written>> {
    scoped
        .rows(LIST, args![seq, limit])
        .await?
        .iter()
        .map(|row| {
            Ok(Written {
                seq: row.int("seq")?,
                at: row.instant("at")?,
                kind: row.text("kind")?,
                actor: row.opt_bytes("actor")?,
                subject: row.opt_bytes("subject")?,
                object: row.opt_text("object")?,
                hash: row.bytes("hash")?,
            })
        })
        .collect()
}

/// The first entry whose hash does not follow from its forerunner, reading from the first on.
pub fn first_break(entries: &[Written]) -> Option<i64> {
    let mut before: Vec<u8> = Vec::new();
    for (place, entry) in (1i64..).zip(entries) {
        let hash = chain(
            &before,
            entry.seq,
            entry.at,
            &entry.kind,
            entry.actor.as_deref(),
            entry.subject.as_deref(),
            entry.object.as_deref(),
        );
        if entry.seq != place || hash != entry.hash {
            return Some(entry.seq);
        }
        before = hash;
    }
    None
}

fn chain(
    before: &[u8],
    seq: i64,
    at: Timestamp,
    kind: &str,
    actor: Option<&[u8]>,
    subject: Option<&[u8]>,
    object: Option<&str>,
) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = |bytes: Option<&[u8]>| {
        // Absent and empty differ; each part's length stands before it.
        context.update(&[u8::from(bytes.is_some())]);
        let bytes = bytes.unwrap_or_default();
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    part(Some(before));
    part(Some(&seq.to_be_bytes()));
    part(Some(&kernel::micros(at).to_be_bytes()));
    part(Some(kind.as_bytes()));
    part(actor);
    part(subject);
    part(object.map(str::as_bytes));
    context.finish().as_ref().to_vec()
}
