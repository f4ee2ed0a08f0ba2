//! Optimisers for some of the parameters, by their names.

use burn::module::{ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::ModuleOptimizer;
use burn::tensor::Tensor;
use fireclay_nn::{Network, parameter_ids};
use serde::{Deserialize, Serialize};

use super::{Adam, Optimizer};
use crate::TrainError;

/// Parameters that have an optimiser of their own.
///
/// ```
/// use fireclay_train::{AdamW, ParameterGroup};
///
/// // No weight decay for what is no matrix.
/// let group = ParameterGroup::new(["*.bias", "layer_norm_*"], AdamW::new(1e-3).weight_decay(0.0));
/// assert!(group.holds("dense_1.bias") && group.holds("layer_norm_2.weight"));
/// assert!(!group.holds("dense_1.weight"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// Names as in model files, such as `dense_1.weight`; `*` stands for any letters.
    pub parameters: Vec<String>,
    /// What steps them.
    pub optimizer: Optimizer,
}

impl ParameterGroup {
    /// Gives parameters an optimiser of their own.
    pub fn new<S: Into<String>>(
        parameters: impl IntoIterator<Item = S>,
        optimizer: impl Into<Optimizer>,
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

/// Burn's optimiser for a network: `base` for what is in no group, and the last group that holds a parameter for it.
pub(crate) fn init<N: Network>(base: &Optimizer, groups: &[ParameterGroup], network: &N) -> ModuleOptimizer {
    let mut optimizer = base.join(None);
    if let Some(of_vectors) = base.of_vectors() {
        optimizer = of_vectors.join(Some((optimizer, ParamGroup::from_ids(vectors(network)))));
    }
    let names = parameter_ids(network);
    for group in groups {
        let ids = names.iter().filter(|(name, _)| group.holds(name)).map(|(_, id)| ParamId::from(*id));
        let ids: Vec<ParamId> = ids.collect();
        let of_vectors = group.optimizer.of_vectors().map(|of_vectors| {
            let vectors = vectors(network).into_iter().filter(|id| ids.contains(id)).collect();
            (of_vectors, ParamGroup::from_ids(vectors))
        });
        optimizer = group.optimizer.join(Some((optimizer, ParamGroup::from_ids(ids.clone()))));
        if let Some((of_vectors, group)) = of_vectors {
            optimizer = of_vectors.join(Some((optimizer, group)));
        }
    }
    optimizer
}

impl Optimizer {
    /// What steps vectors, where the optimiser is for matrices only.
    fn of_vectors(&self) -> Option<Optimizer> {
        match self {
            Optimizer::Muon(muon) => Some(Adam::new(muon.vector_learning_rate).into()),
            _ => None,
        }
    }
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
