//! CREATE SOURCE, and the tables of sources as they are stored.

use super::Cx;
use super::names::{check_free, cluster, cluster_ident, fold, name_parts, new_name, resolve_kind};
use super::options::Options;
use crate::canonical;
use crate::catalog::Ingestion;
use crate::parser::Statement;
use crate::parser::extension::ast::*;
use crate::parser::extension::print;
use crate::plan::{CreateItemPlan, ExportSelection, LoadGenerator, NewItem, Plan, SourceExport};
use repr::{RelationDesc, SqlError, SqlState, SqlType};
use sqlparser::ast::ObjectName;
use std::time::Duration;

/// The shortest tick of a generator: the resolution of time.
const TICK_MIN: Duration = Duration::from_millis(1);

/// `CREATE SOURCE`
pub(super) fn create_source(cx: &Cx<'_>, s: &CreateSource) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let cluster = cluster(cx.catalog, &s.cluster)?;
    let (ingestion, desc, text_columns) = ingestion(cx, &s.from)?;
    let exports = exports(&s.tables)?;
    check_exports(&ingestion, &exports)?;
    let stored = CreateSource {
        name: canonical::full_name(&name),
        if_not_exists: false,
        cluster: cluster_ident(cx.catalog, cluster),
        ..s.clone()
    };
    let mut definition = Statement::CreateSource(stored);
    let depends_on = canonical::resolve(cx.catalog, &mut definition)?.into_iter().collect();
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::Source { ingestion, desc, exports, cluster, text_columns },
        create_sql: print::definition(&definition).unwrap_or_default(),
        depends_on,
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
}

type TextColumn = (String, String, String);

fn ingestion(cx: &Cx<'_>, from: &SourceFrom) -> Result<(Ingestion, Option<RelationDesc>, Vec<TextColumn>), SqlError> {
    match from {
        SourceFrom::Postgres(connection, options) => {
            let connection = resolve_kind(cx.catalog, connection, ObjectKind::Connection)?.id;
            let options = Options::new("POSTGRES source", options)?;
            if options.value("EXCLUDE COLUMNS").is_some() {
                return Err(SqlError::unsupported("EXCLUDE COLUMNS"));
            }
            let publication = options.required("PUBLICATION")?;
            let slot = options.text("SLOT")?.unwrap_or_default();
            let text_columns = text_columns(options.value("TEXT COLUMNS"))?;
            Ok((Ingestion::Postgres { connection, publication, slot }, None, text_columns))
        }
        SourceFrom::Counter(options) => {
            let desc = RelationDesc::empty().with("counter", SqlType::Int8, false);
            Ok((Ingestion::LoadGenerator(counter(options)?), Some(desc), Vec::new()))
        }
    }
}

fn counter(options: &[WithOption]) -> Result<LoadGenerator, SqlError> {
    let options = Options::new("LOAD GENERATOR COUNTER", options)?;
    let tick = options.duration("TICK INTERVAL")?.unwrap_or(Duration::from_secs(1));
    if tick < TICK_MIN {
        let message = "TICK INTERVAL must be at least 1 ms";
        return Err(SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(LoadGenerator::Counter { tick, max_cardinality: options.number("MAX CARDINALITY")? })
}

/// `(table.column, schema.table.column, …)`
fn text_columns(value: Option<&OptionValue>) -> Result<Vec<TextColumn>, SqlError> {
    let values = match value {
        None => return Ok(Vec::new()),
        Some(OptionValue::List(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let column = |value: &OptionValue| match value {
        OptionValue::Name(name) => match name_parts(name)?.as_slice() {
            [table, column] => Ok(("public".to_string(), table.clone(), column.clone())),
            [schema, table, column] => Ok((schema.clone(), table.clone(), column.clone())),
            _ => Err(text_columns_error()),
        },
        _ => Err(text_columns_error()),
    };
    values.iter().map(column).collect()
}

fn text_columns_error() -> SqlError {
    let message = "TEXT COLUMNS must be names of the form schema.table.column";
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn exports(tables: &SourceTables) -> Result<ExportSelection, SqlError> {
    Ok(match tables {
        SourceTables::None => ExportSelection::None,
        SourceTables::All => ExportSelection::AllTables,
        SourceTables::Schemas(schemas) => ExportSelection::Schemas(schemas.iter().map(fold).collect()),
        SourceTables::Tables(tables) => {
            let tables = tables.iter().map(|(upstream, here)| Ok((name_parts(upstream)?, here_name(here)?)));
            ExportSelection::Tables(tables.collect::<Result<_, SqlError>>()?)
        }
    })
}

/// The name that a table gets here: without a schema, for it lives in its source's.
fn here_name(name: &Option<ObjectName>) -> Result<Option<String>, SqlError> {
    let Some(name) = name else { return Ok(None) };
    match name_parts(name)?.as_slice() {
        [name] => Ok(Some(name.clone())),
        _ => Err(SqlError::unsupported("a table of a source in a schema other than the source's")),
    }
}

/// A source from PostgreSQL says which tables, unless it is a stored one, whose tables are items already.
fn check_exports(ingestion: &Ingestion, exports: &ExportSelection) -> Result<(), SqlError> {
    match (ingestion, exports) {
        (Ingestion::Postgres { slot, .. }, ExportSelection::None) if slot.is_empty() => {
            let message = "multi-output sources require a FOR TABLES, FOR SCHEMAS or FOR ALL TABLES clause";
            Err(SqlError::new(SqlState::SYNTAX_ERROR, message).hint("Add FOR ALL TABLES."))
        }
        (Ingestion::LoadGenerator(_), ExportSelection::None) | (Ingestion::Postgres { .. }, _) => Ok(()),
        (Ingestion::LoadGenerator(_), _) => {
            let message = "LOAD GENERATOR COUNTER is a single relation: FOR TABLES does not apply";
            Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// `CREATE TABLE … FROM SOURCE …`, as `canonical::source_table_sql` writes it.
pub(super) fn create_table_from_source(cx: &Cx<'_>, s: &CreateTableFromSource) -> Result<Plan, SqlError> {
    let options = Options::new("CREATE TABLE FROM SOURCE", &s.options)?;
    let Some(details) = options.text("DETAILS")? else {
        let hint = "Name the table in CREATE SOURCE … FOR TABLES (…).";
        return Err(SqlError::unsupported("CREATE TABLE FROM SOURCE").hint(hint));
    };
    let source = resolve_kind(cx.catalog, &s.source, ObjectKind::Source)?.id;
    let export: SourceExport = serde_json::from_str(&details).map_err(|error| {
        let message = format!("invalid DETAILS of a source's table: {error}");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })?;
    let name = new_name(cx.catalog, &s.name)?;
    check_free(cx.catalog, &name, s.if_not_exists)?;
    let create_sql = canonical::source_table_sql(&name, source, &export);
    Ok(Plan::CreateItem(CreateItemPlan {
        name,
        item: NewItem::SourceTable { source, export },
        create_sql,
        depends_on: vec![source],
        if_not_exists: s.if_not_exists,
        replace: None,
    }))
}
