//! Window functions: calls with OVER, the WINDOW clause, QUALIFY.
//!
//! A call becomes a column, as an aggregate does. All calls with the same partitions and order are computed by one operator, above grouping
//! and below DISTINCT and ORDER BY.

mod offset;

use super::function::{Arguments, arguments};
use super::planner::{Clause, Planner, fold};
use super::select::{Exprs, Item};
use crate::coerce::Operand;
use crate::hir::{ColId, HirOrder, HirRel, Subquery};
use crate::parser::frame::split_name;
use expr::func::ArgType;
use expr::window::{Bound, Exclude, Frame, Units};
use expr::{ScalarExpr, WindowExpr, WindowFunc};
use repr::{ColumnType, SqlError, SqlState, SqlType};
use sqlparser::ast::{self, Expr, NamedWindowExpr, Select, VisitMut, VisitorMut, WindowType};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// A window function that was met in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowCall {
    /// The column of its value.
    pub id: ColId,
    partition: Vec<ScalarExpr>,
    order: Vec<OrderKey>,
    expr: WindowExpr,
}

/// One expression of a window's order.
#[derive(Clone, Debug, PartialEq)]
struct OrderKey {
    expr: ScalarExpr,
    desc: bool,
    nulls_first: bool,
}

/// A window as it is defined.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    name: String,
    partition: Vec<ScalarExpr>,
    order: Vec<OrderKey>,
    /// As written; none: the default.
    frame: Option<Frame>,
}

impl WindowCall {
    /// All its expressions.
    pub fn scalars_mut(&mut self) -> impl Iterator<Item = &mut ScalarExpr> {
        let order = self.order.iter_mut().map(|key| &mut key.expr);
        self.partition.iter_mut().chain(order).chain(self.expr.scalars_mut())
    }
}

fn windowing(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::WINDOWING_ERROR, message)
}

/// Refuses functions that need OVER and have none.
pub(super) fn refuse_without_over(name: &str) -> Result<(), SqlError> {
    if !expr::window::table::exists(name) {
        return Ok(());
    }
    let message = format!("window function {name} requires an OVER clause");
    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
}

impl Planner<'_, '_> {
    /// A call with OVER: a column of the window's operator.
    pub(super) fn window_function(
        &mut self,
        name: &str,
        function: &ast::Function,
        over: &WindowType,
    ) -> Result<ScalarExpr, SqlError> {
        self.check_window_place()?;
        let (func, args, filter) = self.in_clause(Clause::WINDOW_ARGUMENT, |p| p.window_call(name, function))?;
        let window = match over {
            WindowType::NamedWindow(ident) => self.named_window(&fold(ident))?,
            WindowType::WindowSpec(spec) => self.window(String::new(), spec)?,
        };
        // Functions of position see the whole partition: their frame says nothing.
        let framed = matches!(
            func,
            WindowFunc::FirstValue | WindowFunc::LastValue | WindowFunc::NthValue | WindowFunc::Aggregate(_)
        );
        let frame = window.frame.filter(|_| framed).unwrap_or_default();
        let func = if ignores_nulls(function) { WindowFunc::IgnoringNulls(Box::new(func)) } else { func };
        let expr = WindowExpr { func, args, filter, frame };
        let (partition, order) = (window.partition, window.order);
        let same = |c: &&WindowCall| (&c.partition, &c.order, &c.expr) == (&partition, &order, &expr);
        if let Some(call) = self.frame()?.windows.iter().find(same) {
            return Ok(ScalarExpr::Column(call.id));
        }
        let typ: ColumnType = expr.typ(&self.types);
        let id = self.column(name, typ);
        self.frame()?.windows.push(WindowCall { id, partition, order, expr });
        Ok(ScalarExpr::Column(id))
    }

    fn check_window_place(&mut self) -> Result<(), SqlError> {
        let clause = self.frame()?.clause;
        match clause.name {
            _ if clause.windows => Ok(()),
            "aggregate function calls" => {
                let message = "aggregate function calls cannot contain window function calls";
                Err(SqlError::new(SqlState::GROUPING_ERROR, message))
            }
            "window function calls" => Err(windowing("window function calls cannot be nested")),
            name => Err(windowing(format!("window functions are not allowed in {name}"))),
        }
    }

    /// The error for OVER after what is neither a window function nor an aggregate, or nothing at all.
    fn not_windowed(&mut self, name: &str, function: &ast::Function) -> Result<SqlError, SqlError> {
        let operands = match arguments(&function.args)? {
            Arguments::List(exprs) => exprs.into_iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?,
            Arguments::Star | Arguments::Row(_) => Vec::new(),
        };
        if expr::func::candidates(name).is_empty() && !expr::TableFunc::exists(name) {
            return Ok(super::function::no_function(name, &self.operand_types(&operands)));
        }
        let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
        Ok(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
    }

    /// The function, its arguments and its filter.
    fn window_call(
        &mut self,
        name: &str,
        function: &ast::Function,
    ) -> Result<(WindowFunc, Vec<ScalarExpr>, Option<ScalarExpr>), SqlError> {
        let aggregate = expr::aggregate::table::exists(name);
        let candidates = expr::window::table::candidates(name);
        if candidates.is_empty() && !aggregate {
            return Err(self.not_windowed(name, function)?);
        }
        refuse_call_syntax(name, function, aggregate)?;
        let arguments = arguments(&function.args)?;
        if candidates.is_empty() {
            let aggregate = self.aggregate_expr(name, function, &arguments)?;
            return Ok((WindowFunc::Aggregate(aggregate.func), aggregate.args, aggregate.filter));
        }
        let operands = match arguments {
            Arguments::List(exprs) => exprs.into_iter().map(|e| self.operand(e)).collect::<Result<Vec<_>, _>>()?,
            Arguments::Row(table) => vec![Operand::Typed(self.whole_row(table)?)],
            Arguments::Star => return Err(super::function::no_function(name, &[])),
        };
        let known = self.operand_types(&operands);
        let (def, args) = self.chosen(name, &candidates, operands)?;
        let open = |(arg, ty): (&ArgType, &Option<SqlType>)| *arg != ArgType::Element || ty.is_none();
        if def.ret == ArgType::Element && def.args.iter().zip(&known).all(open) {
            // Nothing else says what type the value has.
            let message = "could not determine polymorphic type because input has type unknown";
            return Err(SqlError::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok((def.func.clone(), args, None))
    }

    /// Plans the WINDOW clause.
    pub(super) fn name_windows(&mut self, definitions: &[ast::NamedWindowDefinition]) -> Result<(), SqlError> {
        for ast::NamedWindowDefinition(ident, definition) in definitions {
            let name = fold(ident);
            if self.frame()?.named_windows.iter().any(|w| w.name == name) {
                return Err(windowing(format!("window \"{name}\" is already defined")));
            }
            let window = match definition {
                NamedWindowExpr::WindowSpec(spec) => self.window(name, spec)?,
                NamedWindowExpr::NamedWindow(other) => {
                    let message = format!("syntax error at or near \"{other}\"");
                    return Err(SqlError::new(SqlState::SYNTAX_ERROR, message));
                }
            };
            self.frame()?.named_windows.push(window);
        }
        Ok(())
    }

    fn named_window(&mut self, name: &str) -> Result<Window, SqlError> {
        let found = self.frame()?.named_windows.iter().find(|w| w.name == name).cloned();
        found.ok_or_else(|| SqlError::new(SqlState::UNDEFINED_OBJECT, format!("window \"{name}\" does not exist")))
    }

    /// A window's definition, which may refine another one. An empty name is that of a definition in OVER.
    fn window(&mut self, name: String, spec: &ast::WindowSpec) -> Result<Window, SqlError> {
        let (exclude, base) = split_name(spec.window_name.as_ref());
        let base = base.map(|base| self.named_window(&base)).transpose()?;
        let (partition, order) = self.in_clause(Clause::WINDOW, |p| p.window_keys(spec))?;
        let bare = order.is_empty() && spec.window_frame.is_none() && name.is_empty();
        let (partition, order) = match base {
            None => (partition, order),
            Some(base) => refined(base, partition, order, bare)?,
        };
        let frame = spec.window_frame.as_ref();
        let frame = frame.map(|frame| self.frame_clause(frame, exclude, &order)).transpose()?;
        Ok(Window { name, partition, order, frame })
    }

    fn window_keys(&mut self, spec: &ast::WindowSpec) -> Result<(Vec<ScalarExpr>, Vec<OrderKey>), SqlError> {
        let partition = spec.partition_by.iter().map(|e| self.expr(e)).collect::<Result<_, _>>()?;
        let mut order = Vec::new();
        for item in &spec.order_by {
            let (desc, nulls_first) = super::order::direction(&item.options)?;
            order.push(OrderKey { expr: self.expr(&item.expr)?, desc, nulls_first });
        }
        Ok((partition, order))
    }

    fn frame_clause(
        &mut self,
        frame: &ast::WindowFrame,
        exclude: Exclude,
        order: &[OrderKey],
    ) -> Result<Frame, SqlError> {
        check_bounds(&frame.start_bound, frame.end_bound.as_ref())?;
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => Units::Rows,
            ast::WindowFrameUnits::Range => Units::Range,
            ast::WindowFrameUnits::Groups => Units::Groups,
        };
        let bounds = std::iter::once(&frame.start_bound).chain(&frame.end_bound);
        let with_offset = bounds.into_iter().any(|bound| matches!(offset_of(bound), Some(Some(_))));
        if units == Units::Range && with_offset && order.len() != 1 {
            return Err(windowing("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"));
        }
        if units == Units::Groups && order.is_empty() {
            return Err(windowing("GROUPS mode requires an ORDER BY clause"));
        }
        let ordered = order.first().map(|key| self.typ(&key.expr).ty);
        let start = self.frame_bound(&frame.start_bound, units, "starting", ordered.as_ref())?;
        let end = frame.end_bound.as_ref().map(|end| self.frame_bound(end, units, "ending", ordered.as_ref()));
        Ok(Frame { units, start, end: end.transpose()?.unwrap_or(Bound::CurrentRow), exclude })
    }

    /// The operators of all windows that were met, with subqueries below or above as they depend on each other.
    pub(super) fn windows(&mut self, rel: HirRel, subqueries: Vec<Subquery>) -> Result<HirRel, SqlError> {
        let mut calls = std::mem::take(&mut self.frame()?.windows);
        let mut late: BTreeSet<ColId> = calls.iter().map(|call| call.id).collect();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for subquery in subqueries {
            if subquery.free().is_disjoint(&late) {
                before.push(subquery);
            } else {
                late.insert(subquery.id);
                after.push(subquery);
            }
        }
        let mut rel = rel.apply(before);
        while let Some(first) = calls.first() {
            let (partition, order) = (first.partition.clone(), first.order.clone());
            let same = |call: &WindowCall| call.partition == partition && call.order == order;
            let (own, others): (Vec<_>, Vec<_>) = calls.into_iter().partition(same);
            calls = others;
            rel = self.window_operator(rel, partition, order, own);
        }
        Ok(rel.apply(after))
    }

    fn window_operator(
        &mut self,
        rel: HirRel,
        partition: Vec<ScalarExpr>,
        order: Vec<OrderKey>,
        calls: Vec<WindowCall>,
    ) -> HirRel {
        let made: BTreeSet<ColId> = rel.cols().into_iter().collect();
        let mut mapped: Vec<(ColId, ScalarExpr)> = Vec::new();
        let mut place = |planner: &mut Self, expr: ScalarExpr| match expr {
            ScalarExpr::Column(id) if made.contains(&id) => id,
            expr => match mapped.iter().find(|(_, e)| *e == expr) {
                Some((id, _)) => *id,
                None => {
                    let id = planner.column_for("?column?", &expr);
                    mapped.push((id, expr));
                    id
                }
            },
        };
        let partition = partition.into_iter().map(|e| place(self, e)).collect();
        let order = order.into_iter();
        let order = order.map(|k| HirOrder { col: place(self, k.expr), desc: k.desc, nulls_first: k.nulls_first });
        let order = order.collect();
        let functions = calls.into_iter().map(|call| (call.id, call.expr)).collect();
        HirRel::Window { input: Box::new(rel.map(mapped)), partition, order, functions }
    }

    /// QUALIFY, which sees the SELECT list's names where FROM has none of them.
    pub(super) fn qualify(
        &mut self,
        select: &Select,
        items: &[Item<'_>],
        exprs: &mut Exprs<'_>,
    ) -> Result<(), SqlError> {
        let Some(condition) = &select.qualify else { return Ok(()) };
        let scope = &self.frame()?.scope;
        let named = |item: &Item<'_>| match item {
            Item::Expr(name, expr) if matches!(scope.find_bare(name), Ok(None)) => {
                Some((name.clone(), (*expr).clone()))
            }
            _ => None,
        };
        let mut names = OutputNames(items.iter().filter_map(named).collect());
        let mut condition = condition.clone();
        let _ = VisitMut::visit(&mut condition, &mut names);
        exprs.qualify = Some(self.in_clause(Clause::QUALIFY, |p| p.predicate(&condition, "QUALIFY"))?);
        exprs.qualify_subqueries = std::mem::take(&mut self.frame()?.subqueries);
        Ok(())
    }
}

/// Names of outputs, to be replaced by what they stand for.
struct OutputNames(Vec<(String, Expr)>);

impl VisitorMut for OutputNames {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(ident) = expr {
            let name = fold(ident);
            if let Some((_, output)) = self.0.iter().find(|(output, _)| *output == name) {
                *expr = Expr::Nested(Box::new(output.clone()));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Arguments that do not fit mean that there is no such function.
/// Whether a call says IGNORE NULLS, inside its parentheses or behind them.
fn ignores_nulls(function: &ast::Function) -> bool {
    let ignore = ast::NullTreatment::IgnoreNulls;
    let inside = match &function.args {
        ast::FunctionArguments::List(list) => list.clauses.iter().any(
            |clause| matches!(clause, ast::FunctionArgumentClause::IgnoreOrRespectNulls(treatment) if *treatment == ignore),
        ),
        _ => false,
    };
    inside || function.null_treatment == Some(ignore)
}

/// What PostgreSQL does not do in a window.
fn refuse_call_syntax(name: &str, function: &ast::Function, aggregate: bool) -> Result<(), SqlError> {
    let list = match &function.args {
        ast::FunctionArguments::List(list) => Some(list),
        _ => None,
    };
    let distinct = list.is_some_and(|l| l.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct));
    let ordered = list.is_some_and(|l| l.clauses.iter().any(|c| matches!(c, ast::FunctionArgumentClause::OrderBy(_))));
    let message = if distinct {
        "DISTINCT is not implemented for window functions".to_string()
    } else if !function.within_group.is_empty() {
        format!("OVER is not supported for ordered-set aggregate {name}")
    } else if ordered {
        "aggregate ORDER BY is not implemented for window functions".to_string()
    } else if function.filter.is_some() && !aggregate {
        "FILTER is not implemented for non-aggregate window functions".to_string()
    } else if ignores_nulls(function) && !matches!(name, "lag" | "lead" | "first_value" | "last_value" | "nth_value") {
        format!("IGNORE NULLS is not supported for {name}")
    } else {
        return Ok(());
    };
    Err(SqlError::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

/// What a window that refines another has of it; `bare` if it says nothing itself.
fn refined(
    base: Window,
    partition: Vec<ScalarExpr>,
    order: Vec<OrderKey>,
    bare: bool,
) -> Result<(Vec<ScalarExpr>, Vec<OrderKey>), SqlError> {
    let name = &base.name;
    if !partition.is_empty() {
        return Err(windowing(format!("cannot override PARTITION BY clause of window \"{name}\"")));
    }
    if !order.is_empty() && !base.order.is_empty() {
        return Err(windowing(format!("cannot override ORDER BY clause of window \"{name}\"")));
    }
    if base.frame.is_some() {
        let error = windowing(format!("cannot copy window \"{name}\" because it has a frame clause"));
        return Err(if bare { error.hint("Omit the parentheses in this OVER clause.") } else { error });
    }
    Ok((base.partition, if base.order.is_empty() { order } else { base.order }))
}

/// The offset of a bound: none for the present row, none in it for UNBOUNDED.
fn offset_of(bound: &ast::WindowFrameBound) -> Option<Option<&Expr>> {
    match bound {
        ast::WindowFrameBound::CurrentRow => None,
        ast::WindowFrameBound::Preceding(offset) | ast::WindowFrameBound::Following(offset) => Some(offset.as_deref()),
    }
}

/// Refuses frames that end before they start.
fn check_bounds(start: &ast::WindowFrameBound, end: Option<&ast::WindowFrameBound>) -> Result<(), SqlError> {
    use ast::WindowFrameBound::{CurrentRow, Following, Preceding};
    let message = match (start, end) {
        (Following(None), _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (_, Some(Preceding(None))) => "frame end cannot be UNBOUNDED PRECEDING",
        (CurrentRow, Some(Preceding(_))) => "frame starting from current row cannot have preceding rows",
        (Following(_), Some(Preceding(_) | CurrentRow)) => {
            "frame starting from following row cannot have preceding rows"
        }
        (Following(_), None) => "frame starting from following row cannot end with current row",
        _ => return Ok(()),
    };
    Err(windowing(message))
}
