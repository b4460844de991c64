//! Every bound that more than one room relies on, with its reason. A room's own bounds stand in its
//! `rules.rs` or beside the one place that needs them.

use std::time::Duration;

/// Atlassian's documented maximum for an account id.
pub const ACCOUNT_ID_CHARS: usize = 128;
/// Jira's numeric ids are 64-bit.
pub const HOST_ID_CHARS: usize = 20;
/// A request body of ours. Forge's front end sends at most 500 KB; twice that leaves room for scripts.
pub const BODY_BYTES: usize = 1_000_000;
/// Rows a page may ask for: one screen and a half, and never a table.
pub const PAGE_MAX: u32 = 100;
/// Rows a page has when the caller does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// How long a request may take: Forge gives up on a remote after 25 s.
pub const REQUEST_TIME: Duration = Duration::from_secs(24);
/// A sealed value's plaintext. Long text is bounded at 32,767 characters as Jira's own; JSON may
/// escape each as six bytes.
pub const SEALED_PLAIN_BYTES: usize = 256 * 1024;
