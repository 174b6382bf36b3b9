//! Text and binary forms of every type, against what PostgreSQL 15 answers.

use super::{DateStyle, IntervalStyle, TextSettings, format, parse};
use crate::{RowPacker, SqlType, binary};

/// Reads `input` as a type (named as `format_type` does), prints it again, and checks that the binary form reads back.
fn shown_with(ty: &str, input: &str, settings: &TextSettings) -> String {
    let ty = SqlType::from_format(ty).unwrap();
    let mut packer = RowPacker::new();
    if let Err(error) = parse(input, &ty, settings, &mut packer) {
        let hint = error.hint.map_or(String::new(), |hint| format!(" ({hint})"));
        let detail = error.detail.map_or(String::new(), |detail| format!(" [{detail}]"));
        return format!("{} {}{detail}{hint}", error.code, error.message);
    }
    let row = packer.finish();
    let datum = row.unpack()[0];
    let mut wire = Vec::new();
    binary::encode(datum, &ty, &mut wire);
    let mut packer = RowPacker::new();
    binary::decode(&wire, &ty, &mut packer).unwrap();
    assert_eq!(packer.finish(), row, "binary form of {ty} {input}");
    let mut out = String::new();
    format(datum, &ty, settings, &mut out);
    out
}

fn check(ty: &str, input: &str, expected: &str) {
    assert_eq!(shown_with(ty, input, &TextSettings::DEFAULT), expected, "{ty} '{input}'");
}

fn check_zone(zone: &str, ty: &str, input: &str, expected: &str) {
    let settings = TextSettings { time_zone: crate::datetime::zone(zone).unwrap(), ..TextSettings::DEFAULT };
    assert_eq!(shown_with(ty, input, &settings), expected, "{ty} '{input}' in {zone}");
}

#[test]
fn booleans() {
    check("bool", " tRu ", "t");
    check("bool", "off", "f");
    check("bool", "0", "f");
    check("bool", "o", "22P02 invalid input syntax for type boolean: \"o\"");
}

#[test]
fn integers() {
    check("integer", " -42 ", "-42");
    check("integer", "x", "22P02 invalid input syntax for type integer: \"x\"");
    check("integer", "", "22P02 invalid input syntax for type integer: \"\"");
    check("integer", "1.0", "22P02 invalid input syntax for type integer: \"1.0\"");
    check("integer", "2147483648", "22003 value \"2147483648\" is out of range for type integer");
    check("smallint", "-32768", "-32768");
    check("bigint", "9223372036854775808", "22003 value \"9223372036854775808\" is out of range for type bigint");
    check("oid", "-1", "4294967295");
}

#[test]
fn floats() {
    for (input, expected) in [
        ("1e20", "1e+20"),
        ("1e15", "1e+15"),
        ("123456789012345", "123456789012345"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("-0", "-0"),
        ("inf", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("nan", "NaN"),
        ("1.5", "1.5"),
        ("100", "100"),
        ("1e400", "22003 \"1e400\" is out of range for type double precision"),
        ("1e-400", "22003 \"1e-400\" is out of range for type double precision"),
        ("", "22P02 invalid input syntax for type double precision: \"\""),
        ("1e", "22P02 invalid input syntax for type double precision: \"1e\""),
    ] {
        check("double precision", input, expected);
    }
    check("real", "1234567", "1.234567e+06");
    check("real", "0.1", "0.1");
    let fewer = TextSettings { extra_float_digits: 0, ..TextSettings::DEFAULT };
    let ty = SqlType::Float8;
    let mut out = String::new();
    format(crate::Datum::Float8(0.1 + 0.2), &ty, &fewer, &mut out);
    assert_eq!(out, "0.3");
}

#[test]
fn numerics() {
    for (ty, input, expected) in [
        ("numeric", "1.50", "1.50"),
        ("numeric", "1e3", "1000"),
        ("numeric", "1.5e1", "15"),
        ("numeric", "15e-3", "0.015"),
        ("numeric", "-.5", "-0.5"),
        ("numeric", "NaN", "NaN"),
        ("numeric", "-inf", "-Infinity"),
        ("numeric", "0.00", "0.00"),
        ("numeric", "1e-20", "0.00000000000000000001"),
        ("numeric", "1e131072", "22003 value overflows numeric format"),
        ("numeric", "0e999999", "0"),
        ("numeric", "0e999999999999", "22003 value overflows numeric format"),
        ("numeric", "1e-99999", "22003 value overflows numeric format"),
        ("numeric", "1e-999999999999", "22003 value overflows numeric format"),
        ("numeric", "a", "22P02 invalid input syntax for type numeric: \"a\""),
        ("numeric(5,2)", "123.455", "123.46"),
        ("numeric(5,2)", "-0.005", "-0.01"),
        ("numeric(3,0)", "2.5", "3"),
        (
            "numeric(3,2)",
            "9.999",
            "22003 numeric field overflow [A field with precision 3, scale 2 must round to an absolute value less than 10^1.]",
        ),
    ] {
        check(ty, input, expected);
    }
}

#[test]
fn texts() {
    check("text", " a ", " a ");
    check("character varying(3)", "abc  ", "abc");
    check("character varying(3)", "abcd", "22001 value too long for type character varying(3)");
    check("character(4)", "ab", "ab  ");
    check("character(2)", "abc", "22001 value too long for type character(2)");
    check("text", "a\0b", "22021 invalid byte sequence for encoding \"UTF8\": 0x00");
}

#[test]
fn byte_strings() {
    check("bytea", "\\x0aFF", "\\x0aff");
    check("bytea", "a\\\\b\\001", "\\x615c6201");
    check("bytea", "\\x0", "22023 invalid hexadecimal data: odd number of digits");
    check("bytea", "\\9", "22P02 invalid input syntax for type bytea");
}

#[test]
fn uuids() {
    let expected = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    check("uuid", "{A0EEBC999c0b4ef8bb6d6bb9bd380a11}", expected);
    check("uuid", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", expected);
    check("uuid", "a0eebc99", "22P02 invalid input syntax for type uuid: \"a0eebc99\"");
}

#[test]
fn dates() {
    for (input, expected) in [
        ("2024-02-29", "2024-02-29"),
        ("20240229", "2024-02-29"),
        ("February 29, 2024", "2024-02-29"),
        ("29 Feb 2024", "2024-02-29"),
        ("29-Feb-2024", "2024-02-29"),
        ("2/29/2024", "2024-02-29"),
        ("2024/2/29", "2024-02-29"),
        ("0044-03-15 BC", "0044-03-15 BC"),
        ("J2451187", "1999-01-08"),
        ("epoch", "1970-01-01"),
        ("infinity", "infinity"),
        ("-infinity", "-infinity"),
        ("2024-02-29 12:34:56", "2024-02-29"),
        ("5874897-12-31", "5874897-12-31"),
        ("5874898-01-01", "22008 date out of range: \"5874898-01-01\""),
        ("2023-02-29", "22008 date/time field value out of range: \"2023-02-29\""),
        (
            "2023-13-01",
            "22008 date/time field value out of range: \"2023-13-01\" (Perhaps you need a different \"datestyle\" setting.)",
        ),
        ("x", "22007 invalid input syntax for type date: \"x\""),
        ("", "22007 invalid input syntax for type date: \"\""),
        ("2024-02", "22007 invalid input syntax for type date: \"2024-02\""),
    ] {
        check("date", input, expected);
    }
}

#[test]
fn times() {
    for (input, expected) in [
        ("04:05:06.789", "04:05:06.789"),
        ("04:05", "04:05:00"),
        ("040506", "04:05:06"),
        ("04:05 PM", "16:05:00"),
        ("12:00 am", "00:00:00"),
        ("24:00:00", "24:00:00"),
        ("23:59:60", "24:00:00"),
        ("25:00", "22008 date/time field value out of range: \"25:00\""),
        ("x", "22007 invalid input syntax for type time: \"x\""),
    ] {
        check("time", input, expected);
    }
}

#[test]
fn timestamps() {
    for (ty, input, expected) in [
        ("timestamp", "2024-02-29T01:02:03.456789", "2024-02-29 01:02:03.456789"),
        ("timestamp", "2024-02-29 01:02:03.4+02", "2024-02-29 01:02:03.4"),
        ("timestamp", "20240229T010203", "2024-02-29 01:02:03"),
        ("timestamp(1)", "2024-02-29 01:02:03.456", "2024-02-29 01:02:03.5"),
        ("timestamp", "Sat Jan  1 00:00:00 2000", "2000-01-01 00:00:00"),
        ("timestamp", "infinity", "infinity"),
        ("timestamp", "294277-01-01", "22008 timestamp out of range: \"294277-01-01\""),
        ("timestamp", "4714-11-24 00:00:00 BC", "4714-11-24 00:00:00 BC"),
        ("timestamp", "junk", "22007 invalid input syntax for type timestamp: \"junk\""),
        ("timestamptz", "2024-02-29 01:02:03", "2024-02-29 01:02:03+00"),
        ("timestamptz", "2024-02-29 01:02:03+05:30", "2024-02-28 19:32:03+00"),
        ("timestamptz", "2024-02-29 01:02:03Z", "2024-02-29 01:02:03+00"),
        ("timestamptz", "2024-07-01 00:00 America/New_York", "2024-07-01 04:00:00+00"),
        ("timestamptz", "2024-07-01 00:00 PST", "2024-07-01 08:00:00+00"),
        ("timestamptz", "2024-02-29 24:00:00", "2024-03-01 00:00:00+00"),
        ("timestamptz", "epoch", "1970-01-01 00:00:00+00"),
        ("mz_timestamp", "1000", "1000"),
        ("mz_timestamp", "1970-01-01 00:00:02", "2000"),
        ("mz_timestamp", "x", "22P02 invalid input syntax for type mz_timestamp: \"x\""),
    ] {
        check(ty, input, expected);
    }
    check_zone("America/New_York", "timestamptz", "2024-03-10 02:30:00", "2024-03-10 03:30:00-04");
    check_zone("America/New_York", "timestamptz", "2024-11-03 01:30:00", "2024-11-03 01:30:00-05");
    check_zone("Asia/Kolkata", "timestamptz", "2024-02-29 00:00:00Z", "2024-02-29 05:30:00+05:30");
    check_zone("Europe/Berlin", "timestamptz", "20000-07-01 00:00:00Z", "20000-07-01 02:00:00+02");
}

#[test]
fn other_date_styles() {
    let with = |date_style| TextSettings {
        date_style,
        time_zone: crate::datetime::zone("America/New_York").unwrap(),
        ..TextSettings::DEFAULT
    };
    let input = "1997-12-17 07:37:16.5-05";
    assert_eq!(shown_with("timestamptz", input, &with(DateStyle::Sql)), "12/17/1997 07:37:16.5 EST");
    assert_eq!(shown_with("timestamptz", input, &with(DateStyle::Postgres)), "Wed Dec 17 07:37:16.5 1997 EST");
    assert_eq!(shown_with("timestamptz", input, &with(DateStyle::German)), "17.12.1997 07:37:16.5 EST");
    assert_eq!(shown_with("date", input, &with(DateStyle::Postgres)), "12-17-1997");
}

#[test]
fn intervals() {
    for (input, expected) in [
        ("1 year 2 mons 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
        ("1-2 3 4:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("P1Y2M3DT4H5M6.5S", "1 year 2 mons 3 days 04:05:06.5"),
        ("P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("@ 1 minute ago", "-00:01:00"),
        ("1.5 days", "1 day 12:00:00"),
        ("1.5 months", "1 mon 15 days"),
        ("1.5 years", "1 year 6 mons"),
        ("2 weeks", "14 days"),
        ("1.5 weeks", "10 days 12:00:00"),
        ("-1 day 02:00", "-1 days +02:00:00"),
        ("1 day -02:00", "1 day -02:00:00"),
        ("5", "00:00:05"),
        ("100 ms", "00:00:00.1"),
        ("0", "00:00:00"),
        ("-1 year 1 month", "-11 mons"),
        ("100 hours", "100:00:00"),
        ("1 decade", "10 years"),
        ("", "22007 invalid input syntax for type interval: \"\""),
        ("1 foo", "22007 invalid input syntax for type interval: \"1 foo\""),
        ("9999999999 years", "22015 interval field value out of range: \"9999999999 years\""),
    ] {
        check("interval", input, expected);
    }
    let styled = |interval_style, input| {
        shown_with("interval", input, &TextSettings { interval_style, ..TextSettings::DEFAULT })
    };
    let whole = "1 year 2 mons -3 days 04:05:06.7";
    assert_eq!(styled(IntervalStyle::PostgresVerbose, whole), "@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs");
    assert_eq!(styled(IntervalStyle::PostgresVerbose, "-1 min"), "@ 1 min ago");
    assert_eq!(styled(IntervalStyle::SqlStandard, whole), "+1-2 -3 +4:05:06.7");
    assert_eq!(styled(IntervalStyle::SqlStandard, "-1-2"), "-1-2");
    assert_eq!(styled(IntervalStyle::Iso8601, whole), "P1Y2M-3DT4H5M6.7S");
    assert_eq!(styled(IntervalStyle::Iso8601, "0"), "PT0S");
}

#[test]
fn json() {
    for (input, expected) in [
        ("{\"bb\":1,\"a\":[1.50,true,null,\"x\"],\"a\":2}", "{\"a\": 2, \"bb\": 1}"),
        (" [1 , 2.50, 1e3, -0.1E-2] ", "[1, 2.50, 1000, -0.001]"),
        ("\"\\u00e9\\ud83d\\ude00\\n\"", "\"é😀\\n\""),
        ("{}", "{}"),
        ("[]", "[]"),
        ("{a:1}", "22P02 invalid input syntax for type json [Token \"a\" is invalid.]"),
        ("[1,", "22P02 invalid input syntax for type json [The input string ended unexpectedly.]"),
        ("01", "22P02 invalid input syntax for type json [Token \"01\" is invalid.]"),
        ("\"\\u0000\"", "22P05 unsupported Unicode escape sequence [\\u0000 cannot be converted to text.]"),
        ("nan", "22P02 invalid input syntax for type json [Token \"nan\" is invalid.]"),
        ("1 2", "22P02 invalid input syntax for type json [Expected end of input, but found \"2\".]"),
    ] {
        check("jsonb", input, expected);
    }
    let deep = "[".repeat(100_000);
    check("jsonb", &deep, "54001 JSON value is nested too deeply");
}

#[test]
fn arrays() {
    for (ty, input, expected) in [
        ("integer[]", "{1,NULL, 3 }", "{1,NULL,3}"),
        ("integer[]", "{}", "{}"),
        ("integer[]", "{{1,2},{3,4}}", "{{1,2},{3,4}}"),
        ("integer[]", "[0:1]={1,2}", "[0:1]={1,2}"),
        ("text[]", "{\"a b\",\"\",null,\"null\",a\\\"b,\"{\"}", "{\"a b\",\"\",NULL,\"null\",\"a\\\"b\",\"{\"}"),
        ("timestamp[]", "{\"2024-01-01 00:00:00\"}", "{\"2024-01-01 00:00:00\"}"),
        ("integer[]", "{1,x}", "22P02 invalid input syntax for type integer: \"x\""),
        (
            "integer[]",
            "1",
            "22P02 malformed array literal: \"1\" [Array value must start with \"{\" or dimension information.]",
        ),
        ("integer[]", "{1", "22P02 malformed array literal: \"{1\" [Unexpected end of input.]"),
    ] {
        check(ty, input, expected);
    }
    assert!(shown_with("integer[]", "{{1},{2,3}}", &TextSettings::DEFAULT).starts_with("22P02 malformed array"));
}

#[test]
fn records() {
    let column = |ty: SqlType| (String::new(), ty.nullable(true));
    let ty = SqlType::Record(vec![column(SqlType::Int4), column(SqlType::Text), column(SqlType::Text)]);
    let mut packer = RowPacker::new();
    parse("(1,\"a \"\"b\",)", &ty, &TextSettings::DEFAULT, &mut packer).unwrap();
    let row = packer.finish();
    assert_eq!(super::to_string(row.unpack()[0], &ty), "(1,\"a \"\"b\",)");
    let mut wire = Vec::new();
    binary::encode(row.unpack()[0], &ty, &mut wire);
    let mut packer = RowPacker::new();
    binary::decode(&wire, &ty, &mut packer).unwrap();
    assert_eq!(packer.finish(), row);
}

#[test]
fn type_names_and_oids() {
    for ty in crate::pg::all_types() {
        assert_eq!(SqlType::from_format(&ty.to_string()).as_ref(), Some(&ty), "{ty}");
        assert_eq!(crate::pg::from_oid(crate::pg::oid(&ty)).as_ref(), Some(&ty), "{ty}");
    }
    for text in ["numeric(10,2)", "character varying(5)", "timestamp(3) with time zone", "character(3)[]"] {
        let ty = SqlType::from_format(text).unwrap();
        assert_eq!(ty.to_string(), text);
        assert_eq!(ty.without_modifier().with_typmod(crate::pg::typmod(&ty)), ty);
    }
    assert_eq!(SqlType::from_name("int"), Some(SqlType::Int4));
    assert_eq!(SqlType::from_name("decimal"), Some(SqlType::NUMERIC));
    assert_eq!(SqlType::from_name("nonsense"), None);
}
