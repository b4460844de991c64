//! Invocation tokens (FIT): what a remote gets as proof that Forge calls, for whom and from where.
//!
//! Start reading at [`Host::invocation_token`]. Claims and lifetimes are Forge's; nothing may be added
//! that Forge does not send, because a remote could come to rely on it.

use serde_json::{Value, json};

use super::{Host, Installation, UiModule, payload};

/// Lifetime of an invocation token in seconds.
const LIFETIME_S: i64 = 25;

/// From where a remote is called.
pub(super) enum Origin<'a> {
    /// A page that somebody looks at.
    Page {
        module: &'a UiModule,
        /// Who looks.
        account_id: &'a str,
        /// The module's context, `extension` included.
        context: Value,
    },
    /// A trigger; nobody looks.
    Endpoint {
        /// Key of the endpoint called.
        endpoint: &'a str,
        /// Key of the trigger.
        module: &'a str,
    },
}

impl Host {
    /// Signs a fresh token for one call of this app's remote.
    pub(super) fn invocation_token(&self, app: &Installation, origin: &Origin<'_>) -> Result<String, String> {
        let claims = self.claims(app, origin)?;
        self.key.sign(&claims).map_err(|error| error.to_string())
    }

    fn claims(&self, app: &Installation, origin: &Origin<'_>) -> Result<Value, String> {
        let site = self.site()?;
        let now = site.state.now().as_second();
        let cloud_id = site.state.cloud_id();
        let api = self.api_base_url()?;
        let (module, context) = match origin {
            Origin::Page { module, context, .. } => (
                json!({"type": module.kind.name(), "key": module.key}),
                json!({
                    "localId": context.get("localId"), "cloudId": cloud_id,
                    "moduleKey": module.key, "siteUrl": site.state.site_url(),
                    "extension": context.get("extension"),
                }),
            ),
            Origin::Endpoint { endpoint, module } => {
                (json!({"type": "core:endpoint", "key": endpoint}), json!({"cloudId": cloud_id, "moduleKey": module}))
            }
        };
        let mut claims = json!({
            "app": {
                "id": app.app_id(),
                "version": app.version.to_string(),
                "appVersion": app.app_version(),
                "installationId": app.installation_id(),
                "apiBaseUrl": api,
                "installation": {
                    "id": app.installation_id(),
                    "contexts": [{"name": "jira", "apiBaseUrl": api, "cloudId": cloud_id}],
                },
                "environment": {"type": "DEVELOPMENT", "id": app.environment_id()},
                "module": module,
            },
            "context": context,
            "aud": app.app_id(),
            "iss": "forge/invocation-token",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_S,
            "jti": uuid::Uuid::new_v4().simple().to_string(),
        });
        if let Origin::Page { account_id, .. } = origin {
            payload::set(&mut claims, "principal", Value::from(*account_id));
        }
        Ok(claims)
    }

    /// Base of the API that an app's OAuth tokens open.
    pub(super) fn api_base_url(&self) -> Result<String, String> {
        let state = &self.site()?.state;
        Ok(format!("{}/ex/jira/{}", state.site_url(), state.cloud_id()))
    }
}
