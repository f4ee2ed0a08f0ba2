//! From rows of tables to the numbers that a network reads.
//!
//! A [`Frame`] holds a table's cells as they were written. [`Profile`] counts what a column holds, [`ColumnKind`] is what that
//! makes of it, and a [`TablePreprocessing`] learns from the training rows how each column becomes numbers: it goes into model
//! files, so that a saved model reads the same table. [`TableDataset`] makes a [`Dataset`](fireclay_data::Dataset) of a frame.
//! [`ColumnCheck`] finds what is wrong with a table before: columns that give the target away, and rows that contradict each other.
//!
//! Its sister crates: `fireclay-data` (what a training loop reads), `fireclay-datasets` (reads files), `fireclay-text` (texts),
//! `fireclay-train` (fit, evaluate, predict), `fireclay` (the front door).
//!
//! ```
//! use fireclay_data::{Dataset, Provenance};
//! use fireclay_tabular::{Frame, TableDataset, EncodingOptions, TablePreprocessing, TargetColumn};
//!
//! # fn main() -> Result<(), fireclay_tabular::TabularError> {
//! let mut flowers = Frame::new(["length", "colour", "kind"])?;
//! for row in [["5.1", "red", "tulip"], ["6.2", "white", "rose"], ["", "red", "tulip"]] {
//!     flowers.push(row)?;
//! }
//! let target = TargetColumn::classes(&flowers, "kind")?;
//! let preprocessing = TablePreprocessing::fit(&flowers, &target, &EncodingOptions::default())?;
//! // The length and whether it is missing, and a number for each colour.
//! assert_eq!(preprocessing.features(), ["length", "length is missing", "colour=red", "colour=white"]);
//! let provenance = Provenance::new("flowers", "train", "made by hand");
//! let dataset = Dataset::from_frame(&flowers, &preprocessing, &target, provenance)?;
//! assert_eq!((dataset.shape(), dataset.class_names().len()), (&[4][..], 2));
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod check;
mod dataset;
mod date;
mod error;
mod frame;
mod kind;
mod labels;
mod number;
mod preprocessing;
mod profile;
mod target;

pub use check::{ColumnCheck, LeakEvidence, MissingShare, RowCount, RowPairs, TargetLeak, UnseparatedText};
pub use dataset::TableDataset;
pub use date::DateFormat;
pub use error::TabularError;
pub use frame::Frame;
pub use kind::{ColumnKind, Inferred};
pub use labels::{LabelColumns, sort_labels};
pub use number::{Number, NumberFormat, is_missing};
pub use preprocessing::{
    CategoryEncoding, ColumnEncoding, DateEncoding, Encoding, EncodingOptions, NumberEncoding, NumberScale,
    Standard, TablePreprocessing, WordEncoding,
};
pub use profile::Profile;
pub use target::{TableTask, TargetColumn};
