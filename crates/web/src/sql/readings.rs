//! Statements about readings: who saw whose values.

use jiff::Timestamp;
use kernel::Result;
use store::{Row, Scoped, args};

use crate::reading::After;

const KNOWN: &str = "WITH asked (tenant, subject, day, way, kind, reader) AS (VALUES {rows}) \
     SELECT held.subject FROM asked CROSS JOIN reading AS held WHERE asked.tenant = $1 AND held.tenant = asked.tenant \
     AND held.subject = asked.subject AND held.day = asked.day AND held.way = asked.way AND held.kind = asked.kind \
     AND held.reader = asked.reader";
const INSERT: &str =
    "INSERT INTO reading (tenant, subject, day, way, kind, reader, at) VALUES {rows} ON CONFLICT DO NOTHING";
const COUNT: &str = "SELECT COUNT(*) AS n, MIN(at) AS first_at FROM reading WHERE tenant = $1 AND subject = $2";
const TOLD: &str = "SELECT day, kind, way, CASE WHEN kind = 'receiver' THEN reader ELSE '' END AS told, MAX(at) AS last_at, \
     COUNT(*) AS readers FROM reading WHERE tenant = $1 AND subject = $2 AND day <= $3 \
     GROUP BY day, kind, way, CASE WHEN kind = 'receiver' THEN reader ELSE '' END \
     ORDER BY day DESC, kind, way, told LIMIT $4 OFFSET $5";
const LIST: &str = "SELECT day, kind, way, reader, at FROM reading WHERE tenant = $1 AND subject = $2 AND day <= $3 \
     ORDER BY day DESC, kind, way, reader LIMIT $4 OFFSET $5";

/// What readings of several people have alike.
pub(crate) struct NewReading<'a> {
    pub(crate) day: i64,
    pub(crate) way: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) reader: &'a str,
    pub(crate) at: Timestamp,
}

/// Readings as they lie, one or, of a kind and way on a day, many.
pub(crate) struct StoredReading {
    pub(crate) day: i64,
    pub(crate) kind: String,
    pub(crate) way: String,
    /// Empty where none is told.
    pub(crate) reader: String,
    pub(crate) at: Timestamp,
    pub(crate) readers: u64,
}

/// Which of these people's readings are there already.
pub(crate) async fn reading_known(
    scoped: &mut Scoped,
    of: &NewReading<'_>,
    subjects: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>> {
    let key = |subject: &Vec<u8>| args![subject.as_slice(), of.day, of.way, of.kind, of.reader];
    let keys: Vec<_> = subjects.iter().map(key).collect();
    scoped.rows_of(KNOWN, &keys).await?.iter().map(|row| row.bytes("subject")).collect()
}

/// Keeps readings of these people; what another node was first with stays.
pub(crate) async fn reading_insert(scoped: &mut Scoped, of: &NewReading<'_>, subjects: &[Vec<u8>]) -> Result<()> {
    let row = |subject: &Vec<u8>| args![subject.as_slice(), of.day, of.way, of.kind, of.reader, of.at];
    scoped.run_rows(INSERT, subjects.iter().map(row).collect()).await.map(drop)
}

/// How many there are of a person, and when the first was.
pub(crate) async fn reading_count(scoped: &mut Scoped, subject: &[u8]) -> Result<(u64, Option<Timestamp>)> {
    let Some(row) = scoped.row(COUNT, args![subject]).await? else { return Ok((0, None)) };
    Ok((row.int("n")?.unsigned_abs(), row.opt_instant("first_at")?))
}

fn stored(row: &Row, (reader, at): (&str, &str), readers: u64) -> Result<StoredReading> {
    Ok(StoredReading {
        day: row.int("day")?,
        kind: row.text("kind")?,
        way: row.text("way")?,
        reader: row.text(reader)?,
        at: row.instant(at)?,
        readers,
    })
}

/// As the person is told: newest first.
pub(crate) async fn reading_told(
    scoped: &mut Scoped,
    subject: &[u8],
    after: After,
    limit: u32,
) -> Result<Vec<StoredReading>> {
    let rows = scoped.rows(TOLD, args![subject, after.day, limit, after.rows]).await?;
    rows.iter().map(|row| stored(row, ("told", "last_at"), row.int("readers")?.unsigned_abs())).collect()
}

/// Each by itself: newest first.
pub(crate) async fn reading_list(
    scoped: &mut Scoped,
    subject: &[u8],
    after: After,
    limit: u32,
) -> Result<Vec<StoredReading>> {
    let rows = scoped.rows(LIST, args![subject, after.day, limit, after.rows]).await?;
    rows.iter().map(|row| stored(row, ("reader", "at"), 1)).collect()
}
