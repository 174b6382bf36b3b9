//! DROP.

use super::Cx;
use super::names::*;
use crate::parser::extension::ast::{DropStatement, ObjectKind};
use crate::plan::{DropPlan, DropTarget, Plan};
use repr::{SqlError, SqlState};
use sqlparser::ast::ObjectName;

/// `DROP`
pub(super) fn drop(cx: &Cx<'_>, s: &DropStatement) -> Result<Plan, SqlError> {
    let mut targets = Vec::new();
    let mut missing = Vec::new();
    for name in &s.names {
        match drop_target(cx, s.kind, name)? {
            Some(target) if targets.contains(&target) => {}
            Some(target) => targets.push(target),
            None if s.if_exists => {
                missing.push(format!("{} \"{}\" does not exist, skipping", s.kind.noun(), dotted(name)));
            }
            None => return Err(undefined_kind(name, s.kind)),
        }
    }
    Ok(Plan::Drop(DropPlan { targets, cascade: s.cascade, kind: s.kind.words(), missing }))
}

/// What a name means as something of a kind, if there is such.
pub(super) fn drop_target(cx: &Cx<'_>, kind: ObjectKind, name: &ObjectName) -> Result<Option<DropTarget>, SqlError> {
    match kind {
        ObjectKind::Database => {
            let database = dotted(name);
            Ok(has_database(cx.catalog, &database).then_some(DropTarget::Database(database)))
        }
        ObjectKind::Schema => {
            let (database, schema) = schema_name(cx.catalog, name)?;
            let exists = has_schema(cx.catalog, &database, &schema);
            Ok(exists.then_some(DropTarget::Schema(database, schema)))
        }
        ObjectKind::Cluster => Ok(cx.catalog.cluster(&dotted(name)).map(DropTarget::Cluster)),
        ObjectKind::ClusterReplica => Err(SqlError::unsupported("DROP CLUSTER REPLICA")),
        kind => item_target(cx, kind, name),
    }
}

fn item_target(cx: &Cx<'_>, kind: ObjectKind, name: &ObjectName) -> Result<Option<DropTarget>, SqlError> {
    let Some(item) = resolve_any(cx.catalog, name)? else { return Ok(None) };
    if !item.id.is_user() {
        let message = format!("cannot drop {} because it is required by the database system", item.name.item);
        return Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    if item.details.kind() == kind.item_kind() {
        return Ok(Some(DropTarget::Item(item.id)));
    }
    let right = item.details.kind().replace('-', " ");
    let hint = format!("Use DROP {} to remove {}.", right.to_uppercase(), article(&right));
    Err(wrong_kind(item, kind).hint(hint))
}
