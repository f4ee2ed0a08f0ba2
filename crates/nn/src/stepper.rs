//! A model that reads token by token and says what comes next.

use burn::module::Module;
use burn::tensor::Device;

use crate::error::NnError;
use crate::layers::{Flow, Memory};
use crate::model::Model;
use crate::network::Network;
use crate::tensor::AnyTensor;

impl Model {
    /// Begins to read token by token; see [`Stepper`].
    ///
    /// # Errors
    /// [`NnError::NotStepwise`] with the first layer that needs all steps at once, and [`NnError::NoNextToken`] for a
    /// network that does not read tokens or gives no output at each of them.
    pub fn stepper(&self) -> Result<Stepper, NnError> {
        Stepper::new(self)
    }
}

/// A language model that reads token by token: its layers remember what they have read, so a step costs the same however
/// long the text is.
///
/// ```
/// use fireclay_nn::{LstmSpec, ModelSpec};
///
/// let lstm = LstmSpec::new(8).return_sequences(true);
/// let model = ModelSpec::tokens(16).embedding(50, 8).layer(lstm).dense(50).build(&burn::tensor::Device::flex())?;
/// let mut stepper = model.stepper()?;
/// let logits = stepper.step(&[3, 14, 15])?; // of the fourth token
/// assert_eq!(logits.len(), 50);
/// stepper.step(&[9])?;
/// assert_eq!(stepper.steps(), 4);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stepper {
    model: Model,
    device: Device,
    vocabulary_size: usize,
    memories: Vec<Memory>,
    steps: usize,
    most_steps: usize,
}

impl Stepper {
    /// See [`Model::stepper`].
    pub(crate) fn new(model: &Model) -> Result<Self, NnError> {
        let plan = model.spec().plan()?;
        let (mut unable, mut most_steps) = (None, usize::MAX);
        plan.each_layer(&mut |layer| {
            let is_unable = layer.kind.memory(layer).is_none() && layer.kind.block().is_none();
            if is_unable && unable.is_none() {
                unable = Some(layer.name.clone());
            }
            most_steps = most_steps.min(layer.kind.max_steps(&layer.input).unwrap_or(usize::MAX));
        });
        let memories: Option<Vec<Memory>> =
            plan.layers.iter().map(|layer| layer.kind.memory(layer)).collect();
        let Some(memories) = memories else {
            return Err(NnError::NotStepwise { name: unable.unwrap_or_default() });
        };
        let vocabulary_size = model.vocabulary_size();
        let (Some(vocabulary_size), Some(_)) = (vocabulary_size, plan.output_steps) else {
            return Err(NnError::NoNextToken { input: model.spec().input.clone(), outputs: plan.outputs });
        };
        let model = model.valid();
        let device = model.devices().into_iter().next().unwrap_or_default().without_autodiff();
        Ok(Stepper { model, device, vocabulary_size, memories, steps: 0, most_steps })
    }

    /// Reads some more tokens and gives the logits of the one that comes next, one for each token of the vocabulary.
    ///
    /// # Errors
    /// [`NnError::Token`] for a token that the model does not know, or for no token at all, and [`NnError::Steps`] beyond the
    /// places that it has learnt; nothing is read then.
    pub fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>, NnError> {
        let unknown = tokens.iter().find(|token| **token as usize >= self.vocabulary_size);
        if tokens.is_empty() || unknown.is_some() {
            return Err(NnError::Token { found: unknown.copied(), vocabulary_size: self.vocabulary_size });
        }
        let wanted = self.steps + tokens.len();
        if wanted > self.most_steps {
            return Err(NnError::Steps { found: wanted, most: self.most_steps });
        }
        // Below the vocabulary's size, which fits.
        let values = tokens.iter().map(|token| *token as i32).collect();
        let input = AnyTensor::from_tokens(values, &[1, tokens.len()], &self.device);
        let output = self.model.step(&mut self.memories, Flow::of(input)).value.sequences();
        self.steps += tokens.len();
        let [_, steps, width] = output.dims();
        let last = output.slice([0..1, steps - 1..steps, 0..width]);
        Ok(last.into_data().iter::<f32>().collect())
    }

    /// How many tokens have been read.
    pub fn steps(&self) -> usize {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{
        DenseSpec, GruSpec, LstmSpec, MultiHeadAttentionSpec, PositionEmbeddingSpec, PositionKind,
        SimpleRnnSpec, TransformerSpec,
    };
    use crate::spec::ModelSpec;
    use crate::{Int8Spec, load_state, state};

    /// Networks of every layer that can go step by step.
    fn networks() -> Vec<ModelSpec> {
        let start = || ModelSpec::tokens(9).embedding(12, 6);
        vec![
            start().layer(LstmSpec::new(5).num_layers(2).return_sequences(true)).dropout(0.3).dense(12),
            start().layer(GruSpec::new(5).return_sequences(true)).layer_norm().dense(7).gelu().dense(12),
            start().layer(SimpleRnnSpec::new(5).return_sequences(true)).tanh().dense(12),
            start()
                .residual([LstmSpec::new(6).return_sequences(true).into(), DenseSpec::new(6).into()])
                .relu()
                .dense(12),
            start()
                .layer(PositionEmbeddingSpec::new(PositionKind::Learnt))
                .transformer_decoder(TransformerSpec::new(2, 8).num_layers(2).final_norm(true))
                .tied_dense(),
            start()
                .layer(PositionEmbeddingSpec::new(PositionKind::Sinusoidal))
                .transformer_decoder(TransformerSpec::new(1, 8).rotary(true))
                .residual([MultiHeadAttentionSpec::new(3).causal(true).into()])
                .dense(12),
        ]
    }

    #[test]
    fn step_by_step_is_what_the_whole_gives() {
        let device = Device::flex();
        let tokens = [3u32, 11, 0, 7, 7, 1, 5, 2, 9];
        for spec in networks() {
            let model = spec.build(&device).unwrap();
            let input = AnyTensor::from_tokens(tokens.map(|token| token as i32).to_vec(), &[1, 9], &device);
            let whole: Vec<f32> = model.forward(input).into_data().iter::<f32>().collect();
            for pieces in [vec![1; 9], vec![4, 1, 3, 1], vec![9]] {
                let mut stepper = model.stepper().unwrap();
                let mut read = 0;
                for piece in pieces {
                    let logits = stepper.step(&tokens[read..read + piece]).unwrap();
                    read += piece;
                    for (found, expected) in logits.iter().zip(&whole[(read - 1) * 12..read * 12]) {
                        assert!((found - expected).abs() < 1e-5, "{spec:?} after {read}: {found} {expected}");
                    }
                }
                assert_eq!(stepper.steps(), 9);
            }
        }
    }

    #[test]
    fn in_whole_numbers_it_steps_nearly_as_in_f32() {
        let device = Device::flex();
        for spec in networks() {
            let model = spec.build_seeded(3, &device).unwrap();
            let int8 = ModelSpec { int8: Some(Int8Spec::default()), ..spec.clone() };
            let int8: Model = load_state(int8.build(&device).unwrap(), state(&model)).unwrap();
            let steps = |model: &Model| -> Vec<f32> {
                let mut stepper = model.stepper().unwrap();
                [3, 11, 0, 7].into_iter().flat_map(|token| stepper.step(&[token]).unwrap()).collect()
            };
            let (found, expected) = (steps(&int8), steps(&model));
            let apart = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs());
            let (most, scale) =
                (apart.fold(0.0, f32::max), expected.iter().fold(0.0, |most, e| e.abs().max(most)));
            assert!(most > 0.0 && most < 0.03 * scale, "{most} of {scale}: {spec:?}");
        }
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let model = networks()[0].build(&Device::flex()).unwrap();
        let mut stepper = model.stepper().unwrap();
        stepper.step(&[1, 2]).unwrap();
        let mut copy = stepper.clone();
        copy.step(&[3]).unwrap();
        assert_eq!(stepper.step(&[4]).unwrap(), {
            let mut again = model.stepper().unwrap();
            again.step(&[1, 2]).unwrap();
            again.step(&[4]).unwrap()
        });
    }

    #[test]
    fn what_cannot_go_step_by_step_is_named() {
        let refused =
            |spec: ModelSpec| spec.build(&Device::flex()).unwrap().stepper().unwrap_err().to_string();
        let both_ways = LstmSpec::new(3).bidirectional(true).return_sequences(true);
        let message = refused(ModelSpec::tokens(4).embedding(5, 3).layer(both_ways).dense(5));
        assert!(message.contains("'lstm_1'") && message.contains("all steps"), "{message}");
        let message = refused(ModelSpec::tokens(4).embedding(5, 3).flatten().dense(5));
        assert!(message.contains("'flatten_1'"), "{message}");
        let message = refused(ModelSpec::tokens(4).embedding(5, 3).lstm(3).dense(2));
        assert!(message.contains("takes 4 tokens") && message.contains("2 outputs"), "{message}");
        let message = refused(ModelSpec::new([4, 3]).dense(5));
        assert!(message.contains("takes [4, 3]"), "{message}");
    }

    #[test]
    fn places_that_were_not_learnt_are_refused() {
        let model = networks()[4].build(&Device::flex()).unwrap();
        let mut stepper = model.stepper().unwrap();
        stepper.step(&[1; 9]).unwrap();
        let message = stepper.step(&[1]).unwrap_err().to_string();
        assert!(message.contains("10") && message.contains("9"), "{message}");
    }

    #[test]
    fn tokens_that_it_does_not_know_are_refused() {
        let mut stepper = networks()[0].build(&Device::flex()).unwrap().stepper().unwrap();
        let message = stepper.step(&[1, 12]).unwrap_err().to_string();
        assert!(message.contains("token 12") && message.contains("12 tokens"), "{message}");
        assert!(stepper.step(&[]).unwrap_err().to_string().contains("no token"));
        assert_eq!(stepper.steps(), 0);
    }
}
