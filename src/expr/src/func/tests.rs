//! The function table against what PostgreSQL 15 answers, and its casts.
//!
//! `golden.tsv` has one call a line: SQL name, arguments as `text:type`, result. It was filled in by PostgreSQL.

use super::casts::{self, CastContext};
use super::{ArgType, Eval, Func, all, by_name, candidates};
use crate::ScalarExpr;
use repr::text::{DateStyle, IntervalStyle, TextSettings, parse, to_string};
use repr::{Arena, ColumnType, Datum, EnumType, RangeKind, RowPacker, SqlType};
use std::sync::Arc;

/// A literal of `text:type`; `NULL` is NULL.
fn literal(text: &str, ty: &SqlType) -> ScalarExpr {
    if text == "NULL" {
        return ScalarExpr::null(ty.clone());
    }
    let mut packer = RowPacker::new();
    parse(text, ty, &TextSettings::DEFAULT, &mut packer).unwrap_or_else(|e| panic!("{text} as {ty}: {e}"));
    ScalarExpr::Literal(Ok(packer.finish()), ty.clone().nullable(false))
}

/// The value of an expression as text, or its error.
fn shown(expr: &ScalarExpr) -> String {
    let arena = Arena::new();
    let ColumnType { ty, nullable } = expr.typ(&[]);
    match expr.eval(&[], &arena) {
        Ok(Datum::Null) => {
            assert!(nullable, "NULL where the type {ty} promises none: {expr:?}");
            "NULL".to_string()
        }
        Ok(datum) => to_string(datum, &ty).replace('\\', "\\\\").replace('\n', "\\n"),
        Err(error) => {
            assert!(expr.could_error(), "{expr:?} errs though it cannot");
            format!("ERROR {} {}", error.code, error.message)
        }
    }
}

/// How well a candidate's declared types fit: the number of exact ones, if all fit.
fn fit(func: Func, types: &[SqlType]) -> Option<usize> {
    let declared = func.0.args;
    let count = if func.0.variadic { types.len() >= declared.len() } else { types.len() == declared.len() };
    if !count {
        return None;
    }
    let mut element: Option<SqlType> = None;
    let mut exact = 0;
    for (i, ty) in types.iter().enumerate() {
        let bound = match (&declared[i.min(declared.len() - 1)], ty) {
            (ArgType::Any, _) => continue,
            (ArgType::Exact(wanted), ty) if wanted == ty => {
                exact += 1;
                continue;
            }
            (ArgType::Exact(_), _) => return None,
            (ArgType::Element, ty) => ty.clone(),
            (ArgType::ArrayOfElement, SqlType::Array(inner)) => (**inner).clone(),
            (ArgType::RangeOfElement, SqlType::Range(kind)) => kind.element(),
            (ArgType::ListOfElement, SqlType::List(inner)) | (ArgType::MapOfElement, SqlType::Map(inner)) => {
                (**inner).clone()
            }
            (ArgType::Enum, SqlType::Enum(_)) => ty.clone(),
            (ArgType::ArrayOfElement | ArgType::RangeOfElement | ArgType::Enum, _) => return None,
            (ArgType::ListOfElement | ArgType::MapOfElement, _) => return None,
        };
        if *element.get_or_insert_with(|| bound.clone()) != bound {
            return None;
        }
    }
    Some(exact)
}

fn call(name: &str, args: &[(&str, SqlType)]) -> ScalarExpr {
    let types: Vec<SqlType> = args.iter().map(|(_, ty)| ty.without_modifier()).collect();
    let best = candidates(name).into_iter().filter_map(|func| Some((fit(func, &types)?, func))).max_by_key(|(n, _)| *n);
    let (_, func) = best.unwrap_or_else(|| panic!("no function {name}{types:?}"));
    ScalarExpr::call_func(func, args.iter().map(|(text, ty)| literal(text, ty)).collect())
}

#[test]
fn functions_answer_as_postgresql() {
    let mut wrong = Vec::new();
    for line in include_str!("golden.tsv").lines() {
        let (input, expected) = line.split_once("\t=> ").unwrap();
        let mut parts = input.split('\t');
        let name = parts.next().unwrap();
        let args: Vec<(&str, SqlType)> = parts
            .map(|part| {
                let (text, ty) = part.rsplit_once(':').unwrap();
                (text, SqlType::from_format(ty).unwrap_or_else(|| panic!("type {ty}")))
            })
            .collect();
        let answer = shown(&call(name, &args));
        if answer != expected {
            wrong.push(format!("{input}\n   expected {expected}\n        got {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn check_cast(from: &str, text: &str, to: &str, context: CastContext, expected: &str) {
    let (from, to) = (SqlType::from_format(from).unwrap(), SqlType::from_format(to).unwrap());
    let (needs, cast) = casts::lookup(&from, &to).unwrap_or_else(|| panic!("no cast from {from} to {to}"));
    assert_eq!(needs, context, "{from} to {to}");
    let expr = cast.apply(literal(text, &from), &to);
    assert_eq!(expr.typ(&[]).ty, to, "type of {expr:?}");
    assert_eq!(shown(&expr), expected, "{text}::{from}::{to}");
}

#[test]
fn casts_answer_as_postgresql() {
    use CastContext::{Assignment, Explicit, Implicit};
    for (from, text, to, context, expected) in [
        ("integer", "5", "bigint", Implicit, "5"),
        ("integer", "5", "numeric", Implicit, "5"),
        ("integer", "5", "numeric(3,1)", Implicit, "5.0"),
        ("integer", "500", "numeric(3,1)", Implicit, "ERROR 22003 numeric field overflow"),
        ("bigint", "5000000000", "integer", Assignment, "ERROR 22003 integer out of range"),
        ("double precision", "2.5", "integer", Assignment, "2"),
        ("double precision", "3.5", "integer", Assignment, "4"),
        ("double precision", "1e19", "bigint", Assignment, "ERROR 22003 bigint out of range"),
        ("double precision", "0.1", "numeric", Assignment, "0.1"),
        ("double precision", "0.30000000000000004", "numeric", Assignment, "0.3"),
        ("real", "0.1", "double precision", Implicit, "0.10000000149011612"),
        ("numeric", "2.5", "integer", Assignment, "3"),
        ("numeric", "-2.5", "integer", Assignment, "-3"),
        ("numeric", "NaN", "integer", Assignment, "ERROR 0A000 cannot convert NaN to integer"),
        ("numeric", "1.1", "double precision", Implicit, "1.1"),
        ("numeric", "1.115", "numeric(10,2)", Implicit, "1.12"),
        ("integer", "1", "boolean", Explicit, "t"),
        ("boolean", "t", "text", Assignment, "true"),
        ("boolean", "t", "integer", Explicit, "1"),
        ("text", "12", "integer", Explicit, "12"),
        ("text", "x", "integer", Explicit, "ERROR 22P02 invalid input syntax for type integer: \"x\""),
        ("integer", "12", "text", Assignment, "12"),
        ("text", "abcdef", "character varying(3)", Implicit, "abc"),
        ("text", "ab", "character(4)", Implicit, "ab  "),
        ("character(4)", "ab", "text", Implicit, "ab"),
        ("timestamp", "2024-01-02 03:04:05.678", "date", Assignment, "2024-01-02"),
        ("timestamp", "2024-01-02 03:04:05.678", "time", Assignment, "03:04:05.678"),
        ("timestamp", "2024-01-02 03:04:05.678", "timestamp(1) without time zone", Implicit, "2024-01-02 03:04:05.7"),
        ("date", "2024-01-02", "timestamptz", Implicit, "2024-01-02 00:00:00+00"),
        ("date", "infinity", "timestamp", Implicit, "infinity"),
        ("interval", "1 day 02:00:00", "time", Assignment, "02:00:00"),
        ("jsonb", "1.6", "integer", Explicit, "2"),
        ("jsonb", "\"x\"", "integer", Explicit, "ERROR 22023 cannot cast jsonb string to type integer"),
        ("jsonb", "true", "boolean", Explicit, "t"),
        ("jsonb", "{\"a\":1}", "text", Assignment, "{\"a\": 1}"),
        ("text", "{\"a\":1}", "jsonb", Explicit, "{\"a\": 1}"),
        ("integer[]", "{1,2}", "bigint[]", Implicit, "{1,2}"),
        ("text[]", "{1,2}", "integer[]", Explicit, "{1,2}"),
        ("integer[]", "{1,2}", "text", Assignment, "{1,2}"),
        ("text", "{1,2}", "integer[]", Explicit, "{1,2}"),
        ("integer[]", "{1,2}", "text[]", Assignment, "{1,2}"),
        ("integer", "5", "mz_timestamp", Implicit, "5"),
        ("timestamptz", "1970-01-01 00:00:01+00", "mz_timestamp", Implicit, "1000"),
        ("mz_timestamp", "1000", "timestamptz", Assignment, "1970-01-01 00:00:01+00"),
        ("integer", "5", "oid", Implicit, "5"),
        ("text", "abc", "name", Implicit, "abc"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text", Assignment, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ] {
        check_cast(from, text, to, context, expected);
    }
    assert!(casts::lookup(&SqlType::Bool, &SqlType::Int8).is_none());
    assert!(casts::lookup(&SqlType::Int4, &SqlType::Date).is_none());
}

#[test]
fn assignments_refuse_texts_that_are_too_long() {
    let to = SqlType::Varchar(Some(3));
    let (_, cast) = casts::lookup(&SqlType::Text, &to).unwrap();
    let assigned = |text| shown(&cast.apply_in(literal(text, &SqlType::Text), &to, CastContext::Assignment));
    assert_eq!(assigned("abcd"), "ERROR 22001 value too long for type character varying(3)");
    assert_eq!(assigned("abc  "), "abc");
}

#[test]
fn every_function_is_found_by_its_name() {
    for func in all() {
        assert_eq!(by_name(func.0.name), Some(func));
        assert!(func.0.args.len() < 8);
    }
    for name in ["limit(numeric(10,2))", "text_to(integer[])", "array_cast(integer:bigint)", "field(2)"] {
        let func = by_name(name).unwrap();
        assert_eq!(func.0.name, name);
        assert_eq!(by_name(name), Some(func));
    }
    assert!(by_name("limit(nonsense)").is_none());
    assert!(by_name("nonsense").is_none());
}

/// Values of each type, to try functions with.
fn samples(ty: &SqlType) -> &'static [&'static str] {
    match ty {
        SqlType::Bool => &["t", "f"],
        SqlType::Int2 => &["0", "-32768", "7"],
        SqlType::Int4 => &["0", "-2147483648", "3", "2147483647"],
        SqlType::Int8 => &["0", "-9223372036854775808", "9223372036854775807", "5"],
        SqlType::Float4 => &["0", "-1.5", "NaN", "Infinity", "3e38"],
        SqlType::Float8 => &["0", "-1.5", "NaN", "-Infinity", "1e308"],
        SqlType::Numeric(_) => &["0", "-1.50", "NaN", "Infinity", "123456789.123456789"],
        SqlType::Text | SqlType::Name => &["", "abc", "é%_\\", "2024-01-01", "year", "YYYY-MM"],
        SqlType::Char(_) | SqlType::Varchar(_) => &["ab "],
        SqlType::InternalChar => &["x"],
        SqlType::Bytea => &["", "\\x00ff"],
        SqlType::Date => &["2024-02-29", "infinity", "-infinity", "4714-11-24 BC", "5874897-12-31"],
        SqlType::Time => &["00:00:00", "24:00:00"],
        SqlType::Timestamp(_) => &["2024-02-29 12:34:56.789", "infinity", "4714-11-24 00:00:00 BC", "294276-12-31"],
        SqlType::Timestamptz(_) => &["2024-02-29 12:34:56+00", "-infinity", "294276-12-31 00:00:00+00"],
        SqlType::Interval => &["0", "1 mon -3 days 04:05:06", "178956970 years 7 mons", "-1 day"],
        SqlType::Uuid => &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
        SqlType::Jsonb => &["null", "[1,{\"a\":null}]", "{\"a\":[1]}", "1.50", "\"x\""],
        SqlType::Oid => &["0", "23"],
        SqlType::MzTimestamp => &["0", "18446744073709551615"],
        SqlType::TimeTz => &["00:00:00+00", "24:00:00-15:59", "12:34:56.789+05:30"],
        SqlType::Range(RangeKind::Int4 | RangeKind::Int8 | RangeKind::Num) => &["empty", "(,)", "[1,5)", "(,3]"],
        SqlType::Range(_) => &["empty", "(,)", "[2024-01-01,2024-02-29)", "(infinity,]"],
        SqlType::Enum(_) => &["sad", "ok"],
        SqlType::Array(element) => match &**element {
            SqlType::Int4 => &["{}", "{1,NULL,3}", "{{1,2},{3,4}}"],
            SqlType::Text => &["{}", "{a,NULL}", "{0,x}"],
            SqlType::Enum(_) => &["{sad,ok}", "{ok}"],
            _ => &["{}"],
        },
        SqlType::Vector(_) => &["", "1 2"],
        SqlType::Uint2 => &["0", "65535", "7"],
        SqlType::Uint4 => &["0", "4294967295", "7"],
        SqlType::Uint8 => &["0", "18446744073709551615", "7"],
        SqlType::Json => &["null", " [1, {\"a\" :null}] ", "{\"a\":[1]}", "1.50", "\"x\\u0000\""],
        SqlType::List(element) if **element == SqlType::Int4 => &["{}", "{1,NULL,3}"],
        SqlType::Map(value) if **value == SqlType::Int4 => &["{}", "{a=>1,abc=>NULL}"],
        _ => &[],
    }
}

/// Some enum.
fn mood() -> SqlType {
    let labels = [(1.0, "sad".to_string()), (2.0, "ok".to_string())];
    SqlType::Enum(Arc::new(EnumType::new(30_000, 30_001, "mood".to_string(), &labels)))
}

fn argument_types(func: Func) -> Vec<SqlType> {
    let element = if func.0.args.contains(&ArgType::Enum) { mood() } else { SqlType::Int4 };
    let of = |arg: &ArgType| match arg {
        ArgType::Exact(ty) => ty.clone(),
        ArgType::Any | ArgType::Element | ArgType::Enum => element.clone(),
        ArgType::ArrayOfElement => SqlType::Array(Box::new(element.clone())),
        ArgType::RangeOfElement => SqlType::Range(RangeKind::Int4),
        ArgType::ListOfElement => SqlType::List(Box::new(element.clone())),
        ArgType::MapOfElement => SqlType::Map(Box::new(element.clone())),
    };
    func.0.args.iter().map(of).collect()
}

/// All functions, and those that depend on a session for one far from the defaults too.
fn all_and_bound() -> Vec<Func> {
    let elsewhere = TextSettings {
        time_zone: repr::datetime::zone("America/New_York").unwrap(),
        zone_name: "America/New_York".into(),
        date_style: DateStyle::Postgres,
        interval_style: IntervalStyle::SqlStandard,
        ..TextSettings::DEFAULT
    };
    let bound = |func: Func| matches!(func.0.eval, Eval::Session(_)).then(|| func.0.name);
    let key = elsewhere.key();
    let bound = all().into_iter().filter_map(bound).map(|name| by_name(&format!("in_session({key}|{name})")).unwrap());
    all().into_iter().chain(bound).collect()
}

/// No function panics, returns NULL or an error where it promises not to, or a value of another type than it says.
#[test]
fn functions_keep_their_promises() {
    for func in all_and_bound() {
        let types = argument_types(func);
        for args in sample_calls(&types) {
            let expr = ScalarExpr::call_func(func, args);
            let text = shown(&expr);
            if !text.starts_with("ERROR") {
                let typ = expr.typ(&[]);
                assert!(matches_type(&expr, &typ.ty), "{expr:?} is not a {}", typ.ty);
            }
            assert!(!text.contains("XX000"), "{expr:?}: {text}");
        }
    }
}

/// Arguments of these types: every combination of some values of each.
fn sample_calls(types: &[SqlType]) -> Vec<Vec<ScalarExpr>> {
    let mut calls: Vec<Vec<ScalarExpr>> = vec![Vec::new()];
    for ty in types {
        let mut values: Vec<ScalarExpr> = samples(ty).iter().map(|text| literal(text, ty)).collect();
        values.push(ScalarExpr::null(ty.clone()));
        // Functions of many arguments see fewer values of each.
        values.truncate(if types.len() > 3 { 2 } else { values.len() });
        calls = calls
            .iter()
            .flat_map(|call| values.iter().map(|value| [call.as_slice(), std::slice::from_ref(value)].concat()))
            .collect();
    }
    calls
}

fn matches_type(expr: &ScalarExpr, ty: &SqlType) -> bool {
    let arena = Arena::new();
    let Ok(datum) = expr.eval(&[], &arena) else { return true };
    match (datum, ty) {
        (Datum::Null, _) => true,
        (Datum::Bool(_), SqlType::Bool)
        | (Datum::Int2(_), SqlType::Int2)
        | (Datum::Int4(_), SqlType::Int4)
        | (Datum::Int8(_), SqlType::Int8)
        | (Datum::Float4(_), SqlType::Float4)
        | (Datum::Float8(_), SqlType::Float8)
        | (Datum::Numeric(_), SqlType::Numeric(_))
        | (Datum::Bytes(_), SqlType::Bytea)
        | (Datum::Date(_), SqlType::Date)
        | (Datum::Time(_), SqlType::Time)
        | (Datum::Timestamp(_), SqlType::Timestamp(_))
        | (Datum::Timestamptz(_), SqlType::Timestamptz(_))
        | (Datum::Interval(_), SqlType::Interval)
        | (Datum::Uuid(_), SqlType::Uuid)
        | (Datum::Jsonb(_), SqlType::Jsonb)
        | (Datum::Oid(_), SqlType::Oid)
        | (Datum::MzTimestamp(_), SqlType::MzTimestamp)
        | (Datum::Array(_), SqlType::Array(_) | SqlType::Vector(_))
        | (Datum::TimeTz(_), SqlType::TimeTz)
        | (Datum::Range(_), SqlType::Range(_))
        | (Datum::Enum(_), SqlType::Enum(_))
        | (Datum::Uint2(_), SqlType::Uint2)
        | (Datum::Uint4(_), SqlType::Uint4)
        | (Datum::Uint8(_), SqlType::Uint8)
        | (Datum::Json(_), SqlType::Json)
        | (Datum::List(_), SqlType::List(_))
        | (Datum::Map(_), SqlType::Map(_))
        | (Datum::Record(_), SqlType::Record(_)) => true,
        (Datum::Text(_), ty) => {
            matches!(ty, SqlType::Text | SqlType::Name | SqlType::InternalChar | SqlType::Char(_) | SqlType::Varchar(_))
        }
        _ => false,
    }
}
