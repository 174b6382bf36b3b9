//! What storaged needs to know of a source: its catalog entry with tables, shards and secrets filled in.

use super::create::source_clock;
use crate::catalog::secrets::SecretStore;
use crate::catalog::{Catalog, Entry};
use proto::storage::{IngestionConnection, IngestionDescription, IngestionExport, PostgresIngestion};
use repr::{GlobalId, SqlError};
use sql::catalog::{Ingestion, ItemDetails};
use sql::plan::{ConnectionDetails, LoadGenerator, PostgresConnection, StringOrSecret};
use std::collections::BTreeMap;

/// The description of a source; none if the item is no source.
pub fn describe(
    catalog: &Catalog,
    id: GlobalId,
    secrets: &SecretStore,
    epoch: u64,
) -> Result<Option<IngestionDescription>, SqlError> {
    let Some(entry) = catalog.entry(id) else { return Ok(None) };
    let ItemDetails::Source { ingestion, .. } = &entry.item.details else { return Ok(None) };
    let connection = match ingestion {
        Ingestion::Postgres { connection, publication, slot } => {
            let details = match catalog.item(*connection).map(|item| &item.details) {
                Some(ItemDetails::Connection(ConnectionDetails::Postgres(details))) => details,
                _ => return Err(SqlError::internal("a source without its connection")),
            };
            IngestionConnection::Postgres(postgres(details, publication, slot, secrets)?)
        }
        Ingestion::LoadGenerator(LoadGenerator::Counter { tick, max_cardinality }) => IngestionConnection::Counter {
            tick_ms: u64::try_from(tick.as_millis()).unwrap_or(u64::MAX),
            max_cardinality: *max_cardinality,
        },
    };
    let exports = exports(catalog, entry);
    Ok(Some(IngestionDescription { id, epoch, clock: source_clock(id), connection, exports }))
}

fn postgres(
    details: &PostgresConnection,
    publication: &str,
    slot: &str,
    secrets: &SecretStore,
) -> Result<PostgresIngestion, SqlError> {
    Ok(PostgresIngestion {
        host: details.host.clone(),
        port: details.port,
        user: text_of(&details.user, secrets)?,
        password: details.password.map(|secret| secrets.get_text(secret)).transpose()?,
        database: details.database.clone(),
        ssl_mode: details.ssl_mode.clone(),
        ssl_certificate_authority: details
            .ssl_certificate_authority
            .as_ref()
            .map(|authority| text_of(authority, secrets))
            .transpose()?,
        publication: publication.to_string(),
        slot: slot.to_string(),
    })
}

/// A value given in the statement, or the secret's.
pub fn text_of(value: &StringOrSecret, secrets: &SecretStore) -> Result<String, SqlError> {
    match value {
        StringOrSecret::String(text) => Ok(text.clone()),
        StringOrSecret::Secret(id) => secrets.get_text(*id),
    }
}

/// The outputs: the source itself if it is a relation, and its tables.
fn exports(catalog: &Catalog, source: &Entry) -> BTreeMap<GlobalId, IngestionExport> {
    let own = source.item.details.desc().zip(source.shard).map(|(desc, shard)| IngestionExport {
        shard,
        desc: desc.clone(),
        schema: String::new(),
        table: String::new(),
        oid: 0,
        columns: desc.names.clone(),
        identity: Vec::new(),
    });
    let tables = catalog.used_by(source.item.id).filter_map(|id| {
        let entry = catalog.entry(id)?;
        let ItemDetails::SourceTable { export, .. } = &entry.item.details else { return None };
        let table = IngestionExport {
            shard: entry.shard?,
            desc: export.desc.clone(),
            schema: export.schema.clone(),
            table: export.table.clone(),
            oid: export.oid,
            columns: export.columns.clone(),
            identity: export.identity.clone(),
        };
        Some((id, table))
    });
    own.map(|own| (source.item.id, own)).into_iter().chain(tables).collect()
}
