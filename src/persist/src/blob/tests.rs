//! What every blob store promises.

use super::{Blob, FaultyBlob, FileBlob, MemoryBlob};
use bytes::Bytes;
use std::sync::Arc;

fn keys(listing: &[super::BlobInfo]) -> Vec<&str> {
    listing.iter().map(|info| info.key.as_str()).collect()
}

async fn conformance(blob: Arc<dyn Blob>) {
    assert_eq!(blob.get("s1/n1/p1").await.unwrap(), None, "nothing is there at first");
    assert!(!blob.delete("s1/n1/p1").await.unwrap(), "deleting nothing is no error");
    for (key, value) in [("s1/n1/p1", "one"), ("s1/n1/p2", ""), ("s1/v7/r1", "three"), ("s10/n1/p1", "four")] {
        blob.put(key, Bytes::from_static(value.as_bytes())).await.unwrap();
        assert_eq!(blob.get(key).await.unwrap().unwrap(), value.as_bytes());
    }
    assert_eq!(keys(&blob.list("s1/").await.unwrap()), ["s1/n1/p1", "s1/n1/p2", "s1/v7/r1"]);
    assert_eq!(keys(&blob.list("s1").await.unwrap()).len(), 4, "a prefix need not end at a slash");
    assert_eq!(keys(&blob.list("s1/n1/p2").await.unwrap()), ["s1/n1/p2"]);
    assert_eq!(blob.list("x").await.unwrap(), []);
    assert_eq!(blob.list("").await.unwrap()[3].bytes, 4);
    assert!(blob.delete("s1/n1/p1").await.unwrap());
    assert!(!blob.delete("s1/n1/p1").await.unwrap());
    assert_eq!(blob.get("s1/n1/p1").await.unwrap(), None);
    racing(blob).await;
}

/// Files come and go in the same directory while others are written into it.
async fn racing(blob: Arc<dyn Blob>) {
    let worker = |n: usize| {
        let blob = Arc::clone(&blob);
        tokio::spawn(async move {
            for i in 0..20 {
                let key = format!("r/d{}/{n}-{i}", i % 3);
                blob.put(&key, Bytes::from(vec![n as u8; 1000])).await.unwrap();
                assert_eq!(blob.get(&key).await.unwrap().unwrap(), vec![n as u8; 1000]);
                assert!(blob.delete(&key).await.unwrap());
            }
        })
    };
    for handle in (0..4).map(worker).collect::<Vec<_>>() {
        handle.await.unwrap();
    }
    assert_eq!(blob.list("r/").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    conformance(Arc::new(MemoryBlob::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file() {
    let directory = tempfile::tempdir().unwrap();
    conformance(Arc::new(FileBlob::open(directory.path()).unwrap())).await;
    let again = FileBlob::open(directory.path()).unwrap();
    assert_eq!(again.get("s1/v7/r1").await.unwrap().unwrap(), "three", "values outlive the process");
    assert!(again.put("../outside", Bytes::new()).await.is_err());
    assert!(again.get("/etc/passwd").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_without_faults() {
    conformance(Arc::new(FaultyBlob::new(Arc::new(MemoryBlob::default()), 1, u32::MAX))).await;
}

#[tokio::test]
async fn faults_are_reported() {
    let blob = FaultyBlob::new(Arc::new(MemoryBlob::default()), 1, 2);
    let mut failures = 0;
    for i in 0..100 {
        failures += usize::from(blob.put(&format!("k{i}"), Bytes::new()).await.is_err());
    }
    assert!((20..80).contains(&failures), "{failures}");
}
