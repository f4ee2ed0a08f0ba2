//! What `fit` says of runs in which something goes wrong.

use std::sync::{Arc, Mutex};

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Device, Model, ModelSpec, load_state, state};
use fireclay_train::{Adam, Event, FitOptions, Sgd, Trainer, callback_fn};

/// Points in the plane; the class is that of the half that they lie in, or unrelated to where they lie.
fn points(samples: usize, related: bool) -> Dataset {
    let values: Vec<f32> = (0..samples * 2).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect();
    let label = |(index, point): (usize, &[f32])| match related {
        true => u32::from(point[0] > 0.3 * point[1]),
        false => u32::from((index * 40_503) % 65_536 > 32_768),
    };
    let labels = values.chunks(2).enumerate().map(label).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap()
}

fn built(spec: ModelSpec) -> Model {
    spec.build_seeded(5, &Device::flex()).unwrap()
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 16, seed: 3, ..FitOptions::default() }
}

/// The warnings of a run.
fn warnings(trainer: Trainer<Model>, data: &Dataset, options: &FitOptions) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let listen = callback_fn("listen", move |event, _| {
        if let Event::Warning(text) = event {
            log.lock().unwrap().push(text.to_string());
        }
        Ok(())
    });
    trainer.callback(listen).fit(data, options).unwrap();
    let heard = heard.lock().unwrap();
    heard.clone()
}

#[track_caller]
fn assert_one(warnings: &[String], words: &[&str]) {
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for word in words {
        assert!(warnings[0].contains(word), "no {word:?} in {warnings:?}");
    }
}

#[test]
fn a_run_that_goes_well_is_not_warned_of() {
    let network = built(ModelSpec::new([2]).dense(16).batch_norm().relu().dense(2));
    let trainer = Trainer::classification(network).optimizer(Adam::new(0.01));
    assert_eq!(warnings(trainer, &points(300, true), &options(8)), [""; 0]);
}

#[test]
fn a_loss_of_a_constant_answer_is_said_once() {
    // After fifty steps, in long trainings after a tenth of the epochs, and ten at most.
    for (epochs, after) in [(5, "after 3 epochs"), (40, "after 4 epochs"), (150, "after 10 epochs")] {
        let network = built(ModelSpec::new([2]).dense(16).relu().dense(2));
        let mut weights = state(&network);
        weights
            .iter_mut()
            .filter(|tensor| tensor.name.starts_with("dense_2"))
            .for_each(|tensor| tensor.values.fill(0.0));
        let network = load_state(network, weights).unwrap();
        let trainer = Trainer::classification(network).optimizer(Sgd::new(1e-9));
        let heard = warnings(trainer, &points(300, true), &options(epochs));
        assert_one(&heard, &["nothing was learnt", after, "0.69", "learning rate"]);
    }
}

#[test]
fn batch_norm_of_one_sample_is_said_before_the_first_step() {
    let network = || built(ModelSpec::new([2]).dense(16).batch_norm().relu().dense(2));
    let trainer = || Trainer::classification(network()).optimizer(Adam::new(0.01));
    let words = ["the last batch of each epoch has one sample", "batch norm", "another batch size"];
    assert_one(&warnings(trainer(), &points(305, true), &options(3)), &words);
    let one = FitOptions { batch_size: 1, ..options(1) };
    let heard = warnings(trainer(), &points(60, true), &one);
    assert!(heard[0].contains("each batch has one sample"), "{heard:?}");
    let without = built(ModelSpec::new([2]).dense(16).relu().dense(2));
    let trainer = Trainer::classification(without).optimizer(Adam::new(0.01));
    assert_eq!(warnings(trainer, &points(305, true), &options(3)), [""; 0]);
}

#[test]
fn a_layer_whose_units_never_answer_is_named() {
    let network = built(ModelSpec::new([2]).dense(16).relu().dense(2));
    let mut weights = state(&network);
    weights.iter_mut().find(|tensor| tensor.name == "dense_1.bias").unwrap().values.fill(-50.0);
    let trainer = Trainer::classification(load_state(network, weights).unwrap()).optimizer(Adam::new(0.01));
    let heard = warnings(trainer, &points(320, true), &options(1));
    let dead = heard.iter().filter(|text| text.contains("dead")).cloned().collect::<Vec<_>>();
    assert_one(&dead, &["'relu_1' is dead", "16 of its 16 units", "leaky_relu"]);
}

#[test]
fn gradients_that_explode_are_said_once() {
    // Numbers whose scale jumps by ten thousand in the middle of an epoch make gradients that do.
    let targets = (0..4_096).map(|i| if i < 4_095 - 64 { (i % 7) as f32 } else { 1e6 }).collect();
    let values = (0..8_192).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect();
    let targets = Targets::Values { width: 1, values: targets };
    let data = Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap();
    let network = built(ModelSpec::new([2]).dense(1));
    let scale = callback_fn("scale", |event, context| {
        if let Event::StepEnded { step: 500, .. } = event {
            let mut weights = context.weights();
            weights.iter_mut().for_each(|tensor| tensor.values.fill(1e9));
            context.set_weights(weights);
        }
        Ok(())
    });
    let trainer = Trainer::regression(network).optimizer(Sgd::new(1e-12)).callback(scale);
    let options = FitOptions { batch_size: 4, ..options(1) };
    let heard = warnings(trainer, &data, &options);
    let exploded: Vec<String> = heard.into_iter().filter(|text| text.contains("exploded")).collect();
    assert_one(&exploded, &["at step 512", "lower learning rate", "clipped"]);
}

#[test]
fn looking_changes_no_bit() {
    // Trouble is looked for after the first epoch and at some steps; a second run in which nothing is found gives the same.
    let trained = |related| {
        let network = built(ModelSpec::new([2]).dense(16).batch_norm().relu().dropout(0.2).dense(2));
        let mut trainer = Trainer::classification(network).optimizer(Adam::new(0.01));
        trainer.fit(&points(300, related), &options(3)).unwrap();
        state(trainer.network())
    };
    assert_eq!(trained(true), trained(true));
}
