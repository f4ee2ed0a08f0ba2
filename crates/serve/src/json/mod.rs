//! Tensors, samples and answers as JSON.

mod flat;
mod numbers;
mod samples;

pub(crate) use self::flat::Flat;
pub(crate) use self::samples::{columns_of, of_data, of_inputs, of_instances, of_request, row_of};
