//! What a language model writes, for the page of its run.

use std::time::{Duration, Instant};

use fireclay::data::{Dataset, Prose, TextPreprocessing, reserved};
use fireclay::nn::{Model, Sampling};
use fireclay::prelude::Trainer;
use fireclay::report::Generated;
use fireclay::train::{TextGenerator, TrainError};

/// Beginnings out of test texts, and how many words of them are given.
const BEGINNINGS: usize = 2;
const GIVEN: usize = 6;

/// Words that are written, with what, and how long that may take in all.
const WORDS: usize = 40;
const TEMPERATURES: [f32; 2] = [0.7, 1.0];
const TOP_P: f32 = 0.95;
const TIME_LIMIT: Duration = Duration::from_millis(1500);

/// Some texts, each with a seed of its own, that go on from nothing and from beginnings of test texts; none of a model that does not write texts.
pub fn texts(trainer: &Trainer<Model>, test: &Dataset) -> Vec<Generated> {
    let Some(preprocessing) = trainer.text_preprocessing().filter(|_| test.predicts_next_tokens()) else {
        return Vec::new();
    };
    let begun = Instant::now();
    let mut texts = Vec::new();
    for prompt in [vec![String::new()], beginnings(test, preprocessing)].concat() {
        for temperature in TEMPERATURES {
            let sampling = Sampling { temperature, top_p: TOP_P, top_k: None };
            // What cannot be written, or not in time, is left out.
            let seed = texts.len() as u64;
            if let Ok(Some(text)) = written(trainer.network(), preprocessing, sampling, seed, &prompt, begun)
            {
                texts.push(text);
            }
        }
    }
    texts
}

/// One text; `None` if there is no time for it.
fn written(
    network: &Model,
    preprocessing: &TextPreprocessing,
    sampling: Sampling,
    seed: u64,
    prompt: &str,
    begun: Instant,
) -> Result<Option<Generated>, TrainError> {
    let mut words = TextGenerator::new(network, preprocessing, sampling, seed)?;
    let prompt = words.prompt(prompt)?;
    let mut text = String::new();
    for word in words.take(WORDS) {
        // A model with learnt positions may know fewer than that.
        let Ok(word) = word else { break };
        text.push_str(&word);
        if begun.elapsed() >= TIME_LIMIT {
            return Ok(None);
        }
    }
    let temperature = (f64::from(sampling.temperature) * 1e3).round() / 1e3;
    let settings = format!("top-p {}, seed {seed}", sampling.top_p);
    Ok(Some(Generated { prompt, text, temperature: Some(temperature), sampling: Some(settings) }))
}

/// Beginnings of test texts, from places that are spread over all of them.
fn beginnings(test: &Dataset, preprocessing: &TextPreprocessing) -> Vec<String> {
    let vocabulary = preprocessing.encoder.vocabulary();
    let is_word = |token: &u32| *token as usize >= reserved::NAMES.len();
    let first_words = |tokens: &[u32]| {
        let ends = tokens.iter().enumerate().filter(|(_, token)| **token == reserved::END);
        let after = ends.filter_map(|(end, _)| tokens.get(end + 1..end + 1 + GIVEN));
        after.into_iter().find(|words| words.iter().all(is_word)).map(|words| {
            let (mut prose, mut text) = (Prose::default(), String::new());
            words.iter().for_each(|token| prose.push(vocabulary.word(*token).unwrap_or_default(), &mut text));
            text
        })
    };
    let mut found: Vec<String> = Vec::new();
    for part in 0..BEGINNINGS {
        let windows = part * test.len() / BEGINNINGS..(part + 1) * test.len() / BEGINNINGS;
        let texts = windows.filter_map(|window| first_words(test.tokens(window)?));
        let mut new = texts.filter(|text| !found.contains(text));
        let next = new.next();
        drop(new);
        found.extend(next);
    }
    found
}
