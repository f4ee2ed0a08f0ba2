//! A table's cells, as they were written.

use std::collections::HashMap;

use crate::TabularError;

/// The cells of a table in memory, by columns, each as it was written in the file. What they mean is found later, from all of
/// them.
///
/// ```
/// use fireclay_tabular::Frame;
///
/// # fn main() -> Result<(), fireclay_tabular::TabularError> {
/// let mut frame = Frame::new(["name", "age"])?;
/// frame.push(["Ada", "36"])?;
/// assert_eq!((frame.len(), frame.cell(0, 1)), (1, "36"));
/// assert!(frame.push(["Alan"]).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    names: Vec<String>,
    columns: Vec<Cells>,
    rows: usize,
}

/// One column: its cells one after the other, and where each ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }
}

impl Frame {
    /// A table without rows yet.
    ///
    /// # Errors
    /// [`TabularError::SameName`] if two columns have one name.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, TabularError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let mut seen = HashMap::new();
        for (second, name) in names.iter().enumerate() {
            if let Some(first) = seen.insert(name, second) {
                return Err(TabularError::SameName { name: name.clone(), first, second });
            }
        }
        let columns = vec![Cells::default(); names.len()];
        Ok(Frame { names, columns, rows: 0 })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`TabularError::Width`] if it does not have a cell for each column; nothing is added then.
    pub fn push<'a>(&mut self, row: impl IntoIterator<Item = &'a str>) -> Result<(), TabularError> {
        let mut found = 0;
        for cell in row {
            if let Some(column) = self.columns.get_mut(found) {
                column.text.push_str(cell);
                column.ends.push(column.text.len());
            }
            found += 1;
        }
        if found == self.names.len() {
            self.rows += 1;
            return Ok(());
        }
        for column in &mut self.columns {
            column.ends.truncate(self.rows);
            column.text.truncate(column.ends.last().copied().unwrap_or(0));
        }
        Err(TabularError::Width { row: self.rows, expected: self.names.len(), found })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where the column of this name is.
    ///
    /// # Errors
    /// [`TabularError::NoColumn`], with the nearest name.
    pub fn find(&self, name: &str) -> Result<usize, TabularError> {
        self.names
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| TabularError::no_column(name, &self.names))
    }

    /// A cell.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.columns[column].get(row)
    }

    /// The cells of a column, from the first row to the last.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn column(&self, column: usize) -> impl ExactSizeIterator<Item = &str> + Clone {
        let cells = &self.columns[column];
        (0..self.rows).map(|row| cells.get(row))
    }

    /// The rows at these indices, in that order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Frame {
        let taken = |cells: &Cells| {
            let mut taken = Cells::default();
            for &row in rows {
                taken.text.push_str(cells.get(row));
                taken.ends.push(taken.text.len());
            }
            taken
        };
        Frame {
            names: self.names.clone(),
            columns: self.columns.iter().map(taken).collect(),
            rows: rows.len(),
        }
    }

    /// How many bytes the cells take.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|cells| cells.text.len() + cells.ends.len() * size_of::<usize>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        let mut frame = Frame::new(["a", "b"]).unwrap();
        for row in [["1", "é"], ["", "22"], ["333", ""]] {
            frame.push(row).unwrap();
        }
        frame
    }

    #[test]
    fn cells_are_as_they_were_pushed_and_selected() {
        let frame = frame();
        assert_eq!(frame.column(0).collect::<Vec<_>>(), ["1", "", "333"]);
        let taken = frame.select(&[2, 0, 2]);
        assert_eq!(taken.column(1).collect::<Vec<_>>(), ["", "é", ""]);
        assert_eq!((taken.len(), taken.cell(1, 0)), (3, "1"));
    }

    #[test]
    fn a_row_of_another_width_leaves_nothing_behind() {
        let mut frame = frame();
        let before = frame.clone();
        for row in [&["x"][..], &["x", "y", "z"], &[]] {
            let message = frame.push(row.iter().copied()).unwrap_err().to_string();
            assert!(message.contains("2"), "{message}");
            assert_eq!(frame, before);
        }
    }

    #[test]
    fn a_name_is_there_once_and_a_missing_one_has_a_neighbour() {
        assert!(Frame::new(["a", "b", "a"]).unwrap_err().to_string().contains("\"a\""));
        let message = Frame::new(["price", "size"]).unwrap().find("prize").unwrap_err().to_string();
        assert!(message.contains("did you mean \"price\""), "{message}");
    }
}
