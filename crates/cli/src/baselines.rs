//! What simple models reach on the same data: always the same answer, and a linear model; of texts the frequencies of their words.

use fireclay::data::{Batch, BatchTargets, Dataset, Source, TargetKind};
use fireclay::nn::NaiveBayesBagSpec;
use fireclay::prelude::{AdamW, Device, FitOptions, ModelSpec};
use fireclay::train::schedule::OneCycle;
use fireclay::train::{
    AnyMetric, PredictionTargets, Predictions, Task, TokenSums, TrainError, bootstrap_interval,
};

use crate::format::{aligned, count};
use crate::objective::{Objective, measure};
use crate::output::Output;
use crate::records::{Comparison, Measure};

/// Resamplings of the test samples for an interval, their seed, and the share of them within it.
const RESAMPLES: usize = 300;
const SEED: u64 = 0;
/// Fewer test samples than this have no interval.
const LEAST_ROWS: usize = 10;
const WITHIN: f64 = 0.95;

/// Steps that the linear model is trained for, about, and samples in each.
const STEPS: usize = 2_000;
const BATCH_SIZE: usize = 64;

/// Values of samples that stay in their files that are read for it.
const MOST_READ: usize = 1 << 28;

/// Fewer steps than this are few.
const FEW_STEPS: usize = 200;

/// Samples that are looked at together.
const AT_ONCE: usize = 4_096;

/// What simple models predict for the test samples.
pub struct Baselines {
    metrics: Vec<AnyMetric>,
    /// `always "no"`, or `the mean`.
    constant_name: String,
    constant: Predictions,
    /// `None` where the model is one itself, and of language models.
    linear: Option<Predictions>,
}

impl Baselines {
    /// Trains them, and says what they reach; `None` where samples have neither one class or number each, nor labels, nor next
    /// tokens. `spec` is the model that they are to be compared with.
    ///
    /// # Errors
    /// As a training.
    pub fn of(
        train: &Dataset,
        test: &Dataset,
        spec: &ModelSpec,
        device: &Device,
        output: &Output,
    ) -> anyhow::Result<Option<Self>> {
        let some = some_of(train);
        let train = &some;
        let objective = Objective::of(train);
        let outputs = match objective {
            Objective::Classification => train.class_names().len(),
            Objective::Regression => 1,
            Objective::MultiLabel => train.class_names().len(),
            Objective::LanguageModel => return Ok(Some(Self::of_language(train, test, output))),
            Objective::StepClassification => return Ok(None),
        };
        let (linear, optimizer) = linear_model(train, outputs);
        let trained = match linear.layers == spec.layers {
            true => None,
            false => {
                let network = linear.build_seeded(SEED, device)?;
                let mut trainer = objective.trainer(network, 0.0, None).optimizer(optimizer);
                let steps_of_epoch = train.len().div_ceil(BATCH_SIZE).max(1);
                let options = FitOptions {
                    epochs: STEPS.div_ceil(steps_of_epoch).clamp(2, 200),
                    batch_size: BATCH_SIZE,
                    schedule: OneCycle {}.into(),
                    ..FitOptions::default()
                };
                match trainer.fit(train, &options) {
                    Ok(_) => Some(trainer.predictions(test)?),
                    // Of the training itself this says nothing.
                    Err(TrainError::NotFinite { .. }) => None,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let (constant_name, answer) = constant(train)?;
        let constant = same_answer(objective, answer, test)?;
        let linear = trained;
        let metrics = metrics(objective, train.class_names().len());
        let baselines = Baselines { metrics, constant_name, constant, linear };
        baselines.say(output);
        Ok(Some(baselines))
    }

    /// What it is to give each token the probability of its frequency in the training texts.
    fn of_language(train: &Dataset, test: &Dataset, output: &Output) -> Self {
        let vocabulary = train.vocabulary_size().unwrap_or_default();
        let baselines = Baselines {
            metrics: metrics(Objective::LanguageModel, 0),
            constant_name: "guessing by word frequency".into(),
            constant: Predictions::from_token_sums(vocabulary, by_frequency(train, test, vocabulary)),
            linear: None,
        };
        baselines.say(output);
        baselines
    }

    /// One line before the training: by the first measure.
    fn say(&self, output: &Output) {
        let Some(metric) = self.metrics.first() else { return };
        let value = |predictions| {
            metric.measure(predictions).map_or("-".into(), |value| measure(&metric.name(), value))
        };
        let linear = self.linear.as_ref().map(|linear| format!(", a linear model {}", value(linear)));
        output.progress_line(format!(
            "baselines, {}: {} {}{}",
            title(&metric.name()),
            self.constant_name,
            value(&self.constant),
            linear.unwrap_or_default()
        ));
    }

    /// How the answer is called that is always the same.
    pub fn constant_name(&self) -> &str {
        &self.constant_name
    }

    /// The measures of a model, with 95 % intervals, beside theirs.
    /// With a `threshold` between two classes accuracy and F1 are of what it decides.
    pub fn compare(&self, model: &Predictions, threshold: Option<f64>) -> Vec<Measure> {
        let of = |metric: &AnyMetric| Measure {
            linear: self.linear.as_ref().and_then(|linear| metric.measure(linear)),
            constant: metric.measure(&self.constant),
            ..measure_of(model, threshold, metric)
        };
        self.metrics.iter().map(of).collect()
    }

    /// What to say of a model that is no better by the first of such measures than the answer that is always the same.
    pub fn no_better(&self, measures: &[Measure], steps: usize) -> Option<String> {
        let row = measures.first()?;
        let (model, constant) = (row.model?, row.constant?);
        let maximizes = self.metrics.first()?.direction() == fireclay::train::Direction::Maximize;
        // The end of its interval that is the worse, as far as there is one.
        let [lower, upper] = row.interval.unwrap_or([model, model]);
        let is_better = if maximizes { lower > constant } else { upper < constant };
        if is_better {
            return None;
        }
        let advice = match steps < FEW_STEPS {
            true => "that is few: train for more epochs (--epochs N)",
            false => "find-lr looks for a learning rate, and data shows what it learns from",
        };
        Some(format!(
            "after {} the model is not measurably better than {}; {advice}",
            match steps {
                1 => "1 step".to_owned(),
                steps => format!("{} steps", count(steps as u64)),
            },
            self.constant_name
        ))
    }

    /// Prints such measures.
    pub fn print_beside(&self, measures: &[Measure], name: &str, output: &Output) {
        let shown = |name: &str, value: Option<f64>| value.map_or("-".into(), |value| measure(name, value));
        let has_intervals = measures.iter().any(|row| row.interval.is_some());
        let columns = |of_row: [String; 5]| -> Vec<String> {
            let kept = [true, true, has_intervals, self.linear.is_some(), true];
            of_row.into_iter().zip(kept).filter_map(|(cell, kept)| kept.then_some(cell)).collect()
        };
        let heading = [
            String::new(),
            name.to_owned(),
            "95 % interval".into(),
            "linear".into(),
            self.constant_name.clone(),
        ];
        let mut rows = vec![columns(heading)];
        rows.extend(measures.iter().map(|row| {
            columns([
                title(&row.name).to_owned(),
                shown(&row.name, row.model),
                shown_interval(&row.name, row.interval),
                shown(&row.name, row.linear),
                shown(&row.name, row.constant),
            ])
        }));
        output.line(format!("\n{}", aligned(&rows)));
        output.record(&Comparison { constant: &self.constant_name, measures });
    }
}

/// The measures of a model with 95 % intervals, without any baseline.
pub fn measures_of(test: &Dataset, model: &Predictions, threshold: Option<f64>) -> Vec<Measure> {
    let metrics = metrics(Objective::of(test), test.class_names().len());
    metrics.iter().map(|metric| measure_of(model, threshold, metric)).collect()
}

/// A measure of a model with its interval; with a `threshold` between two classes accuracy and F1 are of what it decides.
pub fn measure_of(model: &Predictions, threshold: Option<f64>, metric: &AnyMetric) -> Measure {
    let decided = threshold
        .filter(|_| ["accuracy", "f1"].contains(&metric.name().as_str()))
        .map(|threshold| decided(model, threshold));
    let model = decided.as_ref().unwrap_or(model);
    Measure {
        name: metric.name(),
        model: metric.measure(model),
        interval: interval(model, metric),
        linear: None,
        constant: None,
    }
}

/// The training samples; of those that are read by shards as many as the linear model is trained on.
fn some_of(train: &Dataset) -> Dataset {
    let sample_len: usize = train.shape().iter().product();
    let most = (STEPS * BATCH_SIZE).min((MOST_READ / sample_len.max(1)).max(BATCH_SIZE));
    if train.is_read_by_shards() { train.spread(most) } else { train.clone() }
}

/// A linear model of some samples, and what trains it: of texts the counts of their words.
fn linear_model(train: &Dataset, outputs: usize) -> (ModelSpec, AdamW) {
    match (train.vocabulary_size(), train.shape()) {
        (Some(vocabulary_size), &[tokens]) => {
            let padding = fireclay::data::reserved::PADDING as usize;
            let bag = NaiveBayesBagSpec::new(vocabulary_size, outputs).padding_idx(padding);
            (ModelSpec::tokens(tokens).layer(bag), AdamW::new(2.5e-3))
        }
        (_, [_]) => (ModelSpec::new(train.shape().to_vec()).dense(outputs), AdamW::new(1e-2)),
        (_, shape) => (ModelSpec::new(shape.to_vec()).flatten().dense(outputs), AdamW::new(1e-3)),
    }
}

/// What it is to give the same answer for all test samples.
fn same_answer(objective: Objective, answer: Vec<f32>, test: &Dataset) -> anyhow::Result<Predictions> {
    let targets = match objective {
        Objective::Classification => PredictionTargets::Classes(
            (0..test.len()).map(|index| test.label(index).unwrap_or_default()).collect(),
        ),
        _ => PredictionTargets::Values { width: answer.len(), values: values_of(test) },
    };
    let task = match objective {
        Objective::Classification => Task::Classes { count: answer.len() },
        Objective::MultiLabel => Task::MultiLabel { labels: answer.len() },
        _ => Task::Regression { outputs: 1 },
    };
    Ok(Predictions::new(task, answer.repeat(test.len()), targets))
}

/// The numbers to predict, in the units of the data.
fn values_of(data: &Dataset) -> Vec<f32> {
    let (mut found, mut batch) = (Vec::with_capacity(data.len()), Batch::default());
    let all: Vec<u32> = (0..data.len() as u32).collect();
    for indices in all.chunks(AT_ONCE) {
        data.gather(indices, &mut batch);
        if let BatchTargets::Values { values, .. } | BatchTargets::Labels { values, .. } = &batch.targets {
            found.extend_from_slice(values);
        }
    }
    if let Some(scale) = data.target_scale() {
        found.iter_mut().for_each(|value| *value = *value * scale.std[0] + scale.mean[0]);
    }
    found
}

/// The next tokens of all windows, each with its weight.
fn next_tokens(data: &Dataset, mut found: impl FnMut(u32, f64)) {
    let mut batch = Batch::default();
    let all: Vec<u32> = (0..data.len() as u32).collect();
    for indices in all.chunks(AT_ONCE) {
        data.gather(indices, &mut batch);
        let BatchTargets::NextTokens(tokens) = &batch.targets else { continue };
        for (index, token) in tokens.iter().enumerate() {
            let weight = batch.weights.as_ref().and_then(|weights| weights.get(index));
            found(*token, weight.map_or(1.0, |weight| f64::from(*weight)));
        }
    }
}

/// What the frequencies of training tokens say of test tokens. A token that does not occur is not impossible: it counts half.
fn by_frequency(train: &Dataset, test: &Dataset, vocabulary: usize) -> TokenSums {
    let mut counts = vec![0.5; vocabulary];
    next_tokens(train, |token, weight| {
        if let Some(count) = counts.get_mut(token as usize) {
            *count += weight;
        }
    });
    let total: f64 = counts.iter().sum();
    let most = counts.iter().copied().fold(0.0, f64::max);
    let usual = counts.iter().position(|count| *count == most);
    let mut sums = TokenSums::default();
    next_tokens(test, |token, weight| {
        let Some(count) = counts.get(token as usize) else { return };
        sums.cross_entropy -= weight * (count / total).ln();
        sums.correct += if usual == Some(token as usize) { weight } else { 0.0 };
        sums.tokens += weight;
    });
    sums
}

/// Predictions whose greater logit is the class that a threshold decides.
fn decided(predictions: &Predictions, threshold: f64) -> Predictions {
    let threshold = threshold.clamp(1e-9, 1.0 - 1e-9);
    let shift = ((1.0 - threshold) / threshold).ln() as f32;
    let mut outputs = predictions.outputs().to_vec();
    outputs.iter_mut().skip(1).step_by(2).for_each(|logit| *logit += shift);
    Predictions::new(predictions.task(), outputs, predictions.targets().clone())
}

/// The 95 % interval of a measure; of a handful of samples there is none, as nothing can be drawn that is not in it.
pub fn interval(predictions: &Predictions, metric: &AnyMetric) -> Option<[f64; 2]> {
    (predictions.rows() >= LEAST_ROWS)
        .then(|| bootstrap_interval(predictions, metric, RESAMPLES, WITHIN, SEED))
        .flatten()
}

/// Both ends of the interval of a measure for people.
pub fn shown_interval(name: &str, interval: Option<[f64; 2]>) -> String {
    let ends = interval.map(|ends| ends.map(|end| measure(name, end)).join(" .. "));
    ends.unwrap_or_else(|| "-".into())
}

/// What is measured, the measure that says the most first.
fn metrics(objective: Objective, classes: usize) -> Vec<AnyMetric> {
    let names: &[&str] = match (objective, classes) {
        (Objective::MultiLabel, _) => &["f1", "micro_f1", "subset_accuracy", "hamming_loss"],
        (Objective::LanguageModel, _) => &["perplexity", "accuracy"],
        (Objective::Regression, _) => &["r2", "rmse", "mae", "median_absolute_error"],
        (_, 2) => &["accuracy", "roc_auc", "pr_auc", "f1", "log_loss"],
        _ => &["accuracy", "f1", "log_loss"],
    };
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// A measure's name for people.
pub fn title(name: &str) -> &str {
    match name {
        "r2" => "R²",
        "rmse" => "RMSE",
        "mae" => "MAE",
        "median_absolute_error" => "median absolute error",
        "roc_auc" => "ROC AUC",
        "pr_auc" => "PR AUC",
        "f1" => "F1",
        "log_loss" => "log loss",
        "micro_f1" => "micro F1",
        "subset_accuracy" => "all labels right",
        "hamming_loss" => "labels wrong",
        other => other,
    }
}

/// The answer that does not look at the sample: the logarithms of the classes' shares, or the mean.
fn constant(train: &Dataset) -> anyhow::Result<(String, Vec<f32>)> {
    let counts = train.class_counts();
    let most = counts.iter().max().and_then(|most| counts.iter().position(|count| count == most));
    if let Some(most) = most {
        // A class without samples is not impossible.
        let share = |count: &usize| ((*count as f32 + 0.5) / (train.len() as f32 + 0.5)).ln();
        return Ok((format!("always {}", train.class_names()[most]), counts.iter().map(share).collect()));
    }
    if let TargetKind::Labels { count } = train.target_kind() {
        let (values, rows) = (values_of(train), train.len().max(1) as f32);
        let share = |label| values.iter().skip(label).step_by(count).sum::<f32>();
        // Above 0 where the label holds in most rows.
        let logit = |label| ((share(label) + 0.5) / (rows - share(label) + 0.5)).ln();
        let logits: Vec<f32> = (0..count).map(logit).collect();
        let is_usual = |(name, logit): (&String, &f32)| (*logit > 0.0).then(|| name.clone());
        let usual: Vec<String> = train.class_names().iter().zip(&logits).filter_map(is_usual).collect();
        let name = match usual.as_slice() {
            [] => "no label".into(),
            [label] => format!("always {label}"),
            _ => "the labels of most samples".into(),
        };
        return Ok((name, logits));
    }
    let sum: f64 = values_of(train).iter().map(|value| f64::from(*value)).sum();
    Ok(("the mean".into(), vec![(sum / train.len().max(1) as f64) as f32]))
}

#[cfg(test)]
mod tests {
    use fireclay::data::{Provenance, Targets};

    use super::*;

    fn points() -> Dataset {
        let values: Vec<f32> = (0..400).map(|i| (i * 37 % 100) as f32 / 100.0).collect();
        let labels = values.iter().map(|value| u32::from(*value > 0.7)).collect();
        let targets = Targets::Classes { labels, names: vec!["low".into(), "high".into()] };
        Dataset::from_f32(&[1], values, targets, Provenance::default()).unwrap()
    }

    #[test]
    fn a_linear_model_learns_what_a_constant_answer_does_not() {
        let (points, output) = (points(), Output::new(false, true));
        let spec = ModelSpec::new([1]).dense(8).relu().dense(2);
        let of = |spec| Baselines::of(&points, &points, spec, &Device::flex(), &output).unwrap().unwrap();
        let linear_itself = ModelSpec::new([1]).dense(2);
        assert!(of(&linear_itself).linear.is_none());
        let baselines = of(&spec);
        let linear = baselines.linear.unwrap();
        let accuracy: AnyMetric = "accuracy".parse().unwrap();
        assert_eq!(baselines.constant_name, "always low");
        assert!((accuracy.measure(&baselines.constant).unwrap() - 0.71).abs() < 1e-6);
        assert!(accuracy.measure(&linear).unwrap() > 0.95);
        assert!(matches!(linear.task(), Task::Classes { count: 2 }));
    }

    #[test]
    fn a_model_that_learnt_nothing_is_said_to_be_no_better() {
        let (points, output) = (points(), Output::new(false, true));
        let spec = ModelSpec::new([1]).dense(8).relu().dense(2);
        let baselines = Baselines::of(&points, &points, &spec, &Device::flex(), &output).unwrap().unwrap();
        let of = |predictions: &Predictions, steps| {
            baselines.no_better(&baselines.compare(predictions, None), steps)
        };
        let few = of(&baselines.constant, 1).unwrap();
        assert!(
            few.starts_with("after 1 step the model is not measurably better than always low; "),
            "{few}"
        );
        assert!(few.contains("--epochs N") && of(&baselines.constant, 2_000).unwrap().contains("find-lr"));
        assert_eq!(of(baselines.linear.as_ref().unwrap(), 1), None);
    }

    #[test]
    fn frequencies_of_words_have_a_perplexity() {
        let stream = |texts: &[Vec<u32>]| {
            let data = Dataset::from_token_stream(texts, 2, Provenance::default()).unwrap();
            data.with_vocabulary_size(6).unwrap()
        };
        // The next tokens are 4, 4, 5, 4; with half a token of each there are 7.
        let (train, test) = (stream(&[vec![3, 4, 4, 5, 4]]), stream(&[vec![3, 4, 5]]));
        let sums = by_frequency(&train, &test, 6);
        let [of_4, of_5]: [f64; 2] = [3.5 / 7.0, 1.5 / 7.0];
        assert_eq!((sums.tokens, sums.correct), (2.0, 1.0));
        assert!((sums.cross_entropy + of_4.ln() + of_5.ln()).abs() < 1e-12, "{sums:?}");
        let spec = ModelSpec::tokens(2).embedding(6, 2).lstm(2).dense(6);
        let output = Output::new(false, true);
        let baselines = Baselines::of(&train, &test, &spec, &Device::flex(), &output).unwrap().unwrap();
        let measures = baselines.compare(&Predictions::from_token_sums(6, sums), None);
        let perplexity = (of_4 * of_5).powf(-0.5);
        assert_eq!(measures[0].name, "perplexity");
        assert!((measures[0].constant.unwrap() - perplexity).abs() < 1e-9);
        assert_eq!((measures[1].constant, measures[1].linear), (Some(0.5), None));
    }

    #[test]
    fn the_mean_is_in_the_units_of_the_targets() {
        let targets = Targets::Values { width: 1, values: vec![10.0, 20.0, 60.0] };
        let data = Dataset::from_f32(&[1], vec![0.0; 3], targets, Provenance::default()).unwrap();
        let scaled = data.clone().with_standardized_targets().unwrap();
        for data in [data, scaled] {
            assert!((constant(&data).unwrap().1[0] - 30.0).abs() < 1e-4);
        }
    }
}
