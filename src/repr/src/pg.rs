//! What PostgreSQL calls our types: oids, sizes, type modifiers and names.

use crate::{RangeKind, SqlType, VectorKind};

/// One row for each base type: oid, oid of its array, size on the wire (-1: varies), name, aliases.
struct TypeRow {
    ty: SqlType,
    oid: u32,
    array: u32,
    len: i16,
    name: &'static str,
    aliases: &'static [&'static str],
}

const fn row(
    ty: SqlType,
    oid: u32,
    array: u32,
    len: i16,
    name: &'static str,
    aliases: &'static [&'static str],
) -> TypeRow {
    TypeRow { ty, oid, array, len, name, aliases }
}

/// Oids of `record` and `record[]`.
const RECORD: (u32, u32) = (2249, 2287);
/// Oids of the pseudo-types of all lists and all maps.
const LIST: u32 = 16454;
const MAP: u32 = 16455;

static TYPES: &[TypeRow] = &[
    row(SqlType::Bool, 16, 1000, 1, "bool", &["boolean"]),
    row(SqlType::Int2, 21, 1005, 2, "int2", &["smallint"]),
    row(SqlType::Int4, 23, 1007, 4, "int4", &["int", "integer"]),
    row(SqlType::Int8, 20, 1016, 8, "int8", &["bigint"]),
    row(SqlType::Float4, 700, 1021, 4, "float4", &["real"]),
    row(SqlType::Float8, 701, 1022, 8, "float8", &["double precision", "float", "double"]),
    row(SqlType::Numeric(None), 1700, 1231, -1, "numeric", &["decimal", "dec"]),
    row(SqlType::Text, 25, 1009, -1, "text", &["string"]),
    row(SqlType::Varchar(None), 1043, 1015, -1, "varchar", &["character varying", "char varying"]),
    row(SqlType::Char(None), 1042, 1014, -1, "bpchar", &["character"]),
    row(SqlType::Name, 19, 1003, 64, "name", &[]),
    row(SqlType::InternalChar, 18, 1002, 1, "char", &["\"char\""]),
    row(SqlType::Bytea, 17, 1001, -1, "bytea", &["bytes"]),
    row(SqlType::Date, 1082, 1182, 4, "date", &[]),
    row(SqlType::Time, 1083, 1183, 8, "time", &["time without time zone"]),
    row(SqlType::Timestamp(None), 1114, 1115, 8, "timestamp", &["timestamp without time zone"]),
    row(SqlType::Timestamptz(None), 1184, 1185, 8, "timestamptz", &["timestamp with time zone"]),
    row(SqlType::Interval, 1186, 1187, 16, "interval", &[]),
    row(SqlType::Uuid, 2950, 2951, 16, "uuid", &[]),
    row(SqlType::Jsonb, 3802, 3807, -1, "jsonb", &[]),
    row(SqlType::Json, 114, 199, -1, "json", &[]),
    row(SqlType::Oid, 26, 1028, 4, "oid", &[]),
    row(SqlType::Regclass, 2205, 2210, 4, "regclass", &[]),
    row(SqlType::Regproc, 24, 1008, 4, "regproc", &[]),
    row(SqlType::Regtype, 2206, 2211, 4, "regtype", &[]),
    row(SqlType::Vector(VectorKind::Int2), 22, 1006, -1, "int2vector", &[]),
    row(SqlType::Vector(VectorKind::Oid), 30, 1013, -1, "oidvector", &[]),
    row(SqlType::TimeTz, 1266, 1270, 12, "timetz", &["time with time zone"]),
    row(SqlType::Range(RangeKind::Int4), 3904, 3905, -1, "int4range", &[]),
    row(SqlType::Range(RangeKind::Num), 3906, 3907, -1, "numrange", &[]),
    row(SqlType::Range(RangeKind::Ts), 3908, 3909, -1, "tsrange", &[]),
    row(SqlType::Range(RangeKind::Tstz), 3910, 3911, -1, "tstzrange", &[]),
    row(SqlType::Range(RangeKind::Date), 3912, 3913, -1, "daterange", &[]),
    row(SqlType::Range(RangeKind::Int8), 3926, 3927, -1, "int8range", &[]),
    row(SqlType::Uint2, 16460, 16461, 2, "uint2", &[]),
    row(SqlType::Uint4, 16462, 16463, 4, "uint4", &[]),
    row(SqlType::Uint8, 16464, 16465, 8, "uint8", &[]),
    row(SqlType::MzTimestamp, 16552, 16553, -1, "mz_timestamp", &[]),
];

fn row_of(ty: &SqlType) -> Option<&'static TypeRow> {
    let plain = ty.without_modifier();
    TYPES.iter().find(|row| row.ty == plain)
}

/// The oid of a type, without its modifier. An array's element may be an array, as dimensions are not part of a type.
pub fn oid(ty: &SqlType) -> u32 {
    match ty {
        SqlType::Array(element) => array_oid(element),
        SqlType::Record(_) => RECORD.0,
        SqlType::List(_) => LIST,
        SqlType::Map(_) => MAP,
        SqlType::Enum(ty) => ty.oid,
        SqlType::Composite(ty) => ty.oid,
        other => row_of(other).map_or(0, |row| row.oid),
    }
}

fn array_oid(element: &SqlType) -> u32 {
    match element {
        SqlType::Array(inner) => array_oid(inner),
        SqlType::Record(_) => RECORD.1,
        SqlType::Enum(ty) => ty.array_oid,
        SqlType::Composite(ty) => ty.array_oid,
        other => row_of(other).map_or(0, |row| row.array),
    }
}

/// The type of an oid; `record` comes without fields.
pub fn from_oid(oid: u32) -> Option<SqlType> {
    let array = |ty| SqlType::Array(Box::new(ty));
    match oid {
        0 => return None,
        _ if oid == RECORD.0 => return Some(SqlType::Record(Vec::new())),
        _ if oid == RECORD.1 => return Some(array(SqlType::Record(Vec::new()))),
        _ => {}
    }
    let row = TYPES.iter().find(|row| row.oid == oid || row.array == oid)?;
    Some(if row.oid == oid { row.ty.clone() } else { array(row.ty.clone()) })
}

/// `pg_type.typlen`: bytes, or -1 where the length varies.
pub fn typlen(ty: &SqlType) -> i16 {
    match ty {
        SqlType::Enum(_) => 4,
        ty => row_of(ty).map_or(-1, |row| row.len),
    }
}

/// `pg_type.typname`.
pub fn typname(ty: &SqlType) -> String {
    match ty {
        SqlType::Array(element) => format!("_{}", typname(element).trim_start_matches('_')),
        SqlType::Record(_) => "record".to_string(),
        SqlType::Enum(ty) => ty.name.clone(),
        SqlType::Composite(ty) => ty.name.clone(),
        SqlType::List(_) => "list".to_string(),
        SqlType::Map(_) => "map".to_string(),
        other => row_of(other).map_or_else(String::new, |row| row.name.to_string()),
    }
}

/// All types that have a row of their own in `pg_type`, arrays included.
pub fn all_types() -> Vec<SqlType> {
    let base = TYPES.iter().map(|row| row.ty.clone());
    let arrays = TYPES.iter().map(|row| SqlType::Array(Box::new(row.ty.clone())));
    base.chain(arrays).collect()
}

/// `pg_attribute.atttypmod`: -1 without a modifier.
pub fn typmod(ty: &SqlType) -> i32 {
    match ty {
        SqlType::Numeric(Some((precision, scale))) => ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + 4,
        SqlType::Varchar(Some(n)) | SqlType::Char(Some(n)) => i32::try_from(*n).map_or(-1, |n| n.saturating_add(4)),
        SqlType::Timestamp(Some(digits)) | SqlType::Timestamptz(Some(digits)) => i32::from(*digits),
        SqlType::Array(element) | SqlType::List(element) => typmod(element),
        _ => -1,
    }
}

impl SqlType {
    /// The type with this `pg_attribute.atttypmod`; -1 leaves it without.
    pub fn with_typmod(self, typmod: i32) -> SqlType {
        if typmod < 0 {
            return self.without_modifier();
        }
        match self {
            SqlType::Numeric(_) if typmod >= 4 => {
                let packed = typmod - 4;
                let scale = ((packed & 0x7ff) ^ 1024) - 1024;
                SqlType::Numeric(Some(((packed >> 16) as u16, scale as i16)))
            }
            SqlType::Varchar(_) if typmod >= 4 => SqlType::Varchar(Some((typmod - 4) as u32)),
            SqlType::Char(_) if typmod >= 4 => SqlType::Char(Some((typmod - 4) as u32)),
            SqlType::Timestamp(_) => SqlType::Timestamp(Some(typmod.min(6) as u8)),
            SqlType::Timestamptz(_) => SqlType::Timestamptz(Some(typmod.min(6) as u8)),
            SqlType::Array(element) => SqlType::Array(Box::new(element.with_typmod(typmod))),
            other => other,
        }
    }

    /// The type of a lower-case name or alias without modifiers: `int`, `bigint`, `decimal`, `timestamptz`, `_int4`, `text[]`.
    ///
    /// `char` and `character` are `char(1)`, as the grammar has it; `"char"` and `bpchar` are what they say.
    pub fn from_name(name: &str) -> Option<SqlType> {
        let name = name.trim();
        let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
        if let Some(element) = name.strip_suffix("[]") {
            return Some(SqlType::Array(Box::new(SqlType::from_name(element)?)));
        }
        if let Some(element) = name.strip_prefix('_') {
            return Some(SqlType::Array(Box::new(SqlType::from_name(element)?)));
        }
        match name {
            "char" | "character" => return Some(SqlType::Char(Some(1))),
            "record" => return Some(SqlType::Record(Vec::new())),
            _ => {}
        }
        let row = TYPES.iter().find(|row| row.name == name || row.aliases.contains(&name))?;
        Some(row.ty.clone())
    }

    /// The type that `Display` printed (`format_type`): names with modifiers, arrays of them. Records lose their fields.
    pub fn from_format(text: &str) -> Option<SqlType> {
        let text = text.trim();
        if let Some(element) = text.strip_suffix("[]") {
            return Some(SqlType::Array(Box::new(SqlType::from_format(element)?)));
        }
        if let Some(element) = text.strip_suffix(" list") {
            return Some(SqlType::List(Box::new(SqlType::from_format(element)?)));
        }
        if let Some(value) = text.strip_prefix("map[text=>").and_then(|rest| rest.strip_suffix(']')) {
            return Some(SqlType::Map(Box::new(SqlType::from_format(value)?)));
        }
        let Some((head, rest)) = text.split_once('(') else {
            return SqlType::from_name(text);
        };
        let (arguments, tail) = rest.split_once(')')?;
        let base = format!("{}{}", head.trim_end(), tail);
        let mut numbers = arguments.split(',').map(|n| n.trim().parse::<i32>());
        let first = numbers.next()?.ok()?;
        Some(match SqlType::from_name(&base)? {
            SqlType::Numeric(_) => {
                let scale = numbers.next().map_or(Ok(0), |n| n).ok()?;
                SqlType::Numeric(Some((u16::try_from(first).ok()?, i16::try_from(scale).ok()?)))
            }
            SqlType::Varchar(_) => SqlType::Varchar(Some(u32::try_from(first).ok()?)),
            SqlType::Char(_) => SqlType::Char(Some(u32::try_from(first).ok()?)),
            SqlType::Timestamp(_) => SqlType::Timestamp(Some(u8::try_from(first).ok()?)),
            SqlType::Timestamptz(_) => SqlType::Timestamptz(Some(u8::try_from(first).ok()?)),
            _ => return None,
        })
    }
}
