use super::*;
use crate::Hello;
use persist::{Commit, CommitOutcome, PersistClient, PersistConfig, Settings};
use repr::Frontier;
use std::time::Duration;
use tokio::net::TcpListener;

/// Polling is out of the question within the test's patience: what arrives was pushed.
async fn process(folder: &std::path::Path) -> PersistClient {
    let settings = Settings {
        poll_interval: Duration::from_secs(60),
        poll_interval_pushed: Duration::from_secs(60),
        ..Settings::default()
    };
    let metadata_url = format!("sqlite://{}", folder.join("metadata.db").display());
    let blob_url = format!("file://{}", folder.join("blob").display());
    PersistClient::open(PersistConfig { metadata_url, blob_url, settings }).await.expect("opens")
}

async fn reaches(persist: &PersistClient, clock: &str, upper: u64) {
    let mut watch = persist.watch_clock(clock);
    let reached = watch.wait_for(|f| *f >= Frontier::at(upper));
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect("in time").expect("alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_travel_between_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (hub_side, left, right) =
        (process(folder.path()).await, process(folder.path()).await, process(folder.path()).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let hub = serve_hub(listener, hub_side.clone(), Hello::new("secret", 0)).expect("serves");
    let addr = hub.local_addr().to_string();
    let _left = PushClient::spawn_fixed(addr.clone(), left.clone(), Hello::new("secret", 7));
    let mut writer = left.open_clock("source/u1", 1).await.expect("opens");
    assert_eq!(writer.commit(Commit::advance(Frontier::at(5))).await.expect("commits"), CommitOutcome::Committed);
    reaches(&hub_side, "source/u1", 5).await;
    // A process that knows no epoch comes after one that does.
    let _right = PushClient::spawn_fixed(addr, right.clone(), Hello::new("secret", 0));
    let mut own = hub_side.open_clock("source/u2", 1).await.expect("opens");
    for upper in [10, 20, 30] {
        let outcome = writer.commit(Commit::advance(Frontier::at(upper))).await.expect("commits");
        assert_eq!(outcome, CommitOutcome::Committed);
        let outcome = own.commit(Commit::advance(Frontier::at(upper))).await.expect("commits");
        assert_eq!(outcome, CommitOutcome::Committed);
        for reader in [&hub_side, &right] {
            reaches(reader, "source/u1", upper).await;
        }
        for reader in [&left, &right] {
            reaches(reader, "source/u2", upper).await;
        }
    }
}
