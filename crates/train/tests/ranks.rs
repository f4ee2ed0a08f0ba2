//! A training on several ranks, which are threads here, is the training on one.

use std::sync::{Arc, Mutex};

use fireclay_data::{
    Augmentation, Batch, Bytes, DataError, Dataset, Flip, Mixup, Pass, Provenance, Source, TargetKind,
    Targets, TextPadding,
};
use fireclay_datasets::DrawnDigits;
use fireclay_distribute::Threads;
use fireclay_nn::{
    CrossEntropyLoss, Device, LstmSpec, Model, ModelSpec, NamedTensor, TransformerSpec, state,
};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    Adam, AdversarialOptions, Attack, CallbackContext, CheckpointWriter, EarlyStopping, Event, FitOptions,
    History, PrivacyOptions, Sgd, Stopped, TrainError, Trainer, callback_fn,
};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn points(samples: usize) -> Dataset {
    let values = numbers(samples * 2);
    let labels = values.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap()
}

fn pictures(samples: usize) -> Dataset {
    let values = numbers(samples * 2 * 6 * 6);
    let labels = (0..samples).map(|sample| (sample * 5 % 3) as u32).collect();
    let targets = Targets::Classes { labels, names: vec!["a".into(), "b".into(), "c".into()] };
    Dataset::from_f32(&[2, 6, 6], values, targets, Provenance::default()).unwrap()
}

fn spec() -> ModelSpec {
    ModelSpec::new([2]).dense(8).relu().dense(2)
}

fn trainer(spec: &ModelSpec) -> Trainer<Model> {
    let network = spec.build_seeded(5, &Device::flex()).unwrap();
    Trainer::classification(network).optimizer(Sgd::new(0.1))
}

fn options(epochs: usize, batch_size: usize) -> FitOptions {
    FitOptions { epochs, batch_size, seed: 3, ..FitOptions::default() }
}

/// What each rank of a group gives.
fn on_ranks<T: Send + 'static>(
    size: usize,
    run: impl Fn(usize, Threads) -> T + Clone + Send + 'static,
) -> Vec<T> {
    let ranks = Threads::new(size).into_iter().enumerate().map(|(rank, group)| {
        let run = run.clone();
        std::thread::spawn(move || run(rank, group))
    });
    ranks.collect::<Vec<_>>().into_iter().map(|rank| rank.join().unwrap()).collect()
}

type Make = Arc<dyn Fn() -> Trainer<Model> + Send + Sync>;

/// The weights and the history that each of some ranks ends with.
fn trained(
    make: &Make,
    data: &Dataset,
    options: &FitOptions,
    size: usize,
) -> Vec<(Vec<NamedTensor>, History)> {
    let (make, data, options) = (make.clone(), data.clone(), options.clone());
    on_ranks(size, move |_, group| {
        let mut trainer = make().group(group);
        let history = trainer.fit(&data, &options).unwrap();
        (state(trainer.network()), history)
    })
}

#[track_caller]
fn assert_close(found: &[NamedTensor], expected: &[NamedTensor], tolerance: f32) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((&found.name, &found.shape), (&expected.name, &expected.shape));
        let greatest = expected.values.iter().fold(0f32, |greatest, value| greatest.max(value.abs()));
        for (at, (a, b)) in found.values.iter().zip(&expected.values).enumerate() {
            assert!((a - b).abs() <= tolerance * greatest.max(1e-3), "{}[{at}]: {a} for {b}", found.name);
        }
    }
}

/// One step on one rank and on several gives the same weights and the same loss.
#[track_caller]
fn assert_same_step(
    what: &str,
    make: impl Fn() -> Trainer<Model> + Send + Sync + 'static,
    data: &Dataset,
    options: &FitOptions,
) {
    // Batch norm computes in another order on ranks.
    let tolerance = if options.sync_batch_norm { 1e-5 } else { 1e-6 };
    let make: Make = Arc::new(make);
    let mut alone = make();
    let history = alone.fit(data, options).unwrap();
    let expected = state(alone.network());
    for size in [2, 4] {
        let ranks = trained(&make, data, options, size);
        for (weights, of_rank) in &ranks {
            assert_eq!(*weights, ranks[0].0, "{what}: the ranks have the same bits");
            assert_eq!(*of_rank, ranks[0].1, "{what}");
            assert_close(weights, &expected, tolerance);
            for ((name, value), (_, expected)) in
                of_rank.epochs[0].values.iter().zip(&history.epochs[0].values)
            {
                assert!(
                    (value - expected).abs() < 1e-6 * expected.abs().max(1.0),
                    "{what}: {name} is {value} for {expected}"
                );
            }
        }
    }
}

#[test]
fn a_step_on_ranks_is_the_step_on_the_joined_batch() {
    let data = points(24);
    let of_24 = options(1, 24);
    assert_same_step("plain", || trainer(&spec()), &data, &of_24);
    assert_same_step("batches that do not divide", || trainer(&spec()), &points(23), &of_24);
    assert_same_step("fewer samples than ranks", || trainer(&spec()), &points(1), &of_24);
    let accumulated = FitOptions { accumulate: 3, ..options(1, 9) };
    assert_same_step("accumulated", || trainer(&spec()), &points(20), &accumulated);
    let clipped = FitOptions { clip_norm: Some(0.01), clip_value: Some(0.02), ..options(1, 24) };
    assert_same_step("clipped", || trainer(&spec()), &data, &clipped);

    let weights = (0..24).map(|sample| (sample % 5) as f32 * 0.5).collect();
    let weighted = data.clone().with_sample_weights(weights).unwrap();
    assert_same_step("weights of samples", || trainer(&spec()), &weighted, &of_24);
    let of_classes = || trainer(&spec()).loss(CrossEntropyLoss::new().class_weights(vec![1.0, 7.0]));
    assert_same_step("weights of classes", of_classes, &data, &of_24);
    assert_same_step("weights of both", of_classes, &weighted, &of_24);
    let accumulated = FitOptions { accumulate: 2, ..options(1, 12) };
    assert_same_step("weights of classes, accumulated", of_classes, &weighted, &accumulated);

    let mixed = pictures(24).with_mixup(Mixup { alpha: 0.4 }).unwrap();
    let convolutional = || {
        trainer(&ModelSpec::new([2, 6, 6]).conv2d(4, 3).relu().max_pool2d(2).flatten().dropout(0.4).dense(3))
    };
    assert_same_step("pictures with dropout", convolutional, &pictures(24), &of_24);
    assert_same_step("mixup", convolutional, &mixed, &of_24);
    let augmentation = Augmentation { flip: Some(Flip::Random), brightness: 0.2, ..Augmentation::default() };
    let (digits, _) = DrawnDigits::new(0).train_and_test(24, 10);
    let augmented =
        digits.clone().with_augmentation(&augmentation).unwrap().with_mixup(Mixup { alpha: 0.4 }).unwrap();
    let dense = || trainer(&ModelSpec::new([1, 28, 28]).flatten().dense(10));
    assert_same_step("augmented", dense, &augmented, &of_24);
    let attack = Attack { random_start: true, steps: 2, ..Attack::pgd(0.3) };
    let adversarial = AdversarialOptions { attack, ramp: 0.0 };
    let adversarial = FitOptions { adversarial: Some(adversarial), ..options(1, 24) };
    assert_same_step("adversarial", dense, &digits, &adversarial);
}

#[test]
fn batch_norm_sees_the_whole_batch_where_that_is_asked_for() {
    let spec =
        ModelSpec::new([2, 6, 6]).conv2d(4, 3).batch_norm().relu().flatten().dense(8).batch_norm().dense(3);
    let make = move || trainer(&spec);
    let synchronised = FitOptions { sync_batch_norm: true, ..options(1, 24) };
    assert_same_step("batch norm", make.clone(), &pictures(24), &synchronised);
    let accumulated = FitOptions { accumulate: 2, batch_size: 12, ..synchronised.clone() };
    assert_same_step("batch norm, accumulated", make.clone(), &pictures(24), &accumulated);
    let weights = (0..24).map(|sample| (sample % 5) as f32 * 0.5).collect();
    let weighted = pictures(24).with_sample_weights(weights).unwrap();
    assert_same_step("batch norm, with weights", make.clone(), &weighted, &synchronised);
    let uneven = FitOptions { batch_size: 22, ..synchronised.clone() };
    let found = errors(3, move |_, group| make().group(group).fit(&pictures(24), &uneven));
    assert!(found[0].contains("fewer samples than there are ranks"), "{found:?}");
}

/// Texts of unlike lengths, of two classes.
fn texts(samples: usize) -> Dataset {
    let text =
        |sample: usize| (0..2 + sample % 7).map(|at| (1 + (sample * 3 + at * 5) % 11) as u32).collect();
    let texts: Vec<Vec<u32>> = (0..samples).map(text).collect();
    let labels = (0..samples).map(|sample| (sample % 2) as u32).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    let texts = Dataset::from_sequences(&texts, TextPadding::to(8), targets, Provenance::default()).unwrap();
    texts.with_vocabulary_size(12).unwrap().bucketed_by_length()
}

#[test]
fn a_step_of_networks_that_read_is_that_on_the_joined_batch() {
    let reader = || {
        let lstm = LstmSpec::new(6).bidirectional(true).recurrent_dropout(0.3).num_layers(2).dropout(0.2);
        trainer(&ModelSpec::tokens(8).embedding(12, 6).dropout(0.2).layer(lstm).dense(2))
    };
    assert_same_step("texts, by length", reader, &texts(24), &options(1, 24));
    let transformer = || {
        let encoder = TransformerSpec::new(2, 16).dropout(0.3);
        trainer(
            &ModelSpec::tokens(8).embedding(12, 8).transformer_encoder(encoder).global_avg_pool1d().dense(2),
        )
    };
    assert_same_step("a transformer", transformer, &texts(24), &options(1, 24));
    let sentence: Vec<u32> = (0..230).map(|at| (1 + at * 7 % 11) as u32).collect();
    let stream = Dataset::from_token_stream(&[sentence], 8, Provenance::default()).unwrap();
    let stream = stream.with_vocabulary_size(12).unwrap();
    let of_validation = stream.clone();
    let language = move || {
        let lstm = LstmSpec::new(6).return_sequences(true);
        let spec = ModelSpec::tokens(8).embedding(12, 6).dropout(0.2).layer(lstm).dense(12);
        let network = spec.build_seeded(5, &Device::flex()).unwrap();
        Trainer::language_model(network).optimizer(Sgd::new(0.1)).validation(&of_validation)
    };
    assert_same_step("a language model", language, &stream, &options(1, 64));
}

#[test]
fn the_same_ranks_give_the_same_bits_and_metrics_are_those_of_one() {
    let (data, unseen) = (pictures(50), pictures(700));
    let spec = ModelSpec::new([2, 6, 6]).conv2d(4, 3).batch_norm().relu().flatten().dense(3);
    let of_validation = unseen.clone();
    let make: Make = Arc::new(move || trainer(&spec).optimizer(Adam::new(0.01)).validation(&of_validation));
    let first = trained(&make, &data, &options(2, 16), 3);
    let again = trained(&make, &data, &options(2, 16), 3);
    for (weights, history) in &first {
        assert_eq!(*weights, first[0].0);
        assert_eq!(*weights, again[0].0);
        assert_eq!(history.course("val_loss"), again[0].1.course("val_loss"));
    }
    // What was measured by three is what one measures, bit for bit.
    let mut one = make();
    one.fit(&data, &options(1, 16)).unwrap();
    let network = fireclay_nn::load_state(one.into_network(), first[0].0.clone()).unwrap();
    let evaluation = Trainer::classification(network).evaluate(&unseen).unwrap();
    assert_eq!(first[0].1.course("val_loss")[1], evaluation.loss);
    assert_eq!(first[0].1.course("val_accuracy")[1], evaluation.accuracy().unwrap());
}

/// Points in 8 shards of 16, and how often a sample of each was read.
#[derive(Clone)]
struct Watched {
    data: Dataset,
    read: Arc<Mutex<[usize; 8]>>,
}

impl Watched {
    fn new() -> Self {
        let values = numbers(128 * 2);
        let labels = values.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
        let shards = values.chunks(32).map(|shard| {
            Bytes::from(shard.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        });
        let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
        let data = Dataset::from_f32_shards(&[2], shards.collect(), targets, Provenance::default()).unwrap();
        Watched { data, read: Arc::default() }
    }
}

impl Source for Watched {
    fn len(&self) -> usize {
        self.data.len()
    }

    fn sample_shape(&self) -> &[usize] {
        self.data.shape()
    }

    fn target_kind(&self) -> TargetKind {
        self.data.target_kind()
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        let mut read = self.read.lock().unwrap();
        indices.iter().for_each(|index| read[*index as usize / 16] += 1);
        Source::gather(&self.data, indices, batch)
    }

    fn order(&self, pass: Pass, batch_size: usize) -> Vec<u32> {
        self.data.order(pass, batch_size)
    }
}

#[test]
fn ranks_read_the_shards_of_their_own_parts() {
    const EPOCHS: usize = 10;
    let shards = Watched::new();
    let mut alone = trainer(&spec());
    alone.fit(&shards, &options(EPOCHS, 16)).unwrap();
    let ranks = on_ranks(4, |rank, group| {
        let shards = Watched::new();
        let mut trainer = trainer(&spec()).group(group);
        trainer.fit(&shards, &options(EPOCHS, 16)).unwrap();
        let read = *shards.read.lock().unwrap();
        for (shard, read) in read.into_iter().enumerate() {
            match shard / 2 == rank {
                true => assert!(read >= EPOCHS * 16, "{read} of shard {shard}"),
                // What is looked at and compared before the first step, which is up to 256 samples of however many there are.
                false => assert!(read < 3 * 16, "{read} of shard {shard} by rank {rank}"),
            }
        }
        state(trainer.network())
    });
    for weights in ranks {
        assert_close(&weights, &state(alone.network()), 1e-5);
    }
}

#[test]
fn a_run_is_resumed_by_any_number_of_ranks() {
    let data = points(64);
    let folder = tempfile::tempdir().unwrap();
    let make: Make = Arc::new(|| trainer(&spec()).optimizer(Adam::new(0.02)));
    let whole = trained(&make, &data, &options(4, 8), 2)[0].0.clone();
    let path = folder.path().join("last.checkpoint");
    let (of_break, to) = (data.clone(), path.clone());
    let broken = on_ranks(2, move |rank, group| {
        // Rank 1 is asked to end, and rank 0 keeps the checkpoint.
        let interrupt = callback_fn("interrupt", move |event, context: &mut CallbackContext| {
            if let (1, Event::StepEnded { epoch: 2, step: 5, .. }) = (rank, event) {
                context.interrupt();
            }
            Ok(())
        });
        let mut trainer = trainer(&spec()).optimizer(Adam::new(0.02)).callback(interrupt).group(group);
        if rank == 0 {
            trainer = trainer.callback(CheckpointWriter::new(&to));
        }
        trainer.fit(&of_break, &options(4, 8)).unwrap().stopped
    });
    assert_eq!(broken, [Stopped::Interrupted, Stopped::Interrupted]);
    assert_eq!(load_checkpoint::<fireclay_train::Progress>(&path).unwrap().progress.state.step, 5);
    for size in [1, 2, 3] {
        let (data, path) = (data.clone(), path.clone());
        let resumed = on_ranks(size, move |_, group| {
            let mut trainer = trainer(&spec()).optimizer(Adam::new(0.02)).group(group);
            trainer.resume(&data, load_checkpoint(&path).unwrap()).unwrap();
            state(trainer.network())
        });
        assert!(resumed.iter().all(|weights| *weights == resumed[0]));
        match size {
            2 => assert_eq!(resumed[0], whole),
            _ => assert_close(&resumed[0], &whole, 1e-4),
        }
    }
}

/// The errors that ranks end with.
fn errors(
    size: usize,
    run: impl Fn(usize, Threads) -> Result<History, TrainError> + Clone + Send + 'static,
) -> Vec<String> {
    on_ranks(size, move |rank, group| run(rank, group).unwrap_err().to_string())
}

#[test]
fn ranks_that_were_given_something_else_are_named() {
    let found = errors(3, |rank, group| {
        let options = FitOptions { seed: if rank == 2 { 4 } else { 3 }, ..options(1, 8) };
        trainer(&spec()).group(group).fit(&points(64), &options)
    });
    for found in found {
        assert!(found.contains("rank 2 has 4 as its settings.options.seed, and rank 0 has 3"), "{found}");
    }
    let found = errors(2, |rank, group| {
        let trainer = trainer(&spec()).optimizer(Adam::new(if rank == 1 { 0.1 } else { 0.2 }));
        trainer.group(group).fit(&points(64), &options(1, 8))
    });
    assert!(found[0].contains("settings.optimizer") && found[1].contains("0.2"), "{found:?}");
    let found = errors(2, |rank, group| {
        let hidden = if rank == 1 { 9 } else { 8 };
        trainer(&ModelSpec::new([2]).dense(hidden).relu().dense(2))
            .group(group)
            .fit(&points(64), &options(1, 8))
    });
    assert!(found[0].contains("rank 1 has [9,2] as its layers.dense_1.weight"), "{found:?}");
    let found = errors(2, |rank, group| {
        let mut values = numbers(128);
        values[64] += rank as f32;
        let labels = vec![0; 64];
        let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
        let data = Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap();
        trainer(&spec()).group(group).fit(&data, &options(1, 8))
    });
    assert!(found[0].contains("training samples"), "{found:?}");
}

#[test]
fn networks_that_begin_with_other_weights_take_those_of_rank_0() {
    let ranks = on_ranks(2, |rank, group| {
        let network = spec().build_seeded(rank as u64, &Device::flex()).unwrap();
        let mut trainer = Trainer::classification(network).group(group);
        trainer.fit(&points(32), &options(1, 8)).unwrap();
        state(trainer.network())
    });
    assert_eq!(ranks[0], ranks[1]);
}

#[test]
fn what_ends_one_rank_ends_all() {
    let fails = |at: usize, rank: usize| {
        callback_fn("fails", move |event, _: &mut CallbackContext| match event {
            Event::StepEnded { step: 3, .. } if rank == at => {
                Err(TrainError::Callback("the disk is full".into()))
            }
            _ => Ok(()),
        })
    };
    let found = errors(3, move |rank, group| {
        trainer(&spec()).callback(fails(1, rank)).group(group).fit(&points(64), &options(2, 8))
    });
    assert!(found[1].contains("the disk is full"), "{found:?}");
    assert_eq!(found[0], "rank 1 of 3 ended: a callback failed: the disk is full");
    assert_eq!(found[2], found[0]);

    // Weights that are too large for one part alone, the second of each batch.
    let found = errors(2, |_, group| {
        let values = (0..64).map(|at| if at == 40 { f32::MAX } else { 1.0 }).collect();
        let targets = Targets::Values { width: 1, values: vec![1.0; 32] };
        let data = Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap();
        let network = ModelSpec::new([2]).dense(1).build_seeded(5, &Device::flex()).unwrap();
        Trainer::regression(network).group(group).fit(&data, &options(1, 32))
    });
    assert!(found.iter().all(|found| found.starts_with("the loss became")), "{found:?}");
    assert_eq!(found.iter().filter(|found| found.contains("on another rank")).count(), 1, "{found:?}");

    let found = errors(2, |_, group| {
        let private = FitOptions { privacy: Some(PrivacyOptions::new(1.0)), ..options(1, 8) };
        trainer(&spec()).group(group).fit(&points(64), &private)
    });
    assert!(found[0].contains("train it on one rank"), "{found:?}");
}

#[test]
fn rank_0_decides() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let ranks = on_ranks(2, move |rank, group| {
        let log = log.clone();
        let asks = callback_fn("asks", move |event, context: &mut CallbackContext| {
            match event {
                Event::StepEnded { epoch: 1, step: 2, .. } if rank == 0 => {
                    context.set_learning_rate_scale(0.0);
                    let mut weights = context.weights();
                    weights[0].values.fill(0.25);
                    context.set_weights(weights);
                }
                // Of these nothing comes.
                Event::StepEnded { epoch: 1, step: 3, .. } if rank == 1 => {
                    context.set_learning_rate_scale(9.0);
                    context.stop("rank 1 has enough");
                }
                Event::StepEnded { epoch: 1, step: 4, learning_rate, .. } => {
                    log.lock().unwrap().push((*learning_rate, context.weights()[0].values[0]));
                }
                _ => {}
            }
            Ok(())
        });
        let stop = EarlyStopping::on("loss").patience(1 + rank);
        let mut trainer = trainer(&spec()).callback(asks).callback(stop).group(group);
        trainer.fit(&points(64), &options(9, 8)).unwrap()
    });
    assert_eq!(*seen.lock().unwrap(), [(0.0, 0.25); 2]);
    // Nothing is learnt at a rate of 0, so that rank 0's patience ends first.
    assert!(
        matches!(&ranks[0].stopped, Stopped::Early(reason) if reason.contains("loss")),
        "{:?}",
        ranks[0].stopped
    );
    assert_eq!(ranks[0], ranks[1]);
}
