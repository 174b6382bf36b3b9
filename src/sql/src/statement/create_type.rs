//! CREATE TYPE: enums, composite types, and names for lists and maps.

use super::Cx;
use super::names::new_name;
use crate::canonical;
use crate::parser::Statement;
use crate::parser::extension::ast::{CreateType, TypeDefinition};
use crate::parser::extension::print::definition;
use crate::plan::{CreateItemPlan, NewItem, Plan};
use crate::query::fold;
use crate::types::sql_type;
use repr::{CompositeType, EnumType, SqlError, SqlState, SqlType};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest label in bytes.
const LABEL_MAX: usize = 63;

/// `CREATE TYPE`
pub(super) fn create_type(cx: &Cx<'_>, s: &CreateType) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    if cx.catalog.exists(&name) {
        let message = format!("type \"{}\" already exists", name.item);
        return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
    }
    let item = NewItem::Type(new_type(cx, &name.item, &s.definition)?);
    let stored = CreateType { name: canonical::full_name(&name), definition: s.definition.clone() };
    let mut stored = Statement::CreateType(stored);
    let depends_on = canonical::resolve(cx.catalog, &mut stored)?.into_iter().collect();
    let create_sql = definition(&stored).ok_or_else(|| SqlError::internal("a type without a definition"))?;
    Ok(Plan::CreateItem(CreateItemPlan { name, item, create_sql, depends_on, if_not_exists: false, replace: None }))
}

/// The type of a definition; it has no oid yet.
fn new_type(cx: &Cx<'_>, name: &str, definition: &TypeDefinition) -> Result<SqlType, SqlError> {
    let (oid, array_oid, name) = (0, 0, name.to_string());
    Ok(match definition {
        TypeDefinition::Enum(labels) => {
            check_labels(labels)?;
            let labels: Vec<_> = (1..=labels.len()).map(|order| order as f32).zip(labels.iter().cloned()).collect();
            SqlType::Enum(Arc::new(EnumType::new(oid, array_oid, name, &labels)))
        }
        TypeDefinition::Composite(written) => {
            let mut fields: Vec<(String, _)> = Vec::new();
            for (field, data_type) in written {
                let field = fold(field);
                if fields.iter().any(|(known, _)| *known == field) {
                    let message = format!("column \"{field}\" specified more than once");
                    return Err(SqlError::new(SqlState::DUPLICATE_COLUMN, message));
                }
                fields.push((field, sql_type(cx.catalog, data_type)?.nullable(true)));
            }
            SqlType::Composite(Arc::new(CompositeType { oid, array_oid, name, fields }))
        }
        TypeDefinition::List(element) => SqlType::List(Box::new(sql_type(cx.catalog, element)?)),
        TypeDefinition::Map(value) => SqlType::Map(Box::new(sql_type(cx.catalog, value)?)),
    })
}

fn check_labels(labels: &[String]) -> Result<(), SqlError> {
    let mut seen = BTreeSet::new();
    for label in labels {
        if label.len() > LABEL_MAX {
            let error = SqlError::new(SqlState::INVALID_NAME, format!("invalid enum label \"{label}\""));
            return Err(error.detail(format!("Labels must be {LABEL_MAX} bytes or less.")));
        }
        if !seen.insert(label) {
            let message = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"";
            let error = SqlError::new(SqlState::UNIQUE_VIOLATION, message);
            return Err(error.detail(format!("The label \"{label}\" occurs more than once.")));
        }
    }
    Ok(())
}
