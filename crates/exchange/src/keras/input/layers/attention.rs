//! Multi-head attention of a sequence to itself.

use fireclay_nn::MultiHeadAttentionSpec;
use serde_json::Value;

use super::Outcome;
use crate::keras::input::config::shown;
use crate::keras::input::flow::{Flow, permuted};
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;

pub(super) fn self_attention(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    let [_, features] = flow.sequence()?;
    let (heads, dim) = (config.size("num_heads")?, config.size("key_dim")?);
    if heads.checked_mul(dim) != Some(features) {
        return Err(Failure::Reason(format!(
            "{heads} heads of {dim} values are not the {features} features of its input"
        )));
    }
    if config.get("value_dim").is_some() {
        config.only("value_dim", config.size("value_dim")?, dim)?;
    }
    for field in ["output_shape", "sliding_window"] {
        if let Some(value) = config.get(field) {
            return Err(Failure::Reason(format!("{field} is {}; only none can be taken over", shown(value))));
        }
    }
    config.only("use_gate", config.flag("use_gate", false)?, false)?;
    if let Some(axes) = config.get("attention_axes").filter(|axes| **axes != serde_json::json!([1])) {
        return Err(Failure::Reason(format!(
            "attention_axes is {}; only the steps can be taken over",
            shown(axes)
        )));
    }
    let argument = |name: &str| {
        layer.arguments.and_then(|arguments| arguments.get(name)).filter(|value| !value.is_null())
    };
    if argument("attention_mask").is_some() {
        return Err("it is given an attention_mask; only use_causal_mask can be taken over".into());
    }
    if argument("return_attention_scores").is_some_and(|value| *value != Value::Bool(false)) {
        return Err("it gives attention scores as well".into());
    }
    let causal = argument("use_causal_mask") == Some(&Value::Bool(true));
    let (bias, dropout) = (config.flag("use_bias", true)?, config.number("dropout", 0.0)?);
    let (mut weight, mut biases) = (Vec::new(), Vec::new());
    for part in [Part("query_dense/", "query"), Part("key_dense/", "key"), Part("value_dense/", "value")] {
        let kernel = into.variable(&layer.owner, part, 0, &["kernel"], &[features, heads, dim])?;
        weight.extend(permuted(&kernel, &[features, features], &[1, 0]));
        if bias {
            biases.extend(into.variable(&layer.owner, part, 1, &["bias"], &[heads, dim])?);
        }
    }
    let out = Part("output_dense/", "attention_output");
    let kernel = into.variable(&layer.owner, out, 0, &["kernel"], &[heads, dim, features])?;
    into.push(&layer.name, MultiHeadAttentionSpec::new(heads).causal(causal).dropout(dropout).bias(bias));
    into.tensor(&layer.name, "in_proj_weight", vec![3 * features, features], weight);
    into.tensor(
        &layer.name,
        "out_proj.weight",
        vec![features, features],
        permuted(&kernel, &[features, features], &[1, 0]),
    );
    if bias {
        into.tensor(&layer.name, "in_proj_bias", vec![3 * features], biases);
        let values = into.variable(&layer.owner, out, 1, &["bias"], &[features])?;
        into.tensor(&layer.name, "out_proj.bias", vec![features], values);
    }
    Ok(Flow { positive: false, ..flow })
}
