//! Types of expressions in context: untyped literals, conversions, and the common type of several expressions.
//!
//! PostgreSQL's rules (manual, chapter 10). A quoted string, NULL or parameter has no type of its own: it is an [`Operand`] until its
//! surroundings settle what it is.

use crate::query::Planner;
use expr::ScalarExpr;
use expr::func::casts;
pub use expr::func::casts::CastContext as Context;
use repr::text::{self, TextSettings};
use repr::{ColumnType, Datum, Row, RowPacker, RowRef, SqlError, SqlState, SqlType};

/// A planned expression whose type may still be open.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// It has a type.
    Typed(ScalarExpr),
    /// A quoted string, and where it stands.
    Text(String, Option<u32>),
    /// NULL.
    Null,
    /// A parameter without a type yet, from 0.
    Param(usize),
    /// `ARRAY[…]`
    Array(Vec<Operand>),
    /// `ROW(…)`
    Row(Vec<Operand>),
    /// `LIST[…]`
    List(Vec<Operand>),
    /// `MAP[…]`: keys and values in turn
    Map(Vec<Operand>),
}

/// PostgreSQL's categories of types (`pg_type.typcategory`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// `bool`
    Boolean,
    /// numbers and oids
    Numeric,
    /// text and its kin
    String,
    /// dates and times
    DateTime,
    /// `interval`
    Timespan,
    /// arrays
    Array,
    /// everything else, each for itself
    Other,
}

/// A type's category.
pub(crate) fn category(ty: &SqlType) -> Category {
    match ty {
        SqlType::Bool => Category::Boolean,
        SqlType::Int2 | SqlType::Int4 | SqlType::Int8 | SqlType::Float4 | SqlType::Float8 | SqlType::Numeric(_) => {
            Category::Numeric
        }
        SqlType::Uint2 | SqlType::Uint4 | SqlType::Uint8 => Category::Numeric,
        SqlType::Oid | SqlType::Regclass | SqlType::Regproc | SqlType::Regtype => Category::Numeric,
        SqlType::Text | SqlType::Varchar(_) | SqlType::Char(_) | SqlType::Name => Category::String,
        SqlType::Date | SqlType::Time | SqlType::TimeTz | SqlType::Timestamp(_) | SqlType::Timestamptz(_) => {
            Category::DateTime
        }
        SqlType::Interval => Category::Timespan,
        SqlType::Array(_) | SqlType::List(_) | SqlType::Vector(_) => Category::Array,
        SqlType::InternalChar
        | SqlType::Bytea
        | SqlType::Uuid
        | SqlType::Jsonb
        | SqlType::MzTimestamp
        | SqlType::Range(_)
        | SqlType::Enum(_)
        | SqlType::Json
        | SqlType::Map(_)
        | SqlType::Composite(_)
        | SqlType::Record(_) => Category::Other,
    }
}

/// Whether a type is preferred in its category.
pub(crate) fn is_preferred(ty: &SqlType) -> bool {
    use SqlType::*;
    matches!(ty, Bool | Float8 | Oid | Text | Timestamptz(_) | Interval)
}

/// Whether a value of type `from` may become one of type `to` in this context.
pub(crate) fn can_coerce(from: &SqlType, to: &SqlType, context: Context) -> bool {
    let (from, to) = (from.without_modifier(), to.without_modifier());
    from == to || casts::lookup(&from, &to).is_some_and(|(needs, _)| allows(context, needs))
}

/// Whether a context admits a cast that needs another.
fn allows(context: Context, needs: Context) -> bool {
    needs <= context
}

/// What PostgreSQL calls a type in messages about candidates; open ones are `unknown`.
pub(crate) fn type_name(ty: &Option<SqlType>) -> String {
    ty.as_ref().map_or_else(|| "unknown".to_string(), |t| t.without_modifier().to_string())
}

/// Finds the type that all operands of a CASE, UNION and so on can become (`select_common_type`).
pub(crate) fn common_type(types: &[Option<SqlType>], what: &str) -> Result<SqlType, SqlError> {
    let mut known = types.iter().flatten();
    let Some(first) = known.next() else { return Ok(SqlType::Text) };
    if known.clone().all(|t| t == first) {
        return Ok(first.clone());
    }
    let mut chosen = first.without_modifier();
    for ty in known {
        let ty = ty.without_modifier();
        if ty == chosen {
            continue;
        }
        if let (SqlType::Record(a), SqlType::Record(b)) = (&chosen, &ty)
            && can_coerce(&ty, &chosen, Context::Implicit)
        {
            chosen = SqlType::Record(a.iter().zip(b).map(|((n, a), (_, b))| (n.clone(), a.union(b))).collect());
            continue;
        }
        let matched = category(&ty) == category(&chosen) && category(&ty) != Category::Other;
        if !matched || (category(&ty) == Category::Array && !can_coerce(&ty, &chosen, Context::Implicit)) {
            let message = format!("{what} types {chosen} and {ty} cannot be matched");
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let there = can_coerce(&chosen, &ty, Context::Implicit);
        if !is_preferred(&chosen) && there && !can_coerce(&ty, &chosen, Context::Implicit) {
            chosen = ty;
        }
    }
    Ok(chosen)
}

/// A literal of a value's text.
pub(crate) fn literal_from_text(s: &str, ty: &SqlType, settings: &TextSettings) -> Result<ScalarExpr, SqlError> {
    let mut packer = RowPacker::new();
    text::parse(s, ty, settings, &mut packer)?;
    Ok(ScalarExpr::Literal(Ok(packer.finish()), ty.clone().nullable(false)))
}

/// NULL of a type.
pub(crate) fn null(ty: &SqlType) -> ScalarExpr {
    ScalarExpr::Literal(Ok(Row::pack([Datum::Null])), ty.clone().nullable(true))
}

/// A constant of a type.
pub(crate) fn constant(datum: Datum<'_>, ty: SqlType) -> ScalarExpr {
    ScalarExpr::Literal(Ok(Row::pack([datum])), ColumnType { ty, nullable: false })
}

impl Planner<'_, '_> {
    /// An operand's type; none while it is open.
    pub fn operand_type(&self, operand: &Operand) -> Option<SqlType> {
        match operand {
            Operand::Typed(expr) => Some(self.typ(expr).ty),
            Operand::Text(..) | Operand::Null | Operand::Param(_) => None,
            Operand::Array(elements) => {
                let types: Vec<_> = elements.iter().map(|e| self.operand_type(e)).collect();
                types.iter().any(Option::is_some).then(|| match common_type(&types, "ARRAY") {
                    Ok(SqlType::Array(element)) => SqlType::Array(element),
                    Ok(element) => SqlType::Array(Box::new(element)),
                    Err(_) => SqlType::Array(Box::new(SqlType::Text)),
                })
            }
            Operand::List(elements) => {
                let types: Vec<_> = elements.iter().map(|e| self.operand_type(e)).collect();
                let known = types.iter().any(Option::is_some);
                known.then(|| SqlType::List(Box::new(common_type(&types, "LIST").unwrap_or(SqlType::Text))))
            }
            Operand::Map(items) => {
                let types: Vec<_> = items.iter().skip(1).step_by(2).map(|e| self.operand_type(e)).collect();
                let known = types.iter().any(Option::is_some);
                known.then(|| SqlType::Map(Box::new(common_type(&types, "MAP").unwrap_or(SqlType::Text))))
            }
            Operand::Row(fields) => {
                let field = |(i, f): (usize, &Operand)| {
                    let typ = match f {
                        Operand::Typed(expr) => self.typ(expr),
                        other => self.operand_type(other).unwrap_or(SqlType::Text).nullable(true),
                    };
                    (format!("f{}", i + 1), typ)
                };
                Some(SqlType::Record(fields.iter().enumerate().map(field).collect()))
            }
        }
    }

    /// The types of several operands.
    pub fn operand_types(&self, operands: &[Operand]) -> Vec<Option<SqlType>> {
        operands.iter().map(|o| self.operand_type(o)).collect()
    }

    /// The settings that literals are read with: the session's, and the defaults in what is kept.
    pub fn text_settings(&self) -> TextSettings {
        self.qcx.text_settings()
    }

    /// An operand with the type it has when nothing says otherwise: text where it is open.
    pub fn settle(&mut self, operand: Operand) -> Result<ScalarExpr, SqlError> {
        match operand {
            Operand::Typed(expr) => Ok(expr),
            Operand::Array(elements) if elements.is_empty() => {
                let message = "cannot determine type of empty array";
                let hint = "Explicitly cast to the desired type, for example ARRAY[]::integer[].";
                Err(SqlError::new(SqlState::INDETERMINATE_DATATYPE, message).hint(hint))
            }
            Operand::Array(elements) => {
                let types = self.operand_types(&elements);
                let ty = match common_type(&types, "ARRAY")? {
                    SqlType::Array(element) => SqlType::Array(element),
                    element => SqlType::Array(Box::new(element)),
                };
                self.coerce(Operand::Array(elements), &ty, Context::Implicit)
            }
            Operand::List(elements) => {
                let ty = common_type(&self.operand_types(&elements), "LIST")?;
                self.coerce(Operand::List(elements), &SqlType::List(Box::new(ty)), Context::Implicit)
            }
            Operand::Map(items) => {
                let types: Vec<_> = items.iter().skip(1).step_by(2).map(|e| self.operand_type(e)).collect();
                let ty = common_type(&types, "MAP")?;
                self.coerce(Operand::Map(items), &SqlType::Map(Box::new(ty)), Context::Implicit)
            }
            Operand::Row(fields) => {
                let fields = fields.into_iter().map(|f| self.settle(f)).collect::<Result<Vec<_>, _>>()?;
                self.record(fields)
            }
            open => self.coerce(open, &SqlType::Text, Context::Implicit),
        }
    }

    /// An operand as a value of type `to`, if the context admits that.
    pub fn coerce(&mut self, operand: Operand, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        match operand {
            Operand::Typed(expr) => self.cast(expr, to, context),
            Operand::Null => Ok(null(to)),
            Operand::Text(s, position) => self.read_literal(&s, to, context).map_err(|e| e.at(position)),
            Operand::Param(n) => {
                let base = to.without_modifier();
                if self.qcx.param_types.len() <= n {
                    self.qcx.param_types.resize(n + 1, None);
                }
                let known = self.qcx.param_types[n].get_or_insert(base).clone();
                let value = self.parameter(n, &known);
                self.cast(value, to, context)
            }
            Operand::Array(elements) => self.coerce_array(elements, to, context),
            Operand::List(elements) => self.coerce_list(elements, to, context),
            Operand::Map(items) => self.coerce_map(items, to, context),
            Operand::Row(fields) => match to {
                // Each field takes the type that the named one has.
                SqlType::Composite(ty) if ty.fields.len() == fields.len() => {
                    let pairs = fields.into_iter().zip(&ty.fields);
                    let fields = pairs.map(|(field, (_, column))| self.coerce(field, &column.ty, context));
                    let fields = fields.collect::<Result<_, _>>()?;
                    let record = self.record(fields)?;
                    self.cast(record, to, context)
                }
                _ => {
                    let record = self.settle(Operand::Row(fields))?;
                    self.cast(record, to, context)
                }
            },
        }
    }

    fn coerce_array(&mut self, elements: Vec<Operand>, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        let SqlType::Array(element) = to else {
            let array = self.settle(Operand::Array(elements))?;
            return self.cast(array, to, context);
        };
        // Rows of an array of several dimensions are arrays of the same type.
        let nested = |o: &Operand| matches!(o, Operand::Array(_));
        let is_array = |o: &Operand| matches!(self.operand_type(o), Some(SqlType::Array(_)));
        let deep = elements.iter().any(|o| nested(o) || is_array(o));
        let target = if deep { to } else { element };
        let elements = elements.into_iter().map(|e| self.coerce(e, target, context)).collect::<Result<Vec<_>, _>>()?;
        self.array(elements, element, deep)
    }

    fn coerce_list(&mut self, elements: Vec<Operand>, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        let SqlType::List(element) = to else {
            let list = self.settle(Operand::List(elements))?;
            return self.cast(list, to, context);
        };
        let elements = elements.into_iter().map(|e| self.coerce(e, element, context)).collect::<Result<Vec<_>, _>>()?;
        match elements.is_empty() {
            true => Ok(constant(Datum::List(RowRef::from_encoded(&[])), to.clone())),
            false => crate::query::call("list_create", elements),
        }
    }

    fn coerce_map(&mut self, items: Vec<Operand>, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        let SqlType::Map(value) = to else {
            let map = self.settle(Operand::Map(items))?;
            return self.cast(map, to, context);
        };
        let item =
            |(i, item): (usize, Operand)| self.coerce(item, if i % 2 == 0 { &SqlType::Text } else { value }, context);
        let items = items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?;
        match items.is_empty() {
            true => Ok(constant(Datum::Map(RowRef::from_encoded(&[])), to.clone())),
            false => crate::query::call("map_create", items),
        }
    }

    /// A quoted string as a value; declared lengths and precisions apply as in a cast.
    fn read_literal(&mut self, s: &str, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        let base = to.without_modifier();
        if matches!(base, SqlType::Record(_)) {
            return Err(SqlError::unsupported("input of anonymous composite types"));
        }
        if let Some(moment) = self.special_moment(s, &base)? {
            return self.cast(moment, to, Context::Explicit);
        }
        if matches!(base, SqlType::Regclass | SqlType::Regproc | SqlType::Regtype) {
            let text = constant(Datum::Text(s), SqlType::Text);
            return self.cast(text, to, Context::Explicit);
        }
        let literal = literal_from_text(s, &base, &self.text_settings())?;
        if base == *to { Ok(literal) } else { self.cast(literal, to, context) }
    }

    /// A typed expression as a value of another type.
    pub fn cast(&mut self, expr: ScalarExpr, to: &SqlType, context: Context) -> Result<ScalarExpr, SqlError> {
        let from = self.typ(&expr).ty;
        // A cast that is written forgets the modifier of what it is of.
        let forgets = context == Context::Explicit && category(to) != Category::String;
        if from == *to || (from.without_modifier() == *to && !forgets) {
            return Ok(expr);
        }
        let same_base = from.without_modifier() == to.without_modifier();
        if same_base && (matches!(to, SqlType::Record(_)) || context == Context::Implicit) {
            return Ok(expr);
        }
        if let (SqlType::Regclass, Some(id)) = (to, self.constant_name(&expr)) {
            return self.regclass(&id);
        }
        if let (SqlType::Regtype, Some(name)) = (to, self.constant_name(&expr)) {
            let oid = match name.parse::<u32>() {
                Ok(oid) => oid,
                Err(_) => repr::pg::oid(&self.type_named(&name)?),
            };
            return Ok(constant(Datum::Oid(oid), SqlType::Regtype));
        }
        if let Some(value) = self.cast_name(&expr, to, context)? {
            return Ok(value);
        }
        match casts::lookup(&from, to) {
            Some((needs, cast)) if same_base || allows(context, needs) => Ok(cast.apply_in(expr, to, context)),
            _ if context == Context::Explicit => {
                let message = format!("cannot cast type {} to {}", from.without_modifier(), to.without_modifier());
                Err(SqlError::new(SqlState::CANNOT_COERCE, message))
            }
            _ => {
                let message = format!(
                    "expression is of type {} but {} is needed",
                    from.without_modifier(),
                    to.without_modifier()
                );
                let hint = "You will need to rewrite or cast the expression.";
                Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message).hint(hint))
            }
        }
    }

    /// The type that a name means, as a cast would write it.
    pub(crate) fn type_named(&self, name: &str) -> Result<SqlType, SqlError> {
        let missing = || SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist"));
        match crate::parser::parse_expr(&format!("(0)::{name}")).map_err(|_| missing())? {
            sqlparser::ast::Expr::Cast { data_type, .. } => crate::types::sql_type(self.qcx.catalog, &data_type),
            _ => Err(missing()),
        }
    }

    pub(crate) fn constant_name(&self, expr: &ScalarExpr) -> Option<String> {
        match expr {
            ScalarExpr::Literal(Ok(row), typ) if category(&typ.ty) == Category::String => match row.iter().next() {
                Some(Datum::Text(name)) => Some(name.to_string()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The oid of the relation that a constant names.
    fn regclass(&mut self, name: &str) -> Result<ScalarExpr, SqlError> {
        if let Ok(oid) = name.parse::<u32>() {
            return Ok(constant(Datum::Oid(oid), SqlType::Regclass));
        }
        let parts: Vec<String> = crate::catalog::split_name(name);
        let item = self.qcx.catalog.resolve(&parts);
        let message = || SqlError::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"));
        Ok(constant(Datum::Oid(item.ok_or_else(message)?.oid), SqlType::Regclass))
    }

    /// Operands brought to their common type.
    pub fn unify(&mut self, operands: Vec<Operand>, what: &str) -> Result<(Vec<ScalarExpr>, SqlType), SqlError> {
        let ty = common_type(&self.operand_types(&operands), what)?;
        let exprs = operands.into_iter().map(|o| self.coerce(o, &ty, Context::Implicit)).collect::<Result<_, _>>()?;
        Ok((exprs, ty))
    }

    /// A condition.
    pub fn condition(&mut self, operand: Operand, clause: &str) -> Result<ScalarExpr, SqlError> {
        match self.operand_type(&operand) {
            None | Some(SqlType::Bool) => self.coerce(operand, &SqlType::Bool, Context::Implicit),
            Some(other) => {
                let other = other.without_modifier();
                let message = format!("argument of {clause} must be type boolean, not type {other}");
                Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message))
            }
        }
    }
}
