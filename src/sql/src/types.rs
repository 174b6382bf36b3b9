//! The types that SQL text names.

use crate::catalog::{ItemDetails, SessionCatalog};
use crate::parser::respell::made_types::{LIST_OF, MAP_OF};
use repr::{SqlError, SqlState, SqlType};
use sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, ObjectName, ObjectNamePart, TimezoneInfo,
};

/// Finds types that users made.
type UserTypes<'a> = &'a dyn Fn(&[String]) -> Option<SqlType>;

/// The type that a declaration or cast names.
pub fn sql_type(catalog: &dyn SessionCatalog, data_type: &DataType) -> Result<SqlType, SqlError> {
    named_type(&|parts| user_type(catalog, parts), data_type)
}

/// The type that a declaration names, if it is one of the system's.
pub fn builtin_type(data_type: &DataType) -> Option<SqlType> {
    named_type(&|_| None, data_type).ok()
}

fn named_type(user: UserTypes<'_>, data_type: &DataType) -> Result<SqlType, SqlError> {
    Ok(match data_type {
        DataType::Bool | DataType::Boolean => SqlType::Bool,
        DataType::SmallInt(None) | DataType::Int2(None) => SqlType::Int2,
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => SqlType::Int4,
        DataType::BigInt(None) | DataType::Int8(None) => SqlType::Int8,
        DataType::Real | DataType::Float4 => SqlType::Float4,
        DataType::DoublePrecision | DataType::Float8 => SqlType::Float8,
        DataType::Double(ExactNumberInfo::None) => SqlType::Float8,
        DataType::Float(info) => float(info)?,
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(info)?,
        DataType::Text => SqlType::Text,
        DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
            SqlType::Varchar(char_length(length.as_ref(), "varchar")?)
        }
        DataType::Char(length) | DataType::Character(length) => {
            SqlType::Char(Some(char_length(length.as_ref(), "char")?.unwrap_or(1)))
        }
        DataType::Bytea => SqlType::Bytea,
        DataType::Date => SqlType::Date,
        DataType::Time(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => SqlType::Time,
        DataType::Time(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => SqlType::TimeTz,
        DataType::Timestamp(p, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => {
            SqlType::Timestamp(precision(*p)?)
        }
        DataType::Timestamp(p, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz) => SqlType::Timestamptz(precision(*p)?),
        DataType::Interval { .. } => SqlType::Interval,
        DataType::Uuid => SqlType::Uuid,
        DataType::JSONB => SqlType::Jsonb,
        DataType::JSON => SqlType::Json,
        DataType::Regclass => SqlType::Regclass,
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _)) => {
            array_of(named_type(user, element)?)
        }
        DataType::Custom(name, modifiers) => custom(user, name, modifiers)?,
        other => {
            let name = other.to_string().to_lowercase();
            return Err(SqlError::unsupported(format!("type {name}")));
        }
    })
}

/// PostgreSQL has no arrays of arrays: `int[][]` is `int[]`.
fn array_of(element: SqlType) -> SqlType {
    match element {
        SqlType::Array(_) => element,
        _ => SqlType::Array(Box::new(element)),
    }
}

fn float(info: &ExactNumberInfo) -> Result<SqlType, SqlError> {
    match info {
        ExactNumberInfo::None => Ok(SqlType::Float8),
        ExactNumberInfo::Precision(1..=24) => Ok(SqlType::Float4),
        ExactNumberInfo::Precision(25..=53) => Ok(SqlType::Float8),
        ExactNumberInfo::Precision(0) => Err(invalid("precision for type float must be at least 1 bit")),
        _ => Err(invalid("precision for type float must be less than 54 bits")),
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<SqlType, SqlError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(SqlType::NUMERIC),
        ExactNumberInfo::Precision(p) => (*p, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => (*p, *s),
    };
    let (Ok(p @ 1..=1000), Ok(s @ -1000..=1000)) = (u16::try_from(precision), i16::try_from(scale)) else {
        let message = match (1..=1000).contains(&precision) {
            false => format!("NUMERIC precision {precision} must be between 1 and 1000"),
            true => format!("NUMERIC scale {scale} must be between -1000 and 1000"),
        };
        return Err(invalid(&message));
    };
    Ok(SqlType::Numeric(Some((p, s))))
}

fn char_length(length: Option<&CharacterLength>, name: &str) -> Result<Option<u32>, SqlError> {
    match length {
        None => Ok(None),
        Some(CharacterLength::IntegerLength { length: 0, .. }) => {
            Err(invalid(&format!("length for type {name} must be at least 1")))
        }
        Some(CharacterLength::IntegerLength { length: n @ 1..=10_485_760, .. }) => Ok(Some(*n as u32)),
        Some(_) => Err(invalid(&format!("length for type {name} cannot exceed 10485760"))),
    }
}

/// PostgreSQL warns of more than six digits and takes six.
fn precision(digits: Option<u64>) -> Result<Option<u8>, SqlError> {
    Ok(digits.map(|d| d.min(6) as u8).filter(|d| *d < 6))
}

fn invalid(message: &str) -> SqlError {
    SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// PostgreSQL's internal types that are others here.
fn alias(name: &str) -> Option<SqlType> {
    match name {
        "regnamespace" | "regrole" | "regprocedure" | "regoperator" | "regoper" | "regconfig" | "regdictionary"
        | "regcollation" | "xid" | "cid" => Some(SqlType::Oid),
        "pg_node_tree" | "cstring" | "unknown" | "aclitem" | "jsonpath" => Some(SqlType::Text),
        _ => None,
    }
}

/// The type of this name.
fn user_type(catalog: &dyn SessionCatalog, parts: &[String]) -> Option<SqlType> {
    match &catalog.resolve(parts)?.details {
        ItemDetails::Type(ty) => Some(ty.clone()),
        _ => None,
    }
}

/// Whether a name means a type of the system, whatever the catalog has.
pub fn is_builtin(name: &ObjectName) -> bool {
    let parts: Vec<&sqlparser::ast::Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
    let base = match &parts[..] {
        [base] => base,
        [schema, base] if ["pg_catalog", "mz_catalog"].contains(&schema.value.to_lowercase().as_str()) => base,
        _ => return false,
    };
    let folded = if base.quote_style.is_some() { base.value.clone() } else { base.value.to_lowercase() };
    SqlType::from_name(&folded).is_some() || alias(&folded).is_some() || [LIST_OF, MAP_OF].contains(&folded.as_str())
}

/// A list or a map of the type that is written in its argument.
fn made_of(name: &str, modifiers: &[String]) -> Result<Option<SqlType>, SqlError> {
    let make = match name {
        LIST_OF => SqlType::List,
        MAP_OF => SqlType::Map,
        _ => return Ok(None),
    };
    let [of] = modifiers else { return Ok(None) };
    let of = of.trim_matches('"').replace("\"\"", "\"");
    let inner = named_type(&|_| None, &crate::parser::parse_type(&of)?)?;
    Ok(Some(make(Box::new(inner))))
}

fn custom(user: UserTypes<'_>, name: &ObjectName, modifiers: &[String]) -> Result<SqlType, SqlError> {
    let parts: Vec<&sqlparser::ast::Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
    let quoted =
        |i: &sqlparser::ast::Ident| if i.quote_style.is_some() { i.value.clone() } else { i.value.to_lowercase() };
    let full = parts.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(".");
    let unknown = || SqlError::new(SqlState::UNDEFINED_OBJECT, format!("type \"{full}\" does not exist"));
    if !is_builtin(name) {
        let parts: Vec<String> = parts.iter().map(|i| quoted(i)).collect();
        return user(&parts).ok_or_else(unknown);
    }
    let (base, schema) = match &parts[..] {
        [base] => (base, None),
        [schema, base] => (base, Some(quoted(schema))),
        _ => return Err(unknown()),
    };
    if schema.is_some_and(|s| !["pg_catalog", "mz_catalog"].contains(&s.as_str())) {
        return Err(unknown());
    }
    let text = quoted(base);
    if let Some(made) = made_of(&text, modifiers)? {
        return Ok(made);
    }
    if base.quote_style.is_some() && text == "char" {
        return Ok(SqlType::InternalChar);
    }
    if let Some(ty) = alias(&text) {
        return Ok(ty);
    }
    let number = |i: usize| modifiers.get(i).and_then(|m| m.trim().parse::<i64>().ok());
    let ty = SqlType::from_name(&text).ok_or_else(unknown)?;
    Ok(match (ty, number(0)) {
        (SqlType::Numeric(_), Some(p)) => {
            numeric(&ExactNumberInfo::PrecisionAndScale(u64::try_from(p).unwrap_or(0), number(1).unwrap_or(0)))?
        }
        (SqlType::Varchar(_), Some(n)) => SqlType::Varchar(u32::try_from(n).ok()),
        (SqlType::Char(_), Some(n)) => SqlType::Char(u32::try_from(n).ok()),
        (SqlType::Timestamp(_), Some(p)) => SqlType::Timestamp(precision(u64::try_from(p).ok())?),
        (SqlType::Timestamptz(_), Some(p)) => SqlType::Timestamptz(precision(u64::try_from(p).ok())?),
        (ty, _) => ty,
    })
}
