//! NumPy's files: those that NumPy wrote (`fixtures/own_files/make.py`), and those that lie.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use fireclay_data::{BatchTargets, Source, TargetKind};
use fireclay_datasets::{
    DatasetsError, ImageLayout, NpyArray, NpyHeader, NpyValues, Npz, NumpyDataset, NumpyOptions, NumpyTargets,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/own_files").join(name)
}

/// An `.npy` file with this header.
fn npy(header: &str, values: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
}

pub fn array(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"), values)
}

fn npz(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, DatasetsError>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn every_kind_of_value_is_read_in_every_order() {
    for file in ["arrays.npz", "packed.npz"] {
        let mut npz = Npz::open(&fixture(file)).unwrap();
        let names: Vec<String> = npz.names().map(str::to_owned).collect();
        assert!(names.len() >= 42, "{names:?}");
        for name in names.iter().filter(|name| name.ends_with("_c") || name.ends_with("_f")) {
            let array = npz.array(name).unwrap();
            assert_eq!(array.shape, [2, 3, 4], "{name}");
            let is_bool = name.starts_with("bool");
            let expected: Vec<f32> = (0..24).map(|i| if is_bool { i % 2 } else { i } as f32).collect();
            assert_eq!(array.values.to_f32(), expected, "{name}");
        }
    }
    let mut npz = Npz::open(&fixture("packed.npz")).unwrap();
    let single = npz.array("single").unwrap();
    assert_eq!((single.shape.len(), single.values), (0, NpyValues::F64(vec![2.5])));
    let none = npz.array("none").unwrap();
    assert_eq!((none.shape, none.values.len()), (vec![0, 3], 0));
}

#[test]
fn every_version_of_the_format_is_read() {
    for name in ["version_2.npy", "version_3.npy"] {
        let array = NpyArray::read(&fixture(name)).unwrap();
        assert_eq!(
            array,
            NpyArray { shape: vec![2, 3], values: NpyValues::U8(vec![0, 1, 2, 3, 4, 5].into()) }
        );
        let mapped = NpyArray::read_or_map(&fixture(name), 5).unwrap();
        assert_eq!(mapped, array);
        assert!(
            matches!(mapped.values, NpyValues::U8(bytes) if bytes.is_mapped()),
            "6 bytes are more than 5"
        );
        let header = NpyHeader::read(&fixture(name)).unwrap();
        let bytes = std::fs::read(fixture(name)).unwrap();
        assert_eq!(bytes[header.mappable_bytes().unwrap() as usize..], [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn python_objects_are_refused() {
    let message = refusal(NpyArray::read(&fixture("objects.npy")));
    assert!(message.contains("objects.npy") && message.contains("can run any program"), "{message}");
    let message = refusal(NpyArray::from_bytes("x.npy", b"\x80\x04\x95\0\0\0\0\0\0"));
    assert!(
        message.contains("expected a NumPy array (.npy), found what looks like a Python pickle"),
        "{message}"
    );
}

#[test]
fn keras_arrays_become_datasets() {
    let (train, test) = NumpyDataset::load_npz(&fixture("keras.npz"), &NumpyOptions::default()).unwrap();
    assert_eq!((train.len(), test.len()), (4, 2));
    assert_eq!((train.shape(), train.class_names().len()), (&[1, 2, 3][..], 3));
    assert_eq!(train.raw_u8(3), Some(&[30, 31, 32, 33, 34, 35][..]));
    assert_eq!((train.label(3), test.label(0)), (Some(2), Some(1)));
    assert_eq!(test.num_classes(), Some(3), "the test part has the training part's classes");
    assert_eq!(train.provenance().name, "keras.npz");
    // Feature bytes, then label bytes.
    let mut all: Vec<u8> = (0..4).flat_map(|s| (0..6).map(move |i| 10 * s + i)).collect();
    all.extend([2, 0, 1, 2]);
    assert_eq!(train.provenance().sha256.as_deref(), Some(crate::support::sha256(&all).as_str()));
}

/// Features and targets as two files of one set.
fn load(
    features: &[u8],
    targets: &[u8],
    options: &NumpyOptions,
) -> Result<fireclay_data::Dataset, DatasetsError> {
    let folder = tempfile::tempdir().unwrap();
    let [x, y] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
    std::fs::write(&x, features).unwrap();
    std::fs::write(&y, targets).unwrap();
    NumpyDataset::load_npy(&x, &y, options)
}

#[test]
fn channels_last_become_channels_first() {
    // One image of 2 x 1 pixels: (1, 2, 3) and (4, 5, 6).
    let features = array("|u1", "(1, 2, 1, 3)", &[1, 2, 3, 4, 5, 6]);
    let image = load(&features, &array("|u1", "(1,)", &[0]), &NumpyOptions::default()).unwrap();
    assert_eq!(image.shape(), [3, 2, 1]);
    assert_eq!(image.raw_u8(0), Some(&[1, 4, 2, 5, 3, 6][..]));
}

#[test]
fn an_ambiguous_layout_is_asked_for() {
    let features = array("|u1", "(1, 3, 2, 3)", &[0; 18]);
    let targets = array("|u1", "(1,)", &[0]);
    let message = refusal(load(&features, &targets, &NumpyOptions::default()));
    assert!(message.contains("[1, 3, 2, 3]") && message.contains("say how its values lie"), "{message}");
    let options = NumpyOptions { layout: ImageLayout::ChannelsFirst, ..NumpyOptions::default() };
    assert_eq!(load(&features, &targets, &options).unwrap().shape(), [3, 2, 3]);
    let options = NumpyOptions { layout: ImageLayout::Grey, ..NumpyOptions::default() };
    let message = refusal(load(&features, &targets, &options));
    assert!(message.contains("expected [samples, height, width]"), "{message}");
    let floats = array("<f4", "(1, 1, 1)", &[0; 4]);
    let message = refusal(load(&floats, &targets, &NumpyOptions::default()));
    assert!(message.contains("grey images, or as many sequences"), "{message}");
}

#[test]
fn float_targets_are_values() {
    let features = array("<f4", "(2, 1)", &[1f32.to_le_bytes(), 2f32.to_le_bytes()].concat());
    let targets = array("<f8", "(2,)", &[0.5f64.to_le_bytes(), (-1f64).to_le_bytes()].concat());
    let rows = load(&features, &targets, &NumpyOptions::default()).unwrap();
    assert_eq!(rows.target_kind(), TargetKind::Values { width: 1 });
    let mut batch = fireclay_data::Batch::default();
    rows.gather(&[1], &mut batch);
    assert_eq!(batch.targets, BatchTargets::Values { width: 1, values: vec![-1.0] });
    let options = NumpyOptions { targets: NumpyTargets::Classes, ..NumpyOptions::default() };
    let message = refusal(load(&features, &targets, &options));
    assert!(message.contains("the targets are floats"), "{message}");
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let features = array("|u1", "(2, 3)", &[0; 6]);
    for (targets, expected) in [
        (array("|u1", "(3,)", &[0; 3]), "2 samples and 3 targets"),
        (array("|i1", "(2,)", &[0, 255]), "the label of sample 1 is -1"),
        (
            array("<u4", "(2,)", &[0, 0, 0, 0, 255, 255, 255, 255]),
            "is 4294967295, expected a whole number from 0 to 65535",
        ),
    ] {
        let message = refusal(load(&features, &targets, &NumpyOptions::default()));
        assert!(message.contains(expected), "{message}");
    }
    let message = refusal(load(&array("|u1", "(0, 3)", &[]), &features, &NumpyOptions::default()));
    assert!(message.contains("no dimension of 0"), "{message}");
    let nan = array("<f4", "(1, 1)", &f32::NAN.to_le_bytes());
    let message = refusal(load(&nan, &array("|u1", "(1,)", &[0]), &NumpyOptions::default()));
    assert!(message.contains("feature of sample 0 is NaN"), "{message}");
}

#[test]
fn a_test_label_without_a_class_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.npz");
    let x = array("|u1", "(1, 2)", &[1, 2]);
    let (y, z) = (array("|u1", "(1,)", &[1]), array("|u1", "(1,)", &[2]));
    let file = npz(&[("x_train.npy", &x), ("y_train.npy", &y), ("x_test.npy", &x), ("y_test.npy", &z)]);
    std::fs::write(&path, file).unwrap();
    let message = refusal(NumpyDataset::load_npz(&path, &NumpyOptions::default()));
    assert!(message.contains("the label of sample 0 is 2, expected a whole number from 0 to 1"), "{message}");
}

#[test]
fn a_file_that_is_not_as_long_as_it_says_is_refused() {
    let whole = array("<f8", "(2, 2)", &[0; 32]);
    for length in 0..whole.len() {
        let message = refusal(NpyArray::from_bytes("cut.npy", &whole[..length]));
        assert!(message.starts_with("cut.npy: "), "{message}");
    }
    let long = [&whole[..], b"x"].concat();
    let message = refusal(NpyArray::from_bytes("long.npy", &long));
    assert!(message.contains("promises 32 bytes of values, the file holds 33"), "{message}");
    // A terabyte in a hundred bytes: refused before memory is taken.
    let message = refusal(NpyArray::from_bytes("huge.npy", &array("|u1", "(1099511627776,)", &[0; 4])));
    assert!(message.contains("promises 1099511627776 bytes"), "{message}");
    let message = refusal(NpyArray::from_bytes("huge.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"));
    assert!(message.contains("the header claims 4294967295 bytes, expected 65536"), "{message}");
    let message = refusal(NpyArray::from_bytes("new.npy", b"\x93NUMPY\x09\x00\0\0"));
    assert!(message.contains("version 9.0"), "{message}");
}

#[test]
fn archives_that_lie_are_refused() {
    let open = |bytes: Vec<u8>| Npz::from_bytes("own.npz", bytes);
    let message = refusal(open(b"no archive".to_vec()));
    assert!(message.contains("own.npz: the archive is damaged or none"), "{message}");

    let small = array("|u1", "(2,)", &[1, 2]);
    let mut archive =
        open(npz(&[("labels.npy", &small), ("../x.npy", &small), ("readme.txt", b"")])).unwrap();
    assert_eq!(archive.names().collect::<Vec<_>>(), ["labels", "../x"], "names are names, not paths");
    let message = refusal(archive.array("lables"));
    assert!(
        message.contains("there is no array \"lables\"") && message.contains("did you mean \"labels\"?"),
        "{message}"
    );

    // 100 MB of zeros in 100 KB, of which the header promises two.
    let bomb = [array("|u1", "(2,)", &[]), vec![0; 100_000_000]].concat();
    let message = refusal(open(npz(&[("bomb.npy", &bomb)])).unwrap().array("bomb"));
    assert!(message.contains("promises 2 bytes of values, the file holds more than 2"), "{message}");
    let huge = array("|u1", "(8000000000,)", &[0; 1000]);
    let message = refusal(open(npz(&[("huge.npy", &huge)])).unwrap().array("huge"));
    assert!(message.contains("packed bytes, which unpack to"), "{message}");
    let short = array("|u1", "(200,)", &[0; 100]);
    let message = refusal(open(npz(&[("short.npy", &short)])).unwrap().array("short"));
    assert!(
        message.contains("array \"short\": the header promises 200 bytes of values, the file holds 100"),
        "{message}"
    );
}

#[test]
fn a_damaged_entry_is_found_by_its_checksum() {
    let values: Vec<u8> = (0..200).collect();
    let whole = array("|u1", "(200,)", &values);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file("a.npy", options).unwrap();
    writer.write_all(&whole).unwrap();
    let mut file = writer.finish().unwrap().into_inner();
    let at = file.windows(4).position(|window| window == [100, 101, 102, 103]).unwrap();
    file[at] = 0;
    let message = refusal(Npz::from_bytes("own.npz", file).unwrap().array("a"));
    assert!(message.contains("cannot be unpacked"), "{message}");
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let small = array("|u1", "(2,)", &[1, 2]);
    let file = npz(&[("a.npy", &small), ("b.npy", &small)]);
    // Renamed everywhere: in the entry itself and in the table of contents.
    let file: Vec<u8> = {
        let mut file = file;
        for at in 0..file.len() - 5 {
            if file[at..at + 5] == *b"b.npy" {
                file[at] = b'a';
            }
        }
        file
    };
    let message = refusal(Npz::from_bytes("own.npz", file));
    assert!(message.contains("two entries of one name"), "{message}");
}
