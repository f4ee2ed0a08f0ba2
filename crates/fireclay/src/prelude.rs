//! What most programs need: `use fireclay::prelude::*;`

pub use burn::module::Module;
pub use burn::tensor::{Device, Tensor};

pub use crate::backend::{DeviceName, set_threads, threads};
pub use crate::data::{
    Augmentation, Batch, BatchTargets, Cifar10, DataDir, Dataset, DrawnDigits, DrawnObjects, Imdb, Mnist,
    NamedInputs, Source, TargetKind, Targets, TextDataset, Texts, WrittenReviews,
};
pub use crate::nn::{
    AnyTensor, BinaryCrossEntropyLoss, Conv2dSpec, CrossEntropyLoss, DenseSpec, EmbeddingSpec, GruSpec,
    HuberLoss, InputSpec, LayerKind, LayerSpec, Loss, LstmSpec, MaeLoss, Model, ModelSpec, MseLoss, Network,
    Padding, PositionKind, ResidualSpec, Target, TransformerSpec,
};
pub use crate::store::{load_card, load_model};
pub use crate::train::{
    Accuracy, Adam, AdamW, AnyMetric, Callback, CallbackContext, CheckpointWriter, Direction, EarlyStopping,
    Evaluation, Event, F1, FitOptions, History, Metric, Muon, Optimizer, ParameterGroup, PrAuc, Predictor,
    RmsProp, RocAuc, Schedule, Sgd, TopK, Trainer, callback_fn, metric_fn,
};
