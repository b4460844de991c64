//! The hooks by which Forge has a site's data moved to another region: who calls them, and what is said. Whoever moves the data is `trust`.
//!
//! They come from a service of Atlassian's of its own, while the site itself is down, with an invocation token like any other call. Unlike
//! others they are heard for a tenant that moved, or is gone, because they may be repeated; none makes a tenant. Start at
//! [`Inbound::verify_move`].

use jiff::Timestamp;
use kernel::{Cx, Fault, FieldFault, Result, TenantId};
use serde::Deserialize;
use serde_json::Value;
use store::tenants::{self, Mode, State};

use crate::forge::token::{self, Invocation, Refusal};
use crate::install::{ForgeHeaders, Inbound, use_up};
use crate::sites::{SiteText, gone};

/// The codes that Forge knows for what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveCode {
    /// The migration was not scheduled.
    NotScheduled,
    /// The region is not supported, or by another version than this one.
    Region,
    /// Migrations are not supported.
    Unsupported,
    /// Too many at once.
    TooMany,
    /// Anything else.
    Failed,
}

impl MoveCode {
    /// As Forge writes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotScheduled => "E0001",
            Self::Region => "E0002",
            Self::Unsupported => "E0003",
            Self::TooMany => "E0004",
            Self::Failed => "E9999",
        }
    }
}

/// A call of a hook, proven.
pub struct MoveHook {
    /// Whose.
    pub tenant: TenantId,
    /// The host's name of the installation.
    pub installation: String,
    /// How the site is joined.
    pub mode: Mode,
    /// Whether it is served here.
    pub state: State,
    invocation: Invocation,
}

/// Which migration a hook is about, and what it says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The host's number.
    pub migration: String,
    /// The region to move to; of a schedule and a start.
    pub location: Option<String>,
    /// From when; likewise.
    pub starts_at: Option<Timestamp>,
    /// Until when; likewise.
    pub ends_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    migration_id: Option<Value>,
    location: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
}

/// Digits of the host's number; its own are five.
const MIGRATION_CHARS: usize = 64;
const LOCATION_CHARS: usize = 32;

impl Inbound {
    /// Proves that Forge calls a hook, and for which tenant.
    ///
    /// # Errors
    /// `refused` for a page's token; `Unauthenticated` with `token_missing`, `token_invalid`, `token_expired`, `tenant_gone` for an installation that never was here;
    /// `Busy` with `token_keys_unavailable`.
    pub async fn verify_move(&self, headers: &ForgeHeaders<'_>) -> Result<MoveHook> {
        let parts = &self.0;
        let bearer = token::bearer(headers.authorization).map_err(Refusal::fault)?;
        let kid = token::key_id(bearer).map_err(Refusal::fault)?;
        let key = parts.keys.key(&kid).await?;
        let invocation = token::verify(bearer, &key, &parts.rules, parts.clock.now()).map_err(Refusal::fault)?;
        invocation.not_of_a_page()?;
        let row = tenants::by_installation::<SiteText>(&parts.store, &invocation.installation).await?;
        let row = row.ok_or_else(gone)?;
        Ok(MoveHook { tenant: row.id, installation: row.installation, mode: row.mode, state: row.state, invocation })
    }

    /// Uses the token of a hook up. Where nothing is served any more nothing is written either: a hook that is heard twice there does what it did.
    ///
    /// # Errors
    /// `token_replayed` (Unauthenticated).
    pub async fn settle_move(&self, cx: &Cx, hook: &MoveHook) -> Result<()> {
        if !matches!(hook.state, State::Active | State::Moving) {
            return Ok(());
        }
        let mut scoped = self.0.store.note(cx).await?;
        use_up(&mut scoped, cx, &hook.invocation).await?;
        scoped.commit().await
    }
}

impl Named {
    /// Reads a hook's body. `whole` asks for what a schedule and a start must say.
    ///
    /// # Errors
    /// `Invalid`, naming each field that is wrong.
    pub fn read(body: &[u8], whole: bool) -> Result<Self> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|_| Fault::invalid("migration_malformed", "The body is not what a hook of a migration says."))?;
        let mut wrong = Vec::new();
        let mut at = |pointer: &str, text: Option<&String>| {
            let read = text.and_then(|text| text.parse::<Timestamp>().ok());
            if read.is_none() && (whole || text.is_some()) {
                wrong.push(wrong_field(pointer, "an instant, as 2026-12-26T00:00:00Z", None));
            }
            read
        };
        let starts_at = at("/startTime", body.start_time.as_ref());
        let ends_at = at("/endTime", body.end_time.as_ref());
        let plain = |text: &String| {
            !text.is_empty() && text.len() <= LOCATION_CHARS && text.chars().all(|sign| sign.is_ascii_alphanumeric())
        };
        let location = body.location.filter(plain);
        if whole && location.is_none() {
            wrong.push(wrong_field("/location", "the region's name", Some(LOCATION_CHARS)));
        }
        let migration = body.migration_id.as_ref().and_then(number);
        if migration.is_none() {
            wrong.push(wrong_field("/migrationId", "the migration's number", Some(MIGRATION_CHARS)));
        }
        match migration {
            Some(migration) if wrong.is_empty() => Ok(Self { migration, location, starts_at, ends_at }),
            _ => Err(Fault::invalid_fields(wrong)),
        }
    }

    /// The number of a migration in an address.
    pub fn of_query(query: Option<&str>) -> Option<String> {
        let found = url::form_urlencoded::parse(query?.as_bytes()).find(|(name, _)| name == "migrationId");
        found.and_then(|(_, value)| number(&Value::from(value.into_owned())))
    }
}

/// A number, or a short word of plain characters.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
    (!text.is_empty() && text.len() <= MIGRATION_CHARS && text.chars().all(plain)).then_some(text)
}

fn wrong_field(pointer: &str, what: &str, limit: Option<usize>) -> FieldFault {
    let limit = limit.and_then(|limit| u64::try_from(limit).ok());
    FieldFault { pointer: pointer.to_owned(), code: "format", detail: format!("Write {what}."), limit }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    /// As Atlassian's page writes it.
    const WHOLE: &str = r#"{"startTime": "2021-12-26T00:00:00.000Z", "endTime": "2021-12-27T00:00:00.000Z", "location": "EU", "migrationId": 57500}"#;

    #[test]
    fn what_hooks_say_is_read() {
        let read = Named::read(WHOLE.as_bytes(), true).unwrap();
        assert_eq!((read.migration.as_str(), read.location.as_deref()), ("57500", Some("EU")));
        assert_eq!(read.ends_at.unwrap().as_second() - read.starts_at.unwrap().as_second(), 86_400);
        assert_eq!(Named::read(br#"{"migrationId": "a-1"}"#, false).unwrap().migration, "a-1");
    }

    #[test]
    fn what_is_wrong_is_named() {
        #[track_caller]
        fn check(from: &str, to: &str, pointer: &str) {
            let fault = Named::read(WHOLE.replace(from, to).as_bytes(), true).unwrap_err();
            assert_eq!(fault.fields().iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
        }
        check("2021-12-26T00:00:00.000Z", "tomorrow", "/startTime");
        check("2021-12-27T00:00:00.000Z", "", "/endTime");
        check("\"EU\"", "\"E U\"", "/location");
        check("\"EU\"", "null", "/location");
        check("57500", "-1", "/migrationId");
        check("57500", "\"../x\"", "/migrationId");
        check("57500", &format!("\"{}\"", "9".repeat(65)), "/migrationId");
        for body in ["", "[]", "{", "57500"] {
            assert!(Named::read(body.as_bytes(), false).is_err(), "{body}");
        }
        assert_eq!(Named::of_query(Some("migrationId=57500")).as_deref(), Some("57500"));
        assert_eq!(Named::of_query(Some("migrationId=%2F")), None);
        assert_eq!(Named::of_query(None), None);
    }
}
