//! A reader of XML that is strict about the little that JUnit's files use: elements, attributes,
//! text and the five entities. Anything else is no XML to it.

use std::collections::BTreeMap;

/// An element.
#[derive(Debug)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, String>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// The text in it.
    pub text: String,
}

/// Reads a document; panics where it is not well-formed.
pub fn parse(document: &str) -> Element {
    for character in document.chars() {
        let allowed = matches!(character, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || character > '\u{ffff}';
        assert!(allowed, "XML has no {character:?}");
    }
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let mut rest = document.strip_prefix(declaration).expect("it begins with a declaration");
    let root = element(&mut rest);
    assert_eq!(rest.trim(), "", "something follows the root");
    root
}

fn element(rest: &mut &str) -> Element {
    *rest = rest.strip_prefix('<').expect("an element begins");
    let name = word(rest);
    let mut attributes = BTreeMap::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("/>") {
            *rest = after;
            return Element { name, attributes, children: Vec::new(), text: String::new() };
        }
        if let Some(after) = rest.strip_prefix('>') {
            *rest = after;
            break;
        }
        let attribute = word(rest);
        *rest = rest.strip_prefix("=\"").expect("a value follows");
        let (value, after) = rest.split_once('"').expect("a value ends");
        assert!(!value.contains(['<', '\n']), "{value}");
        let before = attributes.insert(attribute, unescaped(value));
        assert!(before.is_none(), "an attribute stands twice");
        *rest = after;
    }
    let (mut children, mut text) = (Vec::new(), String::new());
    loop {
        let end = rest.find('<').expect("an element ends");
        assert!(!rest[..end].contains("]]>"), "text may not hold ]]>");
        text.push_str(&unescaped(&rest[..end]));
        *rest = &rest[end..];
        if let Some(after) = rest.strip_prefix("</") {
            *rest = after;
            assert_eq!(word(rest), name, "the end of another element");
            *rest = rest.strip_prefix('>').expect("a tag ends");
            return Element { name, attributes, children, text };
        }
        children.push(element(rest));
    }
}

fn word(rest: &mut &str) -> String {
    let end = rest.find(|it: char| !(it.is_alphanumeric() || it == '-' || it == '_'));
    let (word, after) = rest.split_at(end.expect("something follows a name"));
    assert!(!word.is_empty(), "a name is missing before {after:.20}");
    *rest = after;
    word.to_owned()
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';').expect("an entity ends");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#9" => '\t',
            "#10" => '\n',
            "#13" => '\r',
            other => panic!("there is no entity {other}"),
        });
        plain.push_str(after);
    }
    plain
}
