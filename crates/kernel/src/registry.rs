//! The registry: every table, every column, and the one data class of each.
//!
//! A room describes its tables here as data; `store` makes both databases' schemas from it, and a
//! [`Column`] cannot be written without its [`DataClass`], so a column without one does not compile.
//! docs/data.md, the retention sweep, re-sealing and erasure all read the same description.

use std::collections::BTreeMap;

/// Who may ever see data of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// No person: the program alone.
    Nobody,
    /// The tenant's people, as each feature's permissions say.
    Tenant,
    /// The tenant's people, and the person whom it is about.
    TenantAndSubject,
    /// Operators of the server too.
    Operators,
}

/// When data of a class goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// As long as the tenant is one, and 30 days after at most.
    Tenancy,
    /// So many days after the row was written, whatever happens.
    Days(u16),
    /// So many minutes after the row was written.
    Minutes(u16),
    /// As long as the server stands (migrations, schedules).
    Server,
}

/// What a data subject's or tenant's export carries of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Never leaves.
    Never,
    /// In the tenant's export.
    Tenant,
    /// In the tenant's export, and in the person's own.
    TenantAndSubject,
}

/// What a column holds, why, for whom, until when, where, and who gets a copy.
#[derive(Debug, PartialEq, Eq)]
pub struct DataClass {
    /// Stable name, kebab-case.
    pub name: &'static str,
    /// What it is and what it is kept for, in a sentence.
    pub purpose: &'static str,
    /// Who may see it.
    pub audience: Audience,
    /// When it goes.
    pub retention: Retention,
    /// True: stays in the tenant's region. False: names no tenant's data at all.
    pub regional: bool,
    /// Who gets a copy.
    pub export: Export,
}

/// The host's opaque ids and ours. May lie in the clear (K-01).
pub static OPAQUE_ID: DataClass = DataClass {
    name: "opaque-id",
    purpose: "Ids that the host or Steward made up (tenant, account, issue, organization, field): they join rows and say nothing by themselves.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

/// When something happened. May lie in the clear (K-01).
pub static INSTANT: DataClass = DataClass {
    name: "instant",
    purpose: "When a row was made, changed or is due.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

/// Counters, positions, versions, states and codes from closed sets of our own.
pub static STATE: DataClass = DataClass {
    name: "state",
    purpose: "Versions, positions, counters and codes from Steward's own closed sets.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Tenant,
};

/// Which family of keys a sealed column lies under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyClass {
    /// What people made: definitions, values.
    Data,
    /// What opens Jira or another service.
    Credential,
    /// Names and addresses that come from the host; keys of the week.
    Names,
    /// Keyed hashes and pseudonyms. Seals nothing and opens nothing, so it is not rotated: a hash must stay what it
    /// was to be found again. It goes with the tenant, and a person's part of it with the person.
    Index,
}

impl KeyClass {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Data, Self::Credential, Self::Names, Self::Index];

    /// Stable name, part of each ciphertext's associated data.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Credential => "credential",
            Self::Names => "names",
            Self::Index => "index",
        }
    }

    /// Stable number, in each ciphertext's header.
    pub fn code(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::Credential => 2,
            Self::Names => 3,
            Self::Index => 4,
        }
    }

    /// The class of a header's number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.code() == code)
    }
}

/// The types that both databases share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// 64-bit integer; instants too, in Unix microseconds.
    Int,
    /// Truth.
    Bool,
    /// UTF-8 text from a closed set, or an opaque id of the host.
    Text,
    /// Bytes: hashes, wrapped keys, sealed values.
    Bytes,
    /// One of our ids.
    Uuid,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The table it stands in.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnKind,
    /// Whether it may be NULL.
    pub null: bool,
    /// Its data class.
    pub class: &'static DataClass,
    /// Under which keys it is sealed, if it is.
    pub sealed: Option<KeyClass>,
    /// Whether it names an object outside the database: an object that no such column names any more goes.
    pub object: bool,
}

impl Column {
    /// A column that is never NULL.
    pub const fn new(table: &'static str, name: &'static str, kind: ColumnKind, class: &'static DataClass) -> Self {
        Self { table, name, kind, null: false, class, sealed: None, object: false }
    }

    /// A column that names an object, whose class is the column's.
    pub const fn object(table: &'static str, name: &'static str, class: &'static DataClass) -> Self {
        Self { object: true, ..Self::new(table, name, ColumnKind::Uuid, class) }
    }

    /// The same, NULL allowed.
    pub const fn or_null(mut self) -> Self {
        self.null = true;
        self
    }
}

/// A column of ciphertexts.
pub const fn sealed_column(
    table: &'static str,
    name: &'static str,
    keys: KeyClass,
    class: &'static DataClass,
) -> Column {
    Column { table, name, kind: ColumnKind::Bytes, null: false, class, sealed: Some(keys), object: false }
}

/// Whose rows a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's a row: the first column is `tenant`, reached only through `Scoped`, and in
    /// PostgreSQL behind row-level security.
    Tenant,
    /// The server's own; the few statements that reach it are on a named list.
    Server,
}

/// One table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Whose rows.
    pub scope: Scope,
    /// Its columns.
    pub columns: &'static [Column],
    /// The primary key; starts with `tenant` where the scope is a tenant's.
    pub primary_key: &'static [&'static str],
    /// Further unique keys; likewise.
    pub unique: &'static [&'static [&'static str]],
    /// Plain indexes.
    pub indexes: &'static [&'static [&'static str]],
    /// The column that names whose personal data the row is, if it is somebody's.
    pub subject: Option<&'static str>,
    /// The columns that, joined in this order, name the row in each ciphertext's associated data.
    pub row: &'static [&'static str],
    /// The instant that [`Retention::Days`] and [`Retention::Minutes`] count from.
    pub written_at: Option<&'static str>,
}

/// One step of a migration. Migrations expand first; contracting waits for a later release.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Makes a table.
    Create(&'static Table),
    /// Adds a column to a table that exists; the description of the table already lists it. It may be
    /// NULL: rows that exist have nothing to put there.
    Add(&'static Column),
}

/// A numbered set of steps of one room.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1, 2, 3 … within the room.
    pub version: u32,
    /// What it does.
    pub steps: &'static [Step],
}

/// One room's tables and how they came to be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The crate's name.
    pub name: &'static str,
    /// Its tables as they are now.
    pub tables: &'static [&'static Table],
    /// How they came to be.
    pub migrations: &'static [Migration],
}

/// All rooms of one database.
#[derive(Clone, Debug)]
pub struct Registry {
    rooms: Vec<Room>,
    files: Vec<&'static Column>,
}

impl Registry {
    /// Puts rooms together, in the order in which their migrations run.
    pub fn new(rooms: Vec<Room>) -> Self {
        Self { rooms, files: Vec::new() }
    }

    /// The same with what lies in files, each kind described by a column that no table has.
    #[must_use]
    pub fn with_files(mut self, files: &[&'static Column]) -> Self {
        self.files.extend(files);
        self
    }

    /// The rooms.
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }

    /// Every table.
    pub fn tables(&self) -> impl Iterator<Item = &'static Table> + '_ {
        self.rooms.iter().flat_map(|room| room.tables.iter().copied())
    }

    /// Every sealed column with its table.
    pub fn sealed(&self) -> impl Iterator<Item = (&'static Table, &'static Column, KeyClass)> + '_ {
        self.tables().flat_map(|table| {
            table.columns.iter().filter_map(move |column| column.sealed.map(|keys| (table, column, keys)))
        })
    }

    /// Every column that names objects, with its table.
    pub fn objects(&self) -> impl Iterator<Item = (&'static Table, &'static Column)> + '_ {
        self.tables()
            .flat_map(|table| table.columns.iter().filter(|column| column.object).map(move |column| (table, column)))
    }

    /// Every class, by name, with the columns that are of it.
    pub fn classes(&self) -> BTreeMap<&'static str, (&'static DataClass, Vec<&'static Column>)> {
        let mut classes = BTreeMap::new();
        for column in self.tables().flat_map(|table| table.columns).chain(self.files.iter().copied()) {
            classes.entry(column.class.name).or_insert_with(|| (column.class, Vec::new())).1.push(column);
        }
        classes
    }

    /// What is wrong with the description itself: each line names the table and the mistake.
    pub fn mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut names = BTreeMap::new();
        for table in self.tables() {
            if names.insert(table.name, ()).is_some() {
                found.push(format!("{}: described twice", table.name));
            }
            let has = |name: &str| table.columns.iter().any(|column| column.name == name);
            let tenant_first = |key: &[&str]| key.first() == Some(&"tenant");
            if table.scope == Scope::Tenant {
                if table.columns.first().map(|column| column.name) != Some("tenant") {
                    found.push(format!("{}: the first column is not `tenant`", table.name));
                }
                if !tenant_first(table.primary_key) || !table.unique.iter().all(|key| tenant_first(key)) {
                    found.push(format!("{}: a key does not start with `tenant`", table.name));
                }
            }
            let named = table
                .primary_key
                .iter()
                .chain(table.unique.iter().copied().flatten())
                .chain(table.indexes.iter().copied().flatten())
                .chain(table.row)
                .chain(table.subject.iter())
                .chain(table.written_at.iter());
            for name in named {
                if !has(name) {
                    found.push(format!("{}: names `{name}`, which it does not have", table.name));
                }
            }
            for column in table.columns {
                if column.table != table.name {
                    found.push(format!("{}.{}: says it is of {}", table.name, column.name, column.table));
                }
                if column.sealed.is_some() && (column.kind != ColumnKind::Bytes || table.row.is_empty()) {
                    found.push(format!("{}.{}: sealed, but no bytes or no row name", table.name, column.name));
                }
                let indexed = table.indexes.iter().any(|index| *index == ["tenant", column.name]);
                if column.object && (table.scope != Scope::Tenant || !indexed) {
                    found.push(format!("{}.{}: names objects, but no index finds them", table.name, column.name));
                }
                let timed = matches!(column.class.retention, Retention::Days(_) | Retention::Minutes(_));
                if timed && table.written_at.is_none() {
                    found.push(format!("{}.{}: goes by age, but the table has no instant", table.name, column.name));
                }
            }
        }
        found
    }
}

/// Describes a table: `table!(NAME, "name", Tenant, [columns…], key ["tenant", …], unique [&[…]], index [&[…]],
/// row [columns that name the row], subject "column", written "column")`; what follows `key` may be left out.
#[macro_export]
macro_rules! table {
    ($name:ident, $text:literal, $scope:ident, [$($column:expr),* $(,)?], key $key:expr $(, unique $unique:expr)? $(, index $index:expr)? $(, row $row:expr)? $(, subject $subject:literal)? $(, written $written:literal)?) => {
        pub(crate) static $name: $crate::Table = $crate::Table {
            name: $text,
            scope: $crate::Scope::$scope,
            columns: &[$($column),*],
            primary_key: &$key,
            unique: $crate::table!(@list $($unique)?),
            indexes: $crate::table!(@list $($index)?),
            subject: $crate::table!(@opt $($subject)?),
            row: $crate::table!(@list $($row)?),
            written_at: $crate::table!(@opt $($written)?),
        };
    };
    (@list) => { &[] };
    (@list $list:expr) => { &$list };
    (@opt) => { None };
    (@opt $name:literal) => { Some($name) };
}
