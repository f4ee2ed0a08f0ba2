//! Attention rollout: which tokens reach the last layer.

use burn::tensor::Tensor;
use fireclay_nn::LayerKind;

use crate::ExplainError;
use crate::explainer::{Encoded, Explainer};

impl Explainer {
    /// Whether the model has attention layers.
    pub fn has_attention(&self) -> bool {
        fn of(layers: &[fireclay_nn::PlacedLayer]) -> bool {
            layers.iter().any(|layer| match layer.kind {
                LayerKind::MultiHeadAttention(_)
                | LayerKind::TransformerEncoder(_)
                | LayerKind::TransformerDecoder(_) => true,
                _ => of(&layer.body) || of(&layer.shortcut),
            })
        }
        of(&self.layers)
    }

    /// Attention rollout ([Abnar and Zuidema 2020](https://arxiv.org/abs/2005.00928)): how much of each token reaches the last attention
    /// layer, on average over the tokens there, if each layer gives half of a step on as it is and half as its heads mix it. One number for each token;
    /// they add up to 1. It is the same whatever is explained, and does not tell what speaks for an answer from what speaks
    /// against it.
    ///
    /// # Errors
    /// [`ExplainError::Method`] for a network that reads no tokens, or without attention layers that see each of them.
    pub fn attention_rollout(&self, sample: &Encoded) -> Result<Vec<f32>, ExplainError> {
        let wrong = || {
            Err(ExplainError::Method {
                method: "attention rollout",
                needs: "of tokens with attention layers over all of them",
                found: self.answering.spec().input.to_string(),
            })
        };
        if !self.has_attention() || !self.reads_tokens() {
            return wrong();
        }
        let (layers, own) = self.attention(sample)?;
        // Where steps are put together before or between them, there is no number for each token.
        let tokens = self.shape()[0];
        if layers.iter().any(|probabilities| probabilities.dims()[2] != tokens) {
            return wrong();
        }
        let mut rollout: Option<Tensor<2>> = None;
        for probabilities in layers {
            let [_, _, steps, _] = probabilities.dims();
            let heads = probabilities.mean_dim(1).reshape([steps, steps]);
            let mixed = heads * 0.5 + Tensor::<2>::eye(steps, self.predictor.device()) * 0.5;
            rollout = Some(match rollout {
                None => mixed,
                Some(before) => mixed.matmul(before),
            });
        }
        let Some(rollout) = rollout else { return Ok(Vec::new()) };
        let [steps, _] = rollout.dims();
        let own = own.unwrap_or(steps).clamp(1, steps);
        let mean = rollout.narrow(0, 0, own).mean_dim(0);
        Ok(mean.into_data().iter::<f32>().collect())
    }
}
