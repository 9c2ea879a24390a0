//! Writes one page of each kind into a folder, to look at them in a browser after a change of the design.
//!
//! `cargo run -p reports --example pages -- FOLDER`

#[path = "../tests/it/fixture/mod.rs"]
mod fixture;

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "pages".to_owned()),
    );
    std::fs::create_dir_all(&folder)?;
    let runs = [
        ("stale-read", fixture::runs::stale_read()),
        ("healthy", fixture::large::large(6_000)),
        ("unknown", fixture::runs::unknown()),
        ("vacuous", fixture::runs::vacuous()),
        ("history-only", fixture::runs::history_only()),
        (
            "hostile",
            fixture::runs::hostile("<script>alert(1)</script>\"'&\u{1}"),
        ),
    ];
    for (name, run) in runs {
        let path = folder.join(format!("{name}.html"));
        let page = reports::html::render(&run.data());
        println!("{} ({} kB)", path.display(), page.len() / 1000);
        std::fs::write(path, page)?;
    }
    Ok(())
}
