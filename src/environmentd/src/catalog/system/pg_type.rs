//! `pg_type`, `pg_enum` and `pg_range`: built-in types, and those that users made.

use super::SystemState;
use super::pg_types::{self, PgType};
use super::rows::*;
use repr::{Datum, RangeKind, Row, SqlType};
use sql::catalog::{ARRAY_OIDS, CatalogItem, ItemDetails};

/// PostgreSQL's `array_in`.
const ARRAY_IN: u32 = 750;

/// How many oids the labels of one type have for themselves.
const LABELS_PER_TYPE: u32 = 1 << 12;

/// What differs from one row of `pg_type` to the next.
struct TypeRow<'a> {
    oid: u32,
    name: &'a str,
    namespace: u32,
    owner: u32,
    len: i16,
    kind: &'a str,
    category: &'a str,
    preferred: bool,
    element: u32,
    array: u32,
}

/// The types that users made in the session's database.
pub fn user_types(state: &SystemState) -> impl Iterator<Item = (&CatalogItem, &SqlType)> {
    state.catalog.entries().filter_map(|entry| match &entry.item.details {
        ItemDetails::Type(ty) if entry.item.name.database.as_ref() == Some(&state.database) => Some((&entry.item, ty)),
        _ => None,
    })
}

/// `pg_type`
pub fn types(state: &SystemState) -> Vec<Row> {
    let namespace = state.catalog.schema(None, "pg_catalog").map_or(0, |s| s.oid);
    let mut rows: Vec<Row> = pg_types::TYPES.iter().map(|t| builtin(t, namespace).row()).collect();
    for (item, ty) in user_types(state) {
        let (len, kind, category) = match ty {
            SqlType::Enum(_) => (4, "e", "E"),
            SqlType::Composite(_) => (-1, "c", "C"),
            _ => (-1, "b", "U"),
        };
        let array_name = format!("_{}", item.name.item);
        let array = ARRAY_OIDS + item.oid;
        let made = TypeRow {
            oid: item.oid,
            name: &item.name.item,
            namespace: schema_oid(&state.catalog, item),
            owner: role_oid(&state.catalog, &item.owner),
            len,
            kind,
            category,
            preferred: false,
            element: 0,
            array,
        };
        rows.push(made.row());
        let (oid, name, element) = (array, &array_name, item.oid);
        rows.push(TypeRow { oid, name, len: -1, kind: "b", category: "A", element, array: 0, ..made }.row());
    }
    rows
}

fn builtin(t: &PgType, namespace: u32) -> TypeRow<'static> {
    TypeRow {
        oid: t.oid,
        name: t.name,
        namespace,
        owner: SYSTEM_ROLE_OID,
        len: t.len,
        kind: match t.category {
            "P" => "p",
            "R" => "r",
            _ => "b",
        },
        category: t.category,
        preferred: t.preferred(),
        element: t.element,
        array: t.array,
    }
}

impl TypeRow<'_> {
    fn row(&self) -> Row {
        let (yes, no) = (Datum::Bool(true), Datum::Bool(false));
        let none = Datum::Oid(0);
        // Types are read and written by no function of `pg_proc`; only of arrays tools ask by which.
        let no_function = none;
        let is_array = self.element != 0 && self.name.starts_with('_');
        let input = if is_array { Datum::Oid(ARRAY_IN) } else { none };
        Row::pack([
            Datum::Oid(self.oid),
            Datum::Text(self.name),
            Datum::Oid(self.namespace),
            Datum::Oid(self.owner),
            Datum::Int2(self.len),
            Datum::Bool((1..=8).contains(&self.len)),
            Datum::Text(self.kind),
            Datum::Text(self.category),
            Datum::Bool(self.preferred),
            yes,
            Datum::Text(","),
            none,
            no_function,
            Datum::Oid(self.element),
            Datum::Oid(self.array),
            input,
            no_function,
            no_function,
            no_function,
            no_function,
            no_function,
            no_function,
            Datum::Text("i"),
            Datum::Text(if self.len == -1 { "x" } else { "p" }),
            no,
            none,
            Datum::Int4(-1),
            Datum::Int4(0),
            none,
            Datum::Null,
            Datum::Null,
            Datum::Null,
        ])
    }
}

/// `pg_enum`
pub fn enums(state: &SystemState) -> Vec<Row> {
    let mut rows = Vec::new();
    for (_, ty) in user_types(state) {
        let SqlType::Enum(ty) = ty else { continue };
        for (number, value) in (0..).zip(ty.values()) {
            let oid = ty.oid.wrapping_mul(LABELS_PER_TYPE).wrapping_add(number);
            let order = Datum::Float4(value.order());
            rows.push(Row::pack([Datum::Oid(oid), Datum::Oid(ty.oid), order, Datum::Text(value.label())]));
        }
    }
    rows
}

/// `pg_range`
pub fn ranges(_: &SystemState) -> Vec<Row> {
    let row = |kind: &RangeKind| {
        let ids = [repr::pg::oid(&repr::SqlType::Range(*kind)), repr::pg::oid(&kind.element())];
        let rest = [Datum::Oid(0); 5];
        Row::pack(ids.map(Datum::Oid).into_iter().chain(rest))
    };
    RangeKind::ALL.iter().map(row).collect()
}
