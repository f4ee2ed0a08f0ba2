//! PyTorch: weights from `.pt`, `.pth` and safetensors, and networks as PyTorch's code with their weights.
//!
//! [`import_weights`] fills an architecture with the weights of a file; [`TensorFile`] reads the file by itself. [`export`]
//! writes safetensors and the Python that rebuilds the network as an `nn.Module`.
//!
//! No file is executed: see [`TensorFile`].

mod element;
mod export;
mod import;
mod natural;
mod pickle;
mod tensors;

pub use element::ElementType;
pub use export::{PyTorchExport, export};
pub use import::{NameRule, WeightOptions, import_weights};
pub use tensors::{TensorFile, TensorInfo};
