//! The real MNIST files, in `mnist/` of the folder that `FIRECLAY_TEST_DATA` names; run with `--include-ignored`.

use std::path::PathBuf;

use fireclay_datasets::{DataDir, DrawnDigits, Mnist};

fn real_data() -> PathBuf {
    std::env::var_os("FIRECLAY_TEST_DATA").expect("FIRECLAY_TEST_DATA names a folder with `mnist/`").into()
}

#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `mnist/`"]
fn the_published_files_are_read_as_they_are() {
    let folder = real_data();
    let (train, test) = Mnist::load(&DataDir::named(&folder)).unwrap();
    assert_eq!((train.len(), test.len()), (60_000, 10_000));
    assert_eq!(train.shape(), [1, 28, 28]);
    assert_eq!(train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(test.class_counts(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert_eq!((train.label(0), test.label(0)), (Some(5), Some(7)));
    assert_eq!(train.provenance().name, "MNIST");
    assert_eq!(test.provenance().name, "MNIST");
    assert_eq!(train.class_names().len(), 10);

    let mut histogram = [0u64; 256];
    for index in 0..train.len() {
        for pixel in train.raw_u8(index).unwrap() {
            histogram[usize::from(*pixel)] += 1;
        }
    }
    let pixels = histogram.iter().sum::<u64>() as f64;
    let moment = |power: i32| {
        let sum = (histogram.iter().enumerate())
            .map(|(byte, count)| (byte as f64 / 255.0).powi(power) * *count as f64)
            .sum::<f64>();
        sum / pixels
    };
    let std = (moment(2) - moment(1).powi(2)).sqrt();
    assert!((moment(1) - f64::from(Mnist::STANDARD_MEAN)).abs() < 5e-5, "{}", moment(1));
    assert!((std - f64::from(Mnist::STANDARD_STD)).abs() < 5e-5, "{std}");

    // The same files found directly in the folder that was named.
    let (again, _) = Mnist::load(&DataDir::named(folder.join("mnist"))).unwrap();
    assert_eq!(again.provenance(), train.provenance());
}

/// A cache that holds the published files is used without a network.
#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `mnist/`"]
fn a_filled_cache_needs_no_network() {
    let folder = real_data();
    let cache = tempfile::tempdir().unwrap();
    std::fs::create_dir(cache.path().join("mnist")).unwrap();
    for file in Mnist::remote_files() {
        let from = folder.join("mnist").join(&file.name);
        std::fs::copy(from, cache.path().join("mnist").join(&file.name)).unwrap();
    }
    let dir = DataDir::cache_at(cache.path());
    let (train, _) = Mnist::load_with(&dir, &|_| panic!("nothing to download")).unwrap();
    assert_eq!(train.provenance().name, "MNIST");
}

/// A digit written by hand is mostly nearest to a drawn one of the same name. This catches what drawn digits alone
/// cannot show: a mirrored glyph, or a 6 called 9.
#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `mnist/`"]
fn drawn_digits_resemble_written_ones() {
    let folder = real_data();
    let (drawn, _) = DrawnDigits::new(0).train_and_test(5_000, 0);
    let (_, written) = Mnist::load(&DataDir::named(folder)).unwrap();
    let written = written.take(400);
    let distance = |a: &[u8], b: &[u8]| -> u32 {
        a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2) >> 4).sum()
    };
    let right = (0..written.len())
        .filter(|index| {
            let image = written.raw_u8(*index).unwrap();
            let nearest = (0..drawn.len()).min_by_key(|i| distance(drawn.raw_u8(*i).unwrap(), image));
            nearest.and_then(|i| drawn.label(i)) == written.label(*index)
        })
        .count();
    assert!(right >= 260, "{right} of 400");
}
