//! The types of columns and expressions, with values to draw from.

use super::values::{About, TYPES};
use rand::RngExt;
use rand::rngs::StdRng;

/// A type of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bpchar,
    Name,
    Bytea,
    Date,
    Time,
    Timetz,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Mood,
    Jsonb,
    Int4Array,
    TextArray,
    Int8Array,
    BoolArray,
    Float8Array,
    NumericArray,
    DateArray,
    TimestampArray,
    Int4Range,
    Int8Range,
    NumRange,
    DateRange,
    TsRange,
    TstzRange,
}

use Type::*;

impl Type {
    /// All types.
    pub fn all() -> impl Iterator<Item = Type> {
        TYPES.iter().map(|about| about.ty)
    }

    fn about(self) -> &'static About {
        // The table has the enum's order; a test holds it.
        &TYPES[self as usize]
    }

    /// Its name, as a cast has it.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The type of this name in `functions.txt`.
    pub fn named(name: &str) -> Option<Type> {
        Type::all().find(|ty| ty.name() == name || (name == "bpchar" && *ty == Bpchar))
    }

    /// The types that a class's letter stands for in `functions.txt`.
    pub fn class(letter: char) -> Vec<Type> {
        let all = Type::all();
        match letter {
            'N' => vec![Int2, Int4, Int8, Float4, Float8, Numeric],
            'I' => vec![Int2, Int4, Int8],
            'F' => vec![Float8, Numeric],
            'C' => all.filter(|ty| !ty.is_array()).collect(),
            'G' => all.filter(|ty| *ty != Bpchar).collect(),
            'O' => vec![Timestamp, Timestamptz],
            // PostgreSQL 15 has no `min` and `max` of these.
            'M' => all.filter(|ty| !matches!(ty, Bool | Name | Bytea | Uuid | Jsonb) && !ty.is_range()).collect(),
            'Y' => all.filter(|ty| ty.is_array()).collect(),
            'R' => all.filter(|ty| ty.is_range()).collect(),
            'D' => vec![Date, Time, Timetz, Timestamp, Timestamptz, Interval],
            _ => all.collect(),
        }
    }

    /// What an array or a range is of; other types themselves.
    pub fn element(self) -> Type {
        match self {
            Int4Array | Int4Range => Int4,
            TextArray => Text,
            Int8Array | Int8Range => Int8,
            BoolArray => Bool,
            Float8Array => Float8,
            NumericArray | NumRange => Numeric,
            DateArray | DateRange => Date,
            TimestampArray | TsRange => Timestamp,
            TstzRange => Timestamptz,
            other => other,
        }
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.name().ends_with("[]")
    }

    /// Whether it is a range.
    pub fn is_range(self) -> bool {
        self.name().ends_with("range")
    }

    /// Whether SQL counts values as equal that are printed differently.
    pub fn is_loose(self) -> bool {
        matches!(self.element(), Float4 | Float8 | Numeric | Interval | Jsonb)
    }

    /// An unremarkable value, as SQL.
    pub fn plain(self) -> String {
        format!("{}::{}", self.about().plain, self.name())
    }

    /// A random value, without quotes.
    pub fn value(self, rng: &mut StdRng, wild: bool) -> &'static str {
        let About { tame, wild: edges, .. } = self.about();
        let pool = if wild && !edges.is_empty() && rng.random_bool(0.5) { edges } else { tame };
        pool[rng.random_range(0..pool.len())]
    }
}

/// A value as a literal of a type.
pub fn literal(value: &str, ty: Type) -> String {
    format!("{}::{}", quoted(value), ty.name())
}

/// A value in quotes.
pub fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
