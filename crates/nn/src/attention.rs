//! How much each step of a sequence takes of each other, in the attention layers of a network.

use burn::tensor::Tensor;

use crate::layers::{Flow, Layer, PlannedLayer, run};
use crate::model::Model;
use crate::tensor::AnyTensor;

/// What an attention layer mixes the values of steps by.
#[derive(Clone, Debug)]
pub struct AttentionProbabilities {
    /// The layer's name, and of a transformer's block its number behind it: `transformer_encoder_1.layers.0`.
    pub layer: String,
    /// `[batch, num_heads, steps, steps]`: how much a step, in the third place, takes of each, in the fourth. Each row adds up to 1; of
    /// steps that fill up a sequence nothing is taken.
    pub probabilities: Tensor<4>,
}

impl Model {
    /// The probabilities of all attention layers in order, also those inside blocks. They are computed beside the layers, in `f32`, and take memory
    /// for the square of the steps.
    ///
    /// ```
    /// use fireclay_nn::{AnyTensor, ModelSpec, TransformerSpec};
    ///
    /// let device = burn::tensor::Device::flex();
    /// let spec = ModelSpec::tokens(3).embedding(9, 4).transformer_encoder(TransformerSpec::new(2, 8));
    /// let model = spec.global_avg_pool1d().dense(2).build(&device)?;
    /// let found = model.attention_probabilities(AnyTensor::from_tokens(vec![1, 7, 8], &[1, 3], &device));
    /// assert_eq!(found[0].layer, "transformer_encoder_1.layers.0");
    /// let rows = found[0].probabilities.clone().sum_dim(3).into_data();
    /// assert!(rows.iter::<f32>().all(|sum| (sum - 1.0).abs() < 1e-5));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Panics
    /// If the input is not a batch of what the description takes.
    pub fn attention_probabilities(&self, input: AnyTensor) -> Vec<AttentionProbabilities> {
        self.check_input(&input);
        let plan = self.spec().plan().expect("a model's description was checked");
        let mut found = Vec::new();
        through(self.layers(), &plan.layers, Flow::of(input), &mut found);
        found
    }
}

fn through(
    layers: &[Layer],
    plans: &[PlannedLayer],
    input: Flow,
    found: &mut Vec<AttentionProbabilities>,
) -> Flow {
    layers.iter().zip(plans).fold(input, |flow, (layer, plan)| match layer {
        Layer::Residual(block) => {
            let [inner, shortcut] = block.branches();
            let body = through(inner, &plan.body, flow.clone(), found);
            let other = through(shortcut, &plan.shortcut, flow.clone(), found);
            block.sum(flow, body, other)
        }
        Layer::MultiHeadAttention(attention) => flow.map_steps(|value, lengths| {
            let steps = value.sequences();
            let probabilities = attention.probabilities(steps.clone(), lengths);
            found.push(AttentionProbabilities { layer: plan.name.clone(), probabilities });
            attention.forward(steps, lengths).into()
        }),
        Layer::TransformerEncoder(blocks) | Layer::TransformerDecoder(blocks) => {
            flow.map_steps(|value, lengths| {
                let mut number = 0;
                let mut seen = |probabilities| {
                    let layer = format!("{}.layers.{number}", plan.name);
                    found.push(AttentionProbabilities { layer, probabilities });
                    number += 1;
                };
                blocks.forward_seen(value.sequences(), lengths, &mut seen).into()
            })
        }
        layer => run(std::slice::from_ref(layer), flow),
    })
}
