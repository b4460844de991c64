//! Connect's tokens: which site calls, for whom, and on which page. Pure; the clock is a value.
//!
//! A token never chooses its algorithm: an install call is RS256 by a key of Atlassian's and nothing else is, so that
//! neither a public key nor an install's secret can stand in for the other. A caller finds the site by [`claimed`],
//! which proves nothing, and believes a token only after [`installed`], [`requested`] or [`in_context`].

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use kernel::{AccountId, Fault, IssueId, ProjectId};
use serde::{Deserialize, Serialize};
use url::{Url, form_urlencoded};

use super::qsh;
use crate::client::IssueKey;
use crate::forge::token as forge;

/// How far Atlassian's clock and ours may be apart, as in Atlassian's own example app.
pub const LEEWAY: Duration = Duration::from_secs(3);
/// How long a token that we sign lives, as in Atlassian's libraries.
pub const LIFE: Duration = Duration::from_secs(180);
/// How long an assertion lives with which a person's token is asked for; the authorization server allows no more.
pub const ASSERTION_LIFE: Duration = Duration::from_secs(60);
/// Who takes assertions.
pub const AUTHORIZATION_SERVER: &str = "https://oauth-2-authorization-server.services.atlassian.com";
/// The longest that the token of an install may live: shorter than its hash is remembered, or it would be good twice.
const LONGEST_INSTALL: Duration = Duration::from_secs(30 * 60);
/// Pages put their context into the token; beyond this, no header gets through anyway.
const TOKEN_BYTES: usize = 16 * 1024;
/// `clientKey` is a UUID, or longer on old sites.
pub(super) const CLIENT_KEY_BYTES: usize = 256;
/// Key ids of installs are UUIDs.
const KID_BYTES: usize = 128;
/// HS256 asks for as much key as hash (RFC 7518, 3.2); Connect's secrets have 128 characters at most.
pub(crate) const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=128;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No token at all.
    Missing,
    /// One in the header and one in the query, or two of either: one could be shown to a proxy, the other to us.
    Twice,
    /// Not a JWT, or too long.
    Malformed,
    /// Another algorithm than this kind of call has.
    Algorithm,
    /// A key id of no known shape.
    KeyId,
    /// A key that Atlassian does not publish.
    UnknownKey,
    /// A secret that is too short to prove anything, or longer than Connect's are.
    Secret,
    /// The signature does not fit.
    Signature,
    /// Another issuer than the site.
    Issuer,
    /// For somebody else's server.
    Audience,
    /// A claim is missing or of the wrong shape.
    Claims,
    /// Past its end.
    Expired,
    /// Before its beginning, or issued in the future.
    Early,
    /// Signed for another request.
    Request,
    /// Used before.
    Replayed,
}

impl Refusal {
    /// As the caller may know it: no more than that a token is missing, late, used up or wrong.
    pub fn fault(self) -> Fault {
        let code = match self {
            Self::Missing => "token_missing",
            Self::Expired => "token_expired",
            Self::Replayed => "token_replayed",
            _ => "token_invalid",
        };
        Fault::unauthenticated(code, "Your session with Jira could not be confirmed. Reload the page.")
            .because(format!("connect token: {self:?}"))
    }
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person, if one is there.
    pub person: Option<AccountId>,
    /// The issue that the page shows, by id.
    pub issue: Option<IssueId>,
    /// The same, by key.
    pub issue_key: Option<IssueKey>,
    /// Its project.
    pub project: Option<ProjectId>,
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
    qsh: String,
    sub: Option<String>,
    aud: Option<Audience>,
    context: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The one token that a request carries, in `Authorization: JWT …` or as the parameter `jwt`.
pub fn carried(authorization: Option<&str>, query: &str) -> Result<String, Refusal> {
    let in_header = authorization.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("jwt").then(|| token.trim().to_owned())
    });
    let in_query = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == qsh::TOKEN_PARAMETER)
        .map(|(_, t)| t.into());
    let mut tokens = in_header.into_iter().chain(in_query);
    let token = tokens.next().ok_or(Refusal::Missing)?;
    match tokens.next() {
        Some(_) => Err(Refusal::Twice),
        None => Ok(token),
    }
}

/// The `clientKey` of which an HS256 token claims to be: what to look for the secret by. Nothing is proven yet.
pub fn claimed(token: &str) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    header(token, Algorithm::HS256)?;
    let claims = jsonwebtoken::dangerous::insecure_decode::<Issuer>(token).map_err(|error| refusal(&error))?.claims;
    let fits = (1..=CLIENT_KEY_BYTES).contains(&claims.iss.len()) && claims.iss.chars().all(|c| c.is_ascii_graphic());
    if fits { Ok(claims.iss) } else { Err(Refusal::Claims) }
}

/// The id of the key by which an install call says it is signed: one segment of an address, and no more.
pub fn key_id(token: &str) -> Result<String, Refusal> {
    let plain =
        |kid: &str| (1..=KID_BYTES).contains(&kid.len()) && kid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    header(token, Algorithm::RS256)?.kid.filter(|kid| plain(kid)).ok_or(Refusal::KeyId)
}

/// Verifies the token of a call that installs or uninstalls, and answers when it was issued. `client_key` is the one that the body names, `ours` is our
/// base address, `hash` is that of the request ([`qsh::of`]). The same token is good again until it ends: who must
/// not take an install twice remembers it.
pub fn installed(
    token: &str,
    key: &DecodingKey,
    client_key: &str,
    ours: &Url,
    hash: &str,
    now: Timestamp,
) -> Result<Timestamp, Refusal> {
    let claims = verified(token, key, Algorithm::RS256, client_key, now)?;
    if claims.exp.saturating_sub(claims.iat) > LONGEST_INSTALL.as_secs().cast_signed() {
        return Err(Refusal::Claims);
    }
    let named = match &claims.aud {
        Some(Audience::One(one)) => Some(one.as_str()),
        // The first is whom the token is for; the libraries look at no other.
        Some(Audience::Many(many)) => many.first().map(String::as_str),
        None => None,
    };
    let bare = |address: &str| address.strip_suffix('/').unwrap_or(address).to_owned();
    if named.map(bare) != Some(bare(ours.as_str())) {
        return Err(Refusal::Audience);
    }
    if claims.qsh != hash {
        return Err(Refusal::Request);
    }
    Timestamp::from_second(claims.iat).map_err(|_| Refusal::Claims)
}

/// Verifies the token of one request: a page, a webhook, `enabled` or `disabled`.
pub fn requested(token: &str, secret: &[u8], client_key: &str, hash: &str, now: Timestamp) -> Result<Caller, Refusal> {
    shared(token, secret, client_key, hash, now)
}

/// Verifies a context token, which a page asks its frame for and which fits any request until it ends. It must be
/// taken on our API only: never for a page, a webhook or a lifecycle call.
pub fn in_context(token: &str, secret: &[u8], client_key: &str, now: Timestamp) -> Result<Caller, Refusal> {
    shared(token, secret, client_key, qsh::CONTEXT, now)
}

fn shared(token: &str, secret: &[u8], client_key: &str, hash: &str, now: Timestamp) -> Result<Caller, Refusal> {
    let key = DecodingKey::from_secret(enough(secret)?);
    let claims = verified(token, &key, Algorithm::HS256, client_key, now)?;
    if claims.qsh != hash {
        return Err(Refusal::Request);
    }
    let text = |pointer: &str| {
        claims.context.as_ref()?.pointer(pointer).and_then(|found| match found {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    Ok(Caller {
        person: claims.sub.clone().map(AccountId::new).transpose().map_err(|_| Refusal::Claims)?,
        issue: text("/jira/issue/id").and_then(|id| IssueId::new(id).ok()),
        issue_key: text("/jira/issue/key").and_then(|key| IssueKey::new(key).ok()),
        project: text("/jira/project/id").and_then(|id| ProjectId::new(id).ok()),
    })
}

fn verified(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    issuer: &str,
    now: Timestamp,
) -> Result<Claims, Refusal> {
    header(token, algorithm)?;
    let mut validation = Validation::new(algorithm);
    // The library reads the machine's clock; times are checked below, by ours. The audience is checked where there
    // must be one.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss"]);
    validation.set_issuer(&[issuer]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|error| refusal(&error))?.claims;
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs().cast_signed());
    if claims.exp <= claims.iat {
        return Err(Refusal::Claims);
    }
    if claims.exp.saturating_add(leeway) <= now {
        return Err(Refusal::Expired);
    }
    let latest = now.saturating_add(leeway);
    if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
        return Err(Refusal::Early);
    }
    Ok(claims)
}

fn header(token: &str, algorithm: Algorithm) -> Result<Header, Refusal> {
    if token.len() > TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    forge::header(token, algorithm).map_err(|refused| match refused {
        forge::Refusal::Algorithm => Refusal::Algorithm,
        _ => Refusal::Malformed,
    })
}

fn refusal(error: &jsonwebtoken::errors::Error) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm | ErrorKind::InvalidAlgorithmName => {
            Refusal::Algorithm
        }
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Refusal::Claims,
        _ => Refusal::Malformed,
    }
}

fn enough(secret: &[u8]) -> Result<&[u8], Refusal> {
    if SECRET_BYTES.contains(&secret.len()) { Ok(secret) } else { Err(Refusal::Secret) }
}

/// Signs one call to Jira as the app. `hash` is that of the request below the site's base address.
pub fn sign(secret: &[u8], app: &str, client_key: &str, hash: &str, now: Timestamp) -> Result<String, Refusal> {
    #[derive(Serialize)]
    struct Call<'a> {
        iss: &'a str,
        aud: [&'a str; 1],
        iat: i64,
        exp: i64,
        qsh: &'a str,
    }
    let iat = now.as_second();
    encoded(secret, &Call { iss: app, aud: [client_key], iat, exp: iat + LIFE.as_secs().cast_signed(), qsh: hash })
}

/// Signs what a person's token is asked for with (RFC 7523). `site` is the base address, as the install names it.
pub fn assertion(
    secret: &[u8],
    oauth_client: &str,
    person: &AccountId,
    site: &str,
    now: Timestamp,
) -> Result<String, Refusal> {
    #[derive(Serialize)]
    struct Assertion<'a> {
        iss: String,
        sub: String,
        tnt: &'a str,
        aud: &'static str,
        iat: i64,
        exp: i64,
    }
    let iat = now.as_second();
    let claims = Assertion {
        iss: format!("urn:atlassian:connect:clientid:{oauth_client}"),
        sub: format!("urn:atlassian:connect:useraccountid:{}", person.as_str()),
        tnt: site,
        aud: AUTHORIZATION_SERVER,
        iat,
        exp: iat + ASSERTION_LIFE.as_secs().cast_signed(),
    };
    encoded(secret, &claims)
}

fn encoded(secret: &[u8], claims: &impl Serialize) -> Result<String, Refusal> {
    let key = EncodingKey::from_secret(enough(secret)?);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).map_err(|error| refusal(&error))
}

#[cfg(test)]
mod tests;
