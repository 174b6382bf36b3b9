//! Connections upstream, ordinary and for replication; the slot; and what PostgreSQL's errors mean for a source.

use super::pgoutput;
use crate::ingestion::SourceError;
use pgwire_replication::{Lsn, PgWireError, ReplicationClient, ReplicationConfig};
use proto::storage::PostgresIngestion;
use repr::GlobalId;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// Found in `pg_stat_activity`.
const APPLICATION_NAME: &str = "freshet";
/// The text forms that `decode` reads, whatever the server's or role's defaults are.
const SESSION_OPTIONS: &str = "-c client_encoding=UTF8 -c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC \
     -c extra_float_digits=3 -c bytea_output=hex -c statement_timeout=0 -c idle_in_transaction_session_timeout=0";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often upstream hears how far we are: it keeps its log that long.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// Messages read ahead: enough to keep both sides busy while a commit is under way.
const READ_AHEAD_MESSAGES: usize = 8192;
/// PostgreSQL's own limit on a value, with its message around it.
const MESSAGE_BYTES_MAX: usize = (1 << 30) + (64 << 20);
/// How often, and how long between, a slot is tried to be dropped after its source is gone.
const RELEASE_ATTEMPTS: u32 = 60;
const RELEASE_RETRY: Duration = Duration::from_secs(10);
/// A walsender that was told to go takes a moment.
const SLOT_RETRY: Duration = Duration::from_millis(100);
const SLOT_ATTEMPTS: u32 = 100;

/// An ordinary connection.
pub async fn connect(connection: &PostgresIngestion) -> Result<Client, SourceError> {
    check_tls(connection)?;
    let mut config = Config::new();
    config
        .host(&connection.host)
        .port(connection.port)
        .user(&connection.user)
        .dbname(&connection.database)
        .application_name(APPLICATION_NAME)
        .options(SESSION_OPTIONS)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(Duration::from_secs(30))
        .keepalives_idle(Duration::from_secs(15));
    if let Some(password) = &connection.password {
        config.password(password);
    }
    let connected = tokio::time::timeout(CONNECT_TIMEOUT * 2, config.connect(NoTls)).await;
    let connected = connected.map_err(|_| unreachable(connection, "no answer"))?;
    let (client, driver) = connected.map_err(|error| connect_error(connection, &error))?;
    tokio::spawn(async move {
        // Whoever uses the client sees the same error.
        if let Err(error) = driver.await {
            tracing::debug!("upstream connection ended: {error}");
        }
    });
    Ok(client)
}

/// A connection in replication mode that waits for commands.
pub async fn connect_replication(connection: &PostgresIngestion) -> Result<ReplicationClient, SourceError> {
    let client = ReplicationClient::connect_gated(replication_config(connection));
    client.await.map_err(|error| wire_error(connection, error))
}

/// A replication stream from `lsn` on.
pub async fn start_replication(connection: &PostgresIngestion, lsn: u64) -> Result<ReplicationClient, SourceError> {
    let config = replication_config(connection).with_start_lsn(Lsn(lsn));
    let mut client = ReplicationClient::connect(config).await.map_err(|error| wire_error(connection, error))?;
    let started = tokio::time::timeout(CONNECT_TIMEOUT * 3, client.wait_started()).await;
    started.map_err(|_| unreachable(connection, "no answer"))?.map_err(|error| wire_error(connection, error))?;
    Ok(client)
}

fn replication_config(connection: &PostgresIngestion) -> ReplicationConfig {
    ReplicationConfig::new(
        connection.host.clone(),
        connection.user.clone(),
        connection.password.clone().unwrap_or_default(),
        connection.database.clone(),
        connection.slot.clone(),
        connection.publication.as_str(),
    )
    .with_port(connection.port)
    .with_options(SESSION_OPTIONS)
    .with_application_name(APPLICATION_NAME)
    .with_status_interval(STATUS_INTERVAL)
    .with_buffer_size(READ_AHEAD_MESSAGES)
    .with_max_message_size(MESSAGE_BYTES_MAX)
}

fn check_tls(connection: &PostgresIngestion) -> Result<(), SourceError> {
    match connection.ssl_mode.as_str() {
        "disable" | "prefer" | "allow" | "" => Ok(()),
        mode => Err(SourceError::failed(format!("SSL MODE {mode} is not supported"))
            .hint("use SSL MODE disable or prefer over a network that you trust")),
    }
}

fn unreachable(connection: &PostgresIngestion, reason: &str) -> SourceError {
    let message = format!("cannot connect to PostgreSQL at {}:{}: {reason}", connection.host, connection.port);
    SourceError::stalled(message).hint("check that the server runs, and host and port of the connection")
}

fn connect_error(connection: &PostgresIngestion, error: &tokio_postgres::Error) -> SourceError {
    if error.as_db_error().is_some() {
        return query_error(error);
    }
    unreachable(connection, &with_causes(error))
}

/// An error of an ordinary connection.
pub fn query_error(error: &tokio_postgres::Error) -> SourceError {
    let Some(db) = error.as_db_error() else {
        return SourceError::stalled(format!("connection to PostgreSQL lost: {}", with_causes(error)));
    };
    let stalled = SourceError::stalled(format!("PostgreSQL: {}", db.message()));
    let code = db.code();
    if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        return stalled.hint("check user and password of the connection");
    }
    if *code == SqlState::INVALID_CATALOG_NAME {
        return stalled.hint("check the database of the connection");
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return stalled.hint("the user needs REPLICATION, and SELECT on all tables of the publication");
    }
    match db.hint() {
        Some(hint) => stalled.hint(hint),
        None => stalled,
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// An error of a replication connection.
pub fn wire_error(connection: &PostgresIngestion, error: PgWireError) -> SourceError {
    match error {
        PgWireError::Io(error) => unreachable(connection, &error.to_string()),
        PgWireError::Auth(message) => SourceError::stalled(format!("PostgreSQL refused the login: {message}"))
            .hint("check user and password of the connection"),
        PgWireError::Server(message) => SourceError::stalled(format!("PostgreSQL: {message}")),
        other => SourceError::stalled(format!("replication failed: {other}")),
    }
}

impl From<pgoutput::Malformed> for SourceError {
    fn from(error: pgoutput::Malformed) -> Self {
        SourceError::stalled(error.to_string())
    }
}

/// Whether the slot is there and of use; ends whoever holds it, who can only be a former self.
pub async fn claim_slot(client: &Client, slot: &str) -> Result<(), SourceError> {
    const SLOT: &str = "SELECT active_pid, coalesce(to_jsonb(s)->>'wal_status', 'reserved') \
         FROM pg_replication_slots s WHERE slot_name = $1";
    for _ in 0..SLOT_ATTEMPTS {
        let row = client.query_opt(SLOT, &[&slot]).await.map_err(|error| query_error(&error))?;
        let lost = |what: &str| {
            let message = format!("the replication slot \"{slot}\" {what}: changes since then are lost");
            SourceError::failed(message).hint("drop the source and create it again")
        };
        let Some(row) = row else { return Err(lost("no longer exists upstream")) };
        if row.get::<_, String>(1) == "lost" {
            return Err(lost("was invalidated upstream (max_slot_wal_keep_size)"));
        }
        let Some(pid) = row.get::<_, Option<i32>>(0) else { return Ok(()) };
        client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.map_err(|error| query_error(&error))?;
        tokio::time::sleep(SLOT_RETRY).await;
    }
    Err(SourceError::stalled(format!("the replication slot \"{slot}\" is in use by another process")))
}

/// Drops the slot if it exists, ending whoever holds it.
pub async fn drop_slot(client: &Client, slot: &str) -> Result<(), SourceError> {
    const HOLDER: &str = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1";
    for _ in 0..SLOT_ATTEMPTS {
        let row = client.query_opt(HOLDER, &[&slot]).await.map_err(|error| query_error(&error))?;
        let Some(row) = row else { return Ok(()) };
        if let Some(pid) = row.get::<_, Option<i32>>(0) {
            client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.map_err(|error| query_error(&error))?;
            tokio::time::sleep(SLOT_RETRY).await;
            continue;
        }
        match client.execute("SELECT pg_drop_replication_slot($1)", &[&slot]).await {
            Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => tokio::time::sleep(SLOT_RETRY).await,
            Err(error) => return Err(query_error(&error)),
            Ok(_) => return Ok(()),
        }
    }
    Err(SourceError::stalled(format!("the replication slot \"{slot}\" is in use by another process")))
}

/// Frees what a dropped source holds upstream, trying for ten minutes: a forgotten slot would keep all of upstream's log.
pub async fn release(id: GlobalId, connection: &PostgresIngestion) {
    for attempt in 1..=RELEASE_ATTEMPTS {
        let released = match connect(connection).await {
            Ok(client) => drop_slot(&client, &connection.slot).await,
            Err(error) => Err(error),
        };
        match released {
            Ok(()) => return tracing::info!("source {id}: its replication slot is dropped"),
            Err(error) if attempt == RELEASE_ATTEMPTS => {
                tracing::error!("source {id}: the replication slot \"{}\" stays upstream: {error}", connection.slot);
            }
            Err(error) => {
                tracing::warn!("source {id}: cannot drop the replication slot yet: {error}");
                tokio::time::sleep(RELEASE_RETRY).await;
            }
        }
    }
}
