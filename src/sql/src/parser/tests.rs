use super::extension::print;
use super::parse;

/// How a text splits, or the error it gives.
fn check(sql: &str, expected: &str) {
    let actual = match parse(sql) {
        Ok(statements) => statements.iter().map(|s| format!("[{}]", s.sql)).collect::<String>(),
        Err(e) => format!("{} {} at {:?}", e.code, e.message, e.position),
    };
    assert_eq!(actual, expected, "{sql}");
}

#[test]
fn splitting() {
    check("", "");
    check(" ; ;", "");
    check("select 1; select ';' ;", "[select 1][select ';']");
    check("select 'é' ; -- x;\n select $$;$$", "[select 'é'][select $$;$$]");
    check("/* ; */ select \"a;b\"", "[select \"a;b\"]");
}

#[test]
fn syntax_errors() {
    check("selec 1", "42601 syntax error at or near \"selec\" at Some(1)");
    check("select 1 from", "42601 syntax error at end of input at Some(14)");
    check("select 1;\nselect * from t where", "42601 syntax error at end of input at Some(32)");
    check("select (1", "42601 syntax error at end of input at Some(10)");
    check("select 'a", "42601 unterminated quoted string at or near \"'a\" at Some(8)");
    check("select 1 2", "42601 syntax error at or near \"2\" at Some(10)");
    check("select ) from t", "42601 syntax error at or near \")\" at Some(8)");
}

#[test]
fn depth() {
    let nested = |n: usize| format!("select {}1{}", "(".repeat(n), ")".repeat(n));
    check(&nested(1001), "54001 stack depth limit exceeded at None");
    check(&nested(100_000), "54001 stack depth limit exceeded at None");
    check(&format!("select {}1", "- ".repeat(10_000)), "54001 stack depth limit exceeded at None");
    check(&format!("select 1{}", " + 1".repeat(20_001)), "54001 stack depth limit exceeded at None");
    assert!(parse(&nested(1000)).is_ok());
    assert!(parse(&format!("select 1{}", " + 1".repeat(19_000))).is_ok());
    assert!(parse(&format!("select 1 in ({}1)", "1, ".repeat(50_000))).is_ok());
}

/// What is stored of a view's query, which is what parses to the same again.
fn check_stored(query: &str, expected: &str) {
    let stored = |text: &str| {
        let statement = parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}")).remove(0).ast;
        print::definition(&statement).unwrap_or_default()
    };
    let text = stored(&format!("create view v as {query}"));
    assert_eq!(text, format!("CREATE VIEW v AS {expected}"), "{query}");
    assert_eq!(stored(&text), text, "{query}");
}

#[test]
fn respelled_syntax_is_printed_as_it_was() {
    let body = "t (a INT) AS (SELECT 1) SELECT * FROM t";
    check_stored(&format!("with mutually recursive {body}"), &format!("WITH MUTUALLY RECURSIVE {body}"));
    let limit = "(RETURN AT RECURSION LIMIT 9)";
    check_stored(
        &format!("with mutually recursive {limit} {body}"),
        &format!("WITH MUTUALLY RECURSIVE {limit} {body}"),
    );
    check_stored(
        "select * from rows from (f(1), g()) with ordinality",
        "SELECT * FROM ROWS FROM (f(1), g()) WITH ORDINALITY",
    );
    check_stored("select 1 group by distinct rollup (a, (b, c))", "SELECT 1 GROUP BY DISTINCT ROLLUP (a, (b, c))");
    check_stored(
        "select 1 group by grouping sets ((), cube (a), b)",
        "SELECT 1 GROUP BY GROUPING SETS ((), (CUBE (a)), (b))",
    );
    check_stored("select * from a join b using (i, j) as x", "SELECT * FROM a JOIN b USING(i, j) AS x");
    check_stored("table t", "SELECT * FROM t");
    check_stored("select '\"rows from\"(', top from m", "SELECT '\"rows from\"(', top FROM m");
}

#[test]
fn reserved_words_are_no_names() {
    check("select from where", "42601 syntax error at or near \"where\" at Some(13)");
    check("select a from m as end", "42601 syntax error at or near \"end\" at Some(20)");
    check("select a from m order", "42601 syntax error at end of input at Some(22)");
    check("create table t (a int, user int)", "42601 syntax error at or near \"user\" at Some(24)");
    check("select top from m", "[select top from m]");
}
