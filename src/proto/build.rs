//! Names this build by what travels between processes: equal sources of the wire crates give an equal id, on any machine.

use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 5] = ["../repr/src", "../expr/src", "../persist/src", "src", "proto"];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hash = Fnv::new();
    for file in files {
        hash.write(file.to_string_lossy().as_bytes());
        hash.write(&fs::read(&file).unwrap_or_default());
    }
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo:rustc-env=FRESHET_BUILD_ID={version}-{:032x}", hash.0);
}

/// All files below `folder` but tests, which do not travel.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if name == "tests" || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// FNV-1a of 128 bits: no secret hangs on it, and it is the same with every compiler.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Fnv(0x6c62272e07bb014262b821756295c58d)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000000001000000000000000000013B);
        }
    }
}
