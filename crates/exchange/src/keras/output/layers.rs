//! One of our layers as one of Keras's, or a few.

use fireclay_nn::{FeedForwardActivation, LayerKind, PlacedLayer, TransformerSpec};
use serde_json::json;

use super::graph::{Value, Variable};
use super::writer::{Writer, keras_shape, no_mask};
use super::{attention, conv, recurrent};

impl Writer<'_> {
    /// Layers one after another; `position` is that of the block they are in, with a dot.
    pub(super) fn list(&mut self, layers: &[PlacedLayer], value: Value, position: &str) -> Value {
        self.list_from(layers, value, position, 0)
    }

    fn list_from(&mut self, layers: &[PlacedLayer], value: Value, position: &str, offset: usize) -> Value {
        layers.iter().enumerate().fold(value, |value, (index, layer)| {
            let position = format!("{position}{}", offset + index + 1);
            // What cannot be expressed is passed over, so that the rest is looked at as well.
            let mut passed = Value::of(value.node, keras_shape(layer));
            passed.mask = value.mask && passed.shape.len() == 2;
            match self.layer(layer, value, &position) {
                Ok(value) => value,
                Err(reason) => {
                    self.refuse(&position, &layer.name, layer.kind.type_name(), &reason);
                    passed
                }
            }
        })
    }

    fn layer(&mut self, layer: &PlacedLayer, value: Value, position: &str) -> Result<Value, String> {
        let name = layer.name.as_str();
        let out = keras_shape(layer);
        // The same values in another form: what is known of them stays known.
        let same = |node: usize, value: Value| Value { node, positive: false, ..value };
        Ok(match &layer.kind {
            LayerKind::Dense(spec) => self.dense(name, &value, spec.out_features, spec.bias, None),
            LayerKind::Embedding(spec) => {
                let mask = spec.padding_idx.is_some();
                if spec.padding_idx.is_some_and(|padding| padding != 0) {
                    return Err("Keras fills up sequences with token 0 only (mask_zero)".into());
                }
                let shape = [spec.num_embeddings, spec.embedding_dim];
                let config = json!({ "input_dim": shape[0], "output_dim": shape[1], "mask_zero": mask });
                let weight = Variable::new(0, shape, self.values(name, "weight"));
                let node = self.one("Embedding", name, config, &value, vec![weight]);
                Value { mask, ..Value::of(node, out) }
            }
            LayerKind::Lstm(_) | LayerKind::Gru(_) | LayerKind::SimpleRnn(_) => {
                recurrent::write(self, layer, value)?
            }
            LayerKind::Conv1d(spec) => conv::conv1d(self, layer, spec, value)?,
            LayerKind::Conv2d(spec) => conv::conv2d(self, layer, spec, value)?,
            LayerKind::Whitening(spec) => conv::whitening(self, layer, spec, value),
            LayerKind::MaxPool2d(spec) => conv::max_pool(self, layer, spec, value)?,
            LayerKind::AvgPool2d(spec) => conv::avg_pool(self, layer, spec, value)?,
            LayerKind::GlobalAvgPool2d(_) => {
                Value::of(self.one("GlobalAveragePooling2D", name, json!({}), &value, Vec::new()), out)
            }
            LayerKind::GlobalAvgPool1d(_) => {
                Value::of(self.one("GlobalAveragePooling1D", name, json!({}), &value, Vec::new()), out)
            }
            LayerKind::GlobalMaxPool1d(_) => {
                no_mask(&value)?;
                Value::of(self.one("GlobalMaxPooling1D", name, json!({}), &value, Vec::new()), out)
            }
            LayerKind::Flatten(_) => {
                let flat_image = match value.shape[..] {
                    [height, width, channels] if channels > 1 && height * width > 1 => {
                        Some([height, width, channels])
                    }
                    [_] => value.flat_image,
                    _ => None,
                };
                let node = self.one("Flatten", name, json!({}), &value, Vec::new());
                Value { flat_image, positive: value.positive, ..Value::of(node, out) }
            }
            LayerKind::Dropout(spec) => {
                let node = self.one("Dropout", name, json!({ "rate": spec.rate }), &value, Vec::new());
                Value { node, ..value }
            }
            LayerKind::BatchNorm(spec) => {
                let config = json!({ "axis": -1, "momentum": 1.0 - spec.momentum, "epsilon": spec.epsilon });
                let names = ["weight", "bias", "running_mean", "running_var"];
                let variables = self.by_feature(name, &value, &names);
                same(self.one("BatchNormalization", name, config, &value, variables), value)
            }
            LayerKind::LayerNorm(spec) => {
                let config = json!({ "axis": -1, "epsilon": spec.epsilon });
                let variables = self.by_feature(name, &value, &["weight", "bias"]);
                same(self.one("LayerNormalization", name, config, &value, variables), value)
            }
            LayerKind::Relu(_) => {
                let node = self.one("ReLU", name, json!({}), &value, Vec::new());
                Value { node, positive: true, ..value }
            }
            LayerKind::LeakyRelu(spec) => {
                let config = json!({ "negative_slope": spec.negative_slope });
                same(self.one("LeakyReLU", name, config, &value, Vec::new()), value)
            }
            LayerKind::Elu(spec) => {
                same(self.one("ELU", name, json!({ "alpha": spec.alpha }), &value, Vec::new()), value)
            }
            LayerKind::Gelu(_) => self.activation(name, "gelu", value),
            LayerKind::Silu(_) => self.activation(name, "silu", value),
            LayerKind::Sigmoid(_) => self.activation(name, "sigmoid", value),
            LayerKind::Tanh(_) => self.activation(name, "tanh", value),
            LayerKind::Softplus(_) => self.activation(name, "softplus", value),
            LayerKind::Softmax(_) => {
                if value.shape.len() == 3 {
                    return Err("it is over the width of an image, and Keras's over its channels".into());
                }
                self.activation(name, "softmax", value)
            }
            LayerKind::MultiHeadAttention(spec) => attention::write(self, name, name, spec, &value)?,
            LayerKind::PositionEmbedding(spec) => attention::positions(self, name, spec, value)?,
            LayerKind::TransformerEncoder(spec) => self.transformer(name, &spec.0, false, value)?,
            LayerKind::TransformerDecoder(spec) => self.transformer(name, &spec.0, true, value)?,
            LayerKind::Residual(_) => {
                let inside = format!("{position}.");
                let body = self.list(&layer.body, value.clone(), &inside);
                let shortcut = self.list_from(&layer.shortcut, value, &inside, layer.body.len());
                if body.flat_image != shortcut.flat_image {
                    return Err("it adds images laid out flat in two orders".into());
                }
                self.sum(name, &body, &shortcut)
            }
            LayerKind::TiedDense(_) => {
                return Err("Keras has no dense layer with the weight of an embedding; a dense layer has one of its own".into());
            }
            _ => return Err("Keras has no such layer".into()),
        })
    }

    fn activation(&mut self, name: &str, function: &str, value: Value) -> Value {
        let node = self.one("Activation", name, json!({ "activation": function }), &value, Vec::new());
        Value { node, positive: matches!(function, "sigmoid" | "softplus" | "softmax"), ..value }
    }

    pub(super) fn sum(&mut self, name: &str, one: &Value, other: &Value) -> Value {
        let node = self.graph.add("Add", name, json!({}), &[one.node, other.node], Vec::new());
        Value { node, positive: one.positive && other.positive, mask: one.mask && other.mask, ..one.clone() }
    }

    /// Tensors with a value for each feature, in Keras's order.
    fn by_feature(&self, name: &str, value: &Value, tensors: &[&str]) -> Vec<Variable> {
        let order = value.feature_order();
        let turned =
            |values: Vec<f32>| order.iter().filter_map(|place| values.get(*place).copied()).collect();
        let each = tensors.iter().enumerate();
        each.map(|(index, tensor)| Variable::new(index, [order.len()], turned(self.values(name, tensor))))
            .collect()
    }

    /// A dense layer whose tensors are called after `name`.
    fn dense(
        &mut self,
        name: &str,
        value: &Value,
        units: usize,
        bias: bool,
        activation: Option<&str>,
    ) -> Value {
        let features = value.features();
        let (weight, order) = (self.values(name, "weight"), value.feature_order());
        let kernel =
            order.iter().flat_map(|row| weight.iter().skip(*row).step_by(features).copied()).collect();
        let mut variables = vec![Variable::new(0, [features, units], kernel)];
        if bias {
            variables.push(Variable::new(1, [units], self.values(name, "bias")));
        }
        let config =
            json!({ "units": units, "use_bias": bias, "activation": activation.unwrap_or("linear") });
        let node = self.one("Dense", name, config, value, variables);
        let mut shape = value.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = units;
        }
        Value { mask: value.mask, ..Value::of(node, shape) }
    }

    fn norm(&mut self, name: &str, epsilon: f64, value: &Value) -> Value {
        let variables = self.by_feature(name, value, &["weight", "bias"]);
        let config = json!({ "axis": -1, "epsilon": epsilon });
        let node = self.one("LayerNormalization", name, config, value, variables);
        Value { node, positive: false, ..value.clone() }
    }

    fn dropout(&mut self, name: &str, rate: f64, value: Value) -> Value {
        match rate == 0.0 {
            true => value,
            false => Value {
                node: self.one("Dropout", name, json!({ "rate": rate }), &value, Vec::new()),
                ..value
            },
        }
    }

    /// The blocks of a transformer, layer by layer.
    fn transformer(
        &mut self,
        name: &str,
        spec: &TransformerSpec,
        causal: bool,
        mut value: Value,
    ) -> Result<Value, String> {
        let features = value.features();
        let attention = fireclay_nn::MultiHeadAttentionSpec::new(spec.num_heads)
            .causal(causal)
            .dropout(spec.dropout)
            .rotary(spec.rotary);
        let activation = match spec.activation {
            FeedForwardActivation::Relu => "relu",
            FeedForwardActivation::Gelu => "gelu",
            _ => return Err("its activation is not one of Keras's".into()),
        };
        for block in 0..spec.num_layers {
            let part = |part: &str| format!("{name}.layers.{block}.{part}");
            let attend = |writer: &mut Self, value: &Value| -> Result<Value, String> {
                let attended =
                    attention::write(writer, &part("self_attn"), &part("self_attn"), &attention, value)?;
                Ok(writer.dropout(&part("dropout1"), spec.dropout, attended))
            };
            let feed_forward = |writer: &mut Self, value: &Value| -> Value {
                let inner =
                    writer.dense(&part("linear1"), value, spec.dim_feedforward, true, Some(activation));
                let inner = writer.dropout(&part("dropout"), spec.dropout, inner);
                let outer = writer.dense(&part("linear2"), &inner, features, true, None);
                writer.dropout(&part("dropout2"), spec.dropout, outer)
            };
            if spec.norm_first {
                let normed = self.norm(&part("norm1"), spec.epsilon, &value);
                let attended = attend(self, &normed)?;
                value = self.sum(&part("add1"), &value, &attended);
                let normed = self.norm(&part("norm2"), spec.epsilon, &value);
                let fed = feed_forward(self, &normed);
                value = self.sum(&part("add2"), &value, &fed);
            } else {
                let attended = attend(self, &value)?;
                let added = self.sum(&part("add1"), &value, &attended);
                value = self.norm(&part("norm1"), spec.epsilon, &added);
                let fed = feed_forward(self, &value);
                let added = self.sum(&part("add2"), &value, &fed);
                value = self.norm(&part("norm2"), spec.epsilon, &added);
            }
        }
        if spec.final_norm {
            value = self.norm(&format!("{name}.norm"), spec.epsilon, &value);
        }
        Ok(value)
    }
}
