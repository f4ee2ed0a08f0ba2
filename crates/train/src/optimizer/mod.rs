//! Optimisers: how gradients become steps.
//!
//! [`Optimizer`] is what a trainer needs of one. The built-in ones stand in a file each and in the table
//! further down; names, defaults and checks are PyTorch's where it has the optimiser, the arithmetic is that of our
//! operations in one pass (`fused.rs`), which is for optimisers that step most runs, or Burn's, or stands in plain
//! operations beside the settings (`plain.rs` has what those have in common). Any other optimiser of Burn's goes through
//! [`BurnOptimizer`]. L-BFGS is none: it evaluates the loss of one and the same data again within a step and needs the
//! products of all parameters' gradients together, while here a step has one batch and one parameter at a time.

mod adadelta;
mod adagrad;
mod adam;
mod adam_w;
mod any;
mod burn_optimizer;
mod checks;
mod fused;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod parameter_group;
mod plain;
mod radam;
mod rms_prop;
mod sgd;
mod update_rule;

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::TrainError;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adam_w::AdamW;
pub use any::AnyOptimizer;
pub use burn_optimizer::BurnOptimizer;
pub use lamb::Lamb;
pub use lion::Lion;
pub use muon::Muon;
pub use nadam::NAdam;
pub use parameter_group::ParameterGroup;
pub(crate) use parameter_group::{check_groups, init, resolve_groups};
pub use radam::RAdam;
pub use rms_prop::RmsProp;
pub use sgd::Sgd;
pub use update_rule::UpdateRule;

/// How gradients become steps.
///
/// The built-in ones are the variants of [`BuiltInOptimizer`]. Any optimiser of `burn::optim`, or one that
/// implements Burn's trait, is given to a trainer in a [`BurnOptimizer`]. This trait is implemented where an optimiser
/// needs more: settings of its own to check, or another optimiser for vectors.
///
/// ```
/// use burn::optim::AdanConfig;
/// use fireclay_train::{Adam, AnyOptimizer, Optimizer, Trainer, UpdateRule};
///
/// /// Adan for matrices, Adam for biases and other vectors.
/// #[derive(Debug)]
/// struct AdanAndAdam(f64);
///
/// impl Optimizer for AdanAndAdam {
///     fn name(&self) -> String {
///         "adan-and-adam".into()
///     }
///     fn learning_rate(&self) -> f64 {
///         self.0
///     }
///     fn update_rule(&self) -> UpdateRule {
///         UpdateRule::new(AdanConfig::new().build())
///     }
///     fn vector_optimizer(&self) -> Option<AnyOptimizer> {
///         Some(Adam::new(self.0 / 2.0).into())
///     }
/// }
///
/// # use burn::tensor::Device;
/// # let network = fireclay_nn::ModelSpec::new([2]).dense(1).build(&Device::flex()).unwrap();
/// let trainer = Trainer::regression(network).optimizer(AdanAndAdam(1e-3));
/// assert_eq!(AdanAndAdam(1e-3).vector_optimizer().unwrap().name(), "adam");
/// assert!(AdanAndAdam(1e-3).built_in().is_none());
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

/// What a built-in optimiser has besides [`Optimizer`].
trait BuiltIn: Optimizer + Sized {
    /// The names that [`BuiltInOptimizer::by_name`] knows it by.
    const NAMES: &'static [&'static str];

    /// The learning rate that it is commonly started with.
    const USUAL_LEARNING_RATE: f64;

    /// One of the names with its defaults.
    fn by_name(name: &str, learning_rate: f64) -> Self;

    fn set_learning_rate(&mut self, learning_rate: f64);

    fn set_weight_decay(&mut self, weight_decay: f64);
}

macro_rules! built_in_optimizers {
    ($($tag:literal => $optimizer:ident,)+) => {
        /// A built-in optimiser with its settings, as data: what files and flags give.
        ///
        /// It is written with a `type`, as in `{"type":"adam","learning_rate":0.001,...}`.
        ///
        /// ```
        /// use fireclay_train::{Adam, BuiltInOptimizer, Optimizer};
        ///
        /// let optimizer = BuiltInOptimizer::by_name("adam", 1e-3)?;
        /// assert_eq!(optimizer, Adam::new(1e-3).into());
        /// assert_eq!(optimizer.with_learning_rate(0.01).learning_rate(), 0.01);
        /// let message = BuiltInOptimizer::by_name("adamm", 1e-3).unwrap_err().to_string();
        /// assert!(message.contains("adam, adamw") && message.contains(" or "));
        /// # Ok::<(), fireclay_train::TrainError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum BuiltInOptimizer {
            $(
                #[doc = concat!("[`", stringify!($optimizer), "`], written as `", $tag, "`.")]
                #[serde(rename = $tag)]
                $optimizer($optimizer),
            )+
        }

        /// An optimiser as it stands in files.
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        enum Written {
            $(
                #[serde(rename = $tag)]
                $optimizer($optimizer),
            )+
            #[serde(rename = "custom")]
            Custom { name: String, learning_rate: f64 },
        }

        impl Written {
            /// The built-in optimiser, or the name and the learning rate of another one.
            fn built_in(self) -> Result<BuiltInOptimizer, (String, f64)> {
                match self {
                    $(Written::$optimizer(optimizer) => Ok(optimizer.into()),)+
                    Written::Custom { name, learning_rate } => Err((name, learning_rate)),
                }
            }
        }

        impl From<BuiltInOptimizer> for Written {
            fn from(optimizer: BuiltInOptimizer) -> Self {
                match optimizer {
                    $(BuiltInOptimizer::$optimizer(optimizer) => Written::$optimizer(optimizer),)+
                }
            }
        }

        $(
            impl From<$optimizer> for BuiltInOptimizer {
                fn from(optimizer: $optimizer) -> Self {
                    BuiltInOptimizer::$optimizer(optimizer)
                }
            }
        )+

        impl BuiltInOptimizer {
            const COUNT: usize = 0 $(+ <$optimizer as BuiltIn>::NAMES.len())+;

            /// The names that [`by_name`](Self::by_name) knows.
            pub const NAMES: [&'static str; Self::COUNT] =
                joined(&[$(<$optimizer as BuiltIn>::NAMES),+]);

            /// An optimiser by its name, with its defaults: `momentum` and `nesterov` are SGD with momentum 0.9.
            ///
            /// # Errors
            /// [`TrainError::Setting`] with the names that there are, if there is no such name.
            pub fn by_name(name: &str, learning_rate: f64) -> Result<Self, TrainError> {
                $(
                    if <$optimizer as BuiltIn>::NAMES.contains(&name) {
                        return Ok(<$optimizer as BuiltIn>::by_name(name, learning_rate).into());
                    }
                )+
                Err(unknown(name))
            }

            /// The learning rate that an optimiser is commonly started with, by its name.
            ///
            /// ```
            /// use fireclay_train::BuiltInOptimizer;
            /// assert_eq!(BuiltInOptimizer::usual_learning_rate("sgd")?, 1e-2);
            /// # Ok::<(), fireclay_train::TrainError>(())
            /// ```
            ///
            /// # Errors
            /// [`TrainError::Setting`] with the names that there are, if there is no such name.
            pub fn usual_learning_rate(name: &str) -> Result<f64, TrainError> {
                $(
                    if <$optimizer as BuiltIn>::NAMES.contains(&name) {
                        return Ok(<$optimizer as BuiltIn>::USUAL_LEARNING_RATE);
                    }
                )+
                Err(unknown(name))
            }

            /// Sets the size of a step; Muon's for vectors keeps its proportion to it.
            pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
                match &mut self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer.set_learning_rate(learning_rate),)+
                }
                self
            }

            /// Sets the weight decay: an L2 penalty or decoupled, as the optimiser has it.
            pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
                match &mut self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer.set_weight_decay(weight_decay),)+
                }
                self
            }

            fn inner(&self) -> &dyn Optimizer {
                match self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer,)+
                }
            }
        }
    };
}

built_in_optimizers! {
    "sgd" => Sgd,
    "rmsprop" => RmsProp,
    "adam" => Adam,
    "adamw" => AdamW,
    "muon" => Muon,
    "adagrad" => Adagrad,
    "adadelta" => Adadelta,
    "nadam" => NAdam,
    "radam" => RAdam,
    "lamb" => Lamb,
    "lion" => Lion,
}

fn unknown(name: &str) -> TrainError {
    TrainError::Setting { setting: "optimizer", found: format!("'{name}'"), expected: EXPECTED.as_str() }
}

/// The names in words.
static EXPECTED: LazyLock<String> = LazyLock::new(|| {
    let [names @ .., last] = &BuiltInOptimizer::NAMES;
    format!("{} or {last}", names.join(", "))
});

/// Lists of names as one.
const fn joined<const N: usize>(lists: &[&[&'static str]]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut name = 0;
        while name < lists[list].len() {
            names[at] = lists[list][name];
            (name, at) = (name + 1, at + 1);
        }
        list += 1;
    }
    names
}

/// [`Adam`] with learning rate 1e-3.
impl Default for BuiltInOptimizer {
    fn default() -> Self {
        Adam::new(1e-3).into()
    }
}

impl Optimizer for BuiltInOptimizer {
    fn name(&self) -> String {
        self.inner().name()
    }

    fn learning_rate(&self) -> f64 {
        self.inner().learning_rate()
    }

    fn update_rule(&self) -> UpdateRule {
        self.inner().update_rule()
    }

    fn check(&self) -> Result<(), TrainError> {
        self.inner().check()
    }

    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        self.inner().vector_optimizer()
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests;
