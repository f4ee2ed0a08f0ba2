//! The real CIFAR-10 and IMDB files, in the folder that `FIRECLAY_TEST_DATA` names (run with `--include-ignored`); and a reader
//! in Python that knows nothing of this one, to agree with.

use std::path::{Path, PathBuf};
use std::process::Command;

use fireclay_data::Targets;
use fireclay_datasets::{Cifar10, DataDir, Imdb};
use fireclay_text::Texts;

use crate::support::sha256;

fn real_data() -> PathBuf {
    std::env::var_os("FIRECLAY_TEST_DATA")
        .expect("FIRECLAY_TEST_DATA names a folder with the real files")
        .into()
}

/// What the script reads: split, index, label and digest of each record of its sample.
fn sample(kind: &str, path: &Path) -> Vec<(String, usize, u32, String)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/sample.py");
    let output = Command::new("python3")
        .args([script.as_os_str(), kind.as_ref(), path.as_os_str(), "20110613".as_ref(), "500".as_ref()])
        .output()
        .expect("python3 is needed to compare real data with another reader");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let records: Vec<_> = lines
        .lines()
        .map(|line| {
            let [split, index, label, digest] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            (split.to_owned(), index.parse().unwrap(), label.parse().unwrap(), digest.to_owned())
        })
        .collect();
    assert_eq!(records.len(), 1_004);
    records
}

#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `cifar-10-batches-bin/`"]
fn cifar_10_is_read_as_published() {
    let folder = real_data();
    let (train, test) = Cifar10::load(&DataDir::named(&folder)).unwrap();
    assert_eq!((train.len(), test.len()), (50_000, 10_000));
    assert_eq!((train.class_counts(), test.class_counts()), (vec![5_000; 10], vec![1_000; 10]));
    assert_eq!((train.provenance().name.as_str(), test.provenance().name.as_str()), ("CIFAR-10", "CIFAR-10"));
    assert_eq!(train.class_names()[9], "truck");

    // Sums of whole numbers, so that nothing is rounded.
    let (mut sums, mut squares) = ([0u64; 3], [0u64; 3]);
    for index in 0..train.len() {
        for (channel, plane) in train.raw_u8(index).unwrap().chunks_exact(1_024).enumerate() {
            sums[channel] += plane.iter().map(|byte| u64::from(*byte)).sum::<u64>();
            squares[channel] += plane.iter().map(|byte| u64::from(*byte).pow(2)).sum::<u64>();
        }
    }
    let pixels = 50_000.0 * 1_024.0;
    for channel in 0..3 {
        let mean = sums[channel] as f64 / pixels / 255.0;
        let std = (squares[channel] as f64 / pixels / 255.0f64.powi(2) - mean.powi(2)).sqrt();
        assert!((mean - f64::from(Cifar10::STANDARD_MEAN[channel])).abs() < 5e-5, "{channel}: {mean}");
        assert!((std - f64::from(Cifar10::STANDARD_STD[channel])).abs() < 1e-4, "{channel}: {std}");
    }

    for (split, index, label, digest) in sample("cifar", &folder.join("cifar-10-batches-bin")) {
        let set = if split == "train" { &train } else { &test };
        assert_eq!(set.label(index), Some(label), "{split} {index}");
        assert_eq!(sha256(set.raw_u8(index).unwrap()), digest, "{split} {index}");
    }
}

/// A cache that holds the published files, unpacked, needs no network.
#[cfg(unix)]
#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `cifar-10-batches-bin/`"]
fn a_filled_cache_of_cifar_10_needs_no_network() {
    let folder = real_data();
    let cache = tempfile::tempdir().unwrap();
    std::fs::create_dir(cache.path().join("cifar-10")).unwrap();
    let unpacked = "cifar-10-batches-bin";
    let target = std::path::absolute(folder.join(unpacked)).unwrap();
    std::os::unix::fs::symlink(target, cache.path().join("cifar-10").join(unpacked)).unwrap();
    let dir = DataDir::cache_at(cache.path());
    let (train, _) = Cifar10::load_with(&dir, &|_| panic!("nothing to download")).unwrap();
    assert_eq!(train.provenance().name, "CIFAR-10");
}

fn labels(texts: &Texts) -> &[u32] {
    match texts.targets() {
        Targets::Classes { labels, .. } => labels,
        _ => panic!("reviews have classes"),
    }
}

#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `imdb/`"]
fn imdb_is_read_as_published() {
    let folder = real_data();
    let (train, test) = Imdb::load(&DataDir::named(&folder)).unwrap();
    for (texts, split) in [(&train, "train"), (&test, "test")] {
        assert_eq!(texts.len(), 25_000);
        assert_eq!(labels(texts).iter().sum::<u32>(), 12_500);
        assert!(labels(texts).is_sorted());
        assert_eq!(
            (texts.provenance().name.as_str(), texts.provenance().split.as_str()),
            ("IMDB reviews", split)
        );
    }
    let archive = folder.join("imdb/aclImdb_labelled.tar.gz");
    for (split, index, label, digest) in sample("imdb", &archive) {
        let texts = if split == "train" { &train } else { &test };
        assert_eq!(labels(texts)[index], label, "{split} {index}");
        assert_eq!(sha256(texts.texts()[index].as_bytes()), digest, "{split} {index}");
    }
}
