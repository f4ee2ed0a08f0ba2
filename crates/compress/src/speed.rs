//! How fast models answer, measured in turn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_data::{Source, Subset};
use fireclay_nn::{AnyTensor, Model, Network};
use fireclay_train::predict;

use crate::CompressError;

/// Samples of a batch.
const BATCH: usize = 64;
/// Each model is asked in so many rounds, in turn with the others, for so long in each.
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_millis(100);

/// How fast a model answers, the samples lying ready on the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Seconds for one sample alone.
    pub latency: f64,
    /// Samples a second in batches of 64, or of as many as there are.
    pub samples_per_second: f64,
}

/// How fast models answer: the medians of five rounds, in which they are asked in turn, as a machine may have other work as well.
///
/// # Errors
/// [`CompressError::NoSamples`] without samples, and what stands in the way of asking.
pub fn compare_speed<const N: usize>(
    models: [&Model; N],
    samples: Arc<dyn Source>,
    device: &Device,
) -> Result<[Speed; N], CompressError> {
    if samples.is_empty() {
        return Err(CompressError::NoSamples);
    }
    let batch = |count| -> Result<(AnyTensor, usize), CompressError> {
        let subset: Arc<dyn Source> = Arc::new(Subset::spread(samples.clone(), count)?);
        let taker = Taker { model: models[0].clone(), taken: Arc::default() };
        predict(&taker, &subset, device)?;
        let taken = taker.taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok((taken.ok_or(CompressError::NoSamples)?, subset.len()))
    };
    let ((one, _), (many, count)) = (batch(1)?, batch(BATCH)?);
    let mut times = [(); N].map(|()| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for (model, (latencies, batches)) in models.iter().zip(&mut times) {
            latencies.push(seconds(model, &one));
            batches.push(seconds(model, &many));
        }
    }
    Ok(times.map(|(latencies, batches)| Speed {
        latency: median(latencies),
        samples_per_second: count as f64 / median(batches),
    }))
}

/// Seconds for a batch, from its input to the outputs in host memory.
fn seconds(model: &Model, input: &AnyTensor) -> f64 {
    let ask = || model.forward(input.clone()).into_data();
    // What is put in order once for all calls is not counted.
    ask();
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < TIME {
        let begin = Instant::now();
        ask();
        times.push(begin.elapsed().as_secs_f64());
    }
    median(times)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A network that keeps the batch which it is asked about.
#[derive(Module, Debug)]
struct Taker {
    model: Model,
    #[module(skip)]
    taken: Arc<Mutex<Option<AnyTensor>>>,
}

impl Network for Taker {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(input.clone());
        self.model.forward(input)
    }
}
