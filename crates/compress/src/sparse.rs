//! Single weights set to 0, for the size of the file alone.

use fireclay_nn::NamedTensor;
use fireclay_store::ModelFile;

use crate::CompressError;

/// How many of a tensor's weights are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseTensor {
    /// Its name.
    pub name: String,
    /// Its weights.
    pub weights: usize,
    /// Those that are 0.
    pub zeros: usize,
}

/// Sets this share of a model's weights to 0, those of the least magnitude among all, or with `by_layer` among those of each tensor
/// ([Han et al. 2015](https://arxiv.org/abs/1506.02626)). What has one dimension, such as biases
/// and norms, and what is not trained, such as frozen layers, stays as it is. Model files
/// hold a tensor of 1,024 weights or more, half of which or more are 0, without its zeros; the model computes as before, and as fast
/// as before. Then it is trained further with [`keep_zeros`](fireclay_train::FitOptions::keep_zeros).
///
/// ```
/// use fireclay_compress::sparsify;
/// use fireclay_nn::{Device, ModelSpec, state};
/// use fireclay_store::{ModelCard, ModelFile};
///
/// let spec = ModelSpec::new([64]).dense(64).relu().dense(2);
/// let tensors = state(&spec.build_seeded(0, &Device::flex())?);
/// let model = ModelFile { card: ModelCard::new(spec), tensors };
/// let (sparse, tensors) = sparsify(&model, 0.75, false)?;
/// assert_eq!(tensors.iter().map(|tensor| tensor.zeros).sum::<usize>(), 64 * 66 * 3 / 4);
/// # let folder = tempfile::tempdir()?;
/// # let (path, small) = (folder.path().join("model.fireclay"), folder.path().join("small.fireclay"));
/// assert!(2 * sparse.save(small)? < model.save(path)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CompressError::Option`] for a share that is not above 0 and below 1; [`CompressError::AlreadyInt8`] for a model in 8-bit whole
/// numbers: make the sparse one first, and whole numbers of that; [`CompressError::Nn`] for a description of no network.
pub fn sparsify(
    file: &ModelFile,
    share: f64,
    by_layer: bool,
) -> Result<(ModelFile, Vec<SparseTensor>), CompressError> {
    check_sparsity(share)?;
    if file.card.spec.int8.is_some() {
        return Err(CompressError::AlreadyInt8);
    }
    let mut sparse = file.clone();
    let expected = sparse.card.spec.tensors()?;
    let is_trained = |tensor: &NamedTensor| {
        tensor.shape.len() > 1
            && expected.iter().any(|expected| expected.name == tensor.name && expected.trainable)
    };
    let mut weights: Vec<&mut NamedTensor> =
        sparse.tensors.iter_mut().filter(|tensor| is_trained(tensor)).collect();
    match by_layer {
        true => weights.iter_mut().for_each(|tensor| cut(std::slice::from_mut(tensor), share)),
        false => cut(&mut weights, share),
    }
    let count = |tensor: &NamedTensor| SparseTensor {
        name: tensor.name.clone(),
        weights: tensor.values.len(),
        zeros: tensor.values.iter().filter(|value| **value == 0.0).count(),
    };
    // In the order of the layers.
    let tensors =
        expected.iter().filter_map(|expected| weights.iter().find(|tensor| tensor.name == expected.name));
    let tensors = tensors.map(|tensor| count(tensor)).collect();
    Ok((sparse, tensors))
}

/// Refuses shares that leave everything or nothing.
///
/// # Errors
/// [`CompressError::Option`]
pub fn check_sparsity(share: f64) -> Result<(), CompressError> {
    match share > 0.0 && share < 1.0 {
        true => Ok(()),
        false => Err(CompressError::Option {
            option: "sparsity",
            found: share.to_string(),
            expected: "above 0 and below 1",
        }),
    }
}

/// Sets this share of the tensors' weights to 0, of equal ones the first.
fn cut(tensors: &mut [&mut NamedTensor], share: f64) {
    let all = tensors.iter().flat_map(|tensor| &tensor.values);
    let mut sizes: Vec<f32> = all.map(|value| value.abs()).collect();
    let gone = (share * sizes.len() as f64).round() as usize;
    let Some(last) = gone.checked_sub(1) else { return };
    let (below, most, _) = sizes.select_nth_unstable_by(last, f32::total_cmp);
    let most = *most;
    let mut ties = gone - below.iter().filter(|size| **size < most).count();
    for value in tensors.iter_mut().flat_map(|tensor| &mut tensor.values) {
        if value.abs() < most {
            *value = 0.0;
        } else if value.abs() == most && ties > 0 {
            ties -= 1;
            *value = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use fireclay_nn::{Device, ModelSpec, state};
    use fireclay_store::ModelCard;

    use super::*;

    fn tensor(name: &str, values: &[f32]) -> NamedTensor {
        NamedTensor { name: name.to_string(), shape: vec![1, values.len()], values: values.to_vec() }
    }

    #[test]
    fn the_least_weights_go_and_of_equal_ones_the_first() {
        let (mut one, mut other) = (tensor("a", &[0.5, -0.1, 3.0]), tensor("b", &[0.5, -0.5, -0.0]));
        cut(&mut [&mut one, &mut other], 0.5);
        assert_eq!(one.values, [0.0, 0.0, 3.0]);
        assert_eq!(bits(&other.values), bits(&[0.5, -0.5, 0.0]));
    }

    #[test]
    fn what_is_not_trained_stays_as_it_is() {
        let spec = ModelSpec::new([8]).dense(8).relu().dense(8).freeze(["dense_1"]).unwrap();
        let tensors = state(&spec.build_seeded(0, &Device::flex()).unwrap());
        let file = ModelFile { card: ModelCard::new(spec), tensors };
        for by_layer in [true, false] {
            let (sparse, tensors) = sparsify(&file, 0.5, by_layer).unwrap();
            let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
            assert_eq!((&names[..], tensors[0].zeros), (&["dense_2.weight"][..], 32));
            let same = |name: &str| {
                let of = |file: &ModelFile| file.tensors.iter().find(|tensor| tensor.name == name).cloned();
                of(&sparse) == of(&file)
            };
            assert!(same("dense_1.weight") && same("dense_2.bias") && !same("dense_2.weight"));
        }
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }
}
