//! Optimisers: how gradients become steps.
//!
//! [`Optimizer`] is what a trainer needs of one. The built-in ones stand in a file each and in the table of
//! `built_in.rs`; names, defaults and checks are PyTorch's where it has the optimiser, the arithmetic is that of our
//! operations in one pass, or Burn's. Any other optimiser of Burn's goes through [`BurnOptimizer`].

mod adam;
mod adam_w;
mod any;
mod built_in;
mod burn_optimizer;
mod checks;
mod fused;
mod muon;
mod parameter_group;
mod rms_prop;
mod sgd;
mod update_rule;

use std::fmt;

use crate::TrainError;

pub use adam::Adam;
pub use adam_w::AdamW;
pub use any::AnyOptimizer;
pub use built_in::BuiltInOptimizer;
pub use burn_optimizer::BurnOptimizer;
pub use muon::Muon;
pub use parameter_group::ParameterGroup;
pub(crate) use parameter_group::{check_groups, init, resolve_groups};
pub use rms_prop::RmsProp;
pub use sgd::Sgd;
pub use update_rule::UpdateRule;

/// How gradients become steps.
///
/// Built in are [`Sgd`], [`RmsProp`], [`Adam`], [`AdamW`] and [`Muon`]. Any optimiser of `burn::optim`, or one that
/// implements Burn's trait, is given to a trainer in a [`BurnOptimizer`]. This trait is implemented where an optimiser
/// needs more: settings of its own to check, or another optimiser for vectors.
///
/// ```
/// use burn::optim::LionConfig;
/// use fireclay_train::{Adam, AnyOptimizer, Optimizer, Trainer, UpdateRule};
///
/// /// Lion for matrices, Adam for biases and other vectors.
/// #[derive(Debug)]
/// struct LionAndAdam(f64);
///
/// impl Optimizer for LionAndAdam {
///     fn name(&self) -> String {
///         "lion-and-adam".into()
///     }
///     fn learning_rate(&self) -> f64 {
///         self.0
///     }
///     fn update_rule(&self) -> UpdateRule {
///         UpdateRule::new(LionConfig::new().build())
///     }
///     fn vector_optimizer(&self) -> Option<AnyOptimizer> {
///         Some(Adam::new(10.0 * self.0).into())
///     }
/// }
///
/// # use burn::tensor::Device;
/// # let network = fireclay_nn::ModelSpec::new([2]).dense(1).build(&Device::flex()).unwrap();
/// let trainer = Trainer::regression(network).optimizer(LionAndAdam(1e-4));
/// assert_eq!(LionAndAdam(1e-4).vector_optimizer().unwrap().name(), "adam");
/// assert!(LionAndAdam(1e-4).built_in().is_none());
/// ```
pub trait Optimizer: fmt::Debug + Send + Sync + 'static {
    /// The name that is shown, and kept in checkpoints and model files, such as `adam`. A run is resumed with an
    /// optimiser of the same name.
    fn name(&self) -> String;

    /// Size of a step, more than 0; a [`Schedule`](crate::Schedule) multiplies it by a factor for each step.
    fn learning_rate(&self) -> f64;

    /// How one parameter is stepped. It is asked for once at the start of a run, and receives
    /// [`learning_rate`](Self::learning_rate) times the schedule's factor at each step.
    fn update_rule(&self) -> UpdateRule;

    /// Refuses settings that nothing can be trained with; called before a run.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    fn check(&self) -> Result<(), TrainError> {
        Ok(())
    }

    /// What steps parameters of one dimension, such as biases, where this optimiser is for matrices only; `None` if it
    /// steps all.
    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        None
    }

    /// The optimiser as data, if it is one of the built-in ones.
    fn built_in(&self) -> Option<BuiltInOptimizer> {
        None
    }
}
