//! ALTER, COMMENT, roles and privileges.

use super::Cx;
use super::constraint::{constraint_index, unique_constraints};
use super::create_type::{already_there, with_value};
use super::drop::drop_target;
use super::names::*;
use crate::catalog::{ItemDetails, primary_key};
use crate::parser::extension::ast::{AddValue, AlterAction, AlterStatement, CommentOn, CommentStatement, ObjectKind};
use crate::plan::{AlterPlan, Alteration, CommentPlan, CommentTarget, DropTarget, Plan};
use crate::query::{ScalarPlace, plan_scalar};
use expr::ScalarExpr;
use repr::{GlobalId, SqlError, SqlState, SqlType};
use sqlparser::ast::{Expr, Ident, ObjectName, TableConstraint};

/// `ALTER`
pub(super) fn alter(cx: &mut Cx<'_>, s: &AlterStatement) -> Result<Plan, SqlError> {
    let target = target(cx, s.kind, &s.name)?;
    let kind = s.kind.words();
    let Some(target) = target else {
        if !s.if_exists {
            return Err(undefined_kind(&s.name, s.kind));
        }
        let missing = format!("{} \"{}\" does not exist, skipping", noun(s.kind), dotted(&s.name));
        return Ok(Plan::Alter(AlterPlan { kind, target: Err(missing), change: Alteration::Rename(String::new()) }));
    };
    let change = match &s.action {
        AlterAction::Rename(name) => Alteration::Rename(fold(name)),
        AlterAction::RenameColumn(column, name) => Alteration::RenameColumn(fold(column), fold(name)),
        AlterAction::Default(column, default) => {
            Alteration::Default(fold(column), default.as_ref().map(ToString::to_string))
        }
        AlterAction::Owner(role) => Alteration::Owner(role_name(cx, role)),
        AlterAction::Schema(schema) => match &target {
            DropTarget::Item(_) => {
                let (database, schema) = schema_name(cx.catalog, schema)?;
                Alteration::Schema(database, schema)
            }
            _ => return Err(SqlError::unsupported(format!("ALTER {kind} … SET SCHEMA"))),
        },
        AlterAction::Secret(value) => Alteration::Secret(secret_value(cx, value)?),
        AlterAction::AddValue(add) => match add_value(cx, &target, add)? {
            Some(labels) => Alteration::Labels(labels),
            None => {
                let missing = format!("{}, skipping", already_there(&add.label));
                return Ok(Plan::Alter(AlterPlan { kind, target: Err(missing), change: Alteration::Nothing }));
            }
        },
        AlterAction::AddConstraint(constraint) => return add_constraint(cx, s, constraint),
        AlterAction::Storage => Alteration::Nothing,
    };
    Ok(Plan::Alter(AlterPlan { kind, target: Ok(target), change }))
}

fn add_value(cx: &Cx<'_>, target: &DropTarget, add: &AddValue) -> Result<Option<Vec<(f32, String)>>, SqlError> {
    let DropTarget::Item(id) = target else { return Err(SqlError::internal("an enum that is no item")) };
    match cx.catalog.item(*id).map(|item| &item.details) {
        Some(ItemDetails::Type(SqlType::Enum(ty))) => with_value(ty, add),
        _ => Err(SqlError::internal("an enum that is no type")),
    }
}

/// `ALTER TABLE … ADD UNIQUE (…)`: one more unique index.
fn add_constraint(cx: &Cx<'_>, s: &AlterStatement, constraint: &TableConstraint) -> Result<Plan, SqlError> {
    let table = resolve_kind(cx.catalog, &s.name, ObjectKind::Table)?;
    let desc = table.details.desc().cloned().unwrap_or_default();
    let plans = unique_constraints(&table.name.item, &[], std::slice::from_ref(constraint), &mut desc.clone())?;
    let [unique] = &plans[..] else { return Err(SqlError::internal("a constraint that is none or several")) };
    if unique.primary && !primary_key(cx.catalog, table.id).is_empty() {
        let message = format!("multiple primary keys for table \"{}\" are not allowed", table.name.item);
        return Err(SqlError::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    if unique.primary && unique.columns.iter().any(|column| desc.typ.columns[*column].nullable) {
        return Err(SqlError::unsupported("ADD PRIMARY KEY over columns that are not declared NOT NULL")
            .hint("Add a UNIQUE constraint, or create the table anew with the key."));
    }
    constraint_index(cx.catalog, table, unique).map(Plan::CreateItem)
}

/// PostgreSQL calls all of these relations.
fn noun(kind: ObjectKind) -> String {
    match kind {
        ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::Index => {
            "relation".to_string()
        }
        other => other.noun(),
    }
}

/// What is altered; ALTER TABLE takes other relations too.
fn target(cx: &Cx<'_>, kind: ObjectKind, name: &ObjectName) -> Result<Option<DropTarget>, SqlError> {
    if kind == ObjectKind::Table
        && let Some(item) = resolve_any(cx.catalog, name)?
        && item.id.is_user()
        && !matches!(item.details.kind(), "secret" | "connection")
    {
        return Ok(Some(DropTarget::Item(item.id)));
    }
    drop_target(cx, kind, name)
}

fn secret_value(cx: &mut Cx<'_>, value: &Expr) -> Result<ScalarExpr, SqlError> {
    let place = ScalarPlace { relations: &[], expected: None, clause: "ALTER SECRET" };
    plan_scalar(&mut cx.query, value, place)
}

/// A role as it is called, or the session's.
fn role_name(cx: &Cx<'_>, role: &Ident) -> String {
    let word = fold(role);
    match (role.quote_style, word.as_str()) {
        (None, "current_user" | "session_user" | "current_role") => cx.catalog.current_user().to_string(),
        _ => word,
    }
}

/// `COMMENT ON`
pub(super) fn comment(cx: &Cx<'_>, s: &CommentStatement) -> Result<Plan, SqlError> {
    let target = match &s.on {
        CommentOn::Role(role) => CommentTarget::Role(role_name(cx, role)),
        CommentOn::Column(name) => column(cx, name)?,
        CommentOn::Object(ObjectKind::Cluster | ObjectKind::ClusterReplica, _) => {
            return Err(SqlError::unsupported("COMMENT ON CLUSTER"));
        }
        CommentOn::Object(kind, name) => match drop_target(cx, *kind, name)? {
            Some(DropTarget::Item(id)) => CommentTarget::Item(id, 0),
            Some(DropTarget::Schema(database, schema)) => CommentTarget::Schema(database, schema),
            Some(DropTarget::Database(database)) => CommentTarget::Database(database),
            Some(DropTarget::Cluster(_)) | None => return Err(undefined_kind(name, *kind)),
        },
    };
    let text = s.text.clone().filter(|text| !text.is_empty());
    Ok(Plan::Comment(CommentPlan { target, text }))
}

/// `relation.column`
fn column(cx: &Cx<'_>, name: &ObjectName) -> Result<CommentTarget, SqlError> {
    let Some((last, relation)) = name.0.split_last().filter(|(_, relation)| !relation.is_empty()) else {
        return Err(SqlError::new(SqlState::SYNTAX_ERROR, "column name must be qualified"));
    };
    let item = resolve_relation(cx.catalog, &ObjectName(relation.to_vec()))?;
    refuse_system(item.id, &item.name.item)?;
    let column = last.as_ident().map(fold).unwrap_or_default();
    let position = item.details.desc().and_then(|desc| desc.position(&column)).ok_or_else(|| {
        let message = format!("column \"{column}\" of relation \"{}\" does not exist", item.name.item);
        SqlError::new(SqlState::UNDEFINED_COLUMN, message)
    })?;
    Ok(CommentTarget::Item(item.id, position as i32 + 1))
}

fn refuse_system(id: GlobalId, name: &str) -> Result<(), SqlError> {
    if id.is_user() {
        return Ok(());
    }
    Err(SqlError::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be owner of relation {name}")))
}

/// `CREATE ROLE`
pub(super) fn create_role(role: &Ident) -> Plan {
    Plan::CreateRole(fold(role))
}

/// `DROP ROLE`
pub(super) fn drop_roles(roles: &[Ident], if_exists: bool) -> Plan {
    Plan::DropRoles(roles.iter().map(fold).collect(), if_exists)
}

/// `GRANT`, `REVOKE`, `ALTER ROLE`: the roles must exist; nothing is kept.
pub(super) fn check_roles(cx: &Cx<'_>, tag: &'static str, roles: &[Ident]) -> Plan {
    Plan::CheckRoles(tag, roles.iter().map(|role| role_name(cx, role)).collect())
}
