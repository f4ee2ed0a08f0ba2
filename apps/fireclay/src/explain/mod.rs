//! `explain`: what decided a model's answers about pictures, texts and rows of tables.

mod lines;
mod out;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use fireclay::explain::{
    Asked, Baseline, ExplainError, Explainer, Found, IntegratedGradients, Method, Question, Subject, Target,
    Way,
};
use fireclay::prelude::load_card;
use fireclay::report::{Attributed, Explanation, RandomizedLayer};
use fireclay::store::ModelCard;
use fireclay::train::Predictor;
use fireclay_cli::{Command, DeviceArgs, Exit, Output, UsageError, beginning, listed, same_file};
use serde_json::{Map, Value};

use self::out::Out;
use crate::error::AppError;
use crate::inputs::{InputArgs, Inputs};
use crate::source::check_is_model;

/// A correlation of fewer parts of a sample is mostly chance.
const FEW: usize = 20;

/// Samples by which explanations are checked: they are explained once more for each layer.
const CHECKED: usize = 16;

/// The seed of the weights by chance: another than trainings have, or the network would get back the weights that it began with, which those it
/// has learnt are like.
const SEED: u64 = 0x7261_6e64_6f6d;

/// Explains answers.
#[derive(Args, Debug)]
pub struct Explain {
    /// Model file whose answers are explained
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// What to ask about.
    #[command(flatten)]
    pub asked: InputArgs,
    /// How to explain [default: integrated-gradients; occlusion for models of n-grams]
    #[arg(long, value_name = "METHOD", value_parser = parser(&Method::ALL, Method::word, Method::help))]
    pub method: Option<Method>,
    /// Class whose logit is explained [default: the one that is answered]
    #[arg(long, value_name = "CLASS")]
    pub class: Option<String>,
    /// Explain why it is not this class: by the difference of the logits
    #[arg(long, value_name = "CLASS")]
    pub rather_than: Option<String>,
    /// What pictures are compared with, or covered with [default: black]
    #[arg(long, value_name = "BASELINE", value_parser = parser(&Baseline::ALL, Baseline::word, Baseline::help))]
    pub baseline: Option<Baseline>,
    /// Layer that Grad-CAM looks at [default: the last convolution or residual block, with its activation]
    #[arg(long, value_name = "LAYER")]
    pub layer: Option<String>,
    /// Also explain with weights by chance, layer by layer: explanations have to become others
    #[arg(long)]
    pub check: bool,
    /// Where to write: a page (.html) of all explanations, a picture (.png) of one, or a folder that is there for a picture of each,
    /// called NAME.METHOD.png
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Reads one of some values by their words, which `--help` explains.
fn parser<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
    help: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let values = all.iter().map(move |value| PossibleValue::new(word(*value)).help(help(*value)));
    let of =
        move |found: String| all.iter().copied().find(|value| word(*value) == found).ok_or("no such value");
    PossibleValuesParser::new(values).try_map(of)
}

/// A sample that was explained.
struct Explained {
    explanation: Explanation,
    /// Its file, if it has one.
    input: PathBuf,
    method: Method,
}

impl Command for Explain {
    const NAME: &'static str = "explain";
    const ABOUT: &'static str =
        "Show what decided: which pixels, words or columns spoke for a model's answer, and which against it";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        check_is_model(&self.model)?;
        let mut out = self.out.as_deref().map(Out::new).transpose()?;
        if let Some(path) = &self.out
            && let Some(same) =
                self.asked.inputs.iter().chain([&self.model]).find(|other| same_file(other, path))
        {
            return Err(UsageError::of(AppError::OutIsInput { path: same.clone() }));
        }
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        let card = load_card(&self.model)?;
        let predictor = Predictor::load(&self.model, &device)?;
        let question = Question { class: self.class.as_deref(), rather_than: self.rather_than.as_deref() };
        self.check_classes(&predictor)?;
        let mut inputs = Inputs::open(&self.asked, &self.model, &predictor, card.clone())?;
        let explainer = Explainer::new(&predictor)?;
        let way = self.way(&explainer, &card, &predictor, out.as_ref())?;
        if card.spec.int8.is_some() && way.method.is_of_gradients() {
            output.note("the model computes in 8-bit whole numbers, which have no derivatives: it is explained by the same weights in f32");
        }
        let names = inputs.names();
        let (mut checked, mut row, mut same) = (Vec::new(), 0, 0);
        let (mut pictures, mut failed, mut told) = (false, false, false);
        loop {
            let questions = inputs.next(&predictor, output)?;
            if questions.is_empty() || (output.is_closed() && out.is_none()) {
                break;
            }
            let answers =
                predictor.predict_batch(questions.iter().map(|question| question.asked.sample()))?;
            for (asked_about, prediction) in questions.into_iter().zip(answers) {
                row += 1;
                let Some(asked) = question.of(&predictor, &prediction) else {
                    same += 1;
                    continue;
                };
                let name = match inputs.is_table() {
                    true => format!("row {row}"),
                    false => asked_about.cells.join("  "),
                };
                let subject = Subject::new(&explainer, asked_about.asked.sample());
                let found = subject.and_then(|subject| {
                    let found = subject.explain(&explainer, &asked.target, &way)?;
                    Ok((subject, found))
                });
                let (subject, mut found) = match found {
                    Ok(found) => found,
                    // One sample that is no number must not cost all others.
                    Err(ExplainError::NotFinite { what }) => {
                        output.error(&format!("{}: {}", beginning(&name), ExplainError::NotFinite { what }));
                        failed = true;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                found.output += asked.offset;
                found.baseline_output = found.baseline_output.map(|output| output + asked.offset);
                if asked.class.is_none() && prediction.outputs().len() > 1 && !told {
                    let numbers = prediction.outputs().len();
                    output.warn(format!(
                        "the model gives {numbers} numbers, and the first of them is explained"
                    ));
                    told = true;
                }
                let cells: Vec<(String, String)> =
                    names.iter().cloned().zip(asked_about.cells.clone()).collect();
                let attributed = subject.attributed(&found.values, way.method.is_signed(), &cells);
                pictures |= matches!(attributed, Attributed::Picture { .. });
                output.record(&record(&name, &cells, inputs.is_table(), &asked, &way, &found, &attributed));
                let explanation = Explanation {
                    name,
                    answer: asked.answer.clone(),
                    explained: asked.explained(),
                    sum: sum(&asked, &way, &found, &attributed),
                    attributed,
                };
                lines::print(&explanation, way.method.label(), output)?;
                asked_about.notes.iter().for_each(|note| output.note(format!("  {note}")));
                if let Some(out) = &mut out {
                    // Of a folder of pictures all are inputs.
                    let input = asked_about.cells.first().map(PathBuf::from).unwrap_or_default();
                    if let Some(path) =
                        self.out.as_ref().filter(|path| !inputs.is_table() && same_file(path, &input))
                    {
                        return Err(UsageError::of(AppError::OutIsInput { path: path.clone() }));
                    }
                    out.add(Explained { explanation, input, method: way.method })?;
                }
                if self.check && checked.len() < CHECKED {
                    checked.push((asked_about.asked, asked.target, found.values.len()));
                }
            }
        }
        if same > 0 {
            let class = self.rather_than.as_deref().unwrap_or_default();
            output.warn(format!("{same} of {row} answers are {class} themselves, and are left out; name another class with --class"));
        }
        let randomized = self.randomized(&explainer, &checked, &way, output).unwrap_or_else(|error| {
            output.error(&format!("the explanations cannot be checked: {error}"));
            failed = true;
            Vec::new()
        });
        inputs.warn_of_unread(&predictor, output);
        match out {
            Some(out) => out.finish(&self.model, &way, (randomized, checked.len()), output)?,
            None if pictures && !output.shows_colours() && !output.is_json() => {
                output.note(
                    "give --out FILE.png, --out FILE.html or --out FOLDER to see where in the pictures",
                );
            }
            None => {}
        }
        Ok(if failed || inputs.failed() { Exit::Failed } else { Exit::Done })
    }
}

impl Explain {
    /// Refuses classes that the model does not have.
    fn check_classes(&self, predictor: &Predictor) -> anyhow::Result<()> {
        let known = predictor.classes();
        for (flag, name) in [("--class", &self.class), ("--rather-than", &self.rather_than)] {
            let Some(name) = name else { continue };
            let path = self.model.clone();
            if known.is_empty() {
                return Err(UsageError::of(AppError::NoClasses { path, flag }));
            }
            if !known.iter().any(|known| known == name) {
                let (found, known) = (name.clone(), listed(known, 12));
                return Err(UsageError::of(AppError::UnknownClass { path, flag, found, known }));
            }
        }
        match (&self.class, &self.rather_than) {
            (Some(class), Some(other)) if class == other => {
                Err(UsageError::of(AppError::SameClass { class: class.clone() }))
            }
            _ => Ok(()),
        }
    }

    /// How it is done, for a model that can be explained so.
    fn way(
        &self,
        explainer: &Explainer,
        card: &ModelCard,
        predictor: &Predictor,
        out: Option<&Out>,
    ) -> anyhow::Result<Way> {
        let method = self.method.unwrap_or_else(|| explainer.usual_method());
        let path = || self.model.clone();
        let is_picture = explainer.shape().len() == 3;
        if method == Method::GradCam && !is_picture {
            let found = card.spec.input.to_string();
            return Err(UsageError::of(AppError::ForPictures {
                flag: "--method grad-cam",
                path: path(),
                found,
            }));
        }
        if let (Some(Out::Picture { .. } | Out::Folder { .. }), Some(path), false) =
            (out, &self.out, is_picture)
        {
            return Err(UsageError::of(AppError::NoPictures { path: path.clone() }));
        }
        if self.baseline == Some(Baseline::Mean) && !predictor.is_normalized() {
            return Err(UsageError::of(AppError::NoMean { path: path() }));
        }
        if self.baseline.is_some() && !is_picture {
            let found = card.spec.input.to_string();
            return Err(UsageError::of(AppError::ForPictures { flag: "--baseline", path: path(), found }));
        }
        let compares = matches!(method, Method::IntegratedGradients | Method::Occlusion);
        if self.baseline.is_some() && !compares {
            return Err(UsageError::of(AppError::ComparesNothing { method: method.word() }));
        }
        if self.layer.is_some() && method != Method::GradCam {
            return Err(UsageError::of(AppError::ForGradCam));
        }
        if method == Method::AttentionRollout {
            if !explainer.has_attention() || card.text.is_none() {
                return Err(UsageError::of(AppError::NoAttention { path: path() }));
            }
            for (flag, given) in [("--class", &self.class), ("--rather-than", &self.rather_than)] {
                if given.is_some() {
                    return Err(UsageError::of(AppError::SameForClasses { flag }));
                }
            }
        } else if !explainer.has_gradients() && method != Method::Occlusion {
            return Err(UsageError::of(AppError::NoGradients { path: path(), method: method.name() }));
        }
        let baseline = self.baseline.unwrap_or(Baseline::Black);
        Ok(Way {
            method,
            baseline,
            layer: self.layer.clone(),
            steps: IntegratedGradients::STEPS,
            time_limit: None,
        })
    }

    /// What becomes of explanations where layers have weights by chance.
    fn randomized(
        &self,
        explainer: &Explainer,
        checked: &[(crate::inputs::Asked, Target, usize)],
        way: &Way,
        output: &Output,
    ) -> anyhow::Result<Vec<RandomizedLayer>> {
        if checked.is_empty() {
            return Ok(Vec::new());
        }
        let found = explainer.randomization_check(SEED, |explainer| {
            let explained = checked.iter().map(|(asked, target, _)| {
                Ok(Subject::new(explainer, asked.sample())?.explain(explainer, target, way)?.values)
            });
            explained.collect()
        })?;
        output.line("");
        output.line("With weights by chance from this layer on, the explanations have in common with those above (Spearman's correlation):");
        for layer in &found {
            let correlation =
                layer.correlation.map_or_else(|| "not defined".to_owned(), |value| format!("{value:.3}"));
            output.line(format!("  {:<28} {correlation:>11}", layer.layer));
        }
        output.line("Near 0 they are others, as they must be; near 1 they say nothing about what the network has learnt.");
        let parts = checked.iter().map(|(_, _, parts)| *parts).min().unwrap_or(0);
        if parts < FEW {
            output.line(format!("Of {parts} parts of a sample it says little."));
        }
        if found.iter().all(|layer| layer.correlation.is_none()) {
            output.line("Where nothing is defined, the layers begin with equal weights, which explain nothing: the check says nothing here.");
        }
        let layers: Vec<Value> = found
            .iter()
            .map(|layer| serde_json::json!({"layer": layer.layer, "correlation": layer.correlation}))
            .collect();
        output.record(&serde_json::json!({
            "type": "randomization_check", "samples": checked.len(), "seed": SEED, "layers": layers,
        }));
        let of = |layer: fireclay::explain::Randomized| RandomizedLayer {
            layer: layer.layer,
            correlation: layer.correlation,
        };
        Ok(found.into_iter().map(of).collect())
    }
}

/// What attributions add up to, as a sentence.
fn sum(asked: &Asked, way: &Way, found: &Found, attributed: &Attributed) -> String {
    let most =
        found.output.abs().max(found.baseline_output.map_or(0.0, |before| (found.output - before).abs()));
    let output = lines::signed(found.output, most);
    // A logit has a sign, a value one only if it needs it.
    let output = if asked.class.is_none() { output.trim_start_matches('+') } else { &output };
    let begin = format!("{} is {output}", asked.measure());
    let (Some(before), Some(remainder)) = (found.baseline_output, found.remainder) else {
        return match &found.layer {
            Some(layer) => format!("{begin}. Looked at: the output of {layer}."),
            None => format!("{begin}."),
        };
    };
    let baseline = match attributed {
        Attributed::Picture { .. } => way.baseline.name(),
        Attributed::Words(_) => "a text of padding",
        Attributed::Columns(_) => "a row of usual numbers and no categories",
    };
    let difference = found.output - before;
    let size = lines::signed(difference.abs(), most);
    let more = if difference < 0.0 { "less" } else { "more" };
    let steps = found.steps.unwrap_or(0);
    let lacking = (remainder / difference).abs();
    let within = match lacking.is_finite() {
        true => format!("within {:.1} %", 100.0 * lacking),
        false => format!("but for {remainder:+.1e}"),
    };
    format!(
        "{begin}, {} {more} than for {baseline}; the parts add up to that {within} ({steps} steps).",
        size.trim_start_matches('+')
    )
}

/// What `--json` prints of an answer.
fn record(
    name: &str,
    cells: &[(String, String)],
    is_table: bool,
    asked: &Asked,
    way: &Way,
    found: &Found,
    attributed: &Attributed,
) -> Map<String, Value> {
    let mut record = Map::new();
    let mut put = |name: &str, value: Value| drop(record.insert(name.into(), value));
    put("type", "explanation".into());
    match is_table {
        true => put(
            "row",
            Value::Object(cells.iter().map(|(name, cell)| (name.clone(), cell.clone().into())).collect()),
        ),
        false => {
            let column = cells.first().map_or("file", |(column, _)| column.as_str());
            put(column, name.into());
        }
    }
    put("method", way.method.word().into());
    match &asked.class {
        Some(class) => {
            put("class", class.clone().into());
            put("probability", asked.probability.into());
            put("rather_than", asked.rather_than.clone().into());
        }
        None => put("value", found.output.into()),
    }
    put("output", found.output.into());
    for (name, value) in [("baseline_output", found.baseline_output), ("remainder", found.remainder)] {
        if let Some(value) = value {
            put(name, value.into());
        }
    }
    if let Some(steps) = found.steps {
        put("steps", steps.into());
    }
    if let Some(layer) = &found.layer {
        put("layer", layer.clone().into());
    }
    match attributed {
        Attributed::Picture { picture, values, .. } => {
            let rows = values.chunks(picture.width.max(1)).map(|row| Value::from(row.to_vec()));
            put("attributions", Value::Array(rows.collect()));
        }
        Attributed::Words(words) => {
            let words =
                words.iter().map(|(word, value)| serde_json::json!({"word": word, "attribution": value}));
            put("words", Value::Array(words.collect()));
        }
        Attributed::Columns(columns) => {
            let columns = columns.iter().map(|column| {
                serde_json::json!({"column": column.column, "cell": column.cell, "attribution": column.value})
            });
            put("columns", Value::Array(columns.collect()));
        }
    }
    record
}
