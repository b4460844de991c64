//! This room's statements. Rows come and go sealed; opening them is the actions' business.

mod definitions;
mod directory;
mod values;

pub(crate) use definitions::*;
pub(crate) use directory::*;
pub(crate) use values::*;
