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

/// Functions of a column (`$`): its type, where any array serves for arrays, and the type of their rows, where an array stands for its elements.
const LATERAL_FUNCTIONS: [(&str, Type, Type); 9] = [
    ("unnest($)", Type::Int4Array, Type::Int4Array),
    ("unnest($)", Type::TextArray, Type::TextArray),
    ("generate_series(1, least($, 3))", Type::Int4, Type::Int4),
    ("generate_subscripts($, 1)", Type::Int4Array, Type::Int4),
    ("jsonb_object_keys(CASE WHEN jsonb_typeof($) = 'object' THEN $ END)", Type::Jsonb, Type::Text),
    ("jsonb_array_elements(CASE WHEN jsonb_typeof($) = 'array' THEN $ END)", Type::Jsonb, Type::Jsonb),
    ("jsonb_array_elements_text(CASE WHEN jsonb_typeof($) = 'array' THEN $ END)", Type::Jsonb, Type::Text),
    ("regexp_split_to_table($, ' |b')", Type::Text, Type::Text),
    ("string_to_table($, ' ', 'a')", Type::Text, Type::Text),
];
/// Functions of constants, and the type of their rows.
const SERIES: [(&str, Type); 8] = [
    ("generate_series(0, 3)", Type::Int4),
    ("generate_series(5, 1, -2)", Type::Int4),
    ("generate_series(1.5, 3, 0.5)", Type::Numeric),
    ("generate_series(3::int8, 1)", Type::Int8),
    ("generate_series('2020-01-31'::timestamp, '2020-04-30', '1 month')", Type::Timestamp),
    ("generate_series('2020-03-28 12:00+00'::timestamptz, '2020-03-30 12:00+00', '1 day')", Type::Timestamptz),
    ("unnest(array['a', NULL, 'b'])", Type::Text),
    ("jsonb_array_elements('[1, \"a\", null]')", Type::Jsonb),
];

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
        let name = |c: &super::data::Column| Name { name: format!("{alias}.{}{}", c.name, c.as_text()), ty: c.ty };
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
        self.uses("USING");
        self.loosen([left.columns[l].ty].into_iter());
        let kind = self.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let (a, b) = (self.alias(), self.alias());
        let common = format!("u{a}");
        let names = |table: &super::data::Table, alias: &str, at: usize| -> Vec<String> {
            (0..table.columns.len()).map(|i| if i == at { common.clone() } else { format!("{alias}c{i}") }).collect()
        };
        let (left_names, right_names) = (names(&left, &a, l), names(&right, &b, r));
        let (left_list, right_list) = (left_names.join(", "), right_names.join(", "));
        let joined = format!("{} AS {b} ({right_list})", right.name);
        let joined = if self.percent(30) {
            format!("NATURAL {kind} {joined}")
        } else {
            format!("{kind} {joined} USING ({common})")
        };
        let sql = format!("{} AS {a} ({left_list}) {joined}", left.name);
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
        let (template, wanted, ty) = self.pick(&LATERAL_FUNCTIONS);
        let fits = |c: &&Name| c.ty == wanted || (wanted.is_array() && c.ty.is_array());
        let columns: Vec<_> = left.columns.iter().filter(fits).cloned().collect();
        if columns.is_empty() {
            return None;
        }
        self.uses("LATERAL function");
        let column = self.pick(&columns);
        let ty = if ty.is_array() { column.ty.element() } else { ty };
        let call = template.replace('$', &column.name);
        let kind = self.pick(&["CROSS JOIN", "LEFT JOIN"]);
        Some((self.function_item(&format!("LATERAL {call}"), ty), kind))
    }

    /// A function in FROM, with the number of each row or without.
    fn function_item(&mut self, call: &str, ty: Type) -> From {
        let alias = self.alias();
        if self.percent(25) {
            self.uses("WITH ORDINALITY");
            let names = named(&alias, "s", &[ty, Type::Int8]);
            return self.whole(text(format!("{call} WITH ORDINALITY AS {alias} (s0, s1)")), names);
        }
        self.whole(text(format!("{call} AS {alias} (s0)")), named(&alias, "s", &[ty]))
    }

    fn whole(&mut self, node: Node, columns: Vec<Name>) -> From {
        From { node, key: columns.clone(), columns }
    }

    fn derived(&mut self, depth: usize, lateral: &[Name], outer: &[Name], keyword: &str) -> From {
        let types = self.types(3);
        self.uses(if lateral.is_empty() { "derived table" } else { "LATERAL" });
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
        let types = self.types(2);
        self.uses("VALUES");
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
        let (call, ty) = self.pick(&SERIES);
        if self.percent(30) {
            self.uses("ROWS FROM");
            let (other, other_ty) = self.pick(&SERIES);
            let alias = self.alias();
            let names = named(&alias, "s", &[ty, other_ty]);
            return self.whole(text(format!("ROWS FROM ({call}, {other}) AS {alias} (s0, s1)")), names);
        }
        self.uses("function in FROM");
        self.function_item(call, ty)
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
        self.uses(kind);
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
