//! Between which numbers the outputs of layers lie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_data::Source;
use fireclay_nn::{AnyTensor, Int8Candidates, Int8Range, Int8Spec, Model, Network};
use fireclay_train::predict;

use crate::CompressError;

/// Places in a histogram of the numbers between the least and the greatest.
const BINS: usize = 4096;

/// The ranges that the candidates need.
pub(super) fn measure(
    model: &Model,
    candidates: &Int8Candidates,
    samples: &Arc<dyn Source>,
    percentile: f64,
    device: &Device,
) -> Result<Int8Spec, CompressError> {
    let wanted = candidates.outputs.iter().map(|name| Some(name.clone()));
    let wanted = wanted.chain(candidates.input.then_some(None));
    let mut seen: HashMap<Option<String>, Seen> = wanted.map(|name| (name, Seen::default())).collect();
    // Least and greatest first, then how the numbers lie between them.
    for pass in [Seen::bounds as fn(&mut Seen, &[f32]), Seen::count] {
        let observer = Observer { model: model.clone(), pass, seen: Arc::new(Mutex::new(seen)) };
        predict(&observer, samples, device)?;
        let all =
            Arc::into_inner(observer.seen).expect("one holder is left, as the forward passes have ended");
        seen = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    let mut spec = Int8Spec::default();
    for (name, seen) in seen {
        match name {
            None => spec.input = seen.range(100.0),
            Some(name) => {
                if let Some(range) = seen.range(percentile) {
                    spec.ranges.insert(name, range);
                }
            }
        }
    }
    Ok(spec)
}

/// A network that looks at what leaves its layers.
#[derive(Module, Debug)]
struct Observer {
    model: Model,
    #[module(skip)]
    pass: fn(&mut Seen, &[f32]),
    #[module(skip)]
    seen: Arc<Mutex<HashMap<Option<String>, Seen>>>,
}

impl Network for Observer {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.model.observe(input, &mut |name, value| {
            if let Some(seen) = all.get_mut(&name.map(str::to_string)) {
                (self.pass)(seen, &numbers(value.clone()));
            }
        })
    }
}

fn numbers(value: AnyTensor) -> Vec<f32> {
    let data = match value {
        AnyTensor::Rows(tensor) => tensor.into_data(),
        AnyTensor::Sequences(tensor) => tensor.into_data(),
        AnyTensor::Images(tensor) => tensor.into_data(),
        _ => return Vec::new(),
    };
    data.iter::<f32>().collect()
}

/// What was seen of the numbers that leave a layer.
#[derive(Clone, Debug)]
struct Seen {
    least: f32,
    greatest: f32,
    /// Whether one was infinite or none.
    is_broken: bool,
    counts: Vec<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        Seen { least: f32::INFINITY, greatest: f32::NEG_INFINITY, is_broken: false, counts: vec![0; BINS] }
    }
}

impl Seen {
    fn bounds(&mut self, values: &[f32]) {
        for value in values {
            self.is_broken |= !value.is_finite();
            (self.least, self.greatest) = (self.least.min(*value), self.greatest.max(*value));
        }
    }

    fn count(&mut self, values: &[f32]) {
        let step = self.step();
        for value in values {
            let bin = ((value - self.least) / step) as usize;
            self.counts[bin.min(BINS - 1)] += 1;
        }
    }

    /// From one place of the histogram to the next; more than 0.
    fn step(&self) -> f32 {
        ((self.greatest - self.least) / BINS as f32).max(f32::MIN_POSITIVE)
    }

    /// The range within which so many per cent of the numbers lie, as many cut off below as above; nothing if no number was
    /// seen, or one that is none.
    fn range(&self, percentile: f64) -> Option<Int8Range> {
        let total: u64 = self.counts.iter().sum();
        if self.is_broken || total == 0 {
            return None;
        }
        if percentile >= 100.0 {
            return Some(Int8Range::covering(self.least, self.greatest));
        }
        let outside = ((1.0 - percentile / 100.0) * total as f64) as u64;
        let cut = |bins: &mut dyn Iterator<Item = &u64>| {
            let mut sum = 0;
            bins.take_while(|count| {
                sum += **count;
                sum <= outside
            })
            .count()
        };
        let (below, above) = (cut(&mut self.counts.iter()), cut(&mut self.counts.iter().rev()));
        let least = self.least + below as f32 * self.step();
        Some(Int8Range::covering(least, self.greatest - above as f32 * self.step()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(values: &[f32]) -> Seen {
        let mut seen = Seen::default();
        seen.bounds(values);
        seen.count(values);
        seen
    }

    #[test]
    fn a_percentile_cuts_off_what_is_far_away() {
        let mut values: Vec<f32> = (0..10_000).map(|at| at as f32 / 10_000.0).collect();
        values.push(10.0);
        let whole = seen(&values).range(100.0).unwrap();
        assert_eq!(whole, Int8Range::covering(0.0, 10.0));
        let most = seen(&values).range(99.98).unwrap();
        assert!(most.scale < 0.00395, "{most:?}: the numbers below 1, to a place of the histogram");
    }

    #[test]
    fn what_is_no_number_gives_no_range() {
        assert!(seen(&[1.0, f32::NAN]).range(99.0).is_none());
        assert!(seen(&[1.0, f32::INFINITY]).range(99.0).is_none());
        assert!(Seen::default().range(99.0).is_none());
        assert_eq!(seen(&[0.0; 9]).range(99.0), Some(Int8Range::covering(0.0, 0.0)));
    }
}
