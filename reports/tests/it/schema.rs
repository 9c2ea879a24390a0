//! JUnit XML against the schema of Jenkins' xUnit plugin.
//!
//! `junit-10.xsd` is that schema, under the MIT licence that it carries. A small judge reads from it which attributes and children each
//! element may and must have, and whether it holds text; order never matters in the elements that are judged. That it agrees with a
//! complete validator was tried once by hand on the documents below.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the events are those of another crate"
)]

use crate::ci::{all_kinds, hostile, stored};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use reports::ci::{Stored, Suite, junit};
use std::collections::{BTreeMap, BTreeSet};

/// What an element may hold.
#[derive(Debug, Default, Clone)]
struct Element {
    /// Whether each attribute must be there.
    attributes: BTreeMap<String, bool>,
    /// Attributes that hold a number of seconds.
    seconds: BTreeSet<String>,
    children: BTreeSet<String>,
    text: bool,
    /// Whether its children have an order, which is not judged.
    ordered: bool,
}

type Schema = BTreeMap<String, Element>;

fn attributes(tag: &BytesStart<'_>) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let attributes = tag.attributes().map(|attribute| {
        let attribute = attribute.expect("an attribute is written once and quoted");
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
        (text(attribute.key.as_ref()), value.into_owned())
    });
    attributes.collect()
}

fn schema() -> Schema {
    let mut schema = Schema::new();
    let mut types = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut depth = 0;
    let mut reader = Reader::from_str(include_str!("junit-10.xsd"));
    loop {
        let event = reader.read_event().unwrap();
        let (tag, ends) = match &event {
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            Event::End(_) => {
                depth -= 1;
                open = open.filter(|(at, _)| *at < depth);
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let said = attributes(tag);
        let name = said.get("name").cloned();
        let kind = tag.local_name().as_ref().to_vec();
        match (&open, kind.as_slice()) {
            (None, b"element" | b"complexType") if depth == 1 => {
                let name = name.expect("what stands on top has a name");
                let element = schema.entry(name.clone()).or_default();
                element.text = said.contains_key("mixed");
                match said.get("type").map(String::as_str) {
                    Some("xs:string") => element.text = true,
                    Some(other) => types.push((name.clone(), other.to_owned())),
                    None => {}
                }
                open = (!ends).then_some((depth, name));
            }
            (Some((_, of)), b"complexType") => {
                schema.get_mut(of).unwrap().text = said.contains_key("mixed");
            }
            (Some((_, of)), b"element") => {
                let element = schema.get_mut(of).unwrap();
                element.ordered |= name.is_some();
                let child = said.get("ref").cloned().or(name);
                element.children.extend(child);
            }
            (Some((_, of)), b"attribute") => {
                let element = schema.get_mut(of).unwrap();
                let name = name.expect("an attribute has a name");
                if said["type"] == "SUREFIRE_TIME" {
                    element.seconds.insert(name.clone());
                }
                let is_required = said.get("use").is_some_and(|how| how == "required");
                element.attributes.insert(name, is_required);
            }
            _ => {}
        }
        depth += usize::from(!ends);
    }
    for (name, kind) in types {
        schema.insert(name, schema[&kind].clone());
    }
    schema
}

/// What is wrong with a document, and how many elements were looked at.
fn judged(schema: &Schema, xml: &str) -> (Vec<String>, usize) {
    let (mut wrong, mut count) = (Vec::new(), 0);
    wrong.extend(
        xml.chars()
            .find(|char| !is_of_xml(*char))
            .map(|char| format!("character {char:?}")),
    );
    let mut open: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(xml);
    loop {
        let event = reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error}\n{xml}"));
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                count += 1;
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                wrong.extend(element(
                    schema,
                    open.last().map(String::as_str),
                    &name,
                    &attributes(tag),
                ));
                if matches!(event, Event::Start(_)) {
                    open.push(name);
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                let holder = open.last().expect("text stands in an element");
                if !schema.get(holder).is_some_and(|element| element.text) {
                    wrong.push(format!("text in {holder}"));
                }
            }
            Event::Eof => return (wrong, count),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// `Char` of XML 1.0, section 2.2.
fn is_of_xml(char: char) -> bool {
    match char {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        char => char >= ' ',
    }
}

fn element(
    schema: &Schema,
    parent: Option<&str>,
    name: &str,
    attributes: &BTreeMap<String, String>,
) -> Vec<String> {
    let Some(rules) = schema.get(name) else {
        return vec![format!("unknown element {name}")];
    };
    assert!(!rules.ordered, "the order in {name} is not judged");
    let mut wrong = Vec::new();
    if let Some(parent) = parent.and_then(|parent| schema.get(parent).map(|rules| (parent, rules)))
        && !parent.1.children.contains(name)
    {
        wrong.push(format!("{name} in {}", parent.0));
    }
    for (attribute, value) in attributes {
        if !rules.attributes.contains_key(attribute) {
            wrong.push(format!("attribute {attribute} of {name}"));
        }
        let is_number = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && value.matches('.').count() <= 1;
        if rules.seconds.contains(attribute) && !is_number {
            wrong.push(format!("{attribute} of {name} is {value}"));
        }
    }
    let required = rules.attributes.iter().filter(|(_, required)| **required);
    let missing = required.filter(|(attribute, _)| !attributes.contains_key(*attribute));
    wrong.extend(missing.map(|(attribute, _)| format!("{name} without {attribute}")));
    wrong
}

fn documents() -> Vec<String> {
    let results = all_kinds();
    let hostile = [hostile()];
    let lost = [Stored {
        result: Err("result.json cannot be read: <]]>&\u{0}\u{1b}\u{fffe}\u{ffff}\u{10ffff}"),
        folder: "runs/broken",
    }];
    let suites = |name, runs| junit(&[Suite { name, runs }]);
    vec![
        suites("nightly", &stored(&results)),
        suites("<&\">\u{1}", &stored(&hostile)),
        suites("lost", &lost),
        suites("nothing", &[]),
        junit(&[]),
        junit(&[
            Suite {
                name: "failed before",
                runs: &lost,
            },
            Suite {
                name: "fresh",
                runs: &stored(&results),
            },
        ]),
    ]
}

#[test]
fn the_schema_is_understood() {
    let schema = schema();
    assert_eq!(schema.len(), 15, "{:?}", schema.keys());
    let suite = &schema["testsuite"];
    assert_eq!(suite.attributes.len(), 14);
    let required = suite.attributes.iter().filter(|(_, required)| **required);
    let required: Vec<&str> = required.map(|(name, _)| name.as_str()).collect();
    assert_eq!(required, ["errors", "failures", "name", "tests"]);
    assert_eq!(suite.children.len(), 5);
    assert!(schema["failure"].text && schema["system-out"].text && !suite.text);
    assert_eq!(schema["testcase"].children.len(), 9);
    assert!(schema["rerunError"].ordered && schema["rerunError"].text);
}

#[test]
fn junit_is_valid_by_the_schema_of_jenkins() {
    let schema = schema();
    let mut elements = 0;
    for xml in documents() {
        let (wrong, count) = judged(&schema, &xml);
        assert_eq!(wrong, Vec::<String>::new(), "{xml}");
        elements += count;
    }
    assert!(elements > 60, "{elements}");
}

#[test]
fn what_the_schema_does_not_allow_is_noticed() {
    let schema = schema();
    let sound = &documents()[0];
    for (part, instead, expected) in [
        (
            "<testsuites ",
            "<testsuites skipped=\"0\" ",
            "attribute skipped of testsuites",
        ),
        (
            "<testsuite name=\"nightly\"",
            "<testsuite",
            "testsuite without name",
        ),
        (
            " failures=\"3\" time",
            " time",
            "testsuite without failures",
        ),
        (
            "<system-out>",
            "<properties/><system-out>",
            "properties in testcase",
        ),
        ("<system-out>", "text<system-out>", "text in testcase"),
        (
            "<system-out>",
            "<output/><system-out>",
            "unknown element output",
        ),
        (" time=\"", " time=\"about ", "time of testsuite is about "),
        (
            "type=\"violation\"",
            "kind=\"violation\"",
            "attribute kind of failure",
        ),
    ] {
        assert!(sound.contains(part), "{part} is not in {sound}");
        let changed = sound.replacen(part, instead, 1);
        let (wrong, _) = judged(&schema, &changed);
        assert!(
            wrong.iter().any(|one| one.starts_with(expected)),
            "{expected}: {wrong:?}\n{changed}"
        );
    }
}
