//! Writes a history that no algorithm can be expected to judge: `cargo run --release -p checker --example explode -- --help`.
//!
//! Such a history shows that limits are kept; see [`bursts`] for what is in it.

mod bursts;

use std::io::{self, BufWriter, Write};

use clap::Parser;

/// Generates a history that explodes, as JSON lines.
#[derive(Parser)]
struct Arguments {
    /// The model: one of those of `adrasteia list models`.
    #[arg(long, default_value = "cas-register")]
    model: String,
    /// How many operations are pending together.
    #[arg(long, default_value_t = 40)]
    burst: i64,
    /// How many operations one after the other come before, that are easy.
    #[arg(long, default_value_t = 1000)]
    before: i64,
}

fn main() -> io::Result<()> {
    let Arguments {
        model,
        burst,
        before,
    } = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let header = bursts::header(&model);
    writeln!(out, "{}", serde_json::to_string(&header)?)?;
    for event in bursts::events(&model, burst, before) {
        writeln!(out, "{}", serde_json::to_string(&event)?)?;
    }
    out.flush()
}
