//! How much is taken at once of what a site can have very much of. Of an import the operator decides; of the rest a server has
//! what [`Limits::default`] says, and only tests have less, because a million rows tell nothing that four do not.

/// The bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an imported file.
    pub import_bytes: u64,
    /// People whom the dry run of an import looks for in Jira.
    pub import_look_ups: usize,
    /// Rows of an imported file; a larger one is imported in parts.
    pub import_rows: i64,
    /// Records of one export. Their places in the order are held while it is made; a larger site exports in parts.
    pub export_rows: usize,
    /// Records of one bulk action: what a preview can still be read of, and a site of this size changes at once.
    pub bulk_records: usize,
    /// Addresses and telephone numbers in own fields that duplicates are looked for by: some for each of a hundred thousand.
    pub duplicate_values: usize,
    /// Records that are looked at one by one for one page of a list, at least one; what is not found among them is the next page's.
    pub looked_at: usize,
    /// Records of which the histories are read to put those that match in order.
    pub ordered_by_history: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            import_bytes: 1 << 30,
            import_look_ups: 10_000,
            import_rows: 1_000_000,
            export_rows: 200_000,
            bulk_records: 100_000,
            duplicate_values: 400_000,
            looked_at: 2_000,
            ordered_by_history: 20_000,
        }
    }
}
