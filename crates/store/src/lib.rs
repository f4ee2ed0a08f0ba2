//! Model files and checkpoints: one file each, written atomically, readable by every safetensors tool.
//!
//! A model is **one file** rather than a folder: it can be copied, mailed and renamed without losing a part, and one
//! rename makes it appear whole or not at all. The file is safetensors; its metadata holds one entry, `fireclay`,
//! whose value is the [`ModelCard`] as JSON: the architecture, the class names, the preprocessing, the data set the
//! model saw, how it was trained, and the Fireclay version. Tensors have PyTorch's names and layouts. The same model
//! gives the same bytes: there is no time and no path in the file. [`sign_model`] signs a file, so that whoever has the public key
//! can tell that it was not changed ([`verify_model`]).
//!
//! ```
//! use fireclay_nn::ModelSpec;
//! use fireclay_store::{Device, ModelCard, load_model, save_model};
//!
//! let device = Device::default();
//! let model = ModelSpec::new([4]).dense(3).build(&device)?;
//! let path = std::env::temp_dir().join(format!("doc-{}.fireclay", std::process::id()));
//! save_model(&path, &model, &ModelCard::new(model.spec().clone()))?;
//! let (loaded, card) = load_model(&path, &device)?;
//! assert_eq!(card.spec, *model.spec());
//! assert_eq!(fireclay_nn::state(&loaded), fireclay_nn::state(&model));
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Sister crates: `fireclay-nn` (layers and models), `fireclay-data` (data sets), `fireclay-train` (fit and
//! evaluate), `fireclay` (all of them behind one door).

mod atomic;
mod card;
mod checkpoint;
mod container;
mod error;
mod intervals;
mod keys;
mod model;
mod reference;
mod safetensors_file;
mod signature;
mod sparse;
mod weights;

pub use atomic::write_atomically;
pub use card::{DatasetCard, ModelCard, Preprocessing, PrivacyCard, SignatureCard, TrainingCard};
pub use checkpoint::{CheckpointFile, load_checkpoint, save_checkpoint};
pub use error::{KeyProblem, StoreError};
pub use fireclay_nn::Device;
pub use intervals::PredictionIntervals;
pub use keys::{SigningKey, VerifyingKey};
pub use model::{ModelFile, load_card, load_model, save_model};
pub use reference::{Distribution, ReferenceDistributions, population_stability_index};
pub use safetensors_file::{SafetensorsFile, map_file};
pub use signature::{detached_signature_path, sign_detached, sign_model, verify_detached, verify_model};
pub use weights::{load_weights, save_weights};
