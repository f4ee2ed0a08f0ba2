//! Tables of text: a heading, a rule, rows; the first column to the left, the others to the right.

use std::fmt;

use super::readable::cut;

/// Rows of cells, each with as many cells as the heading.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns, beside the first, that read from the left.
    left: Vec<usize>,
}

impl Table {
    pub(super) fn new(heading: &[&str]) -> Self {
        Table { rows: vec![heading.iter().map(ToString::to_string).collect()], left: Vec::new() }
    }

    pub(super) fn with_left(mut self, column: usize) -> Self {
        self.left.push(column);
        self
    }

    pub(super) fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    /// Every line ends with a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            (self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
                .unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(width).collect();
        // Names give way to numbers.
        let others: usize = widths.iter().skip(1).map(|width| width + 2).sum();
        if let Some(first) = widths.first_mut() {
            *first = (*first).min(80usize.saturating_sub(others).max(8));
        }
        let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1));
        for (index, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                let cell = if column == 0 { cut(cell, *width) } else { cell.clone() };
                line.push_str(&match column == 0 || self.left.contains(&column) {
                    true => format!("{cell:<width$}"),
                    false => format!("{cell:>width$}"),
                });
            }
            writeln!(f, "{}", line.trim_end())?;
            if index == 0 {
                writeln!(f, "{rule}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heading() {
        let mut table = Table::new(&["class", "train"]);
        table.push(vec!["été".into(), "1,200".into()]);
        table.push(vec!["a".repeat(100), "7".into()]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].chars().count(), 80);
        assert_eq!(lines[1], "-".repeat(80));
        assert!(lines[2].starts_with("été  ") && lines[2].ends_with("  1,200"), "{text}");
        assert!(lines[3].contains("aaa...      7"), "{text}");
    }
}
