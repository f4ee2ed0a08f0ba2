//! Goes through a plan, for sizes alone or for a batch.

use super::Reason;
use super::operators::Inputs;
use super::plan::Plan;
use super::scope::Scope;
use super::step::Stopped;
use super::value::{Data, Value};

/// Applies all operators to what is given, by the place of each value; values are dropped after their last use.
pub(super) fn run(plan: &Plan, mut values: Vec<Option<Value>>, scope: &Scope) -> Result<Value, Stopped> {
    for (place, step) in plan.steps.iter().enumerate() {
        let stopped = |reason: Reason| Stopped { step: place, reason };
        if !step.runs(&values).map_err(stopped)? {
            step.last_uses.iter().for_each(|value| values[*value] = None);
            continue;
        }
        let inputs: Vec<Option<Value>> =
            step.inputs.iter().map(|value| value.and_then(|value| values[value].clone())).collect();
        if let Some(missing) =
            (0..inputs.len()).find(|input| step.inputs[*input].is_some() && inputs[*input].is_none())
        {
            return Err(stopped(format!(
                "input {} is an output that its operator does not have",
                missing + 1
            )));
        }
        let outputs = step.operator.apply(&Inputs::new(&inputs), scope).map_err(stopped)?;
        drop(inputs);
        for (output, value) in step.outputs.iter().zip(outputs) {
            let is_known = scope.device().is_none() || !matches!(value.data, Data::Unknown);
            if !is_known {
                return Err(stopped(
                    "whole numbers that come of floating-point ones are not supported here".to_owned(),
                ));
            }
            if let Some(output) = output {
                values[*output] = Some(value);
            }
        }
        step.last_uses.iter().for_each(|value| values[*value] = None);
    }
    values.swap_remove(plan.output.0).ok_or_else(|| Stopped {
        step: plan.steps.len().saturating_sub(1),
        reason: "it does not have the output that is asked for".to_owned(),
    })
}
