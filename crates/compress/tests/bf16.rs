//! Weights in bf16.

use fireclay_compress::{CompressError, to_bf16};
use fireclay_nn::{Device, Int8Spec, ModelSpec, state};
use fireclay_store::{ModelCard, ModelFile};

fn model() -> ModelFile {
    let spec = ModelSpec::new([1, 6, 6]).conv2d(4, 3).batch_norm().relu().flatten().dense(3);
    let tensors = state(&spec.build_seeded(1, &Device::flex()).unwrap());
    ModelFile { card: ModelCard::new(spec), tensors }
}

#[test]
fn weights_keep_eight_digits_and_take_two_bytes() {
    let mut before = model();
    let bias = before.tensors.iter_mut().find(|tensor| tensor.name == "dense_1.bias").unwrap();
    bias.values.fill(0.1234567);
    let small = to_bf16(&before).unwrap();
    for (one, other) in before.tensors.iter().zip(&small.tensors) {
        assert_eq!(one.name, other.name);
        let is_weight = one.shape.len() > 1;
        let half_a_digit = if is_weight { 1.0 / 256.0 } else { 0.0 };
        for (value, rounded) in one.values.iter().zip(&other.values) {
            assert!((value - rounded).abs() <= half_a_digit * value.abs(), "{}: {value} {rounded}", one.name);
            assert!(!is_weight || rounded.to_bits() << 16 == 0, "{}: {rounded}", one.name);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let sizes = [("before", &before), ("small", &small)].map(|(name, model)| {
        let path = folder.path().join(name);
        let size = model.save(&path).unwrap();
        let again = ModelFile::load(&path).unwrap().tensors;
        assert_eq!(again.len(), model.tensors.len());
        assert!(again.iter().all(|tensor| model.tensors.contains(tensor)), "the same bits come back");
        size
    });
    let weights: usize =
        before.tensors.iter().filter(|tensor| tensor.shape.len() > 1).map(|tensor| tensor.values.len()).sum();
    // Types have names, and headers are filled up to eight bytes.
    assert!(sizes[0].abs_diff(sizes[1] + 2 * weights as u64) <= 16, "{sizes:?}, {weights} weights");
    assert_eq!(to_bf16(&small).unwrap().tensors, small.tensors, "rounded once is rounded for good");
}

#[test]
fn what_bf16_cannot_hold_is_refused() {
    let mut beyond = model();
    beyond.tensors[0].values[0] = f32::MAX;
    let error = to_bf16(&beyond).unwrap_err();
    match &error {
        CompressError::BeyondBf16 { tensor, found } => {
            assert_eq!((tensor.as_str(), *found), ("conv2d_1.weight", f32::MAX));
        }
        other => panic!("{other:?}"),
    }
    let message =
        "a weight of conv2d_1.weight is 3.4028235e38; expected at most 3.39e38, the greatest number of bf16";
    assert_eq!(error.to_string(), message);
    let mut whole = model();
    whole.card.spec.int8 = Some(Int8Spec::default());
    assert!(matches!(to_bf16(&whole), Err(CompressError::AlreadyInt8)));
}
