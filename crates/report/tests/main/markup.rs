//! Reads a page as strictly as XML, and checks what holds for every page.

use std::collections::BTreeSet;

const VOID: [&str; 3] = ["meta", "img", "br"];

/// A tag with its attributes.
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.0 == name).map(|attribute| attribute.1.as_str())
    }
}

/// All opening tags; every one of them is closed, in order, and every `<` outside of the style sheet opens one.
pub fn tags(page: &str) -> Vec<Tag> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let (mut open, mut found) = (Vec::<String>::new(), Vec::new());
    while let Some(at) = rest.find('<') {
        if open.last().is_some_and(|last| last == "style") {
            rest = &rest[rest.find("</style>").unwrap()..];
        } else {
            rest = &rest[at..];
        }
        if let Some(closing) = rest.strip_prefix("</") {
            let end = closing.find('>').unwrap();
            assert_eq!(open.pop().as_deref(), Some(&closing[..end]), "{}", &rest[..rest.len().min(80)]);
            rest = &closing[end + 1..];
            continue;
        }
        let (tag, after) = opening(&rest[1..]);
        if !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        found.push(tag);
        rest = after;
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    found
}

fn opening(text: &str) -> (Tag, &str) {
    let end = text.find([' ', '>']).unwrap();
    let name = text[..end].to_string();
    assert!(name.chars().all(|letter| letter.is_ascii_alphanumeric()), "a tag called {name:?}");
    let mut rest = &text[end..];
    let mut attributes = Vec::new();
    while let Some(attribute) = rest.strip_prefix(' ') {
        let equals = attribute.find("=\"").expect("an attribute with a value in quotes");
        let value = &attribute[equals + 2..];
        let quote = value.find('"').unwrap();
        attributes.push((attribute[..equals].to_string(), value[..quote].to_string()));
        rest = &value[quote + 1..];
    }
    (Tag { name, attributes }, rest.strip_prefix('>').expect("the end of a tag"))
}

/// What must hold for every page.
pub fn check(page: &str) {
    let tags = tags(page);
    let mut ids = BTreeSet::new();
    for tag in &tags {
        assert!(
            !["script", "link", "iframe", "object", "embed", "form", "base"].contains(&tag.name.as_str()),
            "{}",
            tag.name
        );
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on"), "{name}={value}");
            assert!(name != "src" || value.starts_with("data:image/png;base64,"), "{value}");
            assert!(name != "href" || value.starts_with('#'), "{value}");
            // Places and sizes are numbers.
            let geometry =
                ["d", "x", "y", "cx", "cy", "x1", "x2", "y1", "y2", "width", "height", "style", "points"];
            assert!(
                !geometry.contains(&name.as_str()) || !(value.contains("NaN") || value.contains("inf")),
                "{name}={value}"
            );
        }
        if let Some(id) = tag.attribute("id") {
            assert!(ids.insert(id), "two elements are called {id}");
        }
        match tag.name.as_str() {
            "svg" => assert!(
                tag.attribute("aria-label").is_some_and(|label| !label.is_empty())
                    || tag.attribute("aria-hidden").is_some()
            ),
            "img" => assert!(tag.attribute("alt").is_some_and(|alt| !alt.is_empty())),
            _ => {}
        }
    }
    for tag in &tags {
        if let Some(place) = tag.attribute("href") {
            assert!(ids.contains(&place[1..]), "{place} leads nowhere");
        }
    }
    let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
    assert!(
        !style.contains("url(")
            && !style.contains("@import")
            && style.contains("prefers-color-scheme: dark")
            && style.contains("@media print")
    );
    assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
    let hidden = page.chars().find(|letter| letter.is_control() && *letter != '\n');
    assert_eq!(hidden, None);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

/// The text of a page without its tags and style.
pub fn text(page: &str) -> String {
    let body = &page[page.find("<body>").unwrap()..];
    let mut text = String::new();
    let mut inside = false;
    for letter in body.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            letter if !inside => text.push(letter),
            _ => {}
        }
    }
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}
