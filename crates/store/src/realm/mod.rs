//! One tenant on its way between two regions: how far each move is ([`moves`]), and its rows out of here and into here
//! ([`rows`]). It opens nothing, and writes no row of any other tenant than the one that moves.

pub mod moves;
pub mod rows;

pub use moves::{Move, NewMove, Stage, Way};
pub use rows::Since;
