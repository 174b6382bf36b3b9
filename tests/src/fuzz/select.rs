//! Random SELECTs: plain, grouped, with windows, distinct.

use super::expr::{Generator, Name, Place};
use super::node::{Node, commas, maybe, text};
use super::types::Type;
use rand::RngExt;

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
                let window = Some(from.key.clone());
                self.plain(types, &Place { window, ..place }, "SELECT ", from.node, filter)
            }
            5 => {
                self.uses("DISTINCT");
                self.loosen(types.iter().copied());
                self.plain(types, &place, "SELECT DISTINCT ", from.node, filter)
            }
            6 => self.distinct_on(types, &place, from.node, filter),
            _ => self.plain(types, &place, "SELECT ", from.node, filter),
        }
    }

    /// An expression with the name c0, c1, ….
    pub fn column(&mut self, ty: Type, i: usize, place: &Place) -> Node {
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
        self.uses("DISTINCT ON");
        self.loosen(types.iter().copied());
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
        for _ in 0..self.rng.random_range(0..=3) {
            let key = self.key(&place);
            keys.push(key);
        }
        self.uses("GROUP BY");
        self.loosen(keys.iter().map(|key| key.ty));
        let mut columns = keys.clone();
        if !keys.is_empty() && self.percent(30) {
            self.uses("grouping()");
            let name = format!("grouping({})", self.pick(&keys).name);
            columns.push(Name { name, ty: Type::Int4 });
        }
        let by = self.group_by(&keys);
        // Keys tell groups apart, unless grouping sets make some twice.
        let total = !keys.is_empty() && !by.sql().contains(['(', ')']);
        let window = (total && self.percent(30)).then(|| columns.clone());
        let grouped = Place { columns, aggregated: Some(place.columns), window, ..place };
        let list = self.list(types, &grouped);
        let having = self.percent(25).then(|| self.condition(2, &Place { window: None, ..grouped.clone() }));
        let having = having.map_or(text(""), |condition| maybe(vec![text(" HAVING "), condition]));
        Node::Query(types.to_vec(), vec![text("SELECT "), list, text(" FROM "), from, filter, by, having])
    }

    /// What to group by: a column, or an expression.
    fn key(&mut self, place: &Place) -> Name {
        if self.percent(75) {
            return self.pick(&place.columns);
        }
        self.uses("GROUP BY expression");
        let ty = self.type_near(place);
        let inside = Place { columns: place.columns.clone(), ..Place::default() };
        let mut node = self.expr(ty, 1, &inside);
        if !place.columns.iter().any(|column| node.sql().contains(&column.name)) {
            // A constant would be the number of a column.
            node = Node::Seq(vec![text(format!("({} IS NULL)::int4", self.pick(&place.columns).name))]);
            return Name { name: node.sql(), ty: Type::Int4 };
        }
        Name { name: node.sql(), ty }
    }

    fn group_by(&mut self, keys: &[Name]) -> Node {
        let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
        if names.is_empty() {
            return text(self.pick(&["", " GROUP BY ()", ""]));
        }
        let all = names.join(", ");
        let (first, last) = (names[0], names[names.len() - 1]);
        let sets = [
            ("ROLLUP", format!(" GROUP BY ROLLUP ({all})")),
            ("CUBE", format!(" GROUP BY CUBE ({all})")),
            ("GROUPING SETS", format!(" GROUP BY GROUPING SETS (({all}), ())")),
            ("GROUPING SETS", format!(" GROUP BY GROUPING SETS (({all}), ({first}))")),
            ("GROUPING SETS", format!(" GROUP BY {first}, GROUPING SETS (({last}), (), ROLLUP ({all}))")),
            ("GROUP BY DISTINCT", format!(" GROUP BY DISTINCT ROLLUP ({all}), CUBE ({first})")),
        ];
        if !self.percent(25) {
            return text(format!(" GROUP BY {all}"));
        }
        let (clause, by) = self.pick(&sets);
        self.uses(clause);
        text(by)
    }
}
