//! Two data sets as one.

use super::shards::Shards;
use super::stored::{Features, Stored};
use super::{Bytes, Dataset};
use crate::{DataError, Targets};

impl Dataset {
    /// The samples of this data set, and behind them those of another one, copied: they are normalised, augmented and named as those of
    /// this one.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    ///
    /// let of = |values: [f32; 2]| {
    ///     let targets = Targets::Classes { labels: vec![0, 1], names: vec!["a".into(), "b".into()] };
    ///     Dataset::from_f32(&[1], values.to_vec(), targets, Provenance::default())
    /// };
    /// let both = of([1.0, 2.0])?.concat(&of([3.0, 4.0])?)?;
    /// assert_eq!((both.len(), both.class_counts()), (4, vec![2, 2]));
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Concat`] if the two differ in what a sample is, or if they are streams of tokens.
    pub fn concat(&self, other: &Dataset) -> Result<Dataset, DataError> {
        let refuse = |what: &'static str| Err(DataError::Concat { what });
        if self.shape() != other.shape() {
            return refuse("the shape of a sample");
        }
        let stored = |dataset: &Dataset| -> Vec<usize> {
            (0..dataset.len()).filter_map(|index| dataset.stored_index(index)).collect()
        };
        let (mine, theirs) = (stored(self), stored(other));
        fn rows<T: Copy>(one: &[T], other: &[T], len: usize, mine: &[usize], theirs: &[usize]) -> Vec<T> {
            let mine = mine.iter().map(|index| &one[index * len..][..len]);
            let theirs = theirs.iter().map(|index| &other[index * len..][..len]);
            mine.chain(theirs).collect::<Vec<&[T]>>().concat()
        }
        let len = self.stored.sample_len;
        let features = match (&self.stored.features, &other.stored.features) {
            (Features::Bytes(one), Features::Bytes(other)) => {
                let mine = mine.iter().map(|index| one.sample(*index));
                let theirs = theirs.iter().map(|index| other.sample(*index));
                let bytes = mine.chain(theirs).collect::<Vec<_>>().concat();
                Features::Bytes(Shards::one(Bytes::from(bytes), len))
            }
            (
                one @ (Features::Floats(_) | Features::FloatShards(_)),
                other @ (Features::Floats(_) | Features::FloatShards(_)),
            ) => {
                let mine = mine.iter().filter_map(|index| one.floats(*index, len));
                let theirs = theirs.iter().filter_map(|index| other.floats(*index, len));
                Features::Floats(mine.chain(theirs).collect::<Vec<_>>().concat())
            }
            (Features::Tokens(one), Features::Tokens(other)) => {
                Features::Tokens(rows(one, other, len, &mine, &theirs))
            }
            (Features::Sequences(one), Features::Sequences(other)) => {
                Features::Sequences(one.with(&mine, other, &theirs))
            }
            (Features::Stream(_), _) | (_, Features::Stream(_)) => {
                return refuse("their kind: a stream has no samples of its own");
            }
            _ => return refuse("what their values are"),
        };
        let (Some(targets), Some(more)) = (self.targets(), other.targets()) else {
            return refuse("their targets");
        };
        let Some(targets) = joined(targets.of(&mine), more.of(&theirs)) else {
            return refuse("their targets, or the classes' names");
        };
        let stored = Stored::new(self.shape(), features, targets)?;
        let mut provenance = (*self.provenance).clone();
        provenance.samples = stored.samples;
        provenance.sha256 = None;
        Ok(Dataset {
            stored: stored.into(),
            view: None,
            weights: None,
            digests: None,
            vocabulary_size: self.vocabulary_size.max(other.vocabulary_size),
            provenance: provenance.into(),
            ..self.clone()
        })
    }
}

/// Targets behind one another, if they are alike.
fn joined(one: Targets, other: Targets) -> Option<Targets> {
    let both = |mut one: Vec<f32>, other: Vec<f32>| {
        one.extend(other);
        one
    };
    let labels = |mut one: Vec<u32>, other: Vec<u32>| {
        one.extend(other);
        one
    };
    match (one, other) {
        (Targets::Classes { labels: a, names }, Targets::Classes { labels: b, names: other })
            if names == other =>
        {
            Some(Targets::Classes { labels: labels(a, b), names })
        }
        (Targets::Values { width, values: a }, Targets::Values { width: other, values: b })
            if width == other =>
        {
            Some(Targets::Values { width, values: both(a, b) })
        }
        (Targets::Labels { values: a, names }, Targets::Labels { values: b, names: other })
            if names == other =>
        {
            Some(Targets::Labels { values: both(a, b), names })
        }
        (
            Targets::StepClasses { labels: a, steps, names },
            Targets::StepClasses { labels: b, steps: others, names: other },
        ) if (steps, &names) == (others, &other) => {
            Some(Targets::StepClasses { labels: labels(a, b), steps, names })
        }
        (Targets::Features { samples: a }, Targets::Features { samples: b }) => {
            Some(Targets::Features { samples: a + b })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Batch, Normalization, Provenance, Source, TextPadding};

    use super::*;

    fn classes(labels: &[u32]) -> Targets {
        Targets::Classes { labels: labels.to_vec(), names: vec!["a".into(), "b".into()] }
    }

    fn gathered(dataset: &Dataset) -> Batch {
        let all: Vec<u32> = (0..dataset.len() as u32).collect();
        let mut batch = Batch::default();
        Source::gather(dataset, &all, &mut batch).unwrap();
        batch
    }

    #[test]
    fn parts_of_two_data_sets_are_one() {
        let normalization = Normalization::uniform(0.5, 0.25);
        let of = |values: Vec<u8>, labels: &[u32]| {
            Dataset::from_u8(&[2], values, classes(labels), normalization.clone(), Provenance::default())
                .unwrap()
        };
        let one = of(vec![0, 1, 2, 3, 4, 5], &[0, 1, 0]).subset(&[2, 0]).unwrap();
        let other = of(vec![6, 7, 8, 9], &[1, 1]).subset(&[1]).unwrap();
        let both = one.concat(&other).unwrap();
        let whole = of(vec![4, 5, 0, 1, 8, 9], &[0, 0, 1]);
        assert_eq!(gathered(&both), gathered(&whole));
        assert_eq!((both.provenance().samples, both.normalization()), (3, &normalization));
    }

    #[test]
    fn texts_keep_their_lengths() {
        let padding = TextPadding::to(3);
        let of = |texts: &[Vec<u32>], labels: &[u32]| {
            Dataset::from_sequences(texts, padding, classes(labels), Provenance::default()).unwrap()
        };
        let both = of(&[vec![1, 2], vec![3]], &[0, 1]).concat(&of(&[vec![4, 5, 6]], &[1]).take(1)).unwrap();
        assert_eq!(gathered(&both), gathered(&of(&[vec![1, 2], vec![3], vec![4, 5, 6]], &[0, 1, 1])));
        assert_eq!(both.vocabulary_size(), Some(7));
    }

    #[test]
    fn what_is_not_alike_is_refused() {
        let of = |shape: &[usize], targets| {
            Dataset::from_f32(shape, vec![0.0; 2], targets, Provenance::default()).unwrap()
        };
        let one = of(&[1], classes(&[0, 1]));
        let message = |other: &Dataset| one.concat(other).unwrap_err().to_string();
        assert!(message(&of(&[2], classes(&[0]))).contains("the shape of a sample"));
        assert!(message(&of(&[1], Targets::Values { width: 1, values: vec![0.0; 2] })).contains("targets"));
        let others = Targets::Classes { labels: vec![0, 0], names: vec!["c".into()] };
        assert!(message(&of(&[1], others)).contains("names"));
        let tokens = Dataset::from_tokens(1, vec![1, 2], classes(&[0, 1]), Provenance::default()).unwrap();
        assert!(message(&tokens).contains("what their values are"));
    }
}
