//! What flows from layer to layer while they are written.

use super::graph::Graph;
use crate::onnx::proto::DataType;

/// The value that reaches a layer, by name, and what is known of it.
#[derive(Clone)]
pub(super) struct Flow {
    /// `[batch, ..]`
    pub(super) value: String,
    /// Its dimensions, the batch included.
    pub(super) rank: usize,
    /// How many steps there are, where there are any.
    pub(super) steps: Option<Steps>,
    /// `[batch]`, int64: how many steps of each sequence are its own; the rest fills up.
    pub(super) lengths: Option<String>,
}

/// The number of steps.
#[derive(Clone)]
pub(super) struct Steps {
    /// A list with one number, int64.
    pub(super) name: String,
    /// Where it is always the same.
    pub(super) fixed: Option<usize>,
}

impl Flow {
    /// The flow with another value of the same sizes.
    pub(super) fn with(self, value: String) -> Self {
        Flow { value, ..self }
    }

    /// A row for each sample: what steps there were are put together.
    pub(super) fn rows(value: String) -> Self {
        Flow { value, rank: 2, steps: None, lengths: None }
    }

    /// `[batch, steps]`, bool: which steps are their sequences' own; `None` if all are.
    pub(super) fn own(&self, graph: &mut Graph) -> Option<String> {
        let (lengths, steps) = (self.lengths.as_ref()?, self.steps.as_ref()?);
        let key = format!("own {lengths} {}", steps.name);
        Some(graph.once(&key, |graph| {
            let places = graph.range(None, &steps.name);
            let ends = graph.unsqueeze(lengths, &[1]);
            graph.add("Less", &[&places, &ends], Vec::new())
        }))
    }

    /// `[batch, steps, 1]`: 1 where a sequence has the step, 0 after its end.
    pub(super) fn own_factors(&self, graph: &mut Graph) -> Option<String> {
        let own = self.own(graph)?;
        Some(graph.once(&format!("factors {own}"), |graph| {
            let own = graph.unsqueeze(&own, &[2]);
            graph.cast(&own, DataType::Float)
        }))
    }
}
