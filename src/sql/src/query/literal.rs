//! Literals: numbers, strings, typed strings, intervals, parameters.

use super::planner::Planner;
use crate::coerce::{Context, Operand, constant, literal_from_text};
use crate::types::sql_type;
use expr::ScalarExpr;
use repr::text::TextSettings;
use repr::{Datum, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, DateTimeField, Expr, Value};

/// How many parameters a statement may have; the protocol counts them in 16 bits.
const PARAMETERS_MAX: usize = 65_535;

/// A number: int4, int8 or numeric, the first that holds it.
pub(super) fn number(digits: &str) -> Result<ScalarExpr, SqlError> {
    if let Ok(n) = digits.parse::<i32>() {
        return Ok(constant(Datum::Int4(n), SqlType::Int4));
    }
    if let Ok(n) = digits.parse::<i64>() {
        return Ok(constant(Datum::Int8(n), SqlType::Int8));
    }
    literal_from_text(digits, &SqlType::NUMERIC, &TextSettings::DEFAULT)
}

impl Planner<'_, '_> {
    /// A literal of the grammar.
    pub fn value(&mut self, value: &ast::ValueWithSpan) -> Result<Operand, SqlError> {
        let position = self.span_position(value.span);
        Ok(match &value.value {
            Value::Number(digits, _) => Operand::Typed(number(digits)?),
            Value::SingleQuotedString(s) | Value::EscapedStringLiteral(s) | Value::UnicodeStringLiteral(s) => {
                Operand::Text(s.clone(), position)
            }
            Value::DollarQuotedString(s) => Operand::Text(s.value.clone(), position),
            Value::Boolean(b) => Operand::Typed(constant(Datum::Bool(*b), SqlType::Bool)),
            Value::Null => Operand::Null,
            Value::Placeholder(name) => self.placeholder(name)?,
            other => return Err(SqlError::unsupported(format!("the literal {other}"))),
        })
    }

    fn placeholder(&mut self, name: &str) -> Result<Operand, SqlError> {
        let number = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        let Some(n) = number.filter(|n| (1..=PARAMETERS_MAX).contains(n)) else {
            return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}")));
        };
        if let Some(column) = self.arguments.last().and_then(|arguments| arguments.get(n - 1)) {
            return Ok(Operand::Typed(ScalarExpr::Column(*column)));
        }
        if self.qcx.lifetime == super::Lifetime::Maintained {
            return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}"))
                .hint("A definition that is kept cannot have parameters."));
        }
        if let Some(Some(ty)) = self.qcx.param_types.get(n - 1) {
            return Ok(Operand::Typed(self.parameter(n - 1, &ty.clone())));
        }
        if self.qcx.params.is_some() {
            return Err(SqlError::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}")));
        }
        if self.qcx.param_types.len() < n {
            self.qcx.param_types.resize(n, None);
        }
        Ok(Operand::Param(n - 1))
    }

    /// `DATE '2020-01-01'`, `INT '5'`
    pub fn typed_string(&mut self, typed: &ast::TypedString) -> Result<ScalarExpr, SqlError> {
        let ty = sql_type(&typed.data_type)?;
        let operand = self.value(&typed.value)?;
        self.coerce(operand, &ty, Context::Explicit)
    }

    /// `INTERVAL '1 day'`, `INTERVAL '1' DAY`, `INTERVAL '1-2' YEAR TO MONTH`
    pub fn interval(&mut self, interval: &ast::Interval) -> Result<ScalarExpr, SqlError> {
        let Expr::Value(ast::ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = &*interval.value else {
            return Err(SqlError::unsupported("INTERVAL of something other than a quoted string"));
        };
        let parsed = match &interval.leading_field {
            None => text.clone(),
            Some(leading) => qualified_interval(text, leading, interval.last_field.as_ref())?,
        };
        let position = self.span_position(ast::Spanned::span(&*interval.value));
        let value = self.coerce(Operand::Text(parsed, position), &SqlType::Interval, Context::Explicit)?;
        let unit = interval.last_field.as_ref().or(interval.leading_field.as_ref()).and_then(unit);
        match unit {
            // `INTERVAL '1 day 2 hours' DAY` drops what is finer than its last field.
            Some(unit @ ("month" | "year" | "day" | "hour" | "minute")) => self.truncate_interval(value, unit),
            _ => Ok(value),
        }
    }

    fn truncate_interval(&mut self, value: ScalarExpr, unit: &str) -> Result<ScalarExpr, SqlError> {
        let unit = Operand::Typed(constant(Datum::Text(unit), SqlType::Text));
        self.function_call("date_trunc", vec![unit, Operand::Typed(value)])
    }
}

fn unit(field: &DateTimeField) -> Option<&'static str> {
    Some(match field {
        DateTimeField::Year | DateTimeField::Years => "year",
        DateTimeField::Month | DateTimeField::Months => "month",
        DateTimeField::Day | DateTimeField::Days => "day",
        DateTimeField::Hour | DateTimeField::Hours => "hour",
        DateTimeField::Minute | DateTimeField::Minutes => "minute",
        DateTimeField::Second | DateTimeField::Seconds => "second",
        _ => return None,
    })
}

/// A bare number takes the last field's unit; other texts say their units themselves.
fn qualified_interval(text: &str, leading: &DateTimeField, last: Option<&DateTimeField>) -> Result<String, SqlError> {
    let field = last.unwrap_or(leading);
    let unit = unit(field)
        .ok_or_else(|| SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{field}\"")))?;
    let bare = text.trim().parse::<f64>().is_ok();
    // `INTERVAL '1:30' MINUTE TO SECOND` counts minutes and seconds, where `'1:30'` alone counts hours and minutes.
    let minutes = matches!((leading, last), (DateTimeField::Minute, Some(DateTimeField::Second)));
    Ok(match (bare, minutes && text.matches(':').count() == 1) {
        (true, _) => format!("{} {unit}", text.trim()),
        (_, true) => format!("00:{}", text.trim()),
        _ => text.to_string(),
    })
}
