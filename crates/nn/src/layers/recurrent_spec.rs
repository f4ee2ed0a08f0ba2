//! What the descriptions of recurrent layers have in common: their fields, which stand flat beside one another in TOML,
//! their checks, and how they are built.

use burn::module::Param;
use burn::nn::DropoutConfig;
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::RecurrentCell;

use super::recurrent::{Recurrent, RecurrentLayer, RecurrentWeights};
use super::{Inferred, values};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::TensorSpec;

/// Defines a description with the fields of all recurrent layers and those of its own.
macro_rules! recurrent_spec {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $( $(#[$own_meta:meta])* $own:ident: $own_type:ty = $own_default:expr, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Numbers in the state, and in what leaves the layer at each step.
            pub hidden_size: usize,
            $( $(#[$own_meta])* pub $own: $own_type, )*
            /// Layers, each of which reads what the one before it gives; 1 by default.
            #[serde(
                default = "crate::layers::recurrent_spec::one_layer",
                skip_serializing_if = "crate::layers::recurrent_spec::is_one_layer"
            )]
            pub num_layers: usize,
            /// Whether the state after every step is given, or, by default, only the one after the last step. The way
            /// back ends at the first step.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub return_sequences: bool,
            /// Whether a second network reads the sequence from its end; false by default.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub bidirectional: bool,
            /// Share of values set to zero between one layer and the next while training, in `[0, 1)`; 0 by default.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub dropout: f64,
            /// Share of the input's features set to zero while training, the same ones at all steps of a sample, in
            /// `[0, 1)`; 0 by default. Keras calls it `dropout`. An embedding before the layer is then looked up for
            /// every step, not once for each different token, which costs time.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub input_dropout: f64,
            /// Share of the state set to zero, in each layer and direction, where it enters the recurrent product
            /// while training, the same units at all steps of a sample
            /// ([Gal and Ghahramani 2016](https://arxiv.org/abs/1512.05287)), in `[0, 1)`; 0 by default.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub recurrent_dropout: f64,
            /// Whether the state before the first step is learnt, or, by default, 0.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub learn_initial_state: bool,
            /// How the weights begin. By default weights and biases are uniform in `±1 / sqrt(hidden_size)`. A learnt
            /// state begins at 0.
            #[serde(default, skip_serializing_if = "crate::layers::is_default")]
            pub initializer: crate::initializer::Initializer,
        }

        impl $name {
            /// One layer that reads forwards and gives its state after the last step.
            pub fn new(hidden_size: usize) -> Self {
                $name {
                    hidden_size,
                    $( $own: $own_default, )*
                    num_layers: 1,
                    return_sequences: false,
                    bidirectional: false,
                    dropout: 0.0,
                    input_dropout: 0.0,
                    recurrent_dropout: 0.0,
                    learn_initial_state: false,
                    initializer: crate::initializer::Initializer::default(),
                }
            }

            /// Sets how many layers read one after another.
            pub fn num_layers(mut self, num_layers: usize) -> Self {
                self.num_layers = num_layers;
                self
            }

            /// Sets whether the state after every step is given.
            pub fn return_sequences(mut self, return_sequences: bool) -> Self {
                self.return_sequences = return_sequences;
                self
            }

            /// Sets whether a second network reads the sequence from its end.
            pub fn bidirectional(mut self, bidirectional: bool) -> Self {
                self.bidirectional = bidirectional;
                self
            }

            /// Sets the fraction of values set to zero between one layer and the next while training.
            pub fn dropout(mut self, dropout: f64) -> Self {
                self.dropout = dropout;
                self
            }

            /// Sets the fraction of the input's features set to zero while training, the same at all steps.
            pub fn input_dropout(mut self, input_dropout: f64) -> Self {
                self.input_dropout = input_dropout;
                self
            }

            /// Sets the fraction of the state set to zero in the recurrent product while training, the same at all steps.
            pub fn recurrent_dropout(mut self, recurrent_dropout: f64) -> Self {
                self.recurrent_dropout = recurrent_dropout;
                self
            }

            /// Sets whether the state before the first step is learnt.
            pub fn learn_initial_state(mut self, learn_initial_state: bool) -> Self {
                self.learn_initial_state = learn_initial_state;
                self
            }

            /// Sets how the weights begin.
            pub fn initializer(mut self, initializer: crate::initializer::Initializer) -> Self {
                self.initializer = initializer;
                self
            }

            /// What there is to check and to build.
            pub(crate) fn fields(&self) -> crate::layers::RecurrentFields {
                crate::layers::RecurrentFields {
                    cell: self.cell(),
                    hidden_size: self.hidden_size,
                    num_layers: self.num_layers,
                    return_sequences: self.return_sequences,
                    bidirectional: self.bidirectional,
                    dropout: self.dropout,
                    input_dropout: self.input_dropout,
                    recurrent_dropout: self.recurrent_dropout,
                    learn_initial_state: self.learn_initial_state,
                    initializer: self.initializer,
                    forget_bias: self.first_forget_bias(),
                }
            }
        }

        impl crate::layers::Description for $name {
            type Module = crate::layers::recurrent::Recurrent;

            fn infer_at(
                &self,
                place: &crate::layers::Place<'_>,
            ) -> Result<crate::layers::Inferred, crate::error::LayerProblem> {
                self.fields().infer(place.numbers()?)
            }

            fn build_at(
                &self,
                plan: &crate::layers::PlannedLayer,
                device: &burn::tensor::Device,
            ) -> crate::layers::recurrent::Recurrent {
                self.fields().build(plan.in_features(), device)
            }

            fn multiplies_rows(&self) -> bool {
                true
            }

            fn memory(&self, _: &crate::layers::PlannedLayer) -> Option<crate::layers::Memory> {
                let nothing_read: Option<crate::layers::recurrent_state::RecurrentState> = None;
                (!self.bidirectional).then(|| crate::layers::Memory::new(nothing_read))
            }

            fn depth(&self) -> usize {
                self.num_layers
            }
        }
    };
}
pub(super) use recurrent_spec;

pub(super) fn one_layer() -> usize {
    1
}

pub(super) fn is_one_layer(num_layers: &usize) -> bool {
    *num_layers == 1
}

/// The fields of any recurrent layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecurrentFields {
    pub(crate) cell: RecurrentCell,
    pub(crate) hidden_size: usize,
    pub(crate) num_layers: usize,
    pub(crate) return_sequences: bool,
    pub(crate) bidirectional: bool,
    pub(crate) dropout: f64,
    pub(crate) input_dropout: f64,
    pub(crate) recurrent_dropout: f64,
    pub(crate) learn_initial_state: bool,
    pub(crate) initializer: Initializer,
    /// Added to the forget gate's bias at the beginning; 0 for a cell without one.
    pub(crate) forget_bias: f64,
}

impl RecurrentFields {
    fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Numbers that a layer gives at each step.
    fn width(&self) -> usize {
        self.directions().saturating_mul(self.hidden_size)
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        let hidden = self.hidden_size;
        for (field, size) in [("hidden_size", hidden), ("num_layers", self.num_layers)] {
            if size == 0 {
                return Err(LayerProblem::Zero { field });
            }
        }
        self.check_dropouts()?;
        self.initializer.check()?;
        // Weights are f32.
        if !(self.forget_bias as f32).is_finite() {
            let (found, expected) = (self.forget_bias.to_string(), "a finite number that f32 holds");
            return Err(LayerProblem::Range { field: "forget_bias", found, expected });
        }
        // What a step computes on the way.
        values(&[steps, self.cell.gates(), hidden, self.directions()])?;
        let columns = self.cell.gates() * hidden;
        let mut tensors = Vec::new();
        let mut products = 0u64;
        for layer in 0..self.num_layers {
            let features = if layer == 0 { features } else { self.width() };
            let mut shapes: Vec<(&str, Vec<usize>)> = vec![
                ("weight_ih", vec![columns, features]),
                ("weight_hh", vec![columns, hidden]),
                ("bias_ih", vec![columns]),
                ("bias_hh", vec![columns]),
            ];
            if self.learn_initial_state {
                shapes.push(("h_0", vec![hidden]));
                shapes.extend(self.cell.has_c().then(|| ("c_0", vec![hidden])));
            }
            for suffix in ["", "_reverse"].into_iter().take(self.directions()) {
                for (name, shape) in &shapes {
                    tensors.push(TensorSpec::trained(&format!("{name}_l{layer}{suffix}"), shape.as_slice())?);
                }
                products = products.saturating_add(columns as u64 * (features as u64 + hidden as u64));
            }
        }
        let output = match self.return_sequences {
            true => vec![steps, self.width()],
            false => vec![self.width()],
        };
        let flops = products.saturating_mul(2).saturating_mul(steps as u64);
        Ok(Inferred { output: output.into(), tensors, flops })
    }

    fn check_dropouts(&self) -> Result<(), LayerProblem> {
        for (field, share) in [
            ("dropout", self.dropout),
            ("input_dropout", self.input_dropout),
            ("recurrent_dropout", self.recurrent_dropout),
        ] {
            if !(0.0..1.0).contains(&share) {
                let expected = "0 or more and less than 1";
                return Err(LayerProblem::Range { field, found: share.to_string(), expected });
            }
        }
        match self.dropout > 0.0 && self.num_layers == 1 {
            false => Ok(()),
            true => Err(LayerProblem::Range {
                field: "dropout",
                found: self.dropout.to_string(),
                expected: "0 where num_layers is 1, as it works between layers; set input_dropout or recurrent_dropout, or add a dropout layer",
            }),
        }
    }

    pub(crate) fn build(&self, features: usize, device: &Device) -> Recurrent {
        let layers = (0..self.num_layers)
            .map(|layer| {
                let features = if layer == 0 { features } else { self.width() };
                RecurrentLayer {
                    forward: self.weights(features, device),
                    reverse: self.bidirectional.then(|| self.weights(features, device)),
                }
            })
            .collect();
        let dropout = |share| DropoutConfig::new(share).init();
        Recurrent {
            layers,
            dropout: dropout(self.dropout),
            input_dropout: dropout(self.input_dropout),
            recurrent_dropout: dropout(self.recurrent_dropout),
            return_sequences: self.return_sequences,
            cell: self.cell,
        }
    }

    fn weights(&self, features: usize, device: &Device) -> RecurrentWeights {
        let (hidden, columns) = (self.hidden_size, self.cell.gates() * self.hidden_size);
        // PyTorch's bound has the state's size for both matrices.
        let fan_in = match self.initializer {
            Initializer::FanInUniform => hidden,
            _ => features,
        };
        let state = |wanted: bool| -> Option<Param<Tensor<1>>> {
            wanted.then(|| Initializer::Zeros.bias(hidden, hidden, device))
        };
        RecurrentWeights {
            weight_ih: self.initializer.weight([features, columns], fan_in, columns, device),
            weight_hh: self.initializer.weight([hidden, columns], hidden, columns, device),
            bias_ih: self.bias_ih(columns, device),
            bias_hh: self.initializer.bias(columns, hidden, device),
            h_0: state(self.learn_initial_state),
            c_0: state(self.learn_initial_state && self.cell.has_c()),
        }
    }

    fn bias_ih(&self, columns: usize, device: &Device) -> Param<Tensor<1>> {
        let bias = self.initializer.bias(columns, self.hidden_size, device);
        match self.forget_bias == 0.0 {
            true => bias,
            // The forget gate's stand second.
            false => bias.map(|bias| {
                let forget = self.hidden_size..2 * self.hidden_size;
                let begun = bias.clone().slice(forget.clone()) + self.forget_bias;
                bias.slice_assign(forget, begun)
            }),
        }
    }
}
