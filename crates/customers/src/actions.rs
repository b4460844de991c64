//! One function a use case. Each takes the context first, asks for the permission it needs, and does its work in one
//! transaction.

pub(crate) mod access;
pub(crate) mod adding;
pub(crate) mod announce;
pub(crate) mod asking;
pub(crate) mod batches;
pub(crate) mod bulk;
pub(crate) mod bulk_actions;
pub(crate) mod changes;
pub(crate) mod conversions;
pub(crate) mod copies;
pub(crate) mod directory;
pub(crate) mod duplicates;
pub(crate) mod entitlements;
pub(crate) mod exports;
pub(crate) mod fields;
pub(crate) mod history;
pub(crate) mod imports;
pub(crate) mod issues;
pub(crate) mod lists;
pub(crate) mod merges;
pub(crate) mod panel;
pub(crate) mod person;
pub(crate) mod portal;
pub(crate) mod products;
pub(crate) mod queries;
pub(crate) mod reach;
pub(crate) mod records;
pub(crate) mod requests;
pub(crate) mod rows;
pub(crate) mod search;
pub(crate) mod sections;
pub(crate) mod turned;
pub(crate) mod values;
pub(crate) mod views;
pub(crate) mod webhooks;
