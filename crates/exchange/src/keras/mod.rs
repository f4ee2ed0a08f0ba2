//! Keras: whole models from `.keras` and `.h5`, and out as `.keras`.
//!
//! [`import`] reads what Keras 3 and Keras 2 save with `model.save(path)`: `.keras`, and `.h5` with the whole model.
//! `Sequential` models and functional ones that are a chain with residual additions become a
//! [`ModelSpec`](fireclay_nn::ModelSpec): images are `[channels, height, width]` here and `[height, width, channels]` there,
//! gates and kernels change their places, and where an image is laid out flat, so do the weights behind it.
//!
//! A softmax at the end is left out, as [`ModelCard`](fireclay_store::ModelCard)s speak of networks that give logits, to
//! which predictions apply it; a sigmoid at the end stays, since a model without classes is read as it is.
//!
//! ```
//! use fireclay_exchange::{ModelFile, keras};
//! use fireclay_nn::{Device, ModelSpec, state};
//! use fireclay_store::ModelCard;
//!
//! let spec = ModelSpec::new([3, 8, 8]).conv2d(4, 3).relu().flatten().dense(10);
//! let model = spec.build(&Device::default())?;
//! let ours = ModelFile { card: ModelCard::new(spec), tensors: state(&model) };
//!
//! let path = std::env::temp_dir().join(format!("example-{}.keras", std::process::id()));
//! std::fs::write(&path, keras::export(&ours)?)?;
//! let back = keras::import(&path)?;
//! assert_eq!(back.model.card.spec.output_features()?, 10);
//! assert_eq!(back.model.tensors, ours.tensors);
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing of a file is executed: a `Lambda` layer and classes that are not Keras's own are refused, with all others for
//! which there is no layer here, in one list.

mod archive;
mod hdf5;
mod input;
mod output;

use std::path::Path;

use input::{Container, wrap};

use crate::file::read;
use crate::{ExchangeError, FileFormat, Imported, ModelFile};

/// The largest file that is read.
const MOST_FILE_BYTES: u64 = 8 << 30;

/// The longest description of a network.
const MOST_CONFIG_BYTES: u64 = 8 << 20;

/// Reads a whole model that Keras saved, as `.keras` or as HDF5; which of them it is its first bytes say.
///
/// # Errors
/// [`ExchangeError::Unsupported`] with every layer that cannot be taken over; [`ExchangeError::Model`] with every weight
/// that is missing, left over or of another shape, under the names that they have in the file;
/// [`ExchangeError::WeightsOnly`] for HDF5 with weights alone; [`ExchangeError::Malformed`] and
/// [`ExchangeError::TooLarge`] for anything that is not as Keras writes it.
///
/// ```
/// use fireclay_exchange::{ExchangeError, keras};
///
/// let path = std::env::temp_dir().join(format!("no-model-{}.keras", std::process::id()));
/// std::fs::write(&path, b"hello")?;
/// assert!(matches!(keras::import(&path), Err(ExchangeError::UnknownFormat { .. })));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn import(path: impl AsRef<Path>) -> Result<Imported, ExchangeError> {
    let path = path.as_ref();
    let bytes = read(path, MOST_FILE_BYTES)?;
    if bytes.starts_with(hdf5::SIGNATURE) {
        return import_hdf5(path, bytes);
    }
    if !bytes.starts_with(b"PK\x03\x04") {
        let found = match bytes.is_empty() {
            true => "it is empty".to_owned(),
            false => format!("it begins with '{}'", bytes[..bytes.len().min(8)].escape_ascii()),
        };
        return Err(ExchangeError::UnknownFormat { path: path.to_path_buf(), found });
    }
    let wrong = |problem| wrap(path, FileFormat::Keras, problem);
    let limit = bytes.len() as u64 * 100;
    let on_disk = bytes.len() as u64;
    let mut archive = archive::Archive::read(bytes).map_err(wrong)?;
    let config = archive.entry(archive::CONFIG, MOST_CONFIG_BYTES).map_err(wrong)?;
    let weights = archive.entry(archive::WEIGHTS, limit.min(MOST_FILE_BYTES)).map_err(wrong)?;
    drop(archive);
    let file = hdf5::Hdf5::read(weights, on_disk).map_err(wrong)?;
    let text = String::from_utf8(config)
        .map_err(|_| wrong(hdf5::Problem::Malformed(format!("'{}' is not UTF-8", archive::CONFIG))))?;
    input::translate(path, Container::Keras, &text, &file)
}

fn import_hdf5(path: &Path, bytes: Vec<u8>) -> Result<Imported, ExchangeError> {
    let wrong = |problem| wrap(path, FileFormat::Hdf5, problem);
    let on_disk = bytes.len() as u64;
    let file = hdf5::Hdf5::read(bytes, on_disk).map_err(wrong)?;
    let Some(config) = file.config() else {
        return Err(ExchangeError::WeightsOnly { path: path.to_path_buf() });
    };
    if config.len() as u64 > MOST_CONFIG_BYTES {
        let found = config.len() as u64;
        return Err(wrong(hdf5::Problem::TooLarge {
            what: "the description's length".into(),
            found,
            limit: MOST_CONFIG_BYTES,
        }));
    }
    input::translate(path, Container::Hdf5, config, &file)
}

/// Writes a model as a `.keras` file of Keras 3, which `keras.models.load_model(path)` reads in its safe mode. The model
/// there gives the logits of ours.
///
/// Images are channels-last in Keras. Preprocessing becomes a `Normalization` layer at the front, so that pictures are
/// given as bytes; class names and how a text becomes tokens have no place in the file. The same model gives the same bytes.
///
/// # Errors
/// [`ExchangeError::NotExpressible`] with every layer for which Keras has nothing; [`ExchangeError::Network`] if the
/// tensors are not those of the architecture or not finite.
pub fn export(model: &ModelFile) -> Result<Vec<u8>, ExchangeError> {
    output::export(model)
}
