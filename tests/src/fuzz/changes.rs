//! Random changes of tables: INSERT, UPDATE, DELETE, of literals, of expressions and of what other tables hold.

use super::data::{Change, Table, row, value};
use super::expr::{Generator, Name, Place};
use super::node::{Node, maybe, text};
use super::types::Type;
use rand::RngExt;
use rand::rngs::StdRng;

/// Random changes, a few statements a step.
pub fn history(rng: StdRng, tables: &[Table], wild: bool) -> Vec<Vec<Change>> {
    let mut generator = Generator::new(rng, tables, wild);
    generator.traits.flat = true;
    // Keys of rows that come later; the first rows have small ones.
    let mut next_key = 20;
    let mut steps = Vec::new();
    for _ in 0..generator.rng.random_range(2..=4) {
        let count = generator.rng.random_range(1..=4);
        steps.push((0..count).map(|_| generator.change(&mut next_key)).collect());
    }
    steps
}

impl Generator<'_> {
    fn change(&mut self, next_key: &mut usize) -> Change {
        let table = self.pick(self.tables);
        match self.rng.random_range(0..12) {
            0..4 => self.insert(&table, next_key),
            4..8 => Change::Other(self.update(&table)),
            8..10 => Change::Other(self.delete(&table)),
            10 => Change::Other(self.insert_select(&table, next_key)),
            _ => Change::Other(text(format!("DELETE FROM {}", table.name))),
        }
    }

    fn insert(&mut self, table: &Table, next_key: &mut usize) -> Change {
        let rows = (0..self.rng.random_range(1..=4)).map(|_| {
            *next_key += 1;
            row(&mut self.rng, table, *next_key)
        });
        Change::Insert(table.with_rows(rows.collect()))
    }

    /// `UPDATE`, of a literal, an expression, or a column of another table that is joined by the keys of both.
    fn update(&mut self, table: &Table) -> Node {
        let column = self.pick(&table.columns[1..]);
        let other = self.pick(self.tables);
        let same: Vec<_> = other.columns.iter().filter(|c| c.ty == column.ty).collect();
        let mut from = String::new();
        let new = if self.percent(50) {
            text(value(&mut self.rng, &column))
        } else if other.name != table.name && !same.is_empty() && self.percent(50) {
            from = format!(" FROM {}", other.name);
            text(self.pick(&same).name.clone())
        } else {
            self.flat_expr(column.ty, table)
        };
        let set = text(format!("UPDATE {} SET {} = ", table.name, column.name));
        let predicate = self.row_predicate(table);
        let join = if from.is_empty() {
            String::new()
        } else {
            format!(" AND {} = {}", table.columns[0].name, other.columns[0].name)
        };
        let filter = text(format!("{from} WHERE {predicate}{join}"));
        let returning = self.returning(table);
        Node::Seq(vec![set, new, filter, returning])
    }

    fn delete(&mut self, table: &Table) -> Node {
        let other = self.pick(self.tables);
        let predicate = self.row_predicate(table);
        let mut parts = vec![text(format!("DELETE FROM {}", table.name))];
        if other.name != table.name && self.percent(30) {
            let (mine, theirs) = (&table.columns[0].name, &other.columns[0].name);
            parts.push(text(format!(" USING {} WHERE {mine} = {theirs} AND {predicate}", other.name)));
        } else {
            parts.push(text(format!(" WHERE {predicate}")));
        }
        parts.push(self.returning(table));
        Node::Seq(parts)
    }

    /// Rows made of the table's own; a column may be computed.
    fn insert_select(&mut self, table: &Table, next_key: &mut usize) -> Node {
        *next_key += 1000;
        let (key, name) = (&table.columns[0].name, &table.name);
        let names: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let mut parts = vec![text(format!("INSERT INTO {name} ({}) SELECT {key} + {next_key}", names.join(", ")))];
        for column in &table.columns[1..] {
            let computed = self.percent(25);
            parts.push(text(", "));
            parts.push(if computed { self.flat_expr(column.ty, table) } else { text(column.name.clone()) });
        }
        let predicate = self.row_predicate(table);
        parts.push(text(format!(" FROM {name} WHERE {predicate}")));
        Node::Seq(parts)
    }

    fn returning(&mut self, table: &Table) -> Node {
        if !self.percent(30) {
            return text("");
        }
        let column = self.pick(&table.columns);
        let value = self.flat_expr(column.ty, table);
        maybe(vec![text(format!(" RETURNING {}, ", table.columns[0].name)), value])
    }

    fn flat_expr(&mut self, ty: Type, table: &Table) -> Node {
        let name = |c: &super::data::Column| Name { name: format!("{}{}", c.name, c.as_text()), ty: c.ty };
        let place = Place { columns: table.columns.iter().map(name).collect(), ..Place::default() };
        self.expr(ty, 2, &place)
    }

    fn row_predicate(&mut self, table: &Table) -> String {
        let key = &table.columns[0].name;
        let column = self.pick(&table.columns[1..]);
        match self.rng.random_range(0..5) {
            0 => format!("{key} % 3 = {}", self.rng.random_range(0..3)),
            1 => format!("{key} < {}", self.rng.random_range(0..30)),
            2 => format!("{} IS NULL", column.name),
            3 => format!("{} = {}::{}", column.name, value(&mut self.rng, &column), column.ty.name()),
            _ => format!("{key} % 2 = {}", self.rng.random_range(0..2)),
        }
    }
}
