//! Lengths, words and duplicates of texts.

use std::collections::HashSet;

use fireclay_data::DataPart;
use fireclay_text::Texts;
use rayon::prelude::*;

use super::{Duplicates, FeatureReport, LengthStats};

/// Looks at every text of a split.
pub(super) fn text_features(texts: &Texts) -> FeatureReport {
    let texts = texts.texts();
    let characters = texts.par_iter().map(|text| text.chars().count()).collect();
    let words = texts.par_iter().map(|text| text.split_whitespace().count()).collect();
    FeatureReport::Texts {
        characters: length_stats(characters),
        words: length_stats(words),
        empty: texts.iter().filter(|text| text.trim().is_empty()).count(),
        distinct_words: distinct_words(texts),
    }
}

/// Finds the duplicates of two splits, after trimming white space.
pub(super) fn duplicates(train: &Texts, test: &Texts) -> Duplicates {
    let bytes =
        |texts| -> Vec<&[u8]> { Texts::texts(texts).iter().map(|text| text.trim().as_bytes()).collect() };
    Duplicates::of_bytes(&bytes(train), &bytes(test), |part, index| match part {
        DataPart::Train => target(train, index),
        DataPart::Test => target(test, index),
    })
}

/// What a text is to be predicted as, comparable between splits: a class by its name, otherwise the bits of its numbers.
fn target(texts: &Texts, index: usize) -> (Option<&str>, Vec<u32>) {
    match texts.targets().classes() {
        Some((labels, names)) => (Some(&names[labels[index] as usize]), Vec::new()),
        None => (None, texts.targets().numbers(index).into_iter().map(f32::to_bits).collect()),
    }
}

/// One set of words for each thread, since joining many costs more than filling them.
fn distinct_words(texts: &[String]) -> usize {
    let part_len = texts.len().div_ceil(rayon::current_num_threads()).max(1);
    let all = texts.par_chunks(part_len).map(words).reduce(HashSet::new, |left, right| {
        let (mut many, few) = if left.len() < right.len() { (right, left) } else { (left, right) };
        many.extend(few);
        many
    });
    all.len()
}

fn words(texts: &[String]) -> HashSet<&str> {
    let mut words = HashSet::new();
    texts.iter().for_each(|text| words.extend(text.split_whitespace()));
    words
}

fn length_stats(mut lengths: Vec<usize>) -> Option<LengthStats> {
    lengths.sort_unstable();
    let (min, max) = (*lengths.first()?, *lengths.last()?);
    let count = lengths.len();
    let middle = (lengths[(count - 1) / 2], lengths[count / 2]);
    Some(LengthStats {
        min,
        median: (middle.0 as f64 + middle.1 as f64) / 2.0,
        mean: lengths.iter().map(|length| *length as f64).sum::<f64>() / count as f64,
        p95: lengths[(95 * count).div_ceil(100) - 1],
        max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_ranked() {
        let stats = length_stats((1..=100).rev().collect()).unwrap();
        assert_eq!(stats, LengthStats { min: 1, median: 50.5, mean: 50.5, p95: 95, max: 100 });
        let one = length_stats(vec![7]).unwrap();
        assert_eq!(one, LengthStats { min: 7, median: 7.0, mean: 7.0, p95: 7, max: 7 });
        assert_eq!(length_stats(Vec::new()), None);
    }
}
