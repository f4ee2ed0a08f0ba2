//! Tables: CSV and TSV files of numbers, or of texts.

mod categories;
mod column;
mod columns;
mod dialect;
mod encoding;
mod limited;
mod load;
mod options;
mod plan;
mod records;
mod rows;
mod target;
mod texts;

use crate::error::TableProblem;
pub use column::Column;
pub use dialect::Dialect;
pub use encoding::TextEncoding;
pub use load::Table;
pub use options::{MissingNumbers, TableHeader, TableOptions, TableTarget};
pub use rows::TableRows;
pub use texts::TextTable;
