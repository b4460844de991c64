//! Invocation tokens: who calls, from which installation, on which page. Pure; the clock is a value.
//!
//! It must never let a token choose its algorithm, its audience or its key's address. Start at [`verify`]. Replay is
//! refused elsewhere (`install::settle`), where the token's id is stored.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use kernel::{AccountId, Fault, IssueId, ProjectId};
use serde::Deserialize;
use url::Url;

use crate::client::IssueKey;

/// The one issuer.
pub const ISSUER: &str = "forge/invocation-token";
/// How far Forge's clock and ours may be apart. A token lives about 25 s.
pub const LEEWAY: Duration = Duration::from_secs(15);
/// A token that lives longer is not one of Forge's.
pub const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// Pages put their context into the token; beyond this, no header gets through anyway.
const TOKEN_BYTES: usize = 16 * 1024;
/// Key ids look like `forge/invocation-token/<uuid>`.
const KID_BYTES: usize = 128;
const JTI_BYTES: usize = 256;
const INSTALLATION_BYTES: usize = 256;
const SHORT_TEXT: usize = 128;

/// What the operator pins.
pub struct Rules {
    /// Our Forge apps' ARIs.
    pub audiences: Vec<String>,
    /// Prefixes, ending in `/`, of the API bases that tokens may name.
    pub api_bases: Vec<Url>,
}

/// Why a token is refused. The caller learns the code only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No bearer token at all.
    Missing,
    /// Not a JWT, or too long.
    Malformed,
    /// Another algorithm than RS256.
    Algorithm,
    /// A key id of no known shape.
    KeyId,
    /// A key that Forge does not publish.
    UnknownKey,
    /// The signature does not fit.
    Signature,
    /// Another issuer.
    Issuer,
    /// For somebody else's app.
    Audience,
    /// A claim is missing or of the wrong shape.
    Claims,
    /// Past its end.
    Expired,
    /// Before its beginning, or issued in the future.
    Early,
    /// It lives too long, or ends before it begins.
    Life,
    /// An API base that is not configured.
    ApiBase,
    /// Used before.
    Replayed,
}

impl Refusal {
    /// As the caller may know it.
    pub fn fault(self) -> Fault {
        let code = match self {
            Self::Missing => "token_missing",
            Self::Expired => "token_expired",
            Self::Replayed => "token_replayed",
            _ => "token_invalid",
        };
        Fault::unauthenticated(code, "Your session with Jira could not be confirmed. Reload the page.")
            .because(format!("invocation token: {self:?}"))
    }
}

/// Where in Jira the page stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// The module's type, such as `jira:issuePanel`.
    pub kind: Option<String>,
    /// The issue, by id.
    pub issue: Option<IssueId>,
    /// The issue, by key.
    pub issue_key: Option<IssueKey>,
    /// The project.
    pub project: Option<ProjectId>,
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The token's own id, for refusing it the second time.
    pub jti: String,
    /// The installation: what our data hangs on.
    pub installation: String,
    /// Where Jira's API is called for this installation; ends without `/`.
    pub api_base: Url,
    /// The site's id.
    pub cloud: String,
    /// Where people see the site.
    pub site_url: Option<Url>,
    /// The module that calls.
    pub module: String,
    /// The person, if one is there.
    pub principal: Option<AccountId>,
    /// Where the page stands.
    pub extension: Extension,
    /// The page's language tag.
    pub locale: Option<String>,
    /// The person's IANA time zone.
    pub time_zone: Option<String>,
}

/// Types of modules that no page stands in. Atlassian does not document whether the tokens of these name a type at all: if they do, it is one of
/// these, as the manifest calls them.
const OF_NO_PAGE: [&str; 5] =
    ["trigger", "core:trigger", "scheduledTrigger", "preUninstall", "migration:dataResidency"];

impl Invocation {
    /// Whether a page calls: then whoever looks at it chose the address, and what is sent there, whatever our own pages do.
    ///
    /// # Errors
    /// `refused`, for an address that is Forge's own to call.
    pub fn not_of_a_page(&self) -> Result<(), Fault> {
        let page = self.extension.kind.as_deref().is_some_and(|kind| !OF_NO_PAGE.contains(&kind));
        if self.principal.is_some() || page {
            return Err(Fault::refused("This address is for Jira itself to call, and not for pages."));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    jti: String,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
    app: AppClaims,
    context: Option<ContextClaims>,
    principal: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AppClaims {
    id: Option<String>,
    installation_id: String,
    api_base_url: String,
    module: Option<ModuleClaims>,
}

#[derive(Deserialize)]
struct ModuleClaims {
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContextClaims {
    cloud_id: Option<String>,
    site_url: Option<String>,
    module_key: Option<String>,
    locale: Option<String>,
    timezone: Option<String>,
    extension: Option<serde_json::Value>,
}

/// The bearer token of an `Authorization` header.
pub fn bearer(authorization: Option<&str>) -> Result<&str, Refusal> {
    let value = authorization.ok_or(Refusal::Missing)?;
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Malformed)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    Ok(token)
}

/// The id of the key that the token says it is signed with. Nothing else of an unverified header is looked at but
/// its algorithm, which must be RS256.
pub fn key_id(token: &str) -> Result<String, Refusal> {
    header(token, Algorithm::RS256)?.kid.filter(|kid| is_key_id(kid)).ok_or(Refusal::KeyId)
}

/// An unverified header, if it names this algorithm and asks for nothing that we would have to understand.
pub(crate) fn header(token: &str, algorithm: Algorithm) -> Result<Header, Refusal> {
    let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
        ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => Refusal::Algorithm,
        // `alg: none` and unknown names fail while the header is read; tell them from garbage.
        ErrorKind::Json(_) if names_algorithm(token) => Refusal::Algorithm,
        _ => Refusal::Malformed,
    })?;
    if header.alg != algorithm {
        return Err(Refusal::Algorithm);
    }
    if header.crit.is_some() {
        return Err(Refusal::Malformed);
    }
    Ok(header)
}

fn names_algorithm(token: &str) -> bool {
    use base64::Engine;
    let header = token.split('.').next().unwrap_or_default();
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .is_some_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}

/// Whether a text may be a key's id: segments of plain characters, without two dots in a row anywhere.
pub fn is_key_id(kid: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    !kid.is_empty()
        && kid.len() <= KID_BYTES
        && !kid.contains("..")
        && kid.split('/').count() <= 4
        && kid.split('/').all(|part| part.chars().all(plain) && part.chars().any(|c| c.is_ascii_alphanumeric()))
}

/// Verifies a token by a key that Forge publishes under the token's key id.
pub fn verify(token: &str, key: &DecodingKey, rules: &Rules, now: Timestamp) -> Result<Invocation, Refusal> {
    let mut validation = Validation::new(Algorithm::RS256);
    // The library reads the machine's clock; times are checked below, by ours.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&rules.audiences);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm | ErrorKind::InvalidAlgorithmName => {
                Refusal::Algorithm
            }
            ErrorKind::InvalidSignature => Refusal::Signature,
            ErrorKind::InvalidIssuer => Refusal::Issuer,
            ErrorKind::InvalidAudience => Refusal::Audience,
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
                Refusal::Claims
            }
            _ => Refusal::Malformed,
        })?
        .claims;
    times(&claims, now)?;
    invocation(claims, rules)
}

/// What claims would say if they were signed.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn unsigned(claims: &[u8], rules: &Rules, now: Timestamp) -> Result<Invocation, Refusal> {
    let claims: Claims = serde_json::from_slice(claims).map_err(|_| Refusal::Claims)?;
    times(&claims, now)?;
    invocation(claims, rules)
}

fn times(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs().cast_signed());
    let life = claims.exp.checked_sub(claims.iat).ok_or(Refusal::Life)?;
    if life <= 0 || life > LONGEST_LIFE.as_secs().cast_signed() {
        return Err(Refusal::Life);
    }
    if claims.exp.saturating_add(leeway) <= now {
        return Err(Refusal::Expired);
    }
    if claims.iat > now.saturating_add(leeway) || claims.nbf.is_some_and(|nbf| nbf > now.saturating_add(leeway)) {
        return Err(Refusal::Early);
    }
    Ok(())
}

fn invocation(claims: Claims, rules: &Rules) -> Result<Invocation, Refusal> {
    let Claims { jti, app, context, principal, .. } = claims;
    let fits =
        |text: &str, most: usize| !text.is_empty() && text.len() <= most && text.chars().all(|c| c.is_ascii_graphic());
    if !fits(&jti, JTI_BYTES) || !fits(&app.installation_id, INSTALLATION_BYTES) {
        return Err(Refusal::Claims);
    }
    if app.id.as_ref().is_some_and(|id| !rules.audiences.contains(id)) {
        return Err(Refusal::Audience);
    }
    let (api_base, cloud) = api_base(&app.api_base_url, &rules.api_bases).ok_or(Refusal::ApiBase)?;
    let context = context.unwrap_or(ContextClaims {
        cloud_id: None,
        site_url: None,
        module_key: None,
        locale: None,
        timezone: None,
        extension: None,
    });
    if context.cloud_id.as_ref().is_some_and(|named| *named != cloud) {
        return Err(Refusal::Claims);
    }
    let module = context.module_key.or(app.module.and_then(|module| module.key)).unwrap_or_default();
    let short = |text: Option<String>| text.filter(|text| text.len() <= SHORT_TEXT && text.is_ascii());
    Ok(Invocation {
        jti,
        installation: app.installation_id,
        api_base,
        cloud,
        site_url: context.site_url.as_deref().and_then(site_url),
        module: short(Some(module)).unwrap_or_default(),
        principal: person(principal)?,
        extension: context.extension.as_ref().map(extension).unwrap_or_default(),
        locale: short(context.locale),
        time_zone: short(context.timezone),
    })
}

/// Nobody in particular is nobody: all anonymous visitors share one id.
fn person(principal: Option<String>) -> Result<Option<AccountId>, Refusal> {
    match principal {
        None => Ok(None),
        Some(name) if matches!(name.as_str(), "" | "unidentified" | "unknown" | "anonymous") => Ok(None),
        Some(name) => AccountId::new(name).map(Some).map_err(|_| Refusal::Claims),
    }
}

/// An API base is a configured prefix and a site's id, and nothing else.
fn api_base(text: &str, allowed: &[Url]) -> Option<(Url, String)> {
    let url = Url::parse(text).ok()?;
    allowed.iter().find_map(|prefix| {
        let cloud = url.as_str().strip_prefix(prefix.as_str())?;
        let cloud = cloud.strip_suffix('/').unwrap_or(cloud);
        let plain = !cloud.is_empty()
            && cloud.len() <= SHORT_TEXT
            && cloud.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if plain { Some((prefix.join(cloud).ok()?, cloud.to_owned())) } else { None }
    })
}

fn site_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let bare = url.username().is_empty() && url.password().is_none() && matches!(url.scheme(), "https" | "http");
    if !bare || text.len() > 512 {
        return None;
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

fn extension(value: &serde_json::Value) -> Extension {
    let text = |pointer: &str| {
        value.pointer(pointer).and_then(|found| match found {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    Extension {
        kind: text("/type").filter(|kind| kind.len() <= SHORT_TEXT),
        issue: text("/issue/id").and_then(|id| IssueId::new(id).ok()),
        issue_key: text("/issue/key").or_else(|| text("/request/key")).and_then(|key| IssueKey::new(key).ok()),
        project: text("/project/id").and_then(|id| ProjectId::new(id).ok()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
