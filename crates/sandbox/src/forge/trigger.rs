//! Events and schedules, carried to an app's remote: late, sometimes twice, out of order or never,
//! and repeated when the remote fails.
//!
//! Start reading at [`listen`]. Each delivery is its own task, so a slow remote delays nobody else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{
    EventBody, Host, Installation, payload,
    remote::{self, Call, CallError},
    token::Origin,
};
use crate::deliveries::{self, Made, Ticket, What};

/// How often Forge sends an event again.
const RETRIES: u32 = 4;
/// Forge's limit for the call before uninstalling.
const UNINSTALL_TIMEOUT: Duration = Duration::from_secs(55);
/// A new schedule first runs about five minutes after deployment, a twelfth of an hour.
const FIRST_RUN: u32 = 12;
/// What a run of a schedule, and the call before uninstalling, are called among deliveries.
const SCHEDULE: &str = "scheduled trigger";
const BEFORE_UNINSTALL: &str = "before uninstalling";

/// What is delivered and where.
#[derive(Clone)]
pub(crate) struct Delivery {
    app: Arc<Installation>,
    /// Key of the trigger's module.
    pub(crate) module: String,
    endpoint: String,
    /// What it tells of; a schedule's run tells of nothing.
    event: String,
    payload: Value,
}

/// What came of one try.
struct Tried {
    status: Option<u16>,
    said: String,
    /// Why it failed, in Forge's words to the app.
    failed: Option<&'static str>,
}

impl Tried {
    fn failed(status: Option<u16>, said: impl Into<String>, why: &'static str) -> Self {
        Self { status, said: said.into(), failed: Some(why) }
    }
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
                let delivery = Delivery {
                    app: app.clone(),
                    module: module.clone(),
                    endpoint: endpoint.clone(),
                    event: SCHEDULE.to_owned(),
                    payload,
                };
                host.send(Arc::new(delivery), Duration::ZERO, None);
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
            event: BEFORE_UNINSTALL.to_owned(),
            payload: host.invocation_payload(module),
        };
        let delivery = Arc::new(delivery);
        let Some(site) = host.site.get() else { return };
        let ticket = site.deliveries.enter(host.made(&delivery, None));
        if let Some(reason) = host.attempt(&delivery, &delivery.payload, UNINSTALL_TIMEOUT, &ticket).await {
            tracing::info!(reason, "an app did not answer before it was uninstalled");
            ticket.end(false);
        } else {
            ticket.end(true);
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
            let delivery = Arc::new(Delivery {
                app: app.clone(),
                module: trigger.key.clone(),
                endpoint: trigger.endpoint.clone(),
                event: event.to_owned(),
                payload: payload.clone(),
            });
            if departures.is_empty() {
                tracing::info!(event, "an event is lost on its way, as happens");
                site.deliveries.lost(self.made(&delivery, None));
            }
            for delay in departures {
                self.send(delivery.clone(), delay, None);
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

    fn made(&self, delivery: &Arc<Delivery>, again_of: Option<u64>) -> Made {
        let app = self.current(&delivery.app).unwrap_or_else(|| delivery.app.clone());
        let url = self.address(&app, &delivery.endpoint);
        Made {
            what: What::Forge(delivery.clone()),
            to: app.name.clone(),
            url: url.map(String::from).unwrap_or_default(),
            event: delivery.event.clone(),
            body: serde_json::to_vec(&self.body(&delivery.payload)).ok().map(Into::into),
            again_of,
        }
    }

    fn body(&self, payload: &Value) -> Value {
        match self.settings.event_body {
            EventBody::Wrapped => json!({"payload": payload}),
            EventBody::Bare => payload.clone(),
        }
    }

    fn address(&self, app: &Installation, endpoint: &str) -> Option<url::Url> {
        let endpoint = app.manifest.endpoint(endpoint)?;
        remote::append(&app.remote_address(&endpoint.remote)?, endpoint.route.as_deref().unwrap_or_default())
    }

    fn send(self: &Arc<Self>, delivery: Arc<Delivery>, delay: Duration, again_of: Option<u64>) {
        let Some(site) = self.site.get() else { return };
        let under_way = UnderWay::new(self);
        let ticket = site.deliveries.enter(self.made(&delivery, again_of));
        let stop = site.stop.clone();
        site.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = deliver(&under_way.0, &delivery, &ticket, delay) => {}
            }
            drop(under_way);
        });
    }

    /// Sends the same once more, by hand, to the app as it is now.
    pub(crate) fn again(self: &Arc<Self>, delivery: &Arc<Delivery>, of: u64) -> Result<(), &'static str> {
        let app = self.current(&delivery.app).ok_or("The app is not installed any more.")?;
        if app.manifest.endpoint(&delivery.endpoint).is_none() {
            return Err("This version of the app has no such endpoint.");
        }
        self.send(delivery.clone(), Duration::ZERO, Some(of));
        Ok(())
    }

    /// Tries once, and writes it down; answers why it failed.
    async fn attempt(
        &self,
        delivery: &Delivery,
        payload: &Value,
        timeout: Duration,
        ticket: &Ticket,
    ) -> Option<&'static str> {
        let began = Instant::now();
        let tried = self.call(delivery, payload, timeout).await;
        let said = deliveries::beginning(&tried.said, deliveries::ANSWER_KEPT).to_owned();
        ticket.tried(began, tried.status, said);
        tried.failed
    }

    async fn call(&self, delivery: &Delivery, payload: &Value, timeout: Duration) -> Tried {
        const BROKEN: &str = "INVALID_REMOTE_INVOCATION_ERROR";
        let app = self.current(&delivery.app).unwrap_or_else(|| delivery.app.clone());
        let broken = |why: &str| Tried::failed(None, why, BROKEN);
        let Ok(site) = self.site() else { return broken("The site has not started.") };
        let Some(endpoint) = app.manifest.endpoint(&delivery.endpoint) else {
            return broken("The app has no such endpoint.");
        };
        let Some(url) = self.address(&app, &delivery.endpoint) else {
            return broken("The app’s remote has no address.");
        };
        let origin = Origin::Endpoint { endpoint: &endpoint.key, module: &delivery.module };
        // Nobody is in session, so there is never a user's token.
        let tokens = self.invocation_token(&app, &origin).ok().zip(self.oauth_headers(&app, Some(endpoint), None).ok());
        let Some((invocation_token, oauth)) = tokens else { return broken("No token could be made.") };
        let call = Call {
            url,
            method: reqwest::Method::POST,
            headers: std::collections::BTreeMap::new(),
            body: Some(self.body(payload)),
            invocation_token,
            oauth,
            timeout,
        };
        match call.send(&site.http).await {
            Ok(answer) => {
                let failed = (!(200..300).contains(&answer.status)).then_some(BROKEN);
                let said = answer.body.map(|body| body.to_string()).unwrap_or_default();
                Tried { status: Some(answer.status), said, failed }
            }
            Err(error) => {
                let (status, why) = match &error {
                    CallError::Token => (Some(401), "INVALID_FORGE_INVOCATION_TOKEN"),
                    CallError::Timeout(_) => (None, "TIMEOUT_ERROR"),
                    CallError::Network => (None, BROKEN),
                    CallError::ContentType { status, .. }
                    | CallError::Body { status }
                    | CallError::Redirect { status } => (Some(*status), BROKEN),
                };
                Tried::failed(status, error.to_string(), why)
            }
        }
    }
}

async fn deliver(host: &Host, delivery: &Delivery, ticket: &Ticket, delay: Duration) {
    let mut payload = delivery.payload.clone();
    let mut pause = delay;
    for retry in 0..=RETRIES {
        if !ticket.wait(pause).await {
            return;
        }
        if host.current(&delivery.app).is_none() {
            return ticket.end(false);
        }
        let Some(reason) = host.attempt(delivery, &payload, host.settings.event_timeout, ticket).await else {
            return ticket.end(true);
        };
        if retry == RETRIES {
            tracing::warn!(reason, module = delivery.module, "an event was given up");
            return ticket.end(false);
        }
        let context = json!({"retryCount": retry + 1, "retryReason": reason, "retryData": null});
        payload::set(&mut payload, "retryContext", context);
        pause = host.settings.event_retry;
    }
}
