//! What attention remembers of the steps before, when a sequence comes bit by bit.

use burn::tensor::Tensor;

/// The keys and values of the steps so far, turned by their positions already where they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyValues {
    /// `[batch, num_heads, steps, dim]`
    pub(super) keys: Option<Tensor<4>>,
    /// `[batch, num_heads, steps, dim]`
    pub(super) values: Option<Tensor<4>>,
}

impl KeyValues {
    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.as_ref().map_or(0, |keys| keys.dims()[2])
    }

    /// Adds the keys and values of new steps, and gives all.
    pub(super) fn push(&mut self, keys: Tensor<4>, values: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let joined = |before: Option<Tensor<4>>, new: Tensor<4>| match before {
            Some(before) => Tensor::cat(vec![before, new], 2),
            None => new,
        };
        let (keys, values) = (joined(self.keys.take(), keys), joined(self.values.take(), values));
        (self.keys, self.values) = (Some(keys.clone()), Some(values.clone()));
        (keys, values)
    }
}
