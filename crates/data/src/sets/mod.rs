//! Published data sets, each fetched and checked by one mechanism.

mod mnist;

pub use mnist::Mnist;
