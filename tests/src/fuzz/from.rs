//! Random FROM clauses: tables, derived tables, common table expressions, functions, joins of every kind.

use super::expr::{Generator, Name, Place};
use super::node::{Node, commas, text};
use super::types::{Type, literal};
use rand::RngExt;

/// What stands in FROM, and what it lets a query name.
pub struct From {
    /// Its SQL.
    pub node: Node,
    /// Its columns.
    pub columns: Vec<Name>,
    /// Columns whose values together tell its rows apart, or all of them: rows that agree are the same.
    pub key: Vec<Name>,
}

impl Generator<'_> {
    /// A FROM clause without its keyword.
    pub fn from(&mut self, depth: usize, outer: &[Name]) -> From {
        let mut from = self.item(depth, outer);
        let joins = self.pick(&[0, 0, 0, 1, 1, 2]);
        for _ in 0..joins {
            from = self.join(from, depth, outer);
        }
        from
    }

    fn item(&mut self, depth: usize, outer: &[Name]) -> From {
        match self.rng.random_range(0..20) {
            0..3 if depth > 0 => self.derived(depth, &[], outer, ""),
            3..6 if !self.ctes.is_empty() => self.cte(),
            6 => self.values(),
            7 => self.series(),
            8 => self.using(),
            _ => self.table(),
        }
    }

    /// A table under a new alias.
    pub fn table(&mut self) -> From {
        let tables = self.tables;
        let table = &tables[self.rng.random_range(0..tables.len())];
        let alias = self.alias();
        // What is no text to PostgreSQL's polymorphic functions becomes one.
        let cast = |c: &super::data::Column| if c.declared.starts_with("varchar") { "::text" } else { "" };
        let name = |c: &super::data::Column| Name { name: format!("{alias}.{}{}", c.name, cast(c)), ty: c.ty };
        let columns: Vec<Name> = table.columns.iter().map(name).collect();
        From { node: text(format!("{} AS {alias}", table.name)), key: vec![columns[0].clone()], columns }
    }

    /// Two tables joined by columns that have one name.
    fn using(&mut self) -> From {
        let (left, right) = (self.pick(self.tables), self.pick(self.tables));
        let pairs: Vec<(usize, usize)> = (0..left.columns.len())
            .flat_map(|l| (0..right.columns.len()).map(move |r| (l, r)))
            .filter(|(l, r)| left.columns[*l].ty == right.columns[*r].ty)
            .collect();
        let (l, r) = self.pick(&pairs);
        let kind = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let (a, b) = (self.alias(), self.alias());
        let common = format!("u{a}");
        let names = |table: &super::data::Table, alias: &str, at: usize| -> Vec<String> {
            (0..table.columns.len()).map(|i| if i == at { common.clone() } else { format!("{alias}c{i}") }).collect()
        };
        let (left_names, right_names) = (names(&left, &a, l), names(&right, &b, r));
        let sql = format!(
            "{} AS {a} ({}) {kind} {} AS {b} ({}) USING ({common})",
            left.name,
            left_names.join(", "),
            right.name,
            right_names.join(", ")
        );
        let of_left = left_names.iter().zip(&left.columns);
        let of_right = right_names.iter().zip(&right.columns).filter(|(name, _)| **name != common);
        let cast = |ty| if ty == Type::Text { "::text" } else { "" };
        let name =
            |(name, c): (&String, &super::data::Column)| Name { name: format!("{name}{}", cast(c.ty)), ty: c.ty };
        let columns = of_left.chain(of_right).map(name).collect();
        self.whole(text(format!("({sql})")), columns)
    }

    /// A function of the columns to the left.
    fn lateral_series(&mut self, left: &From) -> Option<(From, &'static str)> {
        let (call, wanted, ty) = self.pick(&[
            ("unnest", Type::Int4Array, Type::Int4),
            ("unnest", Type::TextArray, Type::Text),
            ("generate_series", Type::Int4, Type::Int4),
        ]);
        let columns: Vec<_> = left.columns.iter().filter(|c| c.ty == wanted).cloned().collect();
        if columns.is_empty() {
            return None;
        }
        let column = self.pick(&columns).name;
        let alias = self.alias();
        let call = match call {
            "unnest" => format!("unnest({column})"),
            _ => format!("generate_series(1, least({column}, 3))"),
        };
        let kind = self.pick(&["CROSS JOIN", "LEFT JOIN"]);
        Some((self.whole(text(format!("LATERAL {call} AS {alias} (s0)")), named(&alias, "s", &[ty])), kind))
    }

    fn whole(&mut self, node: Node, columns: Vec<Name>) -> From {
        From { node, key: columns.clone(), columns }
    }

    fn derived(&mut self, depth: usize, lateral: &[Name], outer: &[Name], keyword: &str) -> From {
        let count = self.rng.random_range(1..=3);
        let types: Vec<Type> = (0..count).map(|_| super::data::any_type(&mut self.rng)).collect();
        let around: Vec<Name> = lateral.iter().chain(outer).cloned().collect();
        let query = self.query(&types, depth - 1, &around);
        let alias = self.alias();
        let columns = named(&alias, "c", &types);
        self.whole(Node::Seq(vec![text(format!("{keyword}(")), query, text(format!(") AS {alias}"))]), columns)
    }

    fn cte(&mut self) -> From {
        let (name, columns) = self.pick(&self.ctes.clone());
        let alias = self.alias();
        let columns = columns.into_iter().map(|c| Name { name: format!("{alias}.{}", c.name), ty: c.ty }).collect();
        self.whole(text(format!("{name} AS {alias}")), columns)
    }

    fn values(&mut self) -> From {
        let types: Vec<Type> =
            (0..self.rng.random_range(1..=2)).map(|_| super::data::any_type(&mut self.rng)).collect();
        let rows = (0..self.rng.random_range(1..=3)).map(|_| {
            let values = types.iter().map(|ty| literal(ty.value(&mut self.rng, false), *ty)).collect::<Vec<_>>();
            text(format!("({})", values.join(", ")))
        });
        let rows = commas(rows.collect());
        let alias = self.alias();
        let columns = named(&alias, "v", &types);
        let names: Vec<_> = (0..types.len()).map(|i| format!("v{i}")).collect();
        self.whole(
            Node::Seq(vec![text("(VALUES "), rows, text(format!(") AS {alias} ({})", names.join(", ")))]),
            columns,
        )
    }

    fn series(&mut self) -> From {
        let alias = self.alias();
        let (call, ty) = self.pick(&[
            ("generate_series(0, 3)", Type::Int4),
            ("generate_series(5, 1, -2)", Type::Int4),
            ("unnest(array['a', NULL, 'b'])", Type::Text),
            ("jsonb_array_elements('[1, \"a\", null]')", Type::Jsonb),
        ]);
        self.whole(text(format!("{call} AS {alias} (s0)")), named(&alias, "s", &[ty]))
    }

    fn join(&mut self, left: From, depth: usize, outer: &[Name]) -> From {
        if depth > 0 && self.percent(15) {
            let right = self.derived(depth, &left.columns.clone(), outer, "LATERAL ");
            let kind = self.pick(&["CROSS JOIN", "LEFT JOIN"]);
            let condition = (kind == "LEFT JOIN").then(|| text("true"));
            return joined(left, kind, right, condition);
        }
        if self.percent(10)
            && let Some((right, kind)) = self.lateral_series(&left)
        {
            let condition = (kind == "LEFT JOIN").then(|| text("true"));
            return joined(left, kind, right, condition);
        }
        let mut right = self.item(depth, outer);
        if self.percent(15) {
            right = self.join(right, 0, outer);
            right.node = Node::Seq(vec![text("("), right.node, text(")")]);
        }
        let kind = self.pick(&["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]);
        let equality = self.equality(&left.columns, &right.columns);
        let columns = left.columns.iter().chain(&right.columns).cloned().collect();
        let place = Place { columns, outer: outer.to_vec(), subqueries: depth.min(1), ..Place::default() };
        match (kind, equality) {
            ("CROSS JOIN", _) => joined(left, kind, right, None),
            // PostgreSQL joins fully by equalities only.
            ("FULL JOIN", None) => joined(left, "CROSS JOIN", right, None),
            ("FULL JOIN", equality) => joined(left, kind, right, equality),
            (_, Some(equality)) if self.percent(75) => {
                let more = if self.percent(25) { vec![text(" AND "), self.condition(2, &place)] } else { Vec::new() };
                let condition = Node::Seq(vec![equality, Node::Maybe(Box::new(Node::Seq(more)))]);
                joined(left, kind, right, Some(condition))
            }
            _ => {
                let condition = self.condition(2, &place);
                joined(left, kind, right, Some(condition))
            }
        }
    }

    /// An equality of a column of the left with one of the right.
    fn equality(&mut self, left: &[Name], right: &[Name]) -> Option<Node> {
        let pairs: Vec<_> =
            left.iter().flat_map(|l| right.iter().filter(|r| r.ty == l.ty).map(|r| (l.clone(), r.clone()))).collect();
        if pairs.is_empty() {
            return None;
        }
        let (l, r) = self.pick(&pairs);
        let column = |c: Name| Node::Expr(c.ty, vec![text(c.name)]);
        Some(Node::Expr(Type::Bool, vec![text("("), column(l), text(" = "), column(r), text(")")]))
    }
}

fn named(alias: &str, letter: &str, types: &[Type]) -> Vec<Name> {
    types.iter().enumerate().map(|(i, ty)| Name { name: format!("{alias}.{letter}{i}"), ty: *ty }).collect()
}

fn joined(left: From, kind: &str, right: From, condition: Option<Node>) -> From {
    let mut parts = vec![text(format!(" {kind} ")), right.node];
    if let Some(condition) = condition {
        parts.extend([text(" ON "), condition]);
    }
    From {
        node: Node::Seq(vec![left.node, Node::Maybe(Box::new(Node::Seq(parts)))]),
        columns: left.columns.into_iter().chain(right.columns).collect(),
        key: left.key.into_iter().chain(right.key).collect(),
    }
}
