//! LSTM, GRU and simple recurrent networks: an operator for each layer of a stack, with both directions.
//!
//! Gates stand in another order than here: LSTM's are i, o, f, c rather than i, f, g, o, GRU's z, r, h rather than r, z, n.

use fireclay_nn::{GruSpec, LstmSpec, RnnActivation, SimpleRnnSpec};

use super::super::attribute::{integer, text, texts};
use super::super::flow::Flow;
use super::super::graph::Graph;
use super::super::value::OnnxSize;
use super::Place;
use crate::onnx::proto::{AttributeProto, DataType};

/// What the three have in common.
struct Stack<'a> {
    op: &'static str,
    /// Which of our gates stands where in ONNX.
    gates: &'a [usize],
    hidden_size: usize,
    num_layers: usize,
    return_sequences: bool,
    bidirectional: bool,
    learn_initial_state: bool,
    attributes: Vec<AttributeProto>,
}

/// Fills in what the descriptions have under the same names.
macro_rules! stack {
    ($op:literal, $gates:expr, $spec:expr, $attributes:expr) => {
        Stack {
            op: $op,
            gates: $gates,
            hidden_size: $spec.hidden_size,
            num_layers: $spec.num_layers,
            return_sequences: $spec.return_sequences,
            bidirectional: $spec.bidirectional,
            learn_initial_state: $spec.learn_initial_state,
            attributes: $attributes,
        }
    };
}

pub(super) fn lstm(graph: &mut Graph, place: &Place, spec: &LstmSpec, input: Flow) -> Flow {
    stack!("LSTM", &[0, 3, 1, 2], spec, Vec::new()).write(graph, place, input)
}

pub(super) fn gru(graph: &mut Graph, place: &Place, spec: &GruSpec, input: Flow) -> Flow {
    // The reset gate multiplies the recurrent product, not the state before it.
    let reset = vec![integer("linear_before_reset", 1)];
    stack!("GRU", &[1, 0, 2], spec, reset).write(graph, place, input)
}

pub(super) fn simple_rnn(graph: &mut Graph, place: &Place, spec: &SimpleRnnSpec, input: Flow) -> Flow {
    let function = match spec.activation {
        RnnActivation::Tanh => "Tanh",
        RnnActivation::Relu => "Relu",
        _ => return place.refuse(graph, input, "its activation has no name in ONNX that is known"),
    };
    let functions = vec![function; if spec.bidirectional { 2 } else { 1 }];
    stack!("RNN", &[0], spec, vec![texts("activations", &functions)]).write(graph, place, input)
}

impl Stack<'_> {
    fn write(&self, graph: &mut Graph, place: &Place, input: Flow) -> Flow {
        if graph.stepwise && self.bidirectional {
            return place.refuse(
                graph,
                input,
                "its way back begins at an end that is not known step by step",
            );
        }
        let stepwise = graph.stepwise;
        let states = if self.op == "LSTM" { ["h", "c"].as_slice() } else { &["h"] };
        // Of each kind of state one value for all layers, `[num_layers, batch, hidden_size]`.
        let mut before: Vec<Vec<String>> = Vec::new();
        if stepwise {
            for state in states {
                let (name, sizes) = self.state(place, state);
                let past = graph.past(&name, sizes);
                before.push(graph.split(&past, 0, self.num_layers));
            }
        }
        let lengths = input.lengths.as_ref().map(|lengths| {
            graph.once(&format!("int32 {lengths}"), |graph| graph.cast(lengths, DataType::Int32))
        });
        let mut after: Vec<Vec<String>> = vec![Vec::new(); states.len()];
        let (mut value, mut last) = (graph.transpose(&input.value, &[1, 0, 2]), String::new());
        for layer in 0..self.num_layers {
            let learnt: Vec<Option<String>> =
                states.iter().map(|state| self.learnt(graph, place, state, layer)).collect();
            let initial: Vec<String> = learnt
                .iter()
                .enumerate()
                .map(|(which, learnt)| match (before.get(which), learnt) {
                    (Some(before), None) => before[layer].clone(),
                    (Some(before), Some(learnt)) => graph.add("Add", &[&before[layer], learnt], Vec::new()),
                    (None, Some(learnt)) => self.for_batch(graph, learnt, &value),
                    (None, None) => String::new(),
                })
                .collect();
            let outputs = self.operator(graph, place, layer, &value, lengths.as_deref(), &initial);
            for (which, after) in after.iter_mut().enumerate().filter(|_| stepwise) {
                let state = &outputs[which + 1];
                // A state begins at 0 outside, so the learnt beginning is not in it there.
                after.push(match &learnt[which] {
                    Some(learnt) => graph.add("Sub", &[state, learnt], Vec::new()),
                    None => state.clone(),
                });
            }
            last = match (&lengths, initial[0].is_empty()) {
                // Of a sequence without steps, runtimes give 0 rather than the beginning.
                (Some(lengths), false) => {
                    let zero = graph.int32_zero();
                    let is_there = graph.add("Greater", &[lengths, &zero], Vec::new());
                    let is_there = graph.unsqueeze(&is_there, &[0, 2]);
                    graph.add("Where", &[&is_there, &outputs[1], &initial[0]], Vec::new())
                }
                _ => outputs[1].clone(),
            };
            // `[steps, directions, batch, hidden_size]` to `[steps, batch, directions * hidden_size]`.
            value = match self.bidirectional {
                false => graph.squeeze(&outputs[0], &[1]),
                true => {
                    let sides = graph.transpose(&outputs[0], &[0, 2, 1, 3]);
                    graph.reshape(&sides, &[0, 0, self.width()])
                }
            };
        }
        for (state, after) in states.iter().zip(after).filter(|_| stepwise) {
            let (name, sizes) = self.state(place, state);
            let all = graph.concat(&after.iter().map(String::as_str).collect::<Vec<_>>(), 0);
            graph.present(&name, sizes, &all);
        }
        if self.return_sequences || stepwise {
            let value = graph.transpose(&value, &[1, 0, 2]);
            return input.with(value);
        }
        // `[directions, batch, hidden_size]`
        Flow::rows(match self.bidirectional {
            false => graph.squeeze(&last, &[0]),
            true => {
                let sides = graph.transpose(&last, &[1, 0, 2]);
                graph.reshape(&sides, &[0, self.width()])
            }
        })
    }

    /// All states, the last hidden one, and for LSTM the last cell.
    fn operator(
        &self,
        graph: &mut Graph,
        place: &Place,
        layer: usize,
        value: &str,
        lengths: Option<&str>,
        initial: &[String],
    ) -> Vec<String> {
        let joined = |names: &[&str], graph: &Graph| -> Vec<f32> {
            (self.directions().iter())
                .flat_map(|suffix| names.iter().map(move |name| format!("{name}_l{layer}{suffix}")))
                .flat_map(|name| self.in_onnx_order(&graph.tensor(&place.tensor(&name)).values))
                .collect()
        };
        let [input, recurrent] = ["weight_ih", "weight_hh"].map(|name| {
            let first = graph.tensor(&place.tensor(&format!("{name}_l{layer}")));
            let shape = [self.directions().len(), first.shape[0], first.shape[1]];
            let values = joined(&[name], graph);
            graph.floats(&place.tensor(&format!("{name}_l{layer}.onnx")), &shape, &values)
        });
        let biases = joined(&["bias_ih", "bias_hh"], graph);
        let shape = [self.directions().len(), 2 * self.gates.len() * self.hidden_size];
        let bias = graph.floats(&place.tensor(&format!("bias_l{layer}.onnx")), &shape, &biases);
        let mut inputs = vec![value, &input, &recurrent, &bias, lengths.unwrap_or_default()];
        inputs.extend(initial.iter().map(String::as_str));
        while inputs.last().is_some_and(|name| name.is_empty()) {
            inputs.pop();
        }
        let direction = if self.bidirectional { "bidirectional" } else { "forward" };
        let mut attributes =
            vec![integer("hidden_size", self.hidden_size as i64), text("direction", direction)];
        attributes.extend(self.attributes.iter().cloned());
        graph.add_many(self.op, &inputs, 1 + initial.len(), attributes)
    }

    /// The blocks of rows that belong to the gates, in ONNX's order.
    fn in_onnx_order(&self, values: &[f32]) -> Vec<f32> {
        let block = values.len() / self.gates.len();
        self.gates.iter().flat_map(|gate| &values[gate * block..(gate + 1) * block]).copied().collect()
    }

    /// `[directions, 1, hidden_size]`: the learnt state before the first step.
    fn learnt(&self, graph: &mut Graph, place: &Place, state: &str, layer: usize) -> Option<String> {
        self.learn_initial_state.then(|| {
            let name = place.tensor(&format!("{state}_0_l{layer}"));
            let values: Vec<f32> = (self.directions().iter())
                .flat_map(|suffix| &graph.tensor(&format!("{name}{suffix}")).values)
                .copied()
                .collect();
            graph.floats(&format!("{name}.onnx"), &[self.directions().len(), 1, self.hidden_size], &values)
        })
    }

    /// The learnt state for each of the sequences in `value`, `[steps, batch, features]`.
    fn for_batch(&self, graph: &mut Graph, learnt: &str, value: &str) -> String {
        let batch = graph.size(value, 1);
        let sides = graph.ints(&[self.directions().len() as i64]);
        let hidden = graph.ints(&[self.hidden_size as i64]);
        let shape = graph.concat(&[&sides, &batch, &hidden], 0);
        graph.add("Expand", &[learnt, &shape], Vec::new())
    }

    /// What a state is called outside, and its sizes.
    fn state(&self, place: &Place, state: &str) -> (String, Vec<OnnxSize>) {
        let sizes = vec![self.num_layers.into(), "batch".into(), self.hidden_size.into()];
        (place.tensor(state), sizes)
    }

    /// The ends of the tensors' names, for each direction.
    fn directions(&self) -> &'static [&'static str] {
        if self.bidirectional { &["", "_reverse"] } else { &[""] }
    }

    fn width(&self) -> i64 {
        (self.directions().len() * self.hidden_size) as i64
    }
}
