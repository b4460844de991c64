//! The report: one section an entry, each with its command and its spread.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cpu;

/// Several rounds of one figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn greatest(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Each round's figure over that round's of `other`.
    pub(crate) fn over(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(own, its)| own / its).collect())
    }

    /// Median, and the spread in brackets.
    pub(crate) fn show(&self, digits: usize) -> String {
        format!("{:.digits$} ({:.digits$}–{:.digits$})", self.median(), self.least(), self.greatest())
    }
}

pub(crate) struct Report(String);

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    output.map_or_else(
        |_| format!("{program}: not here"),
        |output| {
            let said = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
        },
    )
}

impl Report {
    pub(crate) fn new() -> Self {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut text = String::from(
            "# Measured beside a peer and the physical limit\n\nMade by `make bench`. Compared figures ran in turns; \
             ratios are taken within each round. Shown: median (least–greatest of the rounds). Rates are per CPU-second.\n",
        );
        // Writing to a String does not fail, here and below.
        let _ = writeln!(text, "\nMachine: {}, Linux {}.", cpu::model(), kernel.trim());
        let _ = writeln!(text, "Peers: {}; {}.", first_line("openssl", "version"), first_line("nginx", "-v"));
        Self(text)
    }

    pub(crate) fn section(&mut self, title: &str, command: &str) {
        let _ = writeln!(self.0, "\n## {title}\n\n`{command}`\n");
    }

    pub(crate) fn line(&mut self, line: &str) {
        let _ = writeln!(self.0, "{line}");
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        std::fs::write(path, &self.0).with_context(|| format!("cannot write {}", path.display()))
    }
}
