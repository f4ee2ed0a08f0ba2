//! Whether an explanation is of what the model has learnt: with other weights it has to be another one.

use fireclay_nn::{Model, NnError, PlacedLayer, is_in_layer, load_state, state};

use crate::ExplainError;
use crate::explainer::Explainer;

/// What became of an explanation where layers had other weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Randomized {
    /// The layer that got weights by chance, as did all behind it.
    pub layer: String,
    /// Spearman's correlation of the attributions with those of the trained model, the mean over the samples: 1 for the same order, 0 for no
    /// relation; `None` where all attributions of each sample are equal.
    pub correlation: Option<f64>,
}

impl Explainer {
    /// The same model with weights by chance from a layer of the first level on, as they are before a training.
    ///
    /// # Errors
    /// [`NnError::UnknownLayer`](fireclay_nn::NnError::UnknownLayer) with the names of the layers.
    pub fn randomized_from(&self, layer: &str, seed: u64) -> Result<Explainer, ExplainError> {
        let model = &self.answering;
        let Some(first) = self.layers.iter().position(|known| known.name == layer) else {
            let known = self.layers.iter().map(|layer| layer.name.clone()).collect();
            return Err(NnError::UnknownLayer { name: layer.to_owned(), known }.into());
        };
        let fresh = model.spec().build_seeded(seed, self.predictor.device())?;
        let changed = |name: &str| self.layers[first..].iter().any(|layer| is_in_layer(name, &layer.name));
        let mixed = state(model).into_iter().zip(state(&fresh));
        let mixed = mixed.map(|(trained, fresh)| if changed(&trained.name) { fresh } else { trained });
        let model: Model = load_state(fresh.clone(), mixed.collect())?;
        Ok(Explainer::with_model(&self.predictor, &model)?.with_samples_at_once(self.most_at_once()))
    }

    /// The check of [Adebayo et al. 2018](https://arxiv.org/abs/1810.03292): an explanation is made again with weights by chance in the last
    /// layer, then in the last two, until all have them. What stays as it was says nothing of what the model has learnt. Attributions
    /// are compared with their signs.
    ///
    /// `explain` gives the attributions of each of some samples; it is called with the trained model first.
    ///
    /// # Errors
    /// Those of `explain`.
    pub fn randomization_check(
        &self,
        seed: u64,
        explain: impl Fn(&Explainer) -> Result<Vec<Vec<f32>>, ExplainError>,
    ) -> Result<Vec<Randomized>, ExplainError> {
        let trained = explain(self)?;
        let tensors = self.answering.spec().tensors()?;
        let has_weights = |name: &str| tensors.iter().any(|tensor| is_in_layer(&tensor.name, name));
        let layers = self.layers.iter().rev().filter(|layer| has_weights(&layer.name));
        let of = |layer: &PlacedLayer| {
            let found = explain(&self.randomized_from(&layer.name, seed)?)?;
            let correlations =
                trained.iter().zip(&found).filter_map(|(trained, found)| spearman(trained, found));
            let correlations: Vec<f64> = correlations.collect();
            let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
            let correlation = (!correlations.is_empty()).then_some(mean);
            Ok(Randomized { layer: layer.name.clone(), correlation })
        };
        layers.map(of).collect()
    }
}

/// Spearman's rank correlation; equal values share the mean of their ranks. `None` where one of both has equal values only, or they are not
/// as many.
///
/// ```
/// use fireclay_explain::spearman;
///
/// assert_eq!(spearman(&[1.0, 2.0, 30.0], &[0.1, 0.2, 0.3]), Some(1.0));
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
/// assert_eq!(spearman(&[1.0, 2.0], &[5.0, 5.0]), None);
/// ```
pub fn spearman(one: &[f32], other: &[f32]) -> Option<f64> {
    if one.len() != other.len() || one.is_empty() {
        return None;
    }
    let (one, other) = (ranks(one), ranks(other));
    let mean = (one.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let scale = (product(&one, &one) * product(&other, &other)).sqrt();
    (scale > 0.0).then(|| product(&one, &other) / scale)
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut ranks, mut begin) = (vec![0.0; values.len()], 0);
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = begin as f64 + (same.len() as f64 - 1.0) / 2.0;
        same.iter().for_each(|index| ranks[*index] = rank);
        begin += same.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 0.0, -0.0]), [3.5, 2.0, 3.5, 0.5, 0.5]);
        // scipy.stats.spearmanr([1, 2, 2, 5], [3, 1, 4, 4]).statistic
        let found = spearman(&[1.0, 2.0, 2.0, 5.0], &[3.0, 1.0, 4.0, 4.0]).unwrap();
        assert!((found - 0.5).abs() < 1e-12, "{found}");
    }
}
