//! `imdb neighbours`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::data::{Vocabulary, reserved};
use fireclay::nn::{NamedTensor, state};
use fireclay::prelude::*;
use fireclay_cli::records::{self, Neighbour};
use fireclay_cli::{Command, Exit, Output, Program, UsageError};

use crate::program::ImdbProgram;

/// How many similarly spelled words are suggested for one that a model does not know.
const SUGGESTED: usize = 3;

/// Shows the words whose rows in the model's embedding have the greatest cosine similarity.
#[derive(Args, Debug)]
pub struct Neighbours {
    /// Words
    #[arg(value_name = "WORD", required = true)]
    pub words: Vec<String>,
    /// Model file whose words are compared
    #[arg(long, value_name = "MODEL", default_value = ImdbProgram::MODEL_FILE)]
    pub from: PathBuf,
    /// Neighbours of each word to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub count: usize,
}

impl Command for Neighbours {
    const NAME: &'static str = "neighbours";
    const ABOUT: &'static str =
        "Show the words nearest to a word in a model's embedding, by cosine similarity";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let trainer = Trainer::load(&self.from, &DeviceName::default().open()?)?;
        let preprocessing = trainer
            .text_preprocessing()
            .with_context(|| format!("{} does not read texts", self.from.display()))?;
        let vocabulary = preprocessing.encoder.vocabulary();
        let weights = state(trainer.network());
        // Tokens enter an embedding and nothing else, so the first weight is that of the embedding.
        let embedding = weights
            .first()
            .filter(|tensor| matches!(tensor.shape[..], [rows, _] if rows >= vocabulary.len()))
            .with_context(|| format!("{} has no embedding of its words", self.from.display()))?;
        // Looked up first, so that nothing is shown where a word is wrong.
        let tokens: Vec<u32> = self
            .words
            .iter()
            .map(|word| token(word, preprocessing, vocabulary, &self.from))
            .collect::<anyhow::Result<_>>()?;
        let card = trainer.card();
        for (place, &token) in tokens.iter().enumerate() {
            let word = vocabulary.word(token).unwrap_or_default();
            let neighbours: Vec<Neighbour> = nearest(embedding, vocabulary, token, self.count)
                .into_iter()
                .map(|(token, cosine)| Neighbour { word: vocabulary.word(token).unwrap_or_default(), cosine })
                .collect();
            let before = if place > 0 { "\n" } else { "" };
            let width = neighbours.iter().map(|neighbour| neighbour.word.chars().count()).max().unwrap_or(0);
            output.line(format!("{before}{word}"));
            for Neighbour { word, cosine } in &neighbours {
                output.line(format!("  {word:width$}  {cosine:.3}"));
            }
            output.record(&records::Neighbours {
                word,
                neighbours,
                trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
            });
        }
        Ok(Exit::Done)
    }
}

/// The token of a word, as the model's texts are cleaned.
fn token(
    word: &str,
    preprocessing: &fireclay::data::TextPreprocessing,
    vocabulary: &Vocabulary,
    from: &Path,
) -> anyhow::Result<u32> {
    let mut words = Vec::new();
    preprocessing.encoder.tokenizer().words(word, |word| words.push(word.to_string()));
    let [clean] = &words[..] else {
        return Err(UsageError::of(anyhow::anyhow!("'{word}' is not one word; give words one by one")));
    };
    match vocabulary.token(clean) {
        reserved::UNKNOWN => {
            let similar: Vec<String> =
                vocabulary.similar(clean, SUGGESTED).into_iter().map(|word| format!("'{word}'")).collect();
            let hint = match similar.is_empty() {
                true => "it knows the most frequent words of its training texts only".to_string(),
                false => format!("did you mean {}?", similar.join(" or ")),
            };
            Err(UsageError::of(anyhow::anyhow!(
                "{} does not know the word '{clean}'; {hint}",
                from.display()
            )))
        }
        token => Ok(token),
    }
}

/// The words with the greatest cosine to one, which is itself left out, and so are reserved tokens.
fn nearest(embedding: &NamedTensor, vocabulary: &Vocabulary, token: u32, count: usize) -> Vec<(u32, f32)> {
    let width = embedding.shape[1];
    let row = |token: u32| &embedding.values[token as usize * width..][..width];
    let length = |row: &[f32]| row.iter().map(|value| value * value).sum::<f32>().sqrt();
    let (own, own_length) = (row(token), length(row(token)));
    let first = reserved::NAMES.len() as u32;
    let mut cosines: Vec<(u32, f32)> = (first..vocabulary.len() as u32)
        .filter(|other| *other != token)
        .map(|other| {
            let product: f32 = own.iter().zip(row(other)).map(|(a, b)| a * b).sum();
            (other, product / (own_length * length(row(other))).max(f32::MIN_POSITIVE))
        })
        .collect();
    cosines.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    cosines.truncate(count);
    cosines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_point_in_the_same_direction() {
        let vocabulary = Vocabulary::from_words(["up", "high", "down", "aside"]).unwrap();
        let mut values = vec![0.0; 8];
        values.extend([0.0, 1.0, 0.1, 9.0, 0.0, -2.0, 3.0, 0.0]);
        let embedding = NamedTensor { name: "embedding_1.weight".into(), shape: vec![8, 2], values };
        let found = nearest(&embedding, &vocabulary, 4, 2);
        assert_eq!(found.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [5, 7]);
        assert!((found[0].1 - 0.9999).abs() < 1e-3 && found[1].1 == 0.0, "{found:?}");
        assert_eq!(nearest(&embedding, &vocabulary, 4, 100).last().unwrap().1, -1.0);
    }
}
