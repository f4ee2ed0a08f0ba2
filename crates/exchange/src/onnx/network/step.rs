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
    /// Values that must be true, or false, for it to run, from the outermost branch to the innermost.
    pub(super) conditions: Vec<(usize, bool)>,
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
    /// All values that are to be there when its turn comes.
    pub(super) fn reads(&self) -> impl Iterator<Item = usize> {
        let conditions = self.conditions.iter().map(|(value, _)| *value);
        self.inputs.iter().flatten().copied().chain(conditions)
    }

    /// Whether its conditions hold.
    ///
    /// # Errors
    /// If only the numbers in the data say it.
    pub(super) fn runs(&self, values: &[Option<Value>]) -> Result<bool, Reason> {
        for (condition, when) in &self.conditions {
            // A condition that a branch would make is not looked at if that does not run.
            let Some(value) = &values[*condition] else { return Ok(false) };
            match value.read_back().as_deref() {
                Some([found]) if (*found != 0.0) == *when => {}
                Some([_]) => return Ok(false),
                Some(found) => return Err(format!("its condition has {} values; expected one", found.len())),
                None => {
                    let problem = "the numbers in the data decide whether it runs, and only sizes may; export the model by tracing";
                    return Err(problem.to_owned());
                }
            }
        }
        Ok(true)
    }

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
