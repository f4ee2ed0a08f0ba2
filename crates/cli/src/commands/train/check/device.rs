//! What is said of a training on one device.

use std::time::Duration;

use fireclay::nn::Model;
use fireclay::prelude::{DeviceName, Trainer};
use fireclay::train::{CheckTopic, OneBatchVerdict, TrainingCheck};

use super::super::job::Job;
use super::super::run::plain_trainer;
use super::lines::Lines;
use crate::device::{open_device, with_threads};
use crate::format::{count, duration};
use crate::program::Program;
use crate::records::CheckedDevice;

/// Tries the training on a device and says what was found. Flags that are wrong are errors.
///
/// # Errors
/// For a device that this build lacks, and a description that cannot be built.
pub fn say<P: Program>(
    job: &Job<P>,
    name: DeviceName,
    minutes: Option<f64>,
    limit: Duration,
    lines: &mut Lines,
) -> anyhow::Result<CheckedDevice> {
    let failed = |problem: String| CheckedDevice {
        device: name.to_string(),
        problem: Some(problem),
        check: None,
        epochs: None,
        total_seconds: None,
    };
    let device = match open_device(name) {
        Ok(device) => device,
        Err(error) if error.is::<crate::exit::UsageError>() => return Err(error),
        Err(error) => {
            let problem = format!("{error:#}");
            lines.problem("device", &problem);
            return Ok(failed(problem));
        }
    };
    let trainer: Trainer<Model> = plain_trainer(job, &device)?;
    let options = job.recipe.options(job.seed);
    let found = match trainer.check(&job.train, &options, limit) {
        Ok(found) => found,
        Err(error) => {
            let problem = error.to_string();
            lines.problem("network", &problem);
            return Ok(failed(problem));
        }
    };
    let of_topic =
        |topic| found.findings().into_iter().filter(|found| found.topic == topic).collect::<Vec<_>>();
    let topic = |lines: &mut Lines, what: &str, text: Option<String>, topic: CheckTopic| {
        let findings = of_topic(topic);
        lines.findings(what, text, &findings.iter().collect::<Vec<_>>());
    };
    topic(lines, "network", Some(network(job, &found, name)?), CheckTopic::Outputs);
    topic(lines, "loss", (!found.loss.is_far()).then(|| loss(&found)), CheckTopic::Loss);
    topic(lines, "gradients", gradients(&found), CheckTopic::Gradients);
    match found.one_batch.verdict {
        OneBatchVerdict::TooFewSteps => lines.unknown("one batch", one_batch(&found).unwrap_or_default()),
        _ => topic(lines, "one batch", one_batch(&found), CheckTopic::OneBatch),
    }
    let epochs = match minutes {
        Some(minutes) => job.recipe.epochs.min(((60.0 * minutes / found.time.epoch) as usize).max(1)),
        None => job.recipe.epochs,
    };
    let of_epoch = found.time.epoch + found.time.validation;
    let total = epochs as f64 * of_epoch + found.time.evaluated_sample * job.test.len() as f64;
    let failed = found.first_steps.diverged.is_some();
    let text = (!failed).then(|| time(job, &found, epochs, total));
    topic(lines, "time", text, CheckTopic::Steps);
    Ok(CheckedDevice {
        device: name.to_string(),
        problem: None,
        check: Some(found),
        epochs: Some(epochs),
        total_seconds: (!failed).then_some(total),
    })
}

fn network<P: Program>(job: &Job<P>, found: &TrainingCheck, name: DeviceName) -> anyhow::Result<String> {
    let parameters = job.state.spec.summary()?.parameters();
    let [rows, outputs] = found.outputs;
    let finite = if found.not_finite.is_none() { ", all finite" } else { "" };
    Ok(format!(
        "{}: {} parameters on {}; a batch gives {} x {} outputs{finite}",
        job.state.model,
        count(parameters as u64),
        with_threads(&name),
        count(rows as u64),
        count(outputs as u64),
    ))
}

fn loss(found: &TrainingCheck) -> String {
    let loss = &found.loss;
    let others = [("guessing costs", loss.guessing), ("the best constant answer", loss.constant)];
    let others = others.iter().filter_map(|(who, cost)| Some(format!("{who} {:.4}", (*cost)?)));
    let others = others.collect::<Vec<_>>().join(", ");
    match others.is_empty() {
        true => format!("{:.4} before training", loss.measured),
        false => format!("{:.4} before training; {others}", loss.measured),
    }
}

fn gradients(found: &TrainingCheck) -> Option<String> {
    let gradients = &found.gradients;
    let is_sound =
        gradients.missing.is_empty() && gradients.zero.is_empty() && gradients.not_finite.is_empty();
    match (gradients.tensors, is_sound) {
        (0, true) => Some("none, as the first step failed".into()),
        (tensors, true) => {
            Some(format!("each of the {tensors} trainable tensors gets a finite one that is not 0"))
        }
        _ => None,
    }
}

fn one_batch(found: &TrainingCheck) -> Option<String> {
    let batch = &found.one_batch;
    let course = format!(
        "the loss of {} samples went from {:.4} to {:.4} in {} steps",
        batch.samples, batch.first_loss, batch.last_loss, batch.steps
    );
    match batch.verdict {
        _ if batch.learning_rate_scale < 1.0 => None,
        OneBatchVerdict::Learnt => Some(format!("learnt by heart: {course}")),
        OneBatchVerdict::Falling => Some(format!("on the way to be learnt by heart: {course}")),
        OneBatchVerdict::TooFewSteps => Some(format!("no time for enough steps to tell: {course}")),
        _ => None,
    }
}

fn time<P: Program>(job: &Job<P>, found: &TrainingCheck, epochs: usize, total: f64) -> String {
    let (time, first) = (&found.time, &found.first_steps);
    let of_step = job.recipe.batch_size.saturating_mul(job.recipe.accumulate).min(job.train.len());
    let tried = match first.samples < of_step {
        true => format!(", tried with {}", count(first.samples as u64)),
        false => String::new(),
    };
    let most = if job.recipe.best.patience.is_some() { "at most " } else { "" };
    let steps = if time.steps_per_epoch == 1 { "step" } else { "steps" };
    format!(
        "{} a step of {} samples{tried}, {} {steps} an epoch: {} an epoch, {most}{} for {epochs}, measuring included",
        duration(time.step),
        count(of_step as u64),
        count(time.steps_per_epoch as u64),
        duration(time.epoch + time.validation),
        duration(total),
    )
}
