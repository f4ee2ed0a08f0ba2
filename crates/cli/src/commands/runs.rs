//! `runs`: lists the runs of a folder, and compares some of them.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::data::write_atomically;
use fireclay::report::{ComparedRun, Comparison, Measure, RunReport};
use fireclay::runs::{RunFolder, RunRecord, Status, steps};

use crate::command::Command;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{aligned, called, quoted, seconds, shown};
use crate::output::Output;
use crate::output_file::check_output;
use crate::program::Program;
use crate::records::{ComparedRuns, RunLine};

/// Characters of a curve.
const SPARK: usize = 16;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Lists runs, or compares some.
#[derive(Args, Debug)]
pub struct Runs<P: Program> {
    /// Runs to compare, two or more, by name or folder [default: all are listed]
    #[arg(value_name = "RUN")]
    pub names: Vec<String>,
    /// Folder of all runs
    #[arg(long, value_name = "FOLDER", default_value = "runs")]
    pub runs_dir: PathBuf,
    /// Page to write that compares them
    #[arg(long, value_name = "FILE", default_value = "comparison.html")]
    pub out: PathBuf,
    #[arg(skip)]
    _program: PhantomData<P>,
}

impl<P: Program> Command for Runs<P> {
    const NAME: &'static str = "runs";
    const ABOUT: &'static str = "List training runs, or compare two or more: settings, curves and measures";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        match self.names.as_slice() {
            [] => self.list(output),
            [_] => Err(UsageError::of(CommandError::OneRun)),
            _ => self.compare(output),
        }
    }
}

impl<P: Program> Runs<P> {
    fn list(&self, output: &Output) -> anyhow::Result<Exit> {
        let runs = RunFolder::list(&self.runs_dir)?;
        let mut rows =
            vec![["run", "status", "data", "epochs", "loss", "measure", "time"].map(String::from).to_vec()];
        for run in &runs {
            let record = match RunRecord::load(run) {
                Ok(record) => record,
                Err(error) => {
                    output.warn(format!("{}: {error}", run.name()));
                    continue;
                }
            };
            let measure = record.report.measures.first();
            let losses = losses(run, &record.report);
            rows.push(vec![
                run.name(),
                word(&record).to_owned(),
                record.report.dataset.as_ref().map_or("-".into(), |data| data.name.clone()),
                record.report.epochs.len().to_string(),
                sparkline(&losses),
                measure.map_or("-".into(), |measure| format!("{} {}", measure.name, value(measure))),
                seconds(record.seconds),
            ]);
            output.record(&RunLine {
                name: run.name(),
                status: word(&record),
                dataset: record.report.dataset.as_ref().map(|data| data.name.clone()),
                epochs: record.report.epochs.len(),
                measures: record.report.measures.iter().map(|of| (of.name.clone(), of.value)).collect(),
                started: record.started,
                seconds: record.seconds,
            });
        }
        match rows.len() {
            1 => output.line(format!(
                "no runs in {}; {} train makes one",
                shown(&self.runs_dir),
                called(P::NAME)
            )),
            _ => output.line(aligned(&rows)),
        }
        let broken_off = runs.iter().find(|run| {
            RunRecord::load(run).is_ok_and(|record| {
                record.status == Status::Interrupted
                    || (record.status == Status::Running && !record.is_alive())
            })
        });
        if let Some(run) = broken_off {
            let folder = quoted(&shown(run.path()));
            output.note(format!(
                "go on with one that was broken off: {} train --resume {folder}",
                called(P::NAME)
            ));
        }
        Ok(Exit::Done)
    }

    fn compare(&self, output: &Output) -> anyhow::Result<Exit> {
        check_output(&self.out, "--out")?;
        let mut runs = Vec::new();
        for name in &self.names {
            let folder = match Path::new(name).join("run.json").is_file() {
                true => PathBuf::from(name),
                false => self.runs_dir.join(name),
            };
            let run = RunFolder::open(&folder).map_err(|error| self.unknown(name, error))?;
            let mut report = RunRecord::load(&run)?.report;
            report.steps = steps(&run);
            runs.push((run.name(), report));
        }
        self.say_settings(&runs, output);
        self.say_measures(&runs, output);
        let comparison = Comparison {
            title: format!("{} runs compared", runs.len()),
            program: format!("{} {}", P::NAME, env!("CARGO_PKG_VERSION")),
            runs: runs.iter().map(|(name, report)| ComparedRun::new(name.clone(), report.clone())).collect(),
        };
        let html = comparison.to_html()?;
        write_atomically(&self.out, |out| out.write_all(html.as_bytes()))
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        output.line(format!("\ncurves over each other: {}", shown(&self.out)));
        output.record(&ComparedRuns {
            runs: runs.iter().map(|(name, _)| name.clone()).collect(),
            file: shown(&self.out),
        });
        Ok(Exit::Done)
    }

    fn unknown(&self, name: &str, error: fireclay::runs::RunsError) -> anyhow::Error {
        let known: Vec<String> =
            RunFolder::list(&self.runs_dir).unwrap_or_default().iter().map(RunFolder::name).collect();
        match known.is_empty() {
            true => UsageError::of(error),
            false => UsageError::of(CommandError::NoRun { name: name.into(), known }),
        }
    }

    /// The settings that differ.
    fn say_settings(&self, runs: &[(String, RunReport)], output: &Output) {
        let all = |report: &RunReport| -> Vec<(String, String)> {
            report.settings.iter().flat_map(|group| group.settings.clone()).collect()
        };
        let mut names: Vec<String> = Vec::new();
        for (name, _) in runs.iter().flat_map(|(_, report)| all(report)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut rows = vec![heading(runs)];
        for name in names {
            let of = |report: &RunReport| {
                all(report)
                    .into_iter()
                    .find(|(known, _)| *known == name)
                    .map_or("-".into(), |(_, value)| value)
            };
            let values: Vec<String> = runs.iter().map(|(_, report)| of(report)).collect();
            if values.windows(2).any(|pair| pair[0] != pair[1]) {
                rows.push([vec![name], values].concat());
            }
        }
        match rows.len() {
            1 => output.line("all settings are the same"),
            _ => output.line(format!("settings that differ\n{}", aligned(&rows))),
        }
    }

    fn say_measures(&self, runs: &[(String, RunReport)], output: &Output) {
        let mut names: Vec<&str> = Vec::new();
        for measure in runs.iter().flat_map(|(_, report)| &report.measures) {
            if !names.contains(&measure.name.as_str()) {
                names.push(&measure.name);
            }
        }
        let mut rows = vec![heading(runs)];
        for name in names {
            let of = |report: &RunReport| {
                let measure = report.measures.iter().find(|measure| measure.name == name);
                measure.map_or("-".into(), with_interval)
            };
            let values = runs.iter().map(|(_, report)| of(report)).collect();
            rows.push([vec![name.to_owned()], values].concat());
        }
        if rows.len() > 1 {
            output.line(format!("\nmeasures, with 95 % intervals\n{}", aligned(&rows)));
        }
        let simpler = simpler(runs);
        if !simpler.is_empty() {
            let rows = [vec![heading(runs)], simpler].concat();
            output.line(format!("\nof simpler answers, on the same samples as each run\n{}", aligned(&rows)));
        }
    }
}

fn heading(runs: &[(String, RunReport)]) -> Vec<String> {
    std::iter::once(String::new()).chain(runs.iter().map(|(name, _)| name.clone())).collect()
}

/// A row for each baseline of the first measure: by others they say much the same, which is on the page.
fn simpler(runs: &[(String, RunReport)]) -> Vec<Vec<String>> {
    let first = |report: &'_ RunReport| report.measures.first().cloned();
    let mut names: Vec<(String, String)> = Vec::new();
    for measure in runs.iter().filter_map(|(_, report)| first(report)) {
        for baseline in &measure.baselines {
            let name = (measure.name.clone(), baseline.name.clone());
            if baseline.value.is_some() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let row = |(measure, name): (String, String)| {
        let of = |report: &RunReport| {
            let measure = first(report).filter(|found| found.name == measure)?;
            let value = measure.baselines.iter().find(|baseline| baseline.name == name)?.value;
            Some(self::value(&Measure { value, ..measure.clone() }))
        };
        let values = runs.iter().map(|(_, report)| of(report).unwrap_or_else(|| "-".into()));
        std::iter::once(format!("{measure}, {name}")).chain(values).collect()
    };
    names.into_iter().map(row).collect()
}

/// How a run stands; one whose process is gone was killed.
fn word(record: &RunRecord) -> &'static str {
    match record.status {
        Status::Running if !record.is_alive() => "killed",
        status => status.word(),
    }
}

/// The course of the loss: of validation samples if there are any, of epochs that are done, else of steps.
fn losses(run: &RunFolder, report: &RunReport) -> Vec<f64> {
    let course = |name: &str| -> Vec<f64> {
        report.epochs.iter().filter_map(|epoch| epoch.values.get(name).copied()).collect()
    };
    let found = [course("val_loss"), course("loss")].into_iter().find(|course| course.len() > 1);
    found.unwrap_or_else(|| steps(run).iter().filter_map(|step| step.loss).collect())
}

/// A curve in a few characters.
fn sparkline(values: &[f64]) -> String {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let (least, most) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    let width = SPARK.min(values.len());
    let bar = |place: usize| {
        let part = &values[place * values.len() / width..((place + 1) * values.len() / width).max(1)];
        let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
        let height = if most > least { (mean - least) / (most - least) } else { 0.0 };
        BARS[((height * (BARS.len() - 1) as f64).round() as usize).min(BARS.len() - 1)]
    };
    (0..width).map(bar).collect()
}

fn value(measure: &Measure) -> String {
    let shown = |value: f64| match measure.unit {
        fireclay::report::Unit::Fraction => crate::format::percent(value),
        _ => format!("{value:.4}"),
    };
    measure.value.map_or("-".into(), shown)
}

fn with_interval(measure: &Measure) -> String {
    let end = |value: f64| self::value(&Measure { value: Some(value), ..measure.clone() });
    match measure.interval {
        Some(interval) => {
            format!("{} ({} .. {})", value(measure), end(interval.lower), end(interval.upper))
        }
        None => value(measure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_in_a_few_characters() {
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[2.0]), "▁");
        assert_eq!(sparkline(&[3.0, f64::NAN, 1.0, 2.0]), "█▁▅");
        let many: Vec<f64> = (0..160).map(f64::from).collect();
        assert_eq!(sparkline(&many), "▁▂▂▃▃▃▄▄▅▅▆▆▆▇▇█");
    }
}
