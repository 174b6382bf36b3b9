use super::*;
use std::time::Duration;

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

async fn pair() -> (Connection<String, Vec<u8>>, Session<String, Vec<u8>>, Sessions<String, Vec<u8>>) {
    let mut sessions = serve(listener().await, Hello::new("secret", 3)).expect("serves");
    let addr = sessions.local_addr().to_string();
    let connection = connect(&addr, &Hello::new("secret", 3)).await.expect("connects");
    let session = sessions.next().await.expect("a session");
    (connection, session, sessions)
}

#[tokio::test]
async fn messages_of_any_size_arrive_whole_and_in_order() {
    let (mut connection, mut session, _sessions) = pair().await;
    connection.commands.send("first".into()).await.expect("sent");
    connection.commands.send("x".repeat(5 << 20)).await.expect("sent");
    assert_eq!(session.commands.recv().await.as_deref(), Some("first"));
    assert_eq!(session.commands.recv().await.map(|m| m.len()), Some(5 << 20));
    for len in [0, 1, 1 << 20, (1 << 20) + 1] {
        session.responses.send(vec![7; len]).await.expect("sent");
        assert_eq!(connection.responses.recv().await, Some(vec![7; len]));
    }
}

#[tokio::test]
async fn each_side_sees_the_other_go() {
    let (connection, mut session, _sessions) = pair().await;
    drop(connection);
    assert_eq!(session.commands.recv().await, None);
    let (mut connection, session, _sessions) = pair().await;
    drop(session);
    let end = tokio::time::timeout(Duration::from_secs(5), connection.responses.recv()).await;
    assert_eq!(end, Ok(None));
}

async fn refusal(hello: Hello) -> ProtocolError {
    let sessions = serve::<String, String>(listener().await, Hello::new("secret", 3)).expect("serves");
    let addr = sessions.local_addr().to_string();
    connect::<String, String>(&addr, &hello).await.expect_err("refused")
}

#[tokio::test]
async fn strangers_are_refused() {
    assert!(matches!(refusal(Hello::new("guess", 3)).await, ProtocolError::WrongToken { .. }));
    assert!(matches!(refusal(Hello::new("secret", 2)).await, ProtocolError::Fenced { .. }));
    let other = Hello { build: "0.0.0-other".into(), ..Hello::new("secret", 3) };
    assert!(matches!(refusal(other).await, ProtocolError::WrongBuild { .. }));
}

#[tokio::test]
async fn nobody_there() {
    let addr = listener().await.local_addr().expect("an address").to_string();
    let error = connect::<String, String>(&addr, &Hello::new("", 1)).await.expect_err("nobody listens");
    assert!(matches!(error, ProtocolError::Unreachable { .. }), "{error}");
}
