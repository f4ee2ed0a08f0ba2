//! How a column is named.

/// A column, by its name in the header or by its number from 0.
///
/// ```
/// use fireclay_datasets::Column;
///
/// assert_eq!(Column::from("price"), Column::Name("price".into()));
/// assert_eq!(Column::from(2), Column::Index(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The name in the header, without white space around it.
    Name(String),
    /// The number, from 0.
    Index(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Column::Name(name.to_owned())
    }
}

impl From<String> for Column {
    fn from(name: String) -> Self {
        Column::Name(name)
    }
}

impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Column::Index(index)
    }
}
