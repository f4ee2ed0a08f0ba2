//! A few texts to read, by class.

use std::fmt;

use fireclay_text::Texts;
use serde::Serialize;

use super::choose::choose;
use super::readable::{count, counted, cut, number, visible, wrap};

/// A few texts of each class, cut to a length that can be read.
///
/// Its [`Display`](fmt::Display) is fit for 80 columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextSamples {
    /// The set's name.
    pub name: String,
    /// Which part of it.
    pub split: String,
    /// One for each class in the order of its label, or a single one where targets are numbers.
    pub groups: Vec<TextGroup>,
}

/// Some texts of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextGroup {
    /// The class's name; `None` where targets are numbers.
    pub class: Option<String>,
    /// How many texts there are of it in all.
    pub count: usize,
    /// Some of them, in the order of their index.
    pub samples: Vec<TextSample>,
}

/// One text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextSample {
    /// Which text of the split it is.
    pub index: usize,
    /// Its beginning, cut between words and then followed by `...`; control characters are written out, as `\n`.
    pub text: String,
    /// How many characters the whole text has.
    pub characters: usize,
    /// What is to be predicted, where targets are numbers.
    pub values: Option<Vec<f32>>,
}

/// Picks at most `per_class` texts of each class by `seed`, every one as likely, and cuts each to `characters`.
///
/// ```
/// use fireclay_data::{Provenance, Targets};
/// use fireclay_datasets::sample_texts;
/// use fireclay_text::Texts;
///
/// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
/// let targets = Targets::Classes { labels: vec![1, 0], names: vec!["neg".into(), "pos".into()] };
/// let texts = vec!["What a joy\tof a film!".to_string(), "A bore.".to_string()];
/// let reviews = Texts::new(texts, targets, Provenance::new("two reviews", "train", "made by hand"))?;
///
/// let samples = sample_texts(&reviews, 3, 14, 0);
/// assert_eq!(samples.groups[1].samples[0].text, r"What a joy\tof...");
/// assert!(samples.to_string().contains("A bore."));
/// # Ok(())
/// # }
/// ```
pub fn sample_texts(texts: &Texts, per_class: usize, characters: usize, seed: u64) -> TextSamples {
    let (groups, names): (Vec<usize>, Vec<Option<String>>) = match texts.targets().classes() {
        Some((labels, names)) => {
            (labels.iter().map(|label| *label as usize).collect(), names.iter().cloned().map(Some).collect())
        }
        None => (vec![0; texts.len()], vec![None]),
    };
    let mut counts = vec![0; names.len()];
    groups.iter().for_each(|group| counts[*group] += 1);
    let chosen = choose(groups.into_iter(), &counts, per_class, seed);
    let groups = names.into_iter().zip(counts).zip(chosen).map(|((class, count), chosen)| TextGroup {
        class,
        count,
        samples: chosen.into_iter().map(|index| sample(texts, index, characters)).collect(),
    });
    let provenance = texts.provenance();
    TextSamples { name: provenance.name.clone(), split: provenance.split.clone(), groups: groups.collect() }
}

fn sample(texts: &Texts, index: usize, characters: usize) -> TextSample {
    let text = &texts.texts()[index];
    let values = match texts.targets().classes() {
        Some(_) => None,
        None => Some(texts.targets().numbers(index)),
    };
    TextSample { index, text: beginning(text, characters), characters: text.chars().count(), values }
}

/// The first `characters` characters, less a word that would be cut unless it is most of them.
fn beginning(text: &str, characters: usize) -> String {
    let text = text.trim();
    let Some((end, next)) = text.char_indices().nth(characters) else { return visible(text) };
    let mut kept = &text[..end];
    if !next.is_whitespace()
        && let Some((space, _)) = kept.char_indices().rev().find(|(_, character)| character.is_whitespace())
        && space >= end / 2
    {
        kept = &kept[..space];
    }
    format!("{}...", visible(kept.trim_end()))
}

impl fmt::Display for TextSamples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.groups.iter().map(|group| group.count).sum();
        let name = |text: &str| cut(&visible(text), 32);
        write!(f, "{}, {}: {}", name(&self.name), name(&self.split), counted(total, "text", "texts"))?;
        for group in &self.groups {
            let all = counted(group.count, "text", "texts");
            match &group.class {
                Some(class) => write!(f, "\n\n{} ({all})\n{}", name(class), "-".repeat(80))?,
                None => write!(f, "\n{}", "-".repeat(80))?,
            }
            for (place, sample) in group.samples.iter().enumerate() {
                let values = sample.values.iter().flatten().take(4).map(|value| number(f64::from(*value)));
                let values: Vec<String> = values.collect();
                let target =
                    if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
                let length = counted(sample.characters, "character", "characters");
                let gap = if place == 0 { "" } else { "\n" };
                write!(f, "{gap}\n{}{target} ({length})", count(sample.index))?;
                for line in wrap(&sample.text, 76) {
                    write!(f, "\n    {line}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_words() {
        assert_eq!(beginning("one two three", 13), "one two three");
        assert_eq!(beginning("one two three", 12), "one two...");
        assert_eq!(beginning("one two three", 7), "one two...");
        assert_eq!(beginning("one twotwotwotwotwo", 12), "one twotwotw...");
        assert_eq!(beginning("  a\nb ", 9), r"a\nb");
        assert_eq!(beginning("été à la mer", 8), "été à la...");
        assert_eq!(beginning("anything", 0), "...");
        assert_eq!(beginning("", 0), "");
    }
}
