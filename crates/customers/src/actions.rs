//! One function a use case. Each takes the context first, asks for the permission it needs, and does its work in one
//! transaction.

pub(crate) mod access;
pub(crate) mod bulk;
pub(crate) mod directory;
pub(crate) mod fields;
pub(crate) mod panel;
pub(crate) mod sections;
pub(crate) mod values;
