//! What every HTTP room shares: who calls (the extractors that mint a `Cx`), how a reply leaves, signing in on our own pages,
//! their sessions, customers who come with a token of their own site's, the doors that Forge, Connect and webhooks knock at, the pages, and the headers on all of it.
//!
//! API tokens for scripts, their pace, and requests that are done once however often they are sent.
//!
//! Nothing here knows fields or values. Start at [`caller`] for the way in and [`reply`] for the way out.

mod actor;
pub mod body;
pub mod caller;
mod connect;
mod customer_keys;
mod customer_keys_http;
mod customer_sign_in;
mod forge;
mod headers;
mod hooks;
mod once;
mod pace;
mod pages;
mod reading;
pub mod reply;
mod router;
mod schema;
mod secret;
mod session;
mod session_http;
mod sign_in;
mod sql;
mod token;
mod token_http;
mod watch;

/// Makes an `async fn` answer a boxed future. For every operation: axum asks of a handler's future in a dozen places
/// whether it may go to another thread, and the compiler walks all that it awaits each time; of a box it knows. A room
/// of 120 operations compiles in half the time.
pub use async_recursion::async_recursion as boxed;

pub use actor::{person_pseudonym, pseudonym, pseudonym_under, token_pseudonym};
pub use body::{IfMatch, Json, PageQuery, Path, Query, rows_asked, version_of_etag};
pub use caller::{Admin, Agent, Caller, Person, Principal, door_cx, forge_headers, scope};
pub use once::InFlight;
pub use pace::Pace;
pub use pages::ui_file;
pub use reading::{After, Reader, ReaderKind, Reading, Readings, Told, Way};
pub use reply::{Page, Problem, ProblemBody, Reply, Shown};
pub use router::{RoleSource, Server, Shared, SharedParts, WebConfig, serve_routes};
pub use schema::ROOM;
pub use session::Context;
pub use token::token_names;
pub use watch::Watch;
