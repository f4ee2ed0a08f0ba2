//! Published data sets, each fetched and checked by one mechanism.

mod cifar;
mod imdb;
mod mnist;

pub use cifar::{Cifar10, Cifar100};
pub use imdb::Imdb;
pub use mnist::Mnist;
