//! Logs as typed events, metrics, and traces.

mod traces;

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{ConfigFault, LogConfig, LogFormat};
pub use traces::Traces;

/// Seconds; from a cached read to what Forge still waits for.
const REQUEST_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 25.0];

/// How often what was counted is summed up. A request is kept as itself until then.
const SUM_EVERY: Duration = Duration::from_secs(5);

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

    /// Sums up what was counted, for as long as it is let: also where nobody reads the metrics, memory does not grow.
    pub(crate) async fn keep_summing(self) {
        let mut every = tokio::time::interval(SUM_EVERY);
        loop {
            every.tick().await;
            self.0.run_upkeep();
        }
    }

    pub(crate) fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Sends log events to `writer`, and spans to the collector if there is one.
pub fn log_to<W>(config: &LogConfig, traces: Option<&Traces>, writer: W) -> Result<(), ConfigFault>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{},sqlx=off,hyper=off,h2=off,rustls=off,reqwest=off", config.level))
        .map_err(|_| ConfigFault("log.level: error, warn, info or debug.".to_owned()))?
        // Spans are for traces alone: a log line says by itself what it is about.
        .and(filter_fn(|metadata| metadata.is_event()));
    let lines = tracing_subscriber::fmt::layer().with_target(false);
    let lines = match config.format {
        LogFormat::Json => lines.json().flatten_event(true).with_writer(writer).with_filter(filter).boxed(),
        LogFormat::Text => lines.with_writer(writer).with_filter(filter).boxed(),
    };
    let set = tracing_subscriber::registry().with(lines).with(traces.map(Traces::layer)).try_init();
    set.map_err(|error| ConfigFault(format!("log: {error}")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Memory of this process, in MiB, as Linux tells it. The collector does not say how much it keeps; nextest gives each test a
    /// process of its own.
    fn resident() -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_summed_up_all_the_same() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = Metrics(recorder.handle());
        let summing = tokio::spawn(metrics.clone().keep_summing());
        let count = |some: u32| {
            metrics::with_local_recorder(&recorder, || {
                let histogram = metrics::histogram!("steward_http_request_seconds", "route" => "/");
                (0..some).for_each(|number| histogram.record(f64::from(number)));
            });
        };
        count(200_000);
        // The clock stands: nobody waits here, and it goes on to when the others are due.
        tokio::time::sleep(SUM_EVERY).await;
        let before = resident();
        for _ in 0..20 {
            count(200_000);
            tokio::time::sleep(SUM_EVERY).await;
        }
        // Otherwise some 64 MiB are kept. What other tests do in the same process has room, where they are run so.
        assert!(resident() - before < 32.0, "{before} {}", resident());
        assert!(metrics.render().contains("steward_http_request_seconds_count{route=\"/\"} 4200000"), "none is lost");
        summing.abort();
    }
}
