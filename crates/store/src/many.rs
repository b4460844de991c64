//! Many rows in few statements: a statement that says `{rows}` where `VALUES` lists its rows runs for as many of them as
//! are given. Each statement of its own costs a way to the database and back, which for one row is most of what it takes.
//!
//! Statements come in few sizes, so that a connection keeps them prepared.

use std::collections::HashSet;

use crate::row::Value;

/// Where a statement lists its rows.
pub(crate) const ROWS: &str = "{rows}";

/// Rows of one statement. The largest has fewer placeholders than either database allows (32,766 of SQLite's), for rows of
/// up to 60 columns.
const SIZES: [usize; 6] = [512, 128, 32, 8, 2, 1];

/// The words for `rows` rows of `width` columns besides the first, which is `$1` in each.
fn words(text: &str, rows: usize, width: usize) -> String {
    let mut list = String::with_capacity(rows * (width * 7 + 6));
    let mut place = 1;
    for row in 0..rows {
        list.push_str(if row == 0 { "($1" } else { ", ($1" });
        for _ in 0..width {
            place += 1;
            list.push_str(", $");
            list.push_str(&place.to_string());
        }
        list.push(')');
    }
    text.replace(ROWS, &list)
}

/// Statements for rows of one length, and what is bound to each.
pub(crate) fn for_rows(text: &str, first: &Value, rows: Vec<Vec<Value>>) -> Vec<(String, Vec<Value>)> {
    let width = rows.first().map_or(0, Vec::len);
    let mut left = rows.len();
    let mut rows = rows.into_iter();
    let mut made = Vec::new();
    while let Some(size) = SIZES.into_iter().find(|size| *size <= left) {
        left -= size;
        let mut bound = Vec::with_capacity(size * width + 1);
        bound.push(first.clone());
        bound.extend(rows.by_ref().take(size).flatten());
        made.push((words(text, size, width), bound));
    }
    made
}

/// The same for keys that rows are looked for by, each of which is asked for once. What is left over of a statement is NULL,
/// which is equal to nothing.
pub(crate) fn for_keys(text: &str, first: &Value, keys: &[Vec<Value>]) -> Vec<(String, Vec<Value>)> {
    let mut seen = HashSet::with_capacity(keys.len());
    let keys: Vec<&Vec<Value>> = keys.iter().filter(|key| seen.insert(*key)).collect();
    let statement = |some: &[&Vec<Value>]| {
        let (size, width) = (some.len().next_power_of_two(), some.first().map_or(0, |key| key.len()));
        let nothing = some.first().into_iter().flat_map(|key| key.iter().map(Value::null)).cycle();
        let mut bound = Vec::with_capacity(size * width + 1);
        bound.push(first.clone());
        bound.extend(some.iter().flat_map(|key| key.iter().cloned()).chain(nothing).take(size * width));
        (words(text, size, width), bound)
    };
    keys.chunks(SIZES[0]).map(statement).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
    use super::*;
    use crate::args;

    fn numbered(count: i64) -> Vec<Vec<Value>> {
        (0..count).map(|row| args![row, "x"]).collect()
    }

    fn numbers(made: &[(String, Vec<Value>)]) -> Vec<i64> {
        // Behind what is the same: a number and a text of each row.
        let bound = made.iter().flat_map(|(_, bound)| bound.iter().skip(1).step_by(2));
        bound.map(|value| if let Value::Int(Some(at)) = value { *at } else { -1 }).collect()
    }

    #[test]
    fn each_row_is_in_one_statement_and_begins_with_what_is_the_same() {
        let made = for_rows("INSERT INTO t VALUES {rows} RETURNING a", &Value::from(7_i64), numbered(43));
        let sizes: Vec<_> = made.iter().map(|(_, bound)| bound.len() / 2).collect();
        assert_eq!(sizes, [32, 8, 2, 1]);
        assert_eq!(made[3].0, "INSERT INTO t VALUES ($1, $2, $3) RETURNING a");
        assert!(made[1].0.contains("($1, $2, $3), ($1, $4, $5), "), "{}", made[1].0);
        assert_eq!(numbers(&made), (0..43).collect::<Vec<_>>());
    }

    #[test]
    fn keys_fill_statements_of_few_sizes_and_are_asked_for_once() {
        let mut keys = numbered(517);
        keys.extend(numbered(3));
        let text = "WITH asked (b, c) AS (VALUES {rows}) SELECT a FROM asked JOIN t USING (b, c)";
        let made = for_keys(text, &Value::from(7_i64), &keys);
        let sizes: Vec<_> = made.iter().map(|(_, bound)| bound.len() / 2).collect();
        assert_eq!(sizes, [512, 8]);
        assert_eq!(numbers(&made)[510..], [510, 511, 512, 513, 514, 515, 516, -1, -1, -1]);
    }

    #[test]
    fn no_rows_are_no_statement() {
        assert_eq!(for_rows("INSERT INTO t VALUES {rows}", &Value::from(7_i64), Vec::new()), []);
        assert_eq!(for_keys("WITH asked (b) AS (VALUES {rows}) SELECT a FROM asked", &Value::from(7_i64), &[]), []);
    }
}
