//! Sentences: which of the usual words they have.

use std::collections::{HashMap, HashSet};

use fireclay_text::WordTokenizer;
use serde::{Deserialize, Serialize};

use crate::Frame;

/// The most words that have a place.
const MOST_WORDS: usize = 256;

/// A word in fewer rows is not learnt.
const LEAST_ROWS: usize = 5;

/// A cell is 1 in the places of the words that it has, divided by the root of their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordEncoding {
    /// The words that most training rows have, sorted.
    pub words: Vec<String>,
}

impl WordEncoding {
    /// From the training rows.
    pub fn fit(frame: &Frame, column: usize) -> Self {
        let mut rows: HashMap<String, usize> = HashMap::new();
        for cell in frame.column(column) {
            for word in words_of(cell) {
                *rows.entry(word).or_default() += 1;
            }
        }
        let mut words: Vec<(String, usize)> =
            rows.into_iter().filter(|(_, rows)| *rows >= LEAST_ROWS).collect();
        words.sort_by(|(a, of_a), (b, of_b)| of_b.cmp(of_a).then_with(|| a.cmp(b)));
        let mut words: Vec<String> = words.into_iter().take(MOST_WORDS).map(|(word, _)| word).collect();
        words.sort();
        WordEncoding { words }
    }

    pub(super) fn width(&self) -> usize {
        self.words.len()
    }

    pub(super) fn names(&self, column: &str) -> Vec<String> {
        self.words.iter().map(|word| format!("{column} has {word:?}")).collect()
    }

    pub(super) fn encode(&self, cell: &str, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + self.words.len(), 0.0);
        let places = words_of(cell).into_iter().filter_map(|word| self.words.binary_search(&word).ok());
        let places: Vec<usize> = places.collect();
        let weight = 1.0 / (places.len().max(1) as f32).sqrt();
        for place in places {
            out[start + place] = weight;
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self.words.len() <= MOST_WORDS && self.words.is_sorted_by(|a, b| a < b) {
            true => Ok(()),
            false => Err("its words are not sorted, or too many"),
        }
    }
}

/// The different words of a text.
fn words_of(text: &str) -> HashSet<String> {
    let mut words = HashSet::new();
    WordTokenizer::default().words(text, |word| {
        if !words.contains(word) {
            words.insert(word.to_owned());
        }
    });
    words
}
