//! A linear model of sets of tokens, weighted by naive Bayes; what it weights by is measured on the data.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer, is_default, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::losses::Target;
use crate::shapes::TensorSpec;
use crate::tensor::AnyTensor;

/// Logits of a bag of tokens: `output[k] = bias[k] + Σ ratio[t, k] * weight[t, k]` over the tokens `t` of a sample
/// ([Wang and Manning 2012](https://aclanthology.org/P12-2018/)).
///
/// The ratio is not learnt: before the first epoch it is set to the logarithm of how much more often, of all tokens in
/// samples of class `k`, a token is `t` than of those in other classes; tokens that most samples of one class have thus
/// count from the first step on. Weight and bias are learnt, and begin at 0. A sample should hold each token once, as
/// encoded n-grams do. The layer stands at the top level of a network, not inside a block.
///
/// # Shapes
/// - input: `[batch, tokens]`, whole numbers below `num_embeddings`, in any order
/// - output: `[batch, out_features]`
/// - `weight`: `[num_embeddings, out_features]`; `ratio`: the same, not trained; `bias`: `[out_features]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse sizes of 0, a `padding_idx` beyond the tokens, a `smoothing` of 0 or less, and a place inside a block.
///
/// ```
/// use fireclay_nn::{ModelSpec, NaiveBayesBagSpec};
///
/// let spec = ModelSpec::tokens(50).layer(NaiveBayesBagSpec::new(1000, 2).padding_idx(0));
/// assert_eq!((spec.summary()?.parameters(), spec.summary()?.buffers()), (2 * 1000 + 2, 2 * 1000));
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NaiveBayesBagSpec {
    /// How many different tokens there are; a token is a number below it.
    pub num_embeddings: usize,
    /// Numbers that leave the layer for each sample: one for each class, or one for yes or no.
    pub out_features: usize,
    /// The token that fills up short samples, which counts nothing; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding_idx: Option<usize>,
    /// Added to each count of a token in a class; 1 by default.
    #[serde(default = "default_smoothing", skip_serializing_if = "is_default_smoothing")]
    pub smoothing: f64,
    /// Whether a bias is added; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
    /// In how many training samples a token must be to count; 0, which leaves none out, by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_count: usize,
}

fn default_smoothing() -> f64 {
    1.0
}

fn is_default_smoothing(smoothing: &f64) -> bool {
    *smoothing == default_smoothing()
}

impl NaiveBayesBagSpec {
    /// A bag of `num_embeddings` tokens with a bias, and no padding token.
    pub fn new(num_embeddings: usize, out_features: usize) -> Self {
        NaiveBayesBagSpec {
            num_embeddings,
            out_features,
            padding_idx: None,
            smoothing: default_smoothing(),
            bias: true,
            min_count: 0,
        }
    }

    /// Sets the token that fills up short samples.
    pub fn padding_idx(mut self, padding_idx: usize) -> Self {
        self.padding_idx = Some(padding_idx);
        self
    }

    /// Sets what is added to each count.
    pub fn smoothing(mut self, smoothing: f64) -> Self {
        self.smoothing = smoothing;
        self
    }

    /// Sets in how many training samples a token must be.
    pub fn min_count(mut self, min_count: usize) -> Self {
        self.min_count = min_count;
        self
    }

    pub(crate) fn infer(&self, tokens: usize) -> Result<Inferred, LayerProblem> {
        let (rows, out_features) = (self.num_embeddings, self.out_features);
        for (field, size) in [("num_embeddings", rows), ("out_features", out_features)] {
            if size == 0 {
                return Err(LayerProblem::Zero { field });
            }
        }
        let range = |field, found: String, expected| Err(LayerProblem::Range { field, found, expected });
        if let Some(padding) = self.padding_idx.filter(|padding| *padding >= rows) {
            return range("padding_idx", padding.to_string(), "less than num_embeddings");
        }
        if !(self.smoothing > 0.0 && self.smoothing.is_finite()) {
            return range("smoothing", self.smoothing.to_string(), "more than 0");
        }
        // Tokens are uploaded as 32-bit numbers with a sign.
        if i32::try_from(rows).is_err() {
            return Err(LayerProblem::TooLarge { limit: i32::MAX as u64 });
        }
        let weight = TensorSpec::trained("weight", [rows, out_features])?;
        let ratio = TensorSpec { name: "ratio".into(), trainable: false, ..weight.clone() };
        let bias = self.bias.then(|| TensorSpec::trained("bias", [out_features])).transpose()?;
        Ok(Inferred {
            output: vec![out_features].into(),
            tensors: [ratio, weight].into_iter().chain(bias).collect(),
            flops: values(&[tokens, out_features])?.saturating_mul(2),
        })
    }

    pub(crate) fn build(&self, device: &Device) -> NaiveBayesBag {
        let shape = [self.num_embeddings, self.out_features];
        NaiveBayesBag {
            // Until the data is seen, a linear model of the tokens as they are.
            ratio: Param::from_tensor(Tensor::ones(shape, device)).set_require_grad(false),
            weight: Param::from_tensor(Tensor::zeros(shape, device)),
            bias: self.bias.then(|| Param::from_tensor(Tensor::zeros([self.out_features], device))),
            padding_idx: self.padding_idx,
            smoothing: self.smoothing,
            min_count: self.min_count,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct NaiveBayesBag {
    ratio: Param<Tensor<2>>,
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
    padding_idx: Option<usize>,
    smoothing: f64,
    min_count: usize,
}

impl NaiveBayesBag {
    /// # Shapes
    /// - input: `[batch, tokens]`
    /// - output: `[batch, out_features]`
    pub(crate) fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        // The row of padding is 0: it begins so, and gets no gradient.
        let table = self.ratio.val() * self.weight.val();
        let sum = ops::embedding(table, tokens, self.padding_idx).sum_dim(1).squeeze_dim::<2>(1);
        match &self.bias {
            Some(bias) => sum + bias.val().unsqueeze(),
            None => sum,
        }
    }

    /// The layer with the ratios of the given samples.
    pub(crate) fn adapt(mut self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self {
        let ratio = self.ratio.val();
        let [rows, classes] = ratio.dims();
        let mut counts = Counts { classes, inside: vec![0.0; rows * classes], all: vec![0.0; rows] };
        for (input, target) in batches {
            let Some(shares) = shares(target, classes) else { continue };
            let tokens = input.tokens();
            let [_, length] = tokens.dims();
            let tokens: Vec<i64> = tokens.into_data().iter::<i64>().collect();
            for (sample, shares) in tokens.chunks_exact(length.max(1)).zip(shares.chunks_exact(classes)) {
                for token in sample.iter().map(|token| *token as usize) {
                    if Some(token) != self.padding_idx {
                        counts.add(token, shares);
                    }
                }
            }
        }
        let ratios = TensorData::new(counts.ratios(self.smoothing, self.min_count.max(1)), [rows, classes]);
        self.ratio = self.ratio.map(|_| Tensor::from_data(ratios, &ratio.device()));
        self
    }
}

/// How much each sample of a batch is of each class, `[batch, classes]`; `None` if that is not what the target says.
fn shares(target: Target, classes: usize) -> Option<Vec<f32>> {
    match target {
        Target::Classes(labels) => {
            let labels: Vec<i64> = labels.into_data().iter::<i64>().collect();
            let is = |label: i64, class: usize| if label == class as i64 { 1.0 } else { 0.0 };
            Some(
                labels
                    .into_iter()
                    .flat_map(|label| (0..classes).map(move |class| is(label, class)))
                    .collect(),
            )
        }
        Target::Values(values) if values.dims()[1] == classes => {
            Some(values.into_data().iter::<f32>().collect())
        }
        _ => None,
    }
}

/// In how many samples each token is.
struct Counts {
    classes: usize,
    /// `[tokens, classes]`
    inside: Vec<f32>,
    /// `[tokens]`
    all: Vec<f32>,
}

impl Counts {
    fn add(&mut self, token: usize, shares: &[f32]) {
        self.all[token] += 1.0;
        let row = &mut self.inside[token * self.classes..][..self.classes];
        row.iter_mut().zip(shares).for_each(|(count, share)| *count += share);
    }

    /// `ln (p / Σp) / (q / Σq)` for each token and class, with `p` the smoothed count inside the class and `q` outside; 0
    /// for tokens in fewer than `min_count` samples.
    fn ratios(&self, smoothing: f64, min_count: usize) -> Vec<f32> {
        let counts = |token: usize, class: usize| {
            let inside = f64::from(self.inside[token * self.classes + class]);
            [smoothing + inside, smoothing + f64::from(self.all[token]) - inside]
        };
        let known: Vec<usize> =
            (0..self.all.len()).filter(|token| self.all[*token] >= min_count as f32).collect();
        let mut ratios = vec![0.0; self.inside.len()];
        for class in 0..self.classes {
            let [inside, outside] = known.iter().fold([0.0; 2], |[p, q], token| {
                let [inside, outside] = counts(*token, class);
                [p + inside, q + outside]
            });
            for token in &known {
                let [p, q] = counts(*token, class);
                ratios[token * self.classes + class] = ((p / inside) / (q / outside)).ln() as f32;
            }
        }
        ratios
    }
}

impl Description for NaiveBayesBagSpec {
    type Module = NaiveBayesBag;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.tokens()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> NaiveBayesBag {
        let _ = plan;
        self.build(device)
    }

    fn vocabulary_size(&self) -> Option<usize> {
        Some(self.num_embeddings)
    }

    fn adapts(&self) -> bool {
        true
    }
}

impl Forward for NaiveBayesBag {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| self.forward(value.tokens()).into())
    }

    /// The ratios tell: before the data is seen they are all 1, and those of any data are not.
    fn awaits_data(&self) -> bool {
        self.ratio.val().into_data().iter::<f32>().all(|ratio| ratio == 1.0)
    }

    fn adapt(self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self {
        NaiveBayesBag::adapt(self, batches)
    }

    /// What the embedding reads is not the weight.
    fn has_sample_norms(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_those_of_the_paper() {
        let device = Device::flex();
        let layer = NaiveBayesBagSpec::new(5, 2).padding_idx(0).min_count(1).build(&device);
        // Token 1 in both samples, 2 in the first, of class 0; 3 in the second, of class 1; 4 in none.
        let tokens = AnyTensor::from_tokens(vec![1, 2, 0, 3, 1, 0], &[2, 3], &device);
        let classes = Target::Classes(Tensor::from_ints([0, 1], &device));
        let layer = layer.adapt(&mut [(tokens, classes)].into_iter());
        let found = layer.ratio.val().into_data().try_into_vec::<f32>().unwrap();
        // Smoothed, tokens 1 to 3 are counted 2, 2, 1 times in class 0 and 2, 1, 2 times in class 1.
        let two = 2f32.ln();
        let expected = [0.0, 0.0, 0.0, 0.0, two, -two, -two, two, 0.0, 0.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
        assert!(!layer.ratio.is_require_grad());
    }

    #[test]
    fn yes_or_no_is_like_two_classes() {
        let device = Device::flex();
        let tokens = || AnyTensor::from_tokens(vec![1, 2, 2, 3], &[2, 2], &device);
        let values = Target::Values(Tensor::from_floats([[0.0], [1.0]], &device));
        let one = NaiveBayesBagSpec::new(4, 1).build(&device).adapt(&mut [(tokens(), values)].into_iter());
        let classes = Target::Classes(Tensor::from_ints([0, 1], &device));
        let two = NaiveBayesBagSpec::new(4, 2).build(&device).adapt(&mut [(tokens(), classes)].into_iter());
        let column = two.ratio.val().slice([0..4, 1..2]).into_data();
        assert_eq!(one.ratio.val().into_data(), column);
    }
}
