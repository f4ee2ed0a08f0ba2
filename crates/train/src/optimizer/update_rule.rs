//! Burn's optimisers of one parameter, whatever their type, joined to Burn's optimiser of a module.

use std::fmt;

use burn::module::ParamGroup;
use burn::optim::{LearningRate, ModuleOptimizer};
use burn::tensor::{Device, Tensor};

/// How one parameter is stepped: an optimiser of `burn::optim`, whatever its type.
///
/// ```
/// use burn::optim::AdanConfig;
/// use fireclay_train::UpdateRule;
///
/// let rule = UpdateRule::new(AdanConfig::new().build());
/// assert!(format!("{rule:?}").contains("Adan"));
/// ```
pub struct UpdateRule {
    optimizer: Box<dyn Join>,
    type_name: &'static str,
    keeps_zeros: bool,
}

impl UpdateRule {
    /// Takes any implementation of Burn's `Optimizer`: what `build` of one of Burn's configurations gives, or one of the
    /// user's own. Clipping in Burn's configuration is not looked at; `clip_value` and
    /// `clip_norm` of [`FitOptions`](crate::FitOptions) clip gradients.
    pub fn new(optimizer: impl burn::optim::Optimizer) -> Self {
        let type_name = std::any::type_name_of_val(&optimizer);
        UpdateRule { optimizer: Box::new(optimizer), type_name, keeps_zeros: false }
    }

    /// The same, but weights of two dimensions or more that are 0 stay 0.
    pub(super) fn keeping_zeros(self) -> Self {
        UpdateRule { keeps_zeros: true, ..self }
    }

    /// Begins Burn's optimiser of a module with this one for all its parameters.
    pub(super) fn for_all(self, learning_rate: f64) -> ModuleOptimizer {
        self.optimizer.join(learning_rate, self.keeps_zeros, None)
    }

    /// Gives a group of parameters this optimiser.
    pub(super) fn for_group(
        self,
        learning_rate: f64,
        module: ModuleOptimizer,
        group: ParamGroup,
    ) -> ModuleOptimizer {
        self.optimizer.join(learning_rate, self.keeps_zeros, Some((module, group)))
    }
}

impl fmt::Debug for UpdateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpdateRule({})", self.type_name)
    }
}

/// Burn's trait without its generic methods, so that implementations can be boxed.
trait Join: Send + Sync {
    fn join(
        self: Box<Self>,
        learning_rate: f64,
        keeps_zeros: bool,
        module: Option<(ModuleOptimizer, ParamGroup)>,
    ) -> ModuleOptimizer;
}

impl<O: burn::optim::Optimizer> Join for O {
    fn join(
        self: Box<Self>,
        learning_rate: f64,
        keeps_zeros: bool,
        module: Option<(ModuleOptimizer, ParamGroup)>,
    ) -> ModuleOptimizer {
        let optimizer = Scheduled { learning_rate, keeps_zeros, optimizer: *self };
        match module {
            None => ModuleOptimizer::from(optimizer),
            Some((module, group)) => module.with_group(group, optimizer, None),
        }
    }
}

/// An optimiser with a learning rate of its own: the rate that Burn passes to a step is what the schedule multiplies it
/// by, so that each group of parameters may have its own.
#[derive(Clone)]
struct Scheduled<O> {
    learning_rate: f64,
    keeps_zeros: bool,
    optimizer: O,
}

impl<O: burn::optim::Optimizer> burn::optim::Optimizer for Scheduled<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        factor: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<O::State<D>>,
    ) -> (Tensor<D>, Option<O::State<D>>) {
        let zeros = (self.keeps_zeros && D > 1).then(|| parameter.clone().equal_elem(0.0));
        let (parameter, state) = self.optimizer.step(self.learning_rate * factor, parameter, gradient, state);
        match zeros {
            Some(zeros) => (parameter.mask_fill(zeros, 0.0), state),
            None => (parameter, state),
        }
    }

    fn to_device<const D: usize>(state: O::State<D>, device: &Device) -> O::State<D> {
        O::to_device(state, device)
    }
}
