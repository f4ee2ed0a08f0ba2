//! What is frozen stays as it is: through `fit`, a model file and a checkpoint. Zeros that are to be kept stay zeros.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Model, ModelSpec, NamedTensor, load_state, state};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    AdamW, AnyOptimizer, Callback, CallbackContext, CheckpointWriter, Event, FitOptions, Muon,
    ParameterGroup, Sgd, TrainError, Trainer,
};

/// Random weights come from one generator for the whole process, so tests take turns.
static DEVICE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn data() -> Dataset {
    let values: Vec<f32> = (0..128).map(|index| ((index * 37) % 64) as f32 / 32.0 - 1.0).collect();
    let labels = values.chunks(2).map(|point| u32::from(point[0] > point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["below".into(), "above".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::new("points", "train", "made for a test")).unwrap()
}

fn model() -> Model {
    let device = Device::flex();
    device.seed(5);
    let spec = ModelSpec::new([2]).dense(8).batch_norm().relu().dropout(0.3).dense(8).relu().dense(2);
    spec.build(&device).unwrap().freeze(["dense_1", "batch_norm_1"]).unwrap()
}

/// Weight decay changes every weight that the optimiser touches.
fn trainer(model: Model) -> Trainer<Model> {
    Trainer::classification(model).optimizer(AdamW::new(1e-2).weight_decay(0.1))
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 16, seed: 3, ..FitOptions::default() }
}

fn is_frozen(tensor: &NamedTensor) -> bool {
    tensor.name.starts_with("dense_1.") || tensor.name.starts_with("batch_norm_1.")
}

#[track_caller]
fn only_the_rest_moved(before: &[NamedTensor], after: &[NamedTensor]) {
    for (before, after) in before.iter().zip(after) {
        assert_eq!(before == after, is_frozen(before), "{}", before.name);
    }
}

#[test]
fn fit_and_files_leave_it_alone() {
    let _turn = turn();
    let before = state(&model());
    let mut trainer = trainer(model());
    trainer.fit(&data(), &options(2)).unwrap();
    only_the_rest_moved(&before, &state(trainer.network()));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.fireclay");
    trainer.save(&path).unwrap();
    let mut loaded = Trainer::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.network().spec(), trainer.network().spec());
    loaded.fit(&data(), &options(1)).unwrap();
    let half = state(loaded.network());
    only_the_rest_moved(&before, &half);

    let network = loaded.into_network().unfreeze(["dense_1", "batch_norm_1"]).unwrap();
    let mut open = self::trainer(network);
    open.fit(&data(), &options(1)).unwrap();
    assert!(half.iter().zip(state(open.network())).all(|(half, now)| *half != now));
}

/// Breaks off after some steps.
struct BreakOff(usize);

impl Callback for BreakOff {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::StepEnded { .. } = event {
            self.0 -= 1;
            if self.0 == 0 {
                context.interrupt();
            }
        }
        Ok(())
    }
}

#[test]
fn a_run_that_goes_on_from_its_checkpoint_keeps_it_frozen() {
    let _turn = turn();
    let mut whole = trainer(model());
    whole.fit(&data(), &options(3)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut broken = trainer(model()).callback(BreakOff(6)).callback(CheckpointWriter::new(&path));
    broken.fit(&data(), &options(3)).unwrap();
    let spec = broken.network().spec().clone();
    // As in another process, where the description is all there is.
    let mut resumed = trainer(spec.build(&Device::flex()).unwrap());
    resumed.resume(&data(), load_checkpoint(&path).unwrap()).unwrap();
    assert_eq!(state(resumed.network()), state(whole.network()));
    only_the_rest_moved(&state(&model()), &state(resumed.network()));
}

#[test]
fn with_all_frozen_there_is_nothing_to_train() {
    let _turn = turn();
    let network = model().freeze(["dense_2", "dense_3"]).unwrap();
    let error = trainer(network).fit(&data(), &options(1)).unwrap_err();
    assert!(matches!(error, TrainError::NothingToTrain), "{error}");
}

#[test]
fn weights_of_0_stay_0_where_they_are_to() {
    let _turn = turn();
    let device = Device::flex();
    let build = || ModelSpec::new([2]).dense(8).relu().dense(8).relu().dense(2).build(&device).unwrap();
    let zeroed = |model: Model| {
        let tensors = state(&model).into_iter().map(|mut tensor| {
            tensor.values.iter_mut().step_by(3).for_each(|value| *value = 0.0);
            tensor
        });
        load_state(model.clone(), tensors.collect()).unwrap()
    };
    let optimizers: [AnyOptimizer; 3] = [
        AdamW::new(1e-2).weight_decay(0.1).into(),
        Sgd::new(0.1).momentum(0.9).into(),
        Muon::new(0.05).into(),
    ];
    for optimizer in optimizers {
        for keep_zeros in [true, false] {
            let mut trainer = Trainer::classification(zeroed(build()))
                .optimizer(optimizer.clone())
                .groups([ParameterGroup::new(["dense_3.*"], AdamW::new(1e-2))]);
            trainer.fit(&data(), &FitOptions { keep_zeros, ..options(2) }).unwrap();
            for tensor in state(trainer.network()) {
                let is_zero = |at: usize| tensor.values[at] == 0.0;
                let (thirds, others): (Vec<usize>, Vec<usize>) =
                    (0..tensor.values.len()).partition(|at| at % 3 == 0);
                let kept = keep_zeros && tensor.shape.len() > 1;
                let what = (optimizer.name(), &tensor.name);
                assert_eq!(thirds.into_iter().all(is_zero), kept, "{what:?}");
                assert!(tensor.shape.len() == 1 || !others.into_iter().any(is_zero), "{what:?}");
            }
        }
    }
}
