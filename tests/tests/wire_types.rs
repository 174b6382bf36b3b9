//! Values of every type as parameters and results in binary: the bytes are PostgreSQL's, and what is sent is what was meant.

use anyhow::{Context, ensure};
use bytes::BytesMut;
use std::error::Error;
use tests::freshet::Freshet;
use tests::pg::Postgres;
use tokio_postgres::Client;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Types, and values of them as text.
const VALUES: &[(&str, &[&str])] = &[
    ("bool", &["t", "f"]),
    ("int2", &["-32768", "0", "32767"]),
    ("int4", &["-2147483648", "70000"]),
    ("int8", &["-9223372036854775808", "9223372036854775807"]),
    ("oid", &["0", "4294967295"]),
    ("float4", &["1.5", "-0", "NaN", "-Infinity", "1e-45"]),
    ("float8", &["1.5", "-0", "NaN", "Infinity", "5e-324"]),
    ("numeric", &["0", "-12345.678900", "1e40", "0.00001", "NaN", "Infinity", "10000", "0.0000"]),
    ("numeric(10,3)", &["1.5", "-9999999.999"]),
    ("text", &["", "gr\u{fc}\u{df} 'dich' \\ \""]),
    ("varchar(5)", &["abc"]),
    ("char(3)", &["a", "abc"]),
    ("name", &["pg_class"]),
    ("\"char\"", &["x"]),
    ("bytea", &["", "\\x0001ff"]),
    ("date", &["2024-02-29", "0044-03-15 BC", "infinity", "-infinity"]),
    ("time", &["00:00:00", "01:02:03.000004", "24:00:00"]),
    ("timetz", &["01:02:03.5+05:30", "24:00:00-15:59"]),
    ("timestamp", &["2024-02-29 01:02:03.456789", "4713-01-01 00:00:00 BC", "infinity"]),
    ("timestamptz", &["2024-02-29 01:02:03.456789+00", "-infinity"]),
    ("interval", &["0", "1 year 2 mons -3 days 04:05:06.789", "-178956970 years"]),
    ("uuid", &["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("jsonb", &["null", "{\"a\": [1, 2.50, \"x\", {\"b\": null}]}", "\"\""]),
    ("int2vector", &["", "1 2 -3"]),
    ("oidvector", &["23 25"]),
    ("regclass", &["pg_class"]),
    ("regtype", &["integer"]),
    ("mood", &["sad", "ok"]),
    ("int4range", &["empty", "[1,5)", "(,3)", "[7,)", "(,)"]),
    ("int8range", &["[1,5)"]),
    ("numrange", &["[1.5,2.25]", "(0,1)"]),
    ("daterange", &["[2024-01-01,2024-02-01)"]),
    ("tsrange", &["[\"2024-01-01 00:00:00\",infinity]"]),
    ("tstzrange", &["(\"2024-01-01 00:00:00+00\",)"]),
    ("bool[]", &["{t,NULL,f}"]),
    ("int4[]", &["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"]),
    ("text[]", &["{a,\"b,c\",NULL,\"\"}"]),
    ("numeric[]", &["{1.50,NaN}"]),
    ("timestamptz[]", &["{\"2024-02-29 01:02:03+00\",NULL}"]),
    ("interval[]", &["{\"1 day\"}"]),
    ("uuid[]", &["{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"]),
    ("jsonb[]", &["{\"{\\\"a\\\": 1}\"}"]),
    ("bytea[]", &["{\"\\\\x00ff\"}"]),
    ("mood[]", &["{ok,sad}"]),
    ("int4range[]", &["{\"[1,5)\",empty}"]),
];

/// Values that can only be results.
const RESULTS: &[&str] = &[
    "ROW(1, 'x'::text, NULL::int, ARRAY[1.5])",
    "ARRAY[ROW(1, true), ROW(2, NULL::bool)]",
    "(SELECT c FROM pairs c WHERE c.a = 1)",
    "ROW(ROW(1::int8), '[1,2)'::int4range)",
];

/// Bytes as they come, of any type.
#[derive(Clone, Debug, PartialEq)]
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

async fn binary(client: &Client, expr: &str) -> anyhow::Result<Raw> {
    let row = client.query_one(&format!("SELECT {expr}"), &[]).await.with_context(|| expr.to_string())?;
    Ok(row.get(0))
}

async fn both() -> anyhow::Result<(Freshet, Postgres, [Client; 2])> {
    let (freshet, postgres) = (Freshet::start().await?, Postgres::start().await?);
    let clients = [freshet.connect().await?, postgres.client().await?];
    for client in &clients {
        client.batch_execute("CREATE TYPE mood AS ENUM ('sad', 'ok')").await?;
        client.batch_execute("CREATE TABLE pairs (a int, b text)").await?;
        client.batch_execute("INSERT INTO pairs VALUES (1, 'x')").await?;
    }
    Ok((freshet, postgres, clients))
}

/// Bytes of a type that has an oid of its own inside: each server has made it itself.
fn has_own_oid(name: &str) -> bool {
    name == "mood[]"
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_and_results_in_binary() -> anyhow::Result<()> {
    let (_freshet, _postgres, [ours, theirs]) = both().await?;
    let mut different = Vec::new();
    for (name, values) in VALUES {
        for value in *values {
            let literal = format!("'{}'::{name}", value.replace('\'', "''"));
            let (got, wanted) = (binary(&ours, &literal).await?, binary(&theirs, &literal).await?);
            if got != wanted && !has_own_oid(name) {
                different.push(format!("{literal} is {got:?} rather than {wanted:?}"));
            }
            let sent = format!("SELECT ($1::{name})::text = ({literal})::text, $1::{name}");
            let row = ours.query_one(&sent, &[&got]).await.with_context(|| sent.clone())?;
            let (same, back): (bool, Raw) = (row.get(0), row.get(1));
            if !same || back != got {
                different.push(format!("{literal} as a parameter comes back as {back:?}"));
            }
        }
        let nothing: Option<Raw> = ours.query_one(&format!("SELECT $1::{name}"), &[&None::<Raw>]).await?.get(0);
        ensure!(nothing.is_none(), "NULL of {name} comes back as {nothing:?}");
    }
    for expr in RESULTS {
        let (got, wanted) = (binary(&ours, expr).await?, binary(&theirs, expr).await?);
        if got != wanted {
            different.push(format!("{expr} is {got:?} rather than {wanted:?}"));
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n"));
    Ok(())
}

/// Malformed bytes are errors of the statement; the connection goes on.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_parameters_are_refused() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TYPE mood AS ENUM ('sad', 'ok')").await?;
    let texts = ["text", "varchar(5)", "char(3)", "name", "\"char\"", "bytea"];
    for (name, _) in VALUES.iter().filter(|(name, _)| !texts.contains(name)) {
        for bytes in
            [&b""[..], b"\x01", b"\xff\xff\xff", b"\x7f\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x02", &[0x80; 40]]
        {
            let asked = client.query_one(&format!("SELECT $1::{name}"), &[&Raw(bytes.to_vec())]).await;
            let code = asked.err().map(|error| error.code().map(|code| code.code().to_string()));
            ensure!(code != Some(None), "{name} of {bytes:?} ends the connection");
            ensure!(code != Some(Some("XX000".to_string())), "{name} of {bytes:?} is an internal error");
        }
    }
    ensure!(client.query_one("SELECT 1", &[]).await?.get::<_, i32>(0) == 1);
    Ok(())
}
