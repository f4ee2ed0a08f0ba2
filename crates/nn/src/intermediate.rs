//! The middle of a network: what leaves one of its layers, and the way from there to the output.

use burn::tensor::Tensor;

use crate::error::NnError;
use crate::layers::{self, Flow};
use crate::model::{Model, all_rows};
use crate::tensor::AnyTensor;

/// What leaves one of a model's layers, with all that the layers behind it read: how long each sequence is, and the weights of
/// embeddings that they share.
#[derive(Clone)]
pub struct Intermediate {
    flow: Flow,
    /// The place of the next layer.
    next: usize,
}

impl Intermediate {
    /// The layer's output, a batch.
    pub fn value(&self) -> &AnyTensor {
        &self.flow.value
    }

    /// `[batch]`: how many steps of each sequence are its own and do not fill it up; `None` if all are.
    pub fn lengths(&self) -> Option<Vec<usize>> {
        let lengths = self.flow.lengths.clone()?.into_data();
        Some(lengths.iter::<i64>().map(|length| length as usize).collect())
    }

    /// The same with another output of the layer.
    ///
    /// # Panics
    /// If it has another shape.
    pub fn with_value(self, value: AnyTensor) -> Self {
        assert_eq!(value.dims(), self.flow.value.dims(), "the output of a layer");
        Intermediate { flow: self.flow.map(|_| value), ..self }
    }
}

impl std::fmt::Debug for Intermediate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intermediate").field("value", &self.flow.value).finish_non_exhaustive()
    }
}

impl Model {
    /// The first part of [`forward`](crate::Network::forward), up to and with a layer of the first level, so that what the layer gives can
    /// be looked at, changed or derived by. On a device without autodiff it is what the model computes in `f32`.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use fireclay_nn::{ModelSpec, Network};
    ///
    /// let model = ModelSpec::new([1, 6, 6]).conv2d(4, 3).relu().flatten().dense(2).build(&Device::flex())?;
    /// let image = Tensor::<4>::ones([1, 1, 6, 6], &Device::flex());
    /// let features = model.forward_to("relu_1", image.clone().into())?;
    /// assert_eq!(features.value().dims(), [1, 4, 4, 4]);
    /// let logits = model.forward_from(features);
    /// assert_eq!(logits.into_data(), model.forward(image.into()).into_data());
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`] with the names of the layers, if none of the first level has that name.
    ///
    /// # Panics
    /// If the input is not a batch of what the description takes.
    pub fn forward_to(&self, layer: &str, input: AnyTensor) -> Result<Intermediate, NnError> {
        let known = self.names();
        let Some(at) = known.iter().position(|name| name == layer) else {
            return Err(NnError::UnknownLayer { name: layer.to_owned(), known: known.to_vec() });
        };
        self.check_input(&input);
        let flow = layers::run(&self.layers()[..=at], Flow::of(input));
        Ok(Intermediate { flow, next: at + 1 })
    }

    /// The rest of [`forward`](crate::Network::forward), behind the layer whose output this is.
    pub fn forward_from(&self, intermediate: Intermediate) -> Tensor<2> {
        let Intermediate { flow, next } = intermediate;
        all_rows(layers::run(&self.layers()[next..], flow).value)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{LstmSpec, ModelSpec, Network};

    #[test]
    fn both_parts_make_the_whole_wherever_it_is_cut() {
        let device = Device::flex();
        let spec = ModelSpec::tokens(6)
            .layer(crate::EmbeddingSpec::new(9, 5).padding_idx(0))
            .layer(LstmSpec::new(4).return_sequences(true))
            .lstm(3)
            .dense(2);
        let model = spec.build_seeded(1, &device).unwrap();
        let tokens = || AnyTensor::from_tokens(vec![3, 8, 1, 0, 0, 0, 2, 2, 7, 5, 4, 1], &[2, 6], &device);
        let whole = model.forward(tokens()).into_data();
        for name in ["embedding_1", "lstm_1", "lstm_2", "dense_1"] {
            let part = model.forward_to(name, tokens()).unwrap();
            let reads_steps = ["embedding_1", "lstm_1"].contains(&name);
            assert_eq!(part.lengths(), reads_steps.then(|| vec![3, 6]), "{name}");
            assert_eq!(model.forward_from(part).into_data(), whole, "{name}");
        }
        let message = model.forward_to("lstm_3", tokens()).unwrap_err().to_string();
        assert!(message.contains("'lstm_3'") && message.contains("lstm_2"), "{message}");
    }
}
