//! Which names a place in a query can see, and the column that each stands for.
//!
//! A [`Scope`] is what one FROM clause offers. `crate::query` keeps a stack of them, one for each query level, and looks from the
//! innermost outwards; the messages are PostgreSQL's.

use crate::hir::ColId;
use repr::{SqlError, SqlState};
use std::collections::BTreeMap;

/// The tables and columns of one FROM clause.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// Tables by the names that qualify their columns.
    pub tables: Vec<ScopeTable>,
    /// Columns in the order of `*`.
    pub columns: Vec<ScopeColumn>,
}

/// What qualifies columns: an alias or a table's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeTable {
    /// Alias, or the last part of the table's name.
    pub name: String,
    /// Schema and database of a table without alias, innermost first.
    pub schema: Vec<String>,
    /// The table's own name, if an alias hides it.
    pub hidden: Option<String>,
    /// The oid of a relation of the catalog: its system column `tableoid`.
    pub oid: Option<u32>,
    /// A column that is NULL where an outer join found no row of this table; kept where the whole row is asked for.
    pub present: Option<ColId>,
    /// The columns of its primary key: each of them given, its row is.
    pub key: Vec<ColId>,
}

/// A column that a name can stand for.
#[derive(Clone, Debug)]
pub(crate) struct ScopeColumn {
    /// Its table in the scope; none for a column that USING merged.
    pub table: Option<usize>,
    /// Its name.
    pub name: String,
    /// The column.
    pub id: ColId,
    /// Whether its name alone means it, and `*` shows it; not so where USING merged it into another.
    pub bare: bool,
}

/// What a name was found to be.
pub(crate) enum Found {
    /// A column.
    Column(ColId),
    /// A table's whole row: columns in order, and the column that is NULL where there is none.
    Row(Vec<(String, ColId)>, Option<ColId>),
    /// The oid of a table.
    Oid(u32),
}

impl ScopeTable {
    /// Whether two tables of one FROM clause go by one name. Tables of several schemas may, as long as they have no aliases.
    fn conflicts(&self, other: &ScopeTable) -> bool {
        let apart = !self.schema.is_empty() && !other.schema.is_empty() && self.schema != other.schema;
        self.name == other.name && !apart
    }
}

impl Scope {
    /// One table with these columns.
    pub fn table(table: ScopeTable, columns: impl IntoIterator<Item = (String, ColId)>) -> Scope {
        let column = |(name, id)| ScopeColumn { table: Some(0), name, id, bare: true };
        Scope { tables: vec![table], columns: columns.into_iter().map(column).collect() }
    }

    /// Adds what `other` offers; an error if both have a table of one name.
    pub fn append(&mut self, other: Scope) -> Result<(), SqlError> {
        if let Some(twice) = other.tables.iter().find(|t| self.tables.iter().any(|own| own.conflicts(t))) {
            let message = format!("table name \"{}\" specified more than once", twice.name);
            return Err(SqlError::new(SqlState::DUPLICATE_ALIAS, message));
        }
        self.add(other);
        Ok(())
    }

    /// Adds what `other` offers, whatever it is called: for what LATERAL sees from inside parentheses, where a name may be used again.
    pub fn add(&mut self, other: Scope) {
        let shift = self.tables.len();
        self.tables.extend(other.tables);
        self.columns.extend(other.columns.into_iter().map(|c| ScopeColumn { table: c.table.map(|t| t + shift), ..c }));
    }

    /// The columns that `*` stands for.
    pub fn star(&self) -> impl Iterator<Item = &ScopeColumn> {
        self.columns.iter().filter(|c| c.bare)
    }

    /// The table that `qualifier` (one to three parts) means here.
    pub fn find_table(&self, qualifier: &[String]) -> Result<Option<usize>, SqlError> {
        let Some((name, outer)) = qualifier.split_last() else { return Ok(None) };
        let matches = |t: &ScopeTable| {
            t.name == *name && outer.len() <= t.schema.len() && outer.iter().rev().zip(&t.schema).all(|(a, b)| a == b)
        };
        let mut found = self.tables.iter().enumerate().filter(|(_, t)| matches(t)).map(|(i, _)| i);
        let first = found.next();
        if found.next().is_some() {
            let message = format!("table reference \"{name}\" is ambiguous");
            return Err(SqlError::new(SqlState::AMBIGUOUS_ALIAS, message));
        }
        Ok(first)
    }

    /// All columns of a table, in its order.
    pub fn table_columns(&self, table: usize) -> Vec<(String, ColId)> {
        self.columns.iter().filter(|c| c.table == Some(table)).map(|c| (c.name.clone(), c.id)).collect()
    }

    /// The column that a bare name means here.
    pub fn find_bare(&self, name: &str) -> Result<Option<ColId>, SqlError> {
        one(self.columns.iter().filter(|c| c.bare && c.name == name).map(|c| c.id), name)
    }

    /// The column of this name in a table.
    pub fn find_in_table(&self, table: usize, name: &str) -> Result<Option<ColId>, SqlError> {
        one(self.columns.iter().filter(|c| c.table == Some(table) && c.name == name).map(|c| c.id), name)
    }

    /// What `names` (`column`, `table.column`, …) means here, if anything.
    pub fn find(&self, names: &[String]) -> Result<Option<Found>, SqlError> {
        let Some((name, qualifier)) = names.split_last() else { return Ok(None) };
        if !qualifier.is_empty() {
            let Some(table) = self.find_table(qualifier)? else { return Ok(None) };
            return match self.find_in_table(table, name)? {
                Some(id) => Ok(Some(Found::Column(id))),
                None => match self.tables[table].oid.filter(|_| name == "tableoid") {
                    Some(oid) => Ok(Some(Found::Oid(oid))),
                    None => Err(no_column(names)),
                },
            };
        }
        let found = self.find_bare(name)?.map(Found::Column);
        // Of several tables it would be ambiguous, and is left unknown.
        match (&found, &self.tables[..]) {
            (None, [ScopeTable { oid: Some(oid), .. }]) if name == "tableoid" => Ok(Some(Found::Oid(*oid))),
            _ => Ok(found),
        }
    }

    /// What messages call the columns: `t.a`.
    pub fn labels(&self) -> BTreeMap<ColId, String> {
        let label = |c: &ScopeColumn| match c.table {
            Some(table) => format!("{}.{}", self.tables[table].name, c.name),
            None => c.name.clone(),
        };
        // A column that USING merged goes by its first name.
        self.columns.iter().rev().map(|c| (c.id, label(c))).collect()
    }

    /// The whole row of the table called `name`.
    pub fn find_row(&self, name: &str) -> Result<Option<Found>, SqlError> {
        let table = self.find_table(&[name.to_string()])?;
        Ok(table.map(|t| Found::Row(self.table_columns(t), self.tables[t].present)))
    }
}

fn one(mut found: impl Iterator<Item = ColId>, name: &str) -> Result<Option<ColId>, SqlError> {
    let first = found.next();
    match found.next() {
        Some(_) => {
            let message = format!("column reference \"{name}\" is ambiguous");
            Err(SqlError::new(SqlState::AMBIGUOUS_COLUMN, message))
        }
        None => Ok(first),
    }
}

/// There is no such column: `column "a" does not exist`, `column t.a does not exist`.
pub(crate) fn no_column(names: &[String]) -> SqlError {
    let name = match names {
        [name] => format!("\"{name}\""),
        _ => names.join("."),
    };
    SqlError::new(SqlState::UNDEFINED_COLUMN, format!("column {name} does not exist"))
}

/// There is no such table in FROM.
pub(crate) fn no_table(qualifier: &[String]) -> SqlError {
    let name = qualifier.last().map(String::as_str).unwrap_or_default();
    SqlError::new(SqlState::UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{name}\""))
}
