//! Where a common table expression uses itself, and whether PostgreSQL lets it: the checks of `WITH RECURSIVE`, on the syntax tree.

use super::planner::fold;
use repr::{SqlError, SqlState};
use sqlparser::ast::{
    Cte, Join, JoinConstraint, JoinOperator, ObjectName, Query, Select, SetExpr, SetOperator, SetQuantifier,
    TableFactor, TableWithJoins, Visit, Visitor,
};
use sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// The parts of a recursive query.
pub(super) struct Recursive<'a> {
    /// The query without the parentheses around it.
    pub query: &'a Query,
    /// What the recursion starts from.
    pub base: &'a SetExpr,
    /// What is repeated.
    pub step: &'a SetExpr,
    /// Whether equal rows stay.
    pub all: bool,
}

/// An order in which each expression comes after those that it uses; none are in the order of the text.
pub(super) fn dependency_order(ctes: &[Cte]) -> Result<Vec<usize>, (SqlError, Span)> {
    let names: Vec<String> = ctes.iter().map(|c| fold(&c.alias.name)).collect();
    let uses = |i: usize, j: usize| i != j && !references(&ctes[i].query, &names[j]).is_empty();
    let mut waits: Vec<Vec<usize>> =
        (0..ctes.len()).map(|i| (0..ctes.len()).filter(|j| uses(i, *j)).collect()).collect();
    let mut order = Vec::new();
    while order.len() < ctes.len() {
        let Some(next) = (0..ctes.len()).find(|i| !order.contains(i) && waits[*i].is_empty()) else {
            let stuck = (0..ctes.len()).find(|i| !order.contains(i)).unwrap_or(0);
            let error = SqlError::unsupported("mutual recursion between WITH items");
            let message = "mutual recursion between WITH items is not implemented".to_string();
            let hint = "Use WITH MUTUALLY RECURSIVE and declare the types of the columns.";
            return Err((SqlError { message, ..error }.hint(hint), ctes[stuck].alias.name.span));
        };
        order.push(next);
        waits.iter_mut().for_each(|w| w.retain(|j| *j != next));
    }
    Ok(order)
}

/// The parts of a query that uses itself by `name`; none if it does not.
pub(super) fn recursive_parts<'a>(name: &str, query: &'a Query) -> Result<Option<Recursive<'a>>, (SqlError, Span)> {
    if references(query, name).is_empty() {
        return Ok(None);
    }
    let query = without_parentheses(query);
    let invalid = |message: String| SqlError::new(SqlState::INVALID_RECURSION, message);
    let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } = &*query.body else {
        let message =
            format!("recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term");
        return Err((invalid(message), Span::empty()));
    };
    let mut finder = Finder { name, place: Place::Base, found: Vec::new() };
    finder.body(left);
    finder.place = Place::Allowed;
    finder.body(right);
    finder.place = Place::Subquery;
    query.with.iter().flat_map(|w| &w.cte_tables).for_each(|cte| finder.query(&cte.query));
    let mut allowed = 0;
    for (place, span) in finder.found {
        allowed += usize::from(place == Place::Allowed);
        if place != Place::Allowed || allowed > 1 {
            let message = format!("recursive reference to query \"{name}\" must not appear {}", place.text());
            return Err((invalid(message), span));
        }
    }
    refuse_decoration(query).map_err(|e| (e, Span::empty()))?;
    let all = *set_quantifier == SetQuantifier::All;
    Ok(Some(Recursive { query, base: left, step: right, all }))
}

fn without_parentheses(mut query: &Query) -> &Query {
    while let SetExpr::Query(inner) = &*query.body {
        let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
        if !plain || query.fetch.is_some() {
            break;
        }
        query = inner;
    }
    query
}

fn refuse_decoration(query: &Query) -> Result<(), SqlError> {
    use sqlparser::ast::LimitClause::LimitOffset;
    let clause = match &query.limit_clause {
        _ if query.order_by.is_some() => "ORDER BY",
        Some(LimitOffset { offset: Some(_), .. }) => "OFFSET",
        Some(_) => "LIMIT",
        None if query.fetch.is_some() => "LIMIT",
        None if !query.locks.is_empty() => "FOR UPDATE/SHARE",
        None => return Ok(()),
    };
    let error = SqlError::unsupported(clause);
    Err(SqlError { message: format!("{clause} in a recursive query is not implemented"), ..error })
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Allowed,
    Base,
    Subquery,
    OuterJoin,
    Intersect,
    Except,
}

impl Place {
    fn text(self) -> &'static str {
        match self {
            Place::Allowed => "more than once",
            Place::Base => "within its non-recursive term",
            Place::Subquery => "within a subquery",
            Place::OuterJoin => "within an outer join",
            Place::Intersect => "within INTERSECT",
            Place::Except => "within EXCEPT",
        }
    }
}

fn references(query: &Query, name: &str) -> Vec<(Place, Span)> {
    let mut finder = Finder { name, place: Place::Allowed, found: Vec::new() };
    finder.query(query);
    finder.found
}

/// Finds the references to one name, in the order of the text.
struct Finder<'a> {
    name: &'a str,
    place: Place,
    found: Vec<(Place, Span)>,
}

impl Finder<'_> {
    /// Walks something in another place, if that is more than where it stands already.
    fn within(&mut self, place: Place, walk: impl FnOnce(&mut Self)) {
        let before = self.place;
        if before == Place::Allowed {
            self.place = place;
        }
        walk(self);
        self.place = before;
    }

    fn query(&mut self, query: &Query) {
        if let Some(with) = &query.with {
            let hides = |cte: &Cte| fold(&cte.alias.name) == self.name;
            let hidden = with.cte_tables.iter().position(hides);
            let visible = match hidden {
                Some(_) if with.recursive => 0,
                Some(at) => at + 1,
                None => with.cte_tables.len(),
            };
            with.cte_tables[..visible].iter().for_each(|cte| self.query(&cte.query));
            if hidden.is_some() {
                return;
            }
        }
        self.body(&query.body);
        self.subqueries(&query.order_by);
        self.subqueries(&query.limit_clause);
    }

    fn body(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let all = *set_quantifier == SetQuantifier::All;
                let (l, r) = match op {
                    SetOperator::Intersect if all => (Place::Intersect, Place::Intersect),
                    SetOperator::Except | SetOperator::Minus if all => (Place::Except, Place::Except),
                    SetOperator::Except | SetOperator::Minus => (Place::Allowed, Place::Except),
                    _ => (Place::Allowed, Place::Allowed),
                };
                self.within(l, |f| f.body(left));
                self.within(r, |f| f.body(right));
            }
            SetExpr::Table(table) => {
                if table.schema_name.is_none() && table.table_name.as_deref() == Some(self.name) {
                    self.found.push((self.place, Span::empty()));
                }
            }
            other => self.subqueries(other),
        }
    }

    fn select(&mut self, select: &Select) {
        select.from.iter().for_each(|tables| self.tables(tables));
        let mut rest = select.clone();
        rest.from.clear();
        self.subqueries(&rest);
    }

    fn tables(&mut self, tables: &TableWithJoins) {
        self.factor(&tables.relation, &tables.joins);
        for (i, join) in tables.joins.iter().enumerate() {
            let later = &tables.joins[i + 1..];
            match extends_right(&join.join_operator) {
                true => self.within(Place::OuterJoin, |f| f.factor(&join.relation, later)),
                false => self.factor(&join.relation, later),
            }
            if let Some(JoinConstraint::On(condition)) = constraint(&join.join_operator) {
                self.subqueries(condition);
            }
        }
    }

    /// A table and the joins that follow it: a right or full one makes all to its left optional.
    fn factor(&mut self, factor: &TableFactor, later: &[Join]) {
        let optional = later.iter().any(|j| extends_left(&j.join_operator));
        self.within(if optional { Place::OuterJoin } else { Place::Allowed }, |f| match factor {
            TableFactor::Table { name, args: None, .. } => f.table(name),
            TableFactor::Derived { subquery, .. } => f.query(subquery),
            TableFactor::NestedJoin { table_with_joins, .. } => f.tables(table_with_joins),
            other => f.subqueries(other),
        });
    }

    fn table(&mut self, name: &ObjectName) {
        if let [part] = &name.0[..]
            && let Some(ident) = part.as_ident()
            && fold(ident) == self.name
        {
            self.found.push((self.place, ident.span));
        }
    }

    /// The queries inside of expressions.
    fn subqueries<V: Visit>(&mut self, node: &V) {
        let mut outermost = Outermost { depth: 0, finder: self };
        let _ = node.visit(&mut outermost); // it never breaks off
    }
}

/// Stops at the outermost queries: the finder walks on from there.
struct Outermost<'f, 'n> {
    depth: usize,
    finder: &'f mut Finder<'n>,
}

impl Visitor for Outermost<'_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            self.finder.within(Place::Subquery, |f| f.query(query));
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Whether rows of the left without a partner stay, so that the right side is optional.
fn extends_right(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_) | JoinOperator::FullOuter(_))
}

fn extends_left(operator: &JoinOperator) -> bool {
    matches!(operator, JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_))
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::CrossJoin(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c) => Some(c),
        _ => None,
    }
}
