//! `compress --int8`.

use std::sync::Arc;

use fireclay::compress::{CompressError, Int8LayerReport, Int8Options, Int8Report, LayerForm, to_int8};
use fireclay::data::{Dataset, Source};
use fireclay::nn::readable::count;
use fireclay::prelude::Device;
use fireclay::store::ModelFile;

use super::Compress;
use crate::exit::UsageError;
use crate::format::{percent, shown};
use crate::output::Output;
use crate::program::Program;
use crate::records::{CompressedLayer, CompressionDetails};

/// The flags of this method, with its defaults.
pub fn options<P: Program>(flags: &Compress<P>) -> anyhow::Result<Int8Options> {
    let usual = Int8Options::default();
    let options = Int8Options {
        samples: flags.samples.unwrap_or(usual.samples),
        percentile: flags.percentile.unwrap_or(usual.percentile),
        most_lost: flags.most_lost.unwrap_or(usual.most_lost),
    };
    options.check().map_err(UsageError::of)?;
    Ok(options)
}

/// Makes and saves the new model, and says what became of each layer.
pub fn run<P: Program>(
    flags: &Compress<P>,
    options: &Int8Options,
    file: &ModelFile,
    train: Dataset,
    device: &Device,
    output: &Output,
) -> anyhow::Result<CompressionDetails> {
    let name = P::samples(&train);
    let samples: Arc<dyn Source> = Arc::new(train);
    let (small, report) = to_int8(file, samples, options, device).map_err(|error| match error {
        CompressError::AlreadyInt8 => UsageError::of(error),
        other => other.into(),
    })?;
    output.line(of_layers(&report, &shown(&flags.from), name));
    small.save(&flags.out)?;
    Ok(details(&report))
}

/// What became of each layer.
fn of_layers(report: &Int8Report, model: &str, samples: &str) -> String {
    let width = report.layers.iter().map(|layer| layer.name.chars().count()).max().unwrap_or(0);
    let of = |layer: &Int8LayerReport| {
        let form = match layer.form {
            LayerForm::Int8 => "8-bit whole numbers".to_string(),
            LayerForm::DynamicInt8 => "8-bit whole numbers, each row in a range of its own".to_string(),
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

/// For the JSON.
fn details(report: &Int8Report) -> CompressionDetails {
    let layer = |layer: &Int8LayerReport| CompressedLayer {
        name: layer.name.clone(),
        computes_in: match layer.form {
            LayerForm::Int8 => "int8",
            LayerForm::DynamicInt8 => "dynamic_int8",
            LayerForm::Int8Weights | LayerForm::F32 { .. } => "f32",
        },
        weights: if matches!(layer.form, LayerForm::F32 { .. }) { "f32" } else { "int8" },
        lost: match layer.form {
            LayerForm::F32 { lost } => Some(lost),
            _ => None,
        },
    };
    CompressionDetails::Int8 {
        training_samples: report.samples,
        compared_samples: report.compared,
        lost: report.lost,
        layers: report.layers.iter().map(layer).collect(),
    }
}
