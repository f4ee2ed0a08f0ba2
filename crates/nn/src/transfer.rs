//! Transfer: weights of one model in another that is partly the same, a network with a new head for instance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use burn::module::Module;

use crate::error::{NnError, WeightsMismatch};
use crate::freeze::{check_names, covers};
use crate::model::Model;
use crate::state::{NamedTensor, load_part, state};

/// What was taken over from another model, tensor by tensor; its [`Display`](fmt::Display) is a list for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transfer {
    /// Names of the tensors that were copied.
    pub copied: Vec<String>,
    /// What was left as it was: tensors of layers that differ, tensors that the other model lacks (`missing`), and
    /// those that it has beyond (`unexpected`).
    pub left: WeightsMismatch,
    /// Names of the tensors of the head, which stays as it was built though the other model's would fit.
    pub new_head: Vec<String>,
}

impl Model {
    /// Takes over the weights and running statistics of every layer that another model has under the same name, with
    /// tensors of the same shapes, but for the head: the last layer that has tensors is for the new task and stays as it was
    /// built, even where the other model's has the same shapes. A layer is copied whole or not at all.
    ///
    /// ```
    /// use fireclay_nn::ModelSpec;
    /// use burn::tensor::Device;
    ///
    /// let body = ModelSpec::new([4]).dense(8).relu();
    /// let ten = body.clone().dense(10).build(&Device::flex())?;
    /// let (three, transfer) = body.clone().dense(3).build(&Device::flex())?.with_weights_of(&ten);
    /// assert_eq!(transfer.copied, ["dense_1.weight", "dense_1.bias"]);
    /// assert_eq!(transfer.left.different[0], ("dense_2.weight".into(), vec![3, 8], vec![10, 8]));
    /// let three = three.freeze(["dense_1"])?;
    ///
    /// let (_, other_ten) = body.dense(10).build(&Device::flex())?.with_weights_of(&ten);
    /// assert_eq!(other_ten.new_head, ["dense_2.weight", "dense_2.bias"]);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub fn with_weights_of(self, other: &Model) -> (Self, Transfer) {
        self.take_over(other, false)
    }

    /// As [`with_weights_of`](Self::with_weights_of), head included: for the same task, or for a network that has no head.
    pub fn with_all_weights_of(self, other: &Model) -> (Self, Transfer) {
        self.take_over(other, true)
    }

    fn take_over(self, other: &Model, with_head: bool) -> (Self, Transfer) {
        let offered: BTreeMap<String, Vec<NamedTensor>> =
            by_layer(state(&other.valid())).into_iter().collect();
        let own = by_layer(state(&self.valid()));
        let mut transfer = Transfer::default();
        let mut tensors = Vec::new();
        let head = own.last().map(|(layer, _)| layer.clone()).filter(|_| !with_head);
        for (layer, own) in &own {
            let Some(offered) = offered.get(layer) else {
                transfer.left.missing.extend(own.iter().map(described));
                continue;
            };
            match own.iter().map(described).eq(offered.iter().map(described)) {
                true if head.as_ref() == Some(layer) => {
                    transfer.new_head = own.iter().map(|tensor| tensor.name.clone()).collect();
                }
                true => {
                    transfer.copied.extend(own.iter().map(|tensor| tensor.name.clone()));
                    tensors.extend_from_slice(offered);
                }
                false => differences(own, offered, &mut transfer.left),
            }
        }
        let known: BTreeSet<&String> = own.iter().map(|(layer, _)| layer).collect();
        let beyond = offered.iter().filter(|(layer, _)| !known.contains(layer));
        transfer.left.unexpected.extend(beyond.flat_map(|(_, tensors)| tensors.iter().map(described)));
        (load_part(self, tensors), transfer)
    }

    /// Takes over the weights and running statistics of the layers that are named, blocks with all that is in them.
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] for a name that this model does not have, [`NnError::Weights`] if the other model lacks
    /// such a layer, or has it with other shapes.
    pub fn with_layers_of(
        self,
        other: &Model,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, NnError> {
        let names: Vec<String> = names.into_iter().map(|name| name.as_ref().to_string()).collect();
        check_names(&self.spec().layer_names()?, &names)?;
        let named = |tensor: &NamedTensor| covers(&names, &tensor.name);
        let offered: Vec<NamedTensor> = state(&other.valid()).into_iter().filter(named).collect();
        let own: Vec<NamedTensor> = state(&self.valid()).into_iter().filter(named).collect();
        let mut left = WeightsMismatch::default();
        differences(&own, &offered, &mut left);
        match left.is_empty() {
            true => Ok(load_part(self, offered)),
            false => Err(NnError::Weights(Box::new(left))),
        }
    }
}

/// Tensors by their layer's name, which is all before the last point, in the order of the layers.
fn by_layer(tensors: Vec<NamedTensor>) -> Vec<(String, Vec<NamedTensor>)> {
    let mut layers: Vec<(String, Vec<NamedTensor>)> = Vec::new();
    for tensor in tensors {
        let layer = tensor.name.rsplit_once('.').map_or("", |(layer, _)| layer).to_string();
        match layers.last_mut() {
            Some((last, tensors)) if *last == layer => tensors.push(tensor),
            _ => layers.push((layer, vec![tensor])),
        }
    }
    layers
}

fn described(tensor: &NamedTensor) -> (String, Vec<usize>) {
    (tensor.name.clone(), tensor.shape.clone())
}

/// Adds what differs between tensors that should be the same.
fn differences(own: &[NamedTensor], offered: &[NamedTensor], mismatch: &mut WeightsMismatch) {
    let find = |tensors: &[NamedTensor], name: &str| {
        tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.shape.clone())
    };
    for tensor in own {
        match find(offered, &tensor.name) {
            None => mismatch.missing.push(described(tensor)),
            Some(shape) if shape != tensor.shape => {
                mismatch.different.push((tensor.name.clone(), tensor.shape.clone(), shape));
            }
            Some(_) => {}
        }
    }
    let beyond = offered.iter().filter(|tensor| find(own, &tensor.name).is_none());
    mismatch.unexpected.extend(beyond.map(described));
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors copied: {}{}", self.copied.len(), self.copied.join(", "), self.left)?;
        for name in &self.new_head {
            write!(f, "\n  new         {name}")?;
        }
        Ok(())
    }
}
