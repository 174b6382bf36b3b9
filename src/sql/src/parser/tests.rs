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
    check(&nested(1000), "54001 stack depth limit exceeded at None");
    check(&nested(100_000), "54001 stack depth limit exceeded at None");
    check(&format!("select {}1", "- ".repeat(1000)), "54001 stack depth limit exceeded at None");
    check(&format!("select 1{}", " + 1".repeat(10_000)), "54001 stack depth limit exceeded at None");
    assert!(parse(&nested(50)).is_ok());
    assert!(parse(&format!("select 1{}", " + 1".repeat(4_000))).is_ok());
    assert!(parse(&format!("select 1 in ({}1)", "1, ".repeat(50_000))).is_ok());
}
