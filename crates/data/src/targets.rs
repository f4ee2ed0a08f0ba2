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
    /// Any number of labels per sample (multi-label).
    Labels {
        /// `[samples, names.len()]`, row-major: 1 where the sample has the label, else 0.
        values: Vec<f32>,
        /// The labels' names.
        names: Vec<String>,
    },
    /// One class at each step of a sample; steps beyond its end are padding and have weight 0.
    StepClasses {
        /// `[samples, steps]`, row-major, each below `names.len()`, or [`PADDING`](Self::PADDING).
        labels: Vec<u32>,
        /// Steps per sample, at least 1.
        steps: usize,
        /// The classes' names.
        names: Vec<String>,
    },
    /// The features themselves, as an autoencoder reconstructs them; normalised as they are.
    Features {
        /// How many samples there are.
        samples: usize,
    },
}

impl Targets {
    /// In [`StepClasses`](Self::StepClasses): there is nothing to predict at this step.
    pub const PADDING: u32 = u32::MAX;

    /// The classes' or labels' names; none for numbers.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Targets::Classes { names, .. }
            | Targets::Labels { names, .. }
            | Targets::StepClasses { names, .. } => names,
            Targets::Values { .. } | Targets::Features { .. } => &[],
        }
    }

    /// One class for each sample, if they are that: labels and names.
    pub fn classes(&self) -> Option<(&[u32], &[String])> {
        match self {
            Targets::Classes { labels, names } => Some((labels, names)),
            _ => None,
        }
    }

    /// The targets of the samples at `indices`, in that order.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn of(&self, indices: &[usize]) -> Targets {
        fn rows<T: Copy>(values: &[T], width: usize, indices: &[usize]) -> Vec<T> {
            indices.iter().flat_map(|index| &values[index * width..][..width]).copied().collect()
        }
        match self {
            Targets::Classes { labels, names } => {
                Targets::Classes { labels: rows(labels, 1, indices), names: names.clone() }
            }
            Targets::Values { width, values } => {
                Targets::Values { width: *width, values: rows(values, *width, indices) }
            }
            Targets::Labels { values, names } => {
                Targets::Labels { values: rows(values, names.len(), indices), names: names.clone() }
            }
            Targets::StepClasses { labels, steps, names } => Targets::StepClasses {
                labels: rows(labels, *steps, indices),
                steps: *steps,
                names: names.clone(),
            },
            Targets::Features { .. } => Targets::Features { samples: indices.len() },
        }
    }

    /// The target of one sample as numbers: a class by its number, and none where the target is the sample itself.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn numbers(&self, index: usize) -> Vec<f32> {
        let as_numbers = |labels: &[u32]| labels.iter().map(|label| *label as f32).collect();
        match self {
            Targets::Classes { labels, .. } => as_numbers(&labels[index..=index]),
            Targets::StepClasses { labels, steps, .. } => as_numbers(&labels[index * steps..][..*steps]),
            Targets::Values { width, values } => values[index * width..][..*width].to_vec(),
            Targets::Labels { values, names } => values[index * names.len()..][..names.len()].to_vec(),
            Targets::Features { .. } => Vec::new(),
        }
    }

    /// All targets, four bytes each, to be digested.
    pub fn to_le_bytes(&self) -> Vec<u8> {
        match self {
            Targets::Classes { labels, .. } | Targets::StepClasses { labels, .. } => {
                labels.iter().flat_map(|label| label.to_le_bytes()).collect()
            }
            Targets::Values { values, .. } | Targets::Labels { values, .. } => {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
            Targets::Features { .. } => Vec::new(),
        }
    }

    /// How many samples these targets are for, after checking every one of them.
    ///
    /// # Errors
    /// [`DataError::Label`] if a label has no name, [`DataError::TargetWidth`] if the values do not come to whole samples,
    /// [`DataError::NotFinite`] if a value is not finite.
    pub fn check(&self) -> Result<usize, DataError> {
        match self {
            Targets::Classes { labels, names } => {
                let bad = labels.iter().position(|label| *label as usize >= names.len());
                match bad {
                    Some(index) => {
                        Err(DataError::Label { index, label: labels[index], classes: names.len() })
                    }
                    None => Ok(labels.len()),
                }
            }
            Targets::StepClasses { labels, steps, names } => {
                let known = |label: u32| (label as usize) < names.len() || label == Self::PADDING;
                if let Some(at) = labels.iter().position(|label| !known(*label)) {
                    let index = at / (*steps).max(1);
                    return Err(DataError::Label { index, label: labels[at], classes: names.len() });
                }
                whole_rows(labels.len(), *steps)
            }
            Targets::Labels { values, names } => {
                if let Some(at) = values.iter().position(|value| *value != 0.0 && *value != 1.0) {
                    let index = at / names.len().max(1);
                    return Err(DataError::LabelValue { index, value: values[at] });
                }
                whole_rows(values.len(), names.len())
            }
            Targets::Features { samples } => Ok(*samples),
            Targets::Values { width, values } => {
                whole_rows(values.len(), *width)?;
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

/// How many rows of `width` there are.
fn whole_rows(values: usize, width: usize) -> Result<usize, DataError> {
    match width > 0 && values.is_multiple_of(width) {
        true => Ok(values / width),
        false => Err(DataError::TargetWidth { width, values }),
    }
}
