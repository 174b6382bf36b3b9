//! COPY in all its formats and options, beside PostgreSQL: the same input gives the same rows or the same error, with the same context.

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, pin_mut};
use tests::freshet::{Freshet, Process};
use tests::pg::Postgres;
use tokio_postgres::{Client, Error};

const TABLE: &str = "CREATE TABLE c (a int NOT NULL, b varchar(5) DEFAULT 'dflt', c numeric(6,2), d text)";

/// Statements, and what is sent to them.
const IN: &[(&str, &str)] = &[
    ("COPY c FROM STDIN", "1\tx\t1.5\t\\N\n2\t\\N\t\\N\ta\\tb\\\\c\\nd\\x41\\101\n"),
    ("COPY c FROM STDIN", "1\tx\t1.5\t\\N\r\n2\t\\N\t\\N\ty\r\n\\.\r\n"),
    ("COPY c FROM STDIN", "1\tx\t1.5\tlast line without its end"),
    ("COPY c FROM STDIN", "1\tx\t1.5\n"),
    ("COPY c FROM STDIN", "1\tx\t1.5\ta\tb\n"),
    ("COPY c FROM STDIN", "1\tx\t1.5\ta\nzwei\tx\t1\tb\n"),
    ("COPY c FROM STDIN", "1\ttoo long\t1\tb\n"),
    ("COPY c FROM STDIN", "1\tx\t99999\tb\n"),
    ("COPY c FROM STDIN", "1\tx\t1\tb\n\\N\tx\t1\tb\n"),
    ("COPY c FROM STDIN", "1\tx\t1\ta\rb\n"),
    ("COPY c FROM STDIN", "1\tx\t1\ta\n2\tx\t1\tb\r\n"),
    ("COPY c FROM STDIN", ""),
    ("COPY c FROM STDIN", "\n"),
    ("COPY c (d, a) FROM STDIN", "x\t1\ny\t2\n"),
    ("COPY c (a) FROM STDIN", "1\n2\n"),
    ("COPY c (a, a) FROM STDIN", ""),
    ("COPY c (nosuch) FROM STDIN", ""),
    ("COPY nosuch FROM STDIN", ""),
    ("COPY c FROM STDIN (DELIMITER '|', NULL 'nil')", "1|x|nil|nil\n2|a\\|b|1|\\N\n"),
    ("COPY c FROM STDIN WITH DELIMITER ',' NULL AS ''", "1,,,\n2,x,1,\n"),
    ("COPY c FROM STDIN (HEADER)", "a\tb\tc\td\n1\tx\t1\ty\n"),
    ("COPY c FROM STDIN (HEADER MATCH)", "a\tb\tc\td\n1\tx\t1\ty\n"),
    ("COPY c FROM STDIN (HEADER MATCH)", "a\tb\tc\n1\tx\t1\ty\n"),
    ("COPY c FROM STDIN (HEADER MATCH)", "a\tb\td\tc\n1\tx\t1\ty\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x,1.5,\n2,\"a,b\",,\"\"\n3,\"q\"\"\",0,\"two\nlines\"\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x,1.5,\"never ends\n2,x,1,y\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x,1,y,z\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x,\"bad\",y\n"),
    ("COPY c FROM STDIN (FORMAT csv)", "1,x,1,a\n2,x,1,b\r\n"),
    ("COPY c FROM STDIN (FORMAT csv, HEADER true, DELIMITER ';', QUOTE '''', ESCAPE '\\')", "h\n1;'a;\\'';1;y\n"),
    ("COPY c FROM STDIN (FORMAT csv, FORCE_NOT_NULL (b, d))", "1,,,\n"),
    ("COPY c FROM STDIN (FORMAT csv, FORCE_NULL (b, d), NULL 'n')", "1,\"n\",n,\"n\"\n"),
    ("COPY c FROM STDIN CSV FORCE NOT NULL d", "1,,,\n"),
    ("COPY c FROM STDIN (FORMAT csv, NULL '\\N')", "1,\\N,\\N,\"\\N\"\n"),
    ("COPY c FROM STDIN (FORMAT csv, FORCE_NULL (nosuch))", ""),
    ("COPY c (a) FROM STDIN (FORMAT csv, FORCE_NULL (b))", ""),
    ("COPY c FROM STDIN (FORMAT csv, FORCE_QUOTE (a))", ""),
    ("COPY c FROM STDIN WHERE a > 1 AND d <> 'no'", "1\tx\t1\tyes\n2\tx\t1\tyes\n3\tx\t1\tno\n4\tx\t1\t\\N\n"),
    ("COPY c (a) FROM STDIN WHERE b = 'dflt' AND a % 2 = 0", "1\n2\n"),
    ("COPY c FROM STDIN WHERE a", ""),
    ("COPY c FROM STDIN WHERE nosuch = 1", ""),
    ("COPY c FROM STDIN WHERE max(a) = 1", ""),
    ("COPY c FROM STDIN WHERE 1 / (a - 2) > 0", "3\tx\t1\tyes\n2\tx\t1\tyes\n"),
    ("COPY c FROM STDIN (ENCODING 'UTF8', FREEZE false)", "1\tx\t1\tgr\u{fc}\u{df}\n"),
    ("COPY c FROM STDIN (FORMAT nosuch)", ""),
    ("COPY c FROM STDIN (DELIMITER 'ab')", ""),
    ("COPY c FROM STDIN (DELIMITER 'a')", ""),
    ("COPY c FROM STDIN (DELIMITER ',', DELIMITER ';')", ""),
    ("COPY c FROM STDIN (FORMAT csv, DELIMITER '\"')", ""),
    ("COPY c FROM STDIN (FORMAT csv, QUOTE 'ab')", ""),
    ("COPY c FROM STDIN (QUOTE '\"')", ""),
    ("COPY c FROM STDIN (NULL E'\\n')", ""),
    ("COPY c FROM STDIN (DELIMITER '|', NULL '|')", ""),
    ("COPY c FROM STDIN (FORMAT csv, QUOTE '@', NULL '@')", ""),
    ("COPY c FROM STDIN (HEADER 2)", ""),
    ("COPY c FROM STDIN (FORMAT binary, DELIMITER ',')", ""),
    ("COPY c FROM STDIN (FORMAT binary)", "no signature"),
    ("COPY c FROM STDIN (FORMAT binary)", "PGCOPY\n"),
    ("COPY v FROM STDIN", ""),
];

/// Statements that give data.
const OUT: &[&str] = &[
    "COPY c TO STDOUT",
    "COPY c (d, a) TO STDOUT",
    "COPY c TO STDOUT (HEADER)",
    "COPY c TO STDOUT (DELIMITER '|', NULL 'nil')",
    "COPY c TO STDOUT (FORMAT csv)",
    "COPY c TO STDOUT (FORMAT csv, HEADER)",
    "COPY c TO STDOUT (FORMAT csv, FORCE_QUOTE *)",
    "COPY c TO STDOUT (FORMAT csv, FORCE_QUOTE (a, d), DELIMITER ';', QUOTE '''', ESCAPE '\\', NULL 'nil')",
    "COPY c TO STDOUT WITH CSV HEADER QUOTE '@' FORCE QUOTE b",
    "COPY (SELECT d, a FROM c WHERE a > 1 ORDER BY a) TO STDOUT",
    "COPY (SELECT true, 1.50::numeric(5,2), '{1,NULL}'::int[], '\\x00ff'::bytea, 1.5::float8, '1 day'::interval) TO STDOUT",
    "COPY (SELECT '', NULL, E'\\\\.', '\"', E'a\\nb', ' x ') TO STDOUT (FORMAT csv)",
    "COPY (SELECT '\\.') TO STDOUT (FORMAT csv)",
    "COPY (SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 2.5::float8, 12.340::numeric, 'x'::text, NULL, true) TO STDOUT (FORMAT binary)",
    "COPY (SELECT '{{1,2},{3,4}}'::int[], '[1,5)'::int4range, ROW(1, 'x'::text), '1 2'::int2vector, '{\"a\": 1}'::jsonb) TO STDOUT (FORMAT binary)",
    "COPY (SELECT DATE '2024-02-29', TIME '01:02:03', TIMESTAMP '2024-02-29 01:02:03', INTERVAL '1 mon 2 days', 'a'::bytea) TO STDOUT (FORMAT binary)",
    "COPY c TO STDOUT (FORCE_QUOTE (a))",
    "COPY c TO STDOUT (FORMAT csv, FORCE_NULL (a))",
    "COPY c TO STDOUT (FORMAT csv, FORCE_QUOTE (nosuch))",
    "COPY c TO STDOUT (HEADER MATCH)",
    "COPY c TO STDOUT WHERE a = 1",
    "COPY v TO STDOUT",
    "COPY nosuch TO STDOUT",
];

/// What both servers are compared by.
fn told(error: &Error) -> String {
    match error.as_db_error() {
        None => format!("{error}"),
        Some(error) => format!("{}: {} [{}]", error.code().code(), error.message(), error.where_().unwrap_or_default()),
    }
}

async fn send(client: &Client, statement: &str, data: &str) -> Result<u64, Error> {
    let sink = client.copy_in(statement).await?;
    pin_mut!(sink);
    for piece in data.as_bytes().chunks(7) {
        sink.send(Bytes::copy_from_slice(piece)).await?;
    }
    sink.finish().await
}

async fn receive(client: &Client, statement: &str) -> Result<Vec<u8>, Error> {
    let stream = client.copy_out(statement).await?;
    pin_mut!(stream);
    let mut all = Vec::new();
    while let Some(piece) = stream.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

async fn copied_in(client: &Client, statement: &str, data: &str) -> anyhow::Result<String> {
    client.batch_execute("DELETE FROM c").await?;
    Ok(match send(client, statement, data).await {
        Err(error) => told(&error),
        Ok(count) => {
            let rows = receive(client, "COPY (SELECT * FROM c ORDER BY a, b, c, d) TO STDOUT").await?;
            format!("{count} rows: {}", String::from_utf8_lossy(&rows))
        }
    })
}

async fn both() -> anyhow::Result<(Freshet, Postgres, [Client; 2])> {
    let (freshet, postgres) = (Freshet::start().await?, Postgres::start().await?);
    let clients = [freshet.connect().await?, postgres.client().await?];
    for client in &clients {
        client.batch_execute(TABLE).await?;
        client.batch_execute("CREATE VIEW v AS SELECT a FROM c").await?;
    }
    Ok((freshet, postgres, clients))
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_taken_as_postgresql_takes_it() -> anyhow::Result<()> {
    let (freshet, postgres, _) = both().await?;
    let mut different = Vec::new();
    for (statement, data) in IN {
        let what = || format!("{statement} of {data:?}");
        // The client gives its connection up when a COPY is refused.
        let (ours, theirs) = (freshet.connect().await?, postgres.client().await?);
        let got = copied_in(&ours, statement, data).await.with_context(what)?;
        let wanted = copied_in(&theirs, statement, data).await.with_context(what)?;
        if got != wanted {
            different.push(format!("{statement}\n{data:?}\n  gives  {got:?}\n  wanted {wanted:?}"));
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_what_postgresql_gives() -> anyhow::Result<()> {
    let (_freshet, _postgres, [ours, theirs]) = both().await?;
    for client in [&ours, &theirs] {
        let rows = "1\tx\t1.50\ta\\tb\n2\t\\N\t\\N\t\\N\n3\t'q'\t-0.5\t\"a;b\\\\c\"\n";
        send(client, "COPY c FROM STDIN", rows).await?;
    }
    let mut different = Vec::new();
    for statement in OUT {
        let shown = |result: Result<Vec<u8>, Error>| match result {
            Ok(data) => sorted(&data),
            Err(error) => told(&error),
        };
        let (got, wanted) = (shown(receive(&ours, statement).await), shown(receive(&theirs, statement).await));
        if got != wanted {
            different.push(format!("{statement}\n  gives  {got}\n  wanted {wanted}"));
        }
    }
    ensure!(different.is_empty(), "{}", different.join("\n\n"));
    Ok(())
}

/// Text by lines, in an order of its own: a table has none.
fn sorted(data: &[u8]) -> String {
    match std::str::from_utf8(data) {
        Ok(text) => {
            let mut lines: Vec<_> = text.lines().collect();
            lines.sort_unstable();
            format!("{lines:?}")
        }
        Err(_) => format!("{data:?}"),
    }
}

/// The most memory that a process has had, in MiB.
fn peak_mib(freshet: &Freshet, process: Process) -> anyhow::Result<u64> {
    let pid = freshet.pids(process).into_iter().next().context("it does not run")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// Copies so many thousand rows of some 200 bytes in and out again.
async fn in_and_out(client: &Client, table: &str, thousands: usize) -> anyhow::Result<()> {
    client.batch_execute(&format!("CREATE TABLE {table} (a int, b text)")).await?;
    let sink = client.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN")).await?;
    pin_mut!(sink);
    for chunk in 0..thousands {
        let rows = (0..1000).map(|n| format!("{}\t{}\n", chunk * 1000 + n, "x".repeat(200)));
        sink.send(Bytes::from(rows.collect::<String>())).await?;
    }
    ensure!(sink.finish().await? == thousands as u64 * 1000);
    let stream = client.copy_out(&format!("COPY {table} TO STDOUT")).await?;
    pin_mut!(stream);
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += piece?.len();
    }
    ensure!(bytes > thousands * 200_000, "only {bytes} bytes come back");
    Ok(())
}

/// Three times as many rows take no more memory: what is there of them at a time is bounded, in environmentd and in computed.
#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    in_and_out(&client, "small", 400).await?;
    let small = [peak_mib(&freshet, Process::Environmentd)?, peak_mib(&freshet, Process::Computed)?];
    in_and_out(&client, "large", 1200).await?;
    let large = [peak_mib(&freshet, Process::Environmentd)?, peak_mib(&freshet, Process::Computed)?];
    let grew = large.iter().zip(small).any(|(large, small)| *large > small + 100);
    ensure!(!grew, "80 MiB take {small:?} MiB, and 240 MiB {large:?}");
    Ok(())
}
