//! CREATE SOURCE: asks the upstream which tables there are, and turns the statement into items: the source and one table each.

use super::create::source_clock;
use super::upstream::{self, UpstreamColumn, UpstreamTable};
use super::{Change, Environment, NewEntry, already_exists, ingestion, new_shard};
use crate::catalog::store::CatalogStore;
use crate::session::SessionContext;
use repr::{Frontier, GlobalId, RelationDesc, RelationType, ShardId, SqlError, SqlState, SqlType};
use sql::catalog::{Ingestion, ItemDetails, ItemName};
use sql::plan::{CreateItemPlan, ExportSelection, NewItem, SourceExport};

/// A column that is to be read as text: upstream schema, table, column.
type TextColumn = (String, String, String);

impl Environment {
    pub(super) async fn create_source(
        &self,
        store: &mut CatalogStore,
        cx: &SessionContext,
        mut change: Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<(), SqlError> {
        let shards = self.add_source(cx, &mut change, id, plan).await?;
        let clock = source_clock(id);
        let mut writer = self.0.persist.open_clock(&clock, self.0.epoch).await?;
        let descs: Vec<_> = shards.iter().map(|(_, shard, desc)| (*shard, desc.clone())).collect();
        // ORDER: as for views, shards before the catalog that names them.
        self.0.persist.create_shards(&mut writer, &descs).await?;
        for (item, shard, _) in &shards {
            self.0.controller.add_shard(*item, *shard, &clock, Frontier::MIN, Frontier::MIN);
        }
        let finished = self.finish(store, change).await;
        if finished.is_err() {
            shards.iter().for_each(|(item, _, _)| self.0.controller.remove_shard(*item));
        }
        let (catalog, _) = finished?;
        if let Some(description) = ingestion::describe(&catalog, id, &self.0.secrets, self.0.epoch)? {
            self.0.controller.run_ingestion(description);
        }
        Ok(())
    }

    /// Adds the source and its tables to the change; returns their shards.
    async fn add_source(
        &self,
        cx: &SessionContext,
        change: &mut Change,
        id: GlobalId,
        plan: CreateItemPlan,
    ) -> Result<Vec<(GlobalId, ShardId, RelationDesc)>, SqlError> {
        let NewItem::Source { ingestion, desc, exports, cluster, text_columns } = plan.item else {
            return Err(SqlError::internal("not a source"));
        };
        let Ingestion::Postgres { connection, publication, .. } = &ingestion else {
            let shard = new_shard();
            let own = desc.clone().map(|desc| (id, shard, desc));
            let details = ItemDetails::Source { desc, ingestion, cluster };
            let shard = own.is_some().then_some(shard);
            let (name, create_sql, depends_on) = (plan.name, plan.create_sql, plan.depends_on);
            change.add(cx, NewEntry { id, name, details, create_sql, depends_on, shard });
            return Ok(own.into_iter().collect());
        };
        let details = match change.catalog.item(*connection).map(|item| &item.details) {
            Some(ItemDetails::Connection(details)) => details.clone(),
            _ => return Err(SqlError::new(SqlState::UNDEFINED_OBJECT, "the connection was dropped")),
        };
        let client = upstream::connect(&details, &self.0.secrets).await?;
        upstream::check(&client, publication).await?;
        let published = upstream::tables(&client, publication).await?;
        let selected = select(&published, &exports, &plan.name, publication)?;
        check_text_columns(&selected, &text_columns)?;

        let slot = format!("materialize_{}", uuid::Uuid::new_v4().simple());
        let create_sql = sql::canonical::source_with_slot(&plan.create_sql, &slot)?;
        let (connection, publication) = (*connection, publication.clone());
        let ingestion = Ingestion::Postgres { connection, publication, slot };
        let source = ItemDetails::Source { desc: None, ingestion, cluster };
        let (name, depends_on) = (plan.name, plan.depends_on);
        change.add(cx, NewEntry { id, name, details: source, create_sql, depends_on, shard: None });
        add_tables(cx, change, id, selected, &text_columns)
    }
}

/// Adds a table for each export.
fn add_tables(
    cx: &SessionContext,
    change: &mut Change,
    source: GlobalId,
    selected: Vec<(ItemName, &UpstreamTable)>,
    text_columns: &[TextColumn],
) -> Result<Vec<(GlobalId, ShardId, RelationDesc)>, SqlError> {
    let mut shards = Vec::new();
    for (name, table) in selected {
        let export = export(table, text_columns)?;
        let details = ItemDetails::SourceTable { source, export: export.clone() };
        if change.catalog.by_name(&name).is_some() {
            return Err(already_exists(&details, &name)
                .hint("Use FOR TABLES (upstream_table AS name, …) to call it something else."));
        }
        let (id, shard) = (change.transaction.next_item(), new_shard());
        let create_sql = sql::canonical::source_table_sql(&name, source, &export);
        change.add(cx, NewEntry { id, name, details, create_sql, depends_on: vec![source], shard: Some(shard) });
        shards.push((id, shard, export.desc));
    }
    Ok(shards)
}

/// The upstream tables that the statement asks for, each with its name here.
fn select<'a>(
    published: &'a [UpstreamTable],
    exports: &ExportSelection,
    source: &ItemName,
    publication: &str,
) -> Result<Vec<(ItemName, &'a UpstreamTable)>, SqlError> {
    let named = |name: &str| ItemName { item: name.to_string(), ..source.clone() };
    let selected: Vec<_> = match exports {
        ExportSelection::None => Vec::new(),
        ExportSelection::AllTables => published.iter().map(|table| (named(&table.name), table)).collect(),
        ExportSelection::Schemas(schemas) => {
            if let Some(missing) = schemas.iter().find(|schema| !published.iter().any(|t| t.schema == **schema)) {
                let what = format!("publication \"{publication}\" has no tables in schema \"{missing}\"");
                return Err(SqlError::new(SqlState::INVALID_SCHEMA_NAME, what));
            }
            let chosen = published.iter().filter(|table| schemas.contains(&table.schema));
            chosen.map(|table| (named(&table.name), table)).collect()
        }
        ExportSelection::Tables(tables) => {
            let mut selected = Vec::new();
            for (upstream_name, alias) in tables {
                let table = find(published, upstream_name, publication)?;
                selected.push((named(alias.as_deref().unwrap_or(&table.name)), table));
            }
            selected
        }
    };
    if selected.is_empty() && *exports != ExportSelection::None {
        let what = format!("publication \"{publication}\" has no tables");
        return Err(SqlError::new(SqlState::UNDEFINED_TABLE, what).hint("Add tables to it upstream."));
    }
    Ok(selected)
}

/// The published table of a name of one to three parts.
fn find<'a>(published: &'a [UpstreamTable], name: &[String], publication: &str) -> Result<&'a UpstreamTable, SqlError> {
    let matches = |table: &&UpstreamTable| match name {
        [table_name] => table.name == *table_name,
        [schema, table_name] | [_, schema, table_name] => table.schema == *schema && table.name == *table_name,
        _ => false,
    };
    let mut found = published.iter().filter(matches);
    match (found.next(), found.next()) {
        (Some(table), None) => Ok(table),
        (Some(_), Some(_)) => {
            let what = format!("table \"{}\" is in several schemas of the upstream database", name.join("."));
            Err(SqlError::new(SqlState::AMBIGUOUS_ALIAS, what).hint("Write its schema before its name."))
        }
        (None, _) => {
            let what = format!("publication \"{publication}\" has no table \"{}\"", name.join("."));
            Err(SqlError::new(SqlState::UNDEFINED_TABLE, what).hint("Add it to the publication upstream."))
        }
    }
}

fn check_text_columns(selected: &[(ItemName, &UpstreamTable)], text_columns: &[TextColumn]) -> Result<(), SqlError> {
    for (schema, table, column) in text_columns {
        let of_table = selected.iter().find(|(_, t)| (schema.is_empty() || t.schema == *schema) && t.name == *table);
        if of_table.is_none_or(|(_, t)| !t.columns.iter().any(|c| c.name == *column)) {
            let what = format!("TEXT COLUMNS names {schema}.{table}.{column}, which the source does not read");
            return Err(SqlError::new(SqlState::UNDEFINED_COLUMN, what));
        }
    }
    Ok(())
}

/// A table's columns in our types, and its replica identity.
fn export(table: &UpstreamTable, text_columns: &[TextColumn]) -> Result<SourceExport, SqlError> {
    let as_text = |column: &UpstreamColumn| {
        text_columns.iter().any(|(schema, name, text)| {
            (schema.is_empty() || *schema == table.schema) && *name == table.name && *text == column.name
        })
    };
    let mut types = Vec::new();
    for column in &table.columns {
        let ty = if as_text(column) { SqlType::Text } else { type_of(table, column)? };
        types.push(ty.nullable(!column.not_null));
    }
    let names: Vec<_> = table.columns.iter().map(|column| column.name.clone()).collect();
    Ok(SourceExport {
        schema: table.schema.clone(),
        table: table.name.clone(),
        oid: table.oid,
        desc: RelationDesc::new(names.clone(), RelationType::new(types)),
        columns: names,
        identity: identity(table),
    })
}

fn type_of(table: &UpstreamTable, column: &UpstreamColumn) -> Result<SqlType, SqlError> {
    let known = repr::pg::from_oid(column.type_oid).map(|ty| ty.with_typmod(column.typmod));
    let path = format!("{}.{}.{}", table.schema, table.name, column.name);
    known.ok_or_else(|| {
        SqlError::unsupported(format!("the type {} of the upstream column {path}", column.type_name))
            .hint(format!("Read it as text: add TEXT COLUMNS ({path}) to the source's options."))
    })
}

/// Positions of the columns that identify a row in changes: all with FULL, else those of the key.
fn identity(table: &UpstreamTable) -> Vec<usize> {
    let key = match table.identity {
        'f' => return (0..table.columns.len()).collect(),
        'i' => table.keys.iter().find(|key| key.identity),
        'd' => table.keys.iter().find(|key| key.primary),
        _ => None,
    };
    let position = |number: &i16| table.columns.iter().position(|column| column.number == *number);
    key.map_or_else(Vec::new, |key| key.columns.iter().filter_map(position).collect())
}
