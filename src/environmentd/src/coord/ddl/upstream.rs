//! Asking an upstream PostgreSQL what it has.

use super::ingestion::text_of;
use crate::catalog::secrets::SecretStore;
use repr::{SqlError, SqlState};
use sql::plan::{ConnectionDetails, PostgresConnection};
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};

/// How long an upstream may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A table of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its oid.
    pub oid: u32,
    /// `pg_class.relreplident`
    pub identity: char,
    /// Its published columns, in order.
    pub columns: Vec<UpstreamColumn>,
    /// Numbers of the columns of its primary key and of the index chosen as replica identity.
    pub keys: Vec<UpstreamKey>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamColumn {
    /// Its name.
    pub name: String,
    /// `attnum`
    pub number: i16,
    /// Its type's oid.
    pub type_oid: u32,
    /// Its type's modifier.
    pub typmod: i32,
    /// Its type as PostgreSQL prints it.
    pub type_name: String,
    /// Whether it is declared `NOT NULL`.
    pub not_null: bool,
}

/// A unique index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamKey {
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether it was chosen as replica identity.
    pub identity: bool,
    /// Numbers of its columns.
    pub columns: Vec<i16>,
}

/// Connects to what a connection names.
pub async fn connect(details: &ConnectionDetails, secrets: &SecretStore) -> Result<Client, SqlError> {
    let ConnectionDetails::Postgres(details) = details;
    let mut config = tokio_postgres::Config::new();
    config.host(&details.host).port(details.port).dbname(&details.database);
    config.user(text_of(&details.user, secrets)?).application_name("freshet").connect_timeout(CONNECT_TIMEOUT);
    if let Some(password) = details.password {
        config.password(secrets.get(password)?);
    }
    config.ssl_mode(ssl_mode(details)?);
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, config.connect(NoTls)).await;
    let (client, connection) = match connected {
        Ok(connected) => connected.map_err(|error| unreachable(details, &error))?,
        Err(_elapsed) => {
            let what = format!("{}:{} does not answer", details.host, details.port);
            return Err(SqlError::new(SqlState::CONNECTION_EXCEPTION, what));
        }
    };
    // It ends with the client; errors reach the client's queries.
    tokio::spawn(connection);
    Ok(client)
}

fn ssl_mode(details: &PostgresConnection) -> Result<SslMode, SqlError> {
    match details.ssl_mode.as_str() {
        "disable" => Ok(SslMode::Disable),
        "prefer" | "allow" | "" => Ok(SslMode::Prefer),
        other => Err(SqlError::unsupported(format!("SSL MODE '{other}'")).hint("Use 'disable' or 'prefer'.")),
    }
}

/// An error of the upstream in its own words; without them, where it was sought.
fn unreachable(details: &PostgresConnection, error: &tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(_) => refused(error),
        None => {
            let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
            let what = format!("cannot connect to PostgreSQL at {}:{}: {reason}", details.host, details.port);
            SqlError::new(SqlState::CONNECTION_EXCEPTION, what)
        }
    }
}

/// An error that the upstream answered with.
pub fn refused(error: &tokio_postgres::Error) -> SqlError {
    let Some(db) = error.as_db_error() else {
        return SqlError::new(SqlState::CONNECTION_EXCEPTION, format!("the upstream PostgreSQL failed: {error}"));
    };
    let code = <[u8; 5]>::try_from(db.code().code().as_bytes()).map_or(SqlState::CONNECTION_EXCEPTION, SqlState);
    let mut refused = SqlError::new(code, format!("the upstream PostgreSQL refuses: {}", db.message()));
    refused.detail = db.detail().map(str::to_string);
    refused.hint = db.hint().map(str::to_string);
    refused
}

/// Checks that logical replication works at all and that the publication exists.
pub async fn check(client: &Client, publication: &str) -> Result<(), SqlError> {
    let row = client.query_one("SELECT current_setting('wal_level')", &[]).await.map_err(|e| refused(&e))?;
    let wal_level: &str = row.get(0);
    if wal_level != "logical" {
        let what = format!("the upstream PostgreSQL has wal_level {wal_level}, but logical replication needs logical");
        return Err(SqlError::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, what)
            .hint("Run ALTER SYSTEM SET wal_level = logical upstream and restart it."));
    }
    let found = client.query_opt("SELECT 1 FROM pg_publication WHERE pubname = $1", &[&publication]).await;
    if found.map_err(|e| refused(&e))?.is_none() {
        let what = format!("publication \"{publication}\" does not exist in the upstream database");
        let hint =
            format!("Run CREATE PUBLICATION {} FOR ALL TABLES upstream.", sql::catalog::quote_ident(publication));
        return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, what).hint(hint));
    }
    Ok(())
}

/// The tables of a publication, by schema and name.
pub async fn tables(client: &Client, publication: &str) -> Result<Vec<UpstreamTable>, SqlError> {
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text, c.oid, c.relreplident::text
             FROM pg_publication_tables p
             JOIN pg_namespace n ON n.nspname = p.schemaname
             JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename
             WHERE p.pubname = $1 ORDER BY 1, 2",
            &[&publication],
        )
        .await
        .map_err(|e| refused(&e))?;
    let mut tables = Vec::new();
    for row in rows {
        let oid = row.get(2);
        tables.push(UpstreamTable {
            schema: row.get(0),
            name: row.get(1),
            oid,
            identity: row.get::<_, &str>(3).chars().next().unwrap_or('d'),
            columns: columns(client, oid).await?,
            keys: keys(client, oid).await?,
        });
    }
    Ok(tables)
}

async fn columns(client: &Client, table: u32) -> Result<Vec<UpstreamColumn>, SqlError> {
    // Generated columns are not replicated (PostgreSQL 15, "Logical Replication", restrictions).
    let rows = client
        .query(
            "SELECT attname::text, attnum, atttypid, atttypmod, format_type(atttypid, atttypmod), attnotnull
             FROM pg_attribute
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
             ORDER BY attnum",
            &[&table],
        )
        .await
        .map_err(|e| refused(&e))?;
    let column = |row: &tokio_postgres::Row| UpstreamColumn {
        name: row.get(0),
        number: row.get(1),
        type_oid: row.get(2),
        typmod: row.get(3),
        type_name: row.get(4),
        not_null: row.get(5),
    };
    Ok(rows.iter().map(column).collect())
}

async fn keys(client: &Client, table: u32) -> Result<Vec<UpstreamKey>, SqlError> {
    let rows = client
        .query(
            "SELECT indisprimary, indisreplident, indkey::int2[]
             FROM pg_index WHERE indrelid = $1 AND (indisprimary OR indisreplident)",
            &[&table],
        )
        .await
        .map_err(|e| refused(&e))?;
    let key =
        |row: &tokio_postgres::Row| UpstreamKey { primary: row.get(0), identity: row.get(1), columns: row.get(2) };
    Ok(rows.iter().map(key).collect())
}
