//! An app's data moves to another region: the hooks of `migration:dataResidency`, called as the service of Atlassian's does that moves sites.
//!
//! All hooks go to the region that the app is installed in; only when `commit` was answered well is another region's address called. A hook that
//! is answered neither well nor with a code of its own is called twice more, and after a failure comes `rollback`. Start at
//! [`Host::migrate`]; [`Host::hook`] makes one call.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Host, Installation,
    oauth::OauthHeaders,
    remote::{self, Call},
    token::Origin,
};
use crate::App;

/// How often a hook is called again that failed without a code.
const RETRIES: u32 = 2;
/// What is waited in between.
const BETWEEN: Duration = Duration::from_secs(5);
/// Atlassian's page does not say how long a hook may take; an app's page has so long.
const HOOK_TIMEOUT: Duration = Duration::from_secs(25);
/// How often the app is asked how far it is, unless the caller says: here quicker than Atlassian's five minutes.
const ASKED_EVERY: u64 = 5;

/// What is to be moved where, and when.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Atlassian's number of it.
    pub id: u64,
    /// The region.
    pub location: String,
    /// The window's beginning.
    pub start: Timestamp,
    /// The window's end.
    pub end: Timestamp,
}

/// What a hook was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The HTTP status; none when there was no answer that Forge could read.
    pub status: Option<u16>,
    /// The body, if it was JSON.
    pub body: Value,
}

impl Answered {
    /// Whether it was answered well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The code of the app's own, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.body.get("errorResponseCode").and_then(Value::as_str)
    }
}

/// What became of a migration.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The app is installed in the region by now.
    Moved,
    /// It stayed where it was; which hook, or which status, decided so.
    RolledBack(String),
}

/// Why a migration cannot even be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MigrationError {
    /// No such app.
    NotInstalled(String),
    /// The app has no module for it.
    NoModule,
    /// The app's remote has no address of that region.
    NoRegion(String),
    /// The host failed.
    Host(String),
}

impl std::fmt::Display for MigrationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInstalled(app) => write!(f, "{app} is not installed"),
            Self::NoModule => f.write_str("the app has no module migration:dataResidency"),
            Self::NoRegion(region) => write!(f, "the app's remote has no address of the region {region}"),
            Self::Host(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for MigrationError {}

impl Host {
    /// Calls one hook once: `schedule`, `start`, `status`, `commit` or `rollback`.
    ///
    /// # Errors
    /// [`MigrationError`]: there is nothing to call.
    pub async fn hook(&self, app: &str, name: &str, migration: &Migration) -> Result<Answered, MigrationError> {
        let installation = self.installation(app).ok_or_else(|| MigrationError::NotInstalled(app.to_owned()))?;
        let residency = installation.manifest.residency.first().ok_or(MigrationError::NoModule)?;
        let base = installation.remote_address(&residency.remote);
        let base = base.ok_or_else(|| MigrationError::Host("the remote has no address".to_owned()))?;
        let is_status = name == "status";
        let query = if is_status { format!("?migrationId={}", migration.id) } else { String::new() };
        let url = remote::append(&base, &format!("{}/{name}{query}", residency.path));
        let body = match name {
            "schedule" | "start" => Some(json!({
                "startTime": migration.start.to_string(), "endTime": migration.end.to_string(),
                "location": migration.location, "migrationId": migration.id,
            })),
            "status" => None,
            _ => Some(json!({"migrationId": migration.id})),
        };
        let origin = Origin::Endpoint { endpoint: &residency.key, module: &residency.key };
        let call = Call {
            url: url.ok_or_else(|| MigrationError::Host("the hook's address is none".to_owned()))?,
            method: if is_status { Method::GET } else { Method::POST },
            headers: std::collections::BTreeMap::new(),
            body,
            invocation_token: self.invocation_token(&installation, &origin).map_err(MigrationError::Host)?,
            // Atlassian's page speaks of the invocation token alone.
            oauth: OauthHeaders::default(),
            timeout: HOOK_TIMEOUT,
        };
        let http = &self.site().map_err(MigrationError::Host)?.http;
        Ok(match call.send(http).await {
            Ok(answer) => Answered { status: Some(answer.status), body: answer.body.unwrap_or(Value::Null) },
            Err(_) => Answered { status: None, body: Value::Null },
        })
    }

    /// The same, again where Atlassian's service would.
    async fn insist(&self, app: &str, name: &str, migration: &Migration) -> Result<Answered, MigrationError> {
        let mut answered = self.hook(app, name, migration).await?;
        for _ in 0..RETRIES {
            if answered.is_good() || answered.code().is_some() {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
            answered = self.hook(app, name, migration).await?;
        }
        Ok(answered)
    }

    /// From now on the app is called in this region.
    ///
    /// # Errors
    /// [`MigrationError::NotInstalled`].
    pub fn settle_in(&self, app: &str, region: &str) -> Result<(), MigrationError> {
        let installation = self.installation(app).ok_or_else(|| MigrationError::NotInstalled(app.to_owned()))?;
        *installation.region.write().unwrap_or_else(PoisonError::into_inner) = Some(region.to_owned());
        Ok(())
    }

    /// Moves an app's data to another region, from the announcement to the end.
    ///
    /// # Errors
    /// [`MigrationError`]: there is nothing to move.
    pub async fn migrate(
        &self,
        app: &str,
        migration: &Migration,
        asked_every: Duration,
    ) -> Result<Outcome, MigrationError> {
        self.could_move(app, &migration.location)?;
        for name in ["schedule", "start"] {
            if !self.insist(app, name, migration).await?.is_good() {
                return self.back(app, migration, name).await;
            }
        }
        loop {
            let answered = self.hook(app, "status", migration).await?;
            let status = answered.body.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
            let over = self.site().map_err(MigrationError::Host)?.state.now() >= migration.end;
            match status.as_str() {
                "ready-to-commit" => break,
                "failed" => return self.back(app, migration, "failed").await,
                other if over => return self.back(app, migration, other).await,
                _ => tokio::time::sleep(asked_every).await,
            }
        }
        if !self.insist(app, "commit", migration).await?.is_good() {
            return self.back(app, migration, "commit").await;
        }
        self.settle_in(app, &migration.location)?;
        Ok(Outcome::Moved)
    }

    fn could_move(&self, app: &str, region: &str) -> Result<Arc<Installation>, MigrationError> {
        let installation = self.installation(app).ok_or_else(|| MigrationError::NotInstalled(app.to_owned()))?;
        let residency = installation.manifest.residency.first().ok_or(MigrationError::NoModule)?;
        let remote = installation.manifest.remote(&residency.remote);
        if !remote.is_some_and(|remote| remote.regions.contains_key(region)) {
            return Err(MigrationError::NoRegion(region.to_owned()));
        }
        Ok(installation)
    }

    async fn back(&self, app: &str, migration: &Migration, why: &str) -> Result<Outcome, MigrationError> {
        // Whatever comes back: Atlassian's page says "not applicable" of it.
        self.insist(app, "rollback", migration).await?;
        Ok(Outcome::RolledBack(why.to_owned()))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MigrationRequest {
    app: Option<String>,
    location: String,
    poll_seconds: Option<u64>,
}

/// `POST /sandbox/migration`: an administrator of the organization moves the site, and its app along.
pub(super) async fn migrate(Shared(app): Shared<App>, body: Bytes) -> Response {
    let refusal = |status: StatusCode, why: String| (status, Json(json!({"error": why}))).into_response();
    let request: MigrationRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(why) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, why.to_string()),
    };
    let poll = request.poll_seconds.unwrap_or(ASKED_EVERY);
    if !(1..=300).contains(&poll) {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "pollSeconds: 1 to 300".to_owned());
    }
    let host = &app.forge;
    let installed = host
        .installed()
        .into_iter()
        .find(|one| request.app.as_deref().is_none_or(|app| one.app_id() == app || one.app_uuid() == app));
    let Some(installed) = installed else {
        return refusal(StatusCode::NOT_FOUND, "no such app is installed".to_owned());
    };
    let hours = installed.manifest.residency.first().map_or(0.0, |residency| residency.hours);
    let start = app.state.now();
    let end = start.checked_add(Duration::from_secs_f64(hours * 3600.0)).unwrap_or(start);
    let id = u64::try_from(start.as_millisecond()).unwrap_or_default();
    let migration = Migration { id, location: request.location, start, end };
    match host.migrate(installed.app_id(), &migration, Duration::from_secs(poll)).await {
        Ok(Outcome::Moved) => Json(json!({"outcome": "moved", "region": migration.location})).into_response(),
        Ok(Outcome::RolledBack(why)) => Json(json!({"outcome": "rolled-back", "because": why})).into_response(),
        Err(error) => refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
    }
}
