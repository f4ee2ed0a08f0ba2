//! How long things take: whole epochs, whole passes, single calls.

use std::time::{Duration, Instant};

use crate::{LATENCY_SAMPLES, Workload};

const INFER_SECONDS: f64 = 3.0;
const LATENCY_WARM_UP_CALLS: f64 = 100.0;
const LATENCY_CALLS: f64 = 1000.0;

/// What one epoch took and measured.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// From the end of the epoch before to its own end.
    pub seconds: f64,
    /// Mean loss over the samples as they were seen.
    pub loss: f64,
    /// Share of right predictions over the samples as they were seen.
    pub accuracy: f64,
}

/// What a task measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Of training and inference.
    pub samples_per_s: Option<f64>,
    /// Of a batch of one.
    pub latency_us: Option<f64>,
    /// Of the workload's `loss_epoch`; of the network before any training for the other tasks.
    pub loss: f64,
    /// Beside the loss.
    pub accuracy: f64,
    /// Samples under the clock.
    pub samples: usize,
    /// Time under the clock.
    pub seconds: f64,
    /// All epochs, the untimed ones first.
    pub epochs: Vec<Epoch>,
}

impl Measured {
    /// A training: the median of the timed epochs.
    pub fn training(workload: &Workload, epochs: Vec<Epoch>) -> Self {
        let seconds: Vec<f64> = epochs[workload.untimed_epochs..].iter().map(|epoch| epoch.seconds).collect();
        let Epoch { loss, accuracy, .. } = epochs[workload.loss_epoch - 1];
        Measured {
            samples_per_s: Some(workload.samples as f64 / median(&seconds)),
            loss,
            accuracy,
            samples: workload.samples * seconds.len(),
            seconds: seconds.iter().sum(),
            epochs,
            ..Measured::default()
        }
    }

    /// Adds what the logits of a network before any training give: a loss near `ln(classes)`, if nothing is wrong.
    pub fn with_logits(mut self, logits: &[f32], labels: &[u32]) -> Self {
        let classes = logits.len() / labels.len().max(1);
        let (mut loss, mut right) = (0.0, 0);
        for (row, label) in logits.chunks_exact(classes.max(1)).zip(labels) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let total: f64 = row.iter().map(|logit| f64::from(logit - largest).exp()).sum();
            let own = row[*label as usize];
            loss += total.ln() - f64::from(own - largest);
            right += usize::from(own == largest);
        }
        self.loss = loss / labels.len() as f64;
        self.accuracy = right as f64 / labels.len() as f64;
        self
    }
}

/// Times whole passes over the test split, for some seconds, after an untimed one.
pub fn measure_infer(workload: &Workload, scale: f64, mut run_pass: impl FnMut()) -> Measured {
    run_pass();
    let mut seconds: Vec<f64> = Vec::new();
    while seconds.len() < 3 || seconds.iter().sum::<f64>() < INFER_SECONDS * scale {
        seconds.push(time(&mut run_pass).as_secs_f64());
    }
    Measured {
        samples_per_s: Some(workload.test_samples as f64 / median(&seconds)),
        samples: workload.test_samples * seconds.len(),
        seconds: seconds.iter().sum(),
        ..Measured::default()
    }
}

/// Times `call`, which is given the number of a sample and computes its logits.
pub fn measure_latency(scale: f64, mut call: impl FnMut(usize)) -> Measured {
    let calls = |most: f64, least: f64| (most * scale).round().max(least) as usize;
    for index in 0..calls(LATENCY_WARM_UP_CALLS, 10.0) {
        call(index % LATENCY_SAMPLES);
    }
    let seconds: Vec<f64> = (0..calls(LATENCY_CALLS, 20.0))
        .map(|index| time(|| call(index % LATENCY_SAMPLES)).as_secs_f64())
        .collect();
    Measured {
        latency_us: Some(median(&seconds) * 1e6),
        samples: seconds.len(),
        seconds: seconds.iter().sum(),
        ..Measured::default()
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (len, half) if len % 2 == 0 => (sorted[half - 1] + sorted[half]) / 2.0,
        (_, half) => sorted[half],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_classes() {
        let measured = Measured::default().with_logits(&[0.5; 20], &[3, 9]);
        assert!((measured.loss - 10f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_wrong_class_costs_more() {
        let measured = Measured::default().with_logits(&[2.0, 0.0, 2.0, 0.0], &[0, 1]);
        let softplus = |x: f64| x.exp().ln_1p();
        assert!((measured.loss - (softplus(-2.0) + softplus(2.0)) / 2.0).abs() < 1e-9);
        assert_eq!(measured.accuracy, 0.5);
    }
}
