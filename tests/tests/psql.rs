//! The real psql: its `\d` commands, and COPY.

use anyhow::ensure;
use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Command, Output};
use tests::freshet::Freshet;

/// What psql knows to describe, each with and without details, with and without a pattern.
const FORMS: &[&str] = &[
    "\\d",
    "\\d+",
    "\\dS",
    "\\d t",
    "\\d+ t",
    "\\d v",
    "\\d+ v",
    "\\d mv",
    "\\d+ mv",
    "\\d ti",
    "\\d+ ti",
    "\\d public.*",
    "\\dt",
    "\\dt+",
    "\\dt public.*",
    "\\dtS",
    "\\di",
    "\\di+",
    "\\dv",
    "\\dv+",
    "\\dm",
    "\\dm+",
    "\\ds",
    "\\dE",
    "\\df",
    "\\df+",
    "\\dfS lower",
    "\\dfS+ lower",
    "\\da",
    "\\daS sum",
    "\\do",
    "\\doS =",
    "\\dn",
    "\\dn+",
    "\\l",
    "\\l+",
    "\\du",
    "\\du+",
    "\\dg",
    "\\dT",
    "\\dT+",
    "\\dTS",
    "\\dTS int4",
    "\\dx",
    "\\dx+",
    "\\dp",
    "\\z",
    "\\ddp",
    "\\sv v",
    "\\sv+ v",
    "\\conninfo",
    "\\dO",
    "\\dOS",
    "\\dC",
    "\\dC+",
    "\\dc",
    "\\dD",
    "\\db",
    "\\db+",
    "\\dd",
    "\\des",
    "\\deu",
    "\\dew",
    "\\det",
    "\\dF",
    "\\dFd",
    "\\dFp",
    "\\dFt",
    "\\dl",
    "\\dL",
    "\\dLS",
    "\\dRp",
    "\\dRs",
    "\\drds",
    "\\dy",
    "\\dX",
    "\\dA",
    "\\dAc",
    "\\dAf",
    "\\dAo",
    "\\dAp",
    "\\dP",
    "\\dconfig",
    "\\dconfig+ *search*",
    "\\encoding",
    "\\dit+",
    "\\dtvmisE+",
    "\\d mood",
    "\\dT+ mood",
    "\\d moods",
    "\\d counter",
    "\\dTS+ int2vector",
    "\\daS+ sum",
    "\\dOS+",
    "\\do+",
    "\\dcS+",
    "\\dcS+ *utf*",
    "\\dDS+",
    "\\ddS",
    "\\des+",
    "\\deu+",
    "\\dew+",
    "\\det+",
    "\\dES+",
    "\\dF+",
    "\\dFd+",
    "\\dFp+",
    "\\dFt+",
    "\\dg+",
    "\\dLS+",
    "\\dP+",
    "\\dPitn+",
    "\\dRp+",
    "\\dRs+",
    "\\drds * *",
    "\\dy+",
    "\\dA+",
    "\\dAc+ btree",
    "\\dAf+ btree",
    "\\dAo+ btree",
    "\\dAp+ btree",
    "\\dnS+",
    "\\dpS pg_*",
    "\\dconfig+ *",
    "\\lo_list",
    "\\sf upper",
    "\\sf+ upper",
    "\\ef upper",
    "\\ev v",
    "\\dS+ pg_class",
    "\\d pg_stat_activity",
    "\\d+ information_schema.columns",
    "\\d pg_catalog.pg_class",
    "\\d information_schema.tables",
];

/// What psql does with its standard input.
fn psql(freshet: &Freshet, input: &str) -> anyhow::Result<Output> {
    let mut file = tempfile::tempfile()?;
    writeln!(file, "{input}")?;
    file.rewind()?;
    // An editor that changes nothing.
    Ok(freshet.program("psql")?.arg("-X").env("EDITOR", "true").stdin(file).output()?)
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_description() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (a int NOT NULL, b varchar(5) DEFAULT 'x')").await?;
    client.batch_execute("CREATE VIEW v AS SELECT a FROM t").await?;
    client.batch_execute("CREATE MATERIALIZED VIEW mv AS SELECT * FROM t").await?;
    client.batch_execute("CREATE INDEX ti ON t (b)").await?;
    client.batch_execute("CREATE TYPE mood AS ENUM ('sad', 'ok')").await?;
    client.batch_execute("CREATE TABLE moods (m mood, ms mood[])").await?;
    client.batch_execute("CREATE SOURCE counter FROM LOAD GENERATOR COUNTER").await?;
    client.batch_execute("COMMENT ON TABLE t IS 'about t'").await?;
    client.batch_execute("COMMENT ON COLUMN t.b IS 'about b'").await?;
    let mut failed = Vec::new();
    for form in FORMS {
        let (_, errors) = text(&psql(&freshet, form)?);
        if !errors.is_empty() && !errors.starts_with("Did not find any") {
            failed.push(format!("{form}: {errors}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    for (form, shown) in [
        ("\\d t", "character varying(5)"),
        ("\\d t", "'x'::character varying"),
        ("\\d t", "\"ti\" btree (b)"),
        ("\\d+ t", "about b"),
        ("\\dt+", "about t"),
        ("\\d+ v", "View definition:\n SELECT a FROM t;"),
        ("\\d ti", "btree, for table \"public.t\""),
        ("\\d moods", "mood[]"),
        ("\\dT+", "mood"),
        ("\\dt", "public | t       | table | materialize"),
        ("\\di", "public | ti   | index | materialize | t"),
        ("\\dm", "public | mv   | materialized view | materialize"),
        ("\\dn", "public           | materialize"),
        ("\\du", "materialize | Superuser"),
        ("\\dconfig search_path", "public"),
        ("\\dC int4", "bigint"),
        ("\\sf upper", "CREATE OR REPLACE FUNCTION pg_catalog.upper(text)"),
        ("\\dTS int2vector", "int2vector"),
        ("\\conninfo", "database \"materialize\" as user \"materialize\""),
        ("\\dfS lower", "text"),
        ("\\sv v", "CREATE OR REPLACE VIEW public.v AS"),
        ("\\l", "UTF8"),
    ] {
        let (out, errors) = text(&psql(&freshet, form)?);
        ensure!(out.contains(shown), "{form} does not show {shown}:\n{out}{errors}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tab_completion() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE things (id int, name_of_thing text)").await?;
    client.batch_execute("CREATE VIEW overview AS SELECT 1 a").await?;
    client.batch_execute("CREATE MATERIALIZED VIEW materials AS SELECT 1 a").await?;
    client.batch_execute("CREATE INDEX by_name ON things (name_of_thing)").await?;
    client.batch_execute("CREATE TYPE tempers AS ENUM ('mild')").await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/completion.py");
    let psql = tests::pg::find("psql")?;
    let output =
        Command::new("python3").arg(script).arg(psql).args(["127.0.0.1", &freshet.sql_port.to_string()]).output()?;
    let (out, errors) = text(&output);
    ensure!(output.status.success(), "{out}{errors}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_in_and_out() -> anyhow::Result<()> {
    let freshet = Freshet::start().await?;
    let client = freshet.connect().await?;
    client.batch_execute("CREATE TABLE t (a int NOT NULL, b text, c text DEFAULT 'd')").await?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let lines: String = (0..200_000).map(|n| format!("{n}\tvalue {n}\t\\N\n")).collect();
    std::fs::write(path("in"), &lines)?;
    for (format, file) in [("text", "text"), ("csv", "csv"), ("binary", "binary")] {
        client.batch_execute("DELETE FROM t").await?;
        let (out, errors) = text(&psql(&freshet, &format!("\\copy t FROM '{}'", path("in")))?);
        ensure!(out.trim() == "COPY 200000", "{out}{errors}");
        psql(&freshet, &format!("\\copy (SELECT * FROM t ORDER BY a) TO '{}' (FORMAT {format})", path(file)))?;
        client.batch_execute("DELETE FROM t").await?;
        let (out, errors) = text(&psql(&freshet, &format!("\\copy t FROM '{}' (FORMAT {format})", path(file)))?);
        ensure!(out.trim() == "COPY 200000", "{format}: {out}{errors}");
        psql(&freshet, &format!("\\copy (SELECT * FROM t ORDER BY a) TO '{}'", path("back")))?;
        ensure!(std::fs::read_to_string(path("back"))? == lines, "{format} is read back otherwise");
    }
    std::fs::write(path("bad"), "1\tx\ty\nz\tx\ty\n")?;
    let (_, errors) = text(&psql(&freshet, &format!("\\copy t FROM '{}'", path("bad")))?);
    ensure!(errors.contains("invalid input syntax for type integer: \"z\""), "{errors}");
    ensure!(errors.contains("CONTEXT:  COPY t, line 2, column a: \"z\""), "{errors}");
    Ok(())
}
