//! What one region says to another: pure. Everything is JSON but what lies in an object, which stands behind it.

use std::collections::BTreeMap;

use kernel::{Fault, KeyClass, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

/// A wrapped key, wrapped once more for the other side.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KeySaid {
    pub(super) class: String,
    pub(super) version: u32,
    /// Base64.
    pub(super) handed: String,
    pub(super) created_at: i64,
    pub(super) retired_at: Option<i64>,
}

/// A person's salt.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SaltSaid {
    pub(super) subject: String,
    /// Base64.
    pub(super) salt: String,
    pub(super) created_at: i64,
}

/// What the shelf has of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ShelfSaid {
    /// Each class with each of its versions.
    pub(super) keys: Vec<(String, u32)>,
    pub(super) salts: u64,
    /// The sum of the salts' hashes, in which no order matters.
    pub(super) hash: String,
}

/// What is asked.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Ask {
    /// Could this site come?
    Hello { site: Uuid, installation: String, schema: BTreeMap<String, u32> },
    /// It comes.
    Begin {
        site: Uuid,
        installation: String,
        migration: String,
        schema: BTreeMap<String, u32>,
        row: Vec<Json>,
        ends_at: i64,
    },
    /// All its keys.
    Keys { keys: Vec<KeySaid> },
    /// Some of its salts; the first of them instead of those that came before.
    Salts { first: bool, salts: Vec<SaltSaid> },
    /// Some rows.
    Rows { table: String, rows: Vec<Vec<Json>> },
    /// An object, which stands behind this.
    Object { id: Uuid },
    /// What lies in a table?
    Sum { table: String },
    /// What lies on the shelf?
    Shelf,
    /// Serve it from now on, if this was its last change and ledger entry.
    Activate { change_seq: i64, ledger_seq: i64 },
    /// Remove it; once it is served, only if nothing happened since.
    Remove,
}

/// What is answered.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum Answer {
    /// It is done, and on disk.
    Done,
    /// What lies in a table.
    Sum { rows: u64, hash: String },
    /// What lies on the shelf.
    Shelf(ShelfSaid),
    /// It is not done, and asking again does not help.
    Refused { why: String },
}

impl Answer {
    pub(super) fn refused(why: &str) -> Self {
        Self::Refused { why: why.to_owned() }
    }
}

/// Longest head of a frame: a page of rows, in base64 for the most part. A row is a few hundred bytes, a long text a few ten thousand.
pub(super) const HEAD_BYTES: usize = 64 << 20;

fn strange() -> Fault {
    Fault::broken("realm_said", "another region said something that this version does not understand")
}

/// What is asked, and what stands behind it, as bytes.
pub(super) fn framed(ask: &Ask, behind: &[u8]) -> Result<Vec<u8>> {
    let head = serde_json::to_vec(ask).map_err(|error| Fault::broken("realm_said", error))?;
    let length = u32::try_from(head.len()).ok().filter(|_| head.len() <= HEAD_BYTES).ok_or_else(strange)?;
    Ok([&length.to_be_bytes(), head.as_slice(), behind].concat())
}

/// The same, read.
pub(super) fn unframed(bytes: &[u8]) -> Result<(Ask, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(strange)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| strange())?;
    let (head, behind) = rest.split_at_checked(length).ok_or_else(strange)?;
    Ok((serde_json::from_slice(head).map_err(|_| strange())?, behind))
}

/// A class of keys by its stored name.
pub(super) fn class_of(name: &str) -> Result<KeyClass> {
    KeyClass::ALL.into_iter().find(|class| class.name() == name).ok_or_else(strange)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn what_is_framed_is_read_again() {
        let id = Uuid::from_u128(7);
        let bytes = framed(&Ask::Object { id }, b"behind").unwrap();
        let (ask, behind) = unframed(&bytes).unwrap();
        assert!(matches!(ask, Ask::Object { id: found } if found == id));
        assert_eq!(behind, b"behind");
        let (ask, behind) = unframed(&framed(&Ask::Shelf, b"").unwrap()).map(|(ask, b)| (ask, b.len())).unwrap();
        assert!(matches!(ask, Ask::Shelf) && behind == 0);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let whole = framed(&Ask::Remove, b"").unwrap();
        for cut in 0..whole.len() {
            assert!(unframed(whole.get(..cut).unwrap()).is_err(), "{cut}");
        }
        for head in [
            "{}",
            "[]",
            "{\"do\":\"everything\"}",
            "{\"do\":\"sum\",\"table\":\"t\",\"more\":1}",
            "{\"do\":\"object\"}",
        ] {
            let bytes = [&u32::try_from(head.len()).unwrap().to_be_bytes(), head.as_bytes()].concat();
            assert!(unframed(&bytes).is_err(), "{head}");
        }
        assert!(unframed(&[0xff; 12]).is_err());
    }
}
