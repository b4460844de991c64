//! This room's statements.

mod customer_keys;
mod readings;
mod sessions;
mod tokens;

pub(crate) use customer_keys::{
    NewKey, StoredKey, customer_key_by_kid, customer_key_count, customer_key_delete, customer_key_insert,
    customer_key_list, customer_key_refused, customer_key_stands, customer_key_used, customer_token_record,
};
pub(crate) use readings::{NewReading, reading_count, reading_insert, reading_known, reading_list, reading_told};
pub(crate) use sessions::{
    NewSession, session_any, session_drop, session_drop_signed, session_get, session_put, session_take,
};
pub(crate) use tokens::{
    NewToken, StoredToken, token_by_hash, token_by_id, token_counts, token_insert, token_list, token_name, token_named,
    token_revoke, token_used,
};
