//! Prometheus metrics of the process.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry, TextEncoder};
use std::sync::LazyLock;

/// The process's metrics.
pub static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// All metrics, registered.
pub struct Metrics {
    registry: Registry,
    /// Dataflows that run.
    pub dataflows: IntGauge,
    /// Peeks received.
    pub peeks: IntCounter,
    /// Seconds that one step of a worker took: while it lasts, nothing else runs there.
    pub step_seconds: Histogram,
    resident: IntGauge,
}

impl Metrics {
    fn new() -> Self {
        let buckets = vec![1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0];
        let steps = HistogramOpts::new("mz_compute_step_seconds", "Duration of one worker step").buckets(buckets);
        let valid = "metric names are valid and distinct";
        let metrics = Metrics {
            registry: Registry::new(),
            dataflows: IntGauge::new("mz_compute_dataflows", "Dataflows that run").expect(valid),
            peeks: IntCounter::new("mz_compute_peeks_total", "Peeks received").expect(valid),
            step_seconds: Histogram::with_opts(steps).expect(valid),
            resident: IntGauge::new("mz_compute_allocated_bytes", "Bytes allocated on the heap").expect(valid),
        };
        let all: [Box<dyn prometheus::core::Collector>; 4] = [
            Box::new(metrics.dataflows.clone()),
            Box::new(metrics.peeks.clone()),
            Box::new(metrics.step_seconds.clone()),
            Box::new(metrics.resident.clone()),
        ];
        for collector in all {
            metrics.registry.register(collector).expect(valid);
        }
        metrics
    }

    /// In Prometheus's text format.
    pub fn encode(&self) -> String {
        // Statistics of jemalloc are refreshed by advancing its epoch; without jemalloc (in tests) the gauge stays 0.
        if tikv_jemalloc_ctl::epoch::advance().is_ok()
            && let Ok(bytes) = tikv_jemalloc_ctl::stats::allocated::read()
        {
            self.resident.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
