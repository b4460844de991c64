//! What every HTTP room shares: who calls (the extractors that mint a `Cx`), how a reply leaves, sessions of our own
//! origin, the doors that Forge knocks at, the pages, and the headers on all of it.
//!
//! API tokens for scripts, their pace, and requests that are done once however often they are sent.
//!
//! Nothing here knows fields or values. Start at [`caller`] for the way in and [`reply`] for the way out.

mod actor;
pub mod body;
pub mod caller;
mod forge;
mod headers;
mod once;
mod pace;
mod pages;
pub mod reply;
mod router;
mod schema;
mod secret;
mod session;
mod session_http;
mod sql;
mod token;
mod token_http;

pub use actor::{person_pseudonym, pseudonym};
pub use body::{IfMatch, Json, PageQuery, Path, Query, version_of_etag};
pub use caller::{Admin, Agent, Caller, Person, Principal, scope};
pub use once::InFlight;
pub use pace::Pace;
pub use pages::ui_file;
pub use reply::{Page, Problem, ProblemBody, Reply};
pub use router::{RoleSource, Server, Shared, WebConfig, serve_routes};
pub use schema::ROOM;
pub use session::Context;
pub use token::token_names;
