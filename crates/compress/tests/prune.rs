//! Models with fewer channels, and students of others: what becomes of them, and what is refused.

use std::sync::Arc;

use fireclay_compress::{CompressError, PruneOptions, PruneScore, Taught, narrowed, prune, to_int8};
use fireclay_data::{Batch, BatchTargets, Dataset, Mixup, Normalization, Pass, Provenance, Source, Targets};
use fireclay_nn::{
    BatchNormSpec, Conv2dSpec, CrossEntropyLoss, DistillationLoss, LayerSpec, ModelSpec, Padding, ReluSpec,
    load_state, state,
};
use fireclay_store::{ModelCard, ModelFile};
use fireclay_train::{Accuracy, Device, FitOptions, Trainer, predict};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + 13) % 1009) as f32 / 504.0 - 1.0).collect()
}

fn data(shape: &[usize], samples: usize) -> Dataset {
    let values = numbers(samples * shape.iter().product::<usize>());
    let labels = (0..samples as u32).map(|at| at * 7 % 3).collect();
    let names = ["a", "b", "c"].map(String::from).to_vec();
    Dataset::from_f32(shape, values, Targets::Classes { labels, names }, Provenance::default()).unwrap()
}

fn network() -> ModelSpec {
    let conv = |channels| LayerSpec::from(Conv2dSpec::new(channels, 3).padding(Padding::Same));
    let norm = || LayerSpec::from(BatchNormSpec::default());
    ModelSpec::new([2, 6, 6])
        .layer(conv(16))
        .layer(norm())
        .relu()
        .residual([conv(24), norm(), ReluSpec {}.into(), conv(16)])
        .relu()
        .max_pool2d(2)
        .flatten()
        .dense(40)
        .relu()
        .dense(3)
}

fn file(spec: ModelSpec) -> ModelFile {
    let model = spec.build_seeded(5, &Device::flex()).unwrap();
    let tensors = state(&model);
    ModelFile { card: ModelCard::new(spec), tensors }
}

fn pruned(file: &ModelFile, options: &PruneOptions) -> Result<(ModelFile, Vec<[usize; 2]>), CompressError> {
    let training: Arc<dyn Source> = Arc::new(data(&[2, 6, 6], 60));
    let (small, report) = prune(file, &CrossEntropyLoss::new(), training, options, &Device::flex())?;
    assert_eq!(report.flops[1], small.card.spec.summary().unwrap().flops());
    assert_eq!(report.parameters[1], small.card.spec.summary().unwrap().parameters());
    let groups = report.groups.iter().map(|group| [group.before, group.after]).collect();
    Ok((small, groups))
}

#[test]
fn by_every_score_enough_channels_go_to_multiples() {
    let file = file(network());
    let before = file.card.spec.summary().unwrap().flops();
    for score in PruneScore::ALL {
        for by_layer in [false, true] {
            let options =
                PruneOptions { share: 0.3, score, by_layer, multiple: 8, ..PruneOptions::default() };
            let (small, groups) = pruned(&file, &options).unwrap();
            let after = small.card.spec.summary().unwrap().flops();
            assert!(after as f64 <= 0.7 * before as f64, "{score}: {after} of {before}");
            assert!(
                groups.iter().all(|[before, after]| after % 8 == 0 && after <= before),
                "{score} {groups:?}"
            );
            // No more than need be: no layer could have kept the next ones.
            let all = file.card.spec.channel_groups().unwrap();
            for (at, [before_group, left]) in groups.iter().enumerate().filter(|_| !by_layer) {
                let counts = all.iter().zip(&groups).enumerate().map(|(other, (group, [_, after]))| {
                    (group, if other == at { (after + 8).min(*before_group) } else { *after })
                });
                let wider = file.card.spec.with_channels(&counts.collect::<Vec<_>>()).unwrap();
                let flops = wider.summary().unwrap().flops();
                assert!(left == before_group || flops as f64 > 0.7 * before as f64, "{score}: {groups:?}");
            }
            load_state(small.card.spec.build(&Device::flex()).unwrap(), small.tensors.clone()).unwrap();
            let again = pruned(&file, &options).unwrap().0;
            assert_eq!((again.card, again.tensors), (small.card, small.tensors), "the same again");
        }
    }
    assert_eq!("magnitude".parse(), Ok(PruneScore::Magnitude));
    assert!("size".parse::<PruneScore>().unwrap_err().contains("first-order, magnitude, batch-norm"));
}

/// Channels that do nothing are found by each score, and the network answers without them as before.
#[test]
fn channels_that_do_nothing_go_first() {
    let mut file = file(network());
    let group = file.card.spec.channel_groups().unwrap().remove(1);
    assert_eq!(group.layers, ["residual_1.conv2d_1"]);
    let idle: Vec<usize> = (0..24).filter(|channel| channel % 3 == 0).collect();
    group.zero(&mut file.tensors, &idle);
    let data: Arc<dyn Source> = Arc::new(data(&[2, 6, 6], 60));
    let answers = |file: &ModelFile| {
        let model = load_state(file.card.spec.build(&Device::flex()).unwrap(), file.tensors.clone()).unwrap();
        predict(&model, &data, &Device::flex()).unwrap().concat()
    };
    for score in PruneScore::ALL {
        // As much as these eight channels cost.
        let options = PruneOptions { share: 0.2, score, multiple: 8, ..PruneOptions::default() };
        let (small, groups) = pruned(&file, &options).unwrap();
        assert_eq!(groups[1], [24, 16], "{score}: {groups:?}");
        let same = answers(&small)
            .iter()
            .zip(answers(&file))
            .all(|(found, expected)| (found - expected).abs() < 1e-5);
        let others_stay = groups.iter().enumerate().all(|(at, [before, after])| at == 1 || before == after);
        assert_eq!(same, others_stay, "{score}: {groups:?}");
        assert!(others_stay, "{score}: {groups:?}");
    }
}

#[test]
fn what_cannot_be_pruned_is_refused() {
    let file = file(network());
    let refused = |options: PruneOptions| pruned(&file, &options).unwrap_err().to_string();
    let usual = || PruneOptions { multiple: 8, ..PruneOptions::default() };
    for share in [0.0, 1.0, -0.5, f64::NAN] {
        let message = refused(PruneOptions { share, ..usual() });
        assert!(message.contains("expected more than 0 and less than 1"), "{message}");
    }
    assert_eq!(refused(PruneOptions { multiple: 0, ..usual() }), "multiple-of is 0; expected 1 or more");
    assert_eq!(refused(PruneOptions { samples: 0, ..usual() }), "samples is 0; expected 1 or more");
    let message = refused(PruneOptions { share: 0.95, ..usual() });
    assert!(message.contains("95 % asked for") && message.contains("multiple of 8 channels"), "{message}");
    let message = refused(PruneOptions { multiple: 64, ..usual() });
    assert!(message.contains("at most 0 % of the FLOPs"), "{message}");

    let training: Arc<dyn Source> = Arc::new(data(&[4], 9));
    let device = Device::flex();
    let plain = self::file(ModelSpec::new([4]).dense(16).relu().dense(3));
    let options = PruneOptions { score: PruneScore::BatchNorm, multiple: 4, ..PruneOptions::default() };
    let loss = CrossEntropyLoss::new();
    let error = prune(&plain, &loss, training.clone(), &options, &device).unwrap_err();
    assert!(matches!(error, CompressError::NoBatchNorm), "{error}");
    let (small, _) = to_int8(&plain, training.clone(), &Default::default(), &device).unwrap();
    let error = prune(&small, &loss, training.clone(), &usual(), &device).unwrap_err();
    assert!(matches!(error, CompressError::AlreadyInt8), "{error}");
    for score in PruneScore::ALL {
        let mut other = self::file(network());
        other.tensors.remove(0);
        let options = PruneOptions { score, ..usual() };
        let samples: Arc<dyn Source> = Arc::new(data(&[2, 6, 6], 9));
        let error = prune(&other, &loss, samples, &options, &device).unwrap_err();
        assert!(matches!(error, CompressError::Nn(_)), "{error}");
    }
    let nothing: Arc<dyn Source> = Arc::new(fireclay_data::Subset::new(training, Vec::new()).unwrap());
    let options = PruneOptions { multiple: 4, ..PruneOptions::default() };
    let error = prune(&plain, &loss, nothing, &options, &device).unwrap_err();
    assert!(matches!(error, CompressError::NoSamples), "{error}");
}

#[test]
fn a_pruned_model_can_be_saved_trained_and_pruned_again() {
    let options = PruneOptions { share: 0.3, multiple: 8, ..PruneOptions::default() };
    let (small, _) = pruned(&file(network()), &options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.fireclay");
    small.save(&path).unwrap();
    let device = Device::flex();
    let mut trainer = Trainer::load(&path, &device).unwrap();
    trainer.fit(&data(&[2, 6, 6], 60), &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
    trainer.save(&path).unwrap();
    let (smaller, _) = pruned(&ModelFile::load(&path).unwrap(), &options).unwrap();
    assert!(smaller.card.spec.summary().unwrap().flops() < small.card.spec.summary().unwrap().flops());
}

#[test]
fn narrow_networks_have_a_share_of_the_channels() {
    let half = narrowed(&network(), 0.5, 4).unwrap();
    let channels: Vec<usize> = half.channel_groups().unwrap().iter().map(|group| group.channels).collect();
    assert_eq!(channels, [8, 12, 20]);
    assert!(narrowed(&network(), 1.0, 4).unwrap_err().to_string().contains("narrow is 1; expected"));
    let message = narrowed(&network(), 0.9, 64).unwrap_err().to_string();
    assert!(
        message.contains("no layer would have fewer channels: each is left with a multiple of 64"),
        "{message}"
    );
}

#[test]
fn a_teacher_says_of_each_sample_what_it_says_whatever_the_order() {
    let device = Device::flex();
    let teacher = ModelSpec::new([4]).dense(8).relu().dense(3).build_seeded(1, &device).unwrap();
    let samples: Arc<dyn Source> = Arc::new(data(&[4], 20));
    let expected = predict(&teacher, &samples, &device).unwrap();
    let taught = Taught::by(&teacher, samples, &device).unwrap();
    let mut batch = Batch::default();
    taught.gather_augmented(&[17, 3, 0], Pass { seed: 1, epoch: 1 }, &mut batch).unwrap();
    let logits = [17, 3, 0].map(|at: usize| expected[at].clone()).concat();
    assert_eq!(batch.targets, BatchTargets::ClassesWithLogits { labels: vec![17 * 7 % 3, 0, 0], logits });

    // A student that hears the teacher alone comes to say the same.
    let student = ModelSpec::new([4]).dense(8).relu().dense(3).build_seeded(2, &device).unwrap();
    let mut trainer = Trainer::new(student, DistillationLoss::new(2.0, 1.0)).metrics([Accuracy]);
    let options = FitOptions { epochs: 200, batch_size: 5, ..FitOptions::default() };
    let history = trainer.fit(&taught, &options).unwrap();
    let losses = history.course("loss");
    assert!(losses[losses.len() - 1] < 0.1 * losses[0], "{losses:?}");
}

#[test]
fn what_nobody_can_be_taught_is_refused() {
    let device = Device::flex();
    let teacher = ModelSpec::new([4]).dense(3).build_seeded(1, &device).unwrap();
    let refused = |data: Dataset| Taught::by(&teacher, Arc::new(data), &device).err().unwrap().to_string();
    let values = Targets::Values { width: 3, values: vec![0.0; 6] };
    let message = refused(Dataset::from_f32(&[4], numbers(8), values, Provenance::default()).unwrap());
    assert!(message.contains("found samples without classes"), "{message}");
    let wide = ModelSpec::new([4]).dense(5).build_seeded(1, &device).unwrap();
    let error = Taught::by(&wide, Arc::new(data(&[4], 6)), &device).err().unwrap().to_string();
    assert!(error.contains("a teacher with 5 outputs for 3 classes"), "{error}");

    // Samples mixed from two.
    let labels =
        Targets::Classes { labels: vec![0, 1, 2, 0], names: ["a", "b", "c"].map(String::from).to_vec() };
    let images =
        Dataset::from_u8(&[1, 2, 2], vec![7; 16], labels, Normalization::none(), Provenance::default())
            .unwrap();
    let images = images.with_mixup(Mixup { alpha: 0.5 }).unwrap();
    let teacher = ModelSpec::new([1, 2, 2]).flatten().dense(3).build_seeded(1, &device).unwrap();
    let taught = Taught::by(&teacher, Arc::new(images), &device).unwrap();
    let mut trainer = Trainer::new(teacher, DistillationLoss::new(2.0, 0.5));
    let error = trainer.fit(&taught, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap_err();
    let causes = format!(
        "{error} {}",
        std::error::Error::source(&error).map(|cause| cause.to_string()).unwrap_or_default()
    );
    assert!(causes.contains("leave mixup out"), "{causes}");
}
