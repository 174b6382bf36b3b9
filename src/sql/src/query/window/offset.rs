//! Offsets of frames: constants of the type that the frame's units want.

use super::offset_of;
use crate::coerce::{Context, Operand};
use crate::query::planner::{Clause, Planner};
use expr::ScalarExpr;
use expr::window::{Bound, Offset, Units, check_range_offset};
use repr::{Arena, Datum, Row, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr};

impl Planner<'_, '_> {
    /// A bound of a frame; `which` is "starting" or "ending", `ordered` the type of the first ordering value.
    pub(super) fn frame_bound(
        &mut self,
        bound: &ast::WindowFrameBound,
        units: Units,
        which: &str,
        ordered: Option<&SqlType>,
    ) -> Result<Bound, SqlError> {
        let offset = match offset_of(bound) {
            None => return Ok(Bound::CurrentRow),
            Some(None) => return Ok(Bound::Unbounded),
            Some(Some(offset)) => offset,
        };
        let offset = match (units, ordered) {
            (Units::Range, Some(ordered)) => self.range_offset(offset, which, ordered)?,
            _ => self.count_offset(offset, units, which)?,
        };
        Ok(match bound {
            ast::WindowFrameBound::Preceding(_) => Bound::Preceding(offset),
            _ => Bound::Following(offset),
        })
    }

    fn count_offset(&mut self, expr: &Expr, units: Units, which: &str) -> Result<Offset, SqlError> {
        let clause = if units == Units::Rows { "ROWS" } else { "GROUPS" };
        let count = self.frame_constant(expr, which, clause, |p, operand| {
            let from = p.operand_type(&operand);
            p.coerce(operand, &SqlType::Int8, Context::Assignment).map_err(|e| match (from, e.code) {
                (Some(from), SqlState::DATATYPE_MISMATCH) => {
                    let message = format!("argument of {clause} must be type bigint, not type {from}");
                    SqlError::new(SqlState::DATATYPE_MISMATCH, message)
                }
                _ => e,
            })
        })?;
        match count.iter().next() {
            Some(Datum::Int8(count)) => u64::try_from(count).map(Offset::Count).map_err(|_| {
                let message = format!("frame {which} offset must not be negative");
                SqlError::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, message)
            }),
            _ => Err(SqlError::internal("a frame's offset that is no number")),
        }
    }

    fn range_offset(&mut self, expr: &Expr, which: &str, ordered: &SqlType) -> Result<Offset, SqlError> {
        let wanted = distance_type(ordered).ok_or_else(|| {
            let ordered = ordered.without_modifier();
            let message = format!("RANGE with offset PRECEDING/FOLLOWING is not supported for column type {ordered}");
            SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        })?;
        let value = self.frame_constant(expr, which, "RANGE", |p, operand| {
            let from = p.operand_type(&operand);
            p.coerce(operand, &wanted, Context::Implicit).map_err(|e| match (from, e.code) {
                (Some(from), SqlState::DATATYPE_MISMATCH) => {
                    let (ordered, from) = (ordered.without_modifier(), from.without_modifier());
                    let message = format!(
                        "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {ordered} and offset type {from}"
                    );
                    SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                        .hint("Cast the offset value to an appropriate type.")
                }
                _ => e,
            })
        })?;
        check_range_offset(ordered, value.iter().next().unwrap_or(Datum::Null))?;
        Ok(Offset::Value(value))
    }

    /// The value of an offset, which may not depend on any column.
    fn frame_constant(
        &mut self,
        expr: &Expr,
        which: &str,
        clause: &'static str,
        coerce: impl FnOnce(&mut Self, Operand) -> Result<ScalarExpr, SqlError>,
    ) -> Result<Row, SqlError> {
        let position = self.position(expr);
        self.push_frame(Default::default(), Clause::bare(clause));
        let hidden: Vec<bool> = self.frames.iter_mut().map(|f| std::mem::replace(&mut f.visible, false)).collect();
        let planned = self.frame_operand(expr).and_then(|operand| coerce(self, operand));
        self.frames.iter_mut().zip(hidden).for_each(|(f, visible)| f.visible = visible);
        self.frames.pop();
        let planned = planned.map_err(|e| match e.code {
            SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE => {
                let message = format!("argument of {clause} must not contain variables");
                SqlError::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(e.position)
            }
            _ => e.at(position),
        })?;
        let arena = Arena::new();
        match planned.eval(&[], &arena)? {
            Datum::Null => {
                let message = format!("frame {which} offset must not be null");
                Err(SqlError::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
            }
            value => Ok(Row::pack([value])),
        }
    }

    /// The parser takes a bare string for an interval; its type is the order's to say.
    fn frame_operand(&mut self, expr: &Expr) -> Result<Operand, SqlError> {
        match expr {
            Expr::Interval(interval) if is_bare_string(interval) => self.operand(&interval.value),
            expr => self.operand(expr),
        }
    }
}

/// Whether the parser saw a string without the word INTERVAL. Both are the same to it, and mean the same wherever distances are intervals.
fn is_bare_string(interval: &ast::Interval) -> bool {
    let bare = interval.leading_field.is_none() && interval.last_field.is_none();
    bare && interval.leading_precision.is_none() && interval.fractional_seconds_precision.is_none()
}

/// The type of distances between values of a type, if they have any.
fn distance_type(ordered: &SqlType) -> Option<SqlType> {
    match ordered {
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 => Some(SqlType::Int8),
        SqlType::Float4 | SqlType::Float8 => Some(SqlType::Float8),
        SqlType::Numeric(_) => Some(SqlType::NUMERIC),
        SqlType::Date
        | SqlType::Time
        | SqlType::TimeTz
        | SqlType::Timestamp(_)
        | SqlType::Timestamptz(_)
        | SqlType::Interval => Some(SqlType::Interval),
        _ => None,
    }
}
