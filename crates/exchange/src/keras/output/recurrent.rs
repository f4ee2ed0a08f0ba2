//! Recurrent layers: our two biases are one in Keras but for the GRU, whose gates stand in another order.

use fireclay_nn::{LayerKind, PlacedLayer, RnnActivation};
use serde_json::{Value as Json, json};

use super::graph::{Value, Variable};
use super::writer::{Writer, transposed};

/// The fields that all of them have.
struct Fields {
    class: &'static str,
    units: usize,
    num_layers: usize,
    return_sequences: bool,
    bidirectional: bool,
    dropout: f64,
    input_dropout: f64,
    recurrent_dropout: f64,
    learn_initial_state: bool,
    activation: &'static str,
}

fn fields(kind: &LayerKind) -> Option<Fields> {
    macro_rules! fields {
        ($class:literal, $spec:expr, $activation:expr) => {
            Some(Fields {
                class: $class,
                units: $spec.hidden_size,
                num_layers: $spec.num_layers,
                return_sequences: $spec.return_sequences,
                bidirectional: $spec.bidirectional,
                dropout: $spec.dropout,
                input_dropout: $spec.input_dropout,
                recurrent_dropout: $spec.recurrent_dropout,
                learn_initial_state: $spec.learn_initial_state,
                activation: $activation,
            })
        };
    }
    match kind {
        LayerKind::Lstm(spec) => fields!("LSTM", spec, "tanh"),
        LayerKind::Gru(spec) => fields!("GRU", spec, "tanh"),
        LayerKind::SimpleRnn(spec) => match spec.activation {
            RnnActivation::Tanh => fields!("SimpleRNN", spec, "tanh"),
            RnnActivation::Relu => fields!("SimpleRNN", spec, "relu"),
            _ => None,
        },
        _ => None,
    }
}

/// As many Keras layers as ours has inside.
pub(super) fn write(writer: &mut Writer<'_>, layer: &PlacedLayer, mut value: Value) -> Result<Value, String> {
    let fields = fields(&layer.kind).ok_or("Keras has no such recurrent layer")?;
    if fields.learn_initial_state {
        return Err("Keras does not learn the state before the first step".into());
    }
    let directions = if fields.bidirectional { 2 } else { 1 };
    for depth in 0..fields.num_layers {
        let is_last = depth + 1 == fields.num_layers;
        let name =
            if fields.num_layers == 1 { layer.name.clone() } else { format!("{}.{depth}", layer.name) };
        let return_sequences = fields.return_sequences || !is_last;
        let config = |name: &str, backwards: bool| {
            let mut config = json!({
                "name": name,
                "units": fields.units,
                "activation": fields.activation,
                "use_bias": true,
                "return_sequences": return_sequences,
                "go_backwards": backwards,
                "dropout": if depth == 0 { fields.input_dropout } else { 0.0 },
                "recurrent_dropout": fields.recurrent_dropout,
            });
            if fields.class != "SimpleRNN" {
                config["recurrent_activation"] = json!("sigmoid");
            }
            if fields.class == "GRU" {
                config["reset_after"] = json!(true);
            }
            config
        };
        let node = match fields.bidirectional {
            false => {
                let variables = variables(writer, layer, &fields, depth, "", value.features(), "cell/");
                writer.one(fields.class, &name, config(&name, false), &value, variables)
            }
            true => {
                let mut both =
                    variables(writer, layer, &fields, depth, "", value.features(), "forward_layer/cell/");
                both.extend(variables(
                    writer,
                    layer,
                    &fields,
                    depth,
                    "_reverse",
                    value.features(),
                    "backward_layer/cell/",
                ));
                let inner = |way: &str, backwards: bool| -> Json {
                    json!({
                        "module": "keras.layers",
                        "class_name": fields.class,
                        "config": config(way, backwards),
                        "registered_name": null,
                    })
                };
                let config = json!({
                    "merge_mode": "concat",
                    "layer": inner("forward", false),
                    "backward_layer": inner("backward", true),
                });
                writer.one("Bidirectional", &name, config, &value, both)
            }
        };
        let width = directions * fields.units;
        value = match (return_sequences, value.shape.first()) {
            (true, Some(steps)) => Value { mask: value.mask, ..Value::of(node, vec![*steps, width]) },
            _ => Value::of(node, vec![width]),
        };
        if fields.dropout > 0.0 && !is_last {
            let config = json!({ "rate": fields.dropout });
            value.node = writer.one("Dropout", &format!("{name}.dropout"), config, &value, Vec::new());
        }
    }
    Ok(value)
}

fn variables(
    writer: &Writer<'_>,
    layer: &PlacedLayer,
    fields: &Fields,
    depth: usize,
    suffix: &str,
    features: usize,
    group: &'static str,
) -> Vec<Variable> {
    let values = |tensor: &str| writer.values(&layer.name, &format!("{tensor}_l{depth}{suffix}"));
    // PyTorch and we have r, z, n; Keras has z, r, h.
    let theirs = |values: Vec<f32>| match fields.class {
        "GRU" => {
            let gate = values.len() / 3;
            [&values[gate..2 * gate], &values[..gate], &values[2 * gate..]].concat()
        }
        _ => values,
    };
    let columns = match fields.class {
        "LSTM" => 4,
        "GRU" => 3,
        _ => 1,
    } * fields.units;
    let matrix = |tensor: &str, rows: usize| transposed(&theirs(values(tensor)), columns, rows);
    let (input, recurrent) = (theirs(values("bias_ih")), theirs(values("bias_hh")));
    let bias = match fields.class {
        "GRU" => Variable::new(2, [2, columns], [input, recurrent].concat()),
        _ => {
            let sum = input.iter().zip(&recurrent).map(|(input, recurrent)| input + recurrent).collect();
            Variable::new(2, [columns], sum)
        }
    };
    vec![
        Variable::new(0, [features, columns], matrix("weight_ih", features)).inside(group),
        Variable::new(1, [fields.units, columns], matrix("weight_hh", fields.units)).inside(group),
        bias.inside(group),
    ]
}
