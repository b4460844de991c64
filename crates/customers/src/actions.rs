//! One function a use case. Each takes the context first, asks for the permission it needs, and does its work in one
//! transaction.

pub(crate) mod access;
pub(crate) mod bulk;
pub(crate) mod directory;
pub(crate) mod exports;
pub(crate) mod fields;
pub(crate) mod lists;
pub(crate) mod panel;
pub(crate) mod queries;
pub(crate) mod records;
pub(crate) mod sections;
pub(crate) mod values;
