//! What a file is and what is in it, whatever it is called.

use std::collections::HashMap;
use std::path::Path;

use fireclay_exchange::{ExchangeError, FileFormat, Inspection};
use fireclay_nn::{Device, ModelSpec};
use fireclay_store::{ModelCard, save_model};
use safetensors::tensor::{Dtype, TensorView};

fn write_foreign(path: &Path) {
    let (floats, halves): (Vec<u8>, Vec<u8>) = (
        [1.5f32, f32::NAN, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect(),
        [half::bf16::from_f32(3.0), half::bf16::from_f32(-0.5)]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
    );
    let tensors = HashMap::from([
        ("b", TensorView::new(Dtype::F32, vec![3], &floats).unwrap()),
        ("a.weight", TensorView::new(Dtype::BF16, vec![2, 1], &halves).unwrap()),
    ]);
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    std::fs::write(path, safetensors::serialize(tensors, Some(metadata)).unwrap()).unwrap();
}

#[test]
fn a_model_of_ours_and_tensors_of_others_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("weights.safetensors");
    let model = ModelSpec::new([1, 6, 6]).conv2d(2, 3).flatten().dense(4).build(&Device::default()).unwrap();
    let card = ModelCard {
        classes: ["a", "b", "c", "d"].map(String::from).to_vec(),
        ..ModelCard::new(model.spec().clone())
    };
    let bytes = save_model(&ours, &model, &card).unwrap();
    let found = Inspection::of(&ours).unwrap();
    assert_eq!((found.format, found.bytes), (FileFormat::Fireclay, bytes));
    assert_eq!(found.card.as_ref().unwrap().classes, card.classes);
    assert_eq!(found.parameters(), 2 * 9 + 2 + 4 * 32 + 4);
    assert_eq!(found.tensors[1].name, "conv2d_1.weight");
    assert_eq!(found.tensors[1].shape, [2, 1, 3, 3]);
    assert_eq!((found.tensors[1].dtype.as_str(), found.tensors[1].range), ("f32", None));

    let foreign = folder.path().join("model.fireclay");
    write_foreign(&foreign);
    let found = Inspection::with_ranges(&foreign).unwrap();
    assert_eq!(found.format, FileFormat::Safetensors);
    assert_eq!(found.facts, [("format".to_owned(), "pt".to_owned())]);
    let tensors: Vec<_> = (found.tensors.iter())
        .map(|tensor| (tensor.name.as_str(), tensor.dtype.as_str(), tensor.range.unwrap()))
        .map(|(name, dtype, range)| (name, dtype, range.min, range.max, range.not_finite))
        .collect();
    assert_eq!(tensors, [("a.weight", "bf16", -0.5, 3.0, 0), ("b", "f32", -2.0, 1.5, 1)]);
}

#[test]
fn what_is_no_model_is_said_by_how_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"hello, world", "begins with \"hello, w\""),
        (b"PK\x03\x04 and nothing more", "ZIP archive with neither"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = Inspection::of(&path).unwrap_err();
        assert!(matches!(error, ExchangeError::UnknownFormat { .. }), "{error}");
        assert!(error.to_string().contains(expected) && error.to_string().contains("model.onnx"), "{error}");
    }
    let error = FileFormat::of(folder.path()).unwrap_err().to_string();
    assert!(error.contains("a folder without a config.json"), "{error}");
    let error = FileFormat::of(folder.path().join("none")).unwrap_err();
    assert!(matches!(error, ExchangeError::Read { .. }), "{error}");
}

#[test]
fn lies_about_lengths_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lie.safetensors");
    write_foreign(&path);
    let bytes = std::fs::read(&path).unwrap();
    for cut in (9..bytes.len()).step_by(5) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let error = Inspection::of(&path).unwrap_err();
        assert!(matches!(error, ExchangeError::Malformed { .. }), "cut at {cut}: {error}");
    }
    for length in [0, 1, u64::from(u32::MAX), u64::MAX] {
        let lie = [&length.to_le_bytes(), &bytes[8..]].concat();
        std::fs::write(&path, lie).unwrap();
        assert!(Inspection::of(&path).is_err(), "a header of {length} bytes");
    }
}
