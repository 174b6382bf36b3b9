//! Random tables, their first rows, and the changes that follow.

use super::node::{Node, shorter};
use super::types::{Type, quoted};
use rand::RngExt;
use rand::rngs::StdRng;

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name, which no other table has.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its type as it is declared: with modifiers and `NOT NULL`.
    pub declared: String,
    /// The values that its rows draw from.
    pool: Vec<&'static str>,
    /// How many of its values are NULL, of 100.
    nulls: u32,
}

/// A table with rows of it. The first column, an integer, is unique.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Rows: literals.
    pub rows: Vec<Vec<String>>,
    /// The columns of its index, which only Freshet has; none without.
    pub index: Vec<String>,
}

/// A statement that changes a table.
#[derive(Clone, Debug)]
pub enum Change {
    /// `INSERT`
    Insert(Table),
    /// Another statement.
    Other(Node),
}

impl Column {
    /// The cast that makes text of what is no text to PostgreSQL's polymorphic functions.
    pub fn as_text(&self) -> &'static str {
        if self.declared.starts_with("varchar") { "::text" } else { "" }
    }
}

impl Table {
    /// Its definition.
    pub fn create(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|c| format!("{} {}", c.name, c.declared)).collect();
        format!("CREATE TABLE {} ({})", self.name, columns.join(", "))
    }

    /// The statement that makes the index.
    pub fn create_index(&self) -> Option<String> {
        (!self.index.is_empty()).then(|| format!("CREATE INDEX ON {} ({})", self.name, self.index.join(", ")))
    }

    /// The statement that inserts the rows; none if there are none.
    pub fn insert(&self) -> Option<String> {
        let names: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let rows: Vec<_> = self.rows.iter().map(|row| format!("({})", row.join(", "))).collect();
        let sql = || format!("INSERT INTO {} ({}) VALUES {}", self.name, names.join(", "), rows.join(", "));
        (!rows.is_empty()).then(sql)
    }

    /// Without a column.
    pub fn without(&self, name: &str) -> Table {
        let mut table = self.clone();
        table.index.retain(|column| column != name);
        if let Some(at) = table.columns.iter().position(|c| c.name == name) {
            table.columns.remove(at);
            table.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
        table
    }

    /// The same table with other rows.
    pub fn with_rows(&self, rows: Vec<Vec<String>>) -> Table {
        Table { rows, ..self.clone() }
    }
}

impl Change {
    /// Its SQL; none if it does nothing.
    pub fn sql(&self) -> Option<String> {
        match self {
            Change::Insert(table) => table.insert(),
            Change::Other(node) => Some(node.sql()),
        }
    }

    /// Smaller ones, each one step away.
    pub fn smaller(&self) -> Vec<Change> {
        match self {
            Change::Insert(table) => {
                let rows = shorter(&table.rows, 1).into_iter();
                rows.map(|rows| Change::Insert(table.with_rows(rows))).collect()
            }
            Change::Other(node) => node.smaller().into_iter().map(Change::Other).collect(),
        }
    }
}

/// Random tables with their first rows.
pub fn tables(rng: &mut StdRng, wild: bool) -> Vec<Table> {
    (0..rng.random_range(2..=4)).map(|i| table(rng, i, wild)).collect()
}

fn table(rng: &mut StdRng, number: usize, wild: bool) -> Table {
    let key = Column {
        name: format!("k{number}"),
        ty: Type::Int4,
        declared: "int4 NOT NULL".to_string(),
        pool: Vec::new(),
        nulls: 0,
    };
    let mut columns = vec![key];
    for letter in ('a'..='z').take(rng.random_range(2..=6)) {
        columns.push(column(rng, format!("{letter}{number}"), wild));
    }
    let mut table = Table { name: format!("t{number}"), columns, rows: Vec::new(), index: Vec::new() };
    if rng.random() {
        let columns = (0..rng.random_range(1..=2)).map(|_| rng.random_range(0..table.columns.len()));
        table.index = columns.map(|i| table.columns[i].name.clone()).collect();
        table.index.dedup();
    }
    let count = if rng.random_ratio(1, 12) { 0 } else { rng.random_range(2..=9) };
    table.rows = (0..count).map(|key| row(rng, &table, key)).collect();
    table
}

fn column(rng: &mut StdRng, name: String, wild: bool) -> Column {
    let ty = any_type(rng);
    let declared = match ty {
        Type::Numeric if rng.random() => "numeric(40,2)",
        Type::Text if rng.random_ratio(1, 5) => "varchar(20)",
        Type::Timestamp if rng.random_ratio(1, 4) => "timestamp(0)",
        ty => ty.name(),
    };
    // A declared scale takes no infinity, a declared length no long text.
    let wild = wild && !["numeric(40,2)", "varchar(20)"].contains(&declared);
    let pool = (0..rng.random_range(2..=5)).map(|_| ty.value(rng, wild)).collect();
    let not_null = rng.random_ratio(1, 6);
    let declared = format!("{declared}{}", if not_null { " NOT NULL" } else { "" });
    Column { name, ty, declared, pool, nulls: if not_null { 0 } else { rng.random_range(0..40) } }
}

/// A type; the usual ones more often.
pub fn any_type(rng: &mut StdRng) -> Type {
    let usual = [
        Type::Int4,
        Type::Int4,
        Type::Int8,
        Type::Text,
        Type::Text,
        Type::Numeric,
        Type::Bool,
        Type::Float8,
        Type::Date,
    ];
    let all: Vec<Type> = Type::all().collect();
    if rng.random() { usual[rng.random_range(0..usual.len())] } else { all[rng.random_range(0..all.len())] }
}

/// A row of literals; the first is the key.
pub fn row(rng: &mut StdRng, table: &Table, key: usize) -> Vec<String> {
    let others = table.columns.iter().skip(1).map(|column| value(rng, column));
    std::iter::once(key.to_string()).chain(others).collect()
}

/// A literal of a column, or NULL.
pub fn value(rng: &mut StdRng, column: &Column) -> String {
    if rng.random_ratio(column.nulls, 100) {
        return "NULL".to_string();
    }
    quoted(column.pool[rng.random_range(0..column.pool.len())])
}
