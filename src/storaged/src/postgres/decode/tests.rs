use super::*;
use repr::{RelationDesc, ShardId};

fn export(columns: &[(&str, SqlType, bool)], identity: Vec<usize>) -> IngestionExport {
    let mut desc = RelationDesc::empty();
    for (name, ty, nullable) in columns {
        desc = desc.with(name, ty.clone(), *nullable);
    }
    let columns = columns.iter().map(|(name, _, _)| name.to_string()).collect();
    let (schema, table) = ("public".to_string(), "t".to_string());
    IngestionExport { shard: ShardId([1; 16]), desc, schema, table, oid: 1, columns, identity }
}

fn copied(chunks: &[&str]) -> Vec<Vec<Option<String>>> {
    let (mut reader, mut rows) = (CopyReader::default(), Vec::new());
    for chunk in chunks {
        let fed: Result<(), ()> = reader.feed(chunk.as_bytes(), |values| {
            let text = |value: &Value<'_>| match value {
                Value::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            };
            rows.push(values.iter().map(text).collect());
            Ok(())
        });
        assert_eq!(fed, Ok(()));
    }
    rows
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|v| (*v != "NULL").then(|| v.to_string())).collect()
}

#[test]
fn copy_rows_with_escapes_and_cut_anywhere() {
    assert_eq!(copied(&["1\ta\n2\t\\N\n"]), [some(&["1", "a"]), some(&["2", "NULL"])]);
    assert_eq!(copied(&["1\ta\\tb\\\\c\\nd\t\n"]), [some(&["1", "a\tb\\c\nd", ""])]);
    assert_eq!(copied(&["1\ta", "b\n2", "\t\\", "N\n"]), [some(&["1", "ab"]), some(&["2", "NULL"])]);
}

fn decode(export: &IngestionExport, values: &[Value<'_>]) -> Data {
    Decoder::new(export).row(values, None, &mut RowPacker::new())
}

#[test]
fn rows_and_errors() {
    let columns = [("id", SqlType::Int4, false), ("n", SqlType::Int2, true), ("t", SqlType::Text, true)];
    let table = export(&columns, vec![0]);
    let row = decode(&table, &[Value::Text(b"7"), Value::Null, Value::Text("ä".as_bytes())]);
    assert_eq!(row, Ok(Row::pack([Datum::Int4(7), Datum::Null, Datum::Text("ä")])));
    let error = decode(&table, &[Value::Text(b"7"), Value::Text(b"70000"), Value::Null]).expect_err("out of range");
    assert_eq!(error.code, SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
    assert_eq!(error.message, "source table public.t, column n: value \"70000\" is out of range for type smallint");
    assert_eq!(error.detail.as_deref(), Some("Key (id)=(7) of public.t."));
    let error = decode(&table, &[Value::Null, Value::Null, Value::Null]).expect_err("not null");
    assert_eq!(error.code, SqlState::NOT_NULL_VIOLATION);
}
