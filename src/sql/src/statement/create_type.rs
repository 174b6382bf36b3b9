//! CREATE TYPE … AS ENUM.

use super::Cx;
use super::names::new_name;
use crate::canonical;
use crate::parser::Statement;
use crate::parser::extension::ast::CreateType;
use crate::parser::extension::print::definition;
use crate::plan::{CreateItemPlan, NewItem, Plan};
use repr::{SqlError, SqlState};
use std::collections::BTreeSet;

/// The longest label in bytes.
const LABEL_MAX: usize = 63;

/// `CREATE TYPE … AS ENUM`
pub(super) fn create_type(cx: &Cx<'_>, s: &CreateType) -> Result<Plan, SqlError> {
    let name = new_name(cx.catalog, &s.name)?;
    if cx.catalog.exists(&name) {
        let message = format!("type \"{}\" already exists", name.item);
        return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
    }
    check_labels(&s.labels)?;
    let stored = Statement::CreateType(CreateType { name: canonical::full_name(&name), labels: s.labels.clone() });
    let create_sql = definition(&stored).ok_or_else(|| SqlError::internal("a type without a definition"))?;
    let item = NewItem::Type { labels: s.labels.clone() };
    let depends_on = Vec::new();
    Ok(Plan::CreateItem(CreateItemPlan { name, item, create_sql, depends_on, if_not_exists: false, replace: None }))
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
