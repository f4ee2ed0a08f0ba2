//! Counting words on all threads.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::WordTokenizer;

/// Every word of the texts with its number, in no order.
pub(super) fn words(texts: &[String], tokenizer: &WordTokenizer) -> Vec<(Box<str>, u64)> {
    // Each part has counts of its own, so that threads share nothing; few parts, as their sums are made on one thread.
    let part = texts.len().div_ceil(2 * rayon::current_num_threads()).max(1);
    let mut parts: Vec<HashMap<Box<str>, u64>> =
        texts.par_chunks(part).map(|texts| part_words(texts, tokenizer)).collect();
    let mut sums = parts.pop().unwrap_or_default();
    for (word, count) in parts.into_iter().flatten() {
        *sums.entry(word).or_insert(0) += count;
    }
    sums.into_iter().collect()
}

fn part_words(texts: &[String], tokenizer: &WordTokenizer) -> HashMap<Box<str>, u64> {
    let mut counts = HashMap::<Box<str>, u64>::new();
    for text in texts {
        tokenizer.words(text, |word| match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                counts.insert(word.into(), 1);
            }
        });
    }
    counts
}
