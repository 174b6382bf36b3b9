//! Making scalar expressions, asking about them, walking them.

use crate::func::{Func, Volatility, by_name};
use crate::relation_scalars::{operands, scalar_columns, scalar_type};
use crate::scalar::ScalarExpr;
use crate::visit::grow;
use repr::{ColumnType, Datum, EvalError, Row, SqlType};
use std::collections::BTreeSet;

impl ScalarExpr {
    /// A column.
    pub fn column(at: usize) -> Self {
        ScalarExpr::Column(at)
    }

    /// A constant of a type.
    pub fn literal(datum: Datum<'_>, ty: SqlType) -> Self {
        let nullable = datum.is_null();
        ScalarExpr::Literal(Ok(Row::pack([datum])), ColumnType { ty, nullable })
    }

    /// NULL of a type.
    pub fn null(ty: SqlType) -> Self {
        ScalarExpr::literal(Datum::Null, ty)
    }

    /// An error, where a value of this type is expected.
    pub fn error(error: EvalError, ty: SqlType) -> Self {
        ScalarExpr::Literal(Err(error), ty.nullable(false))
    }

    /// `true`
    pub fn literal_true() -> Self {
        ScalarExpr::literal(Datum::Bool(true), SqlType::Bool)
    }

    /// `false`
    pub fn literal_false() -> Self {
        ScalarExpr::literal(Datum::Bool(false), SqlType::Bool)
    }

    /// A call of the function with this unique name.
    ///
    /// # Panics
    ///
    /// If there is none: names in the program are the table's. Look names that come from outside up with [`by_name`].
    pub fn call(name: &str, args: Vec<ScalarExpr>) -> Self {
        let func = by_name(name).unwrap_or_else(|| panic!("no function is called {name}"));
        ScalarExpr::Call { func, args }
    }

    /// A call of a function.
    pub fn call_func(func: Func, args: Vec<ScalarExpr>) -> Self {
        ScalarExpr::Call { func, args }
    }

    /// A call with one argument; see [`ScalarExpr::call`].
    pub fn call_unary(self, name: &str) -> Self {
        ScalarExpr::call(name, vec![self])
    }

    /// A call with two arguments; see [`ScalarExpr::call`].
    pub fn call_binary(self, name: &str, other: ScalarExpr) -> Self {
        ScalarExpr::call(name, vec![self, other])
    }

    /// `self AND other`
    pub fn and(self, other: ScalarExpr) -> Self {
        ScalarExpr::And(vec![self, other])
    }

    /// `self OR other`
    pub fn or(self, other: ScalarExpr) -> Self {
        ScalarExpr::Or(vec![self, other])
    }

    /// `NOT self`
    #[allow(clippy::should_implement_trait)] // SQL's NOT, which NULL passes through
    pub fn not(self) -> Self {
        self.call_unary("not")
    }

    /// `self IS NULL`
    pub fn is_null(self) -> Self {
        self.call_unary("is_null")
    }

    /// `self = other`, both of one type.
    pub fn eq(self, other: ScalarExpr) -> Self {
        self.call_binary("eq", other)
    }

    /// `CASE WHEN self THEN then ELSE otherwise END`
    pub fn if_then_else(self, then: ScalarExpr, otherwise: ScalarExpr) -> Self {
        ScalarExpr::If { condition: Box::new(self), then: Box::new(then), otherwise: Box::new(otherwise) }
    }

    /// All of these: `true` for none.
    pub fn conjunction(mut operands: Vec<ScalarExpr>) -> Self {
        match operands.len() {
            0 => ScalarExpr::literal_true(),
            1 => operands.remove(0),
            _ => ScalarExpr::And(operands),
        }
    }

    /// The type over these columns.
    pub fn typ(&self, columns: &[ColumnType]) -> ColumnType {
        scalar_type(self, columns)
    }

    /// The columns it uses.
    pub fn columns(&self) -> BTreeSet<usize> {
        scalar_columns(self)
    }

    /// The direct operands, in order.
    pub fn children(&self) -> Vec<&ScalarExpr> {
        operands(self)
    }

    /// The direct operands, in order, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut ScalarExpr> {
        match self {
            ScalarExpr::Column(_) | ScalarExpr::Literal(..) | ScalarExpr::Unmaterializable(_) => Vec::new(),
            ScalarExpr::Call { args, .. } => args.iter_mut().collect(),
            ScalarExpr::If { condition, then, otherwise } => vec![condition, then, otherwise],
            ScalarExpr::And(operands) | ScalarExpr::Or(operands) | ScalarExpr::Coalesce(operands) => {
                operands.iter_mut().collect()
            }
        }
    }

    /// Calls `f` for this expression and all below it, parents first.
    pub fn visit(&self, f: &mut dyn FnMut(&ScalarExpr)) {
        grow(|| {
            f(self);
            self.children().into_iter().for_each(|child| child.visit(f));
        });
    }

    /// Calls `f` for this expression and all below it, parents first.
    pub fn visit_mut_pre(&mut self, f: &mut dyn FnMut(&mut ScalarExpr)) {
        grow(|| {
            f(self);
            self.children_mut().into_iter().for_each(|child| child.visit_mut_pre(f));
        });
    }

    /// Calls `f` for this expression and all below it, children first.
    pub fn visit_mut_post(&mut self, f: &mut dyn FnMut(&mut ScalarExpr)) {
        grow(|| {
            self.children_mut().into_iter().for_each(|child| child.visit_mut_post(f));
            f(self);
        });
    }

    /// As [`ScalarExpr::visit_mut_post`].
    pub fn visit_mut(&mut self, f: &mut dyn FnMut(&mut ScalarExpr)) {
        self.visit_mut_post(f);
    }

    /// Whether `wanted` holds for this expression or one below it.
    pub fn any(&self, wanted: &dyn Fn(&ScalarExpr) -> bool) -> bool {
        grow(|| wanted(self) || self.children().into_iter().any(|child| child.any(wanted)))
    }

    /// Renumbers columns.
    pub fn remap(&mut self, f: &dyn Fn(usize) -> usize) {
        self.visit_mut_post(&mut |expr| {
            if let ScalarExpr::Column(at) = expr {
                *at = f(*at);
            }
        });
    }

    /// Column `i` becomes `permutation[i]`.
    pub fn permute(&mut self, permutation: &[usize]) {
        self.remap(&|at| permutation[at]);
    }

    /// Column `i` becomes `i + by`.
    pub fn shift(&mut self, by: usize) {
        self.remap(&|at| at + by);
    }

    /// Column `i` becomes the expression `with[i]`.
    pub fn substitute(&mut self, with: &[ScalarExpr]) {
        self.visit_mut_post(&mut |expr| {
            if let ScalarExpr::Column(at) = expr {
                *expr = with[*at].clone();
            }
        });
    }

    /// Whether this is a constant or a constant error.
    pub fn is_literal(&self) -> bool {
        matches!(self, ScalarExpr::Literal(..))
    }

    /// The constant, or its error.
    pub fn as_literal(&self) -> Option<Result<Datum<'_>, &EvalError>> {
        match self {
            ScalarExpr::Literal(Ok(row), _) => Some(Ok(row.iter().next().unwrap_or(Datum::Null))),
            ScalarExpr::Literal(Err(error), _) => Some(Err(error)),
            _ => None,
        }
    }

    /// Whether this is the constant `true`.
    pub fn is_literal_true(&self) -> bool {
        matches!(self.as_literal(), Some(Ok(Datum::Bool(true))))
    }

    /// Whether this is the constant `false`.
    pub fn is_literal_false(&self) -> bool {
        matches!(self.as_literal(), Some(Ok(Datum::Bool(false))))
    }

    /// Whether this is a constant NULL.
    pub fn is_literal_null(&self) -> bool {
        matches!(self.as_literal(), Some(Ok(Datum::Null)))
    }

    /// Whether evaluating it may return an error.
    pub fn could_error(&self) -> bool {
        self.any(&|expr| match expr {
            ScalarExpr::Literal(Err(_), _) => true,
            ScalarExpr::Call { func, .. } => func.0.fallible,
            _ => false,
        })
    }

    /// Whether its value belongs to a session or a moment.
    pub fn contains_unmaterializable(&self) -> bool {
        self.any(&|expr| matches!(expr, ScalarExpr::Unmaterializable(_)))
    }

    /// Whether the same columns always give the same value.
    pub fn is_immutable(&self) -> bool {
        !self.any(&|expr| match expr {
            ScalarExpr::Unmaterializable(_) => true,
            ScalarExpr::Call { func, .. } => func.0.volatility != Volatility::Immutable,
            _ => false,
        })
    }
}
