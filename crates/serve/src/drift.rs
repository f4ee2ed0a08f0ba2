//! Whether the samples of requests, and what the model says of them, are distributed as in the training.

use std::sync::{Mutex, PoisonError};

use fireclay_store::{Distribution, ReferenceDistributions, population_stability_index};
use fireclay_train::{Prediction, SampleMeasures};
use serde::Serialize;

use crate::model::Question;

/// The last so many samples are looked at, up to twice as many.
const WINDOW: u64 = 1_000;

/// Fewer samples say little.
const ENOUGH: u64 = 200;

/// A population stability index above this is much: a rule of thumb of the field.
pub(crate) const LIMIT: f64 = 0.25;

/// Counts what comes beside what came in the training.
#[derive(Debug)]
pub(crate) struct Drift {
    reference: ReferenceDistributions,
    measures: SampleMeasures,
    /// Where the reference has each number that is measured.
    places: Vec<Option<usize>>,
    windows: Mutex<[Window; 2]>,
}

/// What was counted of some samples.
#[derive(Clone, Debug, Default)]
struct Window {
    samples: u64,
    inputs: Vec<Counted>,
    classes: Vec<u64>,
    predictions: Counted,
}

/// Counts of a quantity in the parts of its distribution.
#[derive(Clone, Debug, Default)]
struct Counted {
    parts: Vec<u64>,
    sum: f64,
    squares: f64,
}

impl Counted {
    fn of(distribution: &Distribution) -> Self {
        Counted { parts: vec![0; distribution.shares.len()], sum: 0.0, squares: 0.0 }
    }

    fn add(&mut self, distribution: &Distribution, value: f32) {
        if value.is_finite() {
            self.parts[distribution.part(value)] += 1;
            self.sum += f64::from(value);
            self.squares += f64::from(value).powi(2);
        }
    }

    fn with(&self, other: &Counted) -> Counted {
        let parts = self.parts.iter().zip(&other.parts).map(|(one, other)| one + other).collect();
        Counted { parts, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }
}

/// How far what comes is from the training.
#[derive(Debug, Serialize)]
pub(crate) struct DriftReport {
    /// Samples that were looked at.
    pub(crate) samples: u64,
    /// Whether they are so many that it means something.
    pub(crate) enough: bool,
    /// Whether something is above the limit.
    pub(crate) warning: bool,
    pub(crate) limit: f64,
    pub(crate) inputs: Vec<Measured>,
    pub(crate) predictions: Option<ClassDrift>,
    /// Of classes how sure the model is, else the predicted number.
    pub(crate) confidence: Option<Measured>,
}

/// A quantity now and in the training.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) psi: f64,
    mean: f64,
    reference_mean: f64,
    deviation: f64,
    reference_deviation: f64,
}

/// The classes that are predicted now and for samples that were not trained on.
#[derive(Debug, Serialize)]
pub(crate) struct ClassDrift {
    pub(crate) psi: f64,
    classes: Vec<ClassShare>,
}

#[derive(Debug, Serialize)]
struct ClassShare {
    class: String,
    share: f64,
    reference_share: f64,
}

impl Drift {
    pub(crate) fn new(reference: ReferenceDistributions, measures: SampleMeasures) -> Self {
        let place = |name: &str| reference.inputs.iter().position(|known| known.name == name);
        let places = measures.names().into_iter().map(place).collect();
        let windows = Mutex::new([Window::of(&reference), Window::of(&reference)]);
        Drift { reference, measures, places, windows }
    }

    /// Counts samples and what was said of them.
    pub(crate) fn add(&self, questions: &[&Question], answers: &[Prediction]) {
        let measured: Vec<Vec<f32>> =
            questions.iter().map(|question| self.measures.measure(&question.sample())).collect();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        for (measured, answer) in measured.iter().zip(answers) {
            let [now, before] = &mut *windows;
            if now.samples == WINDOW {
                *before = std::mem::replace(now, Window::of(&self.reference));
            }
            now.samples += 1;
            for (value, place) in measured.iter().zip(&self.places) {
                let Some(place) = *place else { continue };
                now.inputs[place].add(&self.reference.inputs[place], *value);
            }
            let said = match answer.class_index() {
                Some(class) => {
                    if let Some(count) = now.classes.get_mut(class) {
                        *count += 1;
                    }
                    answer.probabilities().and_then(|probabilities| probabilities.get(class).copied())
                }
                None => Some(answer.value()),
            };
            if let (Some(known), Some(value)) = (&self.reference.predictions, said) {
                now.predictions.add(known, value);
            }
        }
    }

    /// How far it is, with the names of the classes.
    pub(crate) fn report(&self, classes: &[String]) -> DriftReport {
        let counted = {
            let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
            windows[0].with(&windows[1])
        };
        let samples = counted.samples;
        let measured = |known: &Distribution, counted: &Counted| {
            let count = counted.parts.iter().sum::<u64>().max(1) as f64;
            let mean = counted.sum / count;
            Measured {
                name: known.name.clone(),
                psi: known.psi(&counted.parts),
                mean,
                reference_mean: f64::from(known.mean),
                deviation: (counted.squares / count - mean * mean).max(0.0).sqrt(),
                reference_deviation: f64::from(known.deviation),
            }
        };
        let inputs: Vec<Measured> = (self.reference.inputs.iter().zip(&counted.inputs))
            .map(|(known, counted)| measured(known, counted))
            .collect();
        let predictions = (!self.reference.classes.is_empty()).then(|| {
            let total = counted.classes.iter().sum::<u64>().max(1) as f64;
            let class = |(place, count): (usize, &u64)| ClassShare {
                class: classes.get(place).cloned().unwrap_or_else(|| place.to_string()),
                share: *count as f64 / total,
                reference_share: f64::from(self.reference.classes[place]),
            };
            ClassDrift {
                psi: population_stability_index(&self.reference.classes, &counted.classes),
                classes: counted.classes.iter().enumerate().map(class).collect(),
            }
        });
        let known = self.reference.predictions.as_ref();
        let confidence = known.map(|known| measured(known, &counted.predictions));
        let enough = samples >= ENOUGH;
        let indices = inputs.iter().chain(&confidence).map(|measured| measured.psi);
        let warning =
            enough && indices.chain(predictions.as_ref().map(|classes| classes.psi)).any(|psi| psi > LIMIT);
        DriftReport { samples, enough, warning, limit: LIMIT, inputs, predictions, confidence }
    }
}

impl Window {
    fn of(reference: &ReferenceDistributions) -> Self {
        Window {
            samples: 0,
            inputs: reference.inputs.iter().map(Counted::of).collect(),
            classes: vec![0; reference.classes.len()],
            predictions: reference.predictions.as_ref().map(Counted::of).unwrap_or_default(),
        }
    }

    fn with(&self, other: &Window) -> Window {
        Window {
            samples: self.samples + other.samples,
            inputs: self.inputs.iter().zip(&other.inputs).map(|(one, other)| one.with(other)).collect(),
            classes: self.classes.iter().zip(&other.classes).map(|(one, other)| one + other).collect(),
            predictions: self.predictions.with(&other.predictions),
        }
    }
}
