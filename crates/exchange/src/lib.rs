//! Models to other tools and from them: out as ONNX, for PyTorch and for Keras; in from all three and Hugging Face.
//!
//! What comes in is an [`Imported`]: a [`ModelFile`] in host memory, checked whole, and what had to be decided on the way.
//! What goes out is made from a [`ModelFile`]. Neither needs a device. An ONNX graph that is no chain of layers comes in as an
//! [`onnx::OnnxGraph`], which runs and learns on a device as it is.
//!
//! ```
//! use fireclay_exchange::{ModelFile, keras, onnx};
//! use fireclay_nn::{Device, ModelSpec, state};
//! use fireclay_store::ModelCard;
//!
//! let spec = ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().flatten().dense(3);
//! let tensors = state(&spec.build(&Device::default())?);
//! let model = ModelFile { card: ModelCard::new(spec), tensors };
//! let written = onnx::export(&model, &onnx::OnnxOptions::default())?;
//! assert_eq!(written.inputs[0].to_string(), "input: float32 [batch, 1, 8, 8]");
//!
//! // To Keras and back: the same network.
//! let path = std::env::temp_dir().join(format!("exchange-{}.keras", std::process::id()));
//! std::fs::write(&path, keras::export(&model)?)?;
//! let back = keras::import(&path)?.model;
//! assert_eq!(back.card.spec.summary()?.parameters(), model.card.spec.summary()?.parameters());
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No code in a file is executed, and nothing in it is taken as a path or fetched; the operators of a graph are those that are
//! known here. What there is nothing for is listed in one error, by name, kind and position: there is never half a model.
//!
//! Sister crates: `fireclay-backend` (devices), `fireclay-nn` (descriptions and layers), `fireclay-store` (our own files), `fireclay` (all of them behind one
//! door).

mod chain;
mod error;
mod file;
mod format;
pub mod huggingface;
mod imported;
mod inspect;
pub mod keras;
pub mod onnx;
pub mod pytorch;
mod words;
mod zipped;

pub use error::{ExchangeError, Unsupported};
pub use fireclay_store::ModelFile;
pub use format::FileFormat;
pub use imported::Imported;
pub use inspect::{Inspection, TensorEntry, ValueRange};
