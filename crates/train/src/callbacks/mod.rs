//! Listeners that most runs want.

mod checkpoint_writer;
mod early_stopping;
mod watched;

pub use checkpoint_writer::CheckpointWriter;
pub use early_stopping::EarlyStopping;
