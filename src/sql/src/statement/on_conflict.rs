//! `INSERT … ON CONFLICT`: which unique indexes it speaks of, and what becomes of rows whose key is there.

use super::Cx;
use super::names::fold;
use super::write::{Target, assigned_columns, is_default};
use crate::catalog::{CatalogItem, ItemDetails, Uniqueness};
use crate::coerce::Context;
use crate::parser::extension::ast::{ConflictTarget, ConflictUpdate, OnConflict};
use crate::plan::{ConflictUpdatePlan, OnConflictPlan};
use crate::query::{ScalarPlace, or_false, plan_scalar};
use expr::ScalarExpr;
use repr::{RelationDesc, SqlError, SqlState, SqlType};
use sqlparser::ast::{Expr, Ident};

/// What the row proposed is called in `DO UPDATE`.
const PROPOSED: &str = "excluded";

/// Plans `ON CONFLICT` of an INSERT into the table called `alias`.
pub(super) fn on_conflict(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    alias: &str,
    conflict: &OnConflict,
) -> Result<OnConflictPlan, SqlError> {
    let indexes = cx.catalog.unique_indexes(target.item.id);
    let indexes = match &conflict.target {
        ConflictTarget::Any if conflict.update.is_some() => {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            let error = SqlError::new(SqlState::SYNTAX_ERROR, message);
            return Err(error.hint("For example, ON CONFLICT (column_name)."));
        }
        ConflictTarget::Any => indexes,
        ConflictTarget::Keys(keys) => with_keys(cx, target, indexes, keys)?,
        ConflictTarget::Constraint(name) => of_constraint(target, indexes, name)?,
    };
    let update = conflict.update.as_ref().map(|update| plan_update(cx, target, alias, update)).transpose()?;
    Ok(OnConflictPlan { indexes: indexes.into_iter().map(|index| index.id).collect(), update })
}

/// The indexes with these keys, in whatever order.
fn with_keys<'a>(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    indexes: Vec<&'a CatalogItem>,
    keys: &[Expr],
) -> Result<Vec<&'a CatalogItem>, SqlError> {
    let relations = &[(target.item.name.item.as_str(), target.desc)];
    let mut wanted = Vec::with_capacity(keys.len());
    for key in keys {
        let place = ScalarPlace { relations, expected: None, clause: "ON CONFLICT" };
        wanted.push(plan_scalar(&mut cx.maintained(), key, place)?);
    }
    let matches = |index: &&CatalogItem| match &index.details {
        ItemDetails::Index { keys, .. } => {
            keys.iter().all(|key| wanted.contains(key)) && wanted.iter().all(|key| keys.contains(key))
        }
        _ => false,
    };
    let found: Vec<_> = indexes.into_iter().filter(matches).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
    Err(SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message))
}

fn of_constraint<'a>(
    target: &Target<'_>,
    indexes: Vec<&'a CatalogItem>,
    name: &Ident,
) -> Result<Vec<&'a CatalogItem>, SqlError> {
    let name = fold(name);
    let is_constraint = |index: &&CatalogItem| {
        let plain = matches!(index.details, ItemDetails::Index { unique: Some(Uniqueness::Index), .. });
        index.name.item == name && !plain
    };
    match indexes.into_iter().find(is_constraint) {
        Some(index) => Ok(vec![index]),
        None => {
            let message = format!("constraint \"{name}\" for table \"{}\" does not exist", target.item.name.item);
            Err(SqlError::new(SqlState::UNDEFINED_OBJECT, message))
        }
    }
}

fn plan_update(
    cx: &mut Cx<'_>,
    target: &Target<'_>,
    alias: &str,
    update: &ConflictUpdate,
) -> Result<ConflictUpdatePlan, SqlError> {
    let relations: &[(&str, &RelationDesc)] = &[(alias, target.desc), (PROPOSED, target.desc)];
    let mut row: Vec<ScalarExpr> = (0..target.desc.arity()).map(ScalarExpr::Column).collect();
    for (column, value) in assigned_columns(target, &update.assignments)? {
        row[column] = if is_default(value) {
            target.defaults[column].clone()
        } else {
            let ty = &target.desc.typ.columns[column].ty;
            let place = ScalarPlace { relations, expected: Some((ty, Context::Assignment)), clause: "DO UPDATE" };
            plan_scalar(&mut cx.query, value, place)?
        };
    }
    let condition = update.selection.as_ref().map(|condition| {
        let expected = Some((&SqlType::Bool, Context::Implicit));
        plan_scalar(&mut cx.query, condition, ScalarPlace { relations, expected, clause: "WHERE" }).map(or_false)
    });
    Ok(ConflictUpdatePlan { row, condition: condition.transpose()? })
}
