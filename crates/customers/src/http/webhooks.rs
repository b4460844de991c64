//! /webhooks: receivers, for Jira's administrators; what became of messages, and sending them once more.

use axum::extract::State;
use jiff::Timestamp;
use kernel::Fault;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Admin, IfMatch, Json, Page, Path, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::webhooks::{self, OpenReceiver};
use crate::sql::webhooks::Delivery;
use crate::webhooks::event::EventKind;
use crate::webhooks::receiver::{ReceiverBody, ReceiverState, WebhookId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_webhooks, make_webhook))
        .routes(routes!(change_webhook, delete_webhook))
        .routes(routes!(rotate_secret))
        .routes(routes!(test_webhook))
        .routes(routes!(list_deliveries))
        .routes(routes!(replay_delivery))
        .routes(routes!(replay_span))
}

/// A receiver of webhooks, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WebhookView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Where messages go.
    url: String,
    /// What it is told.
    events: Vec<EventKind>,
    /// Whether values are told, of fields that customers may see.
    include_values: bool,
    /// Whether messages go out.
    state: ReceiverState,
    /// When it was named.
    made_at: String,
    /// Since when nothing reached it; null while it answers.
    failing_since: Option<String>,
    /// Messages that were given up, of the last 14 days.
    failed: i64,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl WebhookView {
    fn of((receiver, failed): (OpenReceiver, i64), exit: &Exit) -> Self {
        let ReceiverBody { name, url, events, values } = receiver.body.release(exit);
        Self {
            id: receiver.id.to_string(),
            name,
            url,
            events,
            include_values: values,
            state: receiver.state,
            made_at: receiver.made_at.to_string(),
            failing_since: receiver.failing_since.map(|at| at.to_string()),
            failed,
            version: receiver.version,
        }
    }
}

/// A receiver with a new secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewWebhookView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What messages to it are signed with: shown this once.
    #[schema(example = "whsec_…")]
    secret: String,
}

/// A receiver as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebhookInput {
    /// Its name, 1 to 100 characters.
    #[schema(example = "CRM", min_length = 1, max_length = 100)]
    name: String,
    /// An https address on the open internet, at most 2,000 characters. Redirects are not followed.
    #[schema(example = "https://crm.example.com/steward", max_length = 2000)]
    url: String,
    /// What it is told.
    #[schema(min_items = 1)]
    events: Vec<EventKind>,
    /// Whether values are told, of fields that customers may see. Values that agents alone see never leave.
    #[serde(default)]
    include_values: bool,
    /// Whether messages go out.
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
}

fn yes() -> bool {
    true
}

impl WebhookInput {
    fn body(self) -> (ReceiverBody, bool) {
        let Self { name, url, events, include_values, active } = self;
        (ReceiverBody { name, url, events, values: include_values }, active)
    }
}

/// What became of one message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    /// The event's number.
    sequence: i64,
    /// What happened; null where only this message was asked for.
    #[serde(rename = "type")]
    kind: Option<EventKind>,
    /// When it happened.
    happened_at: String,
    /// `waiting`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    state: String,
    /// Tries so far.
    attempts: i64,
    /// When it was last tried.
    attempted_at: Option<String>,
    /// When it is tried next, while it waits.
    next_attempt_at: Option<String>,
    /// The last answer's HTTP status; null when there was none.
    status: Option<i64>,
    /// Why it did not arrive, as a code.
    #[schema(example = "outward_timeout")]
    error: Option<String>,
}

impl DeliveryView {
    fn of(delivery: Delivery, kind: Option<EventKind>) -> Self {
        Self {
            sequence: delivery.seq,
            kind,
            happened_at: delivery.event_at.to_string(),
            next_attempt_at: (delivery.state == "waiting").then(|| delivery.due_at.to_string()),
            state: delivery.state,
            attempts: delivery.attempts,
            attempted_at: delivery.attempted_at.map(|at| at.to_string()),
            status: delivery.status,
            error: delivery.error,
        }
    }
}

/// Which messages.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum DeliveryFilter {
    /// All of them.
    #[default]
    All,
    /// Those that are yet to arrive.
    Waiting,
    /// Those that arrived.
    Delivered,
    /// Those that were given up.
    Failed,
}

impl DeliveryFilter {
    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// Which page of which messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct DeliveriesQuery {
    /// Only these.
    #[serde(default)]
    #[param(inline)]
    state: DeliveryFilter,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows a page, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A span of time.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReplayInput {
    /// From when on. Events are kept for 14 days.
    #[schema(value_type = String, format = DateTime, example = "2026-11-21T00:00:00Z")]
    from: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T00:00:00Z")]
    to: Timestamp,
    /// Whether those that arrived are sent once more too.
    #[serde(default)]
    delivered_too: bool,
}

/// What is sent once more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReplayView {
    /// The first event's number; null when nothing happened then.
    first: Option<i64>,
    /// The last one's.
    last: Option<i64>,
}

/// A message that goes out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SentView {
    /// Its number.
    sequence: i64,
}

/// List webhooks
#[utoipa::path(get, path = "/webhooks", tag = "webhooks",
    responses((status = 200, body = Page<WebhookView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_webhooks(State(room): State<Room>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let found = webhooks::list_webhooks(&caller.cx, &room).await?;
    Ok(Reply::ok(|exit| Page {
        items: found.into_iter().map(|webhook| WebhookView::of(webhook, exit)).collect(),
        next_cursor: None,
    }))
}

/// Make a webhook
///
/// The secret is in this answer only.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = WebhookInput,
    responses((status = 201, body = NewWebhookView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn make_webhook(
    State(room): State<Room>,
    Admin(caller): Admin,
    Json(input): Json<WebhookInput>,
) -> Result<Reply, Problem> {
    let (webhook, secret) = webhooks::make_webhook(&caller.cx, &room, &input.body().0).await?;
    let (location, version) = (format!("/api/v1/webhooks/{}", webhook.0.id), webhook.0.version);
    let reply = Reply::created(&location, |exit| NewWebhookView { webhook: WebhookView::of(webhook, exit), secret });
    Ok(reply.version(version))
}

/// Change a webhook, switch it on or off
///
/// What waits for one that is switched off is given up, and can be replayed.
#[utoipa::path(put, path = "/webhooks/{webhookId}", tag = "webhooks", request_body = WebhookInput,
    params(("webhookId" = String, Path, description = "Webhook id"), ("If-Match" = String, Header, description = "The webhook's ETag")),
    responses((status = 200, body = WebhookView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_webhook(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
    before: IfMatch,
    Json(input): Json<WebhookInput>,
) -> Result<Reply, Problem> {
    let (wanted, on) = input.body();
    let webhook = webhooks::change_webhook(&caller.cx, &room, id, before.required()?, &wanted, on).await?;
    let version = webhook.0.version;
    Ok(Reply::ok(|exit| WebhookView::of(webhook, exit)).version(version))
}

/// Delete a webhook
///
/// What became of its messages goes with it.
#[utoipa::path(delete, path = "/webhooks/{webhookId}", tag = "webhooks",
    params(("webhookId" = String, Path, description = "Webhook id"), ("If-Match" = String, Header, description = "The webhook's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn delete_webhook(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    webhooks::delete_webhook(&caller.cx, &room, id, before.required()?).await?;
    Ok(Reply::empty())
}

/// Make a new secret for a webhook
///
/// For a day messages carry two signatures, one of each secret.
#[utoipa::path(post, path = "/webhooks/{webhookId}/secret", tag = "webhooks", params(("webhookId" = String, Path, description = "Webhook id")),
    responses((status = 200, body = NewWebhookView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn rotate_secret(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
) -> Result<Reply, Problem> {
    let (webhook, secret) = webhooks::rotate_secret(&caller.cx, &room, id).await?;
    let version = webhook.0.version;
    Ok(Reply::ok(|exit| NewWebhookView { webhook: WebhookView::of(webhook, exit), secret }).version(version))
}

/// Send a test message
#[utoipa::path(post, path = "/webhooks/{webhookId}/test", tag = "webhooks", params(("webhookId" = String, Path, description = "Webhook id")),
    responses((status = 200, body = SentView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn test_webhook(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
) -> Result<Reply, Problem> {
    let sequence = webhooks::test_webhook(&caller.cx, &room, id).await?;
    Ok(Reply::ok(|_| SentView { sequence }))
}

/// List what became of a webhook's messages
///
/// Newest first, for 14 days.
#[utoipa::path(get, path = "/webhooks/{webhookId}/deliveries", tag = "webhooks", params(("webhookId" = String, Path, description = "Webhook id"), DeliveriesQuery),
    responses((status = 200, body = Page<DeliveryView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_deliveries(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Reply, Problem> {
    let limit = web::PageQuery { cursor: None, limit: query.limit }.limit()?;
    let before = match &query.cursor {
        None => i64::MAX,
        Some(cursor) => {
            cursor.parse().map_err(|_| Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was."))?
        }
    };
    let (page, next) = webhooks::list_deliveries(&caller.cx, &room, id, query.state.name(), before, limit).await?;
    Ok(Reply::ok(|_| Page {
        items: page.into_iter().map(|(delivery, kind)| DeliveryView::of(delivery, Some(kind))).collect(),
        next_cursor: next.map(|seq| seq.to_string()),
    }))
}

/// Send one message once more
#[utoipa::path(post, path = "/webhooks/{webhookId}/deliveries/{sequence}/replay", tag = "webhooks",
    params(("webhookId" = String, Path, description = "Webhook id"), ("sequence" = i64, Path, description = "The event's number")),
    responses((status = 200, body = DeliveryView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn replay_delivery(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path((id, sequence)): Path<(WebhookId, i64)>,
) -> Result<Reply, Problem> {
    let planned = webhooks::replay_delivery(&caller.cx, &room, id, sequence).await?;
    Ok(Reply::ok(|_| DeliveryView::of(planned, None)))
}

/// Send what happened within a span of time once more
///
/// What was given up, and what happened while the webhook was off; what arrived only if you say so.
#[utoipa::path(post, path = "/webhooks/{webhookId}/replay", tag = "webhooks", request_body = ReplayInput, params(("webhookId" = String, Path, description = "Webhook id")),
    responses((status = 200, body = ReplayView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn replay_span(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<WebhookId>,
    Json(input): Json<ReplayInput>,
) -> Result<Reply, Problem> {
    let ReplayInput { from, to, delivered_too } = input;
    let span = webhooks::replay_span(&caller.cx, &room, id, from, to, delivered_too).await?;
    Ok(Reply::ok(|_| ReplayView { first: span.map(|span| span.0), last: span.map(|span| span.1) }))
}
