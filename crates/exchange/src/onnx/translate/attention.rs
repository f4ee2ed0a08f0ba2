//! Attention, of which exporters write every step: `softmax(Q Kᵀ scale + mask) V`.

use std::collections::HashMap;

use super::functions::Function;
use super::network::Network;
use super::operation::{Attention, Kind};
use crate::onnx::import::{Constant, Values};

/// The most operators between an attention's parts.
const MOST_STEPS: usize = 64;

/// Scores that are as good as none.
const UNSEEN: f32 = -1e4;

/// Puts the operators of attention together.
pub(super) fn join(network: &mut Network<'_>) {
    let makers = network.makers();
    for index in 0..network.operations.len() {
        let node = network.node(&network.operations[index]);
        let found = match node.kind.as_str() {
            "MatMul" => from_product(network, &makers, index),
            "Attention" => from_operator(network, index),
            _ => None,
        };
        if let Some((attention, inputs)) = found {
            let operation = &mut network.operations[index];
            (operation.kind, operation.inputs) = (Kind::Attention(attention), inputs);
        }
    }
    network.drop_unneeded();
}

/// Which steps see which, `[queries, keys]`; all others see all.
struct Seen {
    size: (usize, usize),
    seen: Vec<bool>,
}

impl Seen {
    /// Whether each step sees itself and those before it (`Some(true)`), or all (`Some(false)`).
    fn is_causal(&self) -> Option<bool> {
        let (queries, keys) = self.size;
        let is = |rule: &dyn Fn(usize, usize) -> bool| {
            (0..queries).all(|query| (0..keys).all(|key| self.seen[query * keys + key] == rule(query, key)))
        };
        if is(&|_, _| true) {
            return Some(false);
        }
        (queries == keys && is(&|query, key| key <= query)).then_some(true)
    }

    /// Leaves unseen what a mask says, whose last two dimensions are queries and keys.
    fn mask(&mut self, constant: &Constant, is_seen: &dyn Fn(usize) -> Option<bool>) -> Option<()> {
        let (queries, keys) = self.size;
        let (outer, last) = constant.shape.split_at(constant.shape.len().saturating_sub(2));
        let (rows, columns) = match last {
            [] => (1, 1),
            [columns] => (1, *columns),
            [rows, columns, ..] => (*rows, *columns),
        };
        if !(rows == 1 || rows == queries) || !(columns == 1 || columns == keys) {
            return None;
        }
        for outer in 0..outer.iter().product::<usize>() {
            for query in 0..queries {
                for key in 0..keys {
                    let place = (outer * rows + query % rows) * columns + key % columns;
                    self.seen[query * keys + key] &= is_seen(place)?;
                }
            }
        }
        // All samples and heads have the same mask.
        let first = rows * columns;
        (first..constant.len()).all(|place| is_seen(place) == is_seen(place % first)).then_some(())
    }
}

fn from_product(
    network: &Network<'_>,
    makers: &HashMap<String, usize>,
    last: usize,
) -> Option<(Attention, Vec<String>)> {
    let operation = &network.operations[last];
    let node = network.node(operation);
    let (shares, values) = (node.input(0)?, node.input(1)?);
    if operation.inputs.len() != 2 {
        return None;
    }
    let maker = |name: &str| makers.get(name).map(|index| &network.operations[*index]);
    let mut current = shares.to_owned();
    let mut steps = 0..MOST_STEPS;
    loop {
        steps.next()?;
        let operation = maker(&current)?;
        let node = network.node(operation);
        match (&operation.kind, node.kind.as_str()) {
            (Kind::Function(Function::Identity), _) | (Kind::Node, "Dropout" | "Identity" | "Cast") => {}
            (Kind::Node, "Softmax") => {
                let rank = network.known.shape(node.input(0)?)?.len() as i64;
                let axis = node.int("axis", -1).ok()?;
                if axis != -1 && axis != rank - 1 {
                    return None;
                }
                current = operation.inputs.first()?.clone();
                break;
            }
            _ => return None,
        }
        current = operation.inputs.first()?.clone();
    }
    let &[.., queries, keys] = network.known.shape(&current)? else { return None };
    if queries.checked_mul(keys)? > 1 << 26 {
        return None;
    }
    let mut seen = Seen { size: (queries, keys), seen: vec![true; queries * keys] };
    // What stands behind a mask scales it as well.
    let mut scale = 1.0f64;
    loop {
        steps.next()?;
        let operation = maker(&current)?;
        let node = network.node(operation);
        if !matches!(operation.kind, Kind::Node) {
            return None;
        }
        let constant = |index: usize| network.known.input(node, index);
        let other = constant(0).or(constant(1));
        match node.kind.as_str() {
            "MatMul" if operation.inputs.len() == 2 => {
                let attention = Attention {
                    transposed_keys: true,
                    scale: Some(scale),
                    causal: seen.is_causal()?,
                    heads: None,
                };
                let [queries, keys] = [node.input(0)?, node.input(1)?].map(str::to_owned);
                return Some((attention, vec![queries, keys, values.to_owned()]));
            }
            "Identity" | "Cast" => {}
            "Mul" => scale *= other?.single()?,
            "Div" => scale /= constant(1)?.single()?,
            "Add" => {
                let mask = other?;
                let values = mask.as_floats()?;
                seen.mask(mask, &|place| additive((f64::from(values[place]) * scale) as f32))?;
            }
            "Where" => {
                let condition = constant(0)?;
                let (instead, unseen_where) = match (constant(1), constant(2)) {
                    (Some(instead), None) => (instead, true),
                    (None, Some(instead)) => (instead, false),
                    _ => return None,
                };
                if instead.single()? * scale > UNSEEN.into() {
                    return None;
                }
                let condition_values = condition.as_bools()?;
                seen.mask(condition, &|place| Some(condition_values[place] != unseen_where))?;
            }
            _ => return None,
        }
        current = operation.inputs.first()?.clone();
    }
}

/// What a number that is added to a score says.
fn additive(value: f32) -> Option<bool> {
    match value {
        0.0 => Some(true),
        value if value <= UNSEEN => Some(false),
        _ => None,
    }
}

/// ONNX's own operator.
fn from_operator(network: &Network<'_>, index: usize) -> Option<(Attention, Vec<String>)> {
    let operation = &network.operations[index];
    let node = network.node(operation);
    let inputs: Vec<String> = (0..3).filter_map(|index| node.input(index)).map(str::to_owned).collect();
    let is_plain = operation.inputs.len() == 3
        && (4..node.inputs.len()).all(|index| node.input(index).is_none())
        && node.float("softcap", 0.0).ok()? == 0.0;
    if !is_plain {
        return None;
    }
    let shape = network.known.shape(inputs.first()?)?.to_vec();
    let heads = match shape.len() {
        3 => {
            let [queries, keys] = [node.int("q_num_heads", 0).ok()?, node.int("kv_num_heads", 0).ok()?];
            Some(usize::try_from(queries).ok().filter(|heads| *heads > 0 && queries == keys)?)
        }
        _ => None,
    };
    let mut causal = node.flag("is_causal", false).ok()?;
    if node.input(3).is_some() {
        let mask = network.known.input(node, 3)?;
        let steps = |index: usize| {
            let shape = network.known.shape(inputs.get(index)?)?;
            shape.get(shape.len().checked_sub(2)?).copied()
        };
        let size = (steps(0)?, steps(1)?);
        let mut seen =
            Seen { size, seen: vec![true; size.0.checked_mul(size.1).filter(|all| *all <= 1 << 26)?] };
        match &mask.values {
            Values::Float(values) => seen.mask(mask, &|place| additive(values[place]))?,
            Values::Bool(values) => seen.mask(mask, &|place| Some(values[place]))?,
            Values::Int(_) => return None,
        }
        causal |= seen.is_causal()?;
    }
    let scale = node.float("scale", 0.0).ok().filter(|scale| *scale != 0.0).map(f64::from);
    Some((Attention { transposed_keys: false, scale, causal, heads }, inputs))
}
