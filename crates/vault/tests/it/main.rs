//! The vault as other rooms use it, over a shelf in memory: what opens, what never opens again, who may hold the
//! root key's file, and what the process lets others see.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod destruction;
mod far;
mod process;
mod root_key;
mod rotation;
mod shelf;
