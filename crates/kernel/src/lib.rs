//! The words every other room speaks: ids, the request context, faults, the clock, limits, sealed
//! bytes and the registry of data classes.
//!
//! It does no I/O, is not async, and knows neither SQL, HTTP nor Jira. Start at [`Cx`].

mod claim;
mod clock;
mod cx;
mod fault;
mod ids;
pub mod limits;
mod registry;
mod row_name;
mod sealed;
mod token;

/// The target of the spans that may leave as traces. Their fields are ours: names of routes, kinds and purposes, codes and
/// numbers; never an address, an id of Jira's, or a word of a person's.
pub const SPANS: &str = "steward::spans";

pub use claim::Claim;
pub use clock::{Clock, ManualClock, SystemClock, from_micros, micros};
pub use cx::{Actor, Cx, RequestId, Standing};
pub use fault::{Fault, FieldFault, Kind, Result};
pub use ids::{AccountId, IssueId, OrganizationId, ProjectId, TenantId};
pub use registry::{
    Audience, Column, ColumnKind, DataClass, Export, INSTANT, KeyClass, Migration, OPAQUE_ID, Registry, Retention,
    Room, STATE, Scope, Step, Table, sealed_column,
};
pub use row_name::RowName;
pub use sealed::Sealed;
pub use token::{Token, TokenId, TokenScope};
