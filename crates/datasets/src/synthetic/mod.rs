//! Data made by this crate from a seed, for use with no files and no network.

mod digits;
mod objects;
mod reviews;
mod waves;

pub use digits::DrawnDigits;
pub use objects::DrawnObjects;
pub use reviews::WrittenReviews;
