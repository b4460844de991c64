//! What every HTTP room shares: who calls (the extractors that mint a `Cx`), how a reply leaves, sessions of our own
//! origin, the doors that Forge knocks at, the pages, and the headers on all of it.
//!
//! Nothing here knows fields or values. Start at [`caller`] for the way in and [`reply`] for the way out.

pub mod body;
pub mod caller;
mod forge;
mod headers;
mod pages;
pub mod reply;
mod router;
mod schema;
mod session;
mod session_http;
mod sql;

pub use body::{IfMatch, Json, PageQuery, Path, Query};
pub use caller::{Admin, Agent, Caller, Person};
pub use pages::ui_file;
pub use reply::{Page, Problem, ProblemBody, Reply};
pub use router::{RoleSource, Server, Shared, WebConfig, serve_routes};
pub use schema::ROOM;
pub use session::Context;
