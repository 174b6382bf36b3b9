//! The sizes that clusters can have: name → workers and limits.

use repr::{SqlError, SqlState};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a replica of a size gets.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ReplicaSize {
    /// Worker threads of each process.
    pub workers: usize,
    /// Processes.
    #[serde(default = "one")]
    pub scale: usize,
    /// CPUs of each process, where the orchestrator can limit them.
    #[serde(default)]
    pub cpu_limit: Option<f64>,
    /// Memory of each process, `4GiB`, where the orchestrator can limit it.
    #[serde(default)]
    pub memory_limit: Option<String>,
}

fn one() -> usize {
    1
}

/// All sizes by name.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaSizes(BTreeMap<String, ReplicaSize>);

/// The built-in sizes: by number of workers, and under Materialize's names.
const BUILT_IN: [(&str, usize); 13] = [
    ("1", 1),
    ("2", 2),
    ("4", 4),
    ("8", 8),
    ("16", 16),
    ("32", 32),
    ("25cc", 1),
    ("50cc", 1),
    ("100cc", 2),
    ("200cc", 4),
    ("300cc", 6),
    ("400cc", 8),
    ("800cc", 16),
];

impl Default for ReplicaSizes {
    fn default() -> Self {
        let size = |workers| ReplicaSize { workers, scale: 1, cpu_limit: None, memory_limit: None };
        ReplicaSizes(BUILT_IN.iter().map(|(name, workers)| (name.to_string(), size(*workers))).collect())
    }
}

impl ReplicaSizes {
    /// The sizes of a JSON map as `--cluster-replica-sizes` takes it.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let map: BTreeMap<String, ReplicaSize> =
            serde_json::from_str(json).map_err(|e| format!("cluster replica sizes: {e}"))?;
        match map.iter().find(|(_, size)| size.workers == 0 || size.scale != 1) {
            Some((name, _)) => Err(format!("cluster replica size \"{name}\": needs workers above 0, and scale 1")),
            None if map.is_empty() => Err("cluster replica sizes: the map is empty".to_string()),
            None => Ok(ReplicaSizes(map)),
        }
    }

    /// The size of a name.
    pub fn get(&self, name: &str) -> Result<&ReplicaSize, SqlError> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(String::as_str).collect();
            let message = format!("unknown cluster replica size {name}");
            SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
                .hint(format!("Valid sizes are: {}", names.join(", ")))
        })
    }

    /// The size of the cluster that a fresh environment has.
    pub fn default_name(&self) -> &str {
        if self.0.contains_key("1") { "1" } else { self.0.keys().next().map_or("1", String::as_str) }
    }

    /// All sizes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ReplicaSize)> {
        self.0.iter().map(|(name, size)| (name.as_str(), size))
    }
}
