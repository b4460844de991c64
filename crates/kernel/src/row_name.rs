//! The name of a row inside a ciphertext's associated data.

use uuid::Uuid;

/// The values of a table's `row` columns, in that order, each with its length before it, so that no
/// two rows share a name. Used by the room that writes the row, and by re-sealing, which reads the
/// same columns back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowName(Vec<u8>);

impl RowName {
    /// No column yet.
    pub fn new() -> Self {
        // A tenant, an account and an id, with their lengths.
        Self(Vec::with_capacity(96))
    }

    /// The next column is bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// The next column is text.
    #[must_use]
    pub fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// The next column is one of our ids.
    #[must_use]
    pub fn uuid(self, value: Uuid) -> Self {
        self.bytes(value.as_bytes())
    }

    /// The next column is an integer.
    #[must_use]
    pub fn int(self, value: i64) -> Self {
        self.bytes(&value.to_be_bytes())
    }

    /// The encoded name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
