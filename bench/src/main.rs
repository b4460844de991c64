//! Measures Steward beside a peer and the physical limit, in one run.
//!
//! A machine's speed changes from minute to minute, so what is compared runs in turns, several rounds of it, and what
//! is reported is the ratio within each round: its median, and the least and the greatest as its spread. Rates are per
//! CPU-second (user and system), not per second of the clock, so that neighbours on the machine weigh less.
//!
//! Start at [`Entry`].
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod bare;
mod cpu;
mod crypto;
mod doors;
mod importing;
mod report;
mod searching;
mod serving;
mod shelf;
mod sites;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use report::Report;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Entry {
    /// Seal and open small values, beside `openssl speed`.
    Crypto,
    /// The server: start-up time, memory at rest, and a verified read beside nginx `return 200`.
    Serving,
    /// The doors in: Connect's tokens beside Atlassian's framework and nginx, Forge's beside them.
    Doors,
    /// Search, beside FTS5, tantivy in the clear and `pg_trgm`.
    Search,
    /// An import, beside SQLite's FTS5 and PostgreSQL's COPY.
    Import,
}

/// Measure Steward beside a peer and the physical limit.
#[derive(Parser)]
pub(crate) struct Options {
    /// Which entries; all when none is named
    pub(crate) entries: Vec<Entry>,
    /// Rounds of each comparison
    #[arg(long, default_value_t = 9)]
    pub(crate) rounds: usize,
    /// Seconds a turn
    #[arg(long, default_value_t = 1)]
    pub(crate) seconds: u64,
    /// Rows of the imported file
    #[arg(long, default_value_t = 100_000)]
    pub(crate) rows: usize,
    /// The program to measure; without it, the one beside this one
    #[arg(long)]
    pub(crate) program: Option<PathBuf>,
    /// Where the report goes
    #[arg(long, default_value = "bench/RESULTS.md")]
    pub(crate) output: PathBuf,
    /// Be the bare server of this port instead of measuring one
    #[arg(long, hide = true, requires = "bare_bytes")]
    pub(crate) bare_port: Option<u16>,
    /// Bytes of its body
    #[arg(long, hide = true)]
    pub(crate) bare_bytes: Option<usize>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let (Some(port), Some(bytes)) = (options.bare_port, options.bare_bytes) {
        return bare::serve(port, bytes);
    }
    let mut report = Report::new();
    let wanted = |entry| options.entries.is_empty() || options.entries.contains(&entry);
    if wanted(Entry::Crypto) {
        crypto::measure(&options, &mut report)?;
    }
    if wanted(Entry::Serving) {
        serving::measure(&options, &mut report)?;
    }
    if wanted(Entry::Doors) {
        doors::measure(&options, &mut report)?;
    }
    if wanted(Entry::Search) {
        searching::measure(&options, &mut report)?;
    }
    if wanted(Entry::Import) {
        importing::measure(&options, &mut report)?;
    }
    report.write(&options.output)?;
    println!("{}", report.text());
    Ok(())
}
