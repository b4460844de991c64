//! Values in and rows out, the same for both databases.

use kernel::{Fault, Result};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row as _, Sqlite, Type};
use uuid::Uuid;

/// A value bound to a placeholder. Each kind carries its type even when it is NULL, because
/// PostgreSQL asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// BIGINT.
    Int(Option<i64>),
    /// BOOLEAN.
    Bool(Option<bool>),
    /// TEXT.
    Text(Option<String>),
    /// BYTEA.
    Bytes(Option<Vec<u8>>),
    /// UUID.
    Uuid(Option<Uuid>),
}

impl Value {
    /// NULL, of the same type.
    pub(crate) fn null(&self) -> Self {
        match self {
            Self::Int(_) => Self::Int(None),
            Self::Bool(_) => Self::Bool(None),
            Self::Text(_) => Self::Text(None),
            Self::Bytes(_) => Self::Bytes(None),
            Self::Uuid(_) => Self::Uuid(None),
        }
    }
}

macro_rules! into_value {
    ($($from:ty => $kind:ident, $map:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                let map: fn($from) -> _ = $map;
                Self::$kind(Some(map(value)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                let map: fn($from) -> _ = $map;
                Self::$kind(value.map(map))
            }
        }
    )*};
}

into_value! {
    i64 => Int, |v| v;
    u32 => Int, i64::from;
    i32 => Int, i64::from;
    bool => Bool, |v| v;
    String => Text, |v| v;
    &str => Text, str::to_owned;
    &String => Text, String::clone;
    Vec<u8> => Bytes, |v| v;
    &[u8] => Bytes, <[u8]>::to_vec;
    Uuid => Uuid, |v| v;
    kernel::TenantId => Uuid, |v| v.0;
    &kernel::AccountId => Text, |v| v.as_str().to_owned();
    &kernel::OrganizationId => Text, |v| v.as_str().to_owned();
    jiff::Timestamp => Int, kernel::micros;
}

impl<T> From<kernel::Sealed<T>> for Value {
    fn from(sealed: kernel::Sealed<T>) -> Self {
        Self::Bytes(Some(sealed.into_bytes()))
    }
}

impl<T> From<Option<kernel::Sealed<T>>> for Value {
    fn from(sealed: Option<kernel::Sealed<T>>) -> Self {
        Self::Bytes(sealed.map(kernel::Sealed::into_bytes))
    }
}

/// Values for a statement's placeholders, from `$2` on in a scoped statement (`$1` is the tenant).
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}

/// One row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

fn wrong(column: &str, error: sqlx::Error) -> Fault {
    Fault::broken("store_column", format!("column {column}: {error}"))
}

impl Row {
    fn get<T>(&self, column: &str) -> Result<T>
    where
        T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| wrong(column, error))
    }

    /// BIGINT.
    pub fn int(&self, column: &str) -> Result<i64> {
        self.get(column)
    }

    /// BIGINT or NULL.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        self.get(column)
    }

    /// An instant.
    pub fn instant(&self, column: &str) -> Result<jiff::Timestamp> {
        Ok(kernel::from_micros(self.int(column)?))
    }

    /// An instant or NULL.
    pub fn opt_instant(&self, column: &str) -> Result<Option<jiff::Timestamp>> {
        Ok(self.opt_int(column)?.map(kernel::from_micros))
    }

    /// BOOLEAN.
    pub fn bool(&self, column: &str) -> Result<bool> {
        self.get(column)
    }

    /// BOOLEAN or NULL.
    pub fn opt_bool(&self, column: &str) -> Result<Option<bool>> {
        self.get(column)
    }

    /// TEXT.
    pub fn text(&self, column: &str) -> Result<String> {
        self.get(column)
    }

    /// TEXT or NULL.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>> {
        self.get(column)
    }

    /// BYTEA.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        self.get(column)
    }

    /// BYTEA or NULL.
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>> {
        self.get(column)
    }

    /// UUID.
    pub fn uuid(&self, column: &str) -> Result<Uuid> {
        self.get(column)
    }

    /// UUID or NULL.
    pub fn opt_uuid(&self, column: &str) -> Result<Option<Uuid>> {
        self.get(column)
    }

    /// A ciphertext.
    pub fn sealed<T>(&self, column: &str) -> Result<kernel::Sealed<T>> {
        Ok(kernel::Sealed::from_stored(self.bytes(column)?))
    }

    /// A ciphertext or NULL.
    pub fn opt_sealed<T>(&self, column: &str) -> Result<Option<kernel::Sealed<T>>> {
        Ok(self.opt_bytes(column)?.map(kernel::Sealed::from_stored))
    }
}
