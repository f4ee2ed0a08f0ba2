//! Models to and from other tools: ONNX, PyTorch, Keras and Hugging Face.
//!
//! What comes in is an [`Imported`]: a [`ModelFile`] in host memory, checked whole, and what had to be decided on the way.
//! What goes out is made from a [`ModelFile`]. Neither needs a device.
//!
//! Nothing in a file is executed, taken as a path, or fetched. What cannot be taken over is listed whole in one error, by
//! name, kind and position: there is never half a model.
//!
//! Sister crates: `fireclay-nn` (descriptions and layers), `fireclay-store` (our own files), `fireclay` (all of them behind one
//! door).

mod error;
mod file;
mod format;
pub mod huggingface;
mod imported;
mod inspect;
pub mod keras;
pub mod onnx;
pub mod pytorch;

pub use error::{ExchangeError, Unsupported};
pub use fireclay_store::ModelFile;
pub use format::FileFormat;
pub use imported::Imported;
pub use inspect::{Inspection, TensorEntry, ValueRange};
