//! Tensors in memory that is used again: the kernels' [`Values`] as Burn's [`Bytes`].

#![expect(unsafe_code, reason = "so Burn is told of memory that it has not allocated")]

use std::mem::MaybeUninit;

use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty, Bytes};
use fireclay_kernels::Values;

/// The same numbers as bytes; nothing is copied.
pub(crate) fn bytes(values: Values) -> Bytes {
    let values = match values.try_into_vec() {
        Ok(few) => return Bytes::from_elems(few),
        Err(many) => many,
    };
    let len = size_of_val(&*values);
    // SAFETY: the memory has so many bytes, all of them written.
    unsafe { Bytes::from_controller(Box::new(Recycled(values)), len) }
}

/// Memory that goes back to the kernels when the last tensor on it is dropped.
struct Recycled(Values);

impl AllocationController for Recycled {
    fn alloc_align(&self) -> usize {
        Values::ALIGNMENT
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self, _: AccessPolicy) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let (first, len) = (self.0.as_mut_ptr(), size_of_val(&*self.0));
        // SAFETY: the same memory; who writes what is no number breaks the trait's contract.
        Ok(unsafe { std::slice::from_raw_parts_mut(first.cast(), len) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let (first, len) = (self.0.as_ptr(), size_of_val(&*self.0));
        // SAFETY: the same memory, only read.
        Ok(unsafe { std::slice::from_raw_parts(first.cast(), len) })
    }
}
