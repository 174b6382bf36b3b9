//! What input becomes which rows, and which errors.

use super::*;

fn desc() -> RelationDesc {
    RelationDesc::empty().with("a", SqlType::Int4, true).with("b", SqlType::Varchar(Some(5)), true)
}

fn text() -> CopyFormat {
    CopyFormat::Text { delimiter: b'\t', null: "\\N".into(), header: CopyHeader::Absent }
}

fn csv(header: CopyHeader) -> CopyFormat {
    CopyFormat::Csv {
        delimiter: b',',
        quote: b'"',
        escape: b'"',
        null: String::new(),
        header,
        force_quote: Vec::new(),
        force_null: Vec::new(),
        force_not_null: Vec::new(),
    }
}

/// The rows of an input that arrives in pieces of `size` bytes, or the error and its context.
fn decoded(input: &[u8], format: CopyFormat, size: usize) -> Result<Vec<String>, String> {
    let mut decoder = Decoder::new("t", format, desc(), TextSettings::default());
    let mut rows = Vec::new();
    let shown = |e: CopyError| format!("{} | {}", e.error.message, e.context.unwrap_or_default());
    let mut take = |decoder: &mut Decoder, end| -> Result<(), String> {
        while let Some(row) = decoder.next_row(end).map_err(shown)? {
            let values: Vec<_> = row
                .iter()
                .map(|d| match d {
                    Datum::Int4(n) => n.to_string(),
                    Datum::Text(t) => format!("{t:?}"),
                    _ => "NULL".to_string(),
                })
                .collect();
            rows.push(values.join(" "));
        }
        Ok(())
    };
    for piece in input.chunks(size) {
        decoder.feed(piece);
        take(&mut decoder, false)?;
    }
    take(&mut decoder, true)?;
    Ok(rows)
}

fn check(input: &str, format: CopyFormat, expected: Result<&[&str], &str>) {
    for size in [1, 3, 1000] {
        let expected = expected.map(|rows| rows.iter().map(ToString::to_string).collect()).map_err(str::to_string);
        assert_eq!(decoded(input.as_bytes(), format.clone(), size), expected, "{input:?} in pieces of {size}");
    }
}

#[test]
fn text_rows() {
    check("1\tx\n2\t\\N\n", text(), Ok(&["1 \"x\"", "2 NULL"]));
    check("1\ta\\tb\\n\n2\t\\x41\\101\\q", text(), Ok(&["1 \"a\\tb\\n\"", "2 \"AAq\""]));
    check("1\ta\\\nb\n", text(), Ok(&["1 \"a\\nb\""]));
    check("1\tx\r\n2\ty\r\n", text(), Ok(&["1 \"x\"", "2 \"y\""]));
    check("1\tx\r2\ty\r", text(), Ok(&["1 \"x\"", "2 \"y\""]));
    check("1\tx\n\\.\nrubbish\n", text(), Ok(&["1 \"x\""]));
}

#[test]
fn text_errors() {
    check("1\n", text(), Err("missing data for column \"b\" | COPY t, line 1: \"1\""));
    check("1\tx\n1\tx\ty\n", text(), Err("extra data after last expected column | COPY t, line 2: \"1\tx\ty\""));
    let wrong = "invalid input syntax for type integer: \"z\" | COPY t, line 1, column a: \"z\"";
    check("z\tx\n", text(), Err(wrong));
    let long = "value too long for type character varying(5) | COPY t, line 1, column b: \"abcdef\"";
    check("1\tabcdef\n", text(), Err(long));
    check("1\tx\n2\ty\rz\n", text(), Err("literal carriage return found in data | COPY t, line 2"));
}

#[test]
fn csv_rows() {
    check("1,x\n2,\n3,\"\"\n", csv(CopyHeader::Absent), Ok(&["1 \"x\"", "2 NULL", "3 \"\""]));
    check("1,\"a,\"\"b\"\n", csv(CopyHeader::Absent), Ok(&["1 \"a,\\\"b\""]));
    check("1,\"a\nb\"\n2,c", csv(CopyHeader::Absent), Ok(&["1 \"a\\nb\"", "2 \"c\""]));
    check("a,b\n1,x\n", csv(CopyHeader::Match), Ok(&["1 \"x\""]));
    check("q,r\n1,x\n", csv(CopyHeader::Present), Ok(&["1 \"x\""]));
}

#[test]
fn csv_errors() {
    check("1,\"x\n", csv(CopyHeader::Absent), Err("unterminated CSV quoted field | COPY t, line 1: \"1,\"x\n\""));
    let mismatch = "column name mismatch in header line field 2: got \"c\", expected \"b\" | COPY t, line 1: \"a,c\"";
    check("a,c\n1,x\n", csv(CopyHeader::Match), Err(mismatch));
    check("1,x,y\n", csv(CopyHeader::Absent), Err("extra data after last expected column | COPY t, line 1: \"1,x,y\""));
}

#[test]
fn binary_rows() {
    let mut input = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
    input.extend(b"\0\x02\0\0\0\x04\0\0\0\x07\0\0\0\x02hi");
    input.extend(b"\0\x02\xff\xff\xff\xff\0\0\0\0");
    input.extend(b"\xff\xff");
    for size in [1, 5, 1000] {
        assert_eq!(decoded(&input, CopyFormat::Binary, size), Ok(vec!["7 \"hi\"".into(), "NULL \"\"".into()]));
    }
    let short = decoded(b"PGCOPX", CopyFormat::Binary, 3);
    assert_eq!(short, Err("COPY file signature not recognized | ".to_string()));
}
