//! What a model finds most probable, printed alike by all programs.

use std::path::Path;

use fireclay::data::{Dataset, Provenance, Targets};
use fireclay::nn::Model;
use fireclay::store::ModelCard;
use fireclay::train::{Trainer, softmax};

use crate::records::{Guess, Prediction};
use crate::{Output, normalization, percent};

/// How many guesses are shown for each sample.
const SHOWN: usize = 3;

/// Classes with their probabilities, the most probable first.
pub fn ranked<'a>(card: &'a ModelCard, numbered: &'a [String], logits: &[f32]) -> Vec<Guess<'a>> {
    let mut probabilities = logits.to_vec();
    softmax(&mut probabilities);
    let names = if card.classes.len() == logits.len() { &card.classes } else { numbered };
    let mut guesses: Vec<Guess> =
        names.iter().zip(probabilities).map(|(class, probability)| Guess { class, probability }).collect();
    guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    guesses
}

/// Names for the classes of a model that has none.
pub fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// Asks a model about a picture, and prints what it finds most probable.
///
/// # Shapes
/// - `pixels`: `[channels, height, width]` of the model's input, `0..=255`
///
/// # Errors
/// If the picture does not fit the model.
pub fn print_image_guesses(
    path: &Path,
    pixels: Vec<u8>,
    notes: &[String],
    trainer: &Trainer<Model>,
    output: &Output,
) -> anyhow::Result<()> {
    let card = trainer.card();
    let one = Dataset::from_u8(
        card.spec.input.shape(),
        pixels,
        // The label is not looked at.
        Targets::Classes { labels: vec![0], names: vec!["unknown".into()] },
        normalization(&card),
        Provenance::new("picture", "predict", "a file"),
    )?;
    let row = trainer.predict(&one)?.remove(0);
    let numbered = numbered(row.len());
    let mut guesses = ranked(&card, &numbered, &row);
    guesses.truncate(SHOWN);
    let shown: Vec<String> = guesses
        .iter()
        .map(|guess| format!("{} {:>8}", guess.class, percent(f64::from(guess.probability))))
        .collect();
    output.line(format!("{}  {}", path.display(), shown.join("   ")));
    if !output.is_json() {
        notes.iter().for_each(|note| output.note(format!("  {note}")));
    }
    let Some(best) = guesses.first().map(|guess| guess.class) else {
        return Ok(());
    };
    output.record(&Prediction {
        file: path.display().to_string(),
        class: best,
        top: guesses,
        trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        notes,
    });
    Ok(())
}
