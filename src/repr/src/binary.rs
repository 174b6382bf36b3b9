//! PostgreSQL's binary wire form of every type, as its send and receive functions have it.
//!
//! Used for binary results and parameters and for `COPY … WITH (FORMAT binary)`.

use crate::array::{self, Dimension};
use crate::range::{self, Bound};
use crate::text::{TextSettings, string};
use crate::{
    ArrayRef, Datum, Interval, JsonbRef, Numeric, NumericRef, RangeKind, RangeRef, RowPacker, RowRef, SqlError,
    SqlState, SqlType, TimeTz,
};
use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::{BigInt, BigUint, Sign};

/// Appends the binary form of a value that is not NULL (NULL is the caller's length of -1).
pub fn encode(datum: Datum<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    match datum {
        Datum::Null => {}
        Datum::Bool(v) => out.push(u8::from(v)),
        Datum::Int2(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int4(v) | Datum::Date(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) | Datum::Timestamptz(v) => {
            out.extend_from_slice(&v.to_be_bytes());
        }
        Datum::Uint2(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Uint4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Uint8(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Json(v) => out.extend_from_slice(v.as_bytes()),
        // Lists and maps have no binary form of their own.
        Datum::List(_) | Datum::Map(_) => {
            let mut text = String::new();
            crate::text::format(datum, ty, &TextSettings::DEFAULT, &mut text);
            out.extend_from_slice(text.as_bytes());
        }
        Datum::Float4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Float8(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Numeric(v) => encode_numeric(&v.to_numeric(), v.scale(), out),
        Datum::Text(v) => {
            let mut text = String::new();
            string::format(v, ty, &mut text);
            out.extend_from_slice(text.as_bytes());
        }
        Datum::Bytes(v) => out.extend_from_slice(v),
        Datum::Interval(v) => {
            out.extend_from_slice(&v.micros.to_be_bytes());
            out.extend_from_slice(&v.days.to_be_bytes());
            out.extend_from_slice(&v.months.to_be_bytes());
        }
        Datum::Uuid(v) => out.extend_from_slice(&v),
        Datum::Jsonb(v) => {
            let mut text = String::new();
            crate::text::json::format(v, &mut text);
            out.push(1); // version
            out.extend_from_slice(text.as_bytes());
        }
        Datum::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::MzTimestamp(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Datum::TimeTz(v) => {
            out.extend_from_slice(&v.micros.to_be_bytes());
            out.extend_from_slice(&(-v.offset).to_be_bytes());
        }
        Datum::Enum(v) => out.extend_from_slice(v.label().as_bytes()),
        Datum::Range(v) => encode_range(v, ty, out),
        Datum::Array(v) => encode_array(v, ty, out),
        Datum::Record(v) => encode_record(v, ty, out),
    }
}

/// Appends a value with its length before it; -1 for NULL.
pub fn encode_sized(datum: Datum<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    if datum.is_null() {
        out.extend_from_slice(&(-1i32).to_be_bytes());
        return;
    }
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    encode(datum, ty, out);
    let len = (out.len() - at - 4) as i32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

fn encode_array(array: ArrayRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    let element = innermost(ty);
    let mut dimensions = array.dimensions();
    if matches!(ty, SqlType::Vector(_)) && dimensions.is_empty() {
        // Vectors always have one, from 0.
        dimensions.push(Dimension { length: 0, lower: 0 });
    }
    out.extend_from_slice(&(dimensions.len() as i32).to_be_bytes());
    out.extend_from_slice(&i32::from(array.elements().any(|d| d.is_null())).to_be_bytes());
    out.extend_from_slice(&crate::pg::oid(element).to_be_bytes());
    for dimension in dimensions {
        out.extend_from_slice(&dimension.length.to_be_bytes());
        out.extend_from_slice(&dimension.lower.to_be_bytes());
    }
    for datum in array.elements() {
        encode_sized(datum, element, out);
    }
}

/// Flags of a range on the wire.
const RANGE_EMPTY: u8 = 0x01;
const RANGE_LOWER_INCLUSIVE: u8 = 0x02;
const RANGE_UPPER_INCLUSIVE: u8 = 0x04;
const RANGE_LOWER_NONE: u8 = 0x08;
const RANGE_UPPER_NONE: u8 = 0x10;

fn encode_range(range: RangeRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    let Some((lower, upper)) = range.bounds() else { return out.push(RANGE_EMPTY) };
    let element = if let SqlType::Range(kind) = ty { kind.element() } else { SqlType::Text };
    let mut flags = 0;
    flags |= if lower.inclusive { RANGE_LOWER_INCLUSIVE } else { 0 };
    flags |= if upper.inclusive { RANGE_UPPER_INCLUSIVE } else { 0 };
    flags |= if lower.value.is_none() { RANGE_LOWER_NONE } else { 0 };
    flags |= if upper.value.is_none() { RANGE_UPPER_NONE } else { 0 };
    out.push(flags);
    for value in [lower.value, upper.value].into_iter().flatten() {
        encode_sized(value, &element, out);
    }
}

fn decode_range(bytes: &[u8], kind: RangeKind, ty: &SqlType, out: &mut RowPacker) -> Result<(), SqlError> {
    let (flags, mut rest) = bytes.split_first().ok_or_else(|| malformed(ty))?;
    if flags & RANGE_EMPTY != 0 {
        out.push(Datum::Range(RangeRef::from_encoded(&range::encode(None))));
        return Ok(());
    }
    let mut values = RowPacker::new();
    for none in [RANGE_LOWER_NONE, RANGE_UPPER_NONE] {
        if flags & none != 0 {
            values.push(Datum::Null);
            continue;
        }
        let (len, tail) = rest.split_first_chunk::<4>().ok_or_else(|| malformed(ty))?;
        let len = usize::try_from(i32::from_be_bytes(*len)).map_err(|_| malformed(ty))?;
        let (value, tail) = tail.split_at_checked(len).ok_or_else(|| malformed(ty))?;
        decode(value, &kind.element(), &mut values)?;
        rest = tail;
    }
    let mut values = RowRef::from_encoded(values.encoded()).iter();
    let mut bound = |flag| Bound::new(values.next().unwrap_or(Datum::Null), flags & flag != 0);
    let (lower, upper) = (bound(RANGE_LOWER_INCLUSIVE), bound(RANGE_UPPER_INCLUSIVE));
    let encoded = range::make(kind, lower, upper)?;
    out.push(Datum::Range(RangeRef::from_encoded(&encoded)));
    Ok(())
}

fn innermost(ty: &SqlType) -> &SqlType {
    if let SqlType::Vector(kind) = ty {
        return kind.element();
    }
    let mut element = ty;
    while let SqlType::Array(inner) = element {
        element = inner;
    }
    element
}

fn encode_record(record: RowRef<'_>, ty: &SqlType, out: &mut Vec<u8>) {
    let fields = ty.fields().unwrap_or_default();
    out.extend_from_slice(&(record.iter().count() as i32).to_be_bytes());
    for (i, datum) in record.iter().enumerate() {
        let ty = fields.get(i).map_or(&SqlType::Text, |(_, column)| &column.ty);
        out.extend_from_slice(&crate::pg::oid(ty).to_be_bytes());
        encode_sized(datum, ty, out);
    }
}

/// Digits in base 10000 with a weight, sign and display scale.
fn encode_numeric(value: &Numeric, scale: u16, out: &mut Vec<u8>) {
    let head = |count: u16, weight: i16, sign: u16, scale: u16, out: &mut Vec<u8>| {
        for word in [count, weight as u16, sign, scale] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    };
    let decimal = match value {
        Numeric::NaN => return head(0, 0, 0xC000, 0, out),
        // PostgreSQL reads a scale out of what marks the infinite ones.
        Numeric::Infinity => return head(0, 0, 0xD000, 32, out),
        Numeric::NegInfinity => return head(0, 0, 0xF000, 32, out),
        Numeric::Finite(decimal) => decimal,
    };
    let (digits, own_scale) = decimal.as_bigint_and_exponent();
    let padding = (4 - own_scale.rem_euclid(4)) % 4;
    let aligned = digits.magnitude() * BigUint::from(10u32).pow(padding as u32);
    let groups = base_10000(&aligned);
    let fraction_groups = (own_scale + padding) / 4;
    let weight = groups.len() as i64 - fraction_groups - 1;
    let last = groups.iter().rposition(|g| *g != 0).map_or(0, |at| at + 1);
    let sign = if digits.sign() == Sign::Minus { 0x4000 } else { 0 };
    head(last as u16, if last == 0 { 0 } else { weight as i16 }, sign, scale, out);
    for group in &groups[..last] {
        out.extend_from_slice(&group.to_be_bytes());
    }
}

/// The groups of four decimal digits of a number, most significant first; none for 0.
fn base_10000(value: &BigUint) -> Vec<u16> {
    let text = value.to_string();
    if text == "0" {
        return Vec::new();
    }
    let bytes = text.as_bytes();
    let first = match bytes.len() % 4 {
        0 => 4,
        n => n,
    };
    let group = |chunk: &[u8]| chunk.iter().fold(0, |sum, b| sum * 10 + u16::from(b - b'0'));
    let rest = bytes[first..].chunks(4).map(group);
    std::iter::once(group(&bytes[..first])).chain(rest).collect()
}

fn malformed(ty: &SqlType) -> SqlError {
    let message = format!("incorrect binary data format for type {ty}");
    SqlError::new(SqlState::INVALID_BINARY_REPRESENTATION, message)
}

/// Appends the value of this binary form.
pub fn decode(bytes: &[u8], ty: &SqlType, out: &mut RowPacker) -> Result<(), SqlError> {
    let datum = match ty {
        SqlType::Bool => Datum::Bool(fixed::<1>(bytes, ty)?[0] != 0),
        SqlType::Int2 => Datum::Int2(i16::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Int4 => Datum::Int4(i32::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Int8 => Datum::Int8(i64::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Uint2 => Datum::Uint2(u16::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Uint4 => Datum::Uint4(u32::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Uint8 => Datum::Uint8(u64::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Float4 => Datum::Float4(f32::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Float8 => Datum::Float8(f64::from_be_bytes(fixed(bytes, ty)?)),
        SqlType::Date => Datum::Date(decode_date(i32::from_be_bytes(fixed(bytes, ty)?))?),
        SqlType::Time => Datum::Time(decode_time(i64::from_be_bytes(fixed(bytes, ty)?))?),
        SqlType::Timestamp(digits) => {
            let micros = decode_timestamp(i64::from_be_bytes(fixed(bytes, ty)?))?;
            Datum::Timestamp(crate::text::datetime::round_to(micros, *digits))
        }
        SqlType::Timestamptz(digits) => {
            let micros = decode_timestamp(i64::from_be_bytes(fixed(bytes, ty)?))?;
            Datum::Timestamptz(crate::text::datetime::round_to(micros, *digits))
        }
        SqlType::Interval => {
            let word = u128::from_be_bytes(fixed(bytes, ty)?);
            Datum::Interval(Interval { micros: (word >> 64) as i64, days: (word >> 32) as i32, months: word as i32 })
        }
        SqlType::Uuid => Datum::Uuid(fixed(bytes, ty)?),
        SqlType::Oid | SqlType::Regclass | SqlType::Regproc | SqlType::Regtype => {
            Datum::Oid(u32::from_be_bytes(fixed(bytes, ty)?))
        }
        SqlType::Bytea => Datum::Bytes(bytes),
        SqlType::Numeric(modifier) => {
            let number = crate::text::number::fit_numeric(decode_numeric(bytes, ty)?, *modifier)?;
            out.push(Datum::Numeric(NumericRef::from_encoded(&number.encode())));
            return Ok(());
        }
        SqlType::Jsonb => {
            let text = match bytes.split_first() {
                Some((1, text)) => text,
                _ => return Err(malformed(ty)),
            };
            let value = crate::text::json::parse(utf8(text)?)?;
            out.push(Datum::Jsonb(JsonbRef::from_encoded(&value)));
            return Ok(());
        }
        SqlType::TimeTz => {
            let (time, west) = bytes.split_first_chunk::<8>().ok_or_else(|| malformed(ty))?;
            let west = i32::from_be_bytes(fixed(west, ty)?);
            if west.unsigned_abs() >= 16 * 3600 {
                let message = "time zone displacement out of range";
                return Err(SqlError::new(SqlState::INVALID_TIME_ZONE_DISPLACEMENT, message));
            }
            Datum::TimeTz(TimeTz { micros: decode_time(i64::from_be_bytes(*time))?, offset: -west })
        }
        SqlType::Range(kind) => return decode_range(bytes, *kind, ty, out),
        SqlType::Array(_) | SqlType::Vector(_) => return decode_array(bytes, ty, out),
        SqlType::Record(_) | SqlType::Composite(_) => return decode_record(bytes, ty, out),
        _ => return crate::text::parse(utf8(bytes)?, ty, &TextSettings::DEFAULT, out),
    };
    out.push(datum);
    Ok(())
}

fn fixed<const N: usize>(bytes: &[u8], ty: &SqlType) -> Result<[u8; N], SqlError> {
    bytes.try_into().map_err(|_| malformed(ty))
}

fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or(0);
        let message = format!("invalid byte sequence for encoding \"UTF8\": 0x{byte:02x}");
        SqlError::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    })
}

fn decode_date(days: i32) -> Result<i32, SqlError> {
    let finite = crate::datetime::date_from_days(i64::from(days));
    let infinite = (days == i32::MAX || days == i32::MIN).then_some(days);
    finite.or(infinite).ok_or_else(|| SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "date out of range"))
}

fn decode_time(micros: i64) -> Result<i64, SqlError> {
    let out_of_range = || SqlError::new(SqlState::DATETIME_FIELD_OVERFLOW, "time out of range");
    (0..=crate::interval::DAY_US).contains(&micros).then_some(micros).ok_or_else(out_of_range)
}

fn decode_timestamp(micros: i64) -> Result<i64, SqlError> {
    let infinite = (micros == i64::MAX || micros == i64::MIN).then_some(micros);
    crate::datetime::check_timestamp(micros).or(infinite).ok_or_else(crate::datetime::timestamp_out_of_range)
}

fn decode_numeric(bytes: &[u8], ty: &SqlType) -> Result<Numeric, SqlError> {
    let (words, []) = bytes.as_chunks::<2>() else {
        return Err(malformed(ty));
    };
    let words: Vec<u16> = words.iter().map(|w| u16::from_be_bytes(*w)).collect();
    let [count, weight, sign, scale, groups @ ..] = &words[..] else {
        return Err(malformed(ty));
    };
    match sign {
        0xC000 => return Ok(Numeric::NaN),
        0xD000 => return Ok(Numeric::Infinity),
        0xF000 => return Ok(Numeric::NegInfinity),
        0 | 0x4000 => {}
        _ => return Err(malformed(ty)),
    }
    if groups.len() != usize::from(*count) || groups.iter().any(|g| *g > 9999) || *scale > 16_383 {
        return Err(malformed(ty));
    }
    let digits: String = groups.iter().map(|g| format!("{g:04}")).collect();
    let magnitude = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
    let own_scale = (groups.len() as i64 - i64::from(*weight as i16) - 1) * 4;
    let value = BigDecimal::new(if *sign == 0x4000 { -magnitude } else { magnitude }, own_scale);
    Ok(Numeric::Finite(value.with_scale(i64::from(*scale))))
}

struct Reader<'a> {
    rest: &'a [u8],
    ty: &'a SqlType,
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> Result<u32, SqlError> {
        let (head, rest) = self.rest.split_first_chunk::<4>().ok_or_else(|| malformed(self.ty))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*head))
    }

    /// A length and so many bytes; `None` for NULL.
    fn sized(&mut self) -> Result<Option<&'a [u8]>, SqlError> {
        let len = self.word()? as i32;
        if len == -1 {
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(|_| malformed(self.ty))?;
        let (head, rest) = self.rest.split_at_checked(len).ok_or_else(|| malformed(self.ty))?;
        self.rest = rest;
        Ok(Some(head))
    }

    fn value(&mut self, ty: &SqlType, out: &mut RowPacker) -> Result<(), SqlError> {
        match self.sized()? {
            None => out.push(Datum::Null),
            Some(bytes) => decode(bytes, ty, out)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), SqlError> {
        if self.rest.is_empty() { Ok(()) } else { Err(malformed(self.ty)) }
    }
}

fn decode_array(bytes: &[u8], ty: &SqlType, out: &mut RowPacker) -> Result<(), SqlError> {
    let element = innermost(ty);
    let mut reader = Reader { rest: bytes, ty };
    let count = reader.word()?;
    reader.word()?; // whether there are NULLs: seen again below
    let oid = reader.word()?;
    if count > 6 || oid != crate::pg::oid(element) {
        return Err(malformed(ty));
    }
    let mut dimensions = Vec::new();
    for _ in 0..count {
        let length = reader.word()?;
        dimensions.push(Dimension { length, lower: reader.word()? as i32 });
    }
    let total = dimensions.iter().try_fold(1u64, |n, d| n.checked_mul(u64::from(d.length)));
    let total = if dimensions.is_empty() { 0 } else { total.ok_or_else(|| malformed(ty))? };
    let mut elements = RowPacker::new();
    for _ in 0..total {
        reader.value(element, &mut elements)?;
    }
    reader.finish()?;
    let dimensions = if total == 0 { Vec::new() } else { dimensions };
    let elements = RowRef::from_encoded(elements.encoded()).iter();
    out.push(Datum::Array(ArrayRef::from_encoded(&array::encode(elements, &dimensions))));
    Ok(())
}

fn decode_record(bytes: &[u8], ty: &SqlType, out: &mut RowPacker) -> Result<(), SqlError> {
    let Some(fields) = ty.fields() else {
        return Err(malformed(ty));
    };
    let mut reader = Reader { rest: bytes, ty };
    if reader.word()? as usize != fields.len() {
        return Err(malformed(ty));
    }
    let mut values = RowPacker::new();
    for (_, column) in fields {
        reader.word()?; // the field's oid: the declared type decides
        reader.value(&column.ty, &mut values)?;
    }
    reader.finish()?;
    out.push(Datum::Record(RowRef::from_encoded(values.encoded())));
    Ok(())
}
