//! Attention, and what tells it where steps are.

use fireclay_nn::{MultiHeadAttentionSpec, PositionEmbeddingSpec, PositionKind};
use serde_json::json;

use super::graph::{Value, Variable};
use super::writer::{Writer, transposed};

/// Self-attention whose tensors are called after `tensors`.
pub(super) fn write(
    writer: &mut Writer<'_>,
    name: &str,
    tensors: &str,
    spec: &MultiHeadAttentionSpec,
    value: &Value,
) -> Result<Value, String> {
    if spec.rotary {
        return Err("Keras's attention knows no rotary positions".into());
    }
    let (features, heads) = (value.features(), spec.num_heads);
    let dim = features / heads;
    let (weight, bias) = (writer.values(tensors, "in_proj_weight"), writer.values(tensors, "in_proj_bias"));
    let mut variables = Vec::new();
    for (which, group) in ["query_dense/", "key_dense/", "value_dense/"].into_iter().enumerate() {
        let rows = &weight[which * features * features..(which + 1) * features * features];
        let kernel = transposed(rows, features, features);
        variables.push(Variable::new(0, [features, heads, dim], kernel).inside(group));
        if spec.bias {
            let bias = bias[which * features..(which + 1) * features].to_vec();
            variables.push(Variable::new(1, [heads, dim], bias).inside(group));
        }
    }
    let kernel = transposed(&writer.values(tensors, "out_proj.weight"), features, features);
    variables.push(Variable::new(0, [heads, dim, features], kernel).inside("output_dense/"));
    if spec.bias {
        let bias = writer.values(tensors, "out_proj.bias");
        variables.push(Variable::new(1, [features], bias).inside("output_dense/"));
    }
    let config = json!({
        "num_heads": heads,
        "key_dim": dim,
        "value_dim": dim,
        "dropout": spec.dropout,
        "use_bias": spec.bias,
    });
    let node = writer.graph.add("MultiHeadAttention", name, config, &[value.node, value.node], variables);
    if spec.causal {
        writer.graph.argument(node, "use_causal_mask", true);
    }
    Ok(Value { node, positive: false, ..value.clone() })
}

/// A row for each step, for which Keras has no layer: the bias of one that multiplies with the identity; or, as that would
/// forget which steps fill up a sequence, the mean that one for the input's statistics takes away, negated.
pub(super) fn positions(
    writer: &mut Writer<'_>,
    name: &str,
    spec: &PositionEmbeddingSpec,
    value: Value,
) -> Result<Value, String> {
    let [steps, features] = value.shape[..] else { return Err("it is given no sequence".into()) };
    let rows = match spec.kind {
        PositionKind::Learnt => writer.values(name, "weight"),
        PositionKind::Sinusoidal => sinusoids(steps, features),
        _ => return Err("Keras has no such positions".into()),
    };
    if value.mask {
        let minus = rows.iter().map(|row| -row).collect();
        let variables = vec![
            Variable::new(0, [steps, features], minus),
            Variable::new(1, [steps, features], vec![1.0; steps * features]),
            Variable::new(2, [], vec![1.0]),
        ];
        let node = writer.one("Normalization", name, json!({ "axis": [1, 2] }), &value, variables);
        return Ok(Value { node, positive: false, ..value });
    }
    let mut identity = vec![0.0; features * features];
    identity.iter_mut().step_by(features + 1).for_each(|value| *value = 1.0);
    let config = json!({ "equation": "abc,cd->abd", "output_shape": [steps, features], "bias_axes": "bd" });
    let variables =
        vec![Variable::new(0, [features, features], identity), Variable::new(1, [steps, features], rows)];
    let node = writer.one("EinsumDense", name, config, &value, variables);
    Ok(Value { node, positive: false, ..value })
}

/// As `PositionKind::Sinusoidal` says.
fn sinusoids(steps: usize, features: usize) -> Vec<f32> {
    let value = |place: usize| {
        let (step, column) = (place / features, place % features);
        let angle = step as f64 * 10_000f64.powf(-2.0 * (column / 2) as f64 / features as f64);
        (if column % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
    };
    (0..steps * features).map(value).collect()
}
