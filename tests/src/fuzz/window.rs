//! Calls of window functions, with frames of every kind.

use super::expr::{Generator, Name, Place};
use super::functions::{AGGREGATES, FUNCTIONS_OVER_ROWS, Function, Part};
use super::node::{Node, maybe, text};
use super::types::Type;
use rand::RngExt;

/// Window functions whose value is the same for rows that the order leaves equal.
const OF_PEERS: [(&str, Type); 4] = [
    ("rank()", Type::Int8),
    ("dense_rank()", Type::Int8),
    ("percent_rank()", Type::Float8),
    ("cume_dist()", Type::Float8),
];
/// Window functions that number rows.
const OF_NUMBERS: [(&str, Type); 3] =
    [("row_number()", Type::Int8), ("ntile(3)", Type::Int4), ("count(*)", Type::Int8)];
/// Frames that are told by rows, and frames told by values.
const ROWS: [&str; 8] = [
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
    "ROWS 2 PRECEDING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    "ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
    "ROWS BETWEEN 3 PRECEDING AND 2 PRECEDING",
    "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
    "ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING EXCLUDE GROUP",
];
const GROUPS: [&str; 9] = [
    "",
    "",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
    "GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING",
    "GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING",
    "RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
    "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
    "RANGE UNBOUNDED PRECEDING EXCLUDE NO OTHERS",
];
/// Frames of values at a distance; `$` is a distance.
const DISTANCES: [&str; 5] = [
    "RANGE BETWEEN $ PRECEDING AND CURRENT ROW",
    "RANGE BETWEEN $ PRECEDING AND $ FOLLOWING EXCLUDE CURRENT ROW",
    "RANGE BETWEEN $ FOLLOWING AND UNBOUNDED FOLLOWING",
    "RANGE BETWEEN UNBOUNDED PRECEDING AND $ PRECEDING",
    "RANGE $ PRECEDING EXCLUDE TIES",
];

impl Generator<'_> {
    /// A call of a window function with a result of this type.
    pub fn window_call(&mut self, ty: Type, place: &Place) -> Option<Node> {
        let inner = Place { window: None, ..place.clone() };
        let key = place.window.clone()?;
        if self.percent(30) {
            let function = self.choose(&FUNCTIONS_OVER_ROWS, ty, |_| true)?;
            self.loosen(key.iter().map(|name| name.ty));
            let over = self.over(&inner, Some(&key), "");
            return Some(self.call_over(function, over, &inner));
        }
        let of_type = |all: &[(&'static str, Type)]| -> Vec<&'static str> {
            all.iter().filter(|(_, ret)| *ret == ty).map(|(name, _)| *name).collect()
        };
        let (ranks, numbers) = (of_type(&OF_PEERS), of_type(&OF_NUMBERS));
        if !ranks.is_empty() && self.percent(30) {
            let name = self.pick(&ranks);
            self.uses(name);
            return Some(Node::Expr(ty, vec![text(name), self.over(&inner, None, "")]));
        }
        if !numbers.is_empty() && self.percent(30) {
            let name = self.pick(&numbers);
            self.uses(name);
            self.loosen(key.iter().map(|name| name.ty));
            return Some(Node::Expr(ty, vec![text(name), self.over(&inner, Some(&key), "")]));
        }
        self.aggregate_over(ty, &inner, &key)
    }

    fn aggregate_over(&mut self, ty: Type, inner: &Place, key: &[Name]) -> Option<Node> {
        let whole =
            |part: &Part| matches!(part, Part::Text(t) if ["DISTINCT", "ORDER BY"].iter().any(|w| t.contains(w)));
        let aggregate = self.choose(&AGGREGATES, ty, |f| !f.float && !f.fails && !f.parts.iter().any(whole))?;
        self.uses("aggregate OVER");
        self.loosen(aggregate.loose_arguments());
        let over = match self.rng.random_range(0..10) {
            0..4 => {
                let frame = self.pick(&ROWS);
                self.loosen(key.iter().map(|name| name.ty));
                self.over(inner, Some(key), frame)
            }
            4..6 => self.over_distance(inner),
            _ => {
                let frame = self.pick(&GROUPS);
                self.over(inner, None, frame)
            }
        };
        Some(self.call_over(aggregate, over, inner))
    }

    fn call_over(&mut self, function: &Function, over: Node, place: &Place) -> Node {
        let arguments = Place { subqueries: 0, ..place.clone() };
        let call = self.fill(function, 1, &arguments, &arguments);
        let Node::Expr(ty, mut parts) = call else { return call };
        parts.pop();
        parts[0] = text("");
        if function.line.contains("sum(") && self.percent(20) {
            self.uses("FILTER … OVER");
            let condition = self.expr(Type::Bool, 1, &arguments);
            parts.push(maybe(vec![text(" FILTER (WHERE "), condition, text(")")]));
        }
        parts.push(over);
        Node::Expr(ty, parts)
    }

    /// ` OVER (…)`; in a total order if these columns tell rows apart.
    fn over(&mut self, place: &Place, total: Option<&[Name]>, frame: &str) -> Node {
        let direction = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"];
        let mut order: Vec<String> = Vec::new();
        for _ in 0..self.rng.random_range(0..=2) {
            let column = self.pick(&place.columns);
            self.loosen([column.ty].into_iter());
            order.push(format!("{}{}", column.name, self.pick(&direction)));
        }
        order.extend(total.unwrap_or_default().iter().map(|c| c.name.clone()));
        if order.is_empty() && frame.contains("GROUPS") {
            order.push(self.pick(&place.columns).name);
        }
        let order = if order.is_empty() { String::new() } else { format!("ORDER BY {} ", order.join(", ")) };
        self.window(place, order, frame.to_string())
    }

    /// ` OVER (…)` with a frame of values at a distance from the row's own.
    fn over_distance(&mut self, place: &Place) -> Node {
        let distance = |ty: Type| match ty {
            Type::Int2 | Type::Int4 | Type::Int8 => Some("2"),
            Type::Float4 | Type::Float8 | Type::Numeric => Some("1.5"),
            Type::Date | Type::Time | Type::Timetz | Type::Timestamp | Type::Timestamptz | Type::Interval => {
                Some("'1 day 02:00'::interval")
            }
            _ => None,
        };
        let columns: Vec<_> = place.columns.iter().filter(|c| distance(c.ty).is_some()).cloned().collect();
        if columns.is_empty() {
            return self.over(place, None, "");
        }
        self.uses("RANGE with a distance");
        let column = self.pick(&columns);
        self.loosen([column.ty].into_iter());
        let frame = self.pick(&DISTANCES).replace('$', distance(column.ty).unwrap_or("1"));
        let direction = self.pick(&["", " DESC", " DESC NULLS LAST"]);
        self.window(place, format!("ORDER BY {}{direction} ", column.name), frame)
    }

    fn window(&mut self, place: &Place, order: String, frame: String) -> Node {
        let mut parts = vec![text(" OVER (")];
        if self.percent(50) {
            let by = self.pick(&place.columns);
            self.loosen([by.ty].into_iter());
            parts.push(maybe(vec![text(format!("PARTITION BY {} ", by.name))]));
        }
        // Not to be made smaller: the order of rows must stay as total as it is.
        parts.push(text(order));
        parts.push(maybe(vec![text(frame)]));
        parts.push(text(")"));
        Node::Seq(parts)
    }
}
