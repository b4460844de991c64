//! The query language of customers and organizations: `tier = Gold AND renewal < 30d ORDER BY name`.
//!
//! From text to meaning in three pure steps: [`parse`] makes a tree by the grammar (`grammar.pest`), [`resolve`] gives
//! it the meaning that the tenant's fields have, [`evaluate`] tells whether one opened record is meant. Nothing here
//! reads a row, a key or the clock: the moment and the viewer's time zone are values. Whatever finds rows faster later
//! must find the same ones. A field that the caller may not see is not in the [`catalogue`], hence as one that never
//! was. Start at [`resolve`]; the rows of meaning stand in `tests.rs`.

pub(crate) mod ast;
pub(crate) mod catalogue;
pub(crate) mod complete;
pub(crate) mod evaluate;
pub(crate) mod lasting;
pub(crate) mod mistake;
pub(crate) mod moment;
mod parse;
pub(crate) mod resolve;
#[cfg(test)]
mod tests;
pub(crate) mod text;
pub(crate) mod typed;

pub(crate) use mistake::Mistake;
pub(crate) use parse::{is_query, parse};

/// Characters of a query: several screens of conditions, and within any address that a proxy lets pass.
pub(crate) const LENGTH_CHARS: usize = 4_000;
/// Parentheses within parentheses; people lose count long before, and the parser's stack never.
pub(crate) const DEPTH: usize = 20;
/// Conditions of a query: each is tried on each row.
pub(crate) const TERMS: usize = 100;
/// Values of one list.
pub(crate) const LIST_ITEMS: usize = 200;
/// Fields that a query sorts by.
pub(crate) const SORTS: usize = 5;
/// People named in a query: each that is no account id is a search in Jira.
pub(crate) const PEOPLE: usize = 20;
/// Words of one text that is looked for.
pub(crate) const WORDS: usize = 20;
