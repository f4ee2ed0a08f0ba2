//! Optimisers for some of the parameters, by their names.

use burn::module::{ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::ModuleOptimizer;
use burn::tensor::Tensor;
use fireclay_nn::{Network, parameter_ids};
use serde::{Deserialize, Serialize};

use super::AnyOptimizer;
use crate::TrainError;

/// Parameters that have an optimiser of their own, and with it a learning rate: a run's schedule multiplies the learning
/// rate of each group by the same factor. Settings of the trainer's optimiser do not carry over.
///
/// ```
/// use fireclay_train::{Adam, AdamW, ParameterGroup};
///
/// // Fine-tuning: a new last layer learns ten times as fast as what was trained before.
/// let optimizer = Adam::new(1e-3);
/// let head = ParameterGroup::new(["dense_2.*"], Adam::new(1e-2));
/// assert!(head.holds("dense_2.weight") && !head.holds("dense_1.weight"));
///
/// // No weight decay for what is no matrix.
/// let group = ParameterGroup::new(["*.bias", "layer_norm_*"], AdamW::new(1e-3).weight_decay(0.0));
/// assert!(group.holds("dense_1.bias") && group.holds("layer_norm_2.weight"));
/// assert!(!group.holds("dense_1.weight"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// Names as in model files, such as `dense_1.weight`; `*` stands for any number of characters, or none.
    pub parameters: Vec<String>,
    /// Their optimiser.
    pub optimizer: AnyOptimizer,
}

impl ParameterGroup {
    /// Gives parameters, by their names or patterns of names, an optimiser of their own: a built-in one, a
    /// [`BurnOptimizer`](crate::BurnOptimizer) or any other [`Optimizer`](crate::Optimizer).
    pub fn new<S: Into<String>>(
        parameters: impl IntoIterator<Item = S>,
        optimizer: impl Into<AnyOptimizer>,
    ) -> Self {
        let parameters = parameters.into_iter().map(Into::into).collect();
        ParameterGroup { parameters, optimizer: optimizer.into() }
    }

    /// Whether a parameter is in the group.
    pub fn holds(&self, name: &str) -> bool {
        self.parameters.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether a name is what a pattern says; `*` stands for any letters, or none.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else {
        return false;
    };
    let Some(end) = parts.next_back() else {
        return rest.is_empty();
    };
    // Each part at its first place leaves the most for those that follow.
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

/// Refuses groups that hold nothing, or that nothing can be trained with.
pub(crate) fn check_groups<N: Network>(network: &N, groups: &[ParameterGroup]) -> Result<(), TrainError> {
    let names = parameter_ids(network);
    for group in groups {
        group.optimizer.check()?;
        let empty = |pattern: &&String| !names.keys().any(|name| matches(pattern, name));
        if let Some(pattern) = group.parameters.iter().find(empty) {
            return Err(TrainError::Parameters {
                pattern: pattern.clone(),
                known: names.keys().take(20).cloned().collect(),
            });
        }
    }
    Ok(())
}

/// The groups that a run goes on with: those of its checkpoint, where an optimiser is known by its name only with the
/// optimiser that the trainer was given for the same parameters.
pub(crate) fn resolve_groups(saved: &[ParameterGroup], given: &[ParameterGroup]) -> Vec<ParameterGroup> {
    let resolve = |saved: &ParameterGroup| {
        let given = given.iter().find(|given| given.parameters == saved.parameters);
        let optimizer =
            given.map_or(saved.optimizer.clone(), |given| saved.optimizer.resolve(&given.optimizer));
        ParameterGroup { parameters: saved.parameters.clone(), optimizer }
    };
    saved.iter().map(resolve).collect()
}

/// Burn's optimiser for a network: `base` for what is in no group, and the last group that holds a parameter for it. With `keep_zeros`
/// weights that are 0 stay 0.
pub(crate) fn init<N: Network>(
    base: &AnyOptimizer,
    groups: &[ParameterGroup],
    network: &N,
    keep_zeros: bool,
) -> ModuleOptimizer {
    let rule = |optimizer: &AnyOptimizer| match keep_zeros {
        true => optimizer.update_rule().keeping_zeros(),
        false => optimizer.update_rule(),
    };
    let join = |optimizer: &AnyOptimizer, module: ModuleOptimizer, ids: Vec<ParamId>| {
        rule(optimizer).for_group(optimizer.learning_rate(), module, ParamGroup::from_ids(ids))
    };
    let vectors = vectors(network);
    let mut module = rule(base).for_all(base.learning_rate());
    if let Some(optimizer) = base.vector_optimizer() {
        module = join(&optimizer, module, vectors.clone());
    }
    let names = parameter_ids(network);
    for group in groups {
        let ids = names.iter().filter(|(name, _)| group.holds(name)).map(|(_, id)| ParamId::from(*id));
        let ids: Vec<ParamId> = ids.collect();
        module = join(&group.optimizer, module, ids.clone());
        if let Some(optimizer) = group.optimizer.vector_optimizer() {
            let vectors = vectors.iter().copied().filter(|id| ids.contains(id)).collect();
            module = join(&optimizer, module, vectors);
        }
    }
    module
}

/// The parameters of one dimension.
fn vectors<N: Network>(network: &N) -> Vec<ParamId> {
    struct Vectors(Vec<ParamId>);
    impl ModuleVisitor for Vectors {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D == 1 {
                self.0.push(param.id);
            }
        }
    }
    let mut vectors = Vectors(Vec::new());
    network.visit(&mut vectors);
    vectors.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        let cases = [
            ("dense_1.weight", "dense_1.weight", true),
            ("dense_1", "dense_1.weight", false),
            ("*.bias", "residual_1.conv2d_2.bias", true),
            ("*.bias", "dense_1.bias_hh", false),
            ("batch_norm_*", "batch_norm_12.weight", true),
            ("*norm*weight", "layer_norm_1.weight", true),
            ("*", "", true),
            ("", "a", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
