//! Burn's other optimisers, and those of the user's own that implement Burn's trait.

use std::fmt;
use std::sync::Arc;

use super::{Optimizer, UpdateRule};
use crate::TrainError;

/// Any optimiser of `burn::optim`, or one that implements Burn's `Optimizer`, with a name and a learning rate.
///
/// Its state is kept in checkpoints; a run is resumed by a trainer that was given an optimiser of the same name.
///
/// ```
/// use burn::optim::AdanConfig;
/// use burn::tensor::Device;
/// use fireclay_datasets::DrawnDigits;
/// use fireclay_nn::ModelSpec;
/// use fireclay_train::{BurnOptimizer, FitOptions, Trainer};
///
/// let (train, test) = DrawnDigits::new(0).train_and_test(512, 128);
/// let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build(&Device::flex())?;
/// let adan = BurnOptimizer::new("adan", AdanConfig::new().build(), 0.01);
/// let mut trainer = Trainer::classification(model).optimizer(adan);
/// trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
/// assert!(trainer.evaluate(&test)?.accuracy().unwrap() > 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An optimiser of one's own is a step for one parameter. Here, only the sign of each gradient counts
/// ([Bernstein et al. 2018](https://arxiv.org/abs/1802.04434)):
///
/// ```
/// use burn::optim::LearningRate;
/// use burn::tensor::{Device, Tensor};
/// use fireclay_train::{BurnOptimizer, Optimizer};
///
/// #[derive(Clone)]
/// struct SignSgd;
///
/// impl burn::optim::Optimizer for SignSgd {
///     type State<const D: usize> = ();
///
///     fn step<const D: usize>(
///         &self,
///         learning_rate: LearningRate,
///         parameter: Tensor<D>,
///         gradient: Tensor<D>,
///         _: Option<()>,
///     ) -> (Tensor<D>, Option<()>) {
///         (parameter - gradient.sign() * learning_rate, None)
///     }
///
///     fn to_device<const D: usize>(_: (), _: &Device) {}
/// }
///
/// let sign_sgd = BurnOptimizer::new("sign-sgd", SignSgd, 1e-3);
/// assert_eq!((sign_sgd.name().as_str(), sign_sgd.learning_rate()), ("sign-sgd", 1e-3));
/// # use fireclay_train::{FitOptions, Trainer};
/// # let (train, test) = fireclay_datasets::DrawnDigits::new(0).train_and_test(512, 128);
/// # let model = fireclay_nn::ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10);
/// # let mut trainer = Trainer::classification(model.build(&Device::flex())?).optimizer(sign_sgd);
/// # trainer.fit(&train, &FitOptions { epochs: 3, batch_size: 32, ..FitOptions::default() })?;
/// # assert!(trainer.evaluate(&test)?.accuracy().unwrap() > 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BurnOptimizer {
    name: String,
    learning_rate: f64,
    update_rule: Arc<dyn Fn() -> UpdateRule + Send + Sync>,
}

impl BurnOptimizer {
    /// Wraps what `build` of one of Burn's configurations gives, or an implementation of Burn's trait.
    ///
    /// - `name`: shown, and kept in checkpoints and model files; not empty.
    /// - `learning_rate`: size of a step; more than 0.
    pub fn new(name: impl Into<String>, optimizer: impl burn::optim::Optimizer, learning_rate: f64) -> Self {
        let update_rule = Arc::new(move || UpdateRule::new(optimizer.clone()));
        BurnOptimizer { name: name.into(), learning_rate, update_rule }
    }
}

impl Optimizer for BurnOptimizer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        (self.update_rule)()
    }

    fn check(&self) -> Result<(), TrainError> {
        if self.name.is_empty() {
            return Err(TrainError::Setting {
                setting: "optimizer",
                found: "''".into(),
                expected: "a name, such as 'adan'",
            });
        }
        super::checks::positive("learning_rate", self.learning_rate)
    }
}

impl fmt::Debug for BurnOptimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnOptimizer")
            .field("name", &self.name)
            .field("learning_rate", &self.learning_rate)
            .field("update_rule", &self.update_rule())
            .finish()
    }
}
