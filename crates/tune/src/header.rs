//! What a search is, and how two of them differ: results of one must never be taken for those of another.

use serde_json::Value;

use crate::{SearchOptions, Space};

/// The most differences that a message lists.
const MOST_DIFFERENCES: usize = 5;

/// What a search is, written into the first line of its journal: with another header it is another search.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// What is searched.
    pub space: Space,
    /// How it is searched.
    pub options: SearchOptions,
    /// What else the scores depend on, for example the digest of the data and the recipe that the settings are put into. It is
    /// compared and not otherwise looked at.
    pub context: Value,
}

impl Header {
    /// What differs between this header, that of the file, and the one that is given now.
    pub(crate) fn differences(&self, now: &Header) -> Vec<String> {
        let value = |header: &Header| {
            serde_json::json!({
                "space": header.space, "options": header.options, "context": header.context
            })
        };
        let mut differences = Vec::new();
        find_differences("", Some(&value(self)), Some(&value(now)), &mut differences);
        if differences.is_empty() {
            differences.push("the parameters of the space are in another order".to_owned());
        }
        let more = differences.len().saturating_sub(MOST_DIFFERENCES);
        differences.truncate(MOST_DIFFERENCES);
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        differences
    }
}

/// Lists the innermost fields that differ.
fn find_differences(field: &str, file: Option<&Value>, now: Option<&Value>, found: &mut Vec<String>) {
    if file == now {
        return;
    }
    if let (Some(Value::Object(file)), Some(Value::Object(now))) = (file, now) {
        let added = now.keys().filter(|name| !file.contains_key(*name));
        for name in file.keys().chain(added) {
            let inner = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
            find_differences(&inner, file.get(name), now.get(name), found);
        }
        return;
    }
    let text = |value: Option<&Value>| value.map_or("missing".to_owned(), Value::to_string);
    found.push(format!("{field} is {} in the file and now {}", text(file), text(now)));
}
