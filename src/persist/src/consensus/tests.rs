//! What every consensus promises.

use super::{CasOutcome, CompareAndSet, Consensus, FaultyConsensus, MemoryConsensus, SqliteConsensus, Versioned};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn set(key: &str, expected: Option<u64>, data: &str) -> CompareAndSet {
    CompareAndSet { key: key.to_string(), expected, data: Bytes::from(data.to_string()) }
}

fn version(seqno: u64, data: &str) -> Versioned {
    Versioned { seqno, data: Bytes::from(data.to_string()) }
}

fn range(key: &str, from: u64) -> (String, u64) {
    (key.to_string(), from)
}

async fn conformance(c: Arc<dyn Consensus>) {
    assert_eq!(c.head("a").await.unwrap(), None);
    assert_eq!(c.scan(&[range("a", 0)]).await.unwrap(), [vec![]]);
    assert_eq!(c.compare_and_set(set("a", Some(0), "x")).await.unwrap(), CasOutcome::Mismatch(vec![None]));
    assert_eq!(c.compare_and_set(set("a", None, "a0")).await.unwrap(), CasOutcome::Committed);
    let taken = CasOutcome::Mismatch(vec![Some(version(0, "a0"))]);
    assert_eq!(c.compare_and_set(set("a", None, "x")).await.unwrap(), taken);
    assert_eq!(c.compare_and_set(set("a", Some(0), "a1")).await.unwrap(), CasOutcome::Committed);
    all_or_nothing(&c).await;
    each_alone(&c).await;
    truncation(&c).await;
    assert_eq!(c.keys("").await.unwrap(), ["a", "b", "c", "d"]);
    assert_eq!(c.keys("b").await.unwrap(), ["b"]);
    assert_eq!(c.keys("%").await.unwrap(), Vec::<String>::new());
    racing(vec![Arc::clone(&c), c]).await;
}

async fn all_or_nothing(c: &Arc<dyn Consensus>) {
    let mixed = [set("b", None, "b0"), set("a", Some(0), "x"), set("c", None, "c0")];
    let heads = CasOutcome::Mismatch(vec![None, Some(version(1, "a1")), None]);
    assert_eq!(c.compare_and_set_all(&mixed).await.unwrap(), heads);
    assert_eq!(c.heads(&["b".into(), "c".into()]).await.unwrap(), [None, None], "nothing was written");
    let good = [set("b", None, "b0"), set("a", Some(1), "a2"), set("c", None, "c0")];
    assert_eq!(c.compare_and_set_all(&good).await.unwrap(), CasOutcome::Committed);
    let heads = c.heads(&["c".into(), "a".into(), "none".into()]).await.unwrap();
    assert_eq!(heads, [Some(version(0, "c0")), Some(version(2, "a2")), None]);
    assert_eq!(c.compare_and_set_all(&[]).await.unwrap(), CasOutcome::Committed);
}

async fn each_alone(c: &Arc<dyn Consensus>) {
    let mixed = [set("b", Some(0), "b1"), set("c", Some(7), "x"), set("d", None, "")];
    let outcomes = c.compare_and_set_each(&mixed).await.unwrap();
    assert_eq!(outcomes[0], CasOutcome::Committed);
    assert_eq!(outcomes[1], CasOutcome::Mismatch(vec![Some(version(0, "c0"))]));
    assert_eq!(outcomes[2], CasOutcome::Committed);
    assert_eq!(c.head("d").await.unwrap(), Some(version(0, "")));
}

async fn truncation(c: &Arc<dyn Consensus>) {
    let scans = c.scan(&[range("a", 1), range("b", 0), range("none", 0)]).await.unwrap();
    assert_eq!(scans, [vec![version(1, "a1"), version(2, "a2")], vec![version(0, "b0"), version(1, "b1")], vec![]]);
    c.truncate(&[range("a", 1), range("b", 99), range("none", 3)]).await.unwrap();
    let scans = c.scan(&[range("a", 0), range("b", 0)]).await.unwrap();
    assert_eq!(scans[0], [version(1, "a1"), version(2, "a2")]);
    assert_eq!(scans[1], [version(1, "b1")], "the newest version stays");
    assert_eq!(c.compare_and_set(set("b", Some(1), "b2")).await.unwrap(), CasOutcome::Committed);
}

/// Many writers add to two counters at once, each until it succeeded 25 times: no success is lost, the counters agree.
async fn racing(handles: Vec<Arc<dyn Consensus>>) {
    const ROUNDS: u64 = 25;
    let writers = handles.len() as u64 * 2;
    let work = |c: Arc<dyn Consensus>| async move {
        let mut longest = Duration::ZERO;
        for _ in 0..ROUNDS {
            let mut expected = c.head("r1").await.unwrap().map(|v| v.seqno);
            loop {
                let begun = Instant::now();
                let outcome = c.compare_and_set_all(&[set("r1", expected, ""), set("r2", expected, "")]).await.unwrap();
                longest = longest.max(begun.elapsed());
                match outcome {
                    CasOutcome::Committed => break,
                    CasOutcome::Mismatch(heads) => expected = heads[0].as_ref().map(|v| v.seqno),
                }
            }
        }
        longest
    };
    let tasks: Vec<_> = handles.iter().chain(&handles).map(|c| tokio::spawn(work(Arc::clone(c)))).collect();
    for task in tasks {
        let longest = task.await.unwrap();
        assert!(longest < Duration::from_secs(1), "a writer waited {longest:?}");
    }
    for key in ["r1", "r2"] {
        assert_eq!(handles[0].head(key).await.unwrap().unwrap().seqno, writers * ROUNDS - 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    conformance(Arc::new(MemoryConsensus::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep").join("metadata.db");
    conformance(Arc::new(SqliteConsensus::open(&path).unwrap())).await;
    let again = SqliteConsensus::open(&path).unwrap();
    assert_eq!(again.head("b").await.unwrap(), Some(version(2, "b2")), "versions outlive the process");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_shared() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteConsensus::open(directory.path().join("m.db")).unwrap()) as Arc<dyn Consensus>;
    racing(vec![open(), open(), open()]).await;
}

#[tokio::test]
async fn sqlite_refuses_newer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.db");
    drop(SqliteConsensus::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE consensus_format SET version = 9", ()).unwrap();
    let error = SqliteConsensus::open(&path).unwrap_err().to_string();
    assert!(error.contains("newer version (format 9"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_without_faults() {
    conformance(Arc::new(FaultyConsensus::new(Arc::new(MemoryConsensus::default()), 1, u32::MAX))).await;
}
