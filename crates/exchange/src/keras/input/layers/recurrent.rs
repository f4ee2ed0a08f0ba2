//! Recurrent layers: one bias in Keras is two here, and GRU's gates stand in another order.

use fireclay_nn::{GruSpec, LayerKind, LstmSpec, RnnActivation, SimpleRnnSpec};
use serde_json::Value;

use super::Outcome;
use crate::keras::input::config::{Config, shown};
use crate::keras::input::flow::{Flow, permuted};
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;
use crate::words::short;

/// What is read of a layer, in either direction.
#[derive(Clone, Debug, PartialEq)]
struct Recurrent {
    class: String,
    units: usize,
    relu: bool,
    bias: bool,
    return_sequences: bool,
    input_dropout: f64,
    recurrent_dropout: f64,
}

impl Recurrent {
    fn read(class: &str, config: Config<'_>, backwards: bool) -> Result<Self, Failure> {
        super::check(config)?;
        config.only("go_backwards", config.flag("go_backwards", false)?, backwards)?;
        config.only("return_state", config.flag("return_state", false)?, false)?;
        config.only("stateful", config.flag("stateful", false)?, false)?;
        let activation = config.text("activation")?.unwrap_or("linear");
        if !(activation == "tanh" || activation == "relu" && class == "SimpleRNN") {
            return Err(Failure::Reason(format!("its activation is '{}'; expected tanh", short(activation))));
        }
        if class != "SimpleRNN" {
            config.only(
                "recurrent_activation",
                config.text("recurrent_activation")?.unwrap_or("linear"),
                "sigmoid",
            )?;
        }
        if class == "GRU" {
            // Without it the reset gate is applied before the recurrent product.
            config.only("reset_after", config.flag("reset_after", false)?, true)?;
        }
        Ok(Recurrent {
            class: class.to_owned(),
            units: config.size("units")?,
            relu: activation == "relu",
            bias: config.flag("use_bias", true)?,
            return_sequences: config.flag("return_sequences", false)?,
            input_dropout: config.number("dropout", 0.0)?,
            recurrent_dropout: config.number("recurrent_dropout", 0.0)?,
        })
    }

    fn gates(&self) -> usize {
        match self.class.as_str() {
            "LSTM" => 4,
            "GRU" => 3,
            _ => 1,
        }
    }

    fn kind(&self, bidirectional: bool) -> LayerKind {
        macro_rules! spec {
            ($spec:expr) => {
                $spec
                    .return_sequences(self.return_sequences)
                    .bidirectional(bidirectional)
                    .input_dropout(self.input_dropout)
                    .recurrent_dropout(self.recurrent_dropout)
                    .into()
            };
        }
        match self.class.as_str() {
            "LSTM" => spec!(LstmSpec::new(self.units)),
            "GRU" => spec!(GruSpec::new(self.units)),
            _ => {
                let activation = if self.relu { RnnActivation::Relu } else { RnnActivation::Tanh };
                spec!(SimpleRnnSpec::new(self.units).activation(activation))
            }
        }
    }

    /// Values of all gates one after another, as ours stand.
    fn ours(&self, values: Vec<f32>) -> Vec<f32> {
        match self.class.as_str() {
            // Keras has z, r, h and PyTorch, as we, r, z, n.
            "GRU" => {
                let gate = values.len() / 3;
                [&values[gate..2 * gate], &values[..gate], &values[2 * gate..]].concat()
            }
            _ => values,
        }
    }

    /// The tensors of one direction.
    fn tensors(
        &self,
        into: &mut Translation<'_>,
        layer: &Layer<'_>,
        features: usize,
        part: Part,
        suffix: &str,
    ) -> Result<(), Failure> {
        let columns = self.units.checked_mul(self.gates()).ok_or("it has too many units")?;
        let matrices = [
            ("weight_ih_l0", 0, ["kernel"], features),
            ("weight_hh_l0", 1, ["recurrent_kernel"], self.units),
        ];
        for (tensor, index, names, rows) in matrices {
            let values = into.variable(&layer.owner, part, index, &names, &[rows, columns])?;
            let values = self.ours(permuted(&values, &[rows, columns], &[1, 0]));
            into.tensor(&layer.name, &format!("{tensor}{suffix}"), vec![columns, rows], values);
        }
        let zeros = || vec![0.0; columns];
        let [input, recurrent] = match (self.bias, self.class.as_str()) {
            (false, _) => [zeros(), zeros()],
            (true, "GRU") => {
                let values = into.variable(&layer.owner, part, 2, &["bias"], &[2, columns])?;
                [self.ours(values[..columns].to_vec()), self.ours(values[columns..].to_vec())]
            }
            (true, _) => [into.variable(&layer.owner, part, 2, &["bias"], &[columns])?, zeros()],
        };
        into.tensor(&layer.name, &format!("bias_ih_l0{suffix}"), vec![columns], input);
        into.tensor(&layer.name, &format!("bias_hh_l0{suffix}"), vec![columns], recurrent);
        Ok(())
    }

    fn out(&self, flow: &Flow, steps: usize, width: usize) -> Flow {
        match self.return_sequences {
            true => flow.shaped(vec![steps, width]),
            false => Flow::of(vec![width]),
        }
    }
}

pub(super) fn one_way(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let [steps, features] = flow.sequence()?;
    let recurrent = Recurrent::read(layer.class, layer.config, false)?;
    recurrent.tensors(into, layer, features, Part::CELL, "")?;
    into.push(&layer.name, recurrent.kind(false));
    Ok(recurrent.out(&flow, steps, recurrent.units))
}

pub(super) fn bidirectional(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let [steps, features] = flow.sequence()?;
    let merged = layer.config.get("merge_mode").map_or("null".into(), shown);
    layer.config.only("merge_mode", merged.as_str(), "\"concat\"")?;
    let inner = |field: &str, backwards: bool| -> Result<Option<Recurrent>, Failure> {
        let Some(inner) = layer.config.get(field) else { return Ok(None) };
        let class = inner.get("class_name").and_then(Value::as_str).unwrap_or("");
        let config =
            inner.get("config").and_then(Value::as_object).ok_or("the layer inside has no configuration")?;
        match class {
            "LSTM" | "GRU" | "SimpleRNN" => Recurrent::read(class, Config(config), backwards).map(Some),
            other => Err(Failure::Reason(format!(
                "the layer inside is '{}'; expected LSTM, GRU or SimpleRNN",
                short(other)
            ))),
        }
    };
    let forward = inner("layer", false)?.ok_or("there is no layer inside")?;
    if inner("backward_layer", true)?.is_some_and(|backward| backward != forward) {
        return Err("its two directions are not alike".into());
    }
    forward.tensors(into, layer, features, Part("forward_layer/cell/", "forward"), "")?;
    forward.tensors(into, layer, features, Part("backward_layer/cell/", "backward"), "_reverse")?;
    into.push(&layer.name, forward.kind(true));
    Ok(forward.out(&flow, steps, 2 * forward.units))
}
