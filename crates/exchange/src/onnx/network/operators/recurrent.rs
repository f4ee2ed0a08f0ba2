//! `LSTM`, `GRU` and `RNN`: one layer over a sequence, forward, backward or both.
//!
//! Gates stand in another order than here: LSTM's are i, o, f, c rather than i, f, g, o, GRU's z, r, h rather than r, z, n.

use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_backend::ops::{
    RecurrentCell, RecurrentOptions, RecurrentState, RecurrentWeights, recurrent_with_state,
};

use super::super::any_rank::AnyRank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let (backwards, name) = match node.text("direction", "forward")? {
        "forward" => (vec![false], "forward"),
        "reverse" => (vec![true], "reverse"),
        "bidirectional" => (vec![false, true], "bidirectional"),
        other => return Err(format!("direction is '{other}'; expected forward, reverse or bidirectional")),
    };
    let named: Option<Vec<&str>> =
        node.texts("activations")?.map(|names| names.iter().map(String::as_str).collect());
    let are = |expected: &[&str]| match &named {
        None => true,
        Some(named) => *named == expected.repeat(backwards.len()),
    };
    let cell = match node.kind.as_str() {
        "LSTM" if are(&["Sigmoid", "Tanh", "Tanh"]) => RecurrentCell::Lstm,
        "GRU" if are(&["Sigmoid", "Tanh"]) => RecurrentCell::Gru,
        "RNN" if are(&["Tanh"]) => RecurrentCell::Tanh,
        "RNN" if are(&["Relu"]) => RecurrentCell::Relu,
        _ => {
            return Err(format!(
                "activations are {named:?} in a layer that runs {name}; only the usual ones are supported"
            ));
        }
    };
    if node.attributes.contains_key("clip") || node.flag("input_forget", false)? {
        return Err("clip and input_forget are not supported".to_owned());
    }
    if cell == RecurrentCell::Gru && !node.flag("linear_before_reset", false)? {
        return Err(
            "a reset gate before the recurrent product (linear_before_reset 0) is not supported".to_owned()
        );
    }
    if node.input(7).is_some() {
        return Err("peepholes are not supported".to_owned());
    }
    Ok(Box::new(Recurrent {
        cell,
        backwards,
        hidden_size: node.int("hidden_size", 0)?,
        batch_first: node.flag("layout", false)?,
    }))
}

#[derive(Debug)]
struct Recurrent {
    cell: RecurrentCell,
    /// For each direction whether it runs from the last step to the first.
    backwards: Vec<bool>,
    /// As the node says; 0 if it does not.
    hidden_size: i64,
    batch_first: bool,
}

/// What one pass reads, checked.
struct Read<'a> {
    input: &'a Value,
    weights: [&'a Value; 2],
    bias: Option<&'a Value>,
    lengths: Option<&'a Value>,
    initial: [Option<&'a Value>; 2],
    batch: usize,
    hidden: usize,
}

impl Operator for Recurrent {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (read, steps) = self.read(inputs)?;
        let (directions, batch, hidden) = (self.backwards.len(), read.batch, read.hidden);
        let features = read.input.dims[2];
        scope.spend(&[
            directions,
            batch,
            steps,
            features.saturating_add(hidden),
            self.cell.gates(),
            hidden,
        ])?;
        let (all, last) = match self.batch_first {
            true => (vec![batch, steps, directions, hidden], vec![batch, directions, hidden]),
            false => (vec![steps, directions, batch, hidden], vec![directions, batch, hidden]),
        };
        let mut made: Option<[AnyRank; 3]> = None;
        if let Some(device) = scope.device() {
            scope.admit(Element::Float, &all, false)?;
            made = Some(self.run(&read, device));
        }
        let [outputs, h, c] = match made {
            Some(made) => made.map(Some),
            None => [None, None, None],
        };
        let value = |dims: &[usize], made: Option<AnyRank>| {
            scope.compute(Element::Float, dims, |_| made.expect("it was made where there is a device"))
        };
        let mut values = vec![value(&all, outputs)?, value(&last, h)?];
        if self.cell.has_c() {
            values.push(value(&last, c)?);
        }
        Ok(values)
    }
}

impl Recurrent {
    /// The inputs, whose sizes fit each other, and the number of steps.
    fn read<'a>(&self, inputs: &Inputs<'a>) -> Result<(Read<'a>, usize), Reason> {
        let (input, of_input, of_state) = (inputs.floats(0)?, inputs.floats(1)?, inputs.floats(2)?);
        let &[first, second, features] = input.dims.as_slice() else {
            return Err(format!("an input of {:?}; expected three dimensions", input.dims));
        };
        let (batch, steps) = if self.batch_first { (first, second) } else { (second, first) };
        let hidden = *of_state.dims.last().unwrap_or(&0);
        let (directions, rows) = (self.backwards.len(), self.cell.gates().saturating_mul(hidden));
        let bias = inputs.optional_floats(3)?;
        let fits = of_input.dims == [directions, rows, features]
            && of_state.dims == [directions, rows, hidden]
            && bias.is_none_or(|bias| bias.dims == [directions, 2 * rows])
            && (self.hidden_size == 0 || self.hidden_size == hidden as i64);
        if !fits {
            return Err(format!(
                "weights of {:?} and {:?} in {directions} directions with a hidden_size of {} for an input of {:?}",
                of_input.dims, of_state.dims, self.hidden_size, input.dims
            ));
        }
        let lengths = inputs.optional(4);
        if let Some(lengths) = lengths {
            let is_length = |length: &f64| (0.0..=steps as f64).contains(length);
            if lengths.element != Element::Int || lengths.dims != [batch] {
                return Err(format!("sequence_lens of {:?} for {batch} sequences", lengths.dims));
            }
            if let Some(length) =
                lengths.known().and_then(|lengths| lengths.iter().find(|length| !is_length(length)))
            {
                return Err(format!("a length of {length} in sequences of {steps} steps"));
            }
        }
        let initial = [inputs.optional_floats(5)?, inputs.optional_floats(6)?.filter(|_| self.cell.has_c())];
        let of_one = if self.batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
        if let Some(other) = initial.into_iter().flatten().find(|state| state.dims != of_one) {
            return Err(format!("a first state of {:?}; expected {of_one:?}", other.dims));
        }
        Ok((Read { input, weights: [of_input, of_state], bias, lengths, initial, batch, hidden }, steps))
    }

    /// All outputs, and the last states `h` and `c`.
    fn run(&self, read: &Read, device: &Device) -> [AnyRank; 3] {
        let input: Tensor<3> = read.input.tensor(device).at();
        let input = if self.batch_first { input } else { input.swap_dims(0, 1) };
        let lengths = read.lengths.and_then(Value::known).map(|lengths| {
            let lengths: Vec<i32> = lengths.iter().map(|length| *length as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(lengths, [read.batch]), device)
        });
        let (mut outputs, mut h, mut c) = (Vec::new(), Vec::new(), Vec::new());
        for (direction, reverse) in self.backwards.iter().enumerate() {
            let weights = self.weights(read, direction, device);
            let initial = self.initial(read, direction, device);
            let options = RecurrentOptions {
                reverse: *reverse,
                lengths: lengths.clone(),
                initial,
                ..Default::default()
            };
            let (output, state) = recurrent_with_state(input.clone(), &weights, &options);
            outputs.push(output.unsqueeze_dim::<4>(2));
            c.push(state.c.unwrap_or_else(|| state.h.clone()).unsqueeze_dim::<3>(1));
            h.push(state.h.unsqueeze_dim::<3>(1));
        }
        // `[batch, steps, directions, hidden]` and `[batch, directions, hidden]` so far.
        let (outputs, [h, c]) = (Tensor::cat(outputs, 2), [h, c].map(|states| Tensor::cat(states, 1)));
        match self.batch_first {
            true => [outputs.into(), h.into(), c.into()],
            false => {
                [outputs.permute([1, 2, 0, 3]).into(), h.swap_dims(0, 1).into(), c.swap_dims(0, 1).into()]
            }
        }
    }

    fn weights(&self, read: &Read, direction: usize, device: &Device) -> RecurrentWeights {
        let (cell, hidden) = (self.cell, read.hidden);
        // Which of ONNX's gates stands where in ours.
        let gates: &[usize] = match cell {
            RecurrentCell::Lstm => &[0, 2, 3, 1],
            RecurrentCell::Gru => &[1, 0, 2],
            RecurrentCell::Tanh | RecurrentCell::Relu => &[0],
        };
        let ordered = |tensor: Tensor<2>| {
            let parts = gates.iter().map(|gate| tensor.clone().narrow(0, gate * hidden, hidden)).collect();
            Tensor::cat(parts, 0)
        };
        let matrix = |which: usize| {
            let value = read.weights[which];
            let of_one = value.tensor(device).narrow(0, direction, 1).reshape(&value.dims[1..]);
            ordered(of_one.at()).swap_dims(0, 1)
        };
        let rows = gates.len() * hidden;
        let biases = match read.bias {
            None => [Tensor::<1>::zeros([rows], device), Tensor::zeros([rows], device)],
            Some(bias) => [0, 1].map(|which| {
                let of_one = bias.tensor(device).narrow(0, direction, 1).narrow(1, which * rows, rows);
                ordered(of_one.reshape(&[rows, 1]).at()).reshape([rows])
            }),
        };
        let [of_input, of_state] = biases;
        let (bias, bias_new) = match cell {
            // What a GRU adds to the recurrent product of its new gate is multiplied by the reset gate.
            RecurrentCell::Gru => {
                let gates = of_state.clone().narrow(0, 0, 2 * hidden);
                let gates = Tensor::cat(vec![gates, Tensor::zeros([hidden], device)], 0);
                (of_input + gates, Some(of_state.narrow(0, 2 * hidden, hidden)))
            }
            _ => (of_input + of_state, None),
        };
        RecurrentWeights { cell, weight_ih: matrix(0), weight_hh: matrix(1), bias, bias_new }
    }

    fn initial(&self, read: &Read, direction: usize, device: &Device) -> Option<RecurrentState> {
        let sizes = [read.batch, read.hidden];
        let axis = if self.batch_first { 1 } else { 0 };
        let states = read.initial.map(|state| {
            state.map(|state| -> Tensor<2> {
                state.tensor(device).narrow(axis, direction, 1).reshape(&sizes).at()
            })
        });
        if states.iter().all(Option::is_none) {
            return None;
        }
        let [h, c] = states.map(|state| state.unwrap_or_else(|| Tensor::zeros(sizes, device)));
        Some(RecurrentState { h, c: self.cell.has_c().then_some(c) })
    }
}
