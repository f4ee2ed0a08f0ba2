//! Weights in bf16: half of the size, and nothing else.

use fireclay_store::ModelFile;
use half::bf16;

use crate::CompressError;

/// Makes of a model one whose weights have no more digits than bf16, so that its file holds them in two bytes each. It computes in
/// `f32` as before, as fast as before. Biases, and what norms are learnt and measured, stay as they are.
///
/// ```
/// use fireclay_compress::to_bf16;
/// use fireclay_nn::{Device, ModelSpec, state};
/// use fireclay_store::{ModelCard, ModelFile};
///
/// let spec = ModelSpec::new([64]).dense(64).relu().dense(2);
/// let tensors = state(&spec.build_seeded(0, &Device::flex())?);
/// let model = ModelFile { card: ModelCard::new(spec), tensors };
/// # let folder = tempfile::tempdir()?;
/// # let (path, small) = (folder.path().join("model.fireclay"), folder.path().join("small.fireclay"));
/// let (before, after) = (model.save(path)?, to_bf16(&model)?.save(small)?);
/// assert!(10 * after < 6 * before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CompressError::AlreadyInt8`] for a model in 8-bit whole numbers, which is smaller; [`CompressError::BeyondBf16`] if a weight is
/// beyond the greatest number of bf16.
pub fn to_bf16(file: &ModelFile) -> Result<ModelFile, CompressError> {
    if file.card.spec.int8.is_some() {
        return Err(CompressError::AlreadyInt8);
    }
    let mut small = file.clone();
    for tensor in small.tensors.iter_mut().filter(|tensor| tensor.shape.len() > 1) {
        for value in &mut tensor.values {
            let rounded = bf16::from_f32(*value).to_f32();
            if !rounded.is_finite() {
                return Err(CompressError::BeyondBf16 { tensor: tensor.name.clone(), found: *value });
            }
            *value = rounded;
        }
    }
    Ok(small)
}
