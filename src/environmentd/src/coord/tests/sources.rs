//! Sources: a real PostgreSQL, read by a storaged in this process.

use super::*;
use ::tests::pg::Postgres;

const UPSTREAM: &str = "
    create table accounts (id int primary key, balance bigint not null, note text);
    alter table accounts replica identity full;
    create table moods (id int primary key, mood point);
    insert into accounts select n, n * 10, 'n' || n from generate_series(1, 100) n;
    create publication few for table accounts;
    create publication all_of_it for all tables;";

async fn connect(f: &Fixture, upstream: &Postgres) {
    let connection = |name: &str, secret: &str| {
        let (port, user) = (upstream.port(), Postgres::USER);
        format!(
            "create connection {name} to postgres
             (host '127.0.0.1', port {port}, user '{user}', password secret {secret}, database 'postgres')"
        )
    };
    f.check(&format!("create secret right_one as '{}'", Postgres::PASSWORD), "CREATE SECRET").await;
    f.check("create secret wrong_one as 'wrong'", "CREATE SECRET").await;
    let refused =
        format!("the upstream PostgreSQL refuses: password authentication failed for user \"{}\"", Postgres::USER);
    f.refuse(&connection("wrong", "wrong_one"), "28P01", &refused).await;
    f.check(&connection("pg", "right_one"), "CREATE CONNECTION").await;
}

/// Asks until the answer is as expected.
async fn eventually(f: &Fixture, sql: &str, expected: &str) {
    let mut last = String::new();
    for _ in 0..300 {
        last = f.run(sql).await.unwrap_or_else(|error| error.to_string());
        if last == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let statuses = f.run("select status, error from mz_internal.mz_source_statuses").await;
    panic!("{sql}: {last}; {statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_publication_are_followed() {
    let (upstream, directory) = (Postgres::start().await.unwrap(), tempfile::tempdir().unwrap());
    upstream.execute(UPSTREAM).await.unwrap();
    let f = Fixture::start_on_disk(directory.path()).await;
    connect(&f, &upstream).await;
    f.check("create source s from postgres connection pg (publication 'few') for all tables", "CREATE SOURCE").await;
    f.check("create materialized view m as select sum(balance) as total from accounts", "CREATE MATERIALIZED VIEW")
        .await;
    eventually(&f, "select count(*), sum(balance) from accounts", "100|50500").await;
    eventually(&f, "select total from m", "50500").await;
    upstream.execute("begin; update accounts set balance = balance + 1 where id <= 50; delete from accounts where id = 100; commit").await.unwrap();
    eventually(&f, "select total from m", "49550").await;
    eventually(&f, "select total - (select sum(balance) from accounts) from m", "0").await;
    let f = f.restart().await;
    upstream.execute("insert into accounts values (1000, 450, null)").await.unwrap();
    eventually(&f, "select total from m", "50000").await;
    f.check("drop source s cascade", "DROP SOURCE").await;
    let client = upstream.client().await.unwrap();
    for _ in 0..100 {
        if client.query("select 1 from pg_replication_slots", &[]).await.unwrap().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the slot stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_upstream_lacks_is_told() {
    let (upstream, directory) = (Postgres::start().await.unwrap(), tempfile::tempdir().unwrap());
    upstream.execute(UPSTREAM).await.unwrap();
    let f = Fixture::start_on_disk(directory.path()).await;
    connect(&f, &upstream).await;
    let create = |publication: &str, rest: &str| {
        format!("create source s from postgres connection pg (publication '{publication}') {rest}")
    };
    let missing = "publication \"nothing\" does not exist in the upstream database";
    f.refuse(&create("nothing", "for all tables"), "42704", missing).await;
    let table = "publication \"few\" has no table \"moods\"";
    f.refuse(&create("few", "for tables (moods)"), "42P01", table).await;
    let unsupported = "the type point of the upstream column public.moods.mood is not supported";
    let error = f.refuse(&create("all_of_it", "for all tables"), "0A000", unsupported).await;
    assert!(error.hint.unwrap().contains("TEXT COLUMNS"));
    let text = "create source s from postgres connection pg (publication 'all_of_it', text columns (public.moods.mood)) for all tables";
    f.check(text, "CREATE SOURCE").await;
    upstream.execute("insert into moods values (1, '(1,2)')").await.unwrap();
    eventually(&f, "select id, mood from moods", "1|(1,2)").await;
}
