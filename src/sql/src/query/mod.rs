//! AST → typed plan → relational plan: what SELECT means. Statements call [`plan_query`] and [`plan_scalar`].
//!
//! Promise: names, types, coercions and error texts are PostgreSQL's; the plan returned has no subqueries and no parameters.
//!
//! One [`planner::Planner`] lives for one query; the files here are its methods, by clause: `with` (`recursion`, `rounds`) and `body` (set
//! operations, VALUES), `select`, `from`, `group` (`grouping_sets`), `order`; by kind of expression: `expr`, `special`, `function`, `aggregate`, `subquery`, `literal`.

mod aggregate;
mod body;
mod expr;
mod from;
mod function;
mod group;
mod grouping_sets;
pub mod inline;
mod literal;
mod moment;
mod order;
mod ordered_set;
mod overlaps;
mod planner;
mod record_function;
mod recursion;
mod rounds;
mod row;
mod rows;
mod select;
pub(crate) mod session_value;
mod special;
mod subquery;
mod table_function;
#[cfg(test)]
mod tests;
mod ties;
mod user_function;
mod whole_row;
mod window;
mod with;

pub(crate) use self::expr::call;
pub(crate) use self::function::function_name;
use crate::catalog::{FunctionItem, FunctionResult, SessionCatalog};
use crate::coerce::{Context, Operand, constant, null};
use crate::hir::{self, HirRel};
use crate::lower;
use crate::parser::LineIndex;
use crate::plan::{Effect, Params};
use crate::scope::{Scope, ScopeTable};
use ::expr::func::Volatility;
use ::expr::{ColumnOrder, RelExpr, RowSetFinishing, ScalarExpr, TableFunc};
pub use body::Target;
use planner::Clause;
pub(crate) use planner::{Planner, fold};
use repr::text::TextSettings;
use repr::{Arena, ColumnName, Datum, GlobalId, RelationDesc, RelationType, Row, SqlError, SqlState, SqlType};
use sqlparser::ast;
use std::collections::BTreeSet;

/// How long a plan lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It is run once: ORDER BY and LIMIT of the whole query are left to the finishing, parameters are allowed.
    OneShot,
    /// It is kept up to date: ORDER BY with LIMIT becomes part of the plan, parameters are refused.
    Maintained,
}

/// What planning depends on, and what it finds out besides the plan.
pub struct QueryContext<'a> {
    /// Names.
    pub catalog: &'a dyn SessionCatalog,
    /// How long the plan lives.
    pub lifetime: Lifetime,
    /// Types of parameters `$1`, `$2` …, as declared or inferred so far.
    pub param_types: Vec<Option<SqlType>>,
    /// Values of parameters; without them a plan describes the query and cannot be run.
    pub params: Option<&'a Params>,
    /// Whether parameters stay in the plan, as [`expr::Unmaterializable::Parameter`], for values to come.
    pub keeps_params: bool,
    /// The items that the query names.
    pub depends_on: BTreeSet<GlobalId>,
    /// Where the statement's lines begin, for the positions of errors.
    pub lines: LineIndex,
    /// The statement's text.
    pub text: &'a str,
    /// What happens before the query runs, in its order.
    pub effects: Vec<Effect>,
    /// How many calls of functions that give another value each time there are so far.
    pub volatile_calls: i32,
}

impl<'a> QueryContext<'a> {
    /// A context without parameters.
    pub fn new(catalog: &'a dyn SessionCatalog, lifetime: Lifetime) -> Self {
        let (param_types, depends_on) = (Vec::new(), BTreeSet::new());
        let (lines, effects) = (LineIndex::default(), Vec::new());
        QueryContext {
            catalog,
            lifetime,
            param_types,
            params: None,
            keeps_params: false,
            depends_on,
            lines,
            text: "",
            effects,
            volatile_calls: 0,
        }
    }

    /// How values are read and printed: as the session says in what runs once, and by the defaults in what is kept, which no session owns.
    pub fn text_settings(&self) -> TextSettings {
        match self.lifetime {
            Lifetime::OneShot => self.catalog.text_settings(),
            Lifetime::Maintained => TextSettings::DEFAULT,
        }
    }

    /// Makes a plan depend on these settings where it depends on any.
    fn bind(&self, plan: &mut RelExpr) {
        let settings = self.text_settings();
        plan.visit_scalars_mut(&mut |scalar| ::expr::func::session::bind(scalar, &settings));
        if settings.time_zone != TextSettings::DEFAULT.time_zone {
            plan.visit_post_mut(&mut |node| series_in_zone(node, &settings.zone_name));
        }
        if self.volatile_calls > 0 {
            plan.visit_post_mut(&mut tell_rows_apart);
        }
    }

    /// With declared parameter types, none where a type is to be inferred.
    pub fn with_param_types(mut self, types: &[Option<SqlType>]) -> Self {
        self.param_types = types.to_vec();
        self
    }

    /// With parameters of these types that stay in the plan.
    pub fn keeping_params(mut self, types: &[SqlType]) -> Self {
        self.param_types = types.iter().cloned().map(Some).collect();
        self.keeps_params = true;
        self
    }

    /// With parameter values, which replace the parameters.
    pub fn with_params(mut self, params: &'a Params) -> Self {
        self.param_types = params.types.iter().cloned().map(Some).collect();
        self.params = Some(params);
        self
    }

    /// With the lines of the text that the statement was parsed from.
    pub fn with_lines(mut self, lines: &LineIndex) -> Self {
        self.lines = lines.clone();
        self
    }

    /// The parameters' types after planning; an error for one that nothing determines.
    pub fn inferred_params(&self) -> Result<Vec<SqlType>, SqlError> {
        let typed = |(i, ty): (usize, &Option<SqlType>)| {
            let message = format!("could not determine data type of parameter ${}", i + 1);
            ty.clone().ok_or_else(|| SqlError::new(SqlState::INDETERMINATE_DATATYPE, message))
        };
        self.param_types.iter().enumerate().map(typed).collect()
    }
}

/// A planned query.
#[derive(Clone, Debug)]
pub struct PlannedQuery {
    /// What to compute.
    pub expr: RelExpr,
    /// The typed plan as text, for EXPLAIN RAW PLAN.
    pub raw: String,
    /// What is left to do with the result.
    pub finishing: RowSetFinishing,
    /// The columns of `expr`, before `finishing.project`; hidden ones, which only order, are called `?column?`.
    pub desc: RelationDesc,
}

impl PlannedQuery {
    /// The columns that the query returns: those of `desc` that the finishing keeps.
    pub fn result_desc(&self) -> RelationDesc {
        let names = self.finishing.project.iter().map(|i| self.desc.names[*i].clone()).collect();
        let columns = self.finishing.project.iter().map(|i| self.desc.typ.columns[*i].clone()).collect();
        RelationDesc::new(names, RelationType::new(columns))
    }
}

/// Plans a query.
pub fn plan_query(qcx: &mut QueryContext<'_>, query: &ast::Query) -> Result<PlannedQuery, SqlError> {
    crate::with_deep_stack(|| planned(qcx, query, None))
}

/// Plans a query whose columns are assigned to a table's columns, in this order: untyped literals and parameters take their types, other
/// columns are converted as an assignment does. There may be fewer columns than targets.
pub fn plan_query_into(
    qcx: &mut QueryContext<'_>,
    query: &ast::Query,
    targets: &[Target],
) -> Result<PlannedQuery, SqlError> {
    crate::with_deep_stack(|| planned(qcx, query, Some(targets)))
}

fn planned(
    qcx: &mut QueryContext<'_>,
    query: &ast::Query,
    targets: Option<&[Target]>,
) -> Result<PlannedQuery, SqlError> {
    let mut planner = Planner::new(qcx);
    let (rel, output, finishing) = planner.top_query(query, targets)?;
    let raw = hir::explain(&rel);
    let hidden = rel.cols().len() - output.names.len();
    let mut expr = lower::lower(rel, &planner.types)?;
    planner.qcx.bind(&mut expr);
    let names = output.names.into_iter().chain(std::iter::repeat_n("?column?".to_string(), hidden)).collect();
    let desc = RelationDesc::new(names, expr.typ());
    Ok(PlannedQuery { expr, raw, finishing, desc })
}

/// Lets a series of `timestamptz` step over days as the clocks of a zone have them.
fn series_in_zone(node: &mut RelExpr, zone: &str) {
    if let RelExpr::FlatMap { func: TableFunc::GenerateSeriesTimestamp(SqlType::Timestamptz(_)), args, .. } = node {
        args.push(constant(Datum::Text(zone), SqlType::Text));
    }
}

/// Passes the columns of their row to functions that give another value for every row.
fn tell_rows_apart(node: &mut RelExpr) {
    let arity = match node {
        RelExpr::Map { input, .. }
        | RelExpr::Filter { input, .. }
        | RelExpr::FlatMap { input, .. }
        | RelExpr::Reduce { input, .. } => input.arity(),
        _ => return,
    };
    for scalar in node.scalars_mut() {
        scalar.visit_mut_post(&mut |expr| match expr {
            ScalarExpr::Call { func, args } if func.0.volatility == Volatility::Volatile && args.len() == 2 => {
                args.extend((0..arity).map(ScalarExpr::Column));
            }
            _ => {}
        });
    }
}

/// What [`plan_scalar`] is told of the expression's place.
#[derive(Clone, Copy, Debug)]
pub struct ScalarPlace<'a> {
    /// The relations whose columns it may use, one after the other, with the names that qualify them.
    pub relations: &'a [(&'a str, &'a RelationDesc)],
    /// The type it must have, if any, and how far it may be converted.
    pub expected: Option<(&'a SqlType, Context)>,
    /// Where it stands, for messages: `DEFAULT expressions`, `index expressions`.
    pub clause: &'static str,
}

/// Plans an expression over the columns of a relation or a few: defaults, index keys, AS OF times. Subqueries, aggregates and table functions are
/// refused.
pub fn plan_scalar(
    qcx: &mut QueryContext<'_>,
    expr: &ast::Expr,
    place: ScalarPlace<'_>,
) -> Result<ScalarExpr, SqlError> {
    crate::with_deep_stack(|| {
        let mut planner = Planner::new(qcx);
        let mut scope = Scope::default();
        for (name, desc) in place.relations {
            scope.append(planner.scope_of(name, desc))?;
        }
        planner.push_frame(scope, Clause::bare(place.clause));
        let operand = planner.operand(expr)?;
        let planned = match place.expected {
            Some((ty, context)) => planner.coerce(operand, ty, context),
            None => planner.settle(operand),
        };
        let mut planned = planned.map_err(|e| e.at(planner.position(expr)))?;
        ::expr::func::session::bind(&mut planned, &planner.qcx.text_settings());
        Ok(planned)
    })
}

/// Several expressions over a query's FROM clause: UPDATE's assignments, DELETE's condition, RETURNING.
#[derive(Clone, Debug)]
pub struct PlannedRows {
    /// The target's columns, then one for each expression.
    pub expr: RelExpr,
    /// The typed plan as text.
    pub raw: String,
    /// Their types, in that order.
    pub typ: RelationType,
}

/// What UPDATE and DELETE compute from.
pub struct RowsQuery<'a> {
    /// The target: its item, and the name it goes by.
    pub target: (GlobalId, &'a str),
    /// `FROM` or `USING`.
    pub from: &'a [ast::TableWithJoins],
    /// `WHERE`
    pub selection: Option<&'a ast::Expr>,
    /// What to compute, each with the type it is assigned to and that column's name.
    pub exprs: Vec<(&'a ast::Expr, SqlType, ColumnName)>,
}

/// Plans the rows that UPDATE and DELETE change. Subqueries are allowed everywhere. Each row of the target appears once at most, even if it
/// has several partners in `from`.
pub fn plan_rows(qcx: &mut QueryContext<'_>, query: &RowsQuery<'_>) -> Result<PlannedRows, SqlError> {
    crate::with_deep_stack(|| {
        let mut planner = Planner::new(qcx);
        let rel = planner.rows(query)?;
        let raw = hir::explain(&rel);
        let mut expr = lower::lower(rel, &planner.types)?;
        planner.qcx.bind(&mut expr);
        let typ = expr.typ();
        Ok(PlannedRows { expr, raw, typ })
    })
}

/// The name for a column that an expression without alias gives, as PostgreSQL names it.
pub fn column_name(expr: &ast::Expr) -> ColumnName {
    select::column_name(expr)
}

/// Fails where a function's body does not plan, or gives something else than it is declared to.
pub(crate) fn check_function(qcx: &mut QueryContext<'_>, function: &FunctionItem) -> Result<(), SqlError> {
    crate::with_deep_stack(|| {
        let mut planner = Planner::new(qcx);
        planner.push_frame(Scope::default(), Clause::plain("functions"));
        let args = function.args.iter().map(|argument| Operand::Typed(null(&argument.ty))).collect();
        match function.result {
            FunctionResult::Value(_) => planner.user_value(function, args).map(drop),
            FunctionResult::SetOf(_) | FunctionResult::Table(_) => planner.user_rows(function, args).map(drop),
        }
    })
}

/// The value of an expression that depends on nothing.
pub(crate) fn fixed_value(expr: &ScalarExpr) -> Result<Row, SqlError> {
    if !expr.columns().is_empty() || expr.contains_unmaterializable() {
        return Err(SqlError::unsupported("this function of something other than a constant"));
    }
    Ok(Row::pack([expr.eval(&[], &Arena::new())?]))
}

/// A condition with false in place of NULL.
pub(crate) fn or_false(condition: ScalarExpr) -> ScalarExpr {
    ScalarExpr::Coalesce(vec![condition, ScalarExpr::literal_false()])
}

/// One query's result as the planner's methods pass it on.
pub(crate) struct Output {
    /// Names of the visible columns.
    pub names: Vec<ColumnName>,
    /// The visible columns; all of `HirRel::cols` unless hidden ones follow.
    pub cols: Vec<hir::ColId>,
}

impl Planner<'_, '_> {
    /// The scope that one described relation makes; its columns are positions 0, 1, ….
    fn scope_of(&mut self, name: &str, desc: &RelationDesc) -> Scope {
        let columns: Vec<_> = desc.iter().map(|(n, t)| (n.clone(), self.column(n, t.clone()))).collect();
        Scope::table(ScopeTable { name: name.to_string(), ..ScopeTable::default() }, columns)
    }

    /// The whole query: its relation, its visible columns, and what is left to the finishing.
    fn top_query(
        &mut self,
        query: &ast::Query,
        targets: Option<&[Target]>,
    ) -> Result<(HirRel, Output, RowSetFinishing), SqlError> {
        let ordered = self.query_into(query, targets)?;
        if self.qcx.lifetime == Lifetime::Maintained {
            let (rel, output) = ordered.into_relation();
            let rel = rel.project(output.cols.clone());
            let finishing = RowSetFinishing::trivial(output.cols.len());
            return Ok((rel, output, finishing));
        }
        ordered.order.iter().try_for_each(|key| hir::comparable::ordering(&self.types[key.col].ty))?;
        // Columns that only order stay behind the visible ones until the finishing.
        let hidden = ordered.order.iter().map(|o| o.col).filter(|c| !ordered.output.cols.contains(c));
        let mut cols = ordered.output.cols.clone();
        for col in hidden {
            if !cols[ordered.output.cols.len()..].contains(&col) {
                cols.push(col);
            }
        }
        let column = |col| cols.iter().position(|c| *c == col).unwrap_or(0);
        let order = ordered.order.iter();
        let order =
            order.map(|o| ColumnOrder { column: column(o.col), desc: o.desc, nulls_first: o.nulls_first }).collect();
        let project = (0..ordered.output.cols.len()).collect();
        let finishing = RowSetFinishing { order, limit: ordered.limit, offset: ordered.offset, project };
        Ok((ordered.rel.project(cols), ordered.output, finishing))
    }
}
