//! `cargo dev`: build and run.

use crate::run::{cargo, program, root, target_dir};

/// Builds the binaries and becomes environmentd, which starts the other two.
pub fn dev(flags: &[String]) -> anyhow::Result<()> {
    cargo(&["build", "--release", "--bins"]).run()?;
    let environmentd = target_dir().join("release/environmentd");
    let at = std::env::current_dir().unwrap_or_else(|_| root());
    let flags: Vec<_> = flags.iter().filter(|flag| *flag != "--").collect();
    program(environmentd, &[]).at(at).args(flags).exec()
}
