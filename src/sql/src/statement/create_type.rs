//! CREATE TYPE: enums, composite types, and names for lists and maps.

use super::Cx;
use super::names::new_name;
use crate::canonical;
use crate::parser::Statement;
use crate::parser::extension::ast::{AddValue, CreateType, EnumLabel, Side, TypeDefinition};
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
            let labels: Vec<(f32, String)> = places(labels).collect();
            check_labels(&labels)?;
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

/// Labels with their places.
fn places(labels: &[EnumLabel]) -> impl Iterator<Item = (f32, String)> {
    (1..).zip(labels).map(|(number, label): (u16, _)| (label.place.unwrap_or(f32::from(number)), label.text.clone()))
}

fn check_labels(labels: &[(f32, String)]) -> Result<(), SqlError> {
    let mut seen = BTreeSet::new();
    for (_, label) in labels {
        check_label(label)?;
        if !seen.insert(label) {
            let message = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"";
            let error = SqlError::new(SqlState::UNIQUE_VIOLATION, message);
            return Err(error.detail(format!("The label \"{label}\" occurs more than once.")));
        }
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), SqlError> {
    if label.len() <= LABEL_MAX {
        return Ok(());
    }
    let error = SqlError::new(SqlState::INVALID_NAME, format!("invalid enum label \"{label}\""));
    Err(error.detail(format!("Labels must be {LABEL_MAX} bytes or less.")))
}

/// The values of an enum with one more, in order; none if it is there already and that is fine.
pub(super) fn with_value(ty: &EnumType, add: &AddValue) -> Result<Option<Vec<(f32, String)>>, SqlError> {
    check_label(&add.label)?;
    let mut labels: Vec<(f32, String)> = ty.values().map(|value| (value.order(), value.label().to_string())).collect();
    if labels.iter().any(|(_, label)| *label == add.label) {
        let error = SqlError::new(SqlState::DUPLICATE_OBJECT, already_there(&add.label));
        return if add.if_not_exists { Ok(None) } else { Err(error) };
    }
    let at = match &add.beside {
        None => labels.len(),
        Some((side, neighbour)) => {
            let position = labels.iter().position(|(_, label)| label == neighbour).ok_or_else(|| {
                let message = format!("\"{neighbour}\" is not an existing enum label");
                SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
            })?;
            position + usize::from(*side == Side::After)
        }
    };
    let place = match (at.checked_sub(1).map(|before| labels[before].0), labels.get(at).map(|(place, _)| *place)) {
        (None, None) => 1.0,
        (Some(before), None) => before + 1.0,
        (None, Some(after)) => after - 1.0,
        (Some(before), Some(after)) => between(before, after)?,
    };
    labels.insert(at, (place, add.label.clone()));
    Ok(Some(labels))
}

/// `enum label "a" already exists`
pub(super) fn already_there(label: &str) -> String {
    format!("enum label \"{label}\" already exists")
}

/// A place between two others. Rows hold the places of their values: these never change to make room.
fn between(before: f32, after: f32) -> Result<f32, SqlError> {
    let place = before + (after - before) / 2.0;
    if before < place && place < after {
        return Ok(place);
    }
    let message = "there is no place left between these enum labels";
    Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("Add the value beside another one."))
}
