//! The durable catalog: its records as of the newest version of the consensus key, and proposals to change them.
//!
//! LAW: what [`CatalogStore::propose`] returns is written together with a step of the environment's clock, under its epoch, so that a fenced
//! environmentd changes nothing; only then [`CatalogStore::committed`] changes what is here.

use super::record::{CATALOG_KEY, Delta, FORMAT, Key, Record, RecordError};
use persist::{CompareAndSet, Consensus, ExternalError};
use repr::{ClusterId, GlobalId, ReplicaId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// After so many deltas a full one is written, so that a start reads a bounded log.
const DELTAS_PER_FULL: u64 = 64;

/// Oids below are PostgreSQL's and those of system items.
const FIRST_USER_OID: u64 = 20_000;

/// Why the catalog could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The metadata store failed.
    #[error("cannot read the catalog: {0}")]
    Storage(#[from] ExternalError),
    /// What is there cannot be understood.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// See the module.
#[derive(Debug)]
pub struct CatalogStore {
    consensus: Arc<dyn Consensus>,
    head: Option<u64>,
    deltas_since_full: u64,
    records: BTreeMap<Key, Record>,
}

impl CatalogStore {
    /// Reads the log.
    pub async fn open(consensus: Arc<dyn Consensus>) -> Result<Self, StoreError> {
        let versions = consensus.scan(&[(CATALOG_KEY.to_string(), 0)]).await?.pop().unwrap_or_default();
        let mut store = CatalogStore { consensus, head: None, deltas_since_full: 0, records: BTreeMap::new() };
        for version in versions {
            store.apply(&Delta::decode(&version.data)?);
            store.head = Some(version.seqno);
        }
        Ok(store)
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// All records.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        match self.records.get(&Key("setting".to_string(), name.to_string()))? {
            Record::Setting { value, .. } => Some(value),
            _ => None,
        }
    }

    /// A transaction on the present records.
    pub fn begin(&self) -> CatalogTransaction {
        let counter = |record: &Record| match record {
            Record::Counter { name, value } => Some((name.clone(), *value)),
            _ => None,
        };
        let counters = self.records.values().filter_map(counter).collect();
        CatalogTransaction { counters, delta: Delta { format: FORMAT, ..Delta::default() } }
    }

    /// The compare-and-set that makes a transaction durable.
    pub fn propose(&self, transaction: &CatalogTransaction) -> CompareAndSet {
        let delta = transaction.delta();
        let data = if self.deltas_since_full + 1 >= DELTAS_PER_FULL {
            let mut records = self.records.clone();
            delta.apply(&mut records);
            Delta { format: FORMAT, full: true, put: records.into_values().collect(), remove: Vec::new() }.encode()
        } else {
            delta.encode()
        };
        CompareAndSet { key: CATALOG_KEY.to_string(), expected: self.head, data: data.into() }
    }

    /// What was proposed for the transaction is durable.
    pub async fn committed(&mut self, transaction: &CatalogTransaction) {
        let seqno = self.head.map_or(0, |head| head + 1);
        self.head = Some(seqno);
        if self.deltas_since_full + 1 >= DELTAS_PER_FULL {
            transaction.delta().apply(&mut self.records);
            self.deltas_since_full = 0;
            // A log that stays too long costs only time at the next start.
            if let Err(error) = self.consensus.truncate(&[(CATALOG_KEY.to_string(), seqno)]).await {
                tracing::warn!(%error, "cannot truncate the catalog's log");
            }
        } else {
            self.apply(&transaction.delta());
        }
    }

    fn apply(&mut self, delta: &Delta) {
        delta.apply(&mut self.records);
        self.deltas_since_full = if delta.full { 0 } else { self.deltas_since_full + 1 };
    }
}

/// Records to put and to remove, and identifiers taken, all or nothing.
#[derive(Clone, Debug)]
pub struct CatalogTransaction {
    counters: BTreeMap<String, u64>,
    delta: Delta,
}

impl CatalogTransaction {
    /// Adds or changes a record.
    pub fn put(&mut self, record: Record) {
        self.delta.put.push(record);
    }

    /// Removes a record.
    pub fn remove(&mut self, record: &Record) {
        self.delta.remove.push(record.key());
    }

    /// Removes an item's record.
    pub fn remove_item(&mut self, id: GlobalId) {
        self.delta.remove.push(Key("item".to_string(), id.to_string()));
    }

    /// An identifier for a new item.
    pub fn next_item(&mut self) -> GlobalId {
        GlobalId::User(self.next("item", 1))
    }

    /// An identifier for a new cluster.
    pub fn next_cluster(&mut self) -> ClusterId {
        ClusterId(self.next("cluster", 1))
    }

    /// An identifier for a new replica.
    pub fn next_replica(&mut self) -> ReplicaId {
        ReplicaId(self.next("replica", 1))
    }

    /// An identifier for a new database, schema or role.
    pub fn next_container(&mut self) -> u64 {
        self.next("container", 1)
    }

    /// An oid for anything new.
    pub fn next_oid(&mut self) -> u32 {
        self.next("oid", FIRST_USER_OID) as u32
    }

    /// Records that appear or change, in order.
    pub fn puts(&self) -> &[Record] {
        &self.delta.put
    }

    fn next(&mut self, name: &str, first: u64) -> u64 {
        let value = self.counters.get(name).map_or(first, |last| last + 1);
        self.counters.insert(name.to_string(), value);
        value
    }

    fn delta(&self) -> Delta {
        let mut delta = self.delta.clone();
        let counters = self.counters.iter().map(|(name, value)| (name.clone(), *value));
        delta.put.extend(counters.map(|(name, value)| Record::Counter { name, value }));
        delta
    }
}
