//! What all made-up runs have.

use fireclay_report::{Environment, Epoch, SettingGroup, Step, Timing};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

pub const PROGRAM: &str = "fireclay 0.1.0";

/// A generator of made-up numbers.
pub struct Random(Pcg64Mcg);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// From 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.uniform() * limit as f64) as usize
    }

    /// Of mean 0 and standard deviation 1, nearly.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Epochs whose losses fall from `first` to about `last`; the validation loss rises again a little.
pub fn epochs(
    random: &mut Random,
    epochs: usize,
    first: f64,
    last: f64,
    accuracy: Option<f64>,
) -> Vec<Epoch> {
    let epoch = |epoch: usize| {
        let progress = epoch as f64 / epochs as f64;
        let fallen = (-4.5 * progress).exp();
        let loss = last * 0.7 + (first - last) * fallen + random.normal() * last * 0.02;
        let val_loss = last * (1.0 + 0.35 * progress * progress)
            + (first - last) * fallen * 0.8
            + random.normal() * last * 0.05;
        let mut found = Epoch::new(epoch, [("loss", loss), ("val_loss", val_loss)]);
        if let Some(accuracy) = accuracy {
            let missing = (1.0 - accuracy) + 0.35 * fallen;
            found.values.insert("accuracy".into(), 1.0 - missing * 0.6 + random.normal() * 0.001);
            found.values.insert("val_accuracy".into(), 1.0 - missing + random.normal() * 0.003);
        }
        found.seconds = Some(3.1 + random.uniform() * 0.2);
        found
    };
    (1..=epochs).map(epoch).collect()
}

/// Steps with a warm-up and a cosine.
pub fn steps(random: &mut Random, steps: u64, first: f64, last: f64) -> Vec<Step> {
    let step = |step: u64| {
        let progress = step as f64 / steps as f64;
        let loss = (last + (first - last) * (-6.0 * progress).exp()) * (1.0 + 0.25 * random.normal()).abs();
        let warm = (progress / 0.05).min(1.0);
        Step {
            step,
            loss: Some(loss),
            learning_rate: Some(3e-3 * warm * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())),
            gradient_norm: Some(0.4 + 2.5 * (-5.0 * progress).exp() + 0.15 * random.normal().abs()),
            samples_per_s: Some(17_500.0 + 400.0 * random.normal()),
        }
    };
    (1..=steps).map(step).collect()
}

pub fn settings(seed: u64) -> Vec<SettingGroup> {
    let rate = ["0.003", "0.01", "0.05"][seed as usize % 3];
    vec![
        SettingGroup::new("training", [("epochs", "20"), ("batch size", "64"), ("precision", "f32")]),
        SettingGroup::new(
            "optimiser",
            [("name", "adam"), ("learning rate", rate), ("schedule", "cosine, warm-up 5 %")],
        ),
        SettingGroup::new(
            "regularisation",
            [("weight decay", "0.0001"), ("label smoothing", "0.05"), ("dropout", "0.3")],
        ),
    ]
}

pub fn environment(seed: u64) -> Environment {
    Environment {
        versions: vec![("fireclay".into(), "0.1.0".into()), ("burn".into(), "0.22.1".into())],
        system: Some("Linux, x86-64".into()),
        device: Some("flex (CPU)".into()),
        cpu: Some("Xeon, 2.6 GHz, AVX-512".into()),
        threads: Some(8),
        seed: Some(seed),
        git_commit: Some("1f0c2d9".into()),
        git_dirty: true,
        ..Environment::default()
    }
}

pub fn timings() -> Vec<Timing> {
    let timing = |name: &str, seconds| Timing { name: name.into(), seconds };
    vec![
        timing("training steps", 61.3),
        timing("validation", 3.9),
        timing("reading data", 1.2),
        timing("test and baselines", 4.4),
        timing("saving", 0.08),
    ]
}
