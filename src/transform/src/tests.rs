//! Optimizing and lowering against the meaning of a plan, and what plans look like.

mod golden;
mod plan_eval;
mod random;

use expr::interpret::Rows;
use expr::{RelExpr, ScalarExpr};
use repr::{Datum, GlobalId, RelationType, Row, SqlType};

/// A small table of the tests.
pub struct Table {
    pub id: GlobalId,
    pub typ: RelationType,
    pub rows: Rows,
}

impl Table {
    pub fn get(&self) -> RelExpr {
        RelExpr::get_global(self.id, self.typ.clone())
    }
}

pub fn int(value: i32) -> ScalarExpr {
    ScalarExpr::literal(Datum::Int4(value), SqlType::Int4)
}

fn int_rows(rows: &[&[Option<i32>]]) -> Rows {
    let datum = |v: &Option<i32>| v.map_or(Datum::Null, Datum::Int4);
    rows.iter().map(|row| (Row::pack(row.iter().map(datum)), 1)).collect()
}

/// `u1(a key, b null)`, `u2(a null, b null)`, `u3(a key, b, c null)`.
pub fn tables() -> Vec<Table> {
    let int4 = |nullable| SqlType::Int4.nullable(nullable);
    let (one, two, three, null) = (Some(1), Some(2), Some(3), None);
    vec![
        Table {
            id: GlobalId::User(1),
            typ: RelationType::new(vec![int4(false), int4(true)]).with_key(vec![0]),
            rows: int_rows(&[&[one, one], &[two, null], &[three, one], &[Some(0), two]]),
        },
        Table {
            id: GlobalId::User(2),
            typ: RelationType::new(vec![int4(true), int4(true)]),
            rows: int_rows(&[&[one, two], &[one, two], &[null, two], &[null, null], &[three, one], &[two, two]]),
        },
        Table {
            id: GlobalId::User(3),
            typ: RelationType::new(vec![int4(false), int4(false), int4(true)]).with_key(vec![0]),
            rows: int_rows(&[&[one, three, null], &[two, one, two], &[three, one, one]]),
        },
    ]
}
