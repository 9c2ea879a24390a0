//! Writes one page of each kind into a folder, to look at them in a browser after a change of the design, and large ones on request.
//!
//! `cargo run -p reports --example pages -- FOLDER [OPERATIONS…]`

#[path = "../tests/it/fixture/mod.rs"]
mod fixture;

use std::path::PathBuf;
use std::{env, fs, io};

use fixture::large::large;
use fixture::{Run, runs};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "pages".to_owned()));
    fs::create_dir_all(&folder)?;
    let pages = [
        ("stale-read", runs::stale_read()),
        ("healthy", large(6_000)),
        ("unknown", runs::unknown()),
        ("vacuous", runs::vacuous()),
        ("history-only", runs::history_only()),
        ("wrong-clocks", runs::wrong_clocks()),
        (
            "hostile",
            runs::hostile("<script>alert(1)</script>\"'&\u{1}"),
        ),
    ];
    let sizes = arguments.filter_map(|operations| operations.parse().ok());
    let large = sizes.map(|operations: u64| (format!("large-{operations}"), large(operations)));
    let small = pages.into_iter().map(|(name, run)| (name.to_owned(), run));
    for (name, run) in small.chain(large) {
        write(&folder.join(name).with_extension("html"), &run)?;
    }
    Ok(())
}

fn write(path: &std::path::Path, run: &Run) -> io::Result<()> {
    let page = reports::html::render(&run.data());
    println!("{} {} bytes", path.display(), page.len());
    fs::write(path, page)
}
