//! Names with numbers in them, in the order in which people count: `layers.2` before `layers.10`.

use std::cmp::Ordering;

/// Compares names part by part, digits by the number that they are.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let ((part_a, rest_a), (part_b, rest_b)) = match (next(a), next(b)) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_some().cmp(&b.is_some()),
        };
        let numbers = [part_a, part_b].map(|part| part.trim_start_matches('0'));
        let is_number = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
        let order = match is_number(part_a) && is_number(part_b) {
            true => numbers[0].len().cmp(&numbers[1].len()).then_with(|| numbers[0].cmp(numbers[1])),
            false => part_a.cmp(part_b),
        };
        match order.then_with(|| part_a.len().cmp(&part_b.len())) {
            Ordering::Equal => (a, b) = (rest_a, rest_b),
            other => return other,
        }
    }
}

/// The name with `#` for each number.
pub(super) fn template(name: &str) -> String {
    let (mut template, mut rest) = (String::new(), name);
    while let Some((part, after)) = next(rest) {
        let is_number = part.starts_with(|first: char| first.is_ascii_digit());
        template.push_str(if is_number { "#" } else { part });
        rest = after;
    }
    template
}

/// The first part, all digits or none, and what follows.
fn next(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?.is_ascii_digit();
    let end = text.find(|letter: char| letter.is_ascii_digit() != first).unwrap_or(text.len());
    Some(text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted() {
        let mut names = ["b.1", "a.10.x", "a.2.x", "a.2", "10", "9", "a"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["9", "10", "a", "a.2", "a.2.x", "a.10.x", "b.1"]);
        assert_eq!(template("layer10.conv2.weight"), "layer#.conv#.weight");
        assert_eq!(compare("a", "a"), Ordering::Equal);
    }
}
