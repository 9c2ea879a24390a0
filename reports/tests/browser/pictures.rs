//! Pages as pictures, to look at after a change of the design: light and dark, wide and narrow, and on paper.

use std::fs;
use std::path::Path;

use crate::driver::Browser;
use crate::fixture::Run;
use crate::opening::pages;
use crate::page::Page;

/// How wide, how high, and what readers prefer.
const LOOKS: [(u32, u32, &str); 3] = [
    (1280, 800, "light"),
    (1280, 800, "dark"),
    (400, 800, "light"),
];

#[test]
#[ignore = "writes pictures to look at into target/tmp/pictures"]
fn pictures_of_pages() {
    let Some(browser) = Browser::start(1280, 800) else {
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    fs::create_dir_all(&folder).expect("there is room for a folder");
    for (name, run) in pages() {
        picture(&browser, &folder, name, &run);
    }
    println!("pictures are in {}", folder.display());
}

fn picture(browser: &Browser, folder: &Path, name: &str, run: &Run) {
    let page = Page::of(browser, name, run);
    let write = |ending: String, bytes: Vec<u8>| {
        let path = folder.join(format!("{name}-{ending}"));
        fs::write(path, bytes).expect("there is room for a picture");
    };
    for (width, height, scheme) in LOOKS {
        browser.resize(width, height);
        browser.prefer(scheme);
        page.says("from");
        let first = browser.picture();
        let tall = page.run("return document.documentElement.scrollHeight");
        let tall = tall.as_u64().and_then(|tall| u32::try_from(tall).ok());
        browser.resize(width, tall.unwrap_or(height).min(12_000));
        page.says("from");
        write(format!("{width}-{scheme}.png"), first);
        write(format!("{width}-{scheme}-whole.png"), browser.picture());
    }
    browser.prefer("light");
    write("paper.pdf".to_owned(), browser.print());
}
