//! The queries of TPC-H and Nexmark, from `tests/queries`.

use anyhow::Context;
use std::path::{Path, PathBuf};

/// A set of queries over one schema.
pub struct Suite {
    /// The name of its folder.
    pub name: &'static str,
    /// Statements that make the tables.
    pub schema: String,
    /// Names, `q01` and so on, with texts.
    pub queries: Vec<(String, String)>,
}

/// A folder of this crate.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

impl Suite {
    /// Reads it.
    pub fn read(name: &'static str) -> anyhow::Result<Suite> {
        let dir = folder("queries").join(name);
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        let mut queries = Vec::new();
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_string();
            if stem != "schema" {
                queries.push((stem, read(&path)?));
            }
        }
        queries.sort();
        Ok(Suite { name, schema: read(&dir.join("schema.sql"))?, queries })
    }
}
