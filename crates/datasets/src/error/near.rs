//! "Did you mean": the name nearest to one that does not exist.

use strsim::levenshtein;

/// Longer names are not compared: the work grows with the product of two lengths.
const MOST_CHARS: usize = 64;

/// `"; did you mean \"label\"?"`, or nothing where no name is near.
pub(crate) fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let wanted = wanted.trim().to_lowercase();
    let most = (wanted.chars().count() / 2).clamp(1, 3);
    let near = (names.into_iter())
        .filter_map(|name| Some((distance(&wanted, &name.trim().to_lowercase())?, name)))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance);
    near.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}

/// `"a", "b" and 3 more`.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST_SHOWN: usize = 12;
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(MOST_SHOWN).map(short).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A quoted piece of a file for a message, cut where it is long.
pub(crate) fn short(text: &str) -> String {
    const MOST_SHOWN: usize = 40;
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many characters must be changed, added or left out; `None` for names that are not compared.
fn distance(a: &str, b: &str) -> Option<usize> {
    let is_short = |name: &str| name.chars().nth(MOST_CHARS).is_none();
    (is_short(a) && is_short(b)).then(|| levenshtein(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!(distance(a, b), Some(expected), "{a} {b}");
        }
        assert_eq!(distance(&"a".repeat(65), "a"), None);
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(did_you_mean("lable", ["text", "label"]), "; did you mean \"label\"?");
        assert_eq!(did_you_mean("Text", ["text", "label"]), "; did you mean \"text\"?");
        assert_eq!(did_you_mean("price", ["text", "label"]), "");
    }

    #[test]
    fn long_lists_and_texts_are_cut() {
        let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(list(names.iter().map(String::as_str)).ends_with("\"11\" and 8 more"));
        assert_eq!(short(&"é".repeat(50)).chars().filter(|c| *c == 'é').count(), 40);
    }
}
