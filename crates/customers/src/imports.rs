//! What an import decides, without reading or writing anything: how bytes become rows (`text`), what a column is
//! (`mapping`), what a cell says (`cells`), and what a row would change (`plan`). Synchronous and pure; `actions/imports`
//! does the rest.

pub(crate) mod cells;
pub(crate) mod mapping;
pub(crate) mod plan;
pub(crate) mod text;

#[cfg(test)]
#[path = "imports/tests.rs"]
mod tests;
