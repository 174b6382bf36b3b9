//! Running other programs.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// A program with its arguments, run in the root of the workspace.
pub struct Run(Command);

/// cargo, as it runs this.
pub fn cargo(args: &[&str]) -> Run {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// Any program.
pub fn program(name: impl AsRef<OsStr>, args: &[&str]) -> Run {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    Run(command)
}

/// The root of the workspace: as cargo says now, since clones that share a target directory share this program too.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).parent().map(PathBuf::from).unwrap_or_default()
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

impl Run {
    /// With more arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    /// In another folder.
    pub fn at(mut self, folder: PathBuf) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// With golden files and generated sources written again.
    pub fn rewrite(mut self) -> Self {
        self.0.env("REWRITE", "1");
        self
    }

    /// Runs it; an error if it fails. Says how long it took.
    pub fn run(mut self) -> anyhow::Result<()> {
        let what = format!("{:?}", self.0).replace('"', "");
        eprintln!("==> {what}");
        let started = Instant::now();
        let status = self.0.status().with_context(|| format!("cannot run {what}"))?;
        eprintln!("==> {:.1} s", started.elapsed().as_secs_f64());
        if !status.success() {
            bail!("{what} failed ({status})");
        }
        Ok(())
    }

    /// Whether it runs and succeeds, quietly.
    pub fn succeeds(mut self) -> bool {
        self.0.output().is_ok_and(|output| output.status.success())
    }

    /// Becomes the program.
    pub fn exec(mut self) -> anyhow::Result<()> {
        use std::os::unix::process::CommandExt;
        Err(self.0.exec()).with_context(|| format!("cannot run {:?}", self.0))
    }
}
