//! Traces to the operator's collector, as OpenTelemetry over HTTP.
//!
//! What leaves is the spans of [`kernel::SPANS`], whose fields are ours: names of routes, kinds of jobs, purposes of calls,
//! codes, numbers, times. It must never carry an address as it was sent, an id of Jira's, a person's word, or a log line.
//! The way is an [`OperatorDoor`], so that the calls stand on the outward-call ledger. A collector that does not answer costs
//! spans and nothing else: the queue is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use host::door::Outward;
use host::{OperatorDoor, Purpose};
use http::{HeaderValue, Request, Response};
use kernel::Clock;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::config::{ConfigFault, TracesConfig};

/// Where a collector takes spans, below its address.
const PATH: &str = "v1/traces";
/// Spans that wait. Beyond it new ones are dropped: a few seconds of a busy node.
const QUEUE: usize = 8192;
/// Spans of one message; about 200 bytes each.
const BATCH: usize = 1024;
/// How long a message may take, and how long the last one may hold up the program's end.
const SEND_TIME: Duration = Duration::from_secs(10);
/// Of an answer: it says at most how many spans were refused.
const ANSWER_BYTES: usize = 64 * 1024;

/// A way to a collector, and the tracer that fills it; cheap to clone.
#[derive(Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
    way: OperatorDoor,
}

impl Traces {
    /// To the collector that the configuration names, if it names one. Must be called on the runtime that then carries the messages.
    ///
    /// # Errors
    /// An authorization that cannot be read, an address that no configuration can make right.
    pub fn open(config: &TracesConfig, region: &str, clock: Arc<dyn Clock>) -> Result<Option<Self>, ConfigFault> {
        let Some(address) = &config.address else { return Ok(None) };
        let agent = concat!("Steward/", env!("CARGO_PKG_VERSION"));
        let wrong = |what: &str, why: String| ConfigFault(format!("traces.{what}: {why}"));
        let way = OperatorDoor::new(Purpose::Traces, address, None, agent, clock)
            .map_err(|fault| wrong("address", crate::doctor::cause(&fault)))?;
        let authorization = config.authorization_file.as_ref().map(|file| {
            let read = std::fs::read_to_string(file)
                .map_err(|error| wrong("authorization_file", format!("{}: {error}", file.display())))?;
            let mut value = HeaderValue::from_str(read.trim())
                .map_err(|_| wrong("authorization_file", "it holds signs that no header has".to_owned()))?;
            value.set_sensitive(true);
            Ok::<_, ConfigFault>(value)
        });
        let collector = Collector {
            way: way.clone(),
            authorization: authorization.transpose()?,
            runtime: Handle::current(),
            answers: AtomicBool::new(true),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(below(address).as_str())
            .with_timeout(SEND_TIME)
            .build()
            .map_err(|error| wrong("address", error.to_string()))?;
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).build();
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "steward"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
                KeyValue::new("cloud.region", region.to_owned()),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.ratio))))
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .build();
        Ok(Some(Self { provider, way }))
    }

    /// What turns spans of ours into traces.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == kernel::SPANS);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("steward"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    /// The way that its messages take, for the ledger.
    pub(crate) fn way(&self) -> OperatorDoor {
        self.way.clone()
    }

    /// Sends what waits, for ten seconds at most.
    pub async fn close(self) {
        // It blocks until its own thread has sent, whose call needs this runtime.
        let sent = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(SEND_TIME)).await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::warn!(event = "traces_lost");
        }
    }
}

/// `address` may have a path of its own, as hosted collectors do.
fn below(address: &Url) -> String {
    format!("{}/{PATH}", address.as_str().trim_end_matches('/'))
}

/// The collector, as the exporter's thread calls it.
struct Collector {
    way: OperatorDoor,
    authorization: Option<HeaderValue>,
    runtime: Handle,
    /// Whether the last message was taken: a collector that is away is told of once.
    answers: AtomicBool,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut call = Outward::new(parts.method, parts.uri.to_string().parse()?);
        call.headers = parts.headers;
        call.authorization = self.authorization.clone();
        call.body = Some(body);
        call.time = SEND_TIME;
        call.body_limit = ANSWER_BYTES;
        let way = self.way.clone();
        // The exporter's thread is none of the runtime's.
        let answer = self.runtime.spawn(async move { way.send(call).await }).await?;
        let taken = answer.as_ref().is_ok_and(|reply| reply.status.is_success());
        metrics::counter!("steward_trace_messages_total", "outcome" => if taken { "taken" } else { "lost" })
            .increment(1);
        if self.answers.swap(taken, Ordering::Relaxed) != taken {
            match (&answer, taken) {
                (_, true) => tracing::info!(event = "traces_sent_again"),
                (Ok(reply), false) => tracing::warn!(event = "traces_refused", status = reply.status.as_u16()),
                (Err(fault), false) => tracing::warn!(event = "traces_not_sent", code = fault.code()),
            }
        }
        let reply = answer.map_err(|fault| HttpError::from(fault.code()))?;
        let mut response = Response::new(reply.body);
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }
}
