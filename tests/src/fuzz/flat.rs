//! Flat queries: one table or none, strict functions, no condition. Whatever fails there, fails on both servers, whatever their plans.

use super::expr::{Generator, Place};
use super::from::From;
use super::node::{Node, commas, text};
use super::types::Type;

/// A flat query in pieces, so that it can be asked for one column of one row.
#[derive(Clone, Debug)]
pub struct Flat {
    types: Vec<Type>,
    columns: Vec<Node>,
    from: Option<(Node, String)>,
}

impl Flat {
    /// The whole query.
    pub fn node(&self) -> Node {
        let mut list = self.columns.clone();
        let Some((from, key)) = &self.from else {
            return Node::Query(self.types.clone(), vec![text("SELECT "), commas(list)]);
        };
        list.insert(0, text(format!("{key} AS key")));
        Node::Query(self.types.clone(), vec![text("SELECT "), commas(list), text(" FROM "), from.clone()])
    }

    /// The query of the keys of all rows.
    pub fn keys(&self) -> String {
        let keys = |(from, key): &(Node, String)| format!("SELECT {key} FROM {}", from.sql());
        self.from.as_ref().map_or("SELECT 0".to_string(), keys)
    }

    /// For each column the query of it alone, for the row with this key.
    pub fn cells(&self, row: &str) -> Vec<Node> {
        let one = |(ty, column): (&Type, &Node)| {
            let mut parts = vec![text("SELECT "), column.clone()];
            if let Some((from, key)) = &self.from {
                parts.extend([text(" FROM "), from.clone(), text(format!(" WHERE {key} = {row}"))]);
            }
            Node::Query(vec![*ty], parts)
        };
        self.types.iter().zip(&self.columns).map(one).collect()
    }
}

impl Generator<'_> {
    /// A flat query; without a table it is of literals only.
    pub fn flat(&mut self) -> Flat {
        self.traits.flat = true;
        if self.percent(35) {
            let types = self.types(2);
            self.uses("no FROM");
            let columns = types.iter().enumerate().map(|(i, ty)| self.column(*ty, i, &Place::default())).collect();
            return Flat { types, columns, from: None };
        }
        let types = self.types(4);
        let From { node, columns, key } = self.table();
        let place = Place { columns, ..Place::default() };
        let columns = types.iter().enumerate().map(|(i, ty)| self.column(*ty, i, &place)).collect();
        Flat { types, columns, from: Some((node, key[0].name.clone())) }
    }
}
