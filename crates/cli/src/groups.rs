//! Groups of rows, by the cells of a column.

use std::collections::{BTreeMap, HashSet};

use fireclay::data::{Number, NumberFormat, sort_labels};

/// Numbers of more different values than this are grouped by quarters.
const MOST_GROUPS: usize = 20;

/// The rows of each group, by what their cells say: each value is one, but many different numbers make four.
pub fn groups(cells: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, cell) in cells.iter().map(|cell| cell.trim()).enumerate() {
        found.entry(if cell.is_empty() { "(empty)" } else { cell }).or_default().push(row);
    }
    let numbers = || {
        cells.iter().enumerate().filter_map(|(row, cell)| match NumberFormat::default().parse(cell) {
            Number::Finite(number) => Some((number, row)),
            _ => None,
        })
    };
    let is_numeric = 2 * numbers().count() > cells.len();
    if found.len() <= MOST_GROUPS || !is_numeric {
        let mut groups: Vec<(String, Vec<usize>)> =
            found.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect();
        sort_labels(&mut groups, |(name, _)| name);
        return groups;
    }
    let mut sorted: Vec<(f32, usize)> = numbers().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut starts: Vec<usize> = (0..=4).map(|quarter| quarter * sorted.len() / 4).collect();
    // Equal numbers are in one group.
    for start in &mut starts[1..4] {
        while *start > 0 && *start < sorted.len() && sorted[*start].0 == sorted[*start - 1].0 {
            *start += 1;
        }
    }
    starts.dedup();
    let mut groups: Vec<(String, Vec<usize>)> = starts
        .windows(2)
        .map(|part| {
            let part = &sorted[part[0]..part[1]];
            let name = format!("{} to {}", part[0].0, part[part.len() - 1].0);
            (name, part.iter().map(|(_, row)| *row).collect())
        })
        .collect();
    let known: HashSet<usize> = sorted.iter().map(|(_, row)| *row).collect();
    let others: Vec<usize> = (0..cells.len()).filter(|row| !known.contains(row)).collect();
    if !others.is_empty() {
        groups.push(("(no number)".into(), others));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: impl IntoIterator<Item = String>) -> Vec<(String, Vec<usize>)> {
        groups(&cells.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn values_are_groups_and_many_numbers_are_quarters() {
        let words = of(["b", "a", "", "b "].map(String::from));
        let expected = [("(empty)", vec![2]), ("a", vec![1]), ("b", vec![0, 3])];
        assert_eq!(words, expected.map(|(name, rows)| (name.to_owned(), rows)));
        let few = of((0..40).map(|row| (row % 12).to_string()));
        assert_eq!((few.len(), few[2].0.as_str(), few[10].0.as_str()), (12, "2", "10"));
        let many = of((0..100).map(|row| row.to_string()).chain(["?".to_owned()]));
        let names: Vec<&str> = many.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["0 to 24", "25 to 49", "50 to 74", "75 to 99", "(no number)"]);
        let most_alike = of((0..100usize).map(|row| row.saturating_sub(60).to_string()));
        assert_eq!(most_alike.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 100);
    }
}
