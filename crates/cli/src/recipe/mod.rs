//! Recipes: how a model is trained, as data. Each network has one, and flags change parts of it ([`TrainingArgs`]).

mod args;
mod describe;
mod settings;
mod stored;

pub use args::{Preset, TrainingArgs};
pub use describe::{adversarial_training, privacy_spent};
pub use settings::{BestEpoch, Recipe};
