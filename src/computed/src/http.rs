//! Metrics and health for operators.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener) {
    let router = Router::new()
        .route("/api/livez", get(|| async { "ok" }))
        .route("/api/readyz", get(|| async { "ready" }))
        .route("/metrics", get(|| async { crate::metrics::METRICS.encode() }));
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the HTTP server ended");
    }
}
