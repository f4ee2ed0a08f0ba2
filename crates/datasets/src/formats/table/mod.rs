//! Tables: CSV and TSV files of numbers, or of texts.

mod categories;
mod columns;
mod limited;
mod load;
mod numbers;
mod options;
mod plan;
mod problem;
mod records;
mod target;
mod texts;

pub use columns::Column;
pub use load::Table;
pub use options::{MissingNumbers, TableHeader, TableOptions, TableTarget};
pub use problem::TableProblem;
pub use texts::TextTable;
