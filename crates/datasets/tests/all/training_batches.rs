//! What a training step reads: augmented, mixed, bucketed, and the same whoever asks and wherever the training begins.

use std::num::NonZeroUsize;
use std::sync::Arc;

use fireclay_data::{
    Augmentation, Batch, BatchFeatures, BatchTargets, Crop, DataError, Dataset, Flip, Loader, Mixup, Pass,
    Provenance, Side, Source, Targets, TextPadding,
};
use fireclay_datasets::{DrawnObjects, WrittenReviews};
use fireclay_text::{
    TextDataset, TextEncoder, TextPreprocessing, Texts, Vocabulary, VocabularyOptions, WordTokenizer,
};

const PASS: Pass = Pass { seed: 5, epoch: 2 };

fn values(batch: &Batch) -> &[f32] {
    match &batch.features {
        BatchFeatures::Values(values) => values,
        BatchFeatures::Tokens(_) => panic!("numbers were expected"),
    }
}

fn tokens(batch: &Batch) -> &[i32] {
    match &batch.features {
        BatchFeatures::Tokens(tokens) => tokens,
        BatchFeatures::Values(_) => panic!("tokens were expected"),
    }
}

fn gather(dataset: &Dataset, indices: &[u32]) -> Batch {
    let mut batch = Batch::default();
    dataset.gather(indices, &mut batch);
    batch
}

fn gather_augmented(dataset: &Dataset, indices: &[u32], pass: Pass) -> Batch {
    let mut batch = Batch::default();
    dataset.gather_augmented(indices, pass, &mut batch);
    batch
}

fn augmented_objects() -> (Dataset, Dataset) {
    let (plain, _) = DrawnObjects::new(0).train_and_test(50, 0);
    let steps = Augmentation::none().flip(Flip::Random).crop(Crop::new(4));
    (plain.clone().with_augmentation(&steps).unwrap(), plain)
}

#[test]
fn only_what_is_learnt_from_is_augmented() {
    let (augmented, plain) = augmented_objects();
    let indices: Vec<u32> = (0..50).collect();
    assert_eq!(gather(&augmented, &indices), gather(&plain, &indices));
    assert_ne!(gather_augmented(&augmented, &indices, PASS), gather(&plain, &indices));
    assert_eq!(gather_augmented(&plain, &indices, PASS), gather(&plain, &indices));
    // Parts of the set keep it.
    let (training, validation) = augmented.split(0.2, 1).unwrap();
    assert!(training.augmentation().is_some());
    assert_eq!(gather(&validation, &[0]).shape, [1, 3, 32, 32]);
}

#[test]
fn a_sample_is_augmented_alike_in_any_batch() {
    let (augmented, _) = augmented_objects();
    let len = 3 * 32 * 32;
    let together = gather_augmented(&augmented, &[7, 8, 9], PASS);
    let alone = gather_augmented(&augmented, &[8], PASS);
    assert_eq!(values(&together)[len..2 * len], *values(&alone));
    let later = gather_augmented(&augmented, &[7, 8, 9], Pass { epoch: 3, ..PASS });
    assert_ne!(together, later);
}

#[test]
fn mixup_mixes_features_and_classes_alike() {
    let (_, plain) = augmented_objects();
    let mixed = plain.clone().with_mixup(Mixup { alpha: 1.0 }).unwrap();
    let indices = [3, 1, 4, 15, 9, 2, 6];
    let whole = gather(&plain, &indices);
    let BatchTargets::Classes(classes) = &whole.targets else { panic!("classes") };
    let batch = gather_augmented(&mixed, &indices, PASS);
    let BatchTargets::MixedClasses { labels, partners, share } = &batch.targets else {
        panic!("mixed classes")
    };
    assert_eq!(labels, classes);
    assert!((0.0..=1.0).contains(share));
    let len = 3 * 32 * 32;
    for (place, (own, partner)) in labels.iter().zip(partners).enumerate() {
        // The partner is one of the samples of that class.
        let found = (0..indices.len()).filter(|other| classes[*other] == *partner).any(|other| {
            (0..len).all(|at| {
                let expected = share * values(&whole)[place * len + at]
                    + (1.0 - share) * values(&whole)[other * len + at];
                (values(&batch)[place * len + at] - expected).abs() < 1e-6
            })
        });
        assert!(found, "sample {place} of class {own} with one of class {partner}");
    }
    assert_eq!(gather(&mixed, &indices), whole, "what is measured is not mixed");
}

#[test]
fn what_cannot_be_augmented_or_mixed_is_refused() {
    let numbers = |targets| Dataset::from_f32(&[2], vec![0.0; 4], targets, Provenance::default()).unwrap();
    let regression = numbers(Targets::Values { width: 1, values: vec![0.0; 2] });
    let classes = numbers(Targets::Classes { labels: vec![0, 1], names: vec!["a".into(), "b".into()] });
    let steps = Augmentation::none().flip(Flip::Random);
    assert!(matches!(classes.clone().with_augmentation(&steps), Err(DataError::Augmentation { .. })));
    assert!(matches!(regression.with_mixup(Mixup { alpha: 0.2 }), Err(DataError::NotMixable)));
    assert!(classes.with_mixup(Mixup { alpha: 0.2 }).is_ok());
}

/// Written reviews and how they are encoded.
fn reviews(padding: TextPadding) -> (Texts, TextPreprocessing) {
    let (train, _) = WrittenReviews::new(0).train_and_test(400, 0);
    let tokenizer = WordTokenizer::default();
    let vocabulary = Vocabulary::build(&train, &tokenizer, VocabularyOptions::default()).unwrap();
    (train, TextPreprocessing { encoder: TextEncoder::new(tokenizer, vocabulary), padding })
}

#[test]
fn texts_are_filled_up_at_either_end() {
    for side in [Side::Left, Side::Right] {
        let (train, preprocessing) = reviews(TextPadding { side, ..TextPadding::to(200) });
        let dataset = Dataset::from_texts(&train, &preprocessing).unwrap();
        let batch = gather(&dataset, &[0, 1]);
        assert_eq!(batch.shape, [2, 200]);
        for index in [0, 1] {
            let expected: Vec<i32> =
                preprocessing.tokens(&train.texts()[index]).iter().map(|token| *token as i32).collect();
            assert_eq!(tokens(&batch)[index * 200..(index + 1) * 200], expected);
            let own = dataset.tokens(index).unwrap();
            assert_eq!(own, preprocessing.encoder.encode(&train.texts()[index]), "without padding");
        }
    }
}

#[test]
fn long_texts_are_cut() {
    let (train, preprocessing) = reviews(TextPadding { truncate: Side::Left, ..TextPadding::to(5) });
    let dataset = Dataset::from_texts(&train, &preprocessing).unwrap();
    let whole = preprocessing.encoder.encode(&train.texts()[3]);
    assert_eq!(dataset.tokens(3).unwrap(), &whole[whole.len() - 5..]);
    let none = TextPreprocessing { padding: TextPadding::to(0), ..preprocessing };
    assert!(Dataset::from_texts(&train, &none).unwrap_err().to_string().contains('0'));
}

#[test]
fn bucketed_batches_are_as_long_as_their_longest_sample() {
    let (train, preprocessing) = reviews(TextPadding::to(200));
    let plain = Dataset::from_texts(&train, &preprocessing).unwrap();
    let bucketed = plain.clone().bucketed_by_length();
    let len = |index: u32| plain.tokens(index as usize).unwrap().len();
    let order = bucketed.order(PASS, 16);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..400), "every sample once");
    let mut padded = 0;
    for indices in order.chunks(16) {
        let batch = gather_augmented(&bucketed, indices, PASS);
        let longest = indices.iter().map(|index| len(*index)).max().unwrap();
        assert_eq!(batch.shape, [indices.len(), longest]);
        padded += indices.len() * longest;
    }
    let own: usize = (0..400).map(len).sum();
    assert!(padded < own * 115 / 100, "{padded} tokens for {own}");
    assert_eq!(bucketed.sample_shape(), [200], "samples may be as long as that");
}

#[test]
fn a_loader_that_begins_later_gives_the_same_batches() {
    let (train, preprocessing) = reviews(TextPadding::to(60));
    let texts = Dataset::from_texts(&train, &preprocessing).unwrap().bucketed_by_length();
    let (images, _) = augmented_objects();
    let images = images.with_mixup(Mixup { alpha: 0.4 }).unwrap();
    for dataset in [texts, images] {
        let source: Arc<dyn Source> = Arc::new(dataset);
        let batch_size = NonZeroUsize::new(8).unwrap();
        let from = |step| {
            let loader = Loader::for_training(source.clone(), PASS, batch_size, step);
            loader.collect::<Result<Vec<Batch>, _>>().unwrap()
        };
        let all = from(0);
        assert_eq!(from(3), all[3..]);
        assert_eq!(from(0), all);
    }
}
