//! Reviews as they come in, and put in order.

use std::path::Path;

use fireclay_data::{Provenance, Targets};
use fireclay_text::Texts;

use super::digest;
use super::name::{self, CLASSES, Folder, SPLITS};
use crate::{DatasetsError, SetProblem};

/// The longest published review has 14 KB.
pub(super) const MOST_REVIEW_BYTES: u64 = 1 << 22;

/// The published set has 50,000.
pub(super) const MOST_REVIEWS: u64 = 1 << 20;

/// Bytes of all reviews together; the published ones have 65 MB.
pub(super) const MOST_BYTES: u64 = 1 << 30;

/// Reviews in any order.
#[derive(Default)]
pub(super) struct Reviews {
    /// For each of [`Folder::ALL`].
    folders: [Vec<Review>; 4],
}

/// One review, with what decides its place in its folder.
pub(super) struct Review {
    number: u64,
    rating: u64,
    text: String,
}

impl Review {
    /// The review in a file; `shown` is what messages call it, inside `path`.
    pub(super) fn new(file: &str, content: Vec<u8>, path: &Path, shown: &str) -> Result<Self, DatasetsError> {
        let refuse = |problem| DatasetsError::Set { path: path.to_owned(), problem };
        let (number, rating) = name::number_and_rating(file)
            .ok_or_else(|| refuse(SetProblem::ReviewName { name: shown.to_owned() }))?;
        let text = String::from_utf8(content).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            refuse(SetProblem::NotUtf8 { name: shown.to_owned(), at, byte })
        })?;
        Ok(Self { number, rating, text })
    }

    /// Bytes of its text.
    pub(super) fn len(&self) -> u64 {
        self.text.len() as u64
    }
}

impl Reviews {
    pub(super) fn add(&mut self, folder: Folder, review: Review) {
        self.folders[folder.split * 2 + usize::from(folder.label)].push(review);
    }

    /// The reviews in their order, `(train, test)`; `source` is for people, `path` for messages.
    pub(super) fn into_texts(self, path: &Path, source: &str) -> Result<(Texts, Texts), DatasetsError> {
        let mut folders = self.folders;
        for (folder, reviews) in Folder::ALL.iter().zip(&mut folders) {
            let refuse = |problem| Err(DatasetsError::Set { path: path.to_owned(), problem });
            if reviews.is_empty() {
                return refuse(SetProblem::NoReviews { folder: folder.name() });
            }
            let place = |review: &Review| (review.number, review.rating);
            reviews.sort_unstable_by_key(place);
            if let Some(pair) = reviews.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
                let name = format!("{}/{}_{}.txt", folder.name(), pair[0].number, pair[0].rating);
                return refuse(SetProblem::SameReview { name });
            }
        }
        let [train_neg, train_pos, test_neg, test_pos] = folders;
        let (train, test) =
            rayon::join(|| Split::new([train_neg, train_pos]), || Split::new([test_neg, test_pos]));
        let is_published = train.sha256 == digest::PUBLISHED[0] && test.sha256 == digest::PUBLISHED[1];
        Ok((
            train.into_texts(SPLITS[0], is_published, source)?,
            test.into_texts(SPLITS[1], is_published, source)?,
        ))
    }
}

/// One part of the set.
struct Split {
    texts: Vec<String>,
    labels: Vec<u32>,
    sha256: String,
}

impl Split {
    fn new(classes: [Vec<Review>; 2]) -> Self {
        let [negative, positive] = &classes;
        let labels = [vec![0; negative.len()], vec![1; positive.len()]].concat();
        let texts: Vec<String> = classes.into_iter().flatten().map(|review| review.text).collect();
        let sha256 = digest::of(&texts, &labels);
        Self { texts, labels, sha256 }
    }

    fn into_texts(self, split: &str, is_published: bool, source: &str) -> Result<Texts, DatasetsError> {
        let name = if is_published { "IMDB reviews" } else { "movie reviews" };
        let mut provenance = Provenance::new(name, split, source);
        provenance.sha256 = Some(self.sha256);
        let names = CLASSES.map(str::to_owned).to_vec();
        Texts::new(self.texts, Targets::Classes { labels: self.labels, names }, provenance)
    }
}
