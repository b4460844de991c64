//! What stands in a workbook, as somebody else reads it: Python, with what comes with it.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Reads the archive whole, checking its sums, and answers the first sheet row by row: of each cell where it stands, what kind it is (`n`
/// a number, `s` a text), what it holds, and whether it is a formula.
const READER: &str = r#"
import io, json, sys, zipfile
import xml.etree.ElementTree as tree

SHEET = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
book = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert book.testzip() is None

def text(of):
    return ''.join(part.text or '' for part in of.iter(SHEET + 't'))

shared = [text(one) for one in tree.fromstring(book.read('xl/sharedStrings.xml'))]
rows = []
for row in tree.fromstring(book.read('xl/worksheets/sheet1.xml')).iter(SHEET + 'row'):
    cells = []
    for cell in row.iter(SHEET + 'c'):
        kind, held = cell.get('t') or 'n', cell.find(SHEET + 'v')
        held = None if held is None else held.text
        cells.append({
            'at': cell.get('r'), 'kind': kind, 'held': shared[int(held)] if kind == 's' else held,
            'formula': cell.find(SHEET + 'f') is not None,
        })
    rows.append(cells)
print(json.dumps(rows))
"#;

/// The rows of a workbook's first sheet; none where there is no Python.
pub(crate) fn rows(workbook: &[u8]) -> Option<Vec<Vec<Value>>> {
    if Command::new("python3").arg("--version").output().is_err() {
        let missing = "SKIPPED: nobody else reads a workbook of ours: python3 is missing";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut reader = command.spawn().unwrap();
    reader.stdin.take().unwrap().write_all(workbook).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
