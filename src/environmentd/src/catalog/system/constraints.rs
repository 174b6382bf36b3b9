//! `pg_constraint` and what `information_schema` has of it: constraints are the unique indexes that were made for one.

use super::pg_catalog::visible;
use super::rows::schema_oid;
use super::{Catalog, SystemState};
use expr::ScalarExpr;
use repr::{Datum, GlobalId, Row};
use sql::catalog::{CatalogItem, ItemDetails, Uniqueness, quote_ident};

/// A UNIQUE or PRIMARY KEY constraint.
struct Constraint<'a> {
    index: &'a CatalogItem,
    table: &'a CatalogItem,
    /// Positions of its columns.
    columns: Vec<usize>,
    primary: bool,
}

impl Constraint<'_> {
    fn column_names(&self) -> Vec<&str> {
        let desc = self.table.details.desc();
        let name = |column: &usize| desc.and_then(|desc| desc.names.get(*column)).map_or("", |name| name.as_str());
        self.columns.iter().map(name).collect()
    }

    /// As `pg_get_constraintdef` writes it.
    fn definition(&self) -> String {
        let columns: Vec<_> = self.column_names().into_iter().map(quote_ident).collect();
        format!("{} ({})", self.kind(), columns.join(", "))
    }

    fn kind(&self) -> &'static str {
        if self.primary { "PRIMARY KEY" } else { "UNIQUE" }
    }
}

fn of<'a>(catalog: &'a Catalog, index: &'a CatalogItem) -> Option<Constraint<'a>> {
    let ItemDetails::Index { on, keys, unique: Some(unique), .. } = &index.details else { return None };
    let position = |key: &ScalarExpr| match key {
        ScalarExpr::Column(column) => Some(*column),
        _ => None,
    };
    Some(Constraint {
        index,
        table: catalog.item(*on)?,
        columns: keys.iter().filter_map(position).collect(),
        primary: match unique {
            Uniqueness::PrimaryKey => true,
            Uniqueness::Constraint => false,
            Uniqueness::Index => return None,
        },
    })
}

fn all(state: &SystemState) -> impl Iterator<Item = Constraint<'_>> {
    visible(state).filter_map(|(entry, _)| of(&state.catalog, &entry.item))
}

/// The constraints of a table as its definition has them: `CONSTRAINT t_pkey PRIMARY KEY (a)`.
pub fn of_table(catalog: &Catalog, table: GlobalId) -> Vec<String> {
    let constraints = catalog.used_by(table).filter_map(|id| of(catalog, catalog.item(id)?));
    let clause = |c: Constraint<'_>| format!("CONSTRAINT {} {}", quote_ident(&c.index.name.item), c.definition());
    constraints.map(clause).collect()
}

/// `pg_constraint`
pub fn constraints(state: &SystemState) -> Vec<Row> {
    all(state).map(|constraint| row(state, &constraint)).collect()
}

fn row(state: &SystemState, constraint: &Constraint<'_>) -> Row {
    let (none, null, blank, flag) = (Datum::Oid(0), Datum::Null, Datum::Text(" "), Datum::Bool);
    let Constraint { index, table, columns, primary } = constraint;
    let key = repr::array::encode_list(columns.iter().map(|column| Datum::Int2(*column as i16 + 1)));
    let definition = constraint.definition();
    let oid = Datum::Oid(index.oid);
    let name = [oid, Datum::Text(&index.name.item), Datum::Oid(schema_oid(&state.catalog, index))];
    let kind = [Datum::Text(if *primary { "p" } else { "u" }), flag(false), flag(false), flag(true)];
    let refers = [Datum::Oid(table.oid), none, oid, none, none, blank, blank, blank];
    let inherited = [flag(true), Datum::Int4(0), flag(true)];
    let keys = [Datum::Array(repr::ArrayRef::from_encoded(&key)), null, null, null, null, null, null];
    let parts = name.into_iter().chain(kind).chain(refers).chain(inherited).chain(keys);
    Row::pack(parts.chain([Datum::Text(&definition)]))
}

/// `information_schema.table_constraints`
pub fn table_constraints(state: &SystemState) -> Vec<Row> {
    let row = |constraint: Constraint<'_>| {
        let no = Datum::Text("NO");
        let kind = [Datum::Text(constraint.kind()), no, no, Datum::Text("YES"), Datum::Null];
        Row::pack(names(state, &constraint).into_iter().chain(kind))
    };
    all(state).map(row).collect()
}

/// `information_schema.key_column_usage`
pub fn key_columns(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for constraint in all(state) {
        for (position, column) in constraint.column_names().into_iter().enumerate() {
            let column = [Datum::Text(column), Datum::Int4(position as i32 + 1), Datum::Null];
            rows.push(Row::pack(names(state, &constraint).into_iter().chain(column)));
        }
    }
    rows
}

/// `information_schema.constraint_column_usage`
pub fn column_usage(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for constraint in all(state) {
        for column in constraint.column_names() {
            let [catalog, schema, name, of_catalog, of_schema, of_table] = names(state, &constraint);
            rows.push(Row::pack([of_catalog, of_schema, of_table, Datum::Text(column), catalog, schema, name]));
        }
    }
    rows
}

/// Catalog, schema and name of the constraint, then of its table.
fn names<'a>(state: &'a SystemState, constraint: &Constraint<'a>) -> [Datum<'a>; 6] {
    let (index, table) = (&constraint.index.name, &constraint.table.name);
    let [database, schema, item] = [&state.database, &index.schema, &index.item].map(|name| Datum::Text(name));
    [database, schema, item, database, Datum::Text(&table.schema), Datum::Text(&table.item)]
}
