//! Freezing: layers that training leaves as they are.
//!
//! What is frozen is written in the description, so that a model file, and a run that goes on from its checkpoint, knows
//! it. Burn keeps it in the parameters too, through `train` and `valid`.

use std::collections::HashSet;

use burn::module::{Flag, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::error::NnError;
use crate::layers::{LayerSpec, PlannedLayer};
use crate::network::Network;
use crate::spec::{ModelSpec, Plan};
use crate::state::{Path, is_in_layer};

impl ModelSpec {
    /// Marks layers as frozen: training leaves their weights and running statistics as they are. Of a block, all layers
    /// are frozen with it; one of them has the name `residual_1.conv2d_2`.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    ///
    /// let spec = ModelSpec::new([4]).dense(8).relu().dense(3).freeze(["dense_1"])?;
    /// let summary = spec.summary()?;
    /// assert_eq!((summary.parameters(), summary.frozen()), (8 * 3 + 3, 4 * 8 + 8));
    /// let error = spec.freeze(["dense1"]).unwrap_err();
    /// assert_eq!(error.to_string(), "there is no layer 'dense1' (did you mean 'dense_1'?); there are dense_1, relu_1, dense_2");
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] with the names that there are; else as for [`build`](Self::build).
    pub fn freeze(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NnError> {
        self.with_frozen(names, true)
    }

    /// Marks layers as trained again; the opposite of [`freeze`](Self::freeze). Of a frozen block, one layer may be
    /// named: the others stay frozen.
    ///
    /// # Errors
    /// As for [`freeze`](Self::freeze).
    pub fn unfreeze(self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NnError> {
        self.with_frozen(names, false)
    }

    /// The names of all layers, first to last; those inside a block follow it, with its name before theirs.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn layer_names(&self) -> Result<Vec<String>, NnError> {
        Ok(self.plan()?.names())
    }

    fn with_frozen(
        mut self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
        frozen: bool,
    ) -> Result<Self, NnError> {
        let plan = self.plan()?;
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_string()).collect();
        check_names(&plan.names(), &names)?;
        mark(&mut self.layers, &mut plan.layers.iter(), &names, frozen);
        Ok(self)
    }
}

/// Refuses a name that no layer has.
pub(crate) fn check_names(known: &[String], names: &[String]) -> Result<(), NnError> {
    match names.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(NnError::UnknownLayer { name: name.clone(), known: known.to_vec() }),
    }
}

/// Whether one of the names is the layer's, or that of a block it is in.
pub(crate) fn covers(names: &[String], layer: &str) -> bool {
    names.iter().any(|name| is_in_layer(layer, name))
}

/// Sets the mark of each layer that is named.
fn mark<'a>(
    layers: &mut [LayerSpec],
    plan: &mut impl Iterator<Item = &'a PlannedLayer>,
    names: &[String],
    frozen: bool,
) {
    for (layer, plan) in layers.iter_mut().zip(plan) {
        // Layers of a frozen block need no mark of their own; where it is taken from the block, it is from them too.
        let is_named = if frozen { names.contains(&plan.name) } else { covers(names, &plan.name) };
        let inside = format!("{}.", plan.name);
        // One layer of a frozen block is trained again: the mark goes from the block to its layers.
        let opens = !frozen && layer.frozen && names.iter().any(|name| name.starts_with(&inside));
        if let Some(block) = layer.kind.block_mut() {
            if opens {
                block.layers.iter_mut().chain(&mut block.shortcut).for_each(|inner| inner.frozen = true);
            }
            mark(&mut block.layers, &mut plan.body.iter(), names, frozen);
            mark(&mut block.shortcut, &mut plan.shortcut.iter(), names, frozen);
        }
        if is_named {
            layer.frozen = frozen;
        } else if opens {
            layer.frozen = false;
        }
    }
}

/// Lets a built network do what its plan says of freezing.
pub(crate) fn apply<N: Network>(network: N, plan: &Plan) -> N {
    let trained = plan.tensors().into_iter().filter(|tensor| tensor.trainable).map(|tensor| tensor.name);
    let names = network.clone();
    let mut freezer =
        Freezer { network: &names, path: Path::default(), trained: trained.collect(), frozen: plan.frozen() };
    network.map(&mut freezer)
}

struct Freezer<'a, N> {
    network: &'a N,
    path: Path,
    /// The tensors that training changes.
    trained: HashSet<String>,
    /// The frozen layers.
    frozen: Vec<String>,
}

impl<N: Network> ModuleMapper for Freezer<'_, N> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        self.path.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let trained = self.trained.contains(&self.path.name(self.network));
        param.set_require_grad(trained)
    }

    /// Batch norm and dropout ask it whether they are in training.
    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        let frozen = covers(&self.frozen, &self.path.name(self.network));
        flag.with_value(!frozen)
    }
}
