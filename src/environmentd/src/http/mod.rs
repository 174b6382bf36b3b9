//! HTTP: health and metrics.

use crate::coord::Environment;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener, env: Environment) {
    let router = Router::new()
        .route("/api/livez", get(|| async { "ok" }))
        .route("/api/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(env);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the HTTP server ended");
    }
}

async fn ready(State(env): State<Environment>) -> (StatusCode, &'static str) {
    if env.is_ready() { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "starting") }
}

async fn metrics(State(env): State<Environment>) -> String {
    env.metrics()
}
