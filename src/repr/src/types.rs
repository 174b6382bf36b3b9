//! Types of values, columns and relations.

use crate::{CompositeType, EnumType};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The type of a value, with PostgreSQL's type modifiers where they matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SqlType {
    /// `bool`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`, with `(precision, scale)` if declared
    Numeric(Option<(u16, i16)>),
    /// `text`
    Text,
    /// `varchar`, with its length in characters if declared
    Varchar(Option<u32>),
    /// `char(n)`, kept without trailing blanks and padded where it is printed; `bpchar` without a length
    Char(Option<u32>),
    /// `name`
    Name,
    /// `"char"`, one byte
    InternalChar,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time` without time zone
    Time,
    /// `timestamp` without time zone, with its digits of a second if declared
    Timestamp(Option<u8>),
    /// `timestamp with time zone`, with its digits of a second if declared
    Timestamptz(Option<u8>),
    /// `interval`
    Interval,
    /// `uuid`
    Uuid,
    /// `jsonb`
    Jsonb,
    /// `oid`, also the type under `regclass` and its like
    Oid,
    /// `regclass`
    Regclass,
    /// `regproc`
    Regproc,
    /// `regtype`
    Regtype,
    /// `time with time zone`
    TimeTz,
    /// `int4range` and its like
    Range(RangeKind),
    /// A type that `CREATE TYPE … AS ENUM` made
    Enum(Arc<EnumType>),
    /// `mz_timestamp`: milliseconds since 1970 of the environment's clock
    MzTimestamp,
    /// Array of an element type, of any number of dimensions
    Array(Box<SqlType>),
    /// `int2vector` and its like: an array of one dimension that counts from 0 and has a text form of its own, `1 2`
    Vector(VectorKind),
    /// Anonymous composite: `record`, with its fields' names and types where known
    Record(Vec<(ColumnName, ColumnType)>),
    /// `uint2`, without a sign
    Uint2,
    /// `uint4`
    Uint4,
    /// `uint8`
    Uint8,
    /// `json`: a text that is JSON, kept as it was written
    Json,
    /// List of an element type, which may be a list again, of any length
    List(Box<SqlType>),
    /// Map from texts to values of a type
    Map(Box<SqlType>),
    /// A type that `CREATE TYPE … AS (…)` made: a record with a name
    Composite(Arc<CompositeType>),
}

/// What a vector is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum VectorKind {
    /// `int2vector`
    Int2,
    /// `oidvector`
    Oid,
}

impl VectorKind {
    /// The type of the elements.
    pub fn element(self) -> &'static SqlType {
        match self {
            VectorKind::Int2 => &SqlType::Int2,
            VectorKind::Oid => &SqlType::Oid,
        }
    }

    /// What SQL calls the type.
    pub fn name(self) -> &'static str {
        match self {
            VectorKind::Int2 => "int2vector",
            VectorKind::Oid => "oidvector",
        }
    }
}

/// What a range is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RangeKind {
    /// `int4range`
    Int4,
    /// `int8range`
    Int8,
    /// `numrange`
    Num,
    /// `daterange`
    Date,
    /// `tsrange`
    Ts,
    /// `tstzrange`
    Tstz,
}

impl RangeKind {
    /// All of them.
    pub const ALL: [RangeKind; 6] =
        [RangeKind::Int4, RangeKind::Int8, RangeKind::Num, RangeKind::Date, RangeKind::Ts, RangeKind::Tstz];

    /// The type of the bounds.
    pub fn element(self) -> SqlType {
        match self {
            RangeKind::Int4 => SqlType::Int4,
            RangeKind::Int8 => SqlType::Int8,
            RangeKind::Num => SqlType::NUMERIC,
            RangeKind::Date => SqlType::Date,
            RangeKind::Ts => SqlType::TIMESTAMP,
            RangeKind::Tstz => SqlType::TIMESTAMPTZ,
        }
    }

    /// The kind of ranges with bounds of a type.
    pub fn of(element: &SqlType) -> Option<Self> {
        RangeKind::ALL.into_iter().find(|kind| kind.element() == element.without_modifier())
    }

    /// What SQL calls the type.
    pub fn name(self) -> &'static str {
        match self {
            RangeKind::Int4 => "int4range",
            RangeKind::Int8 => "int8range",
            RangeKind::Num => "numrange",
            RangeKind::Date => "daterange",
            RangeKind::Ts => "tsrange",
            RangeKind::Tstz => "tstzrange",
        }
    }
}

impl SqlType {
    /// `numeric` without precision and scale.
    pub const NUMERIC: SqlType = SqlType::Numeric(None);
    /// `timestamp` with full precision.
    pub const TIMESTAMP: SqlType = SqlType::Timestamp(None);
    /// `timestamptz` with full precision.
    pub const TIMESTAMPTZ: SqlType = SqlType::Timestamptz(None);

    /// This type as a column's, with or without NULL.
    pub fn nullable(self, nullable: bool) -> ColumnType {
        ColumnType { ty: self, nullable }
    }

    /// The same type without type modifiers: what function signatures are matched against.
    pub fn without_modifier(&self) -> SqlType {
        match self {
            SqlType::Numeric(_) => SqlType::Numeric(None),
            SqlType::Varchar(_) => SqlType::Varchar(None),
            SqlType::Char(_) => SqlType::Char(None),
            SqlType::Timestamp(_) => SqlType::Timestamp(None),
            SqlType::Timestamptz(_) => SqlType::Timestamptz(None),
            SqlType::Array(element) => SqlType::Array(Box::new(element.without_modifier())),
            SqlType::List(element) => SqlType::List(Box::new(element.without_modifier())),
            SqlType::Map(value) => SqlType::Map(Box::new(value.without_modifier())),
            other => other.clone(),
        }
    }

    /// A vector as the array that it is taken for by what works on arrays; other types as they are.
    pub fn vector_as_array(self) -> SqlType {
        match self {
            SqlType::Vector(kind) => SqlType::Array(Box::new(kind.element().clone())),
            other => other,
        }
    }

    /// Whether values that SQL calls equal can differ in their encoding (`1.0` and `1.00`, `-0` and `0`,
    /// `1 month` and `30 days`): such columns are brought to canonical form where they serve as keys.
    pub fn needs_canonical_key(&self) -> bool {
        match self {
            SqlType::Float4 | SqlType::Float8 | SqlType::Interval | SqlType::Jsonb => true,
            SqlType::Numeric(modifier) => modifier.is_none(),
            SqlType::Range(kind) => *kind == RangeKind::Num,
            SqlType::Array(inner) | SqlType::List(inner) | SqlType::Map(inner) => inner.needs_canonical_key(),
            _ => self.fields().is_some_and(|fields| fields.iter().any(|(_, t)| t.ty.needs_canonical_key())),
        }
    }

    /// The fields of a record, with a name of its own or without.
    pub fn fields(&self) -> Option<&[(ColumnName, ColumnType)]> {
        match self {
            SqlType::Record(fields) => Some(fields),
            SqlType::Composite(ty) => Some(&ty.fields),
            _ => None,
        }
    }

    /// Whether SQL has an equality for its values: for all but `json` and what has `json` in it.
    pub fn has_equality(&self) -> bool {
        match self {
            SqlType::Json => false,
            SqlType::Array(inner) | SqlType::List(inner) | SqlType::Map(inner) => inner.has_equality(),
            _ => self.fields().is_none_or(|fields| fields.iter().all(|(_, t)| t.ty.has_equality())),
        }
    }
}

/// A column's type: what it holds and whether it may be NULL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnType {
    /// What the column holds.
    pub ty: SqlType,
    /// Whether NULL can appear; `false` is a promise.
    pub nullable: bool,
}

impl ColumnType {
    /// The least type that holds both: same type, nullable if either is.
    pub fn union(&self, other: &ColumnType) -> ColumnType {
        let ty = if self.ty == other.ty { self.ty.clone() } else { self.ty.without_modifier() };
        ColumnType { ty, nullable: self.nullable || other.nullable }
    }
}

/// A column's name as the user wrote it after case folding.
pub type ColumnName = String;

/// Column types of a collection and what is known of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RelationType {
    /// The columns' types, by position.
    pub columns: Vec<ColumnType>,
    /// Sets of columns that no two rows share; the empty set means at most one row.
    pub keys: Vec<Vec<usize>>,
}

impl RelationType {
    /// Columns without known keys.
    pub fn new(columns: Vec<ColumnType>) -> Self {
        RelationType { columns, keys: Vec::new() }
    }

    /// With one more key.
    pub fn with_key(mut self, mut key: Vec<usize>) -> Self {
        key.sort_unstable();
        key.dedup();
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self
    }

    /// How many columns there are.
    pub fn arity(&self) -> usize {
        self.columns.len()
    }
}

/// A named relation's columns: names and types by position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RelationDesc {
    /// Column names; need not be distinct in query results.
    pub names: Vec<ColumnName>,
    /// Column types and keys.
    pub typ: RelationType,
}

impl RelationDesc {
    /// A description of as many names as columns.
    pub fn new(names: Vec<ColumnName>, typ: RelationType) -> Self {
        assert_eq!(names.len(), typ.columns.len(), "as many names as columns");
        RelationDesc { names, typ }
    }

    /// An empty description to add columns to.
    pub fn empty() -> Self {
        Self::default()
    }

    /// With one more column.
    pub fn with(mut self, name: &str, ty: SqlType, nullable: bool) -> Self {
        self.names.push(name.to_string());
        self.typ.columns.push(ty.nullable(nullable));
        self
    }

    /// How many columns there are.
    pub fn arity(&self) -> usize {
        self.names.len()
    }

    /// Names with types, by position.
    pub fn iter(&self) -> impl Iterator<Item = (&ColumnName, &ColumnType)> {
        self.names.iter().zip(&self.typ.columns)
    }

    /// The first column called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
}

impl fmt::Display for SqlType {
    /// As PostgreSQL's `format_type` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlType::Bool => f.write_str("boolean"),
            SqlType::Int2 => f.write_str("smallint"),
            SqlType::Int4 => f.write_str("integer"),
            SqlType::Int8 => f.write_str("bigint"),
            SqlType::Float4 => f.write_str("real"),
            SqlType::Float8 => f.write_str("double precision"),
            SqlType::Numeric(None) => f.write_str("numeric"),
            SqlType::Numeric(Some((precision, scale))) => write!(f, "numeric({precision},{scale})"),
            SqlType::Text => f.write_str("text"),
            SqlType::Varchar(None) => f.write_str("character varying"),
            SqlType::Varchar(Some(n)) => write!(f, "character varying({n})"),
            SqlType::Char(None) => f.write_str("bpchar"),
            SqlType::Char(Some(n)) => write!(f, "character({n})"),
            SqlType::Name => f.write_str("name"),
            SqlType::InternalChar => f.write_str("\"char\""),
            SqlType::Bytea => f.write_str("bytea"),
            SqlType::Date => f.write_str("date"),
            SqlType::Time => f.write_str("time without time zone"),
            SqlType::Timestamp(None) => f.write_str("timestamp without time zone"),
            SqlType::Timestamp(Some(p)) => write!(f, "timestamp({p}) without time zone"),
            SqlType::Timestamptz(None) => f.write_str("timestamp with time zone"),
            SqlType::Timestamptz(Some(p)) => write!(f, "timestamp({p}) with time zone"),
            SqlType::Interval => f.write_str("interval"),
            SqlType::Uuid => f.write_str("uuid"),
            SqlType::Jsonb => f.write_str("jsonb"),
            SqlType::Oid => f.write_str("oid"),
            SqlType::Regclass => f.write_str("regclass"),
            SqlType::Regproc => f.write_str("regproc"),
            SqlType::Regtype => f.write_str("regtype"),
            SqlType::TimeTz => f.write_str("time with time zone"),
            SqlType::Range(kind) => f.write_str(kind.name()),
            SqlType::Enum(ty) => f.write_str(&ty.name),
            SqlType::MzTimestamp => f.write_str("mz_timestamp"),
            SqlType::Array(element) => write!(f, "{element}[]"),
            SqlType::Vector(kind) => f.write_str(kind.name()),
            SqlType::Record(_) => f.write_str("record"),
            SqlType::Uint2 => f.write_str("uint2"),
            SqlType::Uint4 => f.write_str("uint4"),
            SqlType::Uint8 => f.write_str("uint8"),
            SqlType::Json => f.write_str("json"),
            SqlType::List(element) => write!(f, "{element} list"),
            SqlType::Map(value) => write!(f, "map[text=>{value}]"),
            SqlType::Composite(ty) => f.write_str(&ty.name),
        }
    }
}
