//! What `fit` promises: it learns, it repeats itself, it resumes bit for bit, it stops in time, and it says what is
//! wrong before any work or at the very step.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::AdaGradConfig;
use burn::tensor::{Device, Tensor, activation::relu};
use fireclay_backend::Precision;
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{
    AnyTensor, BuiltInLoss, CrossEntropyLoss, MaeLoss, Model, ModelSpec, MseLoss, NamedTensor, Network, state,
};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    Accuracy, Adam, AnyOptimizer, BuiltInOptimizer, BuiltInSchedule, BurnOptimizer, Callback,
    CallbackContext, Checkpoint, CheckpointWriter, EarlyStopping, Event, F1, FitOptions, History, Muon,
    ParameterGroup, R2, Sgd, Stopped, TopK, TrainError, Trainer, callback_fn, schedule,
};

/// Random weights come from one generator for the whole process, so tests that compare weights take turns.
static DEVICE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    DEVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
        })
        .collect()
}

/// Points in a square; the class says which of three bands they lie in.
fn bands(samples: usize) -> Dataset {
    let values = numbers(2 * samples, 1);
    let labels = values
        .chunks(2)
        .map(|point| match point[0] + point[1] {
            sum if sum < -0.4 => 0,
            sum if sum < 0.4 => 1,
            _ => 2,
        })
        .collect();
    let names = ["low", "middle", "high"].map(String::from).to_vec();
    let targets = Targets::Classes { labels, names };
    Dataset::from_f32(&[2], values, targets, Provenance::new("bands", "train", "made for a test")).unwrap()
}

fn values(samples: usize, targets: Vec<f32>) -> Dataset {
    let targets = Targets::Values { width: targets.len() / samples, values: targets };
    let provenance = Provenance::new("numbers", "train", "made for a test");
    Dataset::from_f32(&[2], numbers(2 * samples, 1), targets, provenance).unwrap()
}

/// With dropout and batch norm, so that random numbers and running statistics are part of every comparison.
fn model(seed: u64) -> Model {
    let device = Device::flex();
    device.seed(seed);
    ModelSpec::new([2]).dense(24).batch_norm().relu().dropout(0.2).dense(3).build(&device).unwrap()
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 16, seed: 3, ..FitOptions::default() }
}

fn bits(tensors: Vec<NamedTensor>) -> Vec<(String, Vec<u32>)> {
    tensors
        .into_iter()
        .map(|tensor| (tensor.name, tensor.values.iter().map(|value| value.to_bits()).collect()))
        .collect()
}

fn message<T>(result: Result<T, TrainError>) -> String {
    result.err().expect("an error").to_string()
}

/// Records the events' names, and breaks off after a step.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<String>>>,
    interrupt_at: Option<(usize, usize)>,
}

impl Callback for Listener {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::StepEnded { epoch, step, .. } = event
            && self.interrupt_at == Some((*epoch, *step))
        {
            context.interrupt();
        }
        let text = match event {
            Event::UnusedParameters(names) => format!("unused {names:?}"),
            other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_string(),
        };
        self.heard.lock().unwrap().push(text);
        Ok(())
    }
}

#[test]
fn it_learns_and_tells_what_happens() {
    let _turn = turn();
    let listener = Listener::default();
    let data = bands(400);
    let mut trainer = Trainer::classification(model(1))
        .optimizer(Adam::new(1e-2))
        .metrics((Accuracy, F1, TopK(2)))
        .callback(listener.clone());
    let options = FitOptions { validation_split: 0.25, ..options(8) };
    let history = trainer.fit(&data, &options).unwrap();
    assert_eq!(history.stopped, Stopped::Completed);
    assert_eq!(history.course("loss").len(), 8);
    // Over 24 seeds it falls to between 0.37 and 0.66, as with Burn's own dropout.
    assert!(history.course("loss")[7] < 0.7 * history.course("loss")[0]);
    assert!(history.course("val_accuracy")[7] > 0.9, "{:?}", history.course("val_accuracy"));
    assert!(history.course("val_top_2_accuracy")[7] > history.course("val_accuracy")[7]);
    let evaluation = trainer.evaluate(&data).unwrap();
    assert!(evaluation.accuracy().unwrap() > 0.9);
    assert_eq!(evaluation.samples, 400);
    let heard = listener.heard.lock().unwrap();
    assert_eq!(heard[..3], ["FitStarted", "EpochStarted", "StepEnded"]);
    assert_eq!(heard[heard.len() - 3..], ["EpochEnded", "Resumable", "FitEnded"]);
    assert_eq!(heard.iter().filter(|event| *event == "StepEnded").count(), 8 * 300usize.div_ceil(16));
}

#[test]
fn a_seed_decides_every_bit() {
    let _turn = turn();
    let run = |weights: u64, order: u64| {
        let mut trainer = Trainer::classification(model(weights));
        trainer.fit(&bands(100), &FitOptions { seed: order, ..options(2) }).unwrap();
        bits(state(trainer.network()))
    };
    assert_eq!(run(1, 1), run(1, 1));
    assert_ne!(run(1, 1), run(1, 2));
    assert_ne!(run(1, 1), run(2, 1));
}

fn without_times(mut history: History) -> History {
    for epoch in &mut history.epochs {
        epoch.seconds = 0.0;
        epoch.samples_per_s = 0.0;
    }
    history
}

/// Breaks a run off, sends its checkpoint through a file, goes on, and compares with a run that was never broken off.
fn resumes(at: (usize, usize), optimizer: impl Into<AnyOptimizer> + Clone) {
    let data = bands(100);
    let options = FitOptions { validation_split: 0.2, ..options(3) };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let stopper = || EarlyStopping::on("val_loss").patience(9);
    let trainer =
        |seed| Trainer::classification(model(seed)).optimizer(optimizer.clone()).callback(stopper());

    let mut whole = trainer(1);
    let expected = whole.fit(&data, &options).unwrap();

    let mut broken = trainer(1)
        .callback(Listener { interrupt_at: Some(at), ..Listener::default() })
        .callback(CheckpointWriter::new(&path).only_when_interrupted());
    let history = broken.fit(&data, &options).unwrap();
    assert_eq!(history.stopped, Stopped::Interrupted);
    // Broken off in an epoch's last step, a run finishes and measures the epoch first.
    let at = if at.1 == 80 / 16 { (at.0 + 1, 0) } else { at };
    assert_eq!(history.epochs.len(), at.0 - 1);

    let checkpoint: Checkpoint = load_checkpoint(&path).unwrap();
    assert_eq!((checkpoint.progress.state.epoch, checkpoint.progress.state.step), at);
    // Another seed: whatever is not in the checkpoint would show.
    let mut resumed = trainer(2);
    let found = resumed.resume(&data, checkpoint).unwrap();
    assert_eq!(without_times(found), without_times(expected));
    assert_eq!(bits(state(resumed.network())), bits(state(whole.network())));
}

#[test]
fn a_run_that_was_broken_off_goes_on_bit_for_bit() {
    let _turn = turn();
    resumes((2, 3), Adam::new(5e-3));
    resumes((1, 1), Adam::new(5e-3));
    resumes((3, 5), Sgd::new(0.05).momentum(0.9));
    resumes((2, 3), Muon::new(0.02));
    for name in ["adagrad", "adadelta", "nadam", "radam", "lamb", "lion"] {
        resumes((2, 3), BuiltInOptimizer::by_name(name, 0.02).unwrap());
    }
    resumes((2, 3), BurnOptimizer::new("adagrad", AdaGradConfig::new().build(), 0.02));
}

#[test]
fn a_group_of_parameters_has_an_optimizer_of_its_own() {
    let _turn = turn();
    let still = ParameterGroup::new(["dense_2.*", "*.bias"], Sgd::new(f64::MIN_POSITIVE));
    let mut trainer = Trainer::classification(model(1)).optimizer(Muon::new(0.02)).groups([still]);
    trainer.fit(&bands(64), &options(1)).unwrap();
    let before = bits(state(&model(1)));
    let changed: Vec<String> = bits(state(trainer.network()))
        .into_iter()
        .zip(before)
        .filter(|(after, before)| after != before && !after.0.contains("running"))
        .map(|(after, _)| after.0)
        .collect();
    assert_eq!(changed, ["dense_1.weight", "batch_norm_1.weight"]);

    let nothing = ParameterGroup::new(["dense_3.*"], Sgd::new(0.1));
    let message = message(Trainer::classification(model(1)).groups([nothing]).fit(&bands(64), &options(1)));
    assert!(message.contains("'dense_3.*'") && message.contains("dense_1.weight"), "{message}");
}

/// Wide enough for products in bf16, which those of a few features are not worth.
fn wide_model(seed: u64) -> Model {
    let device = Device::flex();
    device.seed(seed);
    ModelSpec::new([2]).dense(96).relu().dense(96).dropout(0.2).relu().dense(3).build(&device).unwrap()
}

#[test]
fn in_bf16_a_run_repeats_and_resumes_bit_for_bit_or_says_that_it_goes_on_in_f32() {
    let _turn = turn();
    let data = bands(384);
    let run = |precision: Precision, at: Option<(usize, usize)>| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.checkpoint");
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let heard = warnings.clone();
        let mut trainer =
            Trainer::classification(wide_model(1)).callback(callback_fn("listens", move |event, context| {
                match event {
                    Event::Warning(warning) => heard.lock().unwrap().push(warning.to_string()),
                    Event::StepEnded { epoch, step, .. } if Some((*epoch, *step)) == at => {
                        context.interrupt()
                    }
                    _ => {}
                }
                Ok(())
            }));
        trainer = trainer.callback(CheckpointWriter::new(&path));
        let options = FitOptions { batch_size: 128, precision, ..options(3) };
        let mut history = trainer.fit(&data, &options).unwrap();
        if at.is_some() {
            assert_eq!(history.stopped, Stopped::Interrupted);
            trainer = Trainer::classification(wide_model(7));
            history = trainer.resume(&data, load_checkpoint(&path).unwrap()).unwrap();
        }
        let warnings = warnings.lock().unwrap().clone();
        let written = trainer.card().training.unwrap().precision;
        (bits(state(trainer.network())), without_times(history), warnings, written)
    };
    let (f32_bits, ..) = run(Precision::F32, None);
    let (whole, history, warnings, written) = run(Precision::Bf16, None);
    let (resumed, resumed_history, ..) = run(Precision::Bf16, Some((2, 1)));
    assert_eq!((&resumed, &resumed_history), (&whole, &history));
    match fireclay_backend::supports(&Device::flex(), Precision::Bf16) {
        true => {
            assert_ne!(whole, f32_bits);
            let no_gain = "this CPU multiplies in bf16 no faster than in f32, so the training takes less memory but not less time";
            let gains = fireclay_backend::speeds_up(&Device::flex(), Precision::Bf16);
            assert_eq!(warnings, if gains { vec![] } else { vec![no_gain] });
            assert_eq!(written.as_deref(), Some("bf16"));
        }
        false => {
            assert_eq!(whole, f32_bits);
            assert_eq!(warnings, ["this device cannot multiply in bf16, so the training goes on in f32"]);
            assert_eq!(written, None);
        }
    }
    let loss = |epoch: usize| history.epochs[epoch].get("loss").unwrap();
    assert!(loss(2) < loss(0), "{history:?}");
}

#[test]
fn schedules_and_clipping_shorten_the_steps() {
    let _turn = turn();
    // How far the weights go in one epoch of plain gradient descent.
    let way = |options: FitOptions| -> f64 {
        let mut trainer = Trainer::classification(model(1)).optimizer(Sgd::new(0.1));
        trainer.fit(&bands(64), &options).unwrap();
        let squares =
            state(trainer.network()).into_iter().zip(state(&model(1))).flat_map(|(after, before)| {
                let trained = !after.name.contains("running");
                let pairs = after.values.into_iter().zip(before.values);
                pairs.map(|(a, b)| f64::from(a - b).powi(2)).filter(move |_| trained).collect::<Vec<_>>()
            });
        squares.sum::<f64>().sqrt()
    };
    let whole = way(options(1));
    let linear = way(FitOptions { schedule: schedule::Linear::to(0.0).into(), ..options(1) });
    let warm_up = way(FitOptions { warm_up: 1.0, ..options(1) });
    assert!(linear < 0.9 * whole && warm_up < 0.7 * whole, "{whole} {linear} {warm_up}");
    // Four steps of 0.1 along a gradient no longer than 0.01.
    let clipped = way(FitOptions { clip_norm: Some(0.01), ..options(1) });
    assert!(clipped > 1e-4 && clipped <= 4.0 * 0.1 * 0.01 + 1e-6, "{clipped}");
    // The same with each of the 195 parameters' gradients no larger than 1e-3.
    let clipped = way(FitOptions { clip_value: Some(1e-3), ..options(1) });
    assert!(clipped > 1e-4 && clipped <= 4.0 * 0.1 * 1e-3 * 195f64.sqrt(), "{clipped}");
}

#[test]
fn a_checkpoint_of_other_data_is_refused() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let mut trainer = Trainer::classification(model(1)).callback(CheckpointWriter::new(&path));
    trainer.fit(&bands(64), &options(1)).unwrap();
    let checkpoint: Checkpoint = load_checkpoint(&path).unwrap();
    let message = message(Trainer::classification(model(1)).resume(&bands(65), checkpoint.clone()));
    assert!(message.contains("64 samples") && message.contains("65 samples"), "{message}");
    let mut broken = checkpoint;
    broken.optimizer.truncate(40);
    let error = Trainer::classification(model(1)).resume(&bands(64), broken).unwrap_err();
    assert!(error.to_string().contains("optimiser's state"), "{error}");
}

#[test]
fn early_stopping_goes_back_to_the_best_epoch() {
    let _turn = turn();
    let data = bands(120);
    // So large a rate that later epochs are worse than the first ones.
    let mut trainer = Trainer::classification(model(1))
        .optimizer(Adam::new(0.2))
        .callback(EarlyStopping::on("val_loss").patience(2));
    let options = FitOptions { validation_split: 0.25, ..options(60) };
    let history = trainer.fit(&data, &options).unwrap();
    let Stopped::Early(reason) = &history.stopped else { panic!("{:?}", history.stopped) };
    assert!(reason.contains("val_loss has not improved for 2 epochs"), "{reason}");
    let losses = history.course("val_loss");
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let (_, validation) = data.split(0.25, options.seed).unwrap();
    assert_eq!(trainer.evaluate(&validation).unwrap().loss, best);
    assert_ne!(losses.last(), Some(&best));

    let wrong = Trainer::classification(model(1)).callback(EarlyStopping::on("val_los")).fit(&data, &options);
    let text = message(wrong);
    assert!(text.contains("'val_los'") && text.contains("val_loss, val_accuracy"), "{text}");
}

#[test]
fn a_loss_that_is_not_finite_is_reported_with_step_rate_and_place() {
    let _turn = turn();
    let device = Device::flex();
    let spec = ModelSpec::new([2]).dense(8).relu().dense(3);
    let mut trainer = Trainer::classification(spec.build(&device).unwrap()).optimizer(Sgd::new(1e30));
    let before = bits(state(trainer.network()));
    let text = message(trainer.fit(&bands(100), &options(2)));
    assert!(text.contains("in epoch 1 at step"), "{text}");
    assert!(text.contains("learning rate 1000000000000000000000000000000"), "{text}");
    assert!(text.contains("dense_") || text.contains("relu_"), "the layer is named: {text}");
    assert!(text.contains("as it was before training"), "{text}");
    assert_eq!(bits(state(trainer.network())), before);
}

#[test]
fn weights_that_overflow_in_the_last_step_are_noticed_before_they_are_kept() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let device = Device::flex();
    // One step for each epoch: the loss is finite, the step after it is not.
    let data = values(4, vec![1e20; 4]);
    let options = FitOptions { batch_size: 4, ..options(2) };
    let mut trainer = Trainer::regression(ModelSpec::new([2]).dense(1).build(&device).unwrap())
        .loss(MaeLoss)
        .optimizer(Sgd::new(f64::from(f32::MAX) * 1e10))
        .callback(CheckpointWriter::new(&path));
    let text = message(trainer.fit(&data, &options));
    assert!(text.contains("the weights 'dense_1."), "{text}");
    assert!(!path.exists(), "no checkpoint of broken weights");
    assert!(state(trainer.network()).iter().all(|tensor| tensor.check_finite().is_ok()));
}

#[test]
fn what_cannot_be_measured_or_trained_is_refused() {
    let _turn = turn();
    let fit =
        |metric| message(Trainer::classification(model(1)).metrics([metric]).fit(&bands(20), &options(1)));
    assert!(fit(R2).contains("r2 cannot be measured"));
    let loss = CrossEntropyLoss::new().class_weights(vec![1.0]);
    let text = message(Trainer::new(model(1), loss).fit(&bands(20), &options(1)));
    assert!(text.contains("class_weights of 1 classes; expected 3"), "{text}");
    let still = ModelSpec::new([2]).tanh().build(&Device::flex()).unwrap();
    let text = message(Trainer::regression(still).fit(&values(2, vec![0.0; 4]), &options(1)));
    assert!(text.contains("no parameters"), "{text}");
    let normalized = bands(20).with_normalization(fireclay_data::Normalization::uniform(0.5, 2.0)).unwrap();
    let mut trainer = Trainer::classification(model(1));
    trainer.fit(&normalized, &options(1)).unwrap();
    let text = message(trainer.evaluate(&bands(20)));
    assert!(text.contains("mean [0.5]") && text.contains("with_normalization"), "{text}");
}

#[test]
fn settings_are_refused_before_any_work() {
    let _turn = turn();
    let data = bands(20);
    let fit = |options: FitOptions| message(Trainer::classification(model(1)).fit(&data, &options));
    assert_eq!(fit(FitOptions { epochs: 0, ..options(1) }), "epochs is 0; expected 1 or more");
    assert_eq!(fit(FitOptions { batch_size: 0, ..options(1) }), "batch_size is 0; expected 1 or more");
    for split in [1.0, -0.1, f64::NAN] {
        let text = fit(FitOptions { validation_split: split, ..options(1) });
        assert!(text.starts_with("validation_split is"), "{text}");
    }
    let fit = |optimizer: BuiltInOptimizer| {
        message(Trainer::classification(model(1)).optimizer(optimizer).fit(&data, &options(1)))
    };
    for rate in [-1e-3, 0.0, f64::NAN, f64::INFINITY] {
        let text = fit(Adam::new(rate).into());
        assert!(text.starts_with("learning_rate is") && text.ends_with("expected more than 0"), "{text}");
    }
    assert!(fit(Sgd::new(0.1).momentum(1.0).into()).starts_with("momentum is 1"));
    assert!(fit(Sgd::new(0.1).nesterov().into()).contains("with nesterov"));
    assert!(fit(Adam::new(0.1).weight_decay(-1.0).into()).starts_with("weight_decay is -1"));
    let text = message(BuiltInOptimizer::by_name("adamm", 0.1));
    assert!(text.contains("'adamm'") && text.contains("adamw"), "{text}");
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let _turn = turn();
    let device = Device::flex();
    let build = |spec: ModelSpec| spec.build(&device).unwrap();
    let fit = |spec: ModelSpec, loss: BuiltInLoss, data: &Dataset| {
        message(Trainer::new(build(spec), loss).fit(data, &options(1)))
    };
    let classes = || BuiltInLoss::from(CrossEntropyLoss::new());
    let text = fit(ModelSpec::new([2]).dense(4), classes(), &bands(20));
    assert!(text.contains("gives 4 outputs") && text.contains("3, one for each class"), "{text}");
    let text = fit(ModelSpec::new([5]).dense(3), classes(), &bands(20));
    assert!(text.contains("data is [2]") && text.contains("takes [5]"), "{text}");
    let text = fit(ModelSpec::new([2]).dense(3), MseLoss.into(), &bands(20));
    assert!(text.contains("needs values as targets; the data has classes"), "{text}");
    let text = fit(ModelSpec::new([2]).dense(1), classes(), &values(4, vec![0.0; 4]));
    assert!(text.contains("needs classes as targets"), "{text}");
    let grid = Targets::Values { width: 1, values: vec![0.0; 2] };
    let grid =
        Dataset::from_f32(&[3, 1, 1, 3], numbers(18, 1), grid, Provenance::new("grid", "train", "test"))
            .unwrap();
    let text = fit(ModelSpec::new([9]).dense(1), MseLoss.into(), &grid);
    assert!(text.contains("data is [3, 1, 1, 3]") && text.contains("expected [features]"), "{text}");
    let empty = bands(20).take(0);
    assert!(fit(ModelSpec::new([2]).dense(3), classes(), &empty).contains("no samples to train on"));
    let trainer = Trainer::classification(build(ModelSpec::new([2]).dense(3)));
    assert!(message(trainer.evaluate(&empty)).contains("no samples to evaluate"));
    assert!(message(trainer.predict(&empty)).contains("no samples to predict"));
}

#[test]
fn little_data_is_enough() {
    let _turn = turn();
    let one_class = Dataset::from_f32(
        &[2],
        numbers(10, 4),
        Targets::Classes { labels: vec![0; 5], names: vec!["only".into()] },
        Provenance::new("one", "train", "made for a test"),
    )
    .unwrap();
    let device = Device::flex();
    let mut trainer = Trainer::classification(ModelSpec::new([2]).dense(1).build(&device).unwrap());
    let history = trainer.fit(&one_class, &options(2)).unwrap();
    assert_eq!(history.course("accuracy"), [1.0, 1.0]);
    // Fewer samples than a batch, and a batch norm that sees a single one.
    let mut trainer = Trainer::classification(model(1));
    trainer.fit(&bands(3), &options(2)).unwrap();
    trainer.fit(&bands(1), &options(2)).unwrap();
    assert!(state(trainer.network()).iter().all(|tensor| tensor.check_finite().is_ok()));
}

#[derive(Module, Debug)]
struct Mine {
    hidden: Linear,
    forgotten: Linear,
    output: Linear,
}

impl Network for Mine {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input.rows())))
    }
}

#[test]
fn a_module_of_ones_own_goes_through_the_same_fit() {
    let _turn = turn();
    let device = Device::flex();
    device.seed(2);
    let mine = Mine {
        hidden: LinearConfig::new(2, 16).init(&device),
        forgotten: LinearConfig::new(2, 2).init(&device),
        output: LinearConfig::new(16, 3).init(&device),
    };
    let listener = Listener::default();
    let mut trainer = Trainer::classification(mine).optimizer(Adam::new(1e-2)).callback(listener.clone());
    trainer.fit(&bands(400), &options(6)).unwrap();
    assert!(trainer.evaluate(&bands(400)).unwrap().accuracy().unwrap() > 0.9);
    let heard = listener.heard.lock().unwrap();
    assert!(heard.contains(&r#"unused ["forgotten.weight", "forgotten.bias"]"#.to_string()), "{heard:?}");
}

#[test]
fn numbers_and_yes_or_no_are_tasks_too() {
    let _turn = turn();
    let device = Device::flex();
    device.seed(3);
    let points = numbers(400, 1);
    let sums: Vec<f32> = points.chunks(2).map(|point| 2.0 * point[0] - point[1] + 0.5).collect();
    let mut trainer =
        Trainer::regression(ModelSpec::new([2]).dense(1).build(&device).unwrap()).optimizer(Sgd::new(0.3));
    trainer.fit(&values(200, sums.clone()), &options(20)).unwrap();
    let weights = state(trainer.network());
    for (found, expected) in weights.iter().flat_map(|tensor| &tensor.values).zip([2.0, -1.0, 0.5]) {
        assert!((found - expected).abs() < 1e-3, "{weights:?}");
    }

    let signs = sums.iter().map(|sum| f32::from(u8::from(*sum > 0.0))).collect();
    let mut trainer =
        Trainer::binary(ModelSpec::new([2]).dense(1).build(&device).unwrap()).optimizer(Adam::new(0.1));
    let data = values(200, signs);
    trainer.fit(&data, &options(20)).unwrap();
    assert!(trainer.evaluate(&data).unwrap().accuracy().unwrap() > 0.97);
}

#[test]
fn a_saved_model_evaluates_to_the_very_same_numbers() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bands.fireclay");
    let own = ParameterGroup::new(["dense_1.weight"], Adam::new(0.02));
    let mut trainer = Trainer::classification(model(1)).groups([own]);
    let schedule: BuiltInSchedule = schedule::MultiStep::new([1, 2], 0.5).into();
    let options = FitOptions {
        schedule: schedule.clone(),
        warm_up: 0.25,
        clip_value: Some(2.0),
        clip_norm: Some(3.0),
        ..options(2)
    };
    trainer.fit(&bands(100), &options).unwrap();
    trainer.save(&path).unwrap();
    let loaded = Trainer::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.evaluate(&bands(300)).unwrap(), trainer.evaluate(&bands(300)).unwrap());
    assert_eq!(loaded.card(), trainer.card());
    assert_eq!(loaded.card().classes, ["low", "middle", "high"]);
    assert_eq!(loaded.card().dataset.unwrap().name, "bands");
    let training = loaded.card().training.unwrap();
    assert_eq!(serde_json::from_value::<BuiltInSchedule>(training.schedule).unwrap(), schedule);
    assert_eq!((training.epochs, training.warm_up), (2, 0.25));
    assert_eq!((training.clip_value, training.clip_norm), (Some(2.0), Some(3.0)));
    assert_eq!(training.groups[0]["parameters"][0], "dense_1.weight");
}
