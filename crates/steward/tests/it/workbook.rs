//! What stands in a workbook, as somebody else reads it: Python, with what comes with it.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Reads the archive whole, checking its sums, and finds the first sheet as the format says: from the root by its relations, whose parts
/// must have a type each. Answers it row by row: of each cell where it stands, what kind it is (`n` a number, `inlineStr` a text), what it
/// holds, in which form a number is shown, and whether it is a formula.
const READER: &str = r#"
import io, json, posixpath, sys, zipfile
import xml.etree.ElementTree as tree

SHEET = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
RELATION = '{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id'
book = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert book.testzip() is None
types = tree.fromstring(book.read('[Content_Types].xml'))
typed = {one.get('PartName') or one.get('Extension') for one in types}
for part in book.namelist():
    assert '/' + part in typed or part.rsplit('.', 1)[1] in typed, part

def related(part, kind):
    folder, name = posixpath.split(part)
    relations = tree.fromstring(book.read(posixpath.join(folder, '_rels', name + '.rels')))
    [one] = [one for one in relations if one.get('Type').endswith('/' + kind)]
    return one.get('Id'), posixpath.join(folder, one.get('Target'))

_, workbook = related('', 'officeDocument')
relation, sheet = related(workbook, 'worksheet')
assert [one.get(RELATION) for one in tree.fromstring(book.read(workbook)).iter(SHEET + 'sheet')] == [relation]
styles = tree.fromstring(book.read(related(workbook, 'styles')[1]))
forms = {one.get('numFmtId'): one.get('formatCode') for one in styles.iter(SHEET + 'numFmt')}
looks = [forms.get(look.get('numFmtId')) for look in styles.find(SHEET + 'cellXfs')]

rows = []
for row in tree.fromstring(book.read(sheet)).iter(SHEET + 'row'):
    cells = []
    for cell in row.iter(SHEET + 'c'):
        kind, held = cell.get('t') or 'n', cell.find(SHEET + 'v')
        held = None if held is None else held.text
        cells.append({
            'at': cell.get('r'), 'kind': kind, 'shown': looks[int(cell.get('s') or 0)],
            'held': ''.join(part.text for part in cell.iter(SHEET + 't')) if kind == 'inlineStr' else held,
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
