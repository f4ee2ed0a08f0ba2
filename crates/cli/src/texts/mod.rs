//! Which texts a program reads, and how they become tokens.

mod source;
mod tokens;

pub use source::{TextSource, TextSourceArgs};
pub use tokens::{TokenPreprocessing, usual_texts};
