//! Models made of 8-bit whole numbers: what becomes of their layers, and what is refused.

use std::sync::Arc;

use fireclay_compress::{CompressError, Int8Options, LayerForm, compare_speed, to_int8};
use fireclay_data::{Dataset, Provenance, Source, Targets};
use fireclay_nn::{Conv2dSpec, LayerSpec, ModelSpec, NamedTensor, Padding, load_state, state};
use fireclay_store::{ModelCard, ModelFile};
use fireclay_train::{Device, FitOptions, Trainer, predict};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + 13) % 1009) as f32 / 504.0 - 1.0).collect()
}

fn data(shape: &[usize], samples: usize) -> Dataset {
    let values = numbers(samples * shape.iter().product::<usize>());
    let targets = Targets::Values { width: 1, values: vec![0.0; samples] };
    Dataset::from_f32(shape, values, targets, Provenance::default()).unwrap()
}

fn file(spec: ModelSpec, change: impl Fn(&mut NamedTensor)) -> ModelFile {
    let model = spec.build_seeded(5, &Device::flex()).unwrap();
    let mut tensors = state(&model);
    tensors.iter_mut().for_each(change);
    ModelFile { card: ModelCard::new(spec), tensors }
}

fn outputs(file: &ModelFile, data: &Dataset) -> Vec<f32> {
    let device = Device::flex();
    let model = load_state(file.card.spec.build(&device).unwrap(), file.tensors.clone()).unwrap();
    let source: Arc<dyn Source> = Arc::new(data.clone());
    predict(&model, &source, &device).unwrap().concat()
}

#[test]
fn layers_become_whole_numbers_and_answers_stay_near() {
    let same = |channels| LayerSpec::from(Conv2dSpec::new(channels, 3).padding(Padding::Same));
    let spec = ModelSpec::new([2, 8, 8])
        .layer(same(8))
        .batch_norm()
        .relu()
        .max_pool2d(2)
        .residual([same(8)])
        .relu()
        .flatten()
        .dense(3);
    let file = file(spec, |_| {});
    let data = data(&[2, 8, 8], 40);
    let (small, report) =
        to_int8(&file, Arc::new(data.clone()), &Int8Options::default(), &Device::flex()).unwrap();
    let forms: Vec<_> = report.layers.iter().map(|layer| (layer.name.as_str(), layer.form)).collect();
    let int8 = LayerForm::Int8;
    assert_eq!(forms, [("conv2d_1", int8), ("residual_1.conv2d_1", int8), ("dense_1", int8)]);
    assert_eq!((report.samples, report.computed_in_int8(), report.is_accuracy), (40, 3, false));
    assert!(report.lost > 0.0 && report.lost < 0.0005, "{}", report.lost);
    let (before, after) = (outputs(&file, &data), outputs(&small, &data));
    assert!(before.iter().zip(&after).all(|(before, after)| (before - after).abs() < 0.05));
    assert_ne!(before, after);
}

/// Weights of one layer are such that a byte cannot tell its outputs apart.
#[test]
fn a_layer_that_would_lose_too_much_stays_as_it_was() {
    let spec = ModelSpec::new([4]).dense(6).relu().dense(6).relu().dense(2);
    let file = file(spec, |tensor| {
        // One unit gives numbers a thousand times as large as the others, which then nearly cancel each other.
        if tensor.name == "dense_2.weight" {
            tensor.values[..6].fill(2_000.0);
        }
        if tensor.name == "dense_3.weight" {
            tensor.values[0] = 1e-5;
            tensor.values[6] = 1e-5;
        }
    });
    let data = data(&[4], 64);
    let training: Arc<dyn Source> = Arc::new(data.clone());
    let options = Int8Options { most_lost: 0.0025, ..Int8Options::default() };
    let (small, report) = to_int8(&file, training.clone(), &options, &Device::flex()).unwrap();
    let left: Vec<_> =
        report.layers.iter().filter(|layer| matches!(layer.form, LayerForm::F32 { .. })).collect();
    assert!(!left.is_empty() && left.len() < 3, "{report:?}");
    assert!(report.lost <= 0.0025);
    for layer in left {
        let LayerForm::F32 { lost } = layer.form else { unreachable!() };
        assert!(lost > 0.0025, "{layer:?}");
        let weight = |file: &ModelFile| {
            file.tensors.iter().find(|tensor| tensor.name == format!("{}.weight", layer.name)).cloned()
        };
        assert_eq!(weight(&small), weight(&file), "its weights are not rounded");
    }
    // All of them may be left, and then nothing changes.
    let options = Int8Options { most_lost: 0.0, ..options };
    let (_, report) = to_int8(&file, training, &options, &Device::flex()).unwrap();
    assert_eq!((report.computed_in_int8(), report.lost), (0, 0.0));
}

#[test]
fn layers_without_one_range_find_one_for_each_row_or_have_their_weights_rounded() {
    let convolution = || fireclay_nn::Conv1dSpec::new(4, 3).padding(fireclay_nn::Padding::Same);
    let block = [convolution().into(), fireclay_nn::DenseSpec::new(4).into()];
    let spec = ModelSpec::new([7, 3]).layer(convolution()).residual(block).lstm(5).dense(2);
    let file = file(spec, |_| {});
    let data = data(&[7, 3], 12);
    let options = Int8Options { most_lost: 1.0, ..Int8Options::default() };
    let (small, report) = to_int8(&file, Arc::new(data), &options, &Device::flex()).unwrap();
    let forms: Vec<_> = report.layers.iter().map(|layer| (layer.name.as_str(), layer.form)).collect();
    let [weights, dynamic, int8] = [LayerForm::Int8Weights, LayerForm::DynamicInt8, LayerForm::Int8];
    let expected = [
        ("conv1d_1", weights),
        ("residual_1.conv1d_1", weights),
        ("residual_1.dense_1", dynamic),
        ("lstm_1", dynamic),
        ("dense_1", int8),
    ];
    assert_eq!(forms, expected);
    let folder = tempfile::tempdir().unwrap();
    let sizes = [&file, &small].map(|file| file.save(folder.path().join("model.fireclay")).unwrap());
    assert!(sizes[1] < sizes[0], "{sizes:?}");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let file = file(ModelSpec::new([4]).dense(3).relu().dense(2), |_| {});
    let training: Arc<dyn Source> = Arc::new(data(&[4], 9));
    let refused = |file: &ModelFile, options: Int8Options| {
        to_int8(file, training.clone(), &options, &Device::flex()).unwrap_err()
    };
    let usual = Int8Options::default;
    for percentile in [50.0, 100.1, f64::NAN] {
        let error = refused(&file, Int8Options { percentile, ..usual() });
        assert!(matches!(error, CompressError::Option { option: "percentile", .. }), "{error}");
    }
    for most_lost in [-0.1, 1.1, f64::NAN] {
        let error = refused(&file, Int8Options { most_lost, ..usual() });
        assert!(matches!(error, CompressError::Option { option: "most-lost", .. }), "{error}");
    }
    let error = refused(&file, Int8Options { samples: 0, ..usual() });
    assert_eq!(error.to_string(), "samples is 0; expected 1 or more");
    let (small, _) = to_int8(&file, training.clone(), &usual(), &Device::flex()).unwrap();
    assert!(matches!(refused(&small, usual()), CompressError::AlreadyInt8));
    let nothing: Arc<dyn Source> =
        Arc::new(fireclay_data::Subset::new(training.clone(), Vec::new()).unwrap());
    let error = to_int8(&file, nothing, &usual(), &Device::flex()).unwrap_err();
    assert!(matches!(error, CompressError::NoSamples), "{error}");
}

#[test]
fn the_same_model_and_samples_give_the_same_file() {
    let file = file(ModelSpec::new([4]).dense(9).relu().dense(2), |_| {});
    let training: Arc<dyn Source> = Arc::new(data(&[4], 50));
    let folder = tempfile::tempdir().unwrap();
    let bytes = ["one", "other"].map(|name| {
        let (small, _) = to_int8(&file, training.clone(), &Int8Options::default(), &Device::flex()).unwrap();
        let path = folder.path().join(name);
        small.save(&path).unwrap();
        std::fs::read(path).unwrap()
    });
    assert!(bytes[0] == bytes[1]);
}

#[test]
fn a_model_of_whole_numbers_is_not_trained() {
    let device = Device::flex();
    let file = file(ModelSpec::new([4]).dense(2), |_| {});
    let (small, _) = to_int8(&file, Arc::new(data(&[4], 9)), &Int8Options::default(), &device).unwrap();
    let (model, _) = small.build(&device).unwrap();
    let targets = Targets::Values { width: 2, values: vec![0.0; 18] };
    let data = Dataset::from_f32(&[4], numbers(36), targets, Provenance::default()).unwrap();
    let mut trainer = Trainer::regression(model);
    let error = trainer.fit(&data, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap_err();
    let expected = "the network cannot be trained: it computes in 8-bit whole numbers; train the model that it was made of";
    assert_eq!(error.to_string(), expected);
    assert!(trainer.evaluate(&data).is_ok());
}

#[test]
fn speeds_are_numbers() {
    let device = Device::flex();
    let model = ModelSpec::new([4]).dense(3).build_seeded(0, &device).unwrap();
    let samples: Arc<dyn Source> = Arc::new(data(&[4], 9));
    for speed in compare_speed([&model, &model], samples, &device).unwrap() {
        assert!(speed.latency > 0.0 && speed.samples_per_second.is_finite());
    }
}
