//! Access tokens that Forge hands over: kept sealed until they end, never logged, never in an answer.

use std::time::Duration;

use base64::Engine;
use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, KeyClass, Result, RowName};
use serde::Deserialize;
use store::Store;
use vault::{Open, Place, Subject, Vault};
use zeroize::Zeroizing;

use crate::schema;
use crate::sql::{self, TokenRow};

/// A token that ends sooner is not begun with: a call and its retries must fit.
const LEFT_AT_LEAST: SignedDuration = SignedDuration::from_secs(60);
/// No token of Forge's lives longer.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(4);
/// The life taken for granted when a token does not say: the least that a page's token was seen with.
const UNTOLD_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// What is left of a token to act as the app that Jira refused: long enough that Jira's slow start after an
/// installation does not cost it, shorter than the life of whatever Forge brings next, which takes its place.
const REFUSED_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Forge's tokens are a few KB.
pub(crate) const TOKEN_BYTES: usize = 16 * 1024;

/// A token as it was handed over.
#[derive(Clone)]
pub(crate) struct Presented(Zeroizing<String>);

impl Presented {
    /// Takes a header's value; what cannot be a token is none.
    pub(crate) fn read(header: Option<&str>) -> Option<Self> {
        let text = header?.trim();
        let text = text.strip_prefix("Bearer ").unwrap_or(text);
        let fits = !text.is_empty() && text.len() <= TOKEN_BYTES && text.chars().all(|c| c.is_ascii_graphic());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// When it ends: by its own `exp`, where it is a JWT, else soon.
    pub(crate) fn expires_at(&self, now: Timestamp) -> Timestamp {
        let end = exp(&self.0).and_then(|seconds| Timestamp::from_second(seconds).ok());
        let plus = |life: SignedDuration| now.checked_add(life).unwrap_or(Timestamp::MAX);
        end.unwrap_or_else(|| plus(UNTOLD_LIFE)).min(plus(LONGEST_LIFE))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
struct End {
    exp: i64,
}

/// Tokens are opaque but for their end.
fn exp(token: &str) -> Option<i64> {
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<End>(&bytes).ok().map(|end| end.exp)
}

/// The tokens of all tenants; cheap to clone.
#[derive(Clone)]
pub(crate) struct Tokens {
    store: Store,
    vault: Vault,
}

fn usable(cx: &Cx, row: &TokenRow) -> bool {
    row.expires_at.duration_since(cx.now()) > LEFT_AT_LEAST
}

impl Tokens {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    /// Seals the token to act as the app. Keys are fetched here, before any transaction begins: whoever holds a
    /// connection does not wait for a second one.
    pub(crate) async fn seal_system(&self, cx: &Cx, token: &Presented) -> Result<TokenRow> {
        let keys = self.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await?;
        let expires_at = token.expires_at(cx.now());
        Ok(TokenRow { token: keys.seal(&system_place(cx), &token.text().to_owned())?, expires_at })
    }

    /// Seals a token to act as a person, likewise.
    pub(crate) async fn seal_user(
        &self,
        cx: &Cx,
        account: &AccountId,
        token: &Presented,
        expires_at: Timestamp,
    ) -> Result<TokenRow> {
        let keys = self.vault.keys(cx, KeyClass::Credential, Subject::Person(account)).await?;
        Ok(TokenRow { token: keys.seal(&user_place(cx, account), &token.text().to_owned())?, expires_at })
    }

    /// Keeps a token to act as a person that was asked for.
    pub(crate) async fn keep_user(
        &self,
        cx: &Cx,
        account: &AccountId,
        token: &Presented,
        life: Duration,
    ) -> Result<()> {
        let life = SignedDuration::try_from(life).unwrap_or(UNTOLD_LIFE).min(LONGEST_LIFE);
        let expires_at = cx.now().checked_add(life).unwrap_or(Timestamp::MAX);
        let row = self.seal_user(cx, account, token, expires_at).await?;
        let mut scoped = self.store.note(cx).await?;
        sql::user_token_keep(&mut scoped, cx, account, row).await?;
        scoped.commit().await
    }

    /// The token to act as the app, if there is one that still lives.
    pub(crate) async fn system(&self, cx: &Cx) -> Result<Option<Open<String>>> {
        let row = sql::system_token(&mut self.store.read(cx).await?).await?;
        let Some(row) = row.filter(|row| usable(cx, row)) else { return Ok(None) };
        let keys = self.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await?;
        keys.open(&system_place(cx), &row.token).map(Some)
    }

    /// The token to act as a person, if there is one that still lives.
    pub(crate) async fn user(&self, cx: &Cx, account: &AccountId) -> Result<Option<Open<String>>> {
        let row = sql::user_token(&mut self.store.read(cx).await?, account).await?;
        let Some(row) = row.filter(|row| usable(cx, row)) else { return Ok(None) };
        let keys = self.vault.keys(cx, KeyClass::Credential, Subject::Person(account)).await?;
        keys.open(&user_place(cx, account), &row.token).map(Some)
    }

    /// Believes the token to act as the app no longer: what came beside a genuine invocation is not proven by it, and
    /// one that claims a long life must not keep the genuine ones out.
    pub(crate) async fn doubt_system(&self, cx: &Cx) -> Result<()> {
        let end = cx.now().checked_add(REFUSED_LIFE).unwrap_or(Timestamp::MAX);
        let mut scoped = self.store.note(cx).await?;
        sql::system_token_shorten(&mut scoped, end).await?;
        scoped.commit().await
    }

    /// Forgets a person's token.
    pub(crate) async fn drop_user(&self, cx: &Cx, account: &AccountId) -> Result<()> {
        let mut scoped = self.store.note(cx).await?;
        sql::user_token_drop(&mut scoped, account).await?;
        scoped.commit().await
    }
}

fn system_place(cx: &Cx) -> Place {
    Place::new(&schema::SYSTEM_TOKEN, RowName::new().uuid(cx.tenant().0))
}

fn user_place(cx: &Cx, account: &AccountId) -> Place {
    Place::new(&schema::USER_TOKEN, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ends_of_tokens() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let encode = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
        let jwt = |exp: i64| format!("e30.{}.c2ln", encode(&format!("{{\"exp\":{exp},\"x\":1}}")));
        #[track_caller]
        fn check(token: &str, now: Timestamp, minutes: i64) {
            let end = Presented::read(Some(token)).unwrap().expires_at(now);
            assert_eq!(end.duration_since(now).as_mins(), minutes, "{token}");
        }
        check("opaque", now, 15);
        check("a.b.c", now, 15);
        check(&jwt(now.as_second() + 7200), now, 120);
        check(&jwt(now.as_second() + 86_400), now, 240);
        check(&jwt(now.as_second() - 60), now, -1);
        assert!(Presented::read(None).is_none());
        assert!(Presented::read(Some(" ")).is_none());
        assert!(Presented::read(Some("with space")).is_none());
        assert!(Presented::read(Some(&"x".repeat(TOKEN_BYTES + 1))).is_none());
    }
}
