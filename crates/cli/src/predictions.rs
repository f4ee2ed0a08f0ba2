//! The classes that a model finds most probable, ranked alike by all programs.

use fireclay::store::ModelCard;
use fireclay::train::softmax;

use crate::records::ClassProbability;

/// Classes with their probabilities, the most probable first.
pub fn ranked<'a>(card: &'a ModelCard, numbered: &'a [String], logits: &[f32]) -> Vec<ClassProbability<'a>> {
    let mut probabilities = logits.to_vec();
    softmax(&mut probabilities);
    let names = if card.classes.len() == logits.len() { &card.classes } else { numbered };
    let mut ranked: Vec<ClassProbability> = names
        .iter()
        .zip(probabilities)
        .map(|(class, probability)| ClassProbability { class, probability })
        .collect();
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked
}

/// Names for the classes of a model that has none.
pub fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}
