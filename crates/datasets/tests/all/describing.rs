//! The report on a data set: its statistics against plain loops, duplicates planted within and between the splits,
//! and how it reads.

use fireclay_data::{Dataset, Normalization, Provenance, Targets};
use fireclay_datasets::{
    DataReport, DuplicatePair, FeatureReport, NumberStats, TargetReport, describe, describe_texts,
};
use fireclay_text::Texts;

fn classes(labels: &[u32], names: &[&str]) -> Targets {
    Targets::Classes { labels: labels.to_vec(), names: names.iter().map(ToString::to_string).collect() }
}

fn bytes(shape: &[usize], values: Vec<u8>, labels: &[u32]) -> Dataset {
    let targets = classes(labels, &["cat", "dog", "emu"]);
    // A normalization, to show that the report is of what is stored.
    let normalization = Normalization::uniform(0.5, 0.25);
    Dataset::from_u8(shape, values, targets, normalization, Provenance::new("pets", "train", "made")).unwrap()
}

/// Images of one pixel, each of the value given.
fn pixels(values: &[u8], labels: &[u32]) -> Dataset {
    bytes(&[1, 1, 1], values.to_vec(), labels)
}

fn pair(first: usize, second: usize, contradicting: bool) -> DuplicatePair {
    DuplicatePair { first, second, contradicting }
}

fn counts(report: &DataReport) -> Vec<(String, usize, f64)> {
    let TargetReport::Classes { classes, .. } = &report.train.targets else { panic!("classes") };
    classes.iter().map(|class| (class.name.clone(), class.count, class.share)).collect()
}

#[test]
fn channels_have_the_mean_and_deviation_of_a_plain_loop() {
    let values: Vec<u8> =
        (0..200u32 * 3 * 4 * 5).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
    let dataset = bytes(&[3, 4, 5], values.clone(), &[0; 200]);
    // A view, in another order: every second sample.
    let chosen: Vec<usize> = (0..200).rev().step_by(2).collect();
    let report = describe(&dataset, &dataset.subset(&chosen).unwrap());
    for (split, of) in [(&report.train, (0..200).collect()), (&report.test, chosen)] {
        let FeatureReport::Bytes { shape, channels } = &split.features else { panic!("bytes") };
        assert_eq!((shape.as_slice(), channels.len()), ([3, 4, 5].as_slice(), 3));
        for (channel, stats) in channels.iter().enumerate() {
            let of: Vec<f64> = (of.iter())
                .flat_map(|sample: &usize| &values[sample * 60 + channel * 20..][..20])
                .map(|byte| f64::from(*byte) / 255.0)
                .collect();
            let mean = of.iter().sum::<f64>() / of.len() as f64;
            let variance = of.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / of.len() as f64;
            assert!((stats.mean - mean).abs() < 1e-12, "{stats:?} {mean}");
            assert!((stats.std - variance.sqrt()).abs() < 1e-12, "{stats:?} {variance}");
        }
    }
}

#[test]
fn a_constant_channel_has_no_deviation_and_large_images_do_not_overflow() {
    let report = describe(&bytes(&[1, 300, 200], vec![255; 120_000], &[0, 1]), &pixels(&[], &[]));
    let FeatureReport::Bytes { channels, .. } = &report.train.features else { panic!("bytes") };
    assert_eq!((channels[0].mean, channels[0].std), (1.0, 0.0));
}

#[test]
fn numbers_have_the_statistics_of_a_plain_loop_however_many_there_are() {
    // More samples than fit into the pieces that threads work on.
    let rows = 70_000;
    let value = |row: usize, column: usize| (row * (column + 1) % 1_009) as f32 - 100.0 * column as f32;
    let values: Vec<f32> = (0..rows).flat_map(|row| (0..3).map(move |column| value(row, column))).collect();
    let targets = Targets::Values { width: 1, values: (0..rows).map(|row| row as f32).collect() };
    let dataset = Dataset::from_f32(&[3], values, targets, Provenance::new("rows", "train", "made")).unwrap();
    let normalized = dataset.clone().with_normalization(Normalization::uniform(3.0, 2.0)).unwrap();
    let report = describe(&normalized, &normalized.take(1));
    let FeatureReport::Numbers { features, .. } = &report.train.features else { panic!("numbers") };
    for (column, stats) in features.iter().enumerate() {
        let of: Vec<f64> = (0..rows).map(|row| f64::from(value(row, column))).collect();
        let mean = of.iter().sum::<f64>() / rows as f64;
        let variance = of.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows as f64;
        let (min, max) = (-100.0 * column as f32, 1_008.0 - 100.0 * column as f32);
        assert_eq!((stats.min, stats.max), (min, max));
        assert!((stats.mean - mean).abs() < 1e-9 && (stats.std - variance.sqrt()).abs() < 1e-9, "{stats:?}");
    }
    let TargetReport::Values { values } = &report.train.targets else { panic!("values") };
    assert_eq!((values[0].min, values[0].max), (0.0, 69_999.0));
    assert!((values[0].mean - 34_999.5).abs() < 1e-6, "{values:?}");
    let FeatureReport::Numbers { features, .. } = &report.test.features else { panic!("numbers") };
    assert_eq!(features[1], NumberStats { min: -100.0, max: -100.0, mean: -100.0, std: 0.0 });
}

#[test]
fn classes_are_counted_and_one_may_be_empty() {
    let report = describe(&pixels(&[1, 2, 3, 4], &[0, 2, 2, 2]), &pixels(&[9], &[1]));
    assert_eq!(
        counts(&report),
        [("cat".to_string(), 1, 0.25), ("dog".to_string(), 0, 0.0), ("emu".to_string(), 3, 0.75)]
    );
    let TargetReport::Classes { most_frequent: Some(most), least_frequent: Some(least), .. } =
        &report.train.targets
    else {
        panic!("classes")
    };
    assert_eq!((most.name.as_str(), least.name.as_str()), ("emu", "dog"));
    let text = report.to_string();
    assert!(text.contains("train: most frequent emu (3), dog has no samples"), "{text}");
    assert!(text.contains("test: most frequent dog (1), 2 classes have no samples"), "{text}");
}

#[test]
fn splits_may_be_empty() {
    let some = pixels(&[1, 1], &[0, 1]);
    let report = describe(&some, &some.take(0));
    assert!(matches!(&report.test.features, FeatureReport::Bytes { channels, .. } if channels.is_empty()));
    assert_eq!((report.test.samples, report.duplicates.between.samples), (0, 0));
    let text = report.to_string();
    assert!(text.contains("  test  0 samples; made"), "{text}");
    assert!(text.contains("cat        1  50.0 %     0  0.0 %"), "{text}");
    assert!(text.contains("grey         0.0039  0.0000          -    -"), "{text}");
    let nothing = describe(&some.take(0), &some.take(0));
    assert!(nothing.to_string().contains("no sample occurs twice"), "{nothing}");
}

#[test]
fn duplicates_are_found_within_and_between_the_splits() {
    //                       0  1  2  3  4  5  6
    let train = pixels(&[10, 20, 10, 30, 10, 40, 20], &[0, 1, 0, 2, 1, 2, 1]);
    let test = pixels(&[30, 50, 10, 50, 20], &[2, 0, 0, 1, 0]);
    let found = describe(&train, &test).duplicates;
    assert_eq!((found.within_train.samples, found.within_train.contradicting), (3, 1));
    assert_eq!(found.within_train.examples, [pair(0, 4, true), pair(0, 2, false), pair(1, 6, false)]);
    assert_eq!((found.within_test.samples, found.within_test.contradicting), (1, 1));
    assert_eq!(found.within_test.examples, [pair(1, 3, true)]);
    // Test sample 2 agrees with training samples 0 and 2, and contradicts 4.
    assert_eq!((found.between.samples, found.between.contradicting), (3, 2));
    assert_eq!(found.between.examples, [pair(4, 2, true), pair(1, 4, true), pair(3, 0, false)]);
}

#[test]
fn classes_of_two_splits_are_compared_by_name() {
    let split = |names: &[&str]| {
        let provenance = Provenance::new("pets", "any", "made");
        Dataset::from_u8(&[1], vec![7], classes(&[0], names), Normalization::none(), provenance).unwrap()
    };
    let between = |names: &[&str]| describe(&split(&["cat", "dog"]), &split(names)).duplicates.between;
    assert_eq!(between(&["cat"]).contradicting, 0);
    assert_eq!(between(&["dog", "cat"]).contradicting, 1);
    let text = describe(&split(&["cat", "dog"]), &split(&["dog", "owl"])).to_string();
    assert!(text.contains("dog        0    0.0 %     1  100.0 %"), "{text}");
    assert!(text.contains("owl        -        -     0    0.0 %"), "{text}");
}

#[test]
fn numbers_and_tokens_have_duplicates_too() {
    let targets = |values: Vec<f32>| Targets::Values { width: 1, values };
    let provenance = Provenance::new("numbers", "train", "made");
    let numbers = |values: Vec<f32>, of: Vec<f32>| {
        Dataset::from_f32(&[2], values, targets(of), provenance.clone()).unwrap()
    };
    let found =
        describe(&numbers(vec![1.0, 2.0, 1.0, 2.0], vec![5.0, 6.0]), &numbers(vec![2.0, 1.0], vec![5.0]));
    assert_eq!(found.duplicates.within_train.examples, [pair(0, 1, true)]);
    assert_eq!(found.duplicates.between.samples, 0);

    let tokens = |tokens: Vec<u32>, of: Vec<f32>| {
        Dataset::from_tokens(2, tokens, targets(of), provenance.clone()).unwrap()
    };
    let report = describe(&tokens(vec![1, 2, 9, 2], vec![5.0, 6.0]), &tokens(vec![9, 2], vec![6.0]));
    assert_eq!(report.duplicates.between.examples, [pair(1, 0, false)]);
    assert!(
        report.to_string().contains("vocabulary of 10 tokens; 3 of them in train, 2 in test"),
        "{report}"
    );
}

fn texts(texts: &[&str], labels: &[u32]) -> Texts {
    let targets = classes(labels, &["neg", "pos"]);
    let provenance = Provenance::new("reviews", "train", "made");
    Texts::new(texts.iter().map(ToString::to_string).collect(), targets, provenance).unwrap()
}

#[test]
fn texts_are_measured_in_characters_and_words() {
    let train = texts(&["a b  c", "été", " \n", "A  b"], &[0, 1, 1, 0]);
    let report = describe_texts(&train, &texts(&[" été\n"], &[0]));
    let FeatureReport::Texts { characters: Some(characters), words: Some(words), empty, distinct_words } =
        &report.train.features
    else {
        panic!("texts")
    };
    assert_eq!((characters.min, characters.median, characters.mean), (2, 3.5, 3.75));
    assert_eq!((characters.p95, characters.max), (6, 6));
    assert_eq!((words.min, words.median, words.mean, words.max), (0, 1.5, 1.5, 3));
    assert_eq!((*empty, *distinct_words), (1, 5));
    assert_eq!(report.duplicates.between.examples, [pair(1, 0, true)]);
    let text = report.to_string();
    assert!(
        text.contains("train: 5 different words, 1 empty text\ntest: 1 different word, 0 empty texts"),
        "{text}"
    );
    assert!(text.ends_with("1 test sample is a training sample too, 100.0 % of the test split"), "{text}");
    assert!(describe_texts(&texts(&[], &[]), &texts(&[], &[])).to_string().contains("texts, 2 classes"));
}

#[test]
fn the_page_fits_80_columns_whatever_the_names() {
    let long = format!("{}\n\u{1b}[31m", "a very long name ".repeat(10));
    let names: Vec<String> = (0..1000).map(|i| format!("{i} {long}")).collect();
    let labels = (0..3000).map(|i| i % 1000).collect();
    let values: Vec<u8> = (0..3000u32).flat_map(|i| [(i >> 8) as u8, i as u8]).collect();
    let provenance = Provenance::new(long.clone(), long.clone(), long);
    let dataset =
        Dataset::from_u8(&[2], values, Targets::Classes { labels, names }, Normalization::none(), provenance)
            .unwrap();
    let text = describe(&dataset, &dataset).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("\n... and 980 more\n"), "{text}");
    assert!(text.contains("train: every class has 3 samples"), "{text}");
    assert!(text.contains("3,000 test samples are training samples too"), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains(r"\u{1b}"), "{text}");

    let wild: Vec<f32> = (0..200).map(|i| if i % 2 == 0 { -1.234_567e38 } else { 1.234_567e-38 }).collect();
    let targets = Targets::Values { width: 1, values: vec![-1e-30, 1e30] };
    let dataset = Dataset::from_f32(&[100], wild, targets, Provenance::default()).unwrap();
    let text = describe(&dataset, &dataset).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("\n... and 80 more\n"), "{text}");
}

#[test]
fn the_serialised_form_is_pinned() {
    let report = describe(&pixels(&[0, 255], &[0, 0]), &pixels(&[0], &[1]));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["train"]["targets"]["kind"], "classes");
    assert_eq!(
        json["train"]["targets"]["classes"][0],
        serde_json::json!({"name": "cat", "count": 2, "share": 1.0})
    );
    assert_eq!(
        json["train"]["features"],
        serde_json::json!({"kind": "bytes", "shape": [1, 1, 1], "channels": [{"mean": 0.5, "std": 0.5}]})
    );
    assert_eq!(
        json["duplicates"]["between"],
        serde_json::json!({
            "samples": 1,
            "contradicting": 1,
            "examples": [{"first": 0, "second": 0, "contradicting": true}],
        })
    );
}

#[test]
fn threads_change_nothing() {
    let values: Vec<f32> = (0..120_000).map(|i| (i as f32).sin()).collect();
    let targets = Targets::Values { width: 1, values: vec![0.5; 40_000] };
    let dataset = Dataset::from_f32(&[3], values, targets, Provenance::default()).unwrap();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let report = describe(&dataset, &dataset.take(10));
    assert_eq!(alone.install(|| describe(&dataset, &dataset.take(10))), report);
}
