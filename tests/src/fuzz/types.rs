//! The types of columns and expressions, with values to draw from.

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
    Float4,
    Float8,
    Numeric,
    Text,
    Bpchar,
    Bytea,
    Date,
    Time,
    Timetz,
    Timestamp,
    Timestamptz,
    Interval,
    Uuid,
    Jsonb,
    Int4Array,
    TextArray,
    Int4Range,
    NumRange,
    DateRange,
}

use Type::*;

/// What is known of a type: its name, an unremarkable value, values that fit most functions, values at the edges.
struct About {
    ty: Type,
    name: &'static str,
    plain: &'static str,
    tame: &'static [&'static str],
    wild: &'static [&'static str],
}

const TYPES: [About; 23] = [
    About { ty: Bool, name: "bool", plain: "true", tame: &["t", "f"], wild: &[] },
    About { ty: Int2, name: "int2", plain: "1", tame: &["0", "1", "2", "3", "-1"], wild: &["32767", "-32768", "100"] },
    About {
        ty: Int4,
        name: "int4",
        plain: "1",
        tame: &["0", "1", "2", "3", "-1", "7", "10"],
        wild: &["2147483647", "-2147483648", "65536"],
    },
    About {
        ty: Int8,
        name: "int8",
        plain: "1",
        tame: &["0", "1", "2", "-3", "12"],
        wild: &["9223372036854775807", "-9223372036854775808", "4294967296", "9007199254740993"],
    },
    About {
        ty: Float4,
        name: "float4",
        plain: "1",
        tame: &["0", "1.5", "-2.25", "0.5"],
        wild: &["NaN", "Infinity", "-Infinity", "-0", "3.4e38", "1e-45", "0.1", "16777217"],
    },
    About {
        ty: Float8,
        name: "float8",
        plain: "1",
        tame: &["0", "0.5", "1.25", "-2", "3"],
        wild: &[
            "NaN",
            "Infinity",
            "-Infinity",
            "-0",
            "1e300",
            "1e-300",
            "0.1",
            "123456789.123456789",
            "9007199254740993",
            "5e-324",
        ],
    },
    About {
        ty: Numeric,
        name: "numeric",
        plain: "1",
        tame: &["0", "1.5", "2.50", "-0.75", "3", "10.00", "1.50"],
        wild: &[
            "NaN",
            "Infinity",
            "-Infinity",
            "123456789012345678901234567890.123456789",
            "0.000000000000000000001",
            "-99999.99",
            "1e10",
            "0.00",
        ],
    },
    About {
        ty: Text,
        name: "text",
        plain: "'a'",
        tame: &["", "a", "b", "ab", "Abc", "a b", "é", " b "],
        wild: &["日本語", "a%", "_", "'", "\\", "12", "😀x", "ÀÉ", "a,b,c", "{a}", "\"q\"", "\t"],
    },
    About {
        ty: Bpchar,
        name: "char(5)",
        plain: "'a'",
        tame: &["", "a", "ab", "b  ", "é"],
        wild: &[" a", "abcde", "日本"],
    },
    About {
        ty: Bytea,
        name: "bytea",
        plain: "'a'",
        tame: &["\\x", "\\x61", "\\x6162"],
        wild: &["\\x00ff", "\\x6100", "\\xffffffff"],
    },
    About {
        ty: Date,
        name: "date",
        plain: "'2020-01-31'",
        tame: &["2020-01-31", "2020-02-29", "1999-12-31", "2021-03-28"],
        wild: &["infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "9999-12-31", "0001-01-01", "1582-10-10"],
    },
    About {
        ty: Time,
        name: "time",
        plain: "'12:00'",
        tame: &["00:00", "12:30:45.5", "23:59:59"],
        wild: &["24:00:00", "00:00:00.000001", "23:59:59.999999"],
    },
    About {
        ty: Timetz,
        name: "timetz",
        plain: "'12:00+00'",
        tame: &["00:00+00", "12:30:45+02", "10:30:45+00"],
        wild: &["24:00-15", "23:59:59.999999+05:30"],
    },
    About {
        ty: Timestamp,
        name: "timestamp",
        plain: "'2020-01-31 12:00'",
        tame: &["2020-01-31 12:00", "2020-02-29 23:59:59.5", "1999-12-31 00:00", "2021-03-28 02:30"],
        wild: &[
            "infinity",
            "-infinity",
            "0044-03-15 10:00 BC",
            "294276-12-31 23:59:59",
            "9999-12-31 23:59:59.999999",
            "4713-01-01 BC",
        ],
    },
    About {
        ty: Timestamptz,
        name: "timestamptz",
        plain: "'2020-01-31 12:00+00'",
        tame: &["2020-01-31 12:00+00", "2020-06-30 23:59:59.5+02", "1999-12-31 00:00+00"],
        wild: &["infinity", "-infinity", "0044-03-15 10:00+00 BC", "294276-12-31 00:00+00", "1883-11-18 12:00+00"],
    },
    About {
        ty: Interval,
        name: "interval",
        plain: "'1 day'",
        tame: &["1 day", "24:00:00", "1 mon", "30 days", "-2 days 03:00", "01:30"],
        wild: &[
            "-1 year -2 mons",
            "178000000 years",
            "1 mon -1 day 00:00:00.000001",
            "-00:00:00.5",
            "0",
            "100000 days",
        ],
    },
    About {
        ty: Uuid,
        name: "uuid",
        plain: "'00000000-0000-0000-0000-000000000000'",
        tame: &["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
        wild: &["ffffffff-ffff-ffff-ffff-ffffffffffff"],
    },
    About {
        ty: Jsonb,
        name: "jsonb",
        plain: "'1'",
        tame: &[
            "null",
            "1",
            "1.0",
            "\"a\"",
            "{\"a\": 1}",
            "{\"a\": {\"b\": [1, 2]}, \"b\": null}",
            "[1, \"a\", null]",
            "[]",
            "true",
            "{\"b\": [3, 4]}",
        ],
        wild: &["{}", "1e100", "-0.0", "\"\\u00e9 \\\"\"", "[[1, 2], {\"a\": []}]", "[1.50, 1.5]", "\"\""],
    },
    About {
        ty: Int4Array,
        name: "int4[]",
        plain: "'{1}'",
        tame: &["{}", "{1}", "{1,2,3}", "{NULL,2}", "{2,1}"],
        wild: &["{NULL}", "{{1,2},{3,4}}", "[0:1]={5,6}"],
    },
    About {
        ty: TextArray,
        name: "text[]",
        plain: "'{a}'",
        tame: &["{}", "{a}", "{a,b}", "{b,NULL}"],
        wild: &["{\"\"}", "{\"NULL\",\"a,b\"}", "{{a},{b}}"],
    },
    About {
        ty: Int4Range,
        name: "int4range",
        plain: "'[1,3)'",
        tame: &["[1,3)", "empty", "(,2]", "[2,5]", "[3,)"],
        wild: &["(,)", "[-2147483648,0)"],
    },
    About {
        ty: NumRange,
        name: "numrange",
        plain: "'[1,3)'",
        tame: &["[1,3)", "[1.0,3.0)", "empty", "(1.5,)", "[2,2]"],
        wild: &["(,)", "[NaN,)", "(-Infinity,0]"],
    },
    About {
        ty: DateRange,
        name: "daterange",
        plain: "'[2020-01-01,2020-02-01)'",
        tame: &["[2020-01-01,2020-02-01)", "empty", "[2020-01-31,]"],
        wild: &["(,)", "[-infinity,infinity]"],
    },
];

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
            'C' => all.filter(|ty| !matches!(ty, Int4Array | TextArray)).collect(),
            'O' => vec![Timestamp, Timestamptz],
            'M' => {
                all.filter(|ty| !matches!(ty, Bool | Bytea | Uuid | Jsonb | Int4Range | NumRange | DateRange)).collect()
            }
            _ => all.collect(),
        }
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
