//! Following a path.

use super::{Bound, Compare, Expr, Method, Operator, Predicate, Step};
use crate::func::build::division_by_zero;
use crate::func::numeric::{add, divide, multiply, negate, remainder};
use crate::func::regex;
use repr::jsonb::{self, JsonValue};
use repr::text::number;
use repr::{Arena, EvalError, JsonbRef, Numeric, SqlError, SqlState};
use std::cmp::Ordering;

/// A path wants one value and finds more or none.
pub const SINGLETON_REQUIRED: SqlState = SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED;

/// How deep a value may be walked, as walkers recurse.
const DEPTH_MAX: u32 = 1024;

/// What stays the same while a path is followed.
pub struct Evaluation<'a> {
    pub root: JsonbRef<'a>,
    pub variables: Option<JsonbRef<'a>>,
    pub strict: bool,
    pub arena: &'a Arena,
}

/// Where an expression stands: the value at hand, and the array of a subscript.
#[derive(Clone, Copy)]
struct Place<'a> {
    current: JsonbRef<'a>,
    length: Option<usize>,
}

type Values<'a> = Result<Vec<JsonbRef<'a>>, EvalError>;

fn fails<T>(code: SqlState, message: impl Into<String>) -> Result<T, EvalError> {
    Err(SqlError::new(code, message))
}

impl<'a> Evaluation<'a> {
    /// All that a path leads to.
    pub fn all(&self, body: &Expr) -> Values<'a> {
        self.values(body, Place { current: self.root, length: None })
    }

    fn made(&self, write: impl FnOnce(&mut Vec<u8>)) -> JsonbRef<'a> {
        let mut out = Vec::new();
        write(&mut out);
        JsonbRef::from_encoded(self.arena.bytes(out))
    }

    fn number(&self, value: &Numeric) -> JsonbRef<'a> {
        self.made(|out| jsonb::push_number(&value.encode(), out))
    }

    fn values(&self, expr: &Expr, place: Place<'a>) -> Values<'a> {
        Ok(vec![match expr {
            Expr::Root => self.root,
            Expr::Current => place.current,
            Expr::Last => match place.length {
                Some(length) => self.number(&Numeric::Finite((length as i64 - 1).into())),
                None => return fails(SqlState::SYNTAX_ERROR, "LAST is allowed only in array subscripts"),
            },
            Expr::Variable(name) => self.variable(name)?,
            Expr::Null => self.made(jsonb::push_null),
            Expr::Bool(value) => self.made(|out| jsonb::push_bool(*value, out)),
            Expr::Number(value) => self.number(value),
            Expr::String(value) => self.made(|out| jsonb::push_string(value, out)),
            Expr::Negate(inner) => {
                let values = self.unwrapped(self.values(inner, place)?);
                let negated = values.into_iter().map(|value| Ok(self.number(&negate(numeric(value, "-")?))));
                return negated.collect();
            }
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, place)?,
            Expr::Predicate(predicate) => match self.holds(predicate, place)? {
                Some(value) => self.made(|out| jsonb::push_bool(value, out)),
                None => self.made(jsonb::push_null),
            },
            Expr::Steps(start, steps) => {
                let mut values = self.values(start, place)?;
                for step in steps {
                    values = self.step(step, values, place)?;
                }
                return Ok(values);
            }
        }])
    }

    fn variable(&self, name: &str) -> Result<JsonbRef<'a>, EvalError> {
        let found = self.variables.and_then(|variables| member(variables, name));
        found.map_or_else(
            || fails(SqlState::UNDEFINED_OBJECT, format!("could not find jsonpath variable \"{name}\"")),
            Ok,
        )
    }

    /// Without `strict`, arrays stand for their elements where one value is wanted.
    fn unwrapped(&self, values: Vec<JsonbRef<'a>>) -> Vec<JsonbRef<'a>> {
        if self.strict {
            return values;
        }
        let elements = |value: JsonbRef<'a>| match value.value() {
            JsonValue::Array(elements) => elements,
            _ => vec![value],
        };
        values.into_iter().flat_map(elements).collect()
    }

    fn binary(
        &self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        place: Place<'a>,
    ) -> Result<JsonbRef<'a>, EvalError> {
        let (symbol, apply): (_, fn(Numeric, Numeric) -> Result<Numeric, EvalError>) = match operator {
            Operator::Add => ("+", add),
            Operator::Subtract => ("-", |a, b| add(a, negate(b))),
            Operator::Multiply => ("*", multiply),
            Operator::Divide => ("/", divide),
            Operator::Modulo => ("%", remainder),
        };
        let side = |expr: &Expr, which: &str| match self.unwrapped(self.values(expr, place)?)[..] {
            [one] if let JsonValue::Number(value) = one.value() => Ok(value.to_numeric()),
            _ => fails(
                SINGLETON_REQUIRED,
                format!("{which} operand of jsonpath operator {symbol} is not a single numeric value"),
            ),
        };
        let (left, right) = (side(left, "left")?, side(right, "right")?);
        if matches!(operator, Operator::Divide | Operator::Modulo) && right == Numeric::zero() {
            return Err(division_by_zero());
        }
        Ok(self.number(&apply(left, right)?))
    }

    fn step(&self, step: &Step, values: Vec<JsonbRef<'a>>, place: Place<'a>) -> Values<'a> {
        let mut out = Vec::new();
        match step {
            Step::Filter(predicate) => {
                for value in self.unwrapped(values) {
                    if self.holds(predicate, Place { current: value, ..place })? == Some(true) {
                        out.push(value);
                    }
                }
            }
            Step::Key(_) | Step::AnyKey => {
                for value in self.unwrapped(values) {
                    self.members(step, value, &mut out)?;
                }
            }
            Step::AnyElement => {
                for value in values {
                    out.extend(self.elements(value)?);
                }
            }
            Step::Elements(ranges) => {
                for value in values {
                    self.subscripts(ranges, value, place, &mut out)?;
                }
            }
            Step::AnyLevel(from, to) => values.into_iter().for_each(|value| levels(value, 0, *from, *to, &mut out)),
            Step::Method(Method::Type | Method::Size) => {
                for value in values {
                    out.push(self.described(step, value)?);
                }
            }
            Step::Method(method) => {
                for value in self.unwrapped(values) {
                    self.method(*method, value, &mut out)?;
                }
            }
        }
        Ok(out)
    }

    fn members(&self, step: &Step, value: JsonbRef<'a>, out: &mut Vec<JsonbRef<'a>>) -> Result<(), EvalError> {
        match (value.value(), step) {
            (JsonValue::Object(_), Step::Key(key)) => match member(value, key) {
                Some(found) => out.push(found),
                None if self.strict => {
                    let message = format!("JSON object does not contain key \"{key}\"");
                    return fails(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message);
                }
                None => {}
            },
            (JsonValue::Object(pairs), _) => out.extend(pairs.into_iter().map(|(_, value)| value)),
            _ if self.strict => {
                let what = if matches!(step, Step::Key(_)) { "member" } else { "wildcard member" };
                let message = format!("jsonpath {what} accessor can only be applied to an object");
                return fails(SqlState::SQL_JSON_MEMBER_NOT_FOUND, message);
            }
            _ => {}
        }
        Ok(())
    }

    fn elements(&self, value: JsonbRef<'a>) -> Values<'a> {
        match value.value() {
            JsonValue::Array(elements) => Ok(elements),
            _ if self.strict => {
                let message = "jsonpath wildcard array accessor can only be applied to an array";
                fails(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message)
            }
            _ => Ok(vec![value]),
        }
    }

    fn subscripts(
        &self,
        ranges: &[(Expr, Option<Expr>)],
        value: JsonbRef<'a>,
        place: Place<'a>,
        out: &mut Vec<JsonbRef<'a>>,
    ) -> Result<(), EvalError> {
        let elements = match value.value() {
            JsonValue::Array(elements) => elements,
            _ if self.strict => {
                let message = "jsonpath array accessor can only be applied to an array";
                return fails(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message);
            }
            _ => vec![value],
        };
        let inside = Place { length: Some(elements.len()), ..place };
        let index = |expr: &Expr| match self.values(expr, inside)?[..] {
            [one] if let JsonValue::Number(value) = one.value() => Ok(whole(&value.to_numeric())),
            _ => fails(SqlState::INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is not a single numeric value"),
        };
        for (from, to) in ranges {
            let from = index(from)?;
            let to = to.as_ref().map_or(Ok(from), index)?;
            if self.strict && (from < 0 || from > to || to >= elements.len() as i64) {
                return fails(SqlState::INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of bounds");
            }
            let range = from.max(0) as usize..elements.len().min((to + 1).max(0) as usize);
            out.extend(elements.get(range).unwrap_or_default());
        }
        Ok(())
    }

    /// What kind of value one is, or how many elements it has.
    fn described(&self, step: &Step, value: JsonbRef<'a>) -> Result<JsonbRef<'a>, EvalError> {
        if let Step::Method(Method::Type) = step {
            return Ok(self.made(|out| jsonb::push_string(crate::func::json::kind(value), out)));
        }
        let size = match value.value() {
            JsonValue::Array(elements) => elements.len() as i64,
            _ if self.strict => {
                let message = "jsonpath item method .size() can only be applied to an array";
                return fails(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message);
            }
            _ => 1,
        };
        Ok(self.number(&Numeric::Finite(size.into())))
    }

    fn method(&self, method: Method, value: JsonbRef<'a>, out: &mut Vec<JsonbRef<'a>>) -> Result<(), EvalError> {
        let rounded = |name, round: fn(&bigdecimal::BigDecimal) -> bigdecimal::BigDecimal| {
            Ok::<_, EvalError>(match numeric(value, name)? {
                Numeric::Finite(value) => Numeric::Finite(round(&value)),
                other => other,
            })
        };
        let number = match method {
            Method::Abs => rounded(".abs()", bigdecimal::BigDecimal::abs)?,
            Method::Floor => rounded(".floor()", |v| v.with_scale_round(0, bigdecimal::RoundingMode::Floor))?,
            Method::Ceiling => rounded(".ceiling()", |v| v.with_scale_round(0, bigdecimal::RoundingMode::Ceiling))?,
            Method::Double => match value.value() {
                JsonValue::Number(value) => value.to_numeric(),
                JsonValue::String(text) => match number::parse_float8(text) {
                    Ok(value) if value.is_finite() => number::parse_numeric(text)?,
                    _ => return fails(SqlState::NON_NUMERIC_SQL_JSON_ITEM, not_double("a string")),
                },
                _ => return fails(SqlState::NON_NUMERIC_SQL_JSON_ITEM, not_double("a value")),
            },
            Method::KeyValue => return self.key_values(value, out),
            Method::Type | Method::Size => return Ok(()),
        };
        out.push(self.number(&number));
        Ok(())
    }

    fn key_values(&self, value: JsonbRef<'a>, out: &mut Vec<JsonbRef<'a>>) -> Result<(), EvalError> {
        let JsonValue::Object(pairs) = value.value() else {
            let message = "jsonpath item method .keyvalue() can only be applied to an object";
            return fails(SqlState::SQL_JSON_OBJECT_NOT_FOUND, message);
        };
        for (key, value) in pairs {
            let (mut name, mut id) = (Vec::new(), Vec::new());
            jsonb::push_string(key, &mut name);
            jsonb::push_number(&Numeric::zero().encode(), &mut id);
            let pairs = vec![("id", id), ("key", name), ("value", value.encoded().to_vec())];
            out.push(self.made(|out| jsonb::push_object(pairs, out)));
        }
        Ok(())
    }

    /// Whether a predicate is true; none if that is unknown.
    fn holds(&self, predicate: &Predicate, place: Place<'a>) -> Result<Option<bool>, EvalError> {
        Ok(match predicate {
            Predicate::Not(inner) => self.holds(inner, place)?.map(|value| !value),
            Predicate::IsUnknown(inner) => Some(self.holds(inner, place)?.is_none()),
            Predicate::And(left, right) => match self.holds(left, place)? {
                Some(false) => Some(false),
                left => match (left, self.holds(right, place)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), right) => right,
                    _ => None,
                },
            },
            Predicate::Or(left, right) => match self.holds(left, place)? {
                Some(true) => Some(true),
                left => match (left, self.holds(right, place)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), right) => right,
                    _ => None,
                },
            },
            Predicate::Exists(path) => self.values(path, place).ok().map(|found| !found.is_empty()),
            Predicate::Compare(operator, left, right) => {
                let (Ok(left), Ok(right)) = (self.values(left, place), self.values(right, place)) else {
                    return Ok(None);
                };
                let (left, right) = (self.unwrapped(left), self.unwrapped(right));
                let pairs = left.iter().flat_map(|l| right.iter().map(|r| compare(*operator, *l, *r)));
                self.any(pairs)
            }
            Predicate::StartsWith(value, prefix) => {
                let (Ok(values), Ok(prefix)) = (self.values(value, place), self.values(prefix, place)) else {
                    return Ok(None);
                };
                let [prefix] = prefix[..] else { return Ok(None) };
                self.any(self.unwrapped(values).into_iter().map(|value| match (value.value(), prefix.value()) {
                    (JsonValue::String(value), JsonValue::String(prefix)) => Some(value.starts_with(prefix)),
                    _ => None,
                }))
            }
            Predicate::LikeRegex { value, pattern, flags } => return self.like_regex(value, pattern, flags, place),
        })
    }

    fn like_regex(
        &self,
        value: &Expr,
        pattern: &str,
        flags: &str,
        place: Place<'a>,
    ) -> Result<Option<bool>, EvalError> {
        let mut options = regex::Options::default();
        for flag in flags.chars() {
            match flag {
                'i' => options.ignore_case = true,
                'q' => options.literal = true,
                'm' => options.line_anchors = true,
                's' => {}
                other => {
                    let message = format!("unrecognized flag character \"{other}\" in LIKE_REGEX predicate");
                    return fails(SqlState::SYNTAX_ERROR, message);
                }
            }
        }
        let regex = regex::compile(pattern, options)?;
        let Ok(values) = self.values(value, place) else { return Ok(None) };
        let mut results = Vec::new();
        for value in self.unwrapped(values) {
            results.push(match value.value() {
                JsonValue::String(text) => Some(regex.is_match(text)?),
                _ => None,
            });
        }
        Ok(self.any(results.into_iter()))
    }

    /// True if one is; unknown if one is, and in strict mode even if another is true.
    fn any(&self, results: impl Iterator<Item = Option<bool>>) -> Option<bool> {
        let (mut found, mut unknown) = (false, false);
        for result in results {
            match result {
                Some(true) if !self.strict => return Some(true),
                Some(true) => found = true,
                Some(false) => {}
                None if self.strict => return None,
                None => unknown = true,
            }
        }
        if found {
            Some(true)
        } else if unknown {
            None
        } else {
            Some(false)
        }
    }
}

fn not_double(what: &str) -> String {
    match what {
        "a string" => "string argument of jsonpath item method .double() is not a valid representation of a double \
                       precision number"
            .to_string(),
        _ => "jsonpath item method .double() can only be applied to a string or numeric value".to_string(),
    }
}

fn member<'a>(value: JsonbRef<'a>, key: &str) -> Option<JsonbRef<'a>> {
    match value.value() {
        JsonValue::Object(pairs) => pairs.into_iter().find(|(known, _)| *known == key).map(|(_, value)| value),
        _ => None,
    }
}

fn numeric(value: JsonbRef<'_>, what: &str) -> Result<Numeric, EvalError> {
    match value.value() {
        JsonValue::Number(value) => Ok(value.to_numeric()),
        _ if what.starts_with('.') => fails(
            SqlState::NON_NUMERIC_SQL_JSON_ITEM,
            format!("jsonpath item method {what} can only be applied to a numeric value"),
        ),
        _ => fails(
            SqlState::SQL_JSON_NUMBER_NOT_FOUND,
            format!("operand of unary jsonpath operator {what} is not a numeric value"),
        ),
    }
}

/// A number without its fraction; far beyond all arrays if it is too large.
fn whole(value: &Numeric) -> i64 {
    match value {
        Numeric::Finite(value) => {
            let (digits, _) = value.with_scale(0).into_bigint_and_scale();
            i64::try_from(digits).unwrap_or(i64::MAX - 1)
        }
        _ => i64::MAX - 1,
    }
}

/// The values at some levels below one, itself at level 0.
fn levels<'a>(value: JsonbRef<'a>, depth: u32, from: Bound, to: Bound, out: &mut Vec<JsonbRef<'a>>) {
    let children: Vec<JsonbRef<'a>> = match value.value() {
        JsonValue::Array(elements) => elements,
        JsonValue::Object(pairs) => pairs.into_iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    };
    let begun = match from {
        Bound::At(level) => depth >= level,
        Bound::Last => children.is_empty(),
    };
    let ended = matches!(to, Bound::At(level) if depth >= level) || depth >= DEPTH_MAX;
    if begun {
        out.push(value);
    }
    if !ended {
        children.into_iter().for_each(|child| levels(child, depth + 1, from, to, out));
    }
}

/// Scalars of one kind compare; `null` is equal to itself and to nothing else; anything else is unknown.
fn compare(operator: Compare, left: JsonbRef<'_>, right: JsonbRef<'_>) -> Option<bool> {
    let order = match (left.value(), right.value()) {
        (JsonValue::Null, JsonValue::Null) => Ordering::Equal,
        (JsonValue::Null, JsonValue::Array(_) | JsonValue::Object(_)) => return None,
        (JsonValue::Array(_) | JsonValue::Object(_), _) | (_, JsonValue::Array(_) | JsonValue::Object(_)) => {
            return None;
        }
        (JsonValue::Null, _) | (_, JsonValue::Null) => return Some(operator == Compare::NotEqual),
        (JsonValue::Bool(a), JsonValue::Bool(b)) => a.cmp(&b),
        (JsonValue::Number(a), JsonValue::Number(b)) => a.cmp(&b),
        (JsonValue::String(a), JsonValue::String(b)) => a.cmp(b),
        _ => return None,
    };
    Some(match operator {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::LessEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::GreaterEqual => order.is_ge(),
    })
}
