//! Traces: what reaches a collector, and what never does.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use steward::config::{LogConfig, TracesConfig};
use steward::telemetry::{Traces, log_to};

use crate::world::World;

/// A collector that keeps what it is sent, as it came.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    async fn start(&self, status: StatusCode) -> String {
        let take = move |State(kept): State<Self>, headers: HeaderMap, body: Bytes| async move {
            kept.0.lock().unwrap().push((headers, body));
            status
        };
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}/otlp/", listener.local_addr().unwrap());
        let router = Router::new().route("/otlp/v1/traces", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().iter().flat_map(|(_, body)| body.to_vec()).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let kept = self.0.lock().unwrap();
        let messages = kept.iter().map(|(_, body)| ExportTraceServiceRequest::decode(body.clone()).unwrap());
        messages
            .flat_map(|message| message.resource_spans)
            .flat_map(|resource| {
                let attributes = resource.resource.unwrap().attributes;
                assert_eq!(text(&attributes, "service.name").as_deref(), Some("steward"));
                assert_eq!(text(&attributes, "cloud.region").as_deref(), Some("test"));
                resource.scope_spans
            })
            .flat_map(|scope| scope.spans)
            .collect()
    }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{key}: {other:?}"),
    }
}

fn opened(world: &World, config: &TracesConfig) -> Traces {
    Traces::open(config, &world.config.data.region, world.clock.clone()).unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_calls_and_jobs_reach_the_collector_without_a_word_of_anybodys() {
    let world = World::start().await;
    let collector = Collector::default();
    let file = world.folder.path().join("authorization");
    std::fs::write(&file, "Bearer of-the-collector\n").unwrap();
    let config = TracesConfig {
        address: Some(collector.start(StatusCode::OK).await.parse().unwrap()),
        authorization_file: Some(file),
        ratio: 1.0,
    };
    let traces = opened(&world, &config);
    log_to(&LogConfig { level: "error".to_owned(), ..LogConfig::default() }, Some(&traces), std::io::sink).unwrap();

    let field = json!({"entity": "customer", "name": "zqcanaryfield", "type": "text"});
    world.admin().post("/api/v1/fields", field).await.expect(201);
    world.agent().get("/api/v1/panel?issue=zqcanaryissue").await.expect(404);
    world.agent().get("/api/v1/customers?query=name%20~%20zqcanaryquery").await.expect(200);
    world.program.runner.drain().await.unwrap();
    traces.close().await;

    let spans = collector.spans();
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let made = named("POST /api/v1/fields");
    assert_eq!(made.len(), 1, "{:?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    assert_eq!(text(&made[0].attributes, "http.response.status_code").as_deref(), Some("201"));
    assert_eq!(text(&made[0].attributes, "http.route").as_deref(), Some("/api/v1/fields"));
    // What it waited for stands below it, in the same trace.
    let below = |name: &str, above: &Span| {
        named(name).iter().any(|span| span.trace_id == above.trace_id && span.parent_span_id == above.span_id)
    };
    assert!(below("store.commit", made[0]));
    let panel = named("GET /api/v1/panel");
    assert!(below("jira.platform", panel[0]), "Jira was asked for the issue");
    // Nothing of what was sent, asked for or named, and nothing of Jira's addresses.
    let bytes = collector.bytes();
    for word in ["zqcanary", &*world.jira.url().to_owned(), "Bearer", "127.0.0.1"] {
        assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
    let kept = collector.0.lock().unwrap();
    assert!(kept.iter().all(|(headers, _)| headers["authorization"] == "Bearer of-the-collector"));
    assert!(kept.iter().all(|(headers, _)| headers["content-type"] == "application/x-protobuf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_the_collector_stand_on_the_ledger_and_one_that_is_away_breaks_nothing() {
    let world = World::start().await;
    let collector = Collector::default();
    let address = collector.start(StatusCode::SERVICE_UNAVAILABLE).await.parse().unwrap();
    let traces = opened(&world, &TracesConfig { address: Some(address), ..TracesConfig::default() });
    log_to(&LogConfig { level: "error".to_owned(), ..LogConfig::default() }, Some(&traces), std::io::sink).unwrap();
    let parts = steward::program::Parts::of(&world.config, world.clock.clone()).unwrap();
    let parts = steward::program::Parts { traces: Some(traces), ..parts };
    let program = steward::program::Program::open(&world.config, parts).await.unwrap();
    World::send_to(&program, axum::http::Request::get("/healthz").body(axum::body::Body::empty()).unwrap()).await;
    program.close().await.unwrap();
    assert!(!collector.bytes().is_empty());
    let lines = store::outward::list(&world.program.store, kernel::TenantId::SERVER, 100).await.unwrap();
    assert!(lines.iter().any(|line| line.purpose == "operator.traces"), "{:?}", lines.len());
}
