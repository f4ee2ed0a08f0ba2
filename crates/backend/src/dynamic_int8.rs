//! Whether products are made of rows rounded to 8 bits as they come: a setting of a thread, for as long as whoever set it wants.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// Products in 8-bit whole numbers, in force in a thread until this is dropped; then it is as before.
#[must_use = "it holds until this is dropped"]
#[derive(Debug)]
pub struct DynamicInt8Scope {
    before: bool,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Makes the products of dense, feed-forward and recurrent layers in 8-bit whole numbers, in this thread, until the scope is dropped: each
/// row of the input is rounded to 255 steps of its own, weights to 255 steps for each column. While gradients are recorded and on devices without
/// kernels for it products stay in `f32`, and so does the recurrent product of simple layers with ReLU, whose states have no
/// bounds.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::{in_dynamic_int8, ops::{Activation, dense}};
///
/// let device = Device::default();
/// let ones = || Tensor::<2>::ones([64, 64], &device);
/// let scope = in_dynamic_int8();
/// let sum: f32 = dense(ones(), ones(), None, Activation::None).sum().into_scalar();
/// drop(scope);
/// assert!((sum / 64f32.powi(3) - 1.0).abs() < 1e-5);
/// ```
pub fn in_dynamic_int8() -> DynamicInt8Scope {
    DynamicInt8Scope { before: ON.replace(true), thread: PhantomData }
}

impl Drop for DynamicInt8Scope {
    fn drop(&mut self) {
        ON.set(self.before);
    }
}

/// Whether it is in force in this thread.
#[cfg(any(test, feature = "flex"))]
pub(crate) fn is_dynamic_int8() -> bool {
    ON.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_ends_where_it_is_dropped_and_belongs_to_its_thread() {
        let outer = in_dynamic_int8();
        drop(in_dynamic_int8());
        assert!(is_dynamic_int8());
        assert!(!std::thread::spawn(is_dynamic_int8).join().unwrap());
        drop(outer);
        assert!(!is_dynamic_int8());
    }
}
