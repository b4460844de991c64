//! The program: configuration, wiring, telemetry, command line. All that is joined is joined here, in [`program`];
//! nothing is decided here.

pub mod cli;
pub mod config;
pub mod demo;
mod doctor;
mod examples;
mod import;
mod join;
pub mod keys;
mod listen;
mod manual;
mod moving;
mod objects;
mod operator;
pub mod program;
mod rekey;
mod sandbox;
mod site;
pub mod telemetry;
