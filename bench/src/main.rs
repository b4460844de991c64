//! Measures Steward beside a peer and the physical limit, in one run.
//!
//! A machine's speed changes from minute to minute, so what is compared runs in turns, several rounds of it, and what
//! is reported is the ratio within each round: its median, and the least and the greatest as its spread. Rates are per
//! CPU-second (user and system), not per second of the clock, so that neighbours on the machine weigh less.
//!
//! Start at [`Entry`]. What is not given on the command line (a running server, nginx) is left out and said so.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod cpu;
mod crypto;
mod report;
mod serving;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use report::Report;

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Entry {
    /// Seal and open small values, beside `openssl speed`.
    Crypto,
    /// Start-up time and memory at rest of the server that `--serve` starts.
    Start,
    /// A verified read from a running server, beside nginx `return 200`.
    Read,
}

/// Measure Steward beside a peer and the physical limit.
#[derive(Parser)]
pub(crate) struct Options {
    /// Which entries; all that can be measured when none is named
    pub(crate) entries: Vec<Entry>,
    /// Rounds of each comparison
    #[arg(long, default_value_t = 9)]
    pub(crate) rounds: usize,
    /// Seconds a turn
    #[arg(long, default_value_t = 1)]
    pub(crate) seconds: u64,
    /// The command that starts the server, for instance `target/release/steward serve --config bench.toml`
    #[arg(long)]
    pub(crate) serve: Option<String>,
    /// Its origin, for instance `http://127.0.0.1:8080`; ready is `/readyz`
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// A server that runs already: its process id, for `read`
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Files with one path a line to read; wrk takes them in turns. Each needs `--header`
    #[arg(long)]
    pub(crate) paths: Option<PathBuf>,
    /// A header of each request, for instance `Authorization: Bearer …`
    #[arg(long)]
    pub(crate) header: Vec<String>,
    /// Where the report goes
    #[arg(long, default_value = "bench/RESULTS.md")]
    pub(crate) output: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Report::new();
    let wanted = |entry| options.entries.is_empty() || options.entries.contains(&entry);
    if wanted(Entry::Crypto) {
        crypto::measure(&options, &mut report)?;
    }
    if wanted(Entry::Start) {
        serving::start(&options, &mut report)?;
    }
    if wanted(Entry::Read) {
        serving::read(&options, &mut report)?;
    }
    report.write(&options.output)?;
    println!("{}", report.text());
    Ok(())
}
