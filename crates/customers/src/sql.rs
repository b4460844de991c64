//! This room's statements. Rows come and go sealed; opening them is the actions' business.

mod definitions;
mod directory;
mod entitlements;
mod import_made;
mod imports;
pub(crate) mod issues;
mod merges;
mod values;
pub(crate) mod views;
pub(crate) mod webhooks;

pub(crate) use definitions::*;
pub(crate) use directory::*;
pub(crate) use entitlements::*;
pub(crate) use import_made::*;
pub(crate) use imports::*;
pub(crate) use merges::*;
pub(crate) use values::*;
