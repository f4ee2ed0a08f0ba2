//! Weights in the order in which kernels read them fastest, kept from call to call while a network only answers.
//!
//! To put weights in order costs as much as a small batch. So what was ordered stays here for as long as the weights
//! themselves are in use, and is found again by their place in memory: a tensor that is kept here has a second holder, so
//! whoever changes it changes a copy. Training changes its weights at every step and leaves this alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::backend::flex::FlexTensor;
use fireclay_kernels::recurrent::Int8RecurrentWeights;
use fireclay_kernels::{Conv2dWeights, Conv2dWeightsKey, DenseWeights, Int8DenseWeights, Precision};

/// Weights of fewer values are not worth the search.
const LEAST: usize = 256;

/// Those of dense layers, by the precision of their products.
pub(crate) static DENSE: Ordered<Precision, DenseWeights> = Ordered::new();

/// Those of dense layers in 8-bit whole numbers.
pub(crate) static DENSE_INT8: Ordered<(), Int8DenseWeights> = Ordered::new();

/// The recurrent ones of recurrent layers, in 8-bit whole numbers, by the number of gates.
pub(crate) static RECURRENT_INT8: Ordered<usize, Int8RecurrentWeights> = Ordered::new();

/// Those of convolutions, as well.
pub(crate) static CONV2D: Ordered<Conv2dWeightsKey, Conv2dWeights> = Ordered::new();

/// Ordered weights of one kind of layer; `K` says what more than the weights they are for.
pub(crate) struct Ordered<K, T>(Mutex<Vec<Entry<K, T>>>);

struct Entry<K, T> {
    /// What it was made of.
    tensors: Vec<FlexTensor>,
    key: K,
    /// Nothing if nothing can be made of these tensors.
    ordered: Option<Arc<T>>,
}

impl<K, T> Ordered<K, T> {
    pub(crate) const fn new() -> Self {
        Ordered(Mutex::new(Vec::new()))
    }
}

impl<K: PartialEq + Send + 'static, T: Send + Sync + 'static> Ordered<K, T> {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry<K, T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `order` made of these weights, or makes now; nothing if they are few, or it makes nothing of them.
    pub(crate) fn of(
        &'static self,
        weight: &FlexTensor,
        key: K,
        order: impl FnOnce() -> Option<T>,
    ) -> Option<Arc<T>> {
        if weight.layout().num_elements() < LEAST {
            return None;
        }
        self.of_all(&[weight], key, order)
    }

    /// What `make` made of these tensors, however few values they have, or makes now. That it makes nothing is kept as well.
    pub(crate) fn of_all(
        &'static self,
        tensors: &[&FlexTensor],
        key: K,
        make: impl FnOnce() -> Option<T>,
    ) -> Option<Arc<T>> {
        let is_same = |entry: &&Entry<K, T>| {
            entry.key == key
                && entry.tensors.len() == tensors.len()
                && entry.tensors.iter().zip(tensors).all(|(kept, tensor)| is_same_tensor(kept, tensor))
        };
        if let Some(entry) = self.lock().iter().find(is_same) {
            return entry.ordered.clone();
        }
        let ordered = make().map(Arc::new);
        self.register();
        forget_unused();
        let tensors = tensors.iter().copied().cloned().collect();
        self.lock().push(Entry { tensors, key, ordered: ordered.clone() });
        ordered
    }

    /// Lets what is kept here be counted with the rest.
    fn register(&'static self) {
        let mut all = all();
        if !all.iter().any(|kept| std::ptr::addr_eq(*kept, self)) {
            all.push(self);
        }
    }
}

/// How often a tensor is kept, by its place in memory.
type Holders = HashMap<*const u8, usize>;

/// What is kept of one kind of layer, whatever it is.
trait Kept: Sync {
    /// Counts each tensor that is kept.
    fn count(&self, own: &mut Holders);

    /// Drops what was made of tensors that nobody holds but those counted.
    fn drop_unused(&self, own: &Holders);

    /// Drops everything.
    fn forget(&self);
}

impl<K: PartialEq + Send + 'static, T: Send + Sync + 'static> Kept for Ordered<K, T> {
    fn count(&self, own: &mut Holders) {
        for tensor in self.lock().iter().flat_map(|entry| &entry.tensors) {
            *own.entry(tensor.bytes().as_ptr()).or_default() += 1;
        }
    }

    fn drop_unused(&self, own: &Holders) {
        let is_used = |tensor: &FlexTensor| {
            let kept = own.get(&tensor.bytes().as_ptr()).copied().unwrap_or(0);
            Arc::strong_count(&tensor.data_arc()) - 1 > kept
        };
        self.lock().retain(|entry| entry.tensors.iter().all(is_used));
    }

    fn forget(&self) {
        self.lock().clear();
    }
}

/// All that is kept of weights, once something was.
static ALL: Mutex<Vec<&'static dyn Kept>> = Mutex::new(Vec::new());

fn all() -> MutexGuard<'static, Vec<&'static dyn Kept>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops all that is kept.
pub(crate) fn forget_all() {
    all().iter().for_each(|kept| kept.forget());
}

/// Drops what was made of weights that nobody else holds.
pub(crate) fn forget_unused() {
    // Several entries, also of several kinds, may hold the same tensor, of which they alone are then the holders.
    let mut own = Holders::new();
    // One thread at a time, since looking at a tensor holds it for a moment.
    let all = all();
    all.iter().for_each(|kept| kept.count(&mut own));
    all.iter().for_each(|kept| kept.drop_unused(&own));
}

/// Whether both are the same view of the same values.
fn is_same_tensor(one: &FlexTensor, other: &FlexTensor) -> bool {
    std::ptr::eq(one.bytes(), other.bytes()) && one.layout() == other.layout()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flex_tensor::from_values;

    fn weight() -> FlexTensor {
        from_values(vec![1.0; LEAST], [64, LEAST / 64])
    }

    #[test]
    fn the_same_weights_are_ordered_once_and_forgotten_with_them() {
        static ORDERED: Ordered<u8, usize> = Ordered::new();
        let ordered = &ORDERED;
        let (first, second) = (weight(), weight());
        let calls = std::cell::Cell::new(0);
        let of = |weight: &FlexTensor, key| {
            ordered.of(weight, key, || {
                calls.set(calls.get() + 1);
                Some(calls.get())
            })
        };
        assert_eq!(of(&first, 0).as_deref(), Some(&1));
        assert_eq!(of(&first.clone(), 0).as_deref(), Some(&1));
        assert_eq!(of(&first, 1).as_deref(), Some(&2), "for something else");
        assert_eq!(of(&first.transpose(0, 1), 0).as_deref(), Some(&3), "in another order");
        assert_eq!(of(&second, 0).as_deref(), Some(&4));
        forget_unused();
        assert_eq!(ordered.lock().len(), 4);
        drop(first);
        forget_unused();
        assert_eq!(ordered.lock().len(), 1);
        assert_eq!(of(&second, 0).as_deref(), Some(&4));
    }

    #[test]
    fn whoever_changes_the_weights_is_not_given_the_old_ones() {
        static ORDERED: Ordered<(), f32> = Ordered::new();
        let ordered = &ORDERED;
        let mut weight = weight();
        let of = |weight: &FlexTensor| {
            ordered.of(weight, (), || Some(weight.storage::<f32>()[0])).as_deref().copied()
        };
        assert_eq!(of(&weight), Some(1.0));
        weight.storage_mut::<f32>()[0] = 2.0;
        assert_eq!(of(&weight), Some(2.0));
        assert_eq!(ordered.lock().len(), 1, "the old ones are forgotten");
    }

    #[test]
    fn forgotten_weights_have_one_holder_again() {
        static ORDERED: Ordered<(), f32> = Ordered::new();
        let ordered = &ORDERED;
        let weight = weight();
        assert!(ordered.of(&weight, (), || Some(1.0)).is_some() && !weight.is_unique());
        ordered.forget();
        assert!(weight.is_unique());
    }

    #[test]
    fn what_two_kinds_keep_of_the_same_weights_goes_with_them() {
        static ONE: Ordered<(), f32> = Ordered::new();
        static OTHER: Ordered<(), f32> = Ordered::new();
        let weight = weight();
        let _ = (ONE.of(&weight, (), || Some(1.0)), OTHER.of(&weight, (), || None));
        forget_unused();
        assert_eq!((ONE.lock().len(), OTHER.lock().len()), (1, 1), "the network is there");
        let holders = Arc::downgrade(&weight.data_arc());
        drop(weight);
        forget_unused();
        assert!(ONE.lock().is_empty() && OTHER.lock().is_empty() && holders.upgrade().is_none());
    }

    #[test]
    fn few_weights_are_not_kept() {
        static ORDERED: Ordered<(), f32> = Ordered::new();
        let ordered = &ORDERED;
        assert!(ordered.of(&from_values(vec![1.0; 10], [10]), (), || Some(1.0)).is_none());
    }
}
