//! Attacks are those of torchattacks for the same weights (`fixtures/attack/make.py`), and a training against them goes on as any other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fireclay_data::{Dataset, Normalization, Provenance, Source, Targets};
use fireclay_datasets::DrawnDigits;
use fireclay_nn::{CrossEntropyLoss, Model, ModelSpec, NamedTensor, load_state, state};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    Adam, AdversarialOptions, Attack, AttackNorm, CheckpointWriter, Device, Event, FitOptions, History,
    Stopped, TrainError, Trainer, callback_fn,
};
use safetensors::{Dtype, SafeTensors};

struct Case {
    model: Model,
    source: Arc<dyn Source>,
    tensors: BTreeMap<String, Vec<f32>>,
    metadata: BTreeMap<String, String>,
}

impl Case {
    fn open() -> Case {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/attack/cnn.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata: BTreeMap<_, _> = header.metadata().clone().unwrap().into_iter().collect();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors: BTreeMap<String, Vec<f32>> = file
            .iter()
            .map(|(name, tensor)| {
                let data = tensor.data();
                let values = match tensor.dtype() {
                    Dtype::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
                    _ => data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f32).collect(),
                };
                (name.to_owned(), values)
            })
            .collect();
        let spec = ModelSpec::from_json(&metadata["spec"]).unwrap();
        let weights = spec.tensors().unwrap().into_iter().map(|tensor| {
            let shape = file.tensor(&tensor.name).unwrap().shape().to_vec();
            NamedTensor { values: tensors[&tensor.name].clone(), name: tensor.name, shape }
        });
        let model = load_state(spec.build(&Device::default()).unwrap(), weights.collect()).unwrap();
        let labels = tensors["labels"].iter().map(|label| *label as u32).collect();
        let names = (0..4).map(|class| class.to_string()).collect();
        let targets = Targets::Classes { labels, names };
        let data = Dataset::from_f32(&[2, 8, 8], tensors["pixels"].clone(), targets, Provenance::default());
        let normalization = Normalization { mean: tensors["mean"].clone(), std: tensors["std"].clone() };
        let source = Arc::new(data.unwrap().with_normalization(normalization).unwrap());
        Case { model, source, tensors, metadata }
    }

    fn number(&self, name: &str) -> f64 {
        self.metadata[name].parse().unwrap()
    }

    /// Values of pixels after an attack.
    fn pixels(&self, attack: Attack, seed: u64) -> Vec<f32> {
        let mut found = Vec::new();
        let loss = CrossEntropyLoss::new();
        let device = Device::default();
        attack
            .run(&self.model, &loss, &self.source, seed, &device, |batch| found.extend(batch.inputs))
            .unwrap();
        let (mean, std) = (&self.tensors["mean"], &self.tensors["std"]);
        let channel = |index: usize| index / 64 % 2;
        found.iter().enumerate().map(|(at, value)| value * std[channel(at)] + mean[channel(at)]).collect()
    }
}

#[test]
fn attacks_are_those_of_torchattacks() {
    let case = Case::open();
    let (strength, length) = (case.number("strength"), case.number("length"));
    let pgd = Attack {
        steps: case.number("steps") as usize,
        step_size: Some(strength / 4.0),
        random_start: false,
        ..Attack::pgd(strength)
    };
    let by_length = Attack { norm: AttackNorm::L2, strength: length, step_size: Some(length / 4.0), ..pgd };
    for (name, attack) in [("fgsm", Attack::fgsm(strength)), ("pgd", pgd), ("pgd_l2", by_length)] {
        let (found, expected) = (case.pixels(attack, 0), &case.tensors[name]);
        let off: Vec<_> = found
            .iter()
            .zip(expected)
            .filter(|(found, expected)| (**found - **expected).abs() > 1e-5)
            .collect();
        // A gradient that is next to nothing may have the other sign.
        assert!(off.len() * 1000 <= expected.len(), "{name}: {} of {} differ", off.len(), expected.len());
        let moved = expected.iter().zip(&case.tensors["pixels"]).filter(|(after, before)| after != before);
        assert!(moved.count() * 2 > expected.len(), "{name} changes pictures");
    }
}

#[test]
fn changes_stay_within_the_strength_and_pixels_within_their_range() {
    let case = Case::open();
    let before = &case.tensors["pixels"];
    for (norm, strength) in [(AttackNorm::Linf, 0.2), (AttackNorm::L2, 1.5)] {
        for steps in [1, 5] {
            let attack = Attack { norm, steps, ..Attack::pgd(strength) };
            let after = case.pixels(attack, 3);
            assert!(after.iter().all(|value| (-1e-6..=1.0 + 1e-6).contains(value)));
            for (after, before) in after.chunks(128).zip(before.chunks(128)) {
                let changes = after.iter().zip(before).map(|(after, before)| f64::from(after - before));
                let size = match norm {
                    AttackNorm::Linf => changes.fold(0.0, |most, change| change.abs().max(most)),
                    AttackNorm::L2 => changes.map(|change| change * change).sum::<f64>().sqrt(),
                };
                assert!(size <= strength * (1.0 + 1e-5) && size > 0.3 * strength, "{norm:?} {steps}: {size}");
            }
            assert_eq!(after, case.pixels(attack, 3), "the same seed, the same pictures");
            assert_ne!(after, case.pixels(attack, 4), "another seed begins elsewhere");
        }
    }
    let nothing = case.pixels(Attack::pgd(0.0), 3);
    assert!(nothing.iter().zip(before).all(|(after, before)| (after - before).abs() < 1e-6));
}

fn digits() -> (Dataset, Dataset) {
    DrawnDigits::new(5).train_and_test(600, 300)
}

fn options(adversarial: Option<AdversarialOptions>) -> FitOptions {
    FitOptions { epochs: 6, batch_size: 50, seed: 9, adversarial, ..FitOptions::default() }
}

fn trainer() -> Trainer<Model> {
    let spec = ModelSpec::new([1, 28, 28])
        .max_pool2d(2)
        .flatten()
        .dense(32)
        .batch_norm()
        .relu()
        .dropout(0.1)
        .dense(10);
    Trainer::classification(spec.build_seeded(1, &Device::flex()).unwrap()).optimizer(Adam::new(0.01))
}

fn right_under(attack: Attack, model: &Model, test: &Dataset) -> f64 {
    let source: Arc<dyn Source> = Arc::new(test.clone());
    let mut right = 0;
    attack
        .run(model, &CrossEntropyLoss::new(), &source, 0, &Device::flex(), |batch| {
            for (index, row) in batch.indices.iter().zip(batch.outputs.chunks(10)) {
                let greatest = (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
                right += usize::from(test.label(*index as usize) == Some(greatest as u32));
            }
        })
        .unwrap();
    right as f64 / test.len() as f64
}

#[test]
fn a_network_that_was_trained_against_changes_bears_them() {
    let (train, test) = digits();
    let attack = Attack { steps: 5, ..Attack::pgd(0.15) };
    let adversarial = AdversarialOptions { attack, ramp: 0.25 };
    let [plain, hardened] = [None, Some(adversarial)].map(|adversarial| {
        let mut trainer = trainer();
        trainer.fit(&train, &options(adversarial)).unwrap();
        right_under(attack, trainer.network(), &test)
    });
    assert!(hardened > plain + 0.2, "{plain} right without, {hardened} with");
}

#[test]
fn an_adversarial_run_that_was_broken_off_goes_on_to_the_same_weights() {
    let (train, _) = digits();
    let options =
        options(Some(AdversarialOptions { attack: Attack { steps: 2, ..Attack::pgd(0.1) }, ramp: 0.5 }));
    let mut whole = trainer();
    whole.fit(&train, &options).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut broken =
        trainer().callback(CheckpointWriter::new(&path)).callback(callback_fn("stop", |event, context| {
            if let Event::StepEnded { epoch: 2, step: 5, .. } = event {
                context.interrupt();
            }
            Ok(())
        }));
    let History { stopped, .. } = broken.fit(&train, &options).unwrap();
    assert_eq!(stopped, Stopped::Interrupted);
    let mut resumed = trainer();
    resumed.resume(&train, load_checkpoint(&path).unwrap()).unwrap();
    assert!(state(resumed.network()) == state(whole.network()), "the weights differ");
    let card = resumed.card().training.unwrap();
    assert_eq!(
        serde_json::from_value::<AdversarialOptions>(card.adversarial).unwrap(),
        options.adversarial.unwrap()
    );
}

#[test]
fn what_is_no_picture_is_refused_before_any_step() {
    let targets = Targets::Classes { labels: vec![0, 1], names: vec!["a".into(), "b".into()] };
    let rows = Dataset::from_f32(&[3], vec![0.5; 6], targets, Provenance::default()).unwrap();
    let model = ModelSpec::new([3]).dense(2).build_seeded(1, &Device::flex()).unwrap();
    let mut trainer = Trainer::classification(model);
    let error = trainer.fit(&rows, &options(Some(AdversarialOptions::new(0.1)))).unwrap_err();
    assert!(matches!(error, TrainError::NotPictures { .. }), "{error}");
    assert!(error.to_string().contains("[3]"), "{error}");
}
