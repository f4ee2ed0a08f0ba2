//! Tries a plan on sizes, before there is a tensor: what a graph asks for must be possible, and grow with the batch.

use std::collections::BTreeSet;

use super::super::import::{Graph, Size, Values};
use super::plan::Plan;
use super::run::run;
use super::scope::Scope;
use super::step::{Given, Stopped};
use super::value::{Element, Value};

/// Sizes that are tried where a file leaves one open: lengths of texts, and sides of images.
const OPEN: [usize; 12] = [8, 16, 32, 64, 128, 224, 256, 28, 299, 4, 2, 1];

/// Finds sizes for which the graph works, with any batch.
pub(super) fn try_sizes(plan: &Plan, graph: &Graph) -> Result<(), Stopped> {
    let mut first_problem = None;
    for open in candidates(plan, graph) {
        let problem = match output(plan, graph, 1, open) {
            Err(stopped) => stopped,
            Ok(one) => {
                let several = |samples: usize| {
                    output(plan, graph, samples, open).map_err(|stopped| Stopped {
                        reason: format!(
                            "{}, for a batch of {samples}; with one sample it works: export the model for batches of any size (dynamic_shapes or dynamic_axes of torch.onnx.export)",
                            stopped.reason
                        ),
                        ..stopped
                    })
                };
                // A size of the graph may happen to be that of one batch, and is not that of another.
                match several(2).and_then(|two| Ok((two, several(3)?))) {
                    Ok((two, three)) => {
                        check(plan, &one, &two, 2)?;
                        return check(plan, &one, &three, 3);
                    }
                    Err(stopped) => stopped,
                }
            }
        };
        first_problem = first_problem.or(Some(problem));
    }
    Err(first_problem.unwrap_or_else(|| last(plan, "there is nothing to try it on".to_owned())))
}

/// One try where all sizes are known. Some exporters leave a size open in words and have it among the constants all the same.
fn candidates(plan: &Plan, graph: &Graph) -> Vec<usize> {
    /// More constants are not looked at.
    const MOST: usize = 16;
    let open =
        plan.inputs.iter().flat_map(|input| &input.sizes[1..]).any(|size| matches!(size, Size::Any(_)));
    if !open {
        return OPEN[..1].to_vec();
    }
    let numbers = graph.constants.values().filter_map(|constant| match &constant.values {
        Values::Int(values) if values.len() <= 6 => Some(values),
        _ => None,
    });
    let sizes = numbers.flatten().filter_map(|number| usize::try_from(*number).ok());
    let written: BTreeSet<usize> =
        sizes.filter(|size| (3..=4096).contains(size) && !OPEN.contains(size)).collect();
    OPEN.into_iter().chain(written.into_iter().take(MOST)).collect()
}

/// The output for a batch, and for one size wherever one is open.
fn output(plan: &Plan, graph: &Graph, batch: usize, open: usize) -> Result<Value, Stopped> {
    let scope = Scope::of_sizes(batch);
    let mut values = vec![None; plan.values];
    for (place, given) in &plan.given {
        let of_constant = |name: &str| {
            let dims = graph.constants.get(name).map(|constant| constant.shape.clone()).unwrap_or_default();
            Value::unknown(Element::Float, dims)
        };
        values[*place] = Some(match given {
            Given::Input(input) => {
                let value = plan.inputs[*input].of_sizes(batch, |_| open);
                let admitted = scope.admit(value.element, &value.dims, value.element != Element::Float);
                admitted.map_err(|reason| {
                    last(plan, format!("input '{}': {reason}", plan.inputs[*input].name))
                })?;
                value
            }
            Given::Parameter(parameter) => of_constant(&plan.parameters[*parameter]),
            Given::Statistic(statistic) => of_constant(&plan.statistics[*statistic]),
            Given::Constant(value) => value.clone(),
            Given::Large(_, dims) => Value::unknown(Element::Float, &**dims),
        });
    }
    run(plan, values, &scope)
}

/// The output is one of numbers, with rows for each sample.
fn check(plan: &Plan, one: &Value, several: &Value, samples: usize) -> Result<(), Stopped> {
    let problem = match (one.element, one.known(), one.dims.as_slice(), several.dims.as_slice()) {
        (Element::Float, None, [first, rest @ ..], [second, others @ ..]) => {
            match rest == others && *second == samples * first && rest.len() < 4 {
                true => return Ok(()),
                false => format!(
                    "it gives {:?} for one sample and {:?} for {samples}; expected rows, steps or images for each sample",
                    one.dims, several.dims
                ),
            }
        }
        (Element::Float, None, _, _) => "it gives one number for the whole batch".to_owned(),
        _ => "its output does not come of the input's floating-point numbers and of weights".to_owned(),
    };
    Err(last(plan, problem))
}

fn last(plan: &Plan, reason: String) -> Stopped {
    Stopped { step: plan.steps.len().saturating_sub(1), reason }
}
