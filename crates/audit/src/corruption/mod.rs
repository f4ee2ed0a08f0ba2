//! Pictures as they are badly taken, in the manner of CIFAR-10-C ([Hendrycks and Dietterich 2019](https://arxiv.org/abs/1903.12261)) and
//! MNIST-C ([Mu and Gilmer 2019](https://arxiv.org/abs/1906.02337)), with five strengths each; strengths are ours.

mod kinds;

use fireclay_data::{Dataset, Random, Targets};

use crate::AuditError;

/// The stream of random numbers that noise is made of.
const PURPOSE: u64 = 0x636f_7272;

/// How many strengths there are, counted from 1.
pub const STRENGTHS: usize = 5;

/// What is done to a picture. Values of pixels are from 0 to 1 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Normal noise is added to each value.
    GaussianNoise,
    /// Some values become 0 or 1.
    ImpulseNoise,
    /// Each value becomes a weighted mean of those around it.
    GaussianBlur,
    /// All values grow.
    Brightness,
    /// All values come nearer to their mean.
    Contrast,
    /// The picture is turned, to the left or to the right.
    Rotation,
    /// The picture is compressed as JPEG.
    Jpeg,
}

impl Corruption {
    /// All there are.
    pub const ALL: [Corruption; 7] = [
        Corruption::GaussianNoise,
        Corruption::ImpulseNoise,
        Corruption::GaussianBlur,
        Corruption::Brightness,
        Corruption::Contrast,
        Corruption::Rotation,
        Corruption::Jpeg,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Corruption::GaussianNoise => "Gaussian noise",
            Corruption::ImpulseNoise => "impulse noise",
            Corruption::GaussianBlur => "Gaussian blur",
            Corruption::Brightness => "brightness",
            Corruption::Contrast => "contrast",
            Corruption::Rotation => "rotation",
            Corruption::Jpeg => "JPEG",
        }
    }

    /// How strong it is at each of the strengths: the deviation of the noise; the share of values; the deviation of the blur in pixels; what is
    /// added; the share of the contrast that is left; degrees; the quality of JPEG.
    pub fn strengths(self) -> [f32; STRENGTHS] {
        match self {
            Corruption::GaussianNoise => [0.04, 0.08, 0.12, 0.18, 0.26],
            Corruption::ImpulseNoise => [0.01, 0.03, 0.06, 0.11, 0.17],
            Corruption::GaussianBlur => [0.4, 0.7, 1.0, 1.4, 2.0],
            Corruption::Brightness => [0.1, 0.2, 0.3, 0.4, 0.5],
            Corruption::Contrast => [0.75, 0.5, 0.35, 0.2, 0.1],
            Corruption::Rotation => [6.0, 12.0, 18.0, 24.0, 30.0],
            Corruption::Jpeg => [50.0, 30.0, 18.0, 12.0, 7.0],
        }
    }
}

/// The same pictures after a corruption, of strength 1 to 5. The same seed, the same pictures.
///
/// # Errors
/// [`AuditError::NoPictures`] unless samples are bytes of one or three channels, and [`AuditError::Option`] for another strength.
pub fn corrupted(
    pictures: &Dataset,
    corruption: Corruption,
    strength: usize,
    seed: u64,
) -> Result<Dataset, AuditError> {
    let refuse = |found: String| Err(AuditError::NoPictures { found });
    let &[channels @ (1 | 3), height, width] = pictures.shape() else {
        return refuse(format!("of shape {:?}", pictures.shape()));
    };
    let Some(amount) = strength.checked_sub(1).and_then(|place| corruption.strengths().get(place).copied())
    else {
        let found = strength.to_string();
        return Err(AuditError::Option { option: "strength", found, expected: "1 to 5" });
    };
    let mut values = Vec::with_capacity(pictures.len() * channels * height * width);
    let mut labels = Vec::with_capacity(pictures.len());
    for index in 0..pictures.len() {
        let Some(bytes) = pictures.raw_u8(index) else {
            return refuse("numbers".into());
        };
        let mut random = Random::new(PURPOSE ^ corruption as u64, seed, index as u64);
        values.extend(kinds::apply(corruption, amount, bytes, [channels, height, width], &mut random)?);
        labels.extend(pictures.label(index));
    }
    let targets = Targets::Classes { labels, names: pictures.class_names().to_vec() };
    let (normalization, provenance) = (pictures.normalization().clone(), pictures.provenance().clone());
    Ok(Dataset::from_u8(pictures.shape(), values, targets, normalization, provenance)?)
}

#[cfg(test)]
mod tests {
    use fireclay_datasets::{DrawnDigits, DrawnObjects};

    use super::*;

    fn bytes(pictures: &Dataset) -> Vec<u8> {
        (0..pictures.len()).flat_map(|index| pictures.raw_u8(index).unwrap()).copied().collect()
    }

    /// How far two pictures are apart, on the average of their values.
    fn distance(one: &Dataset, other: &Dataset) -> f64 {
        let (one, other) = (bytes(one), bytes(other));
        let sum: f64 = one.iter().zip(&other).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        sum / one.len() as f64
    }

    #[test]
    fn each_strength_changes_pictures_more_than_the_one_before() {
        let digits = DrawnDigits::new(1).train_and_test(20, 1).0;
        let objects = DrawnObjects::new(1).train_and_test(20, 1).0;
        for pictures in [digits, objects] {
            for corruption in Corruption::ALL {
                let at = |strength| corrupted(&pictures, corruption, strength, 0).unwrap();
                let distances: Vec<f64> =
                    (1..=STRENGTHS).map(|strength| distance(&pictures, &at(strength))).collect();
                assert!(distances[0] > 0.05 && distances.is_sorted(), "{}: {distances:?}", corruption.name());
                assert_eq!(bytes(&at(3)), bytes(&at(3)));
                assert_eq!((at(3).len(), at(3).class_counts()), (pictures.len(), pictures.class_counts()));
            }
        }
    }

    #[test]
    fn what_is_no_picture_of_bytes_is_refused() {
        let targets = Targets::Classes { labels: vec![0], names: vec!["a".into()] };
        let rows = Dataset::from_f32(&[1, 2, 2], vec![0.5; 4], targets, Default::default()).unwrap();
        assert!(corrupted(&rows, Corruption::Jpeg, 1, 0).is_err());
        let digits = DrawnDigits::new(1).train_and_test(2, 1).0;
        for strength in [0, 6] {
            assert!(
                corrupted(&digits, Corruption::Jpeg, strength, 0).unwrap_err().to_string().contains("1 to 5")
            );
        }
    }
}
