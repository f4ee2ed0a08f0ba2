//! Inspection of data before training on it: a report in numbers, a contact sheet of images, a few texts to read.
//!
//! Nothing is printed here: reports serialise and have a `Display` fit for 80 columns, sheets are pictures. Which
//! samples are shown depends on a seed and on how many each class has, on nothing else.

mod choose;
mod describe;
mod display;
mod images;
mod numbers;
mod readable;
mod report;
mod samples;
#[cfg(feature = "images")]
mod sheet;
mod table;
mod texts;

pub use describe::{describe, describe_texts};
pub use fireclay_data::{ClassCount, DuplicateCount, DuplicatePair, Duplicates};
pub use report::{ByteStats, DataReport, FeatureReport, LengthStats, NumberStats, SplitReport, TargetReport};
pub use samples::{TextGroup, TextSample, TextSamples, sample_texts};
#[cfg(feature = "images")]
pub use sheet::{ContactSheet, Picture, Tile, TileRow};
