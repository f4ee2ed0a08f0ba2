//! Values of which numbers are repeated or chosen, wherever they are.

use std::sync::Arc;

use super::Reason;
use super::any_rank::carried;
use super::host;
use super::scope::Scope;
use super::value::{Data, Value};

impl Value {
    /// Repeats dimensions of size 1, and adds them in front, until the sizes are those.
    pub(super) fn expand(&self, dims: &[usize], scope: &Scope) -> Result<Self, Reason> {
        if self.dims == dims {
            return Ok(self.clone());
        }
        let (element, data) = (self.element, &self.data);
        scope.admit(element, dims, self.known().is_some())?;
        let data = match data {
            Data::Unknown => Data::Unknown,
            Data::Device(tensor) => {
                let widened = host::widened(&self.dims, dims.len());
                Data::Device(tensor.clone().reshape(&widened).expand(&carried(dims)))
            }
            Data::Host(values) => {
                let strides = host::broadcast_strides(&self.dims, dims);
                Data::Host(Arc::new(host::strided(values, &strides, dims)))
            }
        };
        Ok(Value::new(element, dims, data))
    }

    /// Those places of one dimension, in that order.
    pub(super) fn select(&self, axis: usize, places: &[usize], scope: &Scope) -> Result<Self, Reason> {
        let mut dims = self.dims.clone();
        dims[axis] = places.len();
        let follows = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
        scope.admit(self.element, &dims, self.known().is_some())?;
        let data = match &self.data {
            Data::Unknown => Data::Unknown,
            Data::Device(tensor) if follows && !places.is_empty() => {
                Data::Device(tensor.clone().narrow(axis, places[0], places.len()))
            }
            Data::Device(tensor) => Data::Device(tensor.clone().select(axis, places)),
            Data::Host(values) => Data::Host(Arc::new(host::select(values, &self.dims, axis, places))),
        };
        Ok(Value::new(self.element, dims, data))
    }
}
