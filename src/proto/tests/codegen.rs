//! The generated gRPC code is committed, so that a build needs neither `protoc` nor a generator; this test holds it fresh.
//! `REWRITE=1 cargo test -p proto --test codegen` writes it anew.

use std::path::Path;

#[test]
fn generated_code_is_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = root.join("src/generated/freshet.rs");
    let out = tempfile::tempdir().expect("a temporary directory");
    let descriptors = protox::compile(["freshet.proto"], [root.join("proto")]).expect("the .proto file compiles");
    tonic_prost_build::configure().bytes(".").out_dir(out.path()).compile_fds(descriptors).expect("code is generated");
    let fresh = std::fs::read_to_string(out.path().join("freshet.rs")).expect("one file per package");
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(&committed, fresh).expect("the file can be written");
        return;
    }
    let committed = std::fs::read_to_string(committed).expect("the generated file is committed");
    assert_eq!(committed, fresh, "run REWRITE=1 cargo test -p proto --test codegen");
}
