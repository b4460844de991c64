//! Statements about readings: who saw whose values.

use jiff::Timestamp;
use kernel::{Fault, Result};
use store::{Row, Scoped, Value, args};

use crate::reading::After;

/// Whom one statement is about: a page of a table.
pub(crate) const SUBJECTS: usize = 100;

const KNOWN_ONE: &str = "SELECT subject FROM reading \
     WHERE tenant = $1 AND day = $2 AND way = $3 AND kind = $4 AND reader = $5 AND subject = $6";
const KNOWN: &str = concat!(
    "SELECT subject FROM reading WHERE tenant = $1 AND day = $2 AND way = $3 AND kind = $4 AND reader = $5 AND subject IN (",
    "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, ",
    "$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, ",
    "$46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63, $64, $65, ",
    "$66, $67, $68, $69, $70, $71, $72, $73, $74, $75, $76, $77, $78, $79, $80, $81, $82, $83, $84, $85, ",
    "$86, $87, $88, $89, $90, $91, $92, $93, $94, $95, $96, $97, $98, $99, $100, $101, $102, $103, $104, ",
    "$105",
    ")"
);
const INSERT_ONE: &str = "INSERT INTO reading (tenant, subject, day, way, kind, reader, at) \
     VALUES ($1, $7, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
const INSERT: &str = concat!(
    "INSERT INTO reading (tenant, subject, day, way, kind, reader, at) VALUES (",
    "$1, $7, $2, $3, $4, $5, $6), ($1, $8, $2, $3, $4, $5, $6), ($1, $9, $2, $3, $4, $5, $6), (",
    "$1, $10, $2, $3, $4, $5, $6), ($1, $11, $2, $3, $4, $5, $6), ($1, $12, $2, $3, $4, $5, $6), (",
    "$1, $13, $2, $3, $4, $5, $6), ($1, $14, $2, $3, $4, $5, $6), ($1, $15, $2, $3, $4, $5, $6), (",
    "$1, $16, $2, $3, $4, $5, $6), ($1, $17, $2, $3, $4, $5, $6), ($1, $18, $2, $3, $4, $5, $6), (",
    "$1, $19, $2, $3, $4, $5, $6), ($1, $20, $2, $3, $4, $5, $6), ($1, $21, $2, $3, $4, $5, $6), (",
    "$1, $22, $2, $3, $4, $5, $6), ($1, $23, $2, $3, $4, $5, $6), ($1, $24, $2, $3, $4, $5, $6), (",
    "$1, $25, $2, $3, $4, $5, $6), ($1, $26, $2, $3, $4, $5, $6), ($1, $27, $2, $3, $4, $5, $6), (",
    "$1, $28, $2, $3, $4, $5, $6), ($1, $29, $2, $3, $4, $5, $6), ($1, $30, $2, $3, $4, $5, $6), (",
    "$1, $31, $2, $3, $4, $5, $6), ($1, $32, $2, $3, $4, $5, $6), ($1, $33, $2, $3, $4, $5, $6), (",
    "$1, $34, $2, $3, $4, $5, $6), ($1, $35, $2, $3, $4, $5, $6), ($1, $36, $2, $3, $4, $5, $6), (",
    "$1, $37, $2, $3, $4, $5, $6), ($1, $38, $2, $3, $4, $5, $6), ($1, $39, $2, $3, $4, $5, $6), (",
    "$1, $40, $2, $3, $4, $5, $6), ($1, $41, $2, $3, $4, $5, $6), ($1, $42, $2, $3, $4, $5, $6), (",
    "$1, $43, $2, $3, $4, $5, $6), ($1, $44, $2, $3, $4, $5, $6), ($1, $45, $2, $3, $4, $5, $6), (",
    "$1, $46, $2, $3, $4, $5, $6), ($1, $47, $2, $3, $4, $5, $6), ($1, $48, $2, $3, $4, $5, $6), (",
    "$1, $49, $2, $3, $4, $5, $6), ($1, $50, $2, $3, $4, $5, $6), ($1, $51, $2, $3, $4, $5, $6), (",
    "$1, $52, $2, $3, $4, $5, $6), ($1, $53, $2, $3, $4, $5, $6), ($1, $54, $2, $3, $4, $5, $6), (",
    "$1, $55, $2, $3, $4, $5, $6), ($1, $56, $2, $3, $4, $5, $6), ($1, $57, $2, $3, $4, $5, $6), (",
    "$1, $58, $2, $3, $4, $5, $6), ($1, $59, $2, $3, $4, $5, $6), ($1, $60, $2, $3, $4, $5, $6), (",
    "$1, $61, $2, $3, $4, $5, $6), ($1, $62, $2, $3, $4, $5, $6), ($1, $63, $2, $3, $4, $5, $6), (",
    "$1, $64, $2, $3, $4, $5, $6), ($1, $65, $2, $3, $4, $5, $6), ($1, $66, $2, $3, $4, $5, $6), (",
    "$1, $67, $2, $3, $4, $5, $6), ($1, $68, $2, $3, $4, $5, $6), ($1, $69, $2, $3, $4, $5, $6), (",
    "$1, $70, $2, $3, $4, $5, $6), ($1, $71, $2, $3, $4, $5, $6), ($1, $72, $2, $3, $4, $5, $6), (",
    "$1, $73, $2, $3, $4, $5, $6), ($1, $74, $2, $3, $4, $5, $6), ($1, $75, $2, $3, $4, $5, $6), (",
    "$1, $76, $2, $3, $4, $5, $6), ($1, $77, $2, $3, $4, $5, $6), ($1, $78, $2, $3, $4, $5, $6), (",
    "$1, $79, $2, $3, $4, $5, $6), ($1, $80, $2, $3, $4, $5, $6), ($1, $81, $2, $3, $4, $5, $6), (",
    "$1, $82, $2, $3, $4, $5, $6), ($1, $83, $2, $3, $4, $5, $6), ($1, $84, $2, $3, $4, $5, $6), (",
    "$1, $85, $2, $3, $4, $5, $6), ($1, $86, $2, $3, $4, $5, $6), ($1, $87, $2, $3, $4, $5, $6), (",
    "$1, $88, $2, $3, $4, $5, $6), ($1, $89, $2, $3, $4, $5, $6), ($1, $90, $2, $3, $4, $5, $6), (",
    "$1, $91, $2, $3, $4, $5, $6), ($1, $92, $2, $3, $4, $5, $6), ($1, $93, $2, $3, $4, $5, $6), (",
    "$1, $94, $2, $3, $4, $5, $6), ($1, $95, $2, $3, $4, $5, $6), ($1, $96, $2, $3, $4, $5, $6), (",
    "$1, $97, $2, $3, $4, $5, $6), ($1, $98, $2, $3, $4, $5, $6), ($1, $99, $2, $3, $4, $5, $6), (",
    "$1, $100, $2, $3, $4, $5, $6), ($1, $101, $2, $3, $4, $5, $6), ($1, $102, $2, $3, $4, $5, $6), (",
    "$1, $103, $2, $3, $4, $5, $6), ($1, $104, $2, $3, $4, $5, $6), ($1, $105, $2, $3, $4, $5, $6), (",
    "$1, $106, $2, $3, $4, $5, $6)",
    " ON CONFLICT DO NOTHING"
);
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

/// Adds one subject, or up to [`SUBJECTS`]: a place that is left over names the first once more. False: more than one.
fn places(values: &mut Vec<Value>, subjects: &[Vec<u8>]) -> Result<bool> {
    let (Some(first), true) = (subjects.first(), subjects.len() <= SUBJECTS) else {
        return Err(Fault::broken("web_subjects", "no subjects, or more than the statement has places for"));
    };
    let count = if subjects.len() == 1 { 1 } else { SUBJECTS };
    values.extend(subjects.iter().chain(std::iter::repeat(first)).take(count).map(|one| Value::from(one.as_slice())));
    Ok(count == 1)
}

/// Which of these people's readings are there already.
pub(crate) async fn reading_known(
    scoped: &mut Scoped,
    of: &NewReading<'_>,
    subjects: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>> {
    let mut values = args![of.day, of.way, of.kind, of.reader];
    let text = if places(&mut values, subjects)? { KNOWN_ONE } else { KNOWN };
    scoped.rows(text, values).await?.iter().map(|row| row.bytes("subject")).collect()
}

/// Keeps readings of these people, in one statement; what another node was first with stays.
pub(crate) async fn reading_insert(scoped: &mut Scoped, of: &NewReading<'_>, subjects: &[Vec<u8>]) -> Result<()> {
    let mut values = args![of.day, of.way, of.kind, of.reader, of.at];
    let text = if places(&mut values, subjects)? { INSERT_ONE } else { INSERT };
    scoped.run(text, values).await.map(drop)
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
