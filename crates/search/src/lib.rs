//! Search: an index of records that never lies on the disk in the clear.
//!
//! It holds terms and the keys of records that have them, no more: what a record is, an app knows and opens itself. All of
//! it is a cache. Whatever does not open (another key, a cut file, an older format) is not repaired but thrown away, and
//! whoever owns the records builds it anew.
//!
//! It refuses to open a folder that another process has open. Start at [`Index`]; how terms are written is in [`term`].

mod folder;
mod fuzzy;
mod index;
mod look;
mod set;
pub mod term;
mod tiers;

pub use index::{Document, Index, Snapshot, key_version};
pub use look::{Hit, Sought, Wanted};
pub use set::Set;
