//! Random SELECTs: flat, plain, grouped, with windows, distinct; and the window functions.

use super::expr::{Generator, Name, Place};
use super::from::From;
use super::functions::{AGGREGATES, Function, Part};
use super::node::{Node, commas, maybe, text};
use super::types::Type;
use rand::RngExt;

/// Window functions whose value is the same for rows that the order leaves equal.
const OF_PEERS: [(&str, Type); 4] = [
    ("rank()", Type::Int8),
    ("dense_rank()", Type::Int8),
    ("percent_rank()", Type::Float8),
    ("cume_dist()", Type::Float8),
];
/// Window functions that need a total order; `$` is an argument of the result's type.
const OF_ROWS: [&str; 8] = [
    "lag($)",
    "lag($, 2)",
    "lead($)",
    "lead($, 1, $)",
    "first_value($)",
    "last_value($)",
    "nth_value($, 2)",
    "lag($, 0)",
];
/// Frames that are told by rows, and frames told by values.
const ROWS: [&str; 5] = [
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS 2 PRECEDING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
];
const GROUPS: [&str; 8] = [
    "",
    "",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
    "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
];

impl Generator<'_> {
    /// A SELECT whose columns have these types and the names c0, c1, ….
    pub fn select(&mut self, types: &[Type], depth: usize, outer: &[Name]) -> Node {
        let from = self.from(depth, outer);
        let subqueries = depth.min(1);
        let place = Place { columns: from.columns.clone(), outer: outer.to_vec(), subqueries, ..Place::default() };
        let condition = (self.percent(40)).then(|| self.condition(2, &place));
        let filter = condition.map_or(text(""), |condition| maybe(vec![text(" WHERE "), condition]));
        match self.rng.random_range(0..10) {
            0..3 => self.grouped(types, place, from.node, filter),
            3..5 => {
                self.traits.grouped = true;
                let window = Some(from.key.clone());
                self.plain(types, &Place { window, ..place }, "SELECT ", from.node, filter)
            }
            5 => {
                self.traits.grouped = true;
                self.plain(types, &place, "SELECT DISTINCT ", from.node, filter)
            }
            6 => self.distinct_on(types, &place, from.node, filter),
            _ => self.plain(types, &place, "SELECT ", from.node, filter),
        }
    }

    /// One table, strict functions, no condition: whatever fails, fails on both sides.
    pub fn flat(&mut self, types: &[Type]) -> Node {
        self.traits.flat = true;
        let From { node, columns, key } = self.table();
        let place = Place { columns, ..Place::default() };
        let key = Node::Seq(vec![text(key[0].name.clone()), text(" AS key")]);
        let mut list = vec![key];
        list.extend(types.iter().enumerate().map(|(i, ty)| self.column(*ty, i, &place)));
        Node::Query(types.to_vec(), vec![text("SELECT "), commas(list), text(" FROM "), node])
    }

    fn column(&mut self, ty: Type, i: usize, place: &Place) -> Node {
        let depth = self.rng.random_range(1..=3);
        Node::Seq(vec![self.expr(ty, depth, place), text(format!(" AS c{i}"))])
    }

    fn list(&mut self, types: &[Type], place: &Place) -> Node {
        commas(types.iter().enumerate().map(|(i, ty)| self.column(*ty, i, place)).collect())
    }

    fn plain(&mut self, types: &[Type], place: &Place, select: &str, from: Node, filter: Node) -> Node {
        let list = self.list(types, place);
        Node::Query(types.to_vec(), vec![text(select), list, text(" FROM "), from, filter])
    }

    /// `DISTINCT ON` some of the columns, in an order of all of them.
    fn distinct_on(&mut self, types: &[Type], place: &Place, from: Node, filter: Node) -> Node {
        self.traits.grouped = true;
        let list = self.list(types, place);
        let alias = self.alias();
        let all: Vec<_> = (0..types.len()).map(|i| format!("{alias}.c{i}")).collect();
        let on = self.rng.random_range(1..=types.len());
        let order: Vec<_> = all.iter().enumerate().map(|(i, c)| format!("{c}{}", ["", " DESC"][i % 2])).collect();
        let head = format!("SELECT DISTINCT ON ({}) {} FROM (SELECT ", all[..on].join(", "), all.join(", "));
        let tail = format!(") AS {alias} ORDER BY {}", order.join(", "));
        Node::Query(types.to_vec(), vec![text(head), list, text(" FROM "), from, filter, text(tail)])
    }

    fn grouped(&mut self, types: &[Type], place: Place, from: Node, filter: Node) -> Node {
        let mut keys: Vec<Name> = Vec::new();
        for _ in 0..self.rng.random_range(0..=2) {
            keys.push(self.pick(&place.columns));
        }
        self.traits.grouped = true;
        let mut columns = keys.clone();
        if !keys.is_empty() && self.percent(30) {
            let name = format!("grouping({})", self.pick(&keys).name);
            columns.push(Name { name, ty: Type::Int4 });
        }
        let grouped = Place { columns, aggregated: Some(place.columns), ..place };
        let list = self.list(types, &grouped);
        let by = self.group_by(&keys);
        let having = self.percent(25).then(|| self.condition(2, &grouped));
        let having = having.map_or(text(""), |condition| maybe(vec![text(" HAVING "), condition]));
        Node::Query(types.to_vec(), vec![text("SELECT "), list, text(" FROM "), from, filter, by, having])
    }

    fn group_by(&mut self, keys: &[Name]) -> Node {
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        if names.is_empty() {
            return text(self.pick(&["", " GROUP BY ()", ""]));
        }
        let all = names.join(", ");
        let sets = [
            format!(" GROUP BY ROLLUP ({all})"),
            format!(" GROUP BY CUBE ({all})"),
            format!(" GROUP BY GROUPING SETS (({all}), ())"),
            format!(" GROUP BY GROUPING SETS (({all}), ({}))", names[0]),
        ];
        if self.percent(25) { text(self.pick(&sets)) } else { text(format!(" GROUP BY {all}")) }
    }

    /// A call of a window function with a result of this type.
    pub fn window_call(&mut self, ty: Type, place: &Place) -> Option<Node> {
        self.traits.grouped = true;
        let inner = Place { window: None, ..place.clone() };
        let key = place.window.clone()?;
        if self.percent(30) {
            let template = self.pick(&OF_ROWS);
            let call =
                Function { ret: ty, lazy: false, fails: false, float: false, parts: argument_parts(template, ty) };
            let over = self.over(&inner, Some(&key), "");
            return Some(self.call_over(&call, over, &inner));
        }
        let ranks: Vec<_> = OF_PEERS.iter().filter(|(_, ret)| *ret == ty).copied().collect();
        if !ranks.is_empty() && self.percent(30) {
            let (name, _) = self.pick(&ranks);
            return Some(Node::Expr(ty, vec![text(name), self.over(&inner, None, "")]));
        }
        if ty == Type::Int8 && self.percent(30) {
            return Some(Node::Expr(ty, vec![text("row_number()"), self.over(&inner, Some(&key), "")]));
        }
        let over_rows = |f: &&Function| {
            let whole = f
                .parts
                .iter()
                .any(|p| matches!(p, Part::Text(t) if ["DISTINCT", "ORDER BY"].iter().any(|w| t.contains(w))));
            f.ret == ty && !f.float && !whole
        };
        let aggregates: Vec<_> = AGGREGATES.iter().filter(over_rows).collect();
        if aggregates.is_empty() {
            return None;
        }
        let aggregate = self.pick(&aggregates);
        let over = if self.percent(40) {
            let frame = self.pick(&ROWS);
            self.over(&inner, Some(&key), frame)
        } else {
            let frame = self.pick(&GROUPS);
            self.over(&inner, None, frame)
        };
        Some(self.call_over(aggregate, over, &inner))
    }

    fn call_over(&mut self, function: &Function, over: Node, place: &Place) -> Node {
        let arguments = Place { subqueries: 0, ..place.clone() };
        let call = self.fill(function, 1, &arguments, &arguments);
        let Node::Expr(ty, mut parts) = call else { return call };
        parts.pop();
        parts[0] = text("");
        parts.push(over);
        Node::Expr(ty, parts)
    }

    /// ` OVER (…)`; in a total order if these columns tell rows apart.
    fn over(&mut self, place: &Place, total: Option<&[Name]>, frame: &str) -> Node {
        let mut parts = vec![text(" OVER (")];
        if self.percent(50) {
            let by = self.pick(&place.columns).name;
            parts.push(maybe(vec![text(format!("PARTITION BY {by} "))]));
        }
        let direction = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"];
        let mut order: Vec<String> = Vec::new();
        for _ in 0..self.rng.random_range(0..=2) {
            order.push(format!("{}{}", self.pick(&place.columns).name, self.pick(&direction)));
        }
        order.extend(total.unwrap_or_default().iter().map(|c| c.name.clone()));
        if order.is_empty() && frame.contains("GROUPS") {
            order.push(self.pick(&place.columns).name);
        }
        // Not to be made smaller: the order of rows must stay as total as it is.
        let order = if order.is_empty() { String::new() } else { format!("ORDER BY {} ", order.join(", ")) };
        parts.push(text(order));
        parts.push(maybe(vec![text(frame)]));
        parts.push(text(")"));
        Node::Seq(parts)
    }
}

/// The pieces of a template with `$` for each argument.
fn argument_parts(template: &str, ty: Type) -> Vec<Part> {
    let mut parts = Vec::new();
    for (i, piece) in template.split('$').enumerate() {
        if i > 0 {
            parts.push(Part::Hole(ty));
        }
        parts.push(Part::Text(piece.to_string()));
    }
    parts
}
