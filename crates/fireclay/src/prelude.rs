//! What most programs need: `use fireclay::prelude::*;`

pub use burn::module::Module;
pub use burn::tensor::{Device, Tensor};

pub use crate::backend::{DeviceName, set_threads, threads};
pub use crate::data::{
    Augmentation, Cifar10, DataDir, Dataset, DrawnDigits, DrawnObjects, Imdb, Mnist, Targets, TextDataset,
    Texts, WrittenReviews,
};
pub use crate::nn::{
    AnyTensor, Conv2dSpec, DenseSpec, EmbeddingSpec, GruSpec, InputSpec, LayerKind, LayerSpec, Loss,
    LstmSpec, Model, ModelSpec, Network, Padding, PositionKind, ResidualSpec, TransformerSpec,
};
pub use crate::store::{load_card, load_model};
pub use crate::train::{
    Adam, AdamW, Callback, CheckpointWriter, EarlyStopping, Evaluation, FitOptions, History, Metric,
    Optimizer, RmsProp, Sgd, Trainer,
};
