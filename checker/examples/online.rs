//! Judges a history of own JSON lines while it reads it, in bounded memory: `cargo run --release -p checker --example online -- h.jsonl`.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use checker::{Event, Header, ModelSpec, Online, Standing, Unlimited};
use clap::Parser;

/// Judges a history by the model its header names, line by line.
#[derive(Parser)]
struct Arguments {
    /// The history.
    file: PathBuf,
    /// How many events are read between two looks at what is known.
    #[arg(long, default_value_t = 1000)]
    poll_every: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut lines = BufReader::new(File::open(&arguments.file)?).lines();
    let header: Header = serde_json::from_str(&lines.next().ok_or("the file is empty")??)?;
    let model = header.model.ok_or("the header names no model")?;
    let mut online = Online::new(&ModelSpec {
        name: model.parse()?,
        initial: header.initial,
    });
    let (mut events, mut held) = (0, 0);
    let mut standing = Standing::Holds;
    for line in lines {
        let event: Event = serde_json::from_str(&line?)?;
        online.feed(&event)?;
        events += 1;
        if events % arguments.poll_every == 0 {
            standing = online.poll(&Unlimited);
            held = online.bytes().max(held);
        }
        if let Standing::Violated(violation) = &standing {
            println!("violated at event {events}: {violation:?}");
            return Ok(());
        }
    }
    standing = online.poll(&Unlimited);
    println!(
        "{events} events: {standing:?}; at most {held} bytes held by the check; {}",
        peak()?
    );
    Ok(())
}

/// The line of the process's status with its largest resident set.
fn peak() -> Result<String, std::io::Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    Ok(line.unwrap_or_default().to_owned())
}
