//! Tensors, samples and answers as JSON.

mod flat;
mod samples;

pub(crate) use self::flat::Flat;
pub(crate) use self::samples::{columns_of, of_inputs, of_instances, row_of};
