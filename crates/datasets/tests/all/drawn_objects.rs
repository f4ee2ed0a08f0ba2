//! Drawn objects: what stays the same, what must differ, and that neither colours nor places tell the classes.

use std::collections::HashSet;

use fireclay_data::Dataset;
use fireclay_datasets::DrawnObjects;

fn pixels(dataset: &Dataset) -> Vec<&[u8]> {
    (0..dataset.len()).map(|i| dataset.raw_u8(i).unwrap()).collect()
}

#[test]
fn a_seed_gives_the_same_pixels_for_ever() {
    let (train, test) = DrawnObjects::new(0).train_and_test(100, 50);
    assert_eq!(
        train.provenance().sha256.as_deref(),
        Some("349c94b5faaa37f3baf8c6ad539a0677dfe5afdcc016724b17301716fab78ad9")
    );
    assert_eq!(
        test.provenance().sha256.as_deref(),
        Some("27adde7580295a4e9b644dbedd4526c7cf5d726101ed57eeaf0b31a6d5dc1a30")
    );
    assert_eq!(train.provenance().name, "drawn objects");
    assert_eq!(train.provenance().source, "drawn by Fireclay, seed 0");
    assert_eq!(train.shape(), [3, 32, 32]);
    assert_eq!(train.class_names()[..3], ["house", "tree", "fish"]);
}

#[test]
fn the_number_of_threads_and_of_samples_changes_nothing() {
    let (many, _) = DrawnObjects::new(3).train_and_test(150, 0);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (few, none) = single.install(|| DrawnObjects::new(3).train_and_test(70, 0));
    assert_eq!(pixels(&many.take(70)), pixels(&few));
    assert!(none.is_empty());
}

#[test]
fn no_two_are_alike() {
    let (train, test) = DrawnObjects::new(1).train_and_test(300, 100);
    let (other, _) = DrawnObjects::new(2).train_and_test(100, 0);
    let all: HashSet<&[u8]> = [&train, &test, &other].into_iter().flat_map(pixels).collect();
    assert_eq!(all.len(), 500);
}

#[test]
fn every_class_is_there_as_often() {
    let (train, test) = DrawnObjects::new(5).train_and_test(200, 25);
    assert_eq!(train.class_counts(), [20; 10]);
    assert!(test.class_counts().iter().all(|count| (2..=3).contains(count)));
    let labels = |d: &Dataset| (0..20).map(|i| d.label(i)).collect::<Vec<_>>();
    assert_ne!(labels(&train)[..10], labels(&train)[10..]);
    assert_ne!(labels(&train), labels(&test));
}

#[test]
fn every_sample_shows_something() {
    let (train, _) = DrawnObjects::new(9).train_and_test(300, 0);
    for (index, image) in pixels(&train).into_iter().enumerate() {
        let spread = |plane: &[u8]| {
            let mean = plane.iter().map(|v| f64::from(*v)).sum::<f64>() / 1024.0;
            (plane.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / 1024.0).sqrt()
        };
        let most = image.chunks(1024).map(spread).fold(0.0, f64::max);
        assert!(most > 12.0, "sample {index} is almost one colour: deviation {most}");
    }
}

/// How many of 100 test samples have the class whose mean features are nearest.
fn nearest_class_mean(train: &Dataset, test: &Dataset, features: impl Fn(&[u8]) -> Vec<f64>) -> f64 {
    let mut sums = vec![vec![0.0; features(train.raw_u8(0).unwrap()).len()]; 10];
    for (index, image) in pixels(train).into_iter().enumerate() {
        let sum = &mut sums[train.label(index).unwrap() as usize];
        sum.iter_mut().zip(features(image)).for_each(|(sum, value)| *sum += value);
    }
    let per_class = train.len() as f64 / 10.0;
    let right = (pixels(test).into_iter().enumerate())
        .filter(|(index, image)| {
            let sample = features(image);
            let distance = |class: &u32| -> f64 {
                let sums = &sums[*class as usize];
                sums.iter().zip(&sample).map(|(sum, value)| (sum / per_class - value).powi(2)).sum()
            };
            let nearest = (0..10).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            nearest == test.label(*index)
        })
        .count();
    100.0 * right as f64 / test.len() as f64
}

/// One in ten would be guessed.
#[test]
fn colours_and_places_do_not_tell_the_classes() {
    let (train, test) = DrawnObjects::new(4).train_and_test(1_000, 200);
    let every_pixel = |image: &[u8]| image.iter().map(|v| f64::from(*v)).collect();
    let of_pixels = nearest_class_mean(&train, &test, every_pixel);
    assert!(of_pixels < 35.0, "{of_pixels} % by pixels");
    let mean_colour =
        |image: &[u8]| image.chunks(1024).map(|plane| plane.iter().map(|v| f64::from(*v)).sum()).collect();
    let of_colours = nearest_class_mean(&train, &test, mean_colour);
    assert!(of_colours < 22.0, "{of_colours} % by mean colour");
}
