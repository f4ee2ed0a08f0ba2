//! Drawn digits: what stays the same, what must differ, and that they look like MNIST in the large.

use std::collections::HashSet;

use fireclay_data::Dataset;
use fireclay_datasets::DrawnDigits;

fn pixels(dataset: &Dataset) -> Vec<&[u8]> {
    (0..dataset.len()).map(|i| dataset.raw_u8(i).unwrap()).collect()
}

#[test]
fn a_seed_gives_the_same_pixels_for_ever() {
    let (train, test) = DrawnDigits::new(0).train_and_test(200, 50);
    assert_eq!(
        train.provenance().sha256.as_deref(),
        Some("63a5ac4f5b730cf5b8b6ceee694d302ec0b4f7f25e6824681e3d31fd9a5b39aa")
    );
    assert_eq!(
        test.provenance().sha256.as_deref(),
        Some("f9082a5902f5f0a0a639f9b3fab8a460c1cf65e6919e8b2523483ed11af4ee69")
    );
    assert_eq!(train.provenance().name, "drawn digits");
    assert_eq!(train.provenance().source, "drawn by Fireclay, seed 0");
    assert_eq!(train.shape(), [1, 28, 28]);
}

#[test]
fn the_number_of_threads_and_of_samples_changes_nothing() {
    let (many, _) = DrawnDigits::new(3).train_and_test(300, 0);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (few, none) = single.install(|| DrawnDigits::new(3).train_and_test(100, 0));
    assert_eq!(pixels(&many.take(100)), pixels(&few));
    assert!(none.is_empty());
}

#[test]
fn no_two_are_alike() {
    let (train, test) = DrawnDigits::new(1).train_and_test(2_000, 500);
    let (other, _) = DrawnDigits::new(2).train_and_test(500, 0);
    let all: HashSet<&[u8]> = [&train, &test, &other].into_iter().flat_map(pixels).collect();
    assert_eq!(all.len(), 3_000);
}

#[test]
fn every_digit_is_there_as_often() {
    let (train, test) = DrawnDigits::new(5).train_and_test(1_000, 25);
    assert_eq!(train.class_counts(), [100; 10]);
    assert!(test.class_counts().iter().all(|count| (2..=3).contains(count)));
    let labels = |d: &Dataset| (0..20).map(|i| d.label(i)).collect::<Vec<_>>();
    assert_ne!(labels(&train)[..10], labels(&train)[10..]);
    assert_ne!(labels(&train), labels(&test));
}

/// MNIST's convention, on every sample: ink on black, at most 20 pixels each way and 20 in one, centred.
#[test]
fn every_sample_keeps_the_convention() {
    let (train, _) = DrawnDigits::new(9).train_and_test(2_000, 0);
    let mut sum = 0u64;
    for (index, image) in pixels(&train).into_iter().enumerate() {
        let (mut mass, mut mass_x, mut mass_y) = (0.0, 0.0, 0.0);
        let (mut low, mut high) = ([28, 28], [0, 0]);
        for (at, value) in image.iter().enumerate() {
            let (row, column) = (at / 28, at % 28);
            sum += u64::from(*value);
            mass += f64::from(*value);
            mass_x += f64::from(*value) * (column as f64 + 0.5);
            mass_y += f64::from(*value) * (row as f64 + 0.5);
            if *value > 127 {
                low = [low[0].min(row), low[1].min(column)];
                high = [high[0].max(row), high[1].max(column)];
            }
        }
        let longer = (high[0] + 1 - low[0]).max(high[1] + 1 - low[1]);
        assert!((17..=21).contains(&longer), "sample {index}: {longer} pixels");
        let centre = (mass_x / mass - 14.0).abs().max((mass_y / mass - 14.0).abs());
        assert!(centre < 1.0, "sample {index}: {centre} off the centre");
        assert!(image.iter().any(|value| *value > 180), "sample {index} is faint");
    }
    let mean = sum as f64 / 255.0 / 2_000.0 / 784.0;
    assert!((mean - 0.1307).abs() < 0.01, "mean {mean}, MNIST's is 0.1307");
}

/// The nearest drawn neighbour tells most digits: the classes are what they claim to be.
#[test]
fn the_classes_can_be_told_apart() {
    let (train, test) = DrawnDigits::new(4).train_and_test(3_000, 200);
    let (train_pixels, test_pixels) = (pixels(&train), pixels(&test));
    let distance = |a: &[u8], b: &[u8]| -> u32 {
        a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2) >> 4).sum()
    };
    let right = (test_pixels.iter().enumerate())
        .filter(|(index, image)| {
            let nearest = (0..train.len()).min_by_key(|i| distance(train_pixels[*i], image));
            nearest.and_then(|i| train.label(i)) == test.label(*index)
        })
        .count();
    assert!(right >= 150, "{right} of 200");
}
