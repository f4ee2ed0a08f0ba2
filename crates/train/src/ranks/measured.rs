//! Batches that were measured on one rank, as bytes for the others: with these every rank measures what one alone would.

use super::Ranks;
use crate::error::TrainError;
use crate::metrics::{PredictionTargets, Predictions, Task, TokenSums};

/// A batch that was measured.
pub(crate) struct MeasuredBatch {
    /// The sum of its losses, each times its weight.
    pub(crate) loss: f64,
    /// How much its targets count together.
    pub(crate) counted: f64,
    pub(crate) predictions: Predictions,
}

impl Ranks {
    /// The batches of all ranks, in the order of the ranks.
    pub(crate) fn all_measured(
        &self,
        own: &[MeasuredBatch],
        task: Task,
    ) -> Result<Vec<MeasuredBatch>, TrainError> {
        let own: Vec<u8> = own.iter().flat_map(encode).collect();
        let all = self.group().gather(&own)?;
        let mut batches = Vec::new();
        for bytes in &all {
            let mut bytes = &bytes[..];
            while !bytes.is_empty() {
                batches.push(decode(&mut bytes, task).ok_or(TrainError::RankMessage)?);
            }
        }
        Ok(batches)
    }
}

const CLASSES: u32 = 0;

fn encode(batch: &MeasuredBatch) -> Vec<u8> {
    let MeasuredBatch { loss, counted, predictions } = batch;
    let sums = predictions.given_token_sums().unwrap_or_default();
    let numbers = [*loss, *counted, sums.cross_entropy, sums.correct, sums.tokens];
    let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
    let (kind, targets) = match predictions.targets() {
        PredictionTargets::Classes(classes) => (CLASSES, classes.clone()),
        PredictionTargets::Values { width, values } => (1 + *width as u32, bits(values)),
    };
    let has = [predictions.given_token_sums().is_some(), predictions.weights().is_some()];
    let kinds = [kind, u32::from(has[0]), u32::from(has[1])];
    let weights = predictions.weights().map(bits).unwrap_or_default();
    for list in [&kinds[..], &bits(predictions.outputs()), &targets, &weights] {
        bytes.extend((list.len() as u64).to_le_bytes());
        bytes.extend(list.iter().flat_map(|word| word.to_le_bytes()));
    }
    bytes
}

/// A batch from the front of some bytes; `None` if there is none.
fn decode(bytes: &mut &[u8], task: Task) -> Option<MeasuredBatch> {
    let mut numbers = [0.0; 5];
    for number in &mut numbers {
        *number = f64::from_le_bytes(*bytes.split_off(..8)?.first_chunk()?);
    }
    let [loss, counted, cross_entropy, correct, tokens] = numbers;
    let mut list = || {
        let count = u64::from_le_bytes(*bytes.split_off(..8)?.first_chunk()?);
        let words = bytes.split_off(..usize::try_from(count).ok()?.checked_mul(4)?)?.as_chunks::<4>().0;
        Some(words.iter().map(|word| u32::from_le_bytes(*word)).collect::<Vec<u32>>())
    };
    let [kinds, outputs, targets, weights] = [list()?, list()?, list()?, list()?];
    let [kind, has_sums, has_weights] = kinds[..] else { return None };
    let floats = |words: Vec<u32>| words.into_iter().map(f32::from_bits).collect::<Vec<f32>>();
    let targets = match kind {
        CLASSES => PredictionTargets::Classes(targets),
        _ => PredictionTargets::Values { width: kind as usize - 1, values: floats(targets) },
    };
    let outputs = floats(outputs);
    if outputs.len() != targets.rows().checked_mul(task.width())? {
        return None;
    }
    let mut predictions = Predictions::new(task, outputs, targets);
    if has_weights == 1 {
        predictions = predictions.with_weights(floats(weights));
    }
    if has_sums == 1 {
        predictions = predictions.with_token_sums(TokenSums { cross_entropy, correct, tokens });
    }
    Some(MeasuredBatch { loss, counted, predictions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_batches_come_back_as_they_were() {
        let values = PredictionTargets::Values { width: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
        let numbers = Predictions::new(Task::Regression { outputs: 2 }, vec![0.5, 1.5, 2.5, 3.5], values)
            .with_weights(vec![0.0, 2.0]);
        let sums = TokenSums { cross_entropy: 0.1, correct: 2.0, tokens: 5.0 };
        let tokens = Predictions::from_token_sums(9, sums);
        let classes = Predictions::new(Task::Binary, vec![0.5, -1.0], PredictionTargets::Classes(vec![1, 0]));
        for predictions in [numbers, tokens, classes] {
            let (task, batch) = (predictions.task(), MeasuredBatch { loss: 0.25, counted: 3.0, predictions });
            let bytes = encode(&batch);
            for end in 0..bytes.len() {
                assert!(decode(&mut &bytes[..end], task).is_none(), "{end}");
            }
            let mut rest = &bytes[..];
            let again = decode(&mut rest, task).unwrap();
            assert!(rest.is_empty());
            assert_eq!((again.loss, again.counted), (batch.loss, batch.counted));
            assert_eq!(format!("{:?}", again.predictions), format!("{:?}", batch.predictions));
        }
    }
}
