//! A value of a graph: its type, its sizes, and as much of its contents as is known.
//!
//! Whole numbers and what is computed from them alone stay in host memory, as `f64`, which is exact up to 2^53: sizes,
//! places and tokens. Floating-point numbers are on the device, but for small constants that are settings rather than weights.
//! While a graph is checked, no value has a device, and contents that the data decides are unknown.

use std::borrow::Cow;
use std::sync::Arc;

use burn::module::RunningState;
use burn::tensor::{Device, Tensor};

use super::super::import::Element as FileElement;
use super::Reason;
use super::any_rank::AnyRank;
use super::host;

/// A type of numbers, as far as operators differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float,
    Int,
    Bool,
}

/// What is known of a value's numbers.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "most values of a batch are tensors, and there are few at a time"
)]
pub(super) enum Data {
    /// The data of a batch decides.
    Unknown,
    /// Row by row; of truth values 0 and 1.
    Host(Arc<Vec<f64>>),
    /// Floating-point numbers, or 0 and 1 for truth values that come of them.
    Device(AnyRank),
}

/// Numbers between two nodes.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) element: Element,
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
    /// The running statistic that it is, which training updates.
    pub(super) running: Option<RunningState<Tensor<1>>>,
}

impl Element {
    /// What stands for a file's type.
    pub(super) fn of(element: FileElement) -> Self {
        match element {
            FileElement::Bool => Element::Bool,
            other if other.is_float() => Element::Float,
            _ => Element::Int,
        }
    }
}

impl Value {
    pub(super) fn new(element: Element, dims: impl Into<Vec<usize>>, data: Data) -> Self {
        Value { element, dims: dims.into(), data, running: None }
    }

    pub(super) fn unknown(element: Element, dims: impl Into<Vec<usize>>) -> Self {
        Value::new(element, dims, Data::Unknown)
    }

    /// # Panics
    /// If the sizes do not multiply to the number of values.
    pub(super) fn host(element: Element, dims: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        let dims = dims.into();
        assert_eq!(dims.iter().product::<usize>(), values.len(), "a value for each place");
        Value::new(element, dims, Data::Host(Arc::new(values)))
    }

    /// A list of whole numbers.
    pub(super) fn ints(values: impl IntoIterator<Item = usize>) -> Self {
        let values: Vec<f64> = values.into_iter().map(|value| value as f64).collect();
        Value::host(Element::Int, [values.len()], values)
    }

    pub(super) fn device(element: Element, dims: impl Into<Vec<usize>>, tensor: AnyRank) -> Self {
        Value::new(element, dims, Data::Device(tensor))
    }

    pub(super) fn rank(&self) -> usize {
        self.dims.len()
    }

    pub(super) fn count(&self) -> usize {
        self.dims.iter().product()
    }

    /// The numbers, if they are in host memory.
    pub(super) fn known(&self) -> Option<&[f64]> {
        match &self.data {
            Data::Host(values) => Some(values),
            _ => None,
        }
    }

    /// The numbers, read back if they are on the device; `None` while a graph is checked and they are not known.
    pub(super) fn read_back(&self) -> Option<Cow<'_, [f64]>> {
        match &self.data {
            Data::Host(values) => Some(Cow::Borrowed(values)),
            Data::Device(tensor) => Some(tensor.clone().read().into_iter().map(f64::from).collect()),
            Data::Unknown => None,
        }
    }

    /// The only number, if it is in host memory.
    pub(super) fn single(&self) -> Option<f64> {
        match self.known() {
            Some([value]) => Some(*value),
            _ => None,
        }
    }

    /// Whole numbers that say how an operator works.
    pub(super) fn settings(&self, what: &str) -> Result<Vec<i64>, Reason> {
        let values = self.numbers(what)?;
        Ok(values.iter().map(|value| *value as i64).collect())
    }

    /// Numbers that say how an operator works.
    pub(super) fn numbers(&self, what: &str) -> Result<&[f64], Reason> {
        self.known().ok_or_else(|| {
            format!(
                "its {what} depends on the numbers in the data, and sizes must follow from the input's sizes"
            )
        })
    }

    /// A dimension that is counted from the end if it is negative.
    pub(super) fn axis(&self, axis: i64) -> Result<usize, Reason> {
        host::axis(axis, self.rank())
    }

    /// The numbers on a device.
    ///
    /// # Panics
    /// If they are unknown, which none is in a forward pass.
    pub(super) fn tensor(&self, device: &Device) -> AnyRank {
        match &self.data {
            Data::Unknown => unreachable!("contents are known while a batch runs"),
            Data::Device(tensor) => tensor.clone(),
            Data::Host(values) => {
                AnyRank::upload(values.iter().map(|value| *value as f32).collect(), &self.dims, device)
            }
        }
    }

    /// The same numbers under sizes that multiply to as many.
    pub(super) fn reshape(&self, dims: impl Into<Vec<usize>>) -> Self {
        let dims = dims.into();
        let data = match &self.data {
            Data::Device(tensor) => Data::Device(tensor.clone().reshape(&dims)),
            other => other.clone(),
        };
        Value::new(self.element, dims, data)
    }

    /// Dimensions in another order.
    pub(super) fn permute(&self, order: &[usize]) -> Self {
        let dims: Vec<usize> = order.iter().map(|axis| self.dims[*axis]).collect();
        let data = match &self.data {
            Data::Unknown => Data::Unknown,
            Data::Device(tensor) => Data::Device(tensor.clone().permute(order)),
            Data::Host(values) => {
                let strides = host::strides(&self.dims);
                let strides: Vec<usize> = order.iter().map(|axis| strides[*axis]).collect();
                Data::Host(Arc::new(host::strided(values, &strides, &dims)))
            }
        };
        Value::new(self.element, dims, data)
    }
}
