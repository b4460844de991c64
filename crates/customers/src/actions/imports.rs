//! Imports: a file arrives in parts, is staged sealed, read by a dry run, and carried out as its report said. Only
//! administrators begin one, or an API token with the scope for it. The long work is a job's: `check`, `run`, `undo`.

pub(crate) mod check;
pub(crate) mod kept;
pub(crate) mod made;
pub(crate) mod making;
pub(crate) mod report;
pub(crate) mod seeking;
mod upload;
pub(crate) mod who;

use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, Fault, FieldFault, KeyClass, Result, TokenScope};
use store::changes;
use uuid::Uuid;
use vault::{Place, Subject};

use crate::Room;
use crate::actions::access;
use crate::actions::batches::{
    self, OpenBatch, Wish, carry_on, name_place, note, open, plan_place, save, staged, wrong_state,
};
use crate::actions::fields::{self, OpenField};
use crate::imports::mapping::{self, Known, Settings};
use crate::imports::text::{self, Delimiter, Dialect, Encoding, RawRow};
use crate::model::{Author, Counts, Entity, Import, ImportId, ImportPlan, ImportState};
use crate::schema;
use crate::sql::{self, SealedImport};

pub(crate) use upload::put_part;

/// Imports of one site that are not at their end. Each may hold a file of the greatest size.
const UNFINISHED: i64 = 5;
/// One that nothing happened to for so long has lost its file.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Characters of a file's name.
const NAME_CHARS: usize = 255;
/// Rows shown before anything is decided.
const PREVIEW_ROWS: usize = 10;
/// Characters of a cell shown there.
const PREVIEW_CHARS: usize = 200;

/// The beginning of a file, as it would be read.
pub(crate) struct Preview {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: Delimiter,
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<RawRow>,
    /// What its columns seem to be.
    pub(crate) suggested: Settings,
    /// Whether that is how a file with these headers was read before.
    pub(crate) remembered: bool,
}

/// Refuses whoever does not administer Jira, and tokens without the scope. Asked first: to them no import is there.
pub(crate) fn require(cx: &Cx) -> Result<()> {
    match cx.token() {
        Some(token) if token.may(TokenScope::ImportsWrite) => Ok(()),
        Some(_) => Err(Fault::refused("The API token's scopes do not allow this.")),
        None if cx.standing().admin => Ok(()),
        None => Err(Fault::refused("Only administrators of Jira import files.")),
    }
}

async fn find(cx: &Cx, room: &Room, id: ImportId) -> Result<SealedImport> {
    let found = sql::import_get(&mut room.shared.store.read(cx).await?, id).await?;
    found.filter(|import| import.field.is_none() && import.act.is_none()).ok_or_else(Fault::not_found)
}

/// One import.
pub(crate) async fn read_import(cx: &Cx, room: &Room, id: ImportId) -> Result<OpenBatch> {
    require(cx)?;
    open(&access::tenant_keys(cx, room).await?, find(cx, room, id).await?)
}

/// Imports, newest first, and where to go on.
pub(crate) async fn list_imports(
    cx: &Cx,
    room: &Room,
    before: Option<ImportId>,
    limit: u32,
) -> Result<(Vec<OpenBatch>, Option<ImportId>)> {
    require(cx)?;
    let before = before.map_or(Uuid::max(), |id| id.0);
    let mut page = sql::import_list(&mut room.shared.store.read(cx).await?, before, limit + 1).await?;
    let more = page.len() > limit as usize;
    page.truncate(limit as usize);
    let next = if more { page.last().map(|import| import.id) } else { None };
    let keys = access::tenant_keys(cx, room).await?;
    Ok((page.into_iter().map(|import| open(&keys, import)).collect::<Result<_>>()?, next))
}

/// Begins an import: its file comes next, in parts.
pub(crate) async fn begin_import(cx: &Cx, room: &Room, entity: Entity, name: &str) -> Result<OpenBatch> {
    require(cx)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/fileName".to_owned(),
            code: "format",
            detail: format!("A file's name has 1 to {NAME_CHARS} characters on one line."),
            limit: Some(NAME_CHARS as u64),
        }]));
    }
    let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody imports files."))?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let id = ImportId::fresh();
    let sealed = keys.seal(&name_place(id), &name.to_owned())?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "import", &id.to_string()).await?;
    let since = cx.now().checked_sub(FORGOTTEN).unwrap_or(Timestamp::MIN);
    if sql::import_unfinished(&mut scoped, since).await? >= UNFINISHED {
        let text = format!("{UNFINISHED} imports are not at their end. Finish or cancel one.");
        return Err(Fault::invalid("too_many", text));
    }
    let import = Import {
        id,
        entity,
        field: None,
        act: None,
        state: ImportState::Uploading,
        reason: None,
        author,
        parts: 0,
        bytes: 0,
        utf8: true,
        cursor: 0,
        pages: 0,
        counts: Counts::default(),
        written: 0,
        returned: 0,
        kept: 0,
        people: 0,
        takes_access: false,
        version,
        created_at: cx.now(),
        updated_at: cx.now(),
        name: sealed,
        plan: None,
    };
    sql::import_insert(&mut scoped, import).await?;
    note(&mut scoped, cx, "customers.import_begun", actor, &format!("{} {id}", entity.name())).await?;
    scoped.commit().await?;
    read_import(cx, room, id).await
}

/// The fields of an entity, as mapping needs them.
fn known(fields: &[OpenField], entity: Entity) -> Vec<Known<'_>> {
    let of_entity = fields.iter().filter(|field| field.entity == entity);
    of_entity.map(|field| Known { id: field.id, name: &field.body.peek().name, retired: field.retired }).collect()
}

/// A keyed hash of the headers: files of one source are known by it again.
async fn source_of(cx: &Cx, room: &Room, entity: Entity, headers: &[String]) -> Result<[u8; 32]> {
    let keys = room.shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    let text =
        serde_json::to_vec(&(entity.name(), headers)).map_err(|error| Fault::broken("customers_import", error))?;
    keys.hash("import headers", &text)
}

fn mapping_place(source: &[u8]) -> Place {
    Place::new(&schema::IMPORT_MAPPING_BODY, sql::import_mapping_row(source))
}

/// What the file is and its header, as far as nobody says otherwise.
async fn header(
    cx: &Cx,
    room: &Room,
    import: &SealedImport,
    encoding: Option<Encoding>,
    delimiter: Option<Delimiter>,
) -> Result<(Dialect, Vec<RawRow>)> {
    let keys = access::tenant_keys(cx, room).await?;
    let head = staged::head(cx, room, &keys, import.id).await?;
    let dialect = text::detect(&head, import.utf8, encoding, delimiter);
    Ok((dialect, text::first_rows(&head, dialect, PREVIEW_ROWS + 1)))
}

fn no_header(code: &'static str, detail: &'static str) -> Fault {
    Fault::invalid_field("/file", code, detail)
}

fn headers_of(rows: &mut Vec<RawRow>) -> Result<Vec<String>> {
    if rows.is_empty() {
        return Err(no_header("empty", "The file holds no row, not even a header. Was it saved, and sent whole?"));
    }
    let first = rows.remove(0);
    first.cells.map_err(|_| {
        let detail = "The first row is no header that can be read. Choose another encoding or separator.";
        no_header("header", detail)
    })
}

/// The beginning of the file, as it would be read, and what its columns seem to be.
pub(crate) async fn preview(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    encoding: Option<Encoding>,
    delimiter: Option<Delimiter>,
) -> Result<Preview> {
    require(cx)?;
    let import = find(cx, room, id).await?;
    let (dialect, mut rows) = header(cx, room, &import, encoding, delimiter).await?;
    let headers = headers_of(&mut rows)?;
    for cell in rows.iter_mut().filter_map(|row| row.cells.as_mut().ok()).flatten() {
        if let Some((end, _)) = cell.char_indices().nth(PREVIEW_CHARS) {
            cell.truncate(end);
            cell.push('…');
        }
    }
    let fields = fields::all(cx, room).await?;
    let source = source_of(cx, room, import.entity, &headers).await?;
    let before = sql::import_mapping_get(&mut room.shared.store.read(cx).await?, &source).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let before = before.map(|sealed| keys.open(&mapping_place(&source), &sealed)).transpose()?;
    let known = known(&fields, import.entity);
    // A field that is gone since makes the memory worthless.
    let before = before
        .map(|open| open.peek().clone())
        .filter(|settings| mapping::check(settings, headers.len(), import.entity, &known).is_ok());
    let remembered = before.is_some();
    let suggested = before.unwrap_or_else(|| Settings {
        columns: mapping::guess(&headers, import.entity, &known),
        ..Settings::default()
    });
    Ok(Preview { encoding: dialect.encoding, delimiter: dialect.delimiter, headers, rows, suggested, remembered })
}

/// Begins the dry run, with these settings.
pub(crate) async fn start_check(cx: &Cx, room: &Room, id: ImportId, settings: Settings) -> Result<OpenBatch> {
    require(cx)?;
    let seen = find(cx, room, id).await?;
    let (dialect, mut rows) = header(cx, room, &seen, settings.encoding, settings.delimiter).await?;
    let headers = headers_of(&mut rows)?;
    if rows.is_empty() {
        return Err(no_header("no_rows", "The file has a header and no row below it."));
    }
    let fields = fields::all(cx, room).await?;
    let known = known(&fields, seen.entity);
    let mapping = mapping::check(&settings, headers.len(), seen.entity, &known).map_err(Fault::invalid_fields)?;
    if let Some(places) = &mapping.make {
        making::may(cx, room, places).await?;
    }
    let settings = Settings { encoding: Some(dialect.encoding), delimiter: Some(dialect.delimiter), ..settings };
    let keys = access::tenant_keys(cx, room).await?;
    let source = source_of(cx, room, seen.entity, &headers).await?;
    // Whom Jira makes is said each time: a file that looks like another is no reason.
    let remember = Settings { make_customers: None, ..settings.clone() };
    let remember = keys.seal(&mapping_place(&source), &remember)?;
    let mapped = fields.iter().filter(|field| settings.columns.contains(&Some(field.id.to_string())));
    let fields = mapped.map(|field| (field.id.0, field.version)).collect();
    let plan = ImportPlan { fields, settings, headers, turn: None, act: None };
    let plan = keys.seal(&plan_place(id), &plan)?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let mut import = sql::import_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let may = [ImportState::Uploading, ImportState::Checking, ImportState::Checked, ImportState::Paused];
    if !may.contains(&import.state) {
        return Err(wrong_state(&import, "a dry run comes before the run."));
    }
    if import.parts != seen.parts {
        return Err(Fault::conflict("More of the file arrived at the same moment. Look at it again."));
    }
    sql::import_page_drop(&mut scoped, id, 0, i64::MAX).await?;
    sql::import_owner_drop(&mut scoped, id).await?;
    sql::import_made_forget(&mut scoped, id).await?;
    sql::import_mapping_put(&mut scoped, &source, remember, cx.now()).await?;
    import.state = ImportState::Checking;
    import.reason = None;
    import.plan = Some(plan);
    (import.cursor, import.pages, import.counts) = (0, 0, Counts::default());
    carry_on(&mut scoped, cx, id, import.version).await?;
    save(&mut scoped, cx, import).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    read_import(cx, room, id).await
}

/// Moves an import on. Undoing takes away the access of those whom Jira made for it, if it is said.
pub(crate) async fn move_import(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    wish: Wish,
    takes_access: bool,
) -> Result<OpenBatch> {
    let import = read_import(cx, room, id).await?;
    let places = import.plan.as_ref().map(|plan| making::places_of(plan.peek())).transpose()?.flatten();
    match (wish, &places) {
        (Wish::Run, Some(places)) => making::may(cx, room, places).await?,
        (Wish::Undo, Some(places)) if takes_access => made::may_take(cx, room, places).await?,
        (Wish::Undo, None) if takes_access => return Err(made::nothing_to_take()),
        _ => {}
    }
    batches::advance(cx, room, id, wish, takes_access).await
}
