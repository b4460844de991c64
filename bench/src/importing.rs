//! An import: rows of a file validated, then sealed, kept in history and durable, beside what only inserts them: SQLite's
//! FTS5 and PostgreSQL's COPY into a table with as many indexes as it has columns. Then an export of the same rows, opened,
//! on the ledger, each reading noted, beside `COPY TO`.
//!
//! What the peers do is a part of it: they check nothing, seal nothing and keep no history. Rates are rows per second of the
//! clock, because three programs share the work on each side. Start at [`measure`].

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::Options;
use crate::cpu;
use crate::report::{Report, Rounds};
use crate::serving::{program, serve, settled};
use crate::sites::{Server, Sites};

/// Rounds of so heavy a comparison.
const ROUNDS: usize = 3;
/// Values of a row.
const VALUES: usize = 3;
/// Answers of each kind that are waited for.
const ASKED: usize = 200;
/// Customers that Jira has; those of more rows are known to Steward alone.
const IN_JIRA: usize = 100_000;

/// A file of so many customers; each round says something else of each.
fn write_file(path: &Path, accounts: &[String], round: usize) -> Result<()> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "Account ID,Field 0,Field 1,Field 2")?;
    for (row, account) in accounts.iter().enumerate() {
        let office = row % 97 + round;
        writeln!(file, "{account},Contract {row} of {round},\"Gold, until {round}\",Berlin office {office}")?;
    }
    file.flush().context("the file to import")
}

fn sqlite(database: &Path, words: &str) -> Result<String> {
    let words = format!("PRAGMA busy_timeout = 60000; {words}");
    let output = Command::new("sqlite3").arg(database).arg(words).output().context("sqlite3")?;
    if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { bail!("sqlite3: {output:?}") }
}

/// Waits until the server knows so many customers, as Jira has them; at a hundred a second it gives up.
fn read_from_jira(database: &Path, customers: usize) -> Result<()> {
    let since = Instant::now();
    loop {
        let said = sqlite(database, "SELECT count(*) FROM customer;")?;
        let known: usize = said.lines().last().unwrap_or_default().trim().parse().context("no count of customers")?;
        if known >= customers {
            return Ok(());
        }
        if since.elapsed() > Duration::from_secs(600 + customers as u64 / 100) {
            bail!("only {known} of {customers} customers were read from Jira");
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a count has no event to wait for, and nothing else runs on this thread"
        )]
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// Makes more customers known, as a reading of Jira's directory would; dated tomorrow, so that one that is under way drops none.
fn make_known(database: &Path, rows: usize) -> Result<()> {
    let words = format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {rows}) \
         INSERT OR IGNORE INTO customer (tenant, account, synced_at) SELECT (SELECT tenant FROM customer LIMIT 1), \
         printf('712020:00000000-0000-4000-8000-%012d', i), (strftime('%s', 'now') + 86400) * 1000000 FROM n;"
    );
    sqlite(database, &words).map(drop)
}

/// The accounts of so many customers.
fn accounts(database: &Path, rows: usize) -> Result<Vec<String>> {
    let said = sqlite(database, &format!("SELECT account FROM customer ORDER BY account LIMIT {rows};"))?;
    // The first line is the timeout that was set.
    let accounts: Vec<String> = said.lines().skip(1).map(str::to_owned).collect();
    if accounts.len() == rows { Ok(accounts) } else { bail!("{} accounts of {rows}", accounts.len()) }
}

/// How long a command takes.
fn timed(command: &mut Command) -> Result<Duration> {
    let since = Instant::now();
    let status = command.stdout(Stdio::null()).status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(since.elapsed())
}

/// The same rows into FTS5, each commit on disk.
fn into_fts5(folder: &Path, file: &Path) -> Result<Duration> {
    let database = folder.join("fts5.db");
    let _ = std::fs::remove_file(&database);
    let import = format!(".import --csv --skip 1 {} t", file.display());
    let mut command = Command::new("sqlite3");
    command.arg(&database).arg("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    command.arg("CREATE VIRTUAL TABLE t USING fts5(account, a, b, c);").arg(import);
    timed(&mut command)
}

/// The same rows by COPY, with an index on each column, and back into a file.
fn through_postgres(url: &str, file: &Path) -> Result<(Duration, Duration)> {
    let psql = || {
        let mut command = Command::new("psql");
        command.arg(url).args(["-q", "-v", "ON_ERROR_STOP=1"]);
        command
    };
    let table = "DROP TABLE IF EXISTS bench_import; CREATE TABLE bench_import (account text PRIMARY KEY, a text, b text, c text); \
                 CREATE INDEX ON bench_import (a); CREATE INDEX ON bench_import (b); CREATE INDEX ON bench_import (c);";
    timed(psql().arg("-c").arg(table))?;
    let took = timed(psql().arg("-c").arg(format!("\\copy bench_import from '{}' csv header", file.display())))?;
    let out = file.with_extension("out");
    let back = timed(psql().arg("-c").arg(format!("\\copy bench_import to '{}' csv header", out.display())))?;
    timed(psql().arg("-c").arg("DROP TABLE bench_import"))?;
    Ok((took, back))
}

/// The most memory that a process ever held, in MiB.
fn peak_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    Ok(peak.context("no VmHWM")? / 1024.0)
}

/// Bytes of a folder's files.
fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { size_of(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// A file of `options.rows` rows: its dry run, its run, and the peers.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let rows = options.rows;
    let of_jira = rows.min(IN_JIRA);
    let sites = Sites::with(1, of_jira)?;
    let folder = tempfile::tempdir()?;
    let joined = Server::configure(folder.path(), &sites.running)?;
    let (running, _) = serve(options, &joined)?;
    sites.join(&joined.origin)?;
    let token = folder.path().join("token");
    let secret = sites.api_token(&joined.origin, &["imports:write", "customers:read", "fields:read"])?;
    std::fs::write(&token, &secret)?;
    let database = folder.path().join("data/steward.db");
    read_from_jira(&database, of_jira)?;
    if rows > of_jira {
        make_known(&database, rows - of_jira)?;
    }
    let accounts = accounts(&database, rows)?;
    settled(running.pid())?;
    let file = folder.path().join("file.csv");
    let import = |dry: bool| -> Result<Duration> {
        let mut command = Command::new(program(options)?);
        command
            .args(["customers", "import", "--json", "--server", &joined.origin])
            .arg("--token-file")
            .arg(&token)
            .arg(&file);
        if dry {
            command.arg("--dry-run");
        }
        timed(&mut command)
    };
    let postgres = std::env::var("STEWARD_TEST_POSTGRES").ok();
    let (mut check, mut whole, mut fts5, mut copy) = <(Rounds, Rounds, Rounds, Rounds)>::default();
    let (mut export, mut copy_to) = <(Rounds, Rounds)>::default();
    let rate = |took: Duration| rows as f64 / took.as_secs_f64();
    let before = cpu::of_tree(running.pid())?;
    for round in 0..options.rounds.min(ROUNDS) {
        write_file(&file, &accounts, round)?;
        check.push(rate(import(true)?));
        whole.push(rate(import(false)?));
        fts5.push(rate(into_fts5(folder.path(), &file)?));
        // Whom Jira does not know has no name to be found by.
        if rows == of_jira {
            let since = Instant::now();
            let bytes = sites.export(&joined.origin, &secret)?;
            export.push(rate(since.elapsed()));
            if bytes < usize::try_from(std::fs::metadata(&file)?.len())? {
                bail!("the export has {bytes} bytes, fewer than the file");
            }
        }
        if let Some(url) = &postgres {
            let (from, to) = through_postgres(url, &file)?;
            copy.push(rate(from));
            copy_to.push(rate(to));
        }
    }
    let worked = cpu::of_tree(running.pid())?.saturating_sub(before);
    let bytes = std::fs::metadata(&file)?.len() / 1_000_000;
    report.section(
        "Import",
        &format!(
            "steward customers import, {rows} rows of {VALUES} values ({bytes} MB), {} times, in turns",
            options.rounds.min(ROUNDS)
        ),
    );
    let mut table = String::from("| | rows a second | over FTS5 |\n|---|---|---|\n");
    for (name, figure) in [
        ("dry run: sent, read, validated, compared, report kept", &check),
        ("dry run and run: besides sealed, in history, durable, undoable", &whole),
        ("SQLite FTS5, inserted", &fts5),
        ("PostgreSQL COPY, four indexes", &copy),
    ] {
        let _ = writeln!(table, "| {name} | {} | {} |", figure.show(0), figure.over(&fts5).show(2));
    }
    report.line(&table);
    report.line(&format!(
        "The server: {:.0} MiB of memory at most, {:.1} CPU-seconds in all; on disk afterwards {} MB.\n",
        peak_mib(running.pid())?,
        worked.as_secs_f64(),
        size_of(&folder.path().join("data"))? / 1_000_000
    ));
    if rows > of_jira {
        report.line(
            "Rows beyond those of 100,000 customers are of people whom Jira does not know: no export was measured.",
        );
        return Ok(());
    }
    let mut table = String::from("| | rows a second | over COPY TO |\n|---|---|---|\n");
    for (name, figure) in
        [("export: found, on the ledger, opened, each reading noted", &export), ("PostgreSQL COPY TO", &copy_to)]
    {
        let _ = writeln!(table, "| {name} | {} | {} |", figure.show(0), figure.over(&copy_to).show(2));
    }
    report.line(&table);
    if postgres.is_none() {
        report.line("STEWARD_TEST_POSTGRES names no server: COPY was not measured.");
    }
    report.line(&answers(&sites, &joined.origin, rows)?);
    Ok(())
}

/// How long an agent waits for what is asked of so many customers, all the way through the server's API.
fn answers(sites: &Sites, origin: &str, rows: usize) -> Result<String> {
    let first = sites.waits(origin, &["/api/v1/search?q=contract".to_owned()])?;
    let mut table = format!(
        "An agent's answers over {rows} customers, {ASKED} of each kind one after the other. The first search, which finds the index \
         behind: {:.0} ms.\n\n| | ms, half within | ms, 99 of 100 within |\n|---|---|---|\n",
        first.first().context("no answer")?.as_secs_f64() * 1000.0
    );
    let kinds: [(&str, &dyn Fn(usize) -> String); 6] = [
        ("search: one word", &|at| format!("/api/v1/search?q={at}")),
        ("search: two words", &|at| format!("/api/v1/search?q=berlin%20{at}")),
        ("search: three letters of a word", &|at| {
            format!("/api/v1/search?q={}", ["con", "gol", "ber", "off", "unt"].get(at % 5).copied().unwrap_or("con"))
        }),
        ("search: a mistake in a word", &|at| format!("/api/v1/search?q=cotnract%20{at}")),
        ("a list of 50, by a condition", &|at| {
            format!("/api/v1/customers?limit=50&query=%22Field%202%22%20~%20%22office%20{}%22", at % 97)
        }),
        ("a list of 50, ordered by a field", &|at| {
            let (direction, field) = (if at % 2 == 0 { "ASC" } else { "DESC" }, at % 3);
            format!("/api/v1/customers?limit=50&query=ORDER%20BY%20%22Field%20{field}%22%20{direction}")
        }),
    ];
    for (name, path) in kinds {
        let paths: Vec<String> = (0..ASKED).map(|at| path(at * rows / ASKED)).collect();
        let mut waits = sites.waits(origin, &paths)?;
        waits.sort();
        let within = |hundredths: usize| {
            let at = (waits.len() * hundredths / 100).min(waits.len().saturating_sub(1));
            waits.get(at).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1000.0)
        };
        let _ = writeln!(table, "| {name} | {:.1} | {:.1} |", within(50), within(99));
    }
    Ok(table)
}
