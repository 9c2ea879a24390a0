//! A page that is open in a browser.

use reports::html::render;
use serde_json::Value;

use crate::driver::Browser;
use crate::fixture::Run;

/// The operations are there, and drawn.
const READY: &str = "return document.querySelector('section.context').dataset.ready ?? null";

pub(crate) struct Page<'b> {
    pub(crate) browser: &'b Browser,
    pub(crate) address: String,
}

impl<'b> Page<'b> {
    /// Opens the page of a run and waits until its operations are drawn.
    pub(crate) fn of(browser: &'b Browser, name: &str, run: &Run) -> Page<'b> {
        let path = browser.store(name, &render(&run.data()));
        let page = Page {
            browser,
            address: format!("file://{}", path.display()),
        };
        page.open("");
        page
    }

    /// Opens it anew, at a fragment of its address.
    pub(crate) fn open(&self, fragment: &str) {
        self.browser.open(&format!("{}{fragment}", self.address));
        self.browser.wait(READY);
    }

    /// What the timeline says of itself once it is drawn again.
    pub(crate) fn says(&self, name: &str) -> String {
        self.browser.run("window.drawn = false; requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = true; }))");
        self.browser.wait("return window.drawn");
        let said = self.browser.run(&format!(
            "return document.querySelector('section.context').dataset.{name}"
        ));
        said.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the timeline says this of itself.
    pub(crate) fn wait_for(&self, name: &str, said: &str) {
        let script =
            format!("return document.querySelector('section.context').dataset.{name} === '{said}'");
        self.browser.wait(&script);
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.says(name).parse().expect("it is a number")
    }

    /// The moments at the edges of the view.
    pub(crate) fn view(&self) -> (f64, f64) {
        (self.number("from"), self.number("to"))
    }

    /// Types on the timeline.
    pub(crate) fn keys(&self, text: &str) {
        self.browser.keys("canvas", text);
    }

    /// Fills a field of the form.
    pub(crate) fn fill(&self, field: &str, text: &str) {
        let script = format!(
            "const field = document.querySelector('.controls').elements.{field}; field.value = '{text}'; \
             field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
        );
        self.browser.run(&script);
    }

    pub(crate) fn click(&self, button: &str) {
        self.browser.run(&format!(
            "document.querySelector('.controls').elements.{button}.click()"
        ));
    }

    /// The pixel of the window where a moment of a row of the canvas lies; rows of operations count from 0.
    pub(crate) fn pixel(&self, moment: f64, row: f64) -> (f64, f64) {
        let (from, to) = self.view();
        let place = self.browser.run(
            "const canvas = document.querySelector('canvas'); canvas.scrollIntoView({ block: 'center' }); \
             const box = canvas.getBoundingClientRect(); return [box.left, box.top, box.width]",
        );
        let at = |i: usize| place[i].as_f64().expect("a box has numbers");
        let left = self.number("left");
        let x = left + (moment - from) / (to - from) * (at(2) - left - 8.0);
        let y = self.number("top") + (row + 0.5) * self.number("row");
        (at(0) + x, at(1) + y)
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        let said = self.browser.run(&format!(
            "return document.querySelector('{selector}').textContent"
        ));
        said.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn run(&self, script: &str) -> Value {
        self.browser.run(script)
    }
}
