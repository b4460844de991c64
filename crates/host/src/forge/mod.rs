//! What Forge says, and how it proves that it is Forge: signed invocation tokens and the keys they verify by.

pub mod jwks;
pub mod token;
