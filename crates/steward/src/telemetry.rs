//! Logs as typed events, and metrics.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigFault, LogConfig, LogFormat};

/// Seconds; from a cached read to what Forge still waits for.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 25.0];

/// What collects metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the collector of this process. The first one stays: a second call answers with a handle of its own, to
    /// which nothing is counted.
    pub fn install() -> Result<Self, ConfigFault> {
        let built = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &REQUEST_BUCKETS)
            .map_err(|error| ConfigFault(format!("metrics: {error}")))?;
        let recorder = built.build_recorder();
        let handle = recorder.handle();
        // Fails when one is installed already, as in tests with several programs in one process.
        let _ = metrics::set_global_recorder(recorder);
        Ok(Self(handle))
    }

    pub(crate) fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Sends log events to `writer`.
pub fn log_to<W>(config: &LogConfig, writer: W) -> Result<(), ConfigFault>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{},sqlx=off,hyper=off,h2=off,rustls=off,reqwest=off", config.level))
        .map_err(|_| ConfigFault("log.level: error, warn, info or debug.".to_owned()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let set = match config.format {
        LogFormat::Json => registry
            .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_writer(writer))
            .try_init(),
        LogFormat::Text => {
            registry.with(tracing_subscriber::fmt::layer().with_target(false).with_writer(writer)).try_init()
        }
    };
    set.map_err(|error| ConfigFault(format!("log: {error}")))
}
