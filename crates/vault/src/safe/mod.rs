//! The half that other rooms use.

pub(crate) mod keys;
pub(crate) mod vault;
#[cfg(test)]
mod walls;
