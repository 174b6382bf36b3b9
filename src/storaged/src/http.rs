//! Metrics and health over HTTP, for operators.

use crate::report::Reports;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus::{Encoder, IntGaugeVec, Opts, Registry, TextEncoder};
use proto::storage::StorageResponse;
use tokio::net::TcpListener;

/// Serves `/metrics`, `/api/livez` and `/api/readyz` until aborted.
pub async fn serve(listener: TcpListener, reports: Reports) {
    let routes = axum::Router::new()
        .route("/metrics", get(metrics))
        .route("/api/livez", get(|| async { "ok\n" }))
        .route("/api/readyz", get(|| async { "ready\n" }))
        .with_state(reports);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!("HTTP server ended: {error}");
    }
}

async fn metrics(State(reports): State<Reports>) -> impl IntoResponse {
    let text = render(&reports).unwrap_or_else(|error| format!("# {error}\n"));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

/// The statistics of all sources; a fresh registry each time, so that a dropped source is gone.
fn render(reports: &Reports) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    let gauge = |name: &str, help: &str| -> Result<IntGaugeVec, prometheus::Error> {
        let gauge = IntGaugeVec::new(Opts::new(name, help), &["source_id"])?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    };
    let messages = gauge("mz_source_messages_received", "Upstream messages received")?;
    let bytes = gauge("mz_source_bytes_received", "Upstream bytes received")?;
    let updates = gauge("mz_source_updates_committed", "Updates committed")?;
    let snapshot = gauge("mz_source_snapshot_rows", "Rows of the snapshot read so far")?;
    let known = gauge("mz_source_offset_known", "Upstream position known to exist")?;
    let committed = gauge("mz_source_offset_committed", "Upstream position committed")?;
    for statistics in reports.statistics() {
        let StorageResponse::Statistics {
            id,
            messages_received,
            bytes_received,
            updates_committed,
            snapshot_rows,
            offset_known,
            offset_committed,
        } = statistics
        else {
            continue;
        };
        let id = id.to_string();
        let set = |gauge: &IntGaugeVec, value: u64| gauge.with_label_values(&[&id]).set(value as i64);
        set(&messages, messages_received);
        set(&bytes, bytes_received);
        set(&updates, updates_committed);
        set(&snapshot, snapshot_rows);
        set(&known, offset_known);
        set(&committed, offset_committed);
    }
    let mut out = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}
