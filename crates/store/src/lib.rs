//! SQLite and PostgreSQL behind one [`Scoped`]; tenants, the key shelf, the ledger, the outbox.
//!
//! It does not know the vault: code here reads ciphertexts and cannot open them. Each statement is
//! written once, with `$n` placeholders, in the SQL that both databases share. Start at [`Store`].

pub mod asked;
pub mod blobs;
pub mod changes;
pub mod claims;
mod ddl;
pub mod holding;
pub mod ledger;
mod many;
mod migrate;
pub mod moving;
pub mod outbox;
pub mod outward;
pub mod realm;
pub mod resealing;
mod row;
mod schema;
mod scoped;
pub mod shelf;
mod sqlite_readers;
mod sqlite_writer;
mod stores;
pub mod sweep;
pub mod tenants;

pub use blobs::{BlobPlace, Blobs, ObjectId};
pub use ddl::{Dialect, describe_live, live_type};
pub use migrate::pending;
pub use row::{Row, Value};
pub use schema::{ROOM, SHELF_ROOM};
pub use scoped::{Scoped, Server, Text};
pub use stores::{Store, StoreUrl};
pub use sweep::TenantFiles;
