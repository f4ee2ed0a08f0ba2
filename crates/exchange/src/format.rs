//! The forms in which models are kept.

use std::fmt;

/// A form in which models are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// Our own: safetensors with a description.
    Fireclay,
    /// A training of ours that can go on: weights, the state of the optimiser, and where the run stands.
    Checkpoint,
    /// Safetensors of another program, or weights of ours without a description: tensors with names.
    Safetensors,
    /// PyTorch's `.pt` and `.pth`, a ZIP archive with a pickle, or the pickle alone as before version 1.6.
    PyTorch,
    /// Keras 3's `.keras`, a ZIP archive.
    Keras,
    /// HDF5, as Keras 2 wrote whole models and Keras 3 writes weights.
    Hdf5,
    /// ONNX.
    Onnx,
    /// A folder with `config.json`, `model.safetensors` and a tokeniser, as Hugging Face's libraries write it.
    HuggingFace,
}

impl FileFormat {
    const ALL: [FileFormat; 8] = [
        FileFormat::Fireclay,
        FileFormat::Checkpoint,
        FileFormat::Safetensors,
        FileFormat::PyTorch,
        FileFormat::Keras,
        FileFormat::Hdf5,
        FileFormat::Onnx,
        FileFormat::HuggingFace,
    ];

    /// Whose safetensors are that have such texts.
    pub(crate) fn of_texts(texts: &[(String, String)]) -> Self {
        let has = |name: &str| texts.iter().any(|(own, _)| own == name);
        match (has("fireclay"), has("fireclay-checkpoint")) {
            (true, _) => FileFormat::Fireclay,
            (_, true) => FileFormat::Checkpoint,
            _ => FileFormat::Safetensors,
        }
    }

    pub(crate) fn listed() -> String {
        FileFormat::ALL.map(|format| format.to_string()).join(", ")
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileFormat::Fireclay => "a Fireclay model",
            FileFormat::Checkpoint => "a checkpoint of a training",
            FileFormat::Safetensors => "safetensors",
            FileFormat::PyTorch => "a PyTorch file (.pt, .pth)",
            FileFormat::Keras => "a Keras model (.keras)",
            FileFormat::Hdf5 => "HDF5 of Keras (.h5)",
            FileFormat::Onnx => "ONNX",
            FileFormat::HuggingFace => "a Hugging Face folder",
        })
    }
}
