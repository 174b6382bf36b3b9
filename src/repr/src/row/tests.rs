//! The encoding of rows: what goes in comes out, and bytes order as values do.

use super::{Row, canonical};
use crate::array::{Dimension, encode, encode_list};
use crate::text::{TextSettings, parse};
use crate::{Arena, ArrayRef, Datum, Interval, RowPacker, RowRef, SqlType};

/// A small generator of pseudo-random words (xorshift64*), seeded so that failures repeat.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// An integer of random magnitude, so that all lengths occur.
    fn integer(&mut self) -> i64 {
        let shift = self.below(64);
        (self.next() as i64) >> shift
    }
}

fn literal(text: &str, ty: &SqlType) -> Row {
    let mut packer = RowPacker::new();
    parse(text, ty, &TextSettings::DEFAULT, &mut packer).unwrap();
    packer.finish()
}

fn random_numeric(random: &mut Random) -> Row {
    let text = match random.below(12) {
        0 => "NaN".to_string(),
        1 => "Infinity".to_string(),
        2 => "-Infinity".to_string(),
        3 => format!("{}e{}", random.integer(), random.below(300) as i64 - 150),
        _ => {
            let scale = random.below(12) as usize;
            let digits = format!("{:0>12}", (random.integer() >> 20).unsigned_abs());
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            let sign = if random.below(2) == 0 { "-" } else { "" };
            format!("{sign}{whole}.{fraction}")
        }
    };
    literal(&text, &SqlType::NUMERIC)
}

fn random_text(random: &mut Random) -> String {
    let len = random.below(30);
    (0..len).map(|_| char::from_u32(1 + random.below(600) as u32).unwrap_or('x')).collect()
}

fn random_json(random: &mut Random, depth: u64) -> String {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => "null".to_string(),
        1 => ["true", "false"][random.below(2) as usize].to_string(),
        2 => format!("{}.{:02}", random.integer() % 100, random.below(100)),
        3 => format!("\"{}\"", random.below(1000)),
        4 => {
            let elements: Vec<_> = (0..random.below(4)).map(|_| random_json(random, depth - 1)).collect();
            format!("[{}]", elements.join(","))
        }
        _ => {
            let pair = |_| format!("\"{}\":{}", random.below(20), random_json(random, depth - 1));
            let pairs: Vec<_> = (0..3).map(pair).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

/// A row of one random value of the kind with this number.
fn random_value(kind: u64, random: &mut Random) -> Row {
    if random.below(20) == 0 {
        return Row::pack([Datum::Null]);
    }
    let integer = random.integer();
    match kind {
        0 => Row::pack([Datum::Bool(integer & 1 == 0)]),
        1 => Row::pack([Datum::Int2(integer as i16)]),
        2 => Row::pack([Datum::Int4(integer as i32)]),
        3 => Row::pack([Datum::Int8(integer)]),
        4 => Row::pack([Datum::Float4(f32::from_bits(integer as u32))]),
        5 => Row::pack([Datum::Float8(f64::from_bits(random.next()))]),
        6 => random_numeric(random),
        7 => Row::pack([Datum::Text(&random_text(random))]),
        8 => Row::pack([Datum::Date(integer as i32)]),
        9 => Row::pack([Datum::Timestamp(integer)]),
        10 => Row::pack([Datum::Timestamptz(integer)]),
        11 => {
            let days = random.below(60) as i32 - 30;
            Row::pack([Datum::Interval(Interval { months: integer as i8 as i32, days, micros: random.integer() })])
        }
        12 => Row::pack([Datum::Uuid(((random.next() as u128) << 64 | integer as u128).to_be_bytes())]),
        13 => literal(&random_json(random, 3), &SqlType::Jsonb),
        14 => Row::pack([Datum::Oid(integer as u32)]),
        15 => Row::pack([Datum::MzTimestamp(random.next() >> random.below(64))]),
        16 => {
            let elements: Vec<_> = (0..random.below(4)).map(|_| Datum::Int4(random.integer() as i32 % 3)).collect();
            Row::pack([Datum::Array(ArrayRef::from_encoded(&encode_list(elements)))])
        }
        17 => Row::pack([Datum::Time(integer.rem_euclid(86_400_000_001))]),
        _ => {
            let fields = [Datum::Int4(integer as i32 % 3), Datum::Text("a"), Datum::Null];
            let inner = Row::pack(fields[..1 + random.below(3) as usize].iter().copied());
            Row::pack([Datum::Record(RowRef::from_encoded(inner.encoded()))])
        }
    }
}

#[test]
fn bytes_order_as_values_do() {
    let mut random = Random(42);
    for kind in 0..=18 {
        let rows: Vec<Row> = (0..150).map(|_| random_value(kind, &mut random)).collect();
        for a in &rows {
            for b in &rows {
                let (x, y) = (a.unpack()[0], b.unpack()[0]);
                if x < y {
                    assert!(a < b, "{x:?} < {y:?} but not their bytes");
                }
                if a == b {
                    assert_eq!(x, y);
                }
                let arena = Arena::new();
                let (c, d) = (Row::pack([canonical(x, &arena)]), Row::pack([canonical(y, &arena)]));
                assert_eq!(x == y, c == d, "canonical forms of {x:?} and {y:?}");
                assert_eq!(c.unpack()[0], x, "the canonical form is equal");
            }
        }
    }
}

#[test]
fn rows_round_trip() {
    let mut random = Random(7);
    for _ in 0..2000 {
        let values: Vec<Row> = (0..random.below(8)).map(|_| random_value(random.below(19), &mut random)).collect();
        let mut packer = RowPacker::new();
        values.iter().for_each(|value| packer.extend_row(value.as_ref()));
        let row = packer.finish();
        assert_eq!(Row::decode(row.encoded()).as_ref(), Some(&row));
        let again = Row::pack(row.iter());
        assert_eq!(again, row, "packing what was unpacked");
        assert_eq!(row.iter().count(), values.len());
    }
}

#[test]
fn truncated_rows_are_refused_or_shorter() {
    let mut random = Random(99);
    for _ in 0..500 {
        let row = random_value(random.below(19), &mut random);
        for end in 0..row.encoded().len() {
            if let Some(shorter) = Row::decode(&row.encoded()[..end]) {
                assert_eq!(shorter.iter().count(), usize::from(end > 0));
            }
        }
    }
}

#[test]
fn arrays_keep_their_dimensions() {
    let elements = (1..=6).map(Datum::Int4);
    let dimensions = [Dimension { lower: -3, length: 2 }, Dimension { lower: 1, length: 3 }];
    let encoded = encode(elements, &dimensions);
    let row = Row::pack([Datum::Array(ArrayRef::from_encoded(&encoded)), Datum::Int2(5)]);
    let values = row.unpack();
    let Datum::Array(array) = values[0] else { panic!("not an array: {:?}", values[0]) };
    assert_eq!(array.dimensions(), dimensions);
    assert_eq!(array.elements().count(), 6);
    assert_eq!(values[1], Datum::Int2(5));
}
