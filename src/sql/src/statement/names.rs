//! Names in statements: case folding, and the items, schemas and clusters that they refer to, with PostgreSQL's errors where there are none.

use crate::catalog::{CatalogItem, ItemName, SessionCatalog};
use crate::parser::extension::ast::ObjectKind;
use repr::{ClusterId, SqlError, SqlState};
use sqlparser::ast::{Ident, ObjectName};

/// An identifier as the catalog has it: lower case unless quoted.
pub(crate) fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

/// The folded parts of a name.
pub(crate) fn name_parts(name: &ObjectName) -> Result<Vec<String>, SqlError> {
    let part = |part: &sqlparser::ast::ObjectNamePart| match part.as_ident() {
        Some(ident) if ident.value.is_empty() => {
            Err(SqlError::new(SqlState::SYNTAX_ERROR, "zero-length delimited identifier"))
        }
        Some(ident) => Ok(fold(ident)),
        None => Err(SqlError::new(SqlState::INVALID_NAME, format!("invalid name: {name}"))),
    };
    let parts: Vec<String> = name.0.iter().map(part).collect::<Result<_, _>>()?;
    if parts.len() > 3 {
        let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
    }
    Ok(parts)
}

/// A name as messages have it.
pub(crate) fn dotted(name: &ObjectName) -> String {
    name.0.iter().filter_map(|part| part.as_ident()).map(fold).collect::<Vec<_>>().join(".")
}

/// `relation "x" does not exist`
pub(crate) fn undefined_relation(name: &ObjectName) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", dotted(name)))
}

/// The item of a name, whatever it is.
pub(crate) fn resolve_any<'a>(
    catalog: &'a dyn SessionCatalog,
    name: &ObjectName,
) -> Result<Option<&'a CatalogItem>, SqlError> {
    Ok(catalog.resolve(&name_parts(name)?))
}

/// The item of a name, which must be of a kind.
pub(crate) fn resolve_kind<'a>(
    catalog: &'a dyn SessionCatalog,
    name: &ObjectName,
    kind: ObjectKind,
) -> Result<&'a CatalogItem, SqlError> {
    let item = resolve_any(catalog, name)?.ok_or_else(|| undefined_kind(name, kind))?;
    if item.details.kind() == kind.item_kind() { Ok(item) } else { Err(wrong_kind(item, kind)) }
}

/// The relation of a name: something with columns.
pub(crate) fn resolve_relation<'a>(
    catalog: &'a dyn SessionCatalog,
    name: &ObjectName,
) -> Result<&'a CatalogItem, SqlError> {
    let item = resolve_any(catalog, name)?.ok_or_else(|| undefined_relation(name))?;
    if item.details.desc().is_some() {
        return Ok(item);
    }
    let message = format!("\"{}\" is not a relation: it is {}", item.name.item, article(item.details.kind()));
    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
}

/// `view "v" does not exist`, with the code that PostgreSQL has for the kind.
pub(crate) fn undefined_kind(name: &ObjectName, kind: ObjectKind) -> SqlError {
    let code = match kind {
        ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Source => {
            SqlState::UNDEFINED_TABLE
        }
        ObjectKind::Schema => SqlState::INVALID_SCHEMA_NAME,
        ObjectKind::Database => SqlState::INVALID_CATALOG_NAME,
        _ => SqlState::UNDEFINED_OBJECT,
    };
    SqlError::new(code, format!("{} \"{}\" does not exist", kind.noun(), dotted(name)))
}

/// `"t" is not a view`, with a hint at the right statement.
pub(crate) fn wrong_kind(item: &CatalogItem, wanted: ObjectKind) -> SqlError {
    let message = format!("\"{}\" is not {}", item.name.item, article(&wanted.noun()));
    let hint = format!("\"{}\" is {}.", item.name.item, article(item.details.kind()));
    SqlError::new(SqlState::WRONG_OBJECT_TYPE, message).hint(hint)
}

/// A kind with its article: `an index`.
pub(crate) fn article(kind: &str) -> String {
    let kind = kind.replace('-', " ");
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

/// The full name of an item to be made.
pub(crate) fn new_name(catalog: &dyn SessionCatalog, name: &ObjectName) -> Result<ItemName, SqlError> {
    let parts = name_parts(name)?;
    if let Some(part) = parts.iter().find(|part| part.len() > 255) {
        return Err(SqlError::new(SqlState::INVALID_NAME, format!("identifier is longer than 255 bytes: \"{part}\"")));
    }
    catalog.qualify(&parts)
}

/// The full name of a temporary item to be made, or of another one.
pub(crate) fn new_name_of(
    catalog: &dyn SessionCatalog,
    name: &ObjectName,
    temporary: bool,
) -> Result<ItemName, SqlError> {
    if temporary { catalog.temporary(&name_parts(name)?) } else { new_name(catalog, name) }
}

/// Fails if an item of this name exists and that is not fine.
pub(crate) fn check_free(catalog: &dyn SessionCatalog, name: &ItemName, if_not_exists: bool) -> Result<(), SqlError> {
    if if_not_exists || !catalog.exists(name) {
        return Ok(());
    }
    Err(SqlError::new(SqlState::DUPLICATE_TABLE, format!("relation \"{}\" already exists", name.item)))
}

/// The cluster that a statement names, or else the session's.
pub(crate) fn cluster(catalog: &dyn SessionCatalog, name: &Option<Ident>) -> Result<ClusterId, SqlError> {
    match name {
        None => catalog.active_cluster(),
        Some(name) => catalog.cluster(&fold(name)).ok_or_else(|| undefined_cluster(&fold(name))),
    }
}

/// `cluster "c" does not exist`
pub(crate) fn undefined_cluster(name: &str) -> SqlError {
    SqlError::new(SqlState::UNDEFINED_OBJECT, format!("cluster \"{name}\" does not exist"))
}

/// A cluster's name, to be printed.
pub(crate) fn cluster_ident(catalog: &dyn SessionCatalog, id: ClusterId) -> Option<Ident> {
    catalog.cluster_name(id).map(crate::parser::extension::print::exact_ident)
}

/// Whether a database exists.
pub(crate) fn has_database(catalog: &dyn SessionCatalog, name: &str) -> bool {
    !matches!(probe(catalog, name, "public"), Some(SqlState::INVALID_CATALOG_NAME))
}

/// Whether a schema exists. Reserved ones do, though nothing can be made in them.
pub(crate) fn has_schema(catalog: &dyn SessionCatalog, database: &str, schema: &str) -> bool {
    let missing = [SqlState::INVALID_CATALOG_NAME, SqlState::INVALID_SCHEMA_NAME];
    !probe(catalog, database, schema).is_some_and(|code| missing.contains(&code))
}

/// The code with which a new item in this schema would be refused.
fn probe(catalog: &dyn SessionCatalog, database: &str, schema: &str) -> Option<SqlState> {
    let name = [database, schema, "probe"].map(str::to_string);
    catalog.qualify(&name).err().map(|error| error.code)
}

/// The database and schema of a name of one or two parts.
pub(crate) fn schema_name(catalog: &dyn SessionCatalog, name: &ObjectName) -> Result<(String, String), SqlError> {
    match name_parts(name)?.as_slice() {
        [schema] => Ok((catalog.current_database().to_string(), schema.clone())),
        [database, schema] => Ok((database.clone(), schema.clone())),
        parts => {
            let message = format!("improper qualified name (too many dotted names): {}", parts.join("."));
            Err(SqlError::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}
