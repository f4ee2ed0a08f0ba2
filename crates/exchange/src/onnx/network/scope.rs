//! Where operators are applied: to sizes alone while a graph is checked, or to a batch on a device.
//!
//! Every value that an operator makes is admitted here before it takes memory, so that a small file cannot ask for a large
//! one; and so is arithmetic that takes long.

use std::cell::Cell;

use burn::tensor::Device;

use super::Reason;
use super::any_rank::{AnyRank, MAX_RANK};
use super::value::{Data, Element, Value};

/// The most numbers in one value on a device, for each sample: 64 channels of 1024 by 1024.
const VALUE: u64 = 1 << 26;

/// The largest size of one dimension, for each sample.
const SIZE: u64 = 1 << 24;

/// The most in all values of a pass together.
const VALUES: u64 = 1 << 30;

/// The most numbers in one value in host memory, for each sample.
const HOST_VALUE: u64 = 1 << 22;

/// The most in all of them together.
const HOST_VALUES: u64 = 1 << 25;

/// The most multiplications, for each sample: some thousand times those of a ResNet-50.
const WORK: u64 = 1 << 42;

/// One pass over a graph.
#[derive(Debug)]
pub(super) struct Scope {
    /// None while only sizes are computed.
    device: Option<Device>,
    /// Whether layers do what they do in training only.
    pub(super) training: bool,
    samples: u64,
    values: Cell<u64>,
    host_values: Cell<u64>,
    work: Cell<u64>,
}

impl Scope {
    /// Computes sizes for a batch of so many samples.
    pub(super) fn of_sizes(samples: usize) -> Self {
        Scope {
            device: None,
            training: false,
            samples: (samples as u64).max(1),
            values: Cell::new(0),
            host_values: Cell::new(0),
            work: Cell::new(0),
        }
    }

    /// Runs a batch of so many samples.
    pub(super) fn of_batch(samples: usize, device: Device, training: bool) -> Self {
        Scope { device: Some(device), training, ..Scope::of_sizes(samples) }
    }

    /// How many samples the batch has.
    pub(super) fn samples(&self) -> usize {
        self.samples as usize
    }

    /// The device, while a batch runs.
    pub(super) fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// A value on the device: only its sizes while a graph is checked.
    pub(super) fn compute(
        &self,
        element: Element,
        dims: impl Into<Vec<usize>>,
        tensor: impl FnOnce(&Device) -> AnyRank,
    ) -> Result<Value, Reason> {
        let dims = dims.into();
        self.admit(element, &dims, false)?;
        let data = match &self.device {
            None => Data::Unknown,
            Some(device) => Data::Device(tensor(device)),
        };
        Ok(Value::new(element, dims, data))
    }

    /// A value in host memory.
    pub(super) fn host(
        &self,
        element: Element,
        dims: impl Into<Vec<usize>>,
        values: impl FnOnce() -> Vec<f64>,
    ) -> Result<Value, Reason> {
        let dims = dims.into();
        self.admit(element, &dims, true)?;
        Ok(Value::host(element, dims, values()))
    }

    /// Refuses a value that is too large or has sizes that no operator takes, before it is made.
    pub(super) fn admit(&self, element: Element, dims: &[usize], host: bool) -> Result<(), Reason> {
        if dims.len() > MAX_RANK {
            return Err(format!("a value with {} dimensions; up to {MAX_RANK} are supported", dims.len()));
        }
        if element != Element::Int && !host && dims.contains(&0) {
            return Err(format!("a value of sizes {dims:?} has no numbers"));
        }
        if let Some(size) = dims.iter().find(|size| **size as u64 > SIZE.saturating_mul(self.samples)) {
            return Err(format!(
                "a value of sizes {dims:?}; the most is {SIZE} for each sample, and not {size}"
            ));
        }
        let count = dims.iter().try_fold(1u64, |count, size| count.checked_mul(*size as u64));
        let (one, all, total) = match host {
            true => (HOST_VALUE, HOST_VALUES, &self.host_values),
            false => (VALUE, VALUES, &self.values),
        };
        let count = count
            .filter(|count| *count <= one.saturating_mul(self.samples))
            .ok_or_else(|| format!("a value of sizes {dims:?}; the most is {one} numbers for each sample"))?;
        total.set(total.get().saturating_add(count));
        match total.get() <= all.saturating_mul(self.samples) {
            true => Ok(()),
            false => Err(format!(
                "with it the graph makes more than {all} numbers for each sample, the most there may be"
            )),
        }
    }

    /// Counts multiplications, and refuses a graph with more than would end.
    pub(super) fn spend(&self, factors: &[usize]) -> Result<(), Reason> {
        let work = factors.iter().fold(1u64, |work, factor| work.saturating_mul(*factor as u64));
        self.work.set(self.work.get().saturating_add(work));
        match self.work.get() <= WORK.saturating_mul(self.samples) {
            true => Ok(()),
            false => Err(format!(
                "with it the graph takes more than {WORK} multiplications for each sample, the most there may be"
            )),
        }
    }
}
