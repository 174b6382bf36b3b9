//! Random queries: SELECTs put together by set operations, common table expressions, recursion, limits; subqueries in expressions.

use super::expr::{Generator, Name, Place};
use super::node::{Node, maybe, text};
use super::types::Type;
use rand::RngExt;

impl Generator<'_> {
    /// A whole query of the round, which is not flat.
    pub fn any_query(&mut self) -> Node {
        let types = self.types(4);
        let depth = self.rng.random_range(0..=2);
        let mut with = Vec::new();
        for _ in 0..self.pick(&[0, 0, 1, 2]) {
            with.push(self.cte_definition(depth));
        }
        let mut query = self.query(&types, depth, &[]);
        if self.percent(15) {
            query = self.limited(&types, query);
            self.traits.ordered = !self.traits.floats;
        }
        if with.is_empty() {
            return query;
        }
        let list = Node::List { items: with, separator: ", ", min: 1 };
        Node::Query(types, vec![maybe(vec![text("WITH RECURSIVE "), list, text(" ")]), query])
    }

    /// Types of columns, up to a number of them.
    pub fn types(&mut self, max: usize) -> Vec<Type> {
        (0..self.rng.random_range(1..=max)).map(|_| super::data::any_type(&mut self.rng)).collect()
    }

    fn cte_definition(&mut self, depth: usize) -> Node {
        let name = format!("w{}", self.ctes.len());
        let (types, columns, query) = if self.percent(35) {
            let (types, query) = self.recursive(&name);
            (types, " (c0, c1)", query)
        } else {
            let types = self.types(3);
            let query = self.query(&types, depth.min(1), &[]);
            (types, "", query)
        };
        let columns = format!("{columns} AS {}", self.pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]));
        self.uses("WITH");
        let names = types.iter().enumerate().map(|(i, ty)| Name { name: format!("c{i}"), ty: *ty }).collect();
        self.ctes.push((name.clone(), names));
        Node::Seq(vec![text(format!("{name}{columns}(")), query, text(")")])
    }

    /// A recursion of at most four rounds.
    fn recursive(&mut self, name: &str) -> (Vec<Type>, Node) {
        let types = vec![Type::Int4, super::data::any_type(&mut self.rng)];
        self.uses("WITH RECURSIVE");
        self.loosen(types.iter().copied());
        let base = self.table();
        let place = Place { columns: base.columns.clone(), ..Place::default() };
        let first = self.expr(types[1], 1, &place);
        let step = self.table();
        let mine: Vec<Name> =
            types.iter().enumerate().map(|(i, ty)| Name { name: format!("r.c{i}"), ty: *ty }).collect();
        let join = self.percent(60);
        let mut columns = mine.clone();
        columns.extend(join.then_some(step.columns.clone()).into_iter().flatten());
        let place = Place { columns, ..Place::default() };
        let next = self.expr(types[1], 1, &place);
        let union = self.pick(&["UNION", "UNION ALL"]);
        let mut parts = vec![text("SELECT 0, ("), first, text(format!(")::{} FROM ", types[1].name())), base.node];
        parts.extend([text(format!(" {union} SELECT r.c0 + 1, (")), next, text(format!(")::{}", types[1].name()))]);
        parts.push(text(format!(" FROM {name} AS r")));
        if join {
            let on = format!(" ON {} = r.c0", step.columns[0].name);
            parts.push(maybe(vec![text(" JOIN "), step.node, text(on)]));
        }
        parts.push(text(" WHERE r.c0 < 3"));
        if self.percent(30) {
            let condition = self.condition(1, &place);
            parts.push(maybe(vec![text(" AND "), condition]));
        }
        (types.clone(), Node::Query(types, parts))
    }

    /// A query with columns c0, c1, … of these types.
    pub fn query(&mut self, types: &[Type], depth: usize, outer: &[Name]) -> Node {
        let mut body = self.select(types, depth, outer);
        for _ in 0..self.pick(&[0, 0, 0, 0, 0, 0, 1, 2]) {
            let other = self.select(types, depth.saturating_sub(1), outer);
            let operation = self.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"]);
            self.uses(operation);
            if operation != "UNION ALL" {
                self.loosen(types.iter().copied());
            }
            let parts = vec![text("("), body, text(format!(") {operation} (")), other, text(")")];
            body = Node::Query(types.to_vec(), parts);
        }
        if self.percent(15) {
            body = self.limited(types, body);
        }
        body
    }

    /// The first rows in an order of all columns.
    fn limited(&mut self, types: &[Type], body: Node) -> Node {
        self.uses("LIMIT");
        self.loosen(types.iter().copied());
        let alias = self.alias();
        let directions = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"];
        let order: Vec<_> = (0..types.len()).map(|i| format!("{alias}.c{i}{}", self.pick(&directions))).collect();
        let limit = self.pick(&[
            " LIMIT 1",
            " LIMIT 3",
            " LIMIT 2 OFFSET 1",
            " OFFSET 2",
            " FETCH FIRST 2 ROWS ONLY",
            " LIMIT 0",
            " FETCH FIRST 2 ROWS WITH TIES",
            " OFFSET 1 ROW FETCH NEXT ROW ONLY",
            " LIMIT ALL",
            " LIMIT NULL OFFSET NULL",
            "",
        ]);
        let tail = format!(") AS {alias} ORDER BY {}{limit}", order.join(", "));
        Node::Query(types.to_vec(), vec![text("SELECT * FROM ("), body, text(tail)])
    }

    /// A subquery as an expression of this type.
    pub fn subquery(&mut self, ty: Type, depth: usize, outer: &[Name]) -> Node {
        if ty == Type::Bool && self.percent(80) {
            return self.predicate(depth, outer);
        }
        if ty.is_array() && self.percent(60) {
            self.uses("ARRAY(subquery)");
            self.loosen([ty].into_iter());
            let query = self.select(&[ty.element()], depth, outer);
            let parts = vec![text("ARRAY(SELECT * FROM ("), query, text(") AS a ORDER BY 1)")];
            return Node::Expr(ty, parts);
        }
        self.uses("scalar subquery");
        let query = self.query(&[ty], depth, outer);
        let direction = self.pick(&["", " DESC"]);
        let tail = format!(") AS s ORDER BY 1{direction} LIMIT 1)");
        self.loosen([ty].into_iter());
        Node::Expr(ty, vec![text("(SELECT * FROM ("), query, text(tail)])
    }

    /// EXISTS, IN, ANY, ALL; of values and of rows.
    fn predicate(&mut self, depth: usize, outer: &[Name]) -> Node {
        let place = Place { columns: outer.to_vec(), ..Place::default() };
        let ty = self.type_near(&place);
        if self.percent(35) {
            self.uses("EXISTS");
            let query = self.query(&[ty], depth, outer);
            let exists = self.pick(&["EXISTS (", "NOT EXISTS ("]);
            return Node::Expr(Type::Bool, vec![text(exists), query, text(")")]);
        }
        let value = self.expr(ty, 1, &place);
        let operators = ["IN", "NOT IN", "= ANY", "<> ALL", "< ANY", ">= ALL", "<> ANY", "IN", "NOT IN"];
        let operator = self.pick(&operators);
        let mut parts = vec![text("("), value];
        let mut types = vec![ty];
        if self.percent(20) {
            self.uses("row IN (subquery)");
            types.push(self.type_near(&place));
            parts.extend([text(", "), self.expr(types[1], 1, &place), text(")")]);
            parts.insert(0, text("("));
        } else {
            self.uses("IN, ANY, ALL (subquery)");
        }
        let query = self.query(&types, depth, outer);
        parts.extend([text(format!(" {operator} (")), query, text("))")]);
        Node::Expr(Type::Bool, parts)
    }
}
