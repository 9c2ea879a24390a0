//! Pages open in silence: no error, no request, nothing wider than the window.

use reports::html::render;

use crate::driver::Browser;
use crate::fixture::large::large;
use crate::fixture::{Run, runs};
use crate::page::Page;

pub(crate) fn pages() -> [(&'static str, Run); 7] {
    [
        ("stale-read", runs::stale_read()),
        ("healthy", runs::healthy()),
        ("unknown", runs::unknown()),
        ("vacuous", runs::vacuous()),
        ("history-only", runs::history_only()),
        ("wrong-clocks", runs::wrong_clocks()),
        (
            "hostile",
            runs::hostile("</script><img src=x onerror=alert(1)>\u{202e}"),
        ),
    ]
}

#[test]
fn pages_open_in_silence() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    for (name, run) in pages() {
        let page = Page::of(&browser, name, &run);
        page.click("in");
        let count = run.history.operations.len().to_string();
        assert_eq!(page.says("matches"), count, "{name}");
        assert_eq!(browser.console(), Vec::<String>::new(), "{name}");
        if name != "hostile" {
            the_first_screen_needs_no_scrolling(&page, name);
        }
        let elsewhere: Vec<String> = browser
            .requests()
            .into_iter()
            .filter(|address| *address != page.address && !address.starts_with("data:"))
            .collect();
        assert_eq!(elsewhere, Vec::<String>::new(), "{name}");
    }
    dark_pages_have_dark_timelines(&browser);
}

/// What went wrong, where, when, how to run it again and the five answers are seen at 1280×800.
fn the_first_screen_needs_no_scrolling(page: &Page<'_>, name: &str) {
    let bottom = page.run(
        "const last = document.querySelector('.answers') ?? document.querySelector('.verdict'); \
         return last.getBoundingClientRect().bottom + scrollY",
    );
    let bottom = bottom.as_f64().expect("it is a number");
    assert!(bottom < 800.0, "{name} ends at {bottom}");
}

fn dark_pages_have_dark_timelines(browser: &Browser) {
    let page = Page::of(browser, "stale-read", &runs::stale_read());
    let colours = |scheme: &str| {
        browser.prefer(scheme);
        page.says("from");
        page.run(
            "const { width, height } = document.querySelector('canvas'); \
             const pixels = document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height).data; \
             let sum = 0; for (const part of pixels) sum = (sum * 31 + part) % 1000003; \
             return [sum, getComputedStyle(document.body).backgroundColor]",
        )
    };
    let (dark, light) = (colours("dark"), colours("light"));
    assert_ne!(dark[0], light[0], "the canvas follows");
    assert_ne!(dark[1], light[1], "the page follows");
}

#[test]
fn narrow_windows_show_whole_pages() {
    let Some(browser) = Browser::start(400, 800) else {
        return;
    };
    for (name, run) in pages() {
        let page = Page::of(&browser, name, &run);
        let beyond = page.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        assert_eq!(beyond, 0, "{name} is wider than the window");
    }
}

#[test]
#[ignore = "takes a minute; tells how long large pages take to open"]
fn large_pages_open() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    for operations in [1_000, 100_000, 1_000_000] {
        let run = large(operations);
        let bytes = render(&run.data()).len();
        let page = Page::of(&browser, "large", &run);
        let paint = page.run(
            "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null",
        );
        println!(
            "{operations} operations: {bytes} bytes, first paint {paint} ms, drawn after {} ms",
            page.says("ready")
        );
        assert!(bytes < 25_000_000);
        assert_eq!(browser.console(), Vec::<String>::new());
    }
}
