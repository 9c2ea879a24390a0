//! Texts of the system under test stay texts: hostile ones render inert.

use crate::fixture::runs;
use std::collections::BTreeSet;

use reports::html::render;
use reports::{plots, terminal};

pub(crate) const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></script></svg><iframe src=//x>",
    "]]>--><!--&lt;&#60;script>",
    "\u{0}\u{1}\u{7f}\r\n\t\u{202e}\u{2028}\u{feff}",
    "",
];

const TAGS: &str = "!DOCTYPE a body br button canvas circle code dd details div dl dt figcaption figure form g h1 h2 h3 head header \
    html input label li line link main meta noscript ol option p path polygon polyline rect script section select span strong style \
    summary svg table tbody td text th thead title tr ul";

#[test]
fn hostile_texts_add_no_markup() {
    let allowed: BTreeSet<&str> = TAGS.split_whitespace().collect();
    for hostile in HOSTILE {
        let page = render(&runs::hostile(hostile).data());
        let tags = tags(&page);
        for tag in &tags {
            assert!(
                allowed.contains(tag.name.as_str()),
                "{hostile:?}: <{}>",
                tag.name
            );
            let handler = tag.attributes.iter().find(|name| name.starts_with("on"));
            assert!(
                handler.is_none(),
                "{hostile:?}: {handler:?} in <{}>",
                tag.name
            );
        }
        assert_eq!(
            tags.iter().filter(|tag| tag.name == "script").count(),
            3,
            "{hostile:?}: two scripts and the operations"
        );
        assert_eq!(
            tags.iter()
                .filter(|tag| tag.name == "title" && !tag.in_drawing)
                .count(),
            1,
            "{hostile:?}"
        );
    }
}

#[test]
fn hostile_texts_leave_the_structure_as_it_was() {
    let shape = |text: &str| -> Vec<String> {
        tags(&render(&runs::hostile(text).data()))
            .into_iter()
            .filter(|tag| !tag.in_drawing)
            .map(|tag| tag.name)
            .collect()
    };
    let plain = shape("plain");
    for hostile in HOSTILE {
        assert_eq!(shape(hostile), plain, "{hostile:?}");
    }
}

#[test]
fn invisible_characters_are_shown() {
    let hostile = HOSTILE[5];
    let run = runs::hostile(hostile);
    let hidden = |text: &str| {
        text.chars()
            .find(|character| hostile.contains(*character) && *character != '\n')
    };
    let plots = plots::all(&run.data());
    assert!(plots.len() > 3, "there is something to draw");
    let drawings = plots.iter().map(plots::Plot::file);
    for text in drawings.chain([render(&run.data())]) {
        assert_eq!(hidden(&text), None);
    }
    let result = run.result.expect("the fixture is a run");
    for line in terminal::verdict_lines(&result) {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn megabytes_are_cut() {
    let page = render(&runs::hostile(&"<x>".repeat(350_000)).data());
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(page.contains("characters)"), "the cut is said");
}

pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) in_drawing: bool,
}

/// The opening tags of a page in their order, read as a browser does: style and script end at their own closing tag, quoted
/// attribute values may hold anything but their quote.
pub(crate) fn tags(page: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut rest = page;
    let mut drawings = 0_usize;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        if let Some(closing) = rest.strip_prefix('/') {
            drawings -= usize::from(closing.starts_with("svg>"));
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        drawings += usize::from(tag.name == "svg");
        if tag.name == "style" || tag.name == "script" {
            rest = rest
                .split_once(&format!("</{}>", tag.name))
                .expect("the element ends")
                .1;
        }
        tags.push(Tag {
            in_drawing: drawings > 0,
            ..tag
        });
    }
    assert_eq!(drawings, 0, "every drawing ends");
    tags
}

fn tag(text: &str) -> (Tag, &str) {
    let end = text
        .find(|character: char| character.is_whitespace() || "/>".contains(character))
        .expect("a tag ends");
    let name = text[..end].to_owned();
    let mut attributes = Vec::new();
    let mut rest = text[end..].trim_start();
    while !rest.starts_with('>') {
        let end = rest
            .find(|character: char| character.is_whitespace() || "=/>".contains(character))
            .expect("a name ends");
        if end == 0 {
            rest = rest[1..].trim_start();
            continue;
        }
        attributes.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
        if let Some(value) = rest.strip_prefix("=\"") {
            rest = value.split_once('"').expect("a value ends").1.trim_start();
        }
    }
    (
        Tag {
            name,
            attributes,
            in_drawing: false,
        },
        &rest[1..],
    )
}
