//! Compiles the library that tells preloaded programs the time: a node's dynamic linker loads it, so it has to be a file of its own, and
//! cargo builds none for a dependency.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "preload/clock.rs";

/// Sources of this crate that the library shares.
const SHARED: [&str; 2] = ["src/clocks/layout.rs", "src/clocks/setting.rs"];

/// Where it knows the kernel's numbers.
const ARCHITECTURES: [&str; 4] = ["x86_64", "aarch64", "riscv64", "loongarch64"];

fn main() {
    for source in SHARED.iter().chain([&SOURCE, &"build.rs"]) {
        println!("cargo::rerun-if-changed={source}");
    }
    let library = PathBuf::from(variable("OUT_DIR")).join("clock.so");
    let here = variable("CARGO_CFG_TARGET_ARCH");
    if ARCHITECTURES.contains(&here.as_str()) {
        compile(&library);
    } else {
        // The program says then that it has none.
        std::fs::write(&library, []).expect("cargo's folder for output can be written to");
    }
}

fn compile(library: &Path) {
    let mut rustc = Command::new(variable("RUSTC"));
    rustc
        .args([
            SOURCE,
            "--crate-type=cdylib",
            "--crate-name=adrasteia_clock",
            "--edition=2024",
        ])
        .args([
            "-Copt-level=2",
            "-Cpanic=abort",
            "-Cstrip=symbols",
            "-Dwarnings",
        ])
        // Targets that link statically unless told otherwise have no libraries.
        .arg("-Ctarget-feature=-crt-static")
        // Whatever C library the program has will do.
        .args([
            "-Clink-arg=-nostdlib",
            "-Clink-arg=-Wl,-soname,adrasteia-clock.so",
        ])
        .args(["--target", &variable("TARGET")])
        .arg("-o")
        .arg(library);
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let status = rustc
        .status()
        .expect("cargo names a compiler that can be started");
    assert!(
        status.success() && library.exists(),
        "{SOURCE} does not compile: see above"
    );
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("cargo sets {name}: {error}"))
}
