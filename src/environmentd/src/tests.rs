//! environmentd as a whole, without services: a client, a second start, a taken port.

use crate::config::Config;
use std::os::unix::fs::PermissionsExt;

async fn client(addr: std::net::SocketAddr) -> tokio_postgres::Client {
    let config = format!("host={} port={} user=materialize dbname=materialize", addr.ip(), addr.port());
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_served_and_the_catalog_stays() {
    let directory = tempfile::tempdir().unwrap();
    let server = crate::serve(Config::local(directory.path().join("data"))).await.unwrap();
    let sql = client(server.sql_addr()).await;
    let row = sql.query_one("select 1 + 1, current_database()", &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1)), (2, "materialize"));
    sql.batch_execute("create table t (a int); insert into t values (1); create secret s as 'x'").await.unwrap();
    let secrets = std::fs::read_dir(directory.path().join("data/secrets")).unwrap();
    for file in secrets {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(sql);
    server.shutdown().await;
    let server = crate::serve(Config::local(directory.path().join("data"))).await.unwrap();
    let sql = client(server.sql_addr()).await;
    let rows = sql.query("select name from mz_objects where id like 'u%' order by name", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["s", "t"]);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_one_clear_line() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::local(directory.path().join("data"));
    let server = crate::serve(config.clone()).await.unwrap();
    let error = crate::serve(config).await.err().unwrap().to_string();
    assert!(error.contains("is in use by another environmentd (pid "), "{error}");
    let taken = Config { sql_listen_addr: server.sql_addr(), ..Config::local(directory.path().join("other")) };
    let error = crate::serve(taken).await.err().unwrap().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
    server.shutdown().await;
}
