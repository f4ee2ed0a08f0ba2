//! Texts as they were read, before they become tokens.

use crate::{DataError, Provenance, Targets};

/// Texts with a target for each, as read: what a vocabulary is built from, and what is encoded into a
/// [`Dataset`](crate::Dataset).
///
/// ```
/// use fireclay_data::{Provenance, Targets, Texts};
///
/// # fn main() -> Result<(), fireclay_data::DataError> {
/// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["neg".into(), "pos".into()] };
/// let texts = vec!["a joy".to_string(), "a bore".to_string()];
/// let reviews = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
/// assert_eq!(reviews.texts()[1], "a bore");
/// assert_eq!(reviews.provenance().samples, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Texts {
    texts: Vec<String>,
    targets: Targets,
    provenance: Provenance,
}

impl Texts {
    /// Texts with one target each.
    ///
    /// # Errors
    /// If there are not as many targets as texts, a label has no name or a target is not finite.
    pub fn new(texts: Vec<String>, targets: Targets, mut provenance: Provenance) -> Result<Self, DataError> {
        let count = targets.check()?;
        if count != texts.len() {
            return Err(DataError::TextTargets { texts: texts.len(), targets: count });
        }
        if u32::try_from(count).is_err() {
            return Err(DataError::TooManySamples { samples: count });
        }
        provenance.samples = count;
        Ok(Texts { texts, targets, provenance })
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Their targets, in the same order.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Where they came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}
