//! CIFAR records that lie, one test per lie; and small honest sets, found wherever they may be.

use std::fs;
use std::path::Path;

use fireclay_data::{Batch, Dataset};
use fireclay_datasets::{Cifar10, Cifar100, DataDir, DatasetsError};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{gzip, sha256};
use crate::tars::{entry, file, special, tar};

const TEN: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];
const HUNDRED: [&str; 2] = ["train.bin", "test.bin"];

/// A record whose planes are `start`, `start + 1` and `start + 2`, but for its first byte, 255.
fn record(labels: &[u8], start: u8) -> Vec<u8> {
    let planes = (0..3).flat_map(|plane| [start + plane; 1_024]);
    let mut record: Vec<u8> = labels.iter().copied().chain(planes).collect();
    record[labels.len()] = 255;
    record
}

/// Two records a file, labels counting up.
fn ten() -> Vec<(&'static str, Vec<u8>)> {
    let content = |at: u8| [record(&[at], 10 * at), record(&[at + 1], 100 + 10 * at)].concat();
    TEN.into_iter().zip((0..6).map(content)).collect()
}

fn hundred() -> Vec<(&'static str, Vec<u8>)> {
    let train = [record(&[19, 99], 1), record(&[0, 7], 2), record(&[3, 50], 3)].concat();
    vec![(HUNDRED[0], train), (HUNDRED[1], record(&[5, 42], 4))]
}

fn written(files: &[(&str, Vec<u8>)], sub: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join(sub);
    fs::create_dir_all(&place).unwrap();
    for (name, content) in files {
        fs::write(place.join(name), content).unwrap();
    }
    folder
}

fn packed(files: &[(&str, Vec<u8>)], folder: &str) -> Vec<u8> {
    let entries: Vec<Vec<u8>> =
        files.iter().map(|(name, content)| file(&format!("{folder}{name}"), content)).collect();
    gzip(&tar(&entries))
}

fn load(folder: &Path) -> Result<(Dataset, Dataset), DatasetsError> {
    Cifar10::load_with(&DataDir::named(folder), &|_| panic!("nothing is downloaded"))
}

/// The message about ten files of which one is replaced, unpacked and in an archive, which must agree.
fn refusal(name: &'static str, content: &[u8]) -> String {
    let mut files = ten();
    files.iter_mut().find(|(file, _)| *file == name).unwrap().1 = content.to_vec();
    let folder = written(&files, "");
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("/{name}: ")), "{message}");
    let archive = written(&[("cifar-10-binary.tar.gz", packed(&files, "cifar-10-batches-bin/"))], "");
    let from_archive = load(archive.path()).unwrap_err().to_string();
    let problem = |message: &str| message.rsplit_once(&format!("/{name}: ")).unwrap().1.to_owned();
    assert!(from_archive.contains("cifar-10-binary.tar.gz/"), "{from_archive}");
    assert_eq!(problem(&message), problem(&from_archive));
    message
}

#[test]
fn records_are_taken_apart() {
    let folder = written(&ten(), "");
    let (train, test) = load(folder.path()).unwrap();
    assert_eq!((train.len(), test.len()), (10, 2));
    assert_eq!(train.shape(), [3, 32, 32]);
    let labels: Vec<u32> = (0..10).map(|index| train.label(index).unwrap()).collect();
    assert_eq!(labels, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert_eq!((test.label(0), test.label(1)), (Some(5), Some(6)));
    let image = train.raw_u8(3).unwrap();
    assert_eq!((image[0], image[1], image[1_024], image[3_071]), (255, 110, 111, 112));
    assert_eq!(train.class_names()[..2], ["airplane", "automobile"]);
    let mut batch = Batch::default();
    let train = train.with_normalization(Cifar10::standard()).unwrap();
    train.gather(&[3], &mut batch);
    assert_eq!(batch.features.values_mut()[3_071], (112.0 / 255.0 - 0.4465) / 0.2616);
}

#[test]
fn other_records_are_not_called_by_the_sets_name() {
    let folder = written(&ten(), "");
    let (train, test) = load(folder.path()).unwrap();
    let provenance = train.provenance();
    assert_eq!((provenance.name.as_str(), provenance.split.as_str()), ("CIFAR-10 records", "train"));
    assert_eq!(provenance.source, "files data_batch_1.bin to data_batch_5.bin");
    assert_eq!(test.provenance().source, "file test_batch.bin");
    // The digest of the files' digests.
    let bytes = |digest: &str| -> Vec<u8> {
        (0..32).map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let digests: Vec<u8> = ten()[..5].iter().flat_map(|(_, content)| bytes(&sha256(content))).collect();
    assert_eq!(provenance.sha256, Some(sha256(&digests)));
    assert_eq!(test.provenance().sha256, Some(sha256(&bytes(&sha256(&ten()[5].1)))));
}

#[test]
fn fine_and_coarse_labels() {
    let names = ["fine_label_names.txt", "coarse_label_names.txt"];
    for sub in ["", "cifar-100-binary", "cifar-100", "cifar-100/cifar-100-binary"] {
        let folder = written(&hundred(), sub);
        let dir = DataDir::named(folder.path());
        let (fine, fine_test) = Cifar100::load(&dir).unwrap();
        let (coarse, coarse_test) = Cifar100::load_coarse(&dir).unwrap();
        let labels = |set: &Dataset| (0..set.len()).map(|at| set.label(at).unwrap()).collect::<Vec<_>>();
        assert_eq!((labels(&fine), labels(&fine_test)), (vec![99, 7, 50], vec![42]));
        assert_eq!((labels(&coarse), labels(&coarse_test)), (vec![19, 0, 3], vec![5]));
        assert_eq!((fine.num_classes(), coarse.num_classes()), (Some(100), Some(20)));
        assert_eq!(
            (fine.class_names()[99].as_str(), coarse.class_names()[19].as_str()),
            ("worm", "vehicles_2")
        );
        assert_eq!(fine.raw_u8(1), coarse.raw_u8(1));
        assert_eq!(fine.raw_u8(1).unwrap()[1], 2);
        assert_eq!(fine.provenance().name, "CIFAR-100 records");
        // A list of twenty where a hundred are due.
        let place = folder.path().join(sub);
        let twenty: Vec<String> = (0..20).map(|at| format!("group {at}")).collect();
        for name in names {
            fs::write(place.join(name), twenty.join("\n")).unwrap();
        }
        assert_eq!(Cifar100::load_coarse(&dir).unwrap().0.class_names()[3], "group 3");
        let message = Cifar100::load(&dir).unwrap_err().to_string();
        assert!(message.contains("names of 100 classes") && message.contains("found 20 lines"), "{message}");
    }
    let mut files = hundred();
    for (labels, what) in
        [([20, 0], "coarse label 20, but there are 20"), ([0, 100], "fine label 100, but there are 100")]
    {
        files[1].1 = record(&labels, 1);
        let folder = written(&files, "");
        for outcome in [
            Cifar100::load(&DataDir::named(folder.path())),
            Cifar100::load_coarse(&DataDir::named(folder.path())),
        ] {
            let message = outcome.unwrap_err().to_string();
            assert!(message.contains("test.bin: record 0") && message.contains(what), "{message}");
        }
    }
}

#[test]
fn every_usual_place_is_found() {
    let (expected, _) = load(written(&ten(), "").path()).unwrap();
    for sub in ["cifar-10-batches-bin", "cifar-10", "cifar-10/cifar-10-batches-bin"] {
        let folder = written(&ten(), sub);
        assert_eq!(load(folder.path()).unwrap().0.provenance(), expected.provenance(), "{sub}");
    }
    for (sub, inside) in
        [("", "cifar-10-batches-bin/"), ("cifar-10", "cifar-10-batches-bin/"), ("", ""), ("", "./")]
    {
        let folder = written(&[("cifar-10-binary.tar.gz", packed(&ten(), inside))], sub);
        let (train, test) = load(folder.path()).unwrap();
        assert_eq!(train.provenance().sha256, expected.provenance().sha256, "{sub} {inside}");
        assert_eq!(train.provenance().source, "archive cifar-10-binary.tar.gz");
        assert_eq!((train.raw_u8(9), test.label(1)), (expected.raw_u8(9), Some(6)));
        let place = folder.path().join(sub);
        assert_eq!(fs::read_dir(place).unwrap().count(), 1, "nothing is written into a named folder");
    }
}

#[test]
fn class_names_come_from_the_file_beside_the_records() {
    let names = "ant\nbee\ncrab\ndove\neel\nfly\ngnu\nhen\nibis\njay\n\n";
    let mut files = ten();
    files.push(("batches.meta.txt", names.into()));
    for (files, sub) in
        [(files.clone(), ""), (vec![("cifar-10-binary.tar.gz", packed(&files, "cifar-10-batches-bin/"))], "")]
    {
        let folder = written(&files, sub);
        assert_eq!(load(folder.path()).unwrap().0.class_names()[4], "eel");
    }
    files[6].1 = names.replace("eel", "bee").into();
    for files in [files.clone(), vec![("cifar-10-binary.tar.gz", packed(&files, ""))]] {
        let message = load(written(&files, "").path()).unwrap_err().to_string();
        assert!(
            message.contains("batches.meta.txt: ") && message.contains("\"bee\" again on line 5"),
            "{message}"
        );
    }
}

#[test]
fn a_missing_file_is_an_error_and_not_a_download() {
    let folder = written(&[], "");
    let message = load(folder.path()).unwrap_err().to_string();
    for expected in ["data_batch_1.bin", "test_batch.bin", "cifar-10-binary.tar.gz", "cifar-10-batches-bin"] {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    let message = load(&folder.path().join("absent")).unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("absent"), "{message}");
    for missing in [0, 3, 5] {
        let mut files = ten();
        let (name, _) = files.remove(missing);
        let message = load(written(&files, "").path()).unwrap_err().to_string();
        assert!(message.contains(&format!("expected {name} beside ")), "{message}");
        let archive = packed(&files, "cifar-10-batches-bin/");
        let message =
            load(written(&[("cifar-10-binary.tar.gz", archive)], "").path()).unwrap_err().to_string();
        assert!(message.contains(&format!("the file {name} in the archive, found none")), "{message}");
    }
}

#[test]
fn empty() {
    let message = refusal("data_batch_3.bin", b"");
    assert!(message.contains("found 0 bytes") && message.contains("empty"), "{message}");
}

#[test]
fn one_byte_short_and_bytes_left_over() {
    for name in ["data_batch_1.bin", "test_batch.bin"] {
        let two = [record(&[1], 1), record(&[2], 2)].concat();
        let message = refusal(name, &two[..two.len() - 1]);
        assert!(
            message.contains("3073 bytes each, found 6145 bytes, which is 1 records and 3072 bytes"),
            "{message}"
        );
        let message = refusal(name, &[&two[..], &[0; 3]].concat());
        assert!(message.contains("2 records and 3 bytes; replace the file"), "{message}");
    }
}

#[test]
fn a_label_above_the_classes() {
    let message = refusal("data_batch_4.bin", &[record(&[9], 1), record(&[10], 2)].concat());
    assert!(message.contains("record 1 has label 10, but there are 10 classes"), "{message}");
    let many: Vec<u8> = (0..150).flat_map(|at| record(&[if at == 140 { 255 } else { 0 }], at)).collect();
    assert!(refusal("test_batch.bin", &many).contains("record 140 has label 255"));
}

#[test]
fn records_of_the_other_set_are_recognised() {
    let message = refusal("test_batch.bin", &hundred()[0].1);
    assert!(message.contains("may hold records of CIFAR-100, use those of CIFAR-10"), "{message}");
    let files = [(HUNDRED[0], ten()[0].1.clone()), (HUNDRED[1], ten()[1].1.clone())];
    let message = Cifar100::load(&DataDir::named(written(&files, "").path())).unwrap_err().to_string();
    assert!(message.contains("may hold records of CIFAR-10, use those of CIFAR-100"), "{message}");
}

#[test]
fn one_file_under_two_names_is_recognised() {
    let message = refusal("test_batch.bin", &ten()[1].1);
    assert!(
        message.contains("test_batch.bin and data_batch_2.bin to differ, found the same content"),
        "{message}"
    );
}

#[test]
fn what_is_no_file_of_records_is_refused() {
    let files = ten();
    let folder = written(&files[..5], "");
    fs::create_dir(folder.path().join("test_batch.bin")).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("test_batch.bin is not a regular file"), "{message}");

    // A file that claims a gigabyte and holds nothing.
    let folder = written(&files[..5], "");
    let sparse = fs::File::create(folder.path().join("test_batch.bin")).unwrap();
    sparse.set_len(3_073 * 400_000).unwrap();
    let message = load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("expected at most 536870912 bytes, found 1229200000"), "{message}");
}

#[test]
fn an_archive_that_lies_is_refused() {
    let inside = |name: &str| format!("cifar-10-batches-bin/{name}");
    let honest: Vec<Vec<u8>> = ten().iter().map(|(name, content)| file(&inside(name), content)).collect();
    let refuse = |entries: Vec<Vec<u8>>| {
        let folder = written(&[("cifar-10-binary.tar.gz", gzip(&tar(&entries)))], "");
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("cifar-10-binary.tar.gz: "), "{message}");
        message
    };
    let with = |more: Vec<u8>| [vec![more], honest.clone()].concat();
    assert!(refuse(with(special(&inside("test_batch.bin"), b'2', "/dev/zero"))).contains("a symbolic link"));
    assert!(refuse(with(special("cifar-10-batches-bin", b'2', "/etc"))).contains("which is a link"));
    assert!(refuse(with(special(&inside("batches.meta.txt"), b'3', ""))).contains("a device"));
    assert!(refuse(with(file("/etc/passwd", b""))).contains("absolute"));
    assert!(refuse(with(file("cifar-10-batches-bin/../../x", b""))).contains("`..`"));
    assert!(refuse(with(file(&inside("TEST_batch.bin"), b""))).contains("another case"));
    assert!(refuse(with(file("test_batch.bin", b""))).contains("second time"));
    let unrelated = with(entry("cifar-10-batches-bin/", b'5', b""));
    let folder = written(&[("cifar-10-binary.tar.gz", gzip(&tar(&unrelated)))], "");
    assert_eq!(load(folder.path()).unwrap().0.len(), 10);
}

/// Files that are not the published ones are no cache, though they would do in a named folder.
#[test]
fn the_cache_does_not_trust_what_it_holds() {
    let folder = written(&ten(), "cifar-10/cifar-10-batches-bin");
    fs::write(folder.path().join("cifar-10/cifar-10-binary.tar.gz"), packed(&ten(), "")).unwrap();
    // A folder in the way of the download keeps this test off the network.
    fs::create_dir(folder.path().join("cifar-10/.cifar-10-binary.tar.gz.lock")).unwrap();
    let message = Cifar10::load(&DataDir::cache_at(folder.path())).unwrap_err().to_string();
    assert!(message.contains(".cifar-10-binary.tar.gz.lock"), "{message}");
}

#[test]
fn the_archives_are_described_whole() {
    for (files, bytes) in [(Cifar10::remote_files(), 170_052_171), (Cifar100::remote_files(), 168_513_733)] {
        let [file] = &files[..] else { panic!("one archive") };
        assert_eq!((file.bytes, file.sha256.len()), (bytes, 64));
        assert!(file.urls.iter().all(|url| url.starts_with("https://") && url.ends_with(&file.name)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any number of records, in any split: they come back in order.
    #[test]
    fn records_come_back(counts in prop::collection::vec(1usize..80, 6)) {
        let mut next = 0u32;
        let mut files = Vec::new();
        for (name, count) in TEN.into_iter().zip(&counts) {
            let mut content = Vec::new();
            for _ in 0..*count {
                let mut record = record(&[(next % 10) as u8], (next % 250) as u8);
                record[10..14].copy_from_slice(&next.to_le_bytes());
                content.extend(record);
                next += 1;
            }
            files.push((name, content));
        }
        let (train, test) = load(written(&files, "").path()).unwrap();
        prop_assert_eq!(train.len() + test.len(), next as usize);
        for index in 0..next {
            let at = index as usize;
            let (set, at) = if at < train.len() { (&train, at) } else { (&test, at - train.len()) };
            prop_assert_eq!(set.label(at), Some(index % 10));
            prop_assert_eq!(&set.raw_u8(at).unwrap()[9..13], &index.to_le_bytes());
        }
    }
}
