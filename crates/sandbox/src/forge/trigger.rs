//! Events and schedules, carried to an app's remote: late, sometimes twice, out of order or never,
//! and repeated when the remote fails.
//!
//! Start reading at [`listen`]. Each delivery is its own task, so a slow remote delays nobody else.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{
    EventBody, Host, Installation, payload,
    remote::{self, Call, CallError},
    token::Origin,
};

/// How often Forge sends an event again.
const RETRIES: u32 = 4;
/// Forge's limit for the call before uninstalling.
const UNINSTALL_TIMEOUT: Duration = Duration::from_secs(55);
/// A new schedule first runs about five minutes after deployment, a twelfth of an hour.
const FIRST_RUN: u32 = 12;

/// What is delivered and where.
struct Delivery {
    app: Arc<Installation>,
    /// Key of the trigger's module.
    module: String,
    endpoint: String,
    payload: Value,
}

/// Counts a delivery as under way for as long as it lives.
struct UnderWay(Arc<Host>);

impl UnderWay {
    fn new(host: &Arc<Host>) -> Self {
        host.under_way.send_modify(|count| *count += 1);
        Self(host.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Follows the site's events for all installed apps until the site stops.
pub(super) fn listen(host: &Arc<Host>) {
    let Some(site) = host.site.get() else { return };
    let mut events = site.state.subscribe();
    let (host, stop) = (host.clone(), site.stop.clone());
    site.tasks.spawn(async move {
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => return,
                event = events.recv() => event,
            };
            match event {
                Ok(event) => {
                    host.personal_data.note(&event);
                    host.on_event(&event);
                    host.heard.send_modify(|heard| *heard = event.sequence.max(*heard));
                }
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "events were lost to apps");
                    host.heard.send_modify(|heard| *heard += lost);
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// Starts an app's schedules; they end with this version of the app.
pub(super) fn schedule(host: &Arc<Host>, app: &Arc<Installation>) {
    let Some(site) = host.site.get() else { return };
    for scheduled in &app.manifest.scheduled {
        let hour = host.settings.hour;
        let interval = match scheduled.interval.as_str() {
            "fiveMinute" => hour / 12,
            "day" => hour * 24,
            "week" => hour * 24 * 7,
            _ => hour,
        };
        let (host, app, stop) = (host.clone(), app.clone(), site.stop.clone());
        let (module, endpoint) = (scheduled.key.clone(), scheduled.endpoint.clone());
        site.tasks.spawn(async move {
            let mut wait = host.settings.hour / FIRST_RUN;
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
                wait = interval;
                if !host.current(&app).is_some_and(|now| Arc::ptr_eq(&now, &app)) {
                    return;
                }
                let payload = host.invocation_payload(&module);
                let delivery =
                    Delivery { app: app.clone(), module: module.clone(), endpoint: endpoint.clone(), payload };
                host.send(delivery, Duration::ZERO);
            }
        });
    }
}

/// Calls the app once before it goes. Whatever comes back, it goes.
pub(super) async fn before_uninstall(host: &Host, app: &Arc<Installation>) {
    for (module, endpoint) in &app.manifest.pre_uninstall {
        let delivery = Delivery {
            app: app.clone(),
            module: module.clone(),
            endpoint: endpoint.clone(),
            payload: host.invocation_payload(module),
        };
        if let Err(reason) = host.attempt(&delivery, &delivery.payload, UNINSTALL_TIMEOUT).await {
            tracing::info!(reason, "an app did not answer before it was uninstalled");
        }
    }
}

impl Host {
    /// The version of this installation that is installed now, if it still is.
    fn current(&self, app: &Installation) -> Option<Arc<Installation>> {
        self.installation(app.app_id()).filter(|now| now.installation_id() == app.installation_id())
    }

    /// Tells an app of its own lifecycle. These are late or doubled like others, but not dropped.
    pub(super) fn lifecycle_event(self: &Arc<Self>, app: &Arc<Installation>, event: &str, payload: &Value) {
        self.fan_out(app, event, payload, false);
    }

    fn on_event(self: &Arc<Self>, event: &crate::events::Event) {
        let Some(site) = self.site.get() else { return };
        for app in self.installed() {
            let told = payload::of(event, &site.state.read(), site.state.site_url(), app.app_id());
            for (name, payload) in told {
                self.fan_out(&app, name, &payload, true);
            }
        }
    }

    /// Sends an event to the triggers that want it: one of the site, or of the app's own lifecycle, which is never
    /// dropped.
    fn fan_out(self: &Arc<Self>, app: &Arc<Installation>, event: &str, payload: &Value, of_site: bool) {
        let Some(site) = self.site.get() else { return };
        let own = payload.get("selfGenerated") == Some(&Value::Bool(true));
        for trigger in &app.manifest.triggers {
            if !trigger.events.iter().any(|name| name == event) || (own && trigger.ignore_self) {
                continue;
            }
            let kind = if of_site { "forge" } else { "forge lifecycle" };
            let departures = site.state.faults().departures(kind, of_site);
            if departures.is_empty() {
                tracing::info!(event, "an event is lost on its way, as happens");
            }
            for delay in departures {
                let delivery = Delivery {
                    app: app.clone(),
                    module: trigger.key.clone(),
                    endpoint: trigger.endpoint.clone(),
                    payload: payload.clone(),
                };
                self.send(delivery, delay);
            }
        }
    }

    fn invocation_payload(&self, module: &str) -> Value {
        let cloud_id = self.site.get().map(|site| site.state.cloud_id().to_owned());
        json!({
            "context": {"cloudId": cloud_id, "moduleKey": module},
            // Means nothing to an app; Forge sends it nonetheless.
            "contextToken": uuid::Uuid::new_v4().simple().to_string(),
        })
    }

    fn send(self: &Arc<Self>, delivery: Delivery, delay: Duration) {
        let Some(site) = self.site.get() else { return };
        let under_way = UnderWay::new(self);
        let stop = site.stop.clone();
        site.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = deliver(&under_way.0, &delivery, delay) => {}
            }
            drop(under_way);
        });
    }

    async fn attempt(&self, delivery: &Delivery, payload: &Value, timeout: Duration) -> Result<(), &'static str> {
        const BROKEN: &str = "INVALID_REMOTE_INVOCATION_ERROR";
        let app = self.current(&delivery.app).unwrap_or_else(|| delivery.app.clone());
        let site = self.site().map_err(|_| BROKEN)?;
        let endpoint = app.manifest.endpoint(&delivery.endpoint).ok_or(BROKEN)?;
        let base = app.remote_address(&endpoint.remote).ok_or(BROKEN)?;
        let route = endpoint.route.as_deref().unwrap_or_default();
        let url = remote::append(&base, route).ok_or(BROKEN)?;
        let origin = Origin::Endpoint { endpoint: &endpoint.key, module: &delivery.module };
        let body = match self.settings.event_body {
            EventBody::Wrapped => json!({"payload": payload}),
            EventBody::Bare => payload.clone(),
        };
        let call = Call {
            url,
            method: reqwest::Method::POST,
            headers: std::collections::BTreeMap::new(),
            body: Some(body),
            invocation_token: self.invocation_token(&app, &origin).map_err(|_| BROKEN)?,
            // Nobody is in session, so there is never a user's token.
            oauth: self.oauth_headers(&app, Some(endpoint), None).map_err(|_| BROKEN)?,
            timeout,
        };
        match call.send(&site.http).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Err(CallError::Token) => Err("INVALID_FORGE_INVOCATION_TOKEN"),
            Err(CallError::Timeout(_)) => Err("TIMEOUT_ERROR"),
            Ok(_) | Err(_) => Err(BROKEN),
        }
    }
}

async fn deliver(host: &Host, delivery: &Delivery, delay: Duration) {
    tokio::time::sleep(delay).await;
    let mut payload = delivery.payload.clone();
    for retry in 0..=RETRIES {
        if host.current(&delivery.app).is_none() {
            return;
        }
        let Err(reason) = host.attempt(delivery, &payload, host.settings.event_timeout).await else {
            return;
        };
        if retry == RETRIES {
            tracing::warn!(reason, module = delivery.module, "an event was given up");
            return;
        }
        let context = json!({"retryCount": retry + 1, "retryReason": reason, "retryData": null});
        payload::set(&mut payload, "retryContext", context);
        tokio::time::sleep(host.settings.event_retry).await;
    }
}
