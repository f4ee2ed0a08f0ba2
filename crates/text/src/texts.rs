//! Texts as they were read, before they become tokens.

use fireclay_data::{DataError, Provenance, Targets, sha256, split_indices};

use crate::TextError;

/// Texts with a target for each, as read: what a vocabulary is built from, and what is encoded into a
/// [`Dataset`](fireclay_data::Dataset).
///
/// ```
/// use fireclay_data::{Provenance, Targets};
/// use fireclay_text::Texts;
///
/// # fn main() -> Result<(), fireclay_text::TextError> {
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
    /// Texts with one target each. A provenance without a digest gets one, of all texts and targets.
    ///
    /// # Errors
    /// If there are not as many targets as texts, a label has no name or a target is not finite.
    pub fn new(texts: Vec<String>, targets: Targets, mut provenance: Provenance) -> Result<Self, TextError> {
        let count = targets.check()?;
        if count != texts.len() {
            return Err(TextError::TextTargets { texts: texts.len(), targets: count });
        }
        if u32::try_from(count).is_err() {
            return Err(DataError::TooManySamples { samples: count }.into());
        }
        provenance.samples = count;
        provenance.sha256.get_or_insert_with(|| digest(&texts, &targets));
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

    /// Splits off a part: `(the rest, the part)`. Each class is split in that proportion, as
    /// [`Dataset::split`](fireclay_data::Dataset::split) does.
    ///
    /// # Errors
    /// As [`Dataset::split`](fireclay_data::Dataset::split).
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Texts, Texts), TextError> {
        let (labels, classes) = match self.targets.classes() {
            Some((labels, names)) => (Some(labels), names.len()),
            None => (None, 0),
        };
        let (rest, part) = split_indices(self.len(), labels, classes, fraction, seed)?;
        Ok((self.picked(&rest, "training part"), self.picked(&part, "validation part")))
    }

    /// Some of the texts, by indices that are below [`Texts::len`].
    fn picked(&self, indices: &[usize], part: &str) -> Texts {
        let texts = indices.iter().map(|index| self.texts[*index].clone()).collect();
        let targets = self.targets.of(indices);
        let mut provenance = self.provenance.clone();
        provenance.split = format!("{}, {part}", provenance.split);
        provenance.samples = indices.len();
        Texts { texts, targets, provenance }
    }
}

/// Of all texts and targets.
fn digest(texts: &[String], targets: &Targets) -> String {
    sha256::of_texts(texts, &targets.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_partition_in_which_texts_keep_their_labels() {
        let texts = (0..20).map(|index| format!("text {index}")).collect();
        let targets = Targets::Classes {
            labels: (0..20).map(|index| index % 2).collect(),
            names: vec!["a".into(), "b".into()],
        };
        let all = Texts::new(texts, targets, Provenance::new("made up", "all", "made by hand")).unwrap();
        let (rest, part) = all.split(0.2, 3).unwrap();
        assert_eq!((rest.len(), part.len()), (16, 4));
        assert_eq!(
            (rest.provenance().samples, part.provenance().split.as_str()),
            (16, "all, validation part")
        );
        let mut seen: Vec<&String> = rest.texts().iter().chain(part.texts()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 20);
        for split in [&rest, &part] {
            let Targets::Classes { labels, .. } = split.targets() else { panic!("classes") };
            for (text, label) in split.texts().iter().zip(labels) {
                let number: u32 = text["text ".len()..].parse().unwrap();
                assert_eq!(number % 2, *label);
            }
        }
    }
}
