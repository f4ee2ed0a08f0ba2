//! What layers remember of the steps before, when a sequence comes bit by bit.

use std::any::Any;
use std::fmt;

use burn::tensor::Tensor;

/// What a layer remembers of the steps that it has read: whatever its `Description::memory` begins with.
#[derive(Debug)]
pub(crate) struct Memory(Box<dyn Remembered>);

/// Anything that can be copied.
trait Remembered: Any + fmt::Debug + Send + Sync {
    fn copied(&self) -> Box<dyn Remembered>;

    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Any + fmt::Debug + Clone + Send + Sync> Remembered for T {
    fn copied(&self) -> Box<dyn Remembered> {
        Box::new(self.clone())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Clone for Memory {
    fn clone(&self) -> Self {
        Memory((*self.0).copied())
    }
}

impl Memory {
    pub(crate) fn new(value: impl Any + fmt::Debug + Clone + Send + Sync) -> Self {
        Memory(Box::new(value))
    }

    /// Of a layer that treats each step by itself.
    pub(crate) fn none() -> Self {
        Memory::new(())
    }

    /// What the layer put in.
    ///
    /// # Panics
    /// If it is of another layer.
    pub(crate) fn get<T: Any>(&mut self) -> &mut T {
        (*self.0).as_any_mut().downcast_mut().expect("a memory is of the layer that it was made for")
    }
}

/// What attention remembers: the keys and values of the steps so far, turned by their positions already where they are.
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
