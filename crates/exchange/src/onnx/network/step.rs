//! The parts of a plan: where values come from, what is done with them, and where that comes to an end.

use super::Reason;
use super::operators::Operator;
use super::value::Value;
use crate::Unsupported;

/// Where a value comes from that no step makes.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one for each input and constant of a graph")]
pub(super) enum Given {
    Input(usize),
    Parameter(usize),
    Statistic(usize),
    Constant(Value),
    /// Numbers that are put onto the device once, with their sizes.
    Large(Vec<f32>, Vec<usize>),
}

/// An operator at its place.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operator: Box<dyn Operator>,
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<Option<usize>>,
    /// Values that nothing reads afterwards.
    pub(super) last_uses: Vec<usize>,
    /// Its place among the nodes of the file, its name and its kind.
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) kind: String,
}

/// Where a pass came to an end, and why.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The place among the steps.
    pub(super) step: usize,
    pub(super) reason: Reason,
}

impl Step {
    /// An entry of a list of what does not run.
    pub(super) fn problem(&self, reason: String) -> Unsupported {
        Unsupported {
            position: self.position.to_string(),
            name: self.name.clone(),
            kind: self.kind.clone(),
            reason,
        }
    }
}
