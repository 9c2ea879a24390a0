//! Zoom, search, filters, links, keys, faults, the way to the contradiction.

use crate::driver::Browser;
use crate::fixture::large::large;
use crate::fixture::runs::stale_read;
use crate::page::Page;

const HOME: &str = "\u{e011}";
const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";
const ESCAPE: &str = "\u{e00c}";
const MILLI: f64 = 1e6;

#[test]
fn a_reader_finds_the_way() {
    let Some(browser) = Browser::start(1280, 900) else {
        return;
    };
    let page = Page::of(&browser, "stale-read", &stale_read());
    keys_zoom_and_move(&page);
    the_contradiction_is_one_key_away(&page);
    a_tap_chooses(&page);
    search_and_filters_count(&page);
    matches_are_visited(&page);
    a_link_restores_the_view(&page);
    faults_and_leaders_have_lanes(&page);
    lanes_are_clients_or_nodes(&page);
    a_key_of_the_table_leads_to_its_operations(&page);
    assert_eq!(browser.console(), Vec::<String>::new());
    counts_take_the_place_of_bars(&Page::of(&browser, "large", &large(20_000)));
    assert_eq!(browser.console(), Vec::<String>::new());
}

fn keys_zoom_and_move(page: &Page<'_>) {
    let whole = page.view();
    page.keys("+");
    let (from, to) = page.view();
    assert!(to - from < (whole.1 - whole.0) / 1.5, "closer");
    page.keys(LEFT);
    assert!(page.view().0 < from, "earlier");
    page.keys(RIGHT);
    page.keys(RIGHT);
    assert!(page.view().0 > from, "later");
    page.keys("-");
    page.keys(HOME);
    assert_eq!(page.view(), whole);
    page.click("in");
    assert!(page.view().0 > whole.0);
    page.click("all");
    assert_eq!(page.view(), whole);
}

fn the_contradiction_is_one_key_away(page: &Page<'_>) {
    page.browser.keys("body", "v");
    assert_eq!(page.says("selected"), "29", "the stale read");
    let (from, to) = page.view();
    assert!(
        from < 12_380.0 * MILLI
            && from > 11_900.0 * MILLI
            && to > 13_024.0 * MILLI
            && to < 14_000.0 * MILLI
    );
    let chosen = page.text(".chosen");
    for words in ["read nil", "Answer16", "Noden3"] {
        assert!(chosen.contains(words), "{words}: {chosen}");
    }
}

fn a_tap_chooses(page: &Page<'_>) {
    page.keys(ESCAPE);
    assert_eq!(page.says("selected"), "");
    assert_eq!(page.text(".chosen"), "");
    let clients = [1, 2, 4, 6, 9, 11, 12];
    let row = clients
        .iter()
        .position(|client| *client == 9)
        .expect("it is there");
    let (x, y) = page.pixel(13_022.0 * MILLI, row as f64);
    page.browser.point(x, y, false);
    let tip = page.text(".tip");
    assert!(
        tip.contains("r 16 on k3: ok") && tip.contains("client 9 at n3"),
        "{tip}"
    );
    page.browser.point(x, y, true);
    assert_eq!(page.says("selected"), "29");
}

fn search_and_filters_count(page: &Page<'_>) {
    for (field, text, matches) in [
        ("text", "17", "4"),
        ("text", "TIMED", "1"),
        ("text", "client 9", "3"),
        ("text", "nothing like it", "0"),
        ("key", "k4", "2"),
        ("value", "16", "4"),
        ("type", "cas", "1"),
        ("node", "n3", "4"),
        ("outcome", "1", "1"),
        ("outcome", "2", "1"),
    ] {
        page.fill(field, text);
        page.wait_for("matches", matches);
        page.fill(field, "");
        page.wait_for("matches", "17");
    }
    page.fill("node", "n3");
    page.fill("type", "read");
    page.wait_for("matches", "3");
    page.fill("node", "");
    page.fill("type", "");
    page.wait_for("matches", "17");
}

fn matches_are_visited(page: &Page<'_>) {
    page.keys(ESCAPE);
    page.keys(HOME);
    page.browser.keys("body", "/");
    let focused = page.run("return document.activeElement.name");
    assert_eq!(focused, "text");
    page.browser.keys("input[name=text]", "17");
    page.wait_for("matches", "4");
    page.browser.keys("input[name=text]", ESCAPE);
    let mut visited = Vec::new();
    for key in ["n", "n", "n", "p"] {
        page.keys(key);
        visited.push(page.says("selected"));
    }
    assert_eq!(visited[1], visited[3], "back again: {visited:?}");
    assert!(
        visited[0] != visited[1] && visited[1] != visited[2],
        "{visited:?}"
    );
}

fn a_link_restores_the_view(page: &Page<'_>) {
    page.browser.keys("body", "v");
    page.fill("text", "");
    page.fill("key", "k3");
    page.fill("node", "n3");
    page.fill("type", "read");
    page.fill("outcome", "0");
    page.fill("value", "16");
    page.fill("lanes", "node");
    page.wait_for("matches", "2");
    let before = (page.view(), page.says("selected"), page.says("rows"));
    let fragment = page
        .browser
        .wait("return location.hash.includes('lanes=node') && location.hash");
    let fragment = fragment.as_str().expect("it is a text");
    page.open(fragment);
    assert_eq!(page.says("matches"), "2", "{fragment}");
    assert_eq!(
        (page.view(), page.says("selected"), page.says("rows")),
        before,
        "{fragment}"
    );
    page.open("#op=16");
    assert_eq!(
        (
            page.says("selected").as_str(),
            page.says("matches").as_str()
        ),
        ("16", "17")
    );
    page.open("#op=nonsense&t=9-1&lanes=%00&node=nobody");
    assert_eq!(page.says("selected"), "");
    page.open("");
}

fn faults_and_leaders_have_lanes(page: &Page<'_>) {
    assert_eq!(
        page.says("tracks"),
        "kill,partition,pause,n1 leads,n3 leads,n4 leads"
    );
    let top_row = page.number("row");
    let above = |track: f64| -(23.0 + (5.0 - track) * 18.0 - 5.0) / top_row - 0.5 + 4.0 / top_row;
    let (x, y) = page.pixel(13_000.0 * MILLI, above(1.0));
    page.browser.point(x, y, false);
    let tip = page.text(".tip");
    assert!(
        tip.contains("#3 partition n3 | n1 n2 n4 n5: installed"),
        "{tip}"
    );
    let (x, y) = page.pixel(25_000.0 * MILLI, above(5.0));
    page.browser.point(x, y, false);
    let tip = page.text(".tip");
    assert!(tip.contains("n4 led in term 4"), "{tip}");
}

fn lanes_are_clients_or_nodes(page: &Page<'_>) {
    assert_eq!(page.says("rows"), "7");
    page.fill("lanes", "node");
    page.wait_for("rows", "5");
    page.fill("lanes", "client");
    page.wait_for("rows", "7");
}

fn a_key_of_the_table_leads_to_its_operations(page: &Page<'_>) {
    page.run("document.querySelector('td a[href=\"#key=k4\"]').click()");
    page.wait_for("matches", "2");
    page.open("");
}

fn counts_take_the_place_of_bars(page: &Page<'_>) {
    assert_eq!(
        page.says("dense"),
        "10",
        "every client has more operations than pixels"
    );
    let (x, y) = page.pixel(5_000.0 * MILLI, 0.0);
    page.browser.point(x, y, false);
    let tip = page.text(".tip");
    assert!(
        tip.contains(" ok, ") && tip.contains("began within"),
        "{tip}"
    );
    page.keys("n");
    assert_ne!(page.says("selected"), "");
    assert_eq!(page.says("dense"), "0", "the one that was chosen is a bar");
}
