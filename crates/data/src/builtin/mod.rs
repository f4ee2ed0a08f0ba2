//! Data made by this crate from a seed, for use with no files and no network.

mod digits;

pub use digits::DrawnDigits;
