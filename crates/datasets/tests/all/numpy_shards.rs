//! Sets of NumPy's arrays in several files.

use std::path::Path;

use fireclay_data::{Batch, BatchFeatures, Dataset, Source, TargetKind};
use fireclay_datasets::{DatasetsError, NumpyDataset, NumpyOptions};

use super::numpy_files::array;

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn load(folder: &Path, map_above: u64) -> Result<(Dataset, Option<Dataset>), DatasetsError> {
    NumpyDataset::load_shards(folder, &NumpyOptions::default(), map_above)
}

fn refusal(files: &[(&str, Vec<u8>)], map_above: u64) -> String {
    load(folder(files).path(), map_above).unwrap_err().to_string()
}

fn images(samples: usize, first: u8) -> Vec<u8> {
    let pixels: Vec<u8> = (0..samples * 6).map(|at| first + at as u8).collect();
    array("|u1", &format!("({samples}, 2, 3)"), &pixels)
}

fn labels(labels: &[u8]) -> Vec<u8> {
    array("|u1", &format!("({},)", labels.len()), labels)
}

/// Five images in two files, and two of a test part.
fn digits() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("x_train-00002.npy", images(2, 100)),
        ("x_train-00001.npy", images(3, 0)),
        ("y_train-00001.npy", labels(&[0, 2, 1])),
        // Of another type, as NumPy chooses them by their values.
        (
            "y_train-00002.npy",
            array("<i8", "(2,)", &[[2, 0, 0, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0, 0, 0]].concat()),
        ),
        ("x_test.npy", images(2, 50)),
        ("y_test.npy", labels(&[1, 0])),
        ("notes.txt", Vec::new()),
    ]
}

#[test]
fn files_of_images_are_one_set_in_memory_or_where_they_lie() {
    let folder = folder(&digits());
    for (map_above, is_mapped) in [(30, false), (29, true)] {
        let (train, test) = load(folder.path(), map_above).unwrap();
        let test = test.unwrap();
        assert_eq!((train.len(), train.shards(), train.shape()), (5, 2, &[1, 2, 3][..]));
        assert_eq!((train.is_mapped(), test.is_mapped()), (is_mapped, false), "12 bytes are less");
        assert_eq!((train.is_read_by_shards(), test.is_read_by_shards()), (is_mapped, false));
        assert_eq!(train.raw_u8(2), Some(&[12, 13, 14, 15, 16, 17][..]));
        assert_eq!(train.raw_u8(3), Some(&[100, 101, 102, 103, 104, 105][..]));
        let read: Vec<_> = (0..5).filter_map(|index| train.label(index)).collect();
        assert_eq!((read, train.num_classes(), test.num_classes()), (vec![0, 2, 1, 2, 3], Some(4), Some(4)));
        assert!(train.provenance().own && train.provenance().source.contains("2 files"));
        assert_eq!(train.provenance().sha256, None);
    }
    let options = NumpyOptions::default();
    assert_eq!(NumpyDataset::training_shape(folder.path(), &options).unwrap(), [5, 2, 3]);
    assert!(NumpyDataset::has_test_part(folder.path(), &options).unwrap());
    let (train, test) = NumpyDataset::load(folder.path(), &options).unwrap();
    assert_eq!((train.len(), test.map(|test| test.len())), (5, Some(2)));
}

#[test]
fn numbers_of_every_kind_are_read_and_floats_where_they_lie() {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let targets = |values: &[f32]| array("<f4", &format!("({}, 1)", values.len()), &floats(values));
    let mut files = vec![
        ("x_train_a.npy", array("<f4", "(2, 2)", &floats(&[1.0, 2.0, 3.0, 4.0]))),
        ("x_train_b.npy", array("<f4", "(1, 2)", &floats(&[5.0, 6.0]))),
        ("y_train_a.npy", targets(&[0.5, 1.5])),
        ("y_train_b.npy", targets(&[2.5])),
    ];
    let gathered = |map_above| {
        let (train, test) = load(folder(&files).path(), map_above).unwrap();
        assert!(test.is_none());
        assert_eq!(train.target_kind(), TargetKind::Values { width: 1 });
        let mut batch = Batch::default();
        train.gather(&[2, 0], &mut batch);
        (train.is_mapped(), batch.features)
    };
    let expected = BatchFeatures::Values(vec![5.0, 6.0, 1.0, 2.0]);
    assert_eq!(gathered(24), (false, expected.clone()));
    assert_eq!(gathered(23), (true, expected.clone()));
    files[1].1 = array(">i2", "(1, 2)", &[0, 5, 0, 6]);
    let (train, _) = load(folder(&files).path(), 100).unwrap();
    let mut batch = Batch::default();
    train.gather(&[2, 0], &mut batch);
    assert_eq!(batch.features, expected);
    let message = refusal(&files, 19);
    assert!(message.contains("x_train_b.npy") && message.contains("20 bytes"), "{message}");
    assert!(message.contains("little-endian float32"), "{message}");
}

#[test]
fn channels_last_are_turned_in_memory_and_refused_in_their_file() {
    let image = || array("|u1", "(1, 2, 1, 3)", &[1, 2, 3, 4, 5, 6]);
    let files = vec![("x_train.npy", image()), ("y_train.npy", labels(&[0]))];
    let (train, _) = load(folder(&files).path(), 6).unwrap();
    assert_eq!((train.shape(), train.raw_u8(0)), (&[3, 2, 1][..], Some(&[1, 4, 2, 5, 3, 6][..])));
    let message = refusal(&files, 5);
    assert!(message.contains("[samples, channels, height, width]"), "{message}");
}

#[test]
fn what_does_not_fit_is_refused_with_the_file() {
    let without = |name: &str| {
        let mut files = digits();
        files.retain(|(found, _)| *found != name);
        refusal(&files, 100)
    };
    let message = without("y_train-00002.npy");
    assert!(
        message.contains("x_train-00002.npy") && message.contains("no y_train-00002.npy beside it"),
        "{message}"
    );
    let message = without("x_test.npy");
    assert!(message.contains("y_test.npy") && message.contains("no x_test.npy beside it"), "{message}");

    let with = |name: &str, bytes: Vec<u8>| {
        let mut files = digits();
        files.iter_mut().filter(|(found, _)| *found == name).for_each(|(_, old)| *old = bytes.clone());
        refusal(&files, 100)
    };
    let message = with("x_train-00002.npy", array("|u1", "(2, 3, 2)", &[0; 12]));
    assert!(message.contains("x_train-00002.npy") && message.contains("samples of [1, 3, 2]"), "{message}");
    let message = with("y_train-00002.npy", labels(&[1]));
    assert!(message.contains("2 samples and 1 targets"), "{message}");
    let message = with("y_train-00002.npy", array("|u1", "(2, 2)", &[0; 4]));
    assert!(message.contains("y_train-00002.npy") && message.contains("targets of [2]"), "{message}");
    let message = with("y_train-00002.npy", array("<f4", "(2,)", &[0; 8]));
    assert!(message.contains("y_train-00002.npy") && message.contains("targets of [], floats"), "{message}");
    let message = with("x_train-00002.npy", array("|u1", "(2, 2, 3, 1)", &[0; 12]));
    assert!(message.contains("samples of [1, 2, 3] with their channels last"), "{message}");
    let message = with("y_train-00002.npy", array("<u8", "(2,)", &[255; 16]));
    assert!(message.contains("expected a whole number from 0"), "{message}");
    let message = with("x_test.npy", array("|u1", "(2, 1, 1)", &[0; 2]));
    assert!(message.contains("test samples have the shape [1, 1, 1]"), "{message}");
    let message = with("y_test.npy", labels(&[9, 0]));
    assert!(message.contains("label of sample 0 is 9") && message.contains("from 0 to 3"), "{message}");
    let message = with("x_train-00001.npy", b"PK".to_vec());
    assert!(message.contains("x_train-00001.npy") && message.contains("perhaps an .npz"), "{message}");
    let mut short = images(3, 0);
    short.truncate(short.len() - 1);
    assert!(with("x_train-00001.npy", short).contains("promises 18 bytes"), "cut short");
    let message = refusal(&[("x.npy", Vec::new())], 0);
    assert!(message.contains("no file is called x_train*.npy"), "{message}");
}

#[test]
fn names_that_begin_as_others_are_told_apart() {
    let mut files = digits();
    for (name, _) in &mut files {
        *name = match *name {
            "x_train-00001.npy" => "x-1.npy",
            "x_train-00002.npy" => "x-2.NPY",
            "y_train-00001.npy" => "y-1.npy",
            "y_train-00002.npy" => "y-2.NPY",
            other => other,
        };
    }
    let folder = folder(&files);
    let names = ["x", "y", "x_test", "y_test"].map(str::to_owned);
    let options = NumpyOptions { names, ..NumpyOptions::default() };
    let (train, test) = NumpyDataset::load_shards(folder.path(), &options, 100).unwrap();
    assert_eq!((train.len(), test.map(|test| test.len())), (5, Some(2)));
    assert_eq!(NumpyDataset::training_shape(folder.path(), &options).unwrap(), [5, 2, 3]);
}

#[test]
fn a_value_that_is_not_finite_is_found_when_it_is_read() {
    let values: Vec<u8> = [1.0, f32::INFINITY].iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
    let files = [("x_train.npy", array("<f4", "(2, 1)", &values)), ("y_train.npy", labels(&[0, 1]))];
    assert!(
        refusal(&files, 8).contains("feature of sample 1 is inf"),
        "in memory before anything is trained"
    );
    let (train, _) = load(folder(&files).path(), 7).unwrap();
    let message = Source::gather(&train, &[1], &mut Batch::default()).unwrap_err().to_string();
    assert!(message.contains("feature of sample 1 is inf"), "{message}");
}
