//! The program: configuration, wiring, telemetry, command line. All that is joined is joined here, in [`program`];
//! nothing is decided here.

pub mod cli;
pub mod config;
pub mod demo;
mod doctor;
mod examples;
mod join;
mod listen;
mod operator;
pub mod program;
pub mod telemetry;
