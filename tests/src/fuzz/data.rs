//! Random tables, their first rows, and the changes that follow.

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
    /// `UPDATE` or `DELETE`, which names these columns
    Other(String),
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

    fn with_rows(&self, rows: Vec<Vec<String>>) -> Table {
        Table { rows, ..self.clone() }
    }
}

impl Change {
    /// Its SQL; none if it does nothing.
    pub fn sql(&self) -> Option<String> {
        match self {
            Change::Insert(table) => table.insert(),
            Change::Other(sql) => Some(sql.clone()),
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
        ty => ty.name(),
    };
    // A declared scale takes no infinity.
    let wild = wild && declared != "numeric(40,2)";
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

fn row(rng: &mut StdRng, table: &Table, key: usize) -> Vec<String> {
    let others = table.columns.iter().skip(1).map(|column| value(rng, column));
    std::iter::once(key.to_string()).chain(others).collect()
}

fn value(rng: &mut StdRng, column: &Column) -> String {
    if rng.random_ratio(column.nulls, 100) {
        return "NULL".to_string();
    }
    quoted(column.pool[rng.random_range(0..column.pool.len())])
}

/// Random changes, a few statements a step.
pub fn history(rng: &mut StdRng, tables: &[Table]) -> Vec<Vec<Change>> {
    // Keys of rows that come later; the first rows have small ones.
    let mut next_key = 20;
    let mut steps = Vec::new();
    for _ in 0..rng.random_range(2..=4) {
        let count = rng.random_range(1..=4);
        let step = (0..count).map(|_| {
            let table = &tables[rng.random_range(0..tables.len())];
            change(rng, table, &mut next_key)
        });
        steps.push(step.collect());
    }
    steps
}

fn change(rng: &mut StdRng, table: &Table, next_key: &mut usize) -> Change {
    let predicate = predicate(rng, table);
    match rng.random_range(0..10) {
        0..4 => {
            let rows = (0..rng.random_range(1..=4)).map(|_| {
                *next_key += 1;
                row(rng, table, *next_key)
            });
            Change::Insert(table.with_rows(rows.collect()))
        }
        4..7 => {
            let column = &table.columns[rng.random_range(1..table.columns.len())];
            let set = format!("{} = {}", column.name, value(rng, column));
            Change::Other(format!("UPDATE {} SET {set} WHERE {predicate}", table.name))
        }
        7..9 => Change::Other(format!("DELETE FROM {} WHERE {predicate}", table.name)),
        9 if rng.random() => {
            *next_key += 1000;
            let names: Vec<_> = table.columns.iter().map(|c| c.name.as_str()).collect();
            let (name, others) = (&table.name, names[1..].join(", "));
            let select = format!("SELECT {} + {next_key}, {others} FROM {name} WHERE {predicate}", names[0]);
            Change::Other(format!("INSERT INTO {name} ({}, {others}) {select}", names[0]))
        }
        _ => Change::Other(format!("DELETE FROM {}", table.name)),
    }
}

fn predicate(rng: &mut StdRng, table: &Table) -> String {
    let key = &table.columns[0].name;
    let column = &table.columns[rng.random_range(1..table.columns.len())];
    match rng.random_range(0..5) {
        0 => format!("{key} % 3 = {}", rng.random_range(0..3)),
        1 => format!("{key} < {}", rng.random_range(0..30)),
        2 => format!("{} IS NULL", column.name),
        3 => format!("{} = {}::{}", column.name, value(rng, column), column.ty.name()),
        _ => format!("{key} % 2 = {}", rng.random_range(0..2)),
    }
}
