//! `mnist predict`

use std::path::Path;
use std::sync::Arc;

use fireclay::data::{DigitImage, Provenance, read_digit};
use fireclay::prelude::*;
use fireclay::store::ModelCard;
use fireclay::train::softmax;
use fireclay_cli::records::{Guess, Prediction};
use fireclay_cli::{Exit, Output, normalization, percent};

use crate::cli::PredictFlags;

/// How many guesses are shown for each picture.
const SHOWN: usize = 3;

pub fn run(flags: PredictFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let device = flags.device.open()?;
    let trainer = Trainer::load(&flags.from, &device)?;
    let card = trainer.card();
    let &[1, height, width] = card.spec.input.shape() else {
        anyhow::bail!(
            "{} takes {} as input; expected images of one channel, [1, height, width]",
            flags.from.display(),
            card.spec.input
        );
    };
    let mut exit = Exit::Done;
    for path in &flags.files {
        // One picture that cannot be read does not keep the others from being read.
        match read_digit(path, height, width) {
            Ok(digit) => print(path, &digit, &probabilities(&trainer, &card, &digit)?, &card, output),
            Err(error) => {
                output.error(&error.to_string());
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// How probable the model finds each class.
fn probabilities(trainer: &Trainer<Model>, card: &ModelCard, digit: &DigitImage) -> anyhow::Result<Vec<f32>> {
    let one = Dataset::from_u8(
        &[1, digit.height, digit.width],
        digit.pixels.clone(),
        // The label is not looked at.
        Targets::Classes { labels: vec![0], names: vec!["unknown".into()] },
        normalization(card),
        Provenance::new("picture", "predict", "a file"),
    )?;
    let mut row = trainer.predict(&one)?.remove(0);
    softmax(&mut row);
    Ok(row)
}

fn print(path: &Path, digit: &DigitImage, probabilities: &[f32], card: &ModelCard, output: &Output) {
    let numbered: Vec<String> = (0..probabilities.len()).map(|class| class.to_string()).collect();
    let names = if card.classes.is_empty() { &numbered } else { &card.classes };
    let mut guesses: Vec<Guess> = names
        .iter()
        .zip(probabilities)
        .map(|(class, probability)| Guess { class, probability: *probability })
        .collect();
    guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    guesses.truncate(SHOWN);
    let shown: Vec<String> = guesses
        .iter()
        .map(|guess| format!("{} {:>8}", guess.class, percent(f64::from(guess.probability))))
        .collect();
    output.line(format!("{}  {}", path.display(), shown.join("   ")));
    if !output.is_json() {
        digit.notes.iter().for_each(|note| output.note(format!("  {note}")));
    }
    let Some(best) = guesses.first().map(|guess| guess.class) else {
        return;
    };
    output.record(&Prediction {
        file: path.display().to_string(),
        class: best,
        top: guesses,
        trained_on: card.dataset.as_ref().map(|dataset| dataset.name.as_str()),
        notes: &digit.notes,
    });
}
