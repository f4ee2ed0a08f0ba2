//! What decided: how much each pixel, word or column had part in a model's answer.
//!
//! An [`Explainer`] asks a trained model. Of the gradient methods, [`Explainer::integrated_gradients`] is the one to begin with: its
//! attributions add up to the difference between the answer and that for a baseline, and it says what they lack of it.
//! [`Explainer::grad_cam`] shows where in an image a convolutional network looks, [`Explainer::occlusion`] what becomes of the answer
//! without a part of the sample, whatever the network is. [`Explainer::randomization_check`] finds out whether an explanation depends
//! on what the model has learnt.
//!
//! [`Explainer::attention_rollout`] follows the attention of a transformer. A [`Subject`] explains a sample in the parts that people see,
//! pixels, words or columns, by any [`Method`], of the answer that a [`Question`] chooses.
//!
//! An explanation is of the model, not of the world: it says what this network went by, and not whether that is right.
//!
//! Sister crates: `fireclay-nn` (models), `fireclay-train` (predictors), `fireclay` (all of them behind one door).

mod error;
mod explainer;
mod grad_cam;
mod gradients;
mod occlusion;
mod quadrature;
mod randomization;
mod rollout;
mod subject;
mod target;

pub use error::ExplainError;
pub use explainer::{Encoded, Explainer};
pub use grad_cam::GradCam;
pub use gradients::{Attribution, Integrated, IntegratedGradients, SmoothGrad};
pub use occlusion::Occlusion;
pub use randomization::{Randomized, spearman};
pub use subject::{Asked, Baseline, Found, Method, Question, Subject, Way};
pub use target::Target;
