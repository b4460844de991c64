//! Webhooks out, the pure part: which events there are, what a message says, how it is signed, when it is tried again.
//!
//! Messages follow Standard Webhooks (https://www.standardwebhooks.com). They name things by ids; values only where the
//! administrator asked for them and the field is one that its customer may see. No message is kept: it is made again
//! from the event's ids, and from history, each time that it is sent. Start at [`event::Event`].

pub(crate) mod event;
pub(crate) mod receiver;
pub(crate) mod retry;
pub(crate) mod signature;
