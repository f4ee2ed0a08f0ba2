//! The commands that all programs have.

mod data;
mod evaluate;
mod predict;
mod summary;
mod train;

pub use data::{ImageDataFlags, TextDataFlags, images as image_data, texts as text_data};
pub use evaluate::{EvaluateFlags, normalization, run as evaluate};
pub use predict::{ImagePredictFlags, ReadPicture, run as predict_images};
pub use summary::{SummaryFlags, run as summary};
pub use train::{ModelFlags, TrainFlags, run as train};
