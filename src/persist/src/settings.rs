//! Where the stores are, and the limits and delays that persist keeps.

use std::time::Duration;

/// What [`crate::PersistClient::open`] needs.
#[derive(Clone, Debug)]
pub struct PersistConfig {
    /// Consensus: `sqlite:///path/to/metadata.db`
    pub metadata_url: String,
    /// Blobs: `file:///path/to/directory`
    pub blob_url: String,
    /// Limits and delays.
    pub settings: Settings,
}

/// Limits and delays.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Batches up to this size travel inside the state change.
    pub inline_bytes_max: usize,
    /// Bytes of rows in one part; also the memory that a [`crate::BatchBuilder`] fills before it spills.
    pub part_bytes_max: usize,
    /// Rows that one chunk of a snapshot or listen holds at most.
    pub chunk_rows_max: usize,
    /// Versions of a shard between two rollups.
    pub rollup_versions: u64,
    /// How many records of a clock's log are kept, for readers that fall behind a little.
    pub clock_records_kept: u64,
    /// Inline batches of one shard beyond which they are moved to parts.
    pub compact_inline_runs: usize,
    /// Inline bytes of one shard beyond which they are moved to parts.
    pub compact_inline_bytes: usize,
    /// Runs of similar size that are merged into one.
    pub compact_fan_in: usize,
    /// How long a blob that no state names any more is kept for readers of earlier states.
    pub delete_delay: Duration,
    /// Age from which a blob that no state names counts as an orphan: longer than any batch is under construction.
    pub orphan_age: Duration,
    /// How often clocks with waiting readers are read while nothing is pushed.
    pub poll_interval: Duration,
    /// The same while push is connected: only a safety net.
    pub poll_interval_pushed: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            inline_bytes_max: 8 << 10,
            part_bytes_max: 32 << 20,
            chunk_rows_max: 8192,
            rollup_versions: 128,
            clock_records_kept: 128,
            compact_inline_runs: 64,
            compact_inline_bytes: 128 << 10,
            compact_fan_in: 8,
            delete_delay: Duration::from_secs(15 * 60),
            orphan_age: Duration::from_secs(24 * 3600),
            poll_interval: Duration::from_millis(100),
            poll_interval_pushed: Duration::from_secs(2),
        }
    }
}
