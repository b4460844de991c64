//! This room's statements.

mod readings;
mod sessions;
mod tokens;

pub(crate) use readings::{
    NewReading, SUBJECTS, reading_count, reading_insert, reading_known, reading_list, reading_told,
};
pub(crate) use sessions::{NewSession, session_any, session_drop, session_get, session_put, session_take};
pub(crate) use tokens::{
    NewToken, StoredToken, token_by_hash, token_by_id, token_counts, token_insert, token_list, token_name, token_named,
    token_revoke, token_used,
};
