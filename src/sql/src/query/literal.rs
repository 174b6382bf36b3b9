//! Literals: numbers, strings, typed strings, intervals, parameters.

use super::planner::Planner;
use crate::coerce::{Context, Operand, constant, literal_from_text};
use crate::types::sql_type;
use expr::ScalarExpr;
use repr::text::TextSettings;
use repr::text::interval::Unit;
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
        let ty = sql_type(self.qcx.catalog, &typed.data_type)?;
        let operand = self.value(&typed.value)?;
        let value = self.coerce(operand, &ty, Context::Explicit)?;
        self.limit_digits(value, &typed.data_type)
    }

    /// `INTERVAL '1 day'`, `INTERVAL '1' DAY`, `INTERVAL '1-2' YEAR TO MONTH`, `INTERVAL(2) '1.234'`
    pub fn interval(&mut self, interval: &ast::Interval) -> Result<ScalarExpr, SqlError> {
        let Expr::Value(ast::ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = &*interval.value else {
            return Err(SqlError::unsupported("INTERVAL of something other than a quoted string"));
        };
        let leading = interval.leading_field.as_ref().map(unit).transpose()?;
        let last = interval.last_field.as_ref().map(unit).transpose()?.or(leading);
        let fields = leading.zip(last);
        let digits = interval.fractional_seconds_precision.or(interval.leading_precision);
        let digits = digits.map(|digits| digits.min(6) as u8);
        let position = self.span_position(ast::Spanned::span(&*interval.value));
        let style = self.text_settings().interval_style;
        let value = repr::text::interval::parse_fields(text, fields, style).map_err(|e| e.at(position))?;
        let value = repr::text::interval::limit(value, last, digits);
        Ok(constant(Datum::Interval(value), SqlType::Interval))
    }

    /// An interval as `INTERVAL DAY TO MINUTE` and the like declare it, a time of the day with the digits that `TIME(2)` leaves it; other types stay.
    pub fn limit_digits(&mut self, value: ScalarExpr, data_type: &ast::DataType) -> Result<ScalarExpr, SqlError> {
        let (fields, precision) = match data_type {
            ast::DataType::Interval { fields, precision } => (fields, precision),
            ast::DataType::Time(Some(digits), zone) => {
                let digits = constant(Datum::Int4((*digits).min(6) as i32), SqlType::Int4);
                let zoned = matches!(zone, ast::TimezoneInfo::WithTimeZone | ast::TimezoneInfo::Tz);
                return super::call(if zoned { "timetz_scale" } else { "time_scale" }, vec![value, digits]);
            }
            _ => return Ok(value),
        };
        let last = fields.as_ref().map(last_field);
        if last.is_none() && precision.is_none() {
            return Ok(value);
        }
        let last = constant(Datum::Text(last.unwrap_or("second")), SqlType::Text);
        let digits = constant(Datum::Int4(precision.map_or(6, |digits| digits.min(6) as i32)), SqlType::Int4);
        super::call("interval_limit", vec![value, last, digits])
    }
}

/// The last field that a declaration admits.
fn last_field(fields: &ast::IntervalFields) -> &'static str {
    use ast::IntervalFields::*;
    match fields {
        Year => "year",
        Month | YearToMonth => "month",
        Day => "day",
        Hour | DayToHour => "hour",
        Minute | DayToMinute | HourToMinute => "minute",
        Second | DayToSecond | HourToSecond | MinuteToSecond => "second",
    }
}

fn unit(field: &DateTimeField) -> Result<Unit, SqlError> {
    Ok(match field {
        DateTimeField::Year | DateTimeField::Years => Unit::Year,
        DateTimeField::Month | DateTimeField::Months => Unit::Month,
        DateTimeField::Day | DateTimeField::Days => Unit::Day,
        DateTimeField::Hour | DateTimeField::Hours => Unit::Hour,
        DateTimeField::Minute | DateTimeField::Minutes => Unit::Minute,
        DateTimeField::Second | DateTimeField::Seconds => Unit::Second,
        _ => return Err(SqlError::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{field}\""))),
    })
}
