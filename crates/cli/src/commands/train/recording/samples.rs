//! Single samples for the page of a run: mistakes, and what augmentation makes of pictures.

use std::time::{Duration, Instant};

use fireclay::data::{Batch, BatchFeatures, Dataset, Pass, Side, TableDataset, TextDataset};
use fireclay::explain::{Baseline, Explainer, Question, Subject, Way};
use fireclay::report::{Attributed, Augmented, Content, Example, Picture, RunReport};
use fireclay::runs::{Wrong, most_wrong};
use fireclay::train::Sample;

use super::Outcome;
use crate::program::{Program, SourceOf};

/// Mistakes that a page shows.
const MISTAKES: usize = 12;

/// Steps by which they are explained, at first and at most: fewer than `explain` takes, which is asked for numbers.
const STEPS: (usize, usize) = (16, 64);
const TIME_OF_ONE: Duration = Duration::from_secs(1);
/// No explanation is begun after it.
const TIME_TO_EXPLAIN: Duration = Duration::from_secs(10);

/// Training pictures that are shown augmented, and how often each.
const AUGMENTED: usize = 4;
const TIMES: usize = 4;

/// Adds mistakes and augmented pictures.
pub fn add<P: Program>(report: &mut RunReport, outcome: &Outcome<P>, source: &SourceOf<P>) {
    let names = outcome.train.class_names();
    let threshold = outcome.trainer.card().threshold;
    let wrong = most_wrong(outcome.predictions, names, threshold, MISTAKES);
    if !wrong.is_empty() {
        report.mistakes = examples::<P>(&wrong, outcome, source);
        report.explanation_method = explained(&mut report.mistakes, &wrong, outcome).map(str::to_owned);
    }
    report.augmented = augmented(outcome.train);
}

fn examples<P: Program>(wrong: &[Wrong], outcome: &Outcome<P>, source: &SourceOf<P>) -> Vec<Example> {
    let indices: Vec<usize> = wrong.iter().map(|wrong| wrong.index).collect();
    let pictures: Vec<Option<Picture>> = indices.iter().map(|index| picture(outcome.test, *index)).collect();
    let mut contents: Vec<Content> = match pictures.iter().all(Option::is_some) {
        true => pictures.into_iter().flatten().map(Content::Picture).collect(),
        false => P::originals(source, outcome.state.limit, outcome.test, &indices),
    };
    contents.resize(wrong.len(), Content::Nothing);
    contents.iter_mut().for_each(|content| as_read(content, outcome.test));
    let example = |(wrong, content): (&Wrong, Content)| Example {
        name: Some(format!("test sample {}", wrong.index)),
        content,
        attributed: None,
        truth: wrong.truth.clone(),
        predicted: wrong.predicted.clone(),
        probability: wrong.probability,
    };
    wrong.iter().zip(contents).map(example).collect()
}

/// Says of mistakes what decided them, and returns how; nothing of networks that cannot be explained, of several labels, of which there is
/// not one that was predicted, and after [`TIME_TO_EXPLAIN`].
fn explained<P: Program>(
    mistakes: &mut [Example],
    wrong: &[Wrong],
    outcome: &Outcome<P>,
) -> Option<&'static str> {
    let begun = Instant::now();
    let predictor = outcome.trainer.predictor();
    // A step of the training had room for as many samples.
    let at_once = outcome.batch_size;
    let explainer = Explainer::new(&predictor).ok()?.with_samples_at_once(at_once);
    let method = explainer.usual_method();
    let way =
        Way { method, baseline: Baseline::Black, layer: None, steps: STEPS, time_limit: Some(TIME_OF_ONE) };
    let mut found = Vec::new();
    for (mistake, wrong) in mistakes.iter().zip(wrong) {
        if begun.elapsed() > TIME_TO_EXPLAIN {
            break;
        }
        found.push(attributed(&explainer, &way, mistake, wrong, outcome.test)?);
    }
    for (mistake, found) in mistakes.iter_mut().zip(found) {
        mistake.attributed = Some(found);
    }
    Some(method.name())
}

/// A mistake with what decided it.
fn attributed(
    explainer: &Explainer,
    way: &Way,
    mistake: &Example,
    wrong: &Wrong,
    test: &Dataset,
) -> Option<Attributed> {
    let predictor = explainer.predictor();
    let row: Vec<(&str, &str)>;
    let sample = match (&mistake.content, test.raw_u8(wrong.index)) {
        (Content::Picture(_), Some(bytes)) => Sample::Pixels(bytes),
        (Content::Text(text), _) => Sample::Text(without_marks(text)),
        (Content::Row(columns), _) => {
            row = columns.iter().map(|(name, cell)| (name.as_str(), cell.as_str())).collect();
            Sample::Row(&row)
        }
        _ => return None,
    };
    let prediction = predictor.predict(sample.clone()).ok()?;
    if prediction.probabilities().is_some() && prediction.class_index().is_none() {
        return None;
    }
    let class = test.class_names().iter().find(|name| **name == wrong.predicted);
    let question = Question { class: class.map(String::as_str), rather_than: None };
    let asked = question.of(predictor, &prediction)?;
    let subject = Subject::new(explainer, sample).ok()?;
    let found = subject.explain(explainer, &asked.target, way).ok()?;
    let cells: &[(String, String)] = match &mistake.content {
        Content::Row(columns) => columns,
        _ => &[],
    };
    Some(subject.attributed(&found.values, true, cells))
}

/// A text without the marks of [`as_read`] for what was cut off.
fn without_marks(text: &str) -> &str {
    let text = text.strip_prefix(BEFORE).unwrap_or(text);
    text.strip_suffix(AFTER).unwrap_or(text)
}

/// What stands for the part of a text that was not read.
const BEFORE: &str = "… ";
const AFTER: &str = " …";

/// Leaves of a sample what the network was given: the part of a long text that it reads, and no target among columns.
fn as_read(content: &mut Content, test: &Dataset) {
    match content {
        Content::Text(text) => {
            let read = test.text_preprocessing();
            let part = read.map_or(text.as_str(), |read| read.part_read(text));
            let [before, after] = match read.map(|read| read.padding.truncate) {
                Some(Side::Left) if part.len() < text.len() => [BEFORE, ""],
                Some(Side::Right) if part.len() < text.len() => ["", AFTER],
                _ => ["", ""],
            };
            // As a browser would show it.
            let lines = part.replace("<br /><br />", "\n").replace("<br />", "\n");
            *text = format!("{before}{}{after}", lines.trim());
        }
        Content::Row(columns) => {
            let Some(table) = test.table_preprocessing() else { return };
            let is_target = |name: &String| match &table.labels {
                Some(labels) => labels.columns.contains(name),
                None => *name == table.target,
            };
            columns.retain(|(name, _)| !is_target(name));
        }
        Content::Picture(_) | Content::Nothing => {}
    }
}

/// A sample as a picture, if it is one.
pub fn picture(data: &Dataset, index: usize) -> Option<Picture> {
    let &[channels, height, width] = data.shape() else { return None };
    Picture::from_planes(data.raw_u8(index)?, [channels, height, width])
}

/// Some training pictures as they are and as the network saw them.
fn augmented(train: &Dataset) -> Vec<Augmented> {
    let (Some(_), &[channels, height, width]) = (train.augmentation(), train.shape()) else {
        return Vec::new();
    };
    let step = (train.len() / AUGMENTED).max(1);
    let show = |index: usize| {
        let after = (1..=TIMES).map(|epoch| {
            let mut batch = Batch::default();
            train.gather_augmented(&[index as u32], Pass { seed: 0, epoch }, &mut batch);
            let BatchFeatures::Values(values) = &batch.features else { return None };
            let bytes = bytes_of(train, values, channels, width * height);
            Picture::from_planes(&bytes, [channels, height, width])
        });
        Some(Augmented {
            label: train.label(index).and_then(|label| train.class_names().get(label as usize)).cloned(),
            before: picture(train, index)?,
            after: after.collect::<Option<_>>()?,
        })
    };
    (0..train.len()).step_by(step).take(AUGMENTED).filter_map(show).collect()
}

/// Numbers as they reach a network, as bytes again.
fn bytes_of(data: &Dataset, values: &[f32], channels: usize, pixels: usize) -> Vec<u8> {
    let normalization = data.normalization();
    let entry = |values: &[f32], channel: usize| values.get(channel).or(values.first()).copied();
    let byte = |(index, value): (usize, &f32)| {
        let channel = index / pixels.max(1);
        let std = entry(&normalization.std, channel).unwrap_or(1.0);
        let mean = entry(&normalization.mean, channel).unwrap_or(0.0);
        ((value * std + mean) * 255.0).round().clamp(0.0, 255.0) as u8
    };
    values.iter().take(channels * pixels).enumerate().map(byte).collect()
}
