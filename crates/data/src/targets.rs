//! What a model is to predict: classes or numbers.

use crate::DataError;

/// The targets of a dataset, one per sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class per sample.
    Classes {
        /// `[samples]`, each below `names.len()`.
        labels: Vec<u32>,
        /// The classes' names; label `i` means `names[i]`.
        names: Vec<String>,
    },
    /// `width` numbers per sample.
    Values {
        /// Numbers per sample, at least 1.
        width: usize,
        /// `[samples, width]`, row-major, finite.
        values: Vec<f32>,
    },
}

impl Targets {
    /// How many samples these targets are for, after checking every one of them.
    ///
    /// # Errors
    /// [`DataError::Label`] if a label has no name, [`DataError::TargetWidth`] if the values do not come to whole samples,
    /// [`DataError::NotFinite`] if a value is not finite.
    pub fn check(&self) -> Result<usize, DataError> {
        match self {
            Targets::Classes { labels, names } => {
                let bad = labels
                    .iter()
                    .position(|label| usize::try_from(*label).map_or(true, |l| l >= names.len()));
                match bad {
                    Some(index) => {
                        Err(DataError::Label { index, label: labels[index], classes: names.len() })
                    }
                    None => Ok(labels.len()),
                }
            }
            Targets::Values { width, values } => {
                if *width == 0 {
                    return Err(DataError::TargetWidth { width: *width, values: values.len() });
                }
                if values.len() % width != 0 {
                    return Err(DataError::TargetWidth { width: *width, values: values.len() });
                }
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    return Err(DataError::NotFinite {
                        what: "target",
                        index: at / width,
                        value: values[at],
                    });
                }
                Ok(values.len() / width)
            }
        }
    }
}
