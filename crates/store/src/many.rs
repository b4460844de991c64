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

/// How a database marks what is bound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    /// `$1` in each row, and numbers for the rest: what is the same is bound once.
    Numbered,
    /// `?`, bound one after the other. Whatever has a number has a name in SQLite, which looks for it in a list each time that it
    /// is bound: with thousands of them that takes longer than all else.
    Counted,
}

impl Marks {
    /// The words for `rows` rows of `width` columns besides the first, which is the same in each.
    fn words(self, text: &str, rows: usize, width: usize) -> String {
        let mut list = String::with_capacity(rows * (width * 7 + 6));
        let mut place = 1;
        for row in 0..rows {
            list.push_str(if row == 0 { "(" } else { ", (" });
            list.push_str(if self == Self::Numbered { "$1" } else { "?" });
            for _ in 0..width {
                place += 1;
                match self {
                    Self::Numbered => list.extend([", $", &place.to_string()]),
                    Self::Counted => list.push_str(", ?"),
                }
            }
            list.push(')');
        }
        text.replace(ROWS, &list)
    }

    /// What is bound to these rows, each without what is the same in all. Wherever else a statement says `$1`, it means the first.
    fn bound(self, first: &Value, rows: usize, width: usize, values: impl Iterator<Item = Value>) -> Vec<Value> {
        let mut bound = Vec::with_capacity(rows * (width + 1) + 1);
        if self == Self::Numbered {
            bound.push(first.clone());
            bound.extend(values);
            return bound;
        }
        for (place, value) in values.enumerate() {
            if place % width == 0 {
                bound.push(first.clone());
            }
            bound.push(value);
        }
        bound
    }

    /// Statements for rows of one length, and what is bound to each.
    pub(crate) fn for_rows(self, text: &str, first: &Value, rows: Vec<Vec<Value>>) -> Vec<(String, Vec<Value>)> {
        let width = rows.first().map_or(0, Vec::len);
        let mut left = rows.len();
        let mut rows = rows.into_iter();
        let mut made = Vec::new();
        while let Some(size) = SIZES.into_iter().find(|size| *size <= left) {
            left -= size;
            let values = rows.by_ref().take(size).flatten();
            made.push((self.words(text, size, width), self.bound(first, size, width, values)));
        }
        made
    }

    /// The same for keys that rows are looked for by, each of which is asked for once. What is left over of a statement is NULL,
    /// which is equal to nothing.
    pub(crate) fn for_keys(self, text: &str, first: &Value, keys: &[Vec<Value>]) -> Vec<(String, Vec<Value>)> {
        let mut seen = HashSet::with_capacity(keys.len());
        let keys: Vec<&Vec<Value>> = keys.iter().filter(|key| seen.insert(*key)).collect();
        let statement = |some: &[&Vec<Value>]| {
            let (size, width) = (some.len().next_power_of_two(), some.first().map_or(0, |key| key.len()));
            let nothing = some.first().into_iter().flat_map(|key| key.iter().map(Value::null)).cycle();
            let values = some.iter().flat_map(|key| key.iter().cloned()).chain(nothing).take(size * width);
            (self.words(text, size, width), self.bound(first, size, width, values))
        };
        keys.chunks(SIZES[0]).map(statement).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
    use super::*;
    use crate::args;

    fn numbered(count: i64) -> Vec<Vec<Value>> {
        (0..count).map(|row| args![row, "x"]).collect()
    }

    /// How many rows each statement has, and the number of each row.
    fn numbers(marks: Marks, made: &[(String, Vec<Value>)]) -> (Vec<usize>, Vec<i64>) {
        let number = |value: &Value| if let Value::Int(Some(at)) = value { *at } else { -1 };
        // What is the same, a number and a text: of each row, or of all and then of each row.
        let (begins, width) = if marks == Marks::Numbered { (1, 2) } else { (0, 3) };
        let rows = made.iter().map(|(_, bound)| &bound[begins..]);
        let sizes = rows.clone().map(|rows| rows.len() / width).collect();
        (sizes, rows.flat_map(|rows| rows.chunks(width)).map(|row| number(&row[width - 2])).collect())
    }

    #[test]
    fn each_row_is_in_one_statement_and_begins_with_what_is_the_same() {
        for (marks, one, two) in [
            (Marks::Numbered, "($1, $2, $3)", "($1, $2, $3), ($1, $4, $5)"),
            (Marks::Counted, "(?, ?, ?)", "(?, ?, ?), (?, ?, ?)"),
        ] {
            let text = "INSERT INTO t VALUES {rows} RETURNING a";
            let made = marks.for_rows(text, &Value::from(7_i64), numbered(43));
            assert_eq!(numbers(marks, &made), (vec![32, 8, 2, 1], (0..43).collect::<Vec<_>>()));
            assert_eq!(made[3].0, text.replace(ROWS, one));
            assert_eq!(made[2].0, text.replace(ROWS, two));
            let same = made[2].1.iter().filter(|value| **value == Value::from(7_i64)).count();
            assert_eq!(same, if marks == Marks::Numbered { 1 } else { 2 });
        }
    }

    #[test]
    fn keys_fill_statements_of_few_sizes_and_are_asked_for_once() {
        let mut keys = numbered(517);
        keys.extend(numbered(3));
        let text = "WITH asked (a, b, c) AS (VALUES {rows}) SELECT d FROM asked CROSS JOIN t WHERE asked.a = $1";
        for marks in [Marks::Numbered, Marks::Counted] {
            let (sizes, numbers) = numbers(marks, &marks.for_keys(text, &Value::from(7_i64), &keys));
            assert_eq!(sizes, [512, 8]);
            assert_eq!(numbers[510..], [510, 511, 512, 513, 514, 515, 516, -1, -1, -1]);
        }
    }

    #[test]
    fn no_rows_are_no_statement() {
        for marks in [Marks::Numbered, Marks::Counted] {
            assert_eq!(marks.for_rows("INSERT INTO t VALUES {rows}", &Value::from(7_i64), Vec::new()), []);
            assert_eq!(marks.for_keys("WITH a (b) AS (VALUES {rows}) SELECT b FROM a", &Value::from(7_i64), &[]), []);
        }
    }
}
