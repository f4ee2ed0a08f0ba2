//! An answer and the parts of its sample that people see: pixels, words, columns.

mod method;
mod question;

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use fireclay_report::{Attributed, AttributedColumn, Picture};
use fireclay_text::reserved;
use fireclay_train::{Predictor, Sample};

pub use self::method::{Baseline, Method};
pub use self::question::{Asked, Question};
use crate::{
    Attribution, Encoded, ExplainError, Explainer, GradCam, IntegratedGradients, Occlusion, SmoothGrad,
    Target,
};

/// How it is done.
#[derive(Clone, Debug)]
pub struct Way {
    /// The method.
    pub method: Method,
    /// What pictures are compared with, or covered with.
    pub baseline: Baseline,
    /// The layer that Grad-CAM looks at.
    pub layer: Option<String>,
    /// How many steps integrated gradients begin with, and the most.
    pub steps: (usize, usize),
    /// After so long they are not doubled any more.
    pub time_limit: Option<Duration>,
}

/// What is known of one answer.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// One for each pixel, word or column.
    pub values: Vec<f32>,
    /// What is explained.
    pub output: f32,
    /// The same for the baseline, of integrated gradients.
    pub baseline_output: Option<f32>,
    /// What their sum lacks of the difference.
    pub remainder: Option<f32>,
    /// How many steps they took.
    pub steps: Option<usize>,
    /// The layer of Grad-CAM.
    pub layer: Option<String>,
}

/// What is explained, in the parts that people see.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    encoded: Encoded,
    parts: Parts<'a>,
}

#[derive(Clone, Debug)]
enum Parts<'a> {
    Picture {
        bytes: &'a [u8],
        shape: [usize; 3],
    },
    /// Words with the places of their tokens; of n-grams all words, without places.
    Words(Vec<(Option<usize>, String)>),
    /// The same of tokens whose text is not known.
    Tokens(Vec<(Option<usize>, String)>),
    Columns(Vec<(String, Range<usize>)>),
}

impl Explainer {
    /// The method to begin with: integrated gradients, and occlusion for models that cannot be derived by what they read.
    pub fn usual_method(&self) -> Method {
        if self.has_gradients() { Method::IntegratedGradients } else { Method::Occlusion }
    }
}

impl<'a> Subject<'a> {
    /// A picture as its bytes, a text, or the numbers of a table's row.
    ///
    /// # Errors
    /// If it is not what the model takes.
    pub fn new(explainer: &Explainer, sample: Sample<'a>) -> Result<Self, ExplainError> {
        let predictor = explainer.predictor();
        let encoded = explainer.sample(sample.clone())?;
        let parts = match (sample, explainer.shape()) {
            (Sample::Pixels(bytes), &[channels @ (1 | 3), height, width]) => {
                Parts::Picture { bytes, shape: [channels, height, width] }
            }
            (Sample::Text(text), _) => Parts::Words(words(predictor, text)),
            (Sample::Tokens(tokens), _) => Parts::Tokens(words_of(predictor, tokens)),
            _ if predictor.table().is_none() => Parts::Columns(
                (0..encoded.values().len()).map(|at| (format!("value {}", at + 1), at..at + 1)).collect(),
            ),
            _ => {
                let ranges = predictor.table().map(|table| table.column_ranges()).unwrap_or_default();
                Parts::Columns(ranges.into_iter().map(|(name, range)| (name.to_owned(), range)).collect())
            }
        };
        Ok(Subject { encoded, parts })
    }

    /// How many parts it has: pixels, words or columns.
    pub fn parts(&self) -> usize {
        match &self.parts {
            Parts::Picture { shape: [_, height, width], .. } => height * width,
            Parts::Words(words) | Parts::Tokens(words) => words.len(),
            Parts::Columns(columns) => columns.len(),
        }
    }

    /// Explains it.
    ///
    /// # Errors
    /// Those of the method.
    pub fn explain(&self, explainer: &Explainer, target: &Target, way: &Way) -> Result<Found, ExplainError> {
        if let Parts::Words(words) = &self.parts
            && way.method == Method::Occlusion
        {
            // The marks of start and end are in no text.
            let is_written = |(_, word): &&(Option<usize>, String)| !reserved::NAMES.contains(&word.as_str());
            let written: Vec<&str> = words.iter().filter(is_written).map(|(_, word)| word.as_str()).collect();
            let found = explainer.occlusion_of_words(&written, target)?;
            let mut falls = found.values.into_iter();
            let values = words.iter().map(|word| if is_written(&word) { falls.next() } else { None });
            let values = values.map(Option::unwrap_or_default).collect();
            return Ok(Found { values, output: found.output, ..Found::default() });
        }
        let encoded = &self.encoded;
        let simple = |found: Attribution| Found {
            values: self.by_part(&found.values),
            output: found.output,
            ..Found::default()
        };
        Ok(match way.method {
            Method::IntegratedGradients => {
                let baseline = self.baseline(explainer, way)?;
                let (steps, most_steps) = way.steps;
                let time_limit = way.time_limit;
                let options = IntegratedGradients {
                    baseline,
                    steps,
                    most_steps,
                    time_limit,
                    ..IntegratedGradients::default()
                };
                let found = explainer.integrated_gradients(encoded, target, &options)?;
                Found {
                    values: self.by_part(&found.values),
                    output: found.output,
                    baseline_output: Some(found.baseline_output),
                    remainder: Some(found.remainder()),
                    steps: Some(found.steps),
                    layer: None,
                }
            }
            Method::GradientTimesInput => simple(explainer.gradient_times_input(encoded, target)?),
            Method::SmoothGrad => simple(explainer.smooth_grad(encoded, target, &SmoothGrad::default())?),
            Method::GradCam if !matches!(self.parts, Parts::Picture { .. }) => {
                return Err(self.wrong(explainer, way, "that is asked about a picture"));
            }
            Method::GradCam => {
                let found = explainer.grad_cam(encoded, target, way.layer.as_deref())?;
                let output = explainer.output(encoded, target)?;
                let values = self.resized(&found);
                Found { values, output, layer: Some(found.layer), ..Found::default() }
            }
            Method::Occlusion => match &self.parts {
                Parts::Picture { shape: [_, height, width], .. } => {
                    // An eighth of the picture, so that what is covered is about as large as what is seen.
                    let patch = [*height, *width].map(|side| side.div_ceil(8).max(2).min(side));
                    let stride = patch.map(|side| side.div_ceil(2));
                    let options = Occlusion { patch, stride, baseline: self.baseline(explainer, way)? };
                    let mut found = explainer.occlusion(encoded, target, &options)?;
                    // It is of pixels already: those of one channel.
                    found.values.truncate(height * width);
                    Found { values: found.values, output: found.output, ..Found::default() }
                }
                Parts::Columns(columns) => {
                    let groups: Vec<Range<usize>> = columns.iter().map(|(_, range)| range.clone()).collect();
                    let found = explainer.occlusion_of_groups(encoded, target, &groups, None)?;
                    Found { values: found.values, output: found.output, ..Found::default() }
                }
                Parts::Words(_) | Parts::Tokens(_) => {
                    return Err(self.wrong(explainer, way, "that is asked about a text"));
                }
            },
            Method::AttentionRollout => {
                let output = explainer.output(encoded, target)?;
                Found {
                    values: self.by_part(&explainer.attention_rollout(encoded)?),
                    output,
                    ..Found::default()
                }
            }
        })
    }

    fn wrong(&self, explainer: &Explainer, way: &Way, needs: &'static str) -> ExplainError {
        let found = explainer.predictor().model().spec().input.to_string();
        ExplainError::Method { method: way.method.name(), needs, found }
    }

    fn baseline(&self, explainer: &Explainer, way: &Way) -> Result<Option<Vec<f32>>, ExplainError> {
        let Parts::Picture { bytes, .. } = &self.parts else { return Ok(None) };
        let byte = match way.baseline {
            Baseline::Mean => return Ok(None),
            Baseline::Black => 0,
            Baseline::White => 255,
        };
        let picture = vec![byte; bytes.len()];
        Ok(Some(explainer.sample(Sample::Pixels(&picture))?.values().to_vec()))
    }

    /// Adds up what belongs together: the channels of a pixel, the numbers of a column; of words takes those of their tokens.
    fn by_part(&self, values: &[f32]) -> Vec<f32> {
        match &self.parts {
            Parts::Picture { shape: [channels, height, width], .. } => {
                let pixels = height * width;
                (0..pixels)
                    .map(|at| (0..*channels).map(|channel| values[channel * pixels + at]).sum())
                    .collect()
            }
            Parts::Words(words) | Parts::Tokens(words) => {
                let of =
                    |place: &Option<usize>| place.and_then(|place| values.get(place)).copied().unwrap_or(0.0);
                words.iter().map(|(place, _)| of(place)).collect()
            }
            Parts::Columns(columns) => {
                columns.iter().map(|(_, range)| values[range.clone()].iter().sum()).collect()
            }
        }
    }

    fn resized(&self, map: &GradCam) -> Vec<f32> {
        match &self.parts {
            Parts::Picture { shape: [_, height, width], .. } => map.resized(*height, *width),
            Parts::Words(_) | Parts::Tokens(_) | Parts::Columns(_) => Vec::new(),
        }
    }

    /// The sample as a page shows it. `cells` are those of a table's row by the names of its columns.
    pub fn attributed(&self, values: &[f32], signed: bool, cells: &[(String, String)]) -> Attributed {
        match &self.parts {
            Parts::Picture { bytes, shape } => {
                let picture = Picture::from_planes(bytes, *shape).unwrap_or_default();
                Attributed::Picture { picture, values: values.to_vec(), signed }
            }
            Parts::Words(words) | Parts::Tokens(words) => Attributed::Words(
                words.iter().map(|(_, word)| word.clone()).zip(values.iter().copied()).collect(),
            ),
            Parts::Columns(columns) => {
                let cell = |column: &str| {
                    cells
                        .iter()
                        .find(|(name, _)| name == column)
                        .map_or_else(String::new, |(_, cell)| cell.clone())
                };
                let of = |((column, _), value): (&(String, Range<usize>), &f32)| AttributedColumn {
                    column: column.clone(),
                    cell: cell(column),
                    value: *value,
                };
                Attributed::Columns(columns.iter().zip(values).map(of).collect())
            }
        }
    }
}

fn words(predictor: &Predictor, text: &str) -> Vec<(Option<usize>, String)> {
    let Some(preprocessing) = predictor.text() else { return Vec::new() };
    if preprocessing.encoder.ngrams().is_some() {
        let mut words = Vec::new();
        preprocessing.encoder.tokenizer().words(text, |word| words.push((None, word.to_owned())));
        return words;
    }
    // As they are written, also those that are not in the vocabulary.
    let written: HashMap<usize, String> = preprocessing.words_read(text).into_iter().collect();
    let mut words = words_of(predictor, &preprocessing.tokens(text));
    for (place, word) in &mut words {
        if let Some(written) = place.and_then(|place| written.get(&place)) {
            word.clone_from(written);
        }
    }
    words
}

/// Words by their tokens, the marks of start and end among them; of those that are not in the vocabulary it is known that they are unknown.
fn words_of(predictor: &Predictor, tokens: &[u32]) -> Vec<(Option<usize>, String)> {
    let vocabulary = predictor.text().map(|text| text.encoder.vocabulary());
    let word = |(place, token): (usize, &u32)| {
        let reserved = reserved::NAMES.get(*token as usize).copied();
        let known = reserved.or_else(|| vocabulary?.word(*token));
        let word = known.map_or_else(|| format!("<{token}>"), str::to_owned);
        (*token != reserved::PADDING).then_some((Some(place), word))
    };
    tokens.iter().enumerate().filter_map(word).collect()
}
