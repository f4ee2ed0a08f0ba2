//! Tables: CSV and TSV files of numbers, or of texts.

mod categories;
mod column;
mod columns;
mod limited;
mod load;
mod numbers;
mod options;
mod plan;
mod records;
mod target;
mod texts;

use crate::error::TableProblem;
pub use column::Column;
pub use load::Table;
pub use options::{MissingNumbers, TableHeader, TableOptions, TableTarget};
pub use texts::TextTable;
