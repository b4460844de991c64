//! The half that other rooms use.

pub(crate) mod channel;
pub(crate) mod keys;
pub(crate) mod objects;
pub(crate) mod rewrap;
pub(crate) mod roots;
pub(crate) mod vault;
#[cfg(test)]
mod walls;
