//! Search: the twenty nearest of many customers with twelve fields, by what somebody types, beside SQLite's FTS5, tantivy
//! as it comes, with everything in the clear, and PostgreSQL's `pg_trgm`.
//!
//! Each engine holds the same records and is asked the same words in turns, and what is counted is the CPU time of every
//! query. Ours answers from a sealed index of which it can leave out what a reader may not see; the peers look everywhere. What
//! else a request of the API does (rights, names, the values shown) is counted by `import`. Start at [`measure`].

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use kernel::{Audience, Column, DataClass, Export, KeyClass, Retention, TenantId, sealed_column};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use search::{Document, Sought, Wanted, term};
use sqlx::{ConnectOptions, Connection, PgConnection, Row, SqliteConnection};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{Field, STORED, Schema, TEXT};
use tantivy::{Searcher, TantivyDocument};
use vault::{Cache, Subject};

use crate::report::{Report, Rounds};
use crate::shelf::{self, fault};
use crate::{Options, cpu};

/// Words of each field: a name, an address of e-mail, and what an administrator asks for, a note among it.
const FIELDS: [usize; 12] = [2, 3, 1, 2, 1, 1, 2, 1, 3, 8, 1, 2];
/// Words that there are; some are in many records, most in few.
const WORDS: usize = 20_000;
/// Queries of a kind in one round.
const QUERIES: usize = 200;
/// How many of the nearest.
const LIMIT: usize = 20;
/// Records written at once, as the product does.
const SLICE: usize = 1_000;
const SEED: u64 = 4;

static CLASS: DataClass = DataClass {
    name: "search-index",
    purpose: "What is measured.",
    audience: Audience::Nobody,
    retention: Retention::Server,
    regional: false,
    export: Export::Never,
};
static COLUMN: Column = sealed_column("search_index", "file", KeyClass::Names, &CLASS);

/// How something is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    One,
    Two,
    Typing,
    Typo,
}

impl Kind {
    const ALL: [Self; 4] = [Self::One, Self::Two, Self::Typing, Self::Typo];

    fn name(self) -> &'static str {
        match self {
            Self::One => "one word",
            Self::Two => "two words",
            Self::Typing => "a word being typed (its first three letters)",
            Self::Typo => "a word with a mistake in it",
        }
    }
}

struct Words(Vec<String>);

impl Words {
    fn new(random: &mut StdRng) -> Self {
        const SOUNDS: [&str; 16] =
            ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "dra", "fen", "gor", "hal", "jin", "pla", "wex"];
        let mut words = std::collections::BTreeSet::new();
        while words.len() < WORDS {
            let length = random.random_range(2..=4);
            words.insert((0..length).filter_map(|_| SOUNDS.choose(random).copied()).collect::<String>());
        }
        let mut words: Vec<String> = words.into_iter().collect();
        // Sorted, the frequent ones would lie together.
        words.shuffle(random);
        Self(words)
    }

    /// One of them: the cube of an even number is what makes some frequent.
    fn any(&self, random: &mut StdRng) -> &str {
        let even: f64 = random.random();
        let place = (even.powi(3) * WORDS as f64) as usize;
        self.0.get(place).map_or("", String::as_str)
    }

    fn record(&self, random: &mut StdRng) -> Vec<String> {
        let field = |words: &usize| (0..*words).map(|_| self.any(random)).collect::<Vec<_>>().join(" ");
        FIELDS.iter().map(field).collect()
    }
}

/// What is asked, as somebody would type it: words of a record that there is.
fn question(kind: Kind, records: &[Vec<String>], random: &mut StdRng) -> Vec<String> {
    let record = records.choose(random).map(Vec::as_slice).unwrap_or_default();
    let mut word = || {
        let words: Vec<&str> = record.choose(random).map(|field| field.split(' ').collect()).unwrap_or_default();
        words.choose(random).map(|word| (*word).to_owned()).unwrap_or_default()
    };
    match kind {
        Kind::One => vec![word()],
        Kind::Two => vec![word(), word()],
        Kind::Typing => vec![word().chars().take(3).collect()],
        Kind::Typo => loop {
            let right = word();
            if right.len() >= 6 {
                // A letter is left out in the middle.
                let out = right.len() / 2;
                let wrong = right.char_indices().filter(|(at, _)| *at != out).map(|(_, letter)| letter).collect();
                break vec![wrong];
            }
        },
    }
}

/// Our own index, in a folder, sealed.
struct Ours {
    _folder: tempfile::TempDir,
    index: search::Index,
    tags: Vec<String>,
}

impl Ours {
    fn new(runtime: &tokio::runtime::Runtime, records: &[Vec<String>]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let vault = shelf::vault(folder.path())?;
        let subject = Subject::Cache(Cache::Search);
        let keys = vault.keys_of(TenantId::fresh(), KeyClass::Names, subject, Timestamp::UNIX_EPOCH);
        let keys = runtime.block_on(keys).map_err(fault)?;
        let tags: Vec<String> = (0..FIELDS.len()).map(|_| TenantId::fresh().0.simple().to_string()).collect();
        let index = search::Index::create(&folder.path().join("index"), &keys, &COLUMN).map_err(fault)?;
        for (slice, some) in records.chunks(SLICE).enumerate() {
            let documents = some.iter().enumerate().map(|(place, record)| {
                let mut terms = std::collections::BTreeSet::new();
                for (tag, text) in tags.iter().zip(record) {
                    // As the product writes a value: that there is one, its whole text, its words.
                    terms.insert(term::fact(tag, "p"));
                    terms.insert(term::fact(tag, &format!("t{text}")));
                    terms.extend(text.split(' ').map(|word| term::word(tag, word)));
                }
                Document { key: format!("c{}", slice * SLICE + place), stamp: 0, terms: terms.into_iter().collect() }
            });
            index.write(documents.collect(), &[], 0).map_err(fault)?;
        }
        index.settle().map_err(fault)?;
        Ok(Self { _folder: folder, index, tags })
    }

    fn ask(&self, kind: Kind, words: &[String]) -> Result<usize> {
        let words: Vec<Wanted> = words
            .iter()
            .map(|word| Wanted { word: word.clone(), open: kind == Kind::Typing, facts: Vec::new(), also: None })
            .collect();
        let weigh = |tag: &str| self.tags.iter().position(|it| it == tag).map(|place| if place == 0 { 6 } else { 3 });
        let sought = Sought { words: &words, weigh: &weigh, limit: LIMIT };
        Ok(self.index.snapshot().look(&sought).map_err(fault)?.len())
    }
}

/// tantivy by its own defaults, in memory.
struct Clear {
    searcher: Searcher,
    fields: Vec<Field>,
    index: tantivy::Index,
}

impl Clear {
    fn new(records: &[Vec<String>]) -> Result<Self> {
        let mut schema = Schema::builder();
        let key = schema.add_text_field("key", STORED);
        let fields: Vec<Field> =
            (0..FIELDS.len()).map(|number| schema.add_text_field(&format!("f{number}"), TEXT)).collect();
        let index = tantivy::Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads(1, 50_000_000)?;
        for (number, record) in records.iter().enumerate() {
            let mut document = TantivyDocument::default();
            document.add_text(key, number.to_string());
            for (field, text) in fields.iter().zip(record) {
                document.add_text(*field, text);
            }
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        Ok(Self { searcher: index.reader()?.searcher(), fields, index })
    }

    fn ask(&self, kind: Kind, words: &[String]) -> Result<usize> {
        let mut parser = QueryParser::for_index(&self.index, self.fields.clone());
        parser.set_conjunction_by_default();
        for field in &self.fields {
            match kind {
                Kind::One | Kind::Two => {}
                Kind::Typing => parser.set_field_fuzzy(*field, true, 0, true),
                Kind::Typo => parser.set_field_fuzzy(*field, false, 1, true),
            }
        }
        let query = parser.parse_query(&words.join(" "))?;
        let found = self.searcher.search(&query, &TopDocs::with_limit(LIMIT).order_by_score())?;
        // Which records they are is told too.
        found.iter().try_for_each(|(_, at)| self.searcher.doc::<TantivyDocument>(*at).map(drop))?;
        Ok(found.len())
    }
}

/// FTS5 in a database of its own, with indexes of beginnings.
struct Fts5(SqliteConnection);

impl Fts5 {
    async fn new(folder: &Path, records: &[Vec<String>]) -> Result<Self> {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(folder.join("fts5.db"))
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
        let mut connection = options.connect().await?;
        let columns: Vec<String> = (0..FIELDS.len()).map(|number| format!("f{number}")).collect();
        let columns = columns.join(", ");
        let table = format!("CREATE VIRTUAL TABLE t USING fts5({columns}, prefix = '2 3')");
        sqlx::query(sqlx::AssertSqlSafe(table)).execute(&mut connection).await?;
        let insert = format!("INSERT INTO t ({columns}) VALUES ({})", vec!["?"; FIELDS.len()].join(", "));
        for some in records.chunks(SLICE) {
            let mut writing = connection.begin().await?;
            for record in some {
                let mut query = sqlx::query(sqlx::AssertSqlSafe(insert.as_str()));
                for text in record {
                    query = query.bind(text);
                }
                query.execute(&mut *writing).await?;
            }
            writing.commit().await?;
        }
        sqlx::query("INSERT INTO t (t) VALUES ('optimize')").execute(&mut connection).await?;
        Ok(Self(connection))
    }

    async fn ask(&mut self, kind: Kind, words: &[String]) -> Result<usize> {
        let ending = if kind == Kind::Typing { "*" } else { "" };
        let wanted: Vec<String> = words.iter().map(|word| format!("\"{word}\"{ending}")).collect();
        let query = sqlx::query("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?");
        let rows = query.bind(wanted.join(" AND ")).bind(LIMIT as i64).fetch_all(&mut self.0).await?;
        Ok(rows.len())
    }
}

/// `pg_trgm`: each record as one text, with an index of its trigrams.
struct Trigrams {
    connection: PgConnection,
    process: u32,
}

impl Trigrams {
    async fn new(url: &str, records: &[Vec<String>]) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        for statement in [
            "CREATE EXTENSION IF NOT EXISTS pg_trgm",
            "CREATE TEMPORARY TABLE bench_search (id bigint PRIMARY KEY, doc text NOT NULL)",
        ] {
            sqlx::query(statement).execute(&mut connection).await.context("pg_trgm (Debian: postgresql-contrib)")?;
        }
        for (slice, some) in records.chunks(SLICE).enumerate() {
            let ids: Vec<i64> = (0..some.len()).map(|place| (slice * SLICE + place) as i64).collect();
            let texts: Vec<String> = some.iter().map(|record| record.join(" ")).collect();
            let insert = "INSERT INTO bench_search SELECT * FROM unnest($1::bigint[], $2::text[])";
            sqlx::query(insert).bind(ids).bind(texts).execute(&mut connection).await?;
        }
        for statement in ["CREATE INDEX ON bench_search USING gin (doc gin_trgm_ops)", "ANALYZE bench_search"] {
            sqlx::query(statement).execute(&mut connection).await?;
        }
        let process = sqlx::query("SELECT pg_backend_pid()").fetch_one(&mut connection).await?.try_get::<i32, _>(0)?;
        Ok(Self { connection, process: u32::try_from(process)? })
    }

    async fn ask(&mut self, words: &[String]) -> Result<usize> {
        let query = "SELECT id FROM bench_search WHERE $1 <% doc ORDER BY $1 <<-> doc LIMIT $2";
        let query = sqlx::query(query).bind(words.join(" ")).bind(LIMIT as i64);
        Ok(query.fetch_all(&mut self.connection).await?.len())
    }
}

/// The CPU time of queries, and how many of them found something.
#[derive(Default)]
struct Times {
    spent: Vec<Duration>,
    found: usize,
}

impl Times {
    fn push(&mut self, spent: Duration, found: usize) {
        self.spent.push(spent);
        self.found += usize::from(found > 0);
    }

    fn at(&mut self, part: f64) -> f64 {
        self.spent.sort_unstable();
        let place = (self.spent.len() as f64 * part) as usize;
        self.spent
            .get(place.min(self.spent.len().saturating_sub(1)))
            .map_or(f64::NAN, |spent| spent.as_secs_f64() * 1e6)
    }
}

/// An engine's figures, a round each.
#[derive(Default)]
struct Figures {
    half: Rounds,
    most: Rounds,
    found: usize,
    asked: usize,
}

impl Figures {
    fn push(&mut self, mut times: Times) {
        self.half.push(times.at(0.5));
        self.most.push(times.at(0.99));
        self.found += times.found;
        self.asked += times.spent.len();
    }
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let random = &mut StdRng::seed_from_u64(SEED);
    let words = Words::new(random);
    let records: Vec<Vec<String>> = (0..options.rows).map(|_| words.record(random)).collect();
    let folder = tempfile::tempdir()?;
    let ours = Ours::new(&runtime, &records)?;
    let clear = Clear::new(&records)?;
    let mut fts5 = runtime.block_on(Fts5::new(folder.path(), &records))?;
    let mut trigrams = match std::env::var("STEWARD_TEST_POSTGRES") {
        Ok(url) => Some(runtime.block_on(Trigrams::new(&url, &records))?),
        Err(_) => None,
    };
    report.section(
        "Search",
        &format!(
            "the {LIMIT} nearest of {} records of {} fields; {QUERIES} queries of each kind a round, {} rounds, engines in turns",
            options.rows,
            FIELDS.len(),
            options.rounds
        ),
    );
    report
        .line(&format!("Steward's index: {} MB in memory, sealed on the disk.\n", ours.index.held_bytes() / 1_000_000));
    for kind in Kind::ALL {
        let (mut a, mut b, mut c, mut d) = <(Figures, Figures, Figures, Figures)>::default();
        for _ in 0..options.rounds {
            let (mut own, mut plain, mut lite, mut grams) = <(Times, Times, Times, Times)>::default();
            for _ in 0..QUERIES {
                let asked = question(kind, &records, random);
                let since = cpu::own();
                let found = ours.ask(kind, &asked)?;
                own.push(cpu::own().saturating_sub(since), found);
                let since = cpu::own();
                let found = clear.ask(kind, &asked)?;
                plain.push(cpu::own().saturating_sub(since), found);
                if kind == Kind::Typo {
                    if let Some(trigrams) = &mut trigrams {
                        let since = cpu::scheduled(trigrams.process)?;
                        let found = runtime.block_on(trigrams.ask(&asked))?;
                        grams.push(cpu::scheduled(trigrams.process)?.saturating_sub(since), found);
                    }
                } else {
                    let since = cpu::own();
                    let found = runtime.block_on(fts5.ask(kind, &asked))?;
                    lite.push(cpu::own().saturating_sub(since), found);
                }
            }
            for (figures, times) in [(&mut a, own), (&mut b, plain), (&mut c, lite), (&mut d, grams)] {
                if !times.spent.is_empty() {
                    figures.push(times);
                }
            }
        }
        report.line(&format!("### {}\n", kind.name()));
        report.line(
            "| | CPU µs, half of the queries within | CPU µs, 99 of 100 within | Steward's 99 of 100 over its | found something |\n|---|---|---|---|---|",
        );
        let names = ["**Steward**", "tantivy, in the clear", "SQLite FTS5", "PostgreSQL pg_trgm"];
        for (name, figures) in names.into_iter().zip([&a, &b, &c, &d]).filter(|(_, figures)| figures.asked > 0) {
            report.line(&format!(
                "| {name} | {} | {} | {} | {:.0} % |",
                figures.half.show(0),
                figures.most.show(0),
                a.most.over(&figures.most).show(2),
                100.0 * figures.found as f64 / figures.asked as f64
            ));
        }
        report.line("");
    }
    if trigrams.is_none() {
        report.line("STEWARD_TEST_POSTGRES names no server: pg_trgm was not measured.");
    }
    // What is measured must be right, too.
    for _ in 0..QUERIES {
        anyhow::ensure!(
            ours.ask(Kind::Two, &question(Kind::Two, &records, random))? > 0,
            "a record's own words are not found"
        );
    }
    Ok(())
}
