//! `compress`: makes of a trained model a smaller and faster one, and measures both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::compress::{
    CompressError, Int8LayerReport, Int8Options, Int8Report, LayerForm, Speed, compare_speed, to_int8,
};
use fireclay::data::{Dataset, Source};
use fireclay::nn::readable::{bytes, count};
use fireclay::prelude::{Device, Model, Trainer};
use fireclay::store::ModelFile;

use crate::baselines::{measures_of, shown_interval, title};
use crate::command::Command;
use crate::commands::evaluate::{load_test, source_for};
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{aligned, duration, percent, shown};
use crate::limit::Limit;
use crate::objective::measure;
use crate::output::Output;
use crate::output_file::{check_output, same_file};
use crate::program::{Part, Program};
use crate::records::{CompressedLayer, CompressedModel, CompressionRecord, Measure};

/// Makes of a trained model a smaller and faster one, and measures both, on the samples that `evaluate` would take.
#[derive(Args, Debug)]
pub struct Compress<P: Program> {
    /// Model file to begin with; it stays as it is
    #[arg(value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// Compute in 8-bit whole numbers: convolutions and dense layers, with what stands between them; weights of other layers
    /// are stored so
    #[arg(long, required = true, help_heading = "Method")]
    pub int8: bool,
    /// Training samples that the ranges of the layers' outputs are measured on
    #[arg(long, value_name = "N", default_value_t = Int8Options::default().samples, help_heading = "Method")]
    pub samples: usize,
    /// Per cent of a layer's outputs that lie within its range; 100 takes the least and the greatest
    #[arg(long, value_name = "PERCENT", default_value_t = Int8Options::default().percentile, help_heading = "Method")]
    pub percentile: f64,
    /// Leave layers in f32, the most harmful first, until at most this much accuracy is lost on training samples, from 0 to 1; of a
    /// model without classes, until its outputs differ by at most this share of their variance
    #[arg(long, value_name = "SHARE", default_value_t = Int8Options::default().most_lost, help_heading = "Method")]
    pub most_lost: f64,
    /// File to write the new model to
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl<P: Program> Command for Compress<P> {
    const NAME: &'static str = "compress";
    const ABOUT: &'static str = "Make a smaller and faster model of a trained one, and measure both";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let device = self.device.open()?;
        let _precision = self.device.in_precision(&device, output);
        check_output(&self.out, "--out")?;
        if same_file(&self.from, &self.out) {
            return Err(UsageError::of(CommandError::SameFile { path: self.out }));
        }
        let options =
            Int8Options { samples: self.samples, percentile: self.percentile, most_lost: self.most_lost };
        options.check().map_err(UsageError::of)?;
        let file = ModelFile::load(&self.from)?;
        let source = source_for::<P>(&self.source, &self.from, &file.card)?;
        let test = load_test::<P>(&source, self.limit, &file.card, output)?;
        // What is to be said of the data was said for the test part.
        let train = P::load_part(&source, Part::Train, self.limit, &file.card, &Arc::new(Output::silent()))?;
        let samples: Arc<dyn Source> = Arc::new(train);
        let (small, report) = to_int8(&file, samples, &options, &device).map_err(|error| match error {
            CompressError::AlreadyInt8 => UsageError::of(error),
            other => other.into(),
        })?;
        let name = P::samples(&test);
        output.line(of_layers(&report, &shown(&self.from), name));
        small.save(&self.out)?;

        let before = Measured::of(&self.from, &test, &device)?;
        let after = Measured::of(&self.out, &test, &device)?;
        let all: Arc<dyn Source> = Arc::new(test.clone());
        let speeds = compare_speed([&before.model, &after.model], all, &device)?;
        output.line(table([&before, &after], speeds, &test, name));
        output.line(format!("saved {} ({})", shown(&self.out), bytes(after.bytes)));
        output.record(&record([&before, &after], speeds, &report, &test, &self.out));
        Ok(Exit::Done)
    }
}

/// A model with what was measured of it.
struct Measured {
    model: Model,
    bytes: u64,
    measures: Vec<Measure>,
}

impl Measured {
    fn of(path: &Path, test: &Dataset, device: &Device) -> anyhow::Result<Self> {
        let bytes = std::fs::metadata(path)?.len();
        let trainer = Trainer::load(path, device)?;
        let measures = measures_of(test, &trainer.predictions(test)?, trainer.card().threshold);
        Ok(Measured { model: trainer.into_network(), bytes, measures })
    }
}

/// What became of each layer.
fn of_layers(report: &Int8Report, model: &str, samples: &str) -> String {
    let width = report.layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or(0);
    let of = |layer: &Int8LayerReport| {
        let form = match layer.form {
            LayerForm::Int8 => "8-bit whole numbers".to_string(),
            LayerForm::Int8Weights => "f32, with weights stored as 8-bit whole numbers".to_string(),
            LayerForm::F32 { lost } => {
                format!("f32: in whole numbers it alone {}", costs(lost, report.is_accuracy))
            }
        };
        format!("  {:<width$}  computes in {form}", layer.name)
    };
    let lines: Vec<String> = report.layers.iter().map(of).collect();
    let [measured, compared] = [report.samples, report.compared].map(|samples| count(samples as u64));
    format!(
        "{model} in 8-bit whole numbers, by the ranges of {measured} training {samples}; on {compared} training {samples} it {}\n{}",
        costs(report.lost, report.is_accuracy),
        lines.join("\n")
    )
}

/// What is lost, in words.
fn costs(lost: f64, is_accuracy: bool) -> String {
    match is_accuracy {
        true if lost > 0.0 => format!("costs {:.2} points of accuracy", 100.0 * lost),
        true => "costs no accuracy".to_string(),
        false => format!("changes the outputs by {} of their variance", percent(lost)),
    }
}

/// The measures, the size and the speed of both.
fn table([before, after]: [&Measured; 2], [old, new]: [Speed; 2], test: &Dataset, samples: &str) -> String {
    let mut rows = vec![["", "before", "after", ""].map(String::from).to_vec()];
    for (one, other) in before.measures.iter().zip(&after.measures) {
        let value = |of: Option<f64>| of.map_or("-".into(), |value| measure(&one.name, value));
        let interval = match other.interval {
            Some(ends) => format!("95 % interval {}", shown_interval(&one.name, Some(ends))),
            None => String::new(),
        };
        rows.push(vec![title(&one.name).to_string(), value(one.model), value(other.model), interval]);
    }
    let ratio = after.bytes as f64 / before.bytes.max(1) as f64;
    rows.push(vec!["file".into(), bytes(before.bytes), bytes(after.bytes), format!("{ratio:.2} x")]);
    let mut notes = Vec::new();
    if ratio >= 1.0 {
        notes.push("The file is not smaller.".to_string());
    }
    let factor = old.latency / new.latency;
    rows.push(vec![
        "latency of one".into(),
        duration(old.latency),
        duration(new.latency),
        format!("{factor:.2} x as fast"),
    ]);
    let rate = new.samples_per_second / old.samples_per_second;
    rows.push(vec![
        format!("{samples} a second"),
        count(old.samples_per_second as u64),
        count(new.samples_per_second as u64),
        format!("{rate:.2} x"),
    ]);
    if factor <= 1.0 {
        notes.push("One sample alone is not answered faster.".to_string());
    }
    if rate <= 1.0 {
        notes.push("Batches are not answered faster.".to_string());
    }
    let provenance = test.provenance();
    let (name, split, len) = (&provenance.name, &provenance.split, count(test.len() as u64));
    let notes: String = notes.iter().map(|note| format!("\n{note}")).collect();
    let table = aligned(&rows);
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    format!("\n{name}, {split} split, {len} {samples}\n{}{notes}\n", lines.join("\n"))
}

fn record<'a>(
    [before, after]: [&'a Measured; 2],
    [old, new]: [Speed; 2],
    report: &'a Int8Report,
    test: &'a Dataset,
    out: &Path,
) -> CompressionRecord<'a> {
    let model = |of: &'a Measured, speed: Speed| CompressedModel {
        bytes: of.bytes,
        latency: speed.latency,
        samples_per_second: speed.samples_per_second,
        measures: &of.measures,
    };
    let layer = |layer: &'a Int8LayerReport| CompressedLayer {
        name: &layer.name,
        computes_in: if layer.form == LayerForm::Int8 { "int8" } else { "f32" },
        weights: if matches!(layer.form, LayerForm::F32 { .. }) { "f32" } else { "int8" },
        lost: match layer.form {
            LayerForm::F32 { lost } => Some(lost),
            _ => None,
        },
    };
    CompressionRecord {
        file: out.display().to_string(),
        method: "int8",
        training_samples: report.samples,
        compared_samples: report.compared,
        lost: report.lost,
        dataset: &test.provenance().name,
        split: &test.provenance().split,
        samples: test.len(),
        layers: report.layers.iter().map(layer).collect(),
        before: model(before, old),
        after: model(after, new),
    }
}
