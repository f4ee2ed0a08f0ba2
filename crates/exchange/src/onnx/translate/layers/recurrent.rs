//! Recurrent layers. Gates stand in another order than here: LSTM's are i, o, f, c rather than i, f, g, o, GRU's z, r, h
//! rather than r, z, n.

use fireclay_nn::{GruSpec, LayerKind, LstmSpec, RnnActivation, SimpleRnnSpec};

use super::super::flow::{Axis, Factor, Flow};
use super::super::operation::Operation;
use super::super::pieces::{Piece, PieceKind};
use super::super::translation::{Outcome, Translation};
use super::parts::Part;

/// Where each of our gates is in ONNX.
fn gates(kind: &str) -> &'static [usize] {
    match kind {
        "LSTM" => &[0, 2, 3, 1],
        "GRU" => &[1, 0, 2],
        _ => &[0],
    }
}

/// Blocks of rows, one for each gate, in our order.
pub(in crate::onnx::translate) fn ours(kind: &str, values: &[f32]) -> Vec<f32> {
    let block = values.len() / gates(kind).len();
    gates(kind).iter().flat_map(|gate| &values[gate * block..(gate + 1) * block]).copied().collect()
}

pub(super) fn recurrent(into: &mut Translation<'_>, operation: &Operation, flow: Flow) -> Outcome {
    let node = into.node(operation);
    let kind = node.kind.as_str();
    let flow = into.plain(flow)?;
    let steps_first = [Some(Axis::Sample(0)), Some(Axis::Batch)];
    let is_sequence = flow.sample.len() == 2 && flow.dims.len() == 3;
    if !is_sequence || flow.dims[..2] != Flow::laid_out(flow.sample.clone(), flow.batch(), &steps_first).dims
    {
        return Err(
            "it does not read the steps of a batch of sequences; export the model with the batch first"
                .into(),
        );
    }
    let order = into.feature_places(&flow, 2)?;
    let hidden = usize::try_from(node.int("hidden_size", 0)?).unwrap_or_default();
    let directions = match node.text("direction", "forward")? {
        "forward" => 1,
        "bidirectional" => 2,
        other => {
            let other = crate::words::short(other);
            return Err(format!("its direction is '{other}'; expected forward or bidirectional"));
        }
    };
    let relu = check(into, operation, &flow)?;
    let rows = hidden.checked_mul(gates(kind).len()).ok_or("its hidden_size is too large")?;
    let features = flow.sample[1];
    let mut matrices = Vec::new();
    for (index, what, columns) in [(1, "weight", features), (2, "recurrent weight", hidden)] {
        let constant = into.weight(operation, index, what)?;
        if constant.shape != [directions, rows, columns] {
            let shape = &constant.shape;
            return Err(format!(
                "its {what} has the shape {shape:?}; expected {:?}",
                [directions, rows, columns]
            ));
        }
        matrices.push(constant.as_floats().unwrap_or_default());
    }
    let biases = match node.input(3) {
        Some(_) => into.list(operation, 3, "bias", 2 * directions * rows)?.to_vec(),
        None => {
            into.unbacked((2 * directions).saturating_mul(rows))?;
            vec![0.0; 2 * directions * rows]
        }
    };
    let mut piece = Piece::new(spec(kind, hidden, directions == 2, relu));
    const NAMES: [[&str; 4]; 2] = [
        ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"],
        ["weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"],
    ];
    for direction in 0..directions {
        let part = |values: &[f32], width: usize| {
            ours(kind, &values[direction * rows * width..(direction + 1) * rows * width])
        };
        let mut input = part(matrices[0], features);
        if !order.iter().enumerate().all(|(place, feature)| place == *feature) {
            let given = input.clone();
            for (place, feature) in order.iter().enumerate() {
                (0..rows).for_each(|row| input[row * features + feature] = given[row * features + place]);
            }
        }
        let bias = &biases[2 * direction * rows..2 * (direction + 1) * rows];
        let names = NAMES[direction];
        piece = piece
            .with(names[0], vec![rows, features], input)
            .with(names[1], vec![rows, hidden], part(matrices[1], hidden))
            .with(names[2], vec![rows], ours(kind, &bias[..rows]))
            .with(names[3], vec![rows], ours(kind, &bias[rows..]));
    }
    into.push(piece);
    Ok(all_states(flow, hidden, directions))
}

/// All of its states, `[steps, directions, batch, hidden]`.
fn all_states(flow: Flow, hidden: usize, directions: usize) -> Flow {
    let factor = |size: usize, stride: usize| {
        let factor = Factor { axis: Axis::Sample(1), size, stride };
        if size == 1 { Vec::new() } else { vec![factor] }
    };
    let sample = vec![flow.sample[0], hidden * directions];
    let mut dims = flow.dims;
    dims.truncate(2);
    dims.insert(1, factor(directions, hidden));
    dims.push(factor(hidden, 1));
    Flow { sample, tokens: false, dims, offset: vec![0, 0], zeros: None, heads: false }
}

fn spec(kind: &str, hidden: usize, bidirectional: bool, relu: bool) -> LayerKind {
    match kind {
        "LSTM" => LstmSpec::new(hidden).bidirectional(bidirectional).return_sequences(true).into(),
        "GRU" => GruSpec::new(hidden).bidirectional(bidirectional).return_sequences(true).into(),
        _ => {
            let activation = if relu { RnnActivation::Relu } else { RnnActivation::Tanh };
            let spec = SimpleRnnSpec::new(hidden).bidirectional(bidirectional).return_sequences(true);
            spec.activation(activation).into()
        }
    }
}

/// Refuses what ours are not, and gives whether a simple one has a ReLU.
fn check(into: &Translation<'_>, operation: &Operation, flow: &Flow) -> Result<bool, String> {
    let node = into.node(operation);
    let kind = node.kind.as_str();
    if kind == "GRU" && !node.flag("linear_before_reset", false)? {
        return Err("its reset gate is applied before the recurrent product (linear_before_reset = 0); only after it can be taken over".into());
    }
    if node.attributes.contains_key("clip") || node.flag("input_forget", false)? {
        return Err("it clips its values, or couples its gates".into());
    }
    let expected: &[&str] = match kind {
        "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
        "GRU" => &["Sigmoid", "Tanh"],
        _ => &["Tanh"],
    };
    let given = node.texts("activations")?.map(<[String]>::to_vec);
    let given = given.unwrap_or_else(|| expected.iter().map(|name| (*name).to_owned()).collect());
    let is = |names: &[&str]| given.chunks(names.len()).all(|given| given == names) && !given.is_empty();
    let relu = kind == "RNN" && is(&["Relu"]);
    if !(is(expected) || relu) {
        let given: Vec<String> = given.iter().map(|name| crate::words::short(name)).collect();
        return Err(format!("its activations are {}; expected {}", given.join(", "), expected.join(", ")));
    }
    if node.input(4).is_some() {
        let lengths = into.constant(operation, 4).and_then(|lengths| lengths.as_ints());
        if lengths.is_none_or(|lengths| lengths.iter().any(|length| *length != flow.sample[0] as i64)) {
            return Err("it is given how long each sequence is".into());
        }
    }
    for (index, what) in [(5, "state"), (6, "cell"), (7, "peephole")] {
        if node.input(index).is_some() {
            let values = into.constant(operation, index).and_then(|values| values.as_floats());
            if values.is_none_or(|values| values.iter().any(|value| *value != 0.0)) {
                return Err(format!("it begins with a {what} other than 0, or one that is given"));
            }
        }
    }
    Ok(relu)
}

/// The switch between all states and the last.
fn sequences(piece: &mut Piece) -> Option<(&mut bool, bool)> {
    let PieceKind::Layer(kind) = &mut piece.kind else { return None };
    match kind {
        LayerKind::Lstm(spec) => Some((&mut spec.return_sequences, spec.bidirectional)),
        LayerKind::Gru(spec) => Some((&mut spec.return_sequences, spec.bidirectional)),
        LayerKind::SimpleRnn(spec) => Some((&mut spec.return_sequences, spec.bidirectional)),
        _ => None,
    }
}

/// Lets a recurrent layer in one direction give its state after the last step; whether it is one.
pub(super) fn ends_at_last_step(piece: &mut Piece) -> bool {
    match sequences(piece) {
        Some((returns, false)) => std::mem::replace(returns, false),
        _ => false,
    }
}

/// The last state instead of all, `[directions, batch, hidden]`: what its second output is.
pub(in crate::onnx::translate) fn state(into: &mut Translation<'_>, flow: Flow) -> Outcome {
    let last = into.pieces.last_mut().and_then(sequences);
    match last {
        Some((returns, _)) if *returns && flow.dims.len() == 4 => {
            *returns = false;
            Ok(flow.reduced(&[0]).without(&[0]))
        }
        _ => Err("all of its states and the last one are read".into()),
    }
}

/// Both directions of a last state, which are read one by one and put side by side.
pub(in crate::onnx::translate) fn joined(
    into: &mut Translation<'_>,
    operation: &Operation,
    from: usize,
    flow: Flow,
) -> Outcome {
    let node = into.node(operation);
    let mut parts = Vec::new();
    for name in &node.inputs {
        let part = into.branch(name, from, &flow)?;
        if part.linear.is_some() || part.scale != 1.0 {
            return Err(NOT_ALIKE.into());
        }
        parts.push(part);
    }
    if let Some(source) = into.network.operations.get(from)
        && let Some(second) = source.outputs.get(1)
        && parts.iter().all(|part| part.source == *second)
        && matches!(into.node(source).kind.as_str(), "LSTM" | "GRU" | "RNN")
    {
        state(into, flow)?;
    }
    let rank = parts.first().map_or(0, |part| part.flow.dims.len());
    let along = super::super::evaluate::axis(node.int("axis", 0)?, rank)?;
    let first = parts.first().ok_or("it has no inputs")?.flow.clone();
    let [factor] = first.dims[along][..] else { return Err(NOT_ALIKE.into()) };
    let Axis::Sample(axis) = factor.axis else { return Err(NOT_ALIKE.into()) };
    for (place, part) in parts.iter().enumerate() {
        let mut expected = first.clone();
        expected.offset[axis] += place * factor.size * factor.stride;
        if part.flow != expected {
            return Err(NOT_ALIKE.into());
        }
    }
    let mut whole = first;
    whole.dims[along] = vec![Factor { size: factor.size * parts.len(), ..factor }];
    Ok(whole)
}

const NOT_ALIKE: &str =
    "it puts values side by side that are not parts of one, one after another; branches can only be added";

/// A part of what an operation gives.
pub(in crate::onnx::translate) fn part_of(
    into: &Translation<'_>,
    operation: &Operation,
    name: &str,
    flow: Flow,
) -> Outcome {
    Part::read(into, operation, name)?.iter().rev().try_fold(flow, |flow, part| part.of(flow))
}
