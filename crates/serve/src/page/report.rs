//! What the page shows, as JSON.

use fireclay_data::PictureForm;
use fireclay_store::ModelCard;
use fireclay_tabular::{ColumnEncoding, Encoding};
use serde_json::{Value, json};
use thousands::Separable;

use crate::model::{Input, ServedModel};
use crate::process::resident_bytes;
use crate::registry::{Counted, Served, VersionStatus};
use crate::state::Shared;
use crate::tensor::shortest;

/// All models: what they take and give, where they come from, and their versions.
pub(super) fn models(shared: &Shared) -> Value {
    let models = shared.registry.served().into_iter().map(|served| {
        let model = served.model();
        let versions = shared.registry.versions(served.name()).unwrap_or_default();
        json!({
            "name": served.name(),
            "version": served.version(),
            "versions": versions.into_iter().map(version).collect::<Vec<_>>(),
            "input": input(model),
            "answers": answers(model),
            "explains": matches!(model.card().spec.output_steps(), Ok(None)),
            "classes": model.classes(),
            "card": card(&served),
        })
    });
    json!({ "models": models.collect::<Vec<_>>() })
}

/// What was counted.
pub(super) fn status(shared: &Shared) -> Value {
    let models = shared.registry.names().map(|name| {
        let labels = shared.registry.versions(name).unwrap_or_default();
        let label = |version: u64| {
            let status = labels.iter().find(|status| status.version == version);
            status.and_then(|status| status.label).into_iter().collect::<Vec<_>>()
        };
        let versions = shared.registry.counted(name).into_iter().map(|counted| {
            let Counted { version, metrics, served } = counted;
            let milliseconds = |share: f64| metrics.latency().quantile(share).map(|seconds| seconds * 1e3);
            json!({
                "version": version,
                "labels": label(version),
                "requests": metrics.requests().into_iter().map(|(code, count)| (code.to_string(), count)).collect::<std::collections::BTreeMap<_, _>>(),
                "samples": metrics.samples(),
                "waiting": served.as_ref().map_or(0, |served| served.waiting()),
                "batch_mean": metrics.batches().mean(),
                "latency_ms": { "p50": milliseconds(0.5), "p99": milliseconds(0.99) },
                "drift": served.as_ref().and_then(|served| served.drift()),
            })
        });
        json!({
            "name": name,
            "canary_share": shared.registry.canary_share(name).unwrap_or_default(),
            "versions": versions.collect::<Vec<_>>(),
        })
    });
    json!({
        "ready": shared.is_ready(),
        "uptime_seconds": shared.begun.elapsed().as_secs_f64(),
        "memory_bytes": resident_bytes(),
        "models": models.collect::<Vec<_>>(),
    })
}

fn version(status: VersionStatus) -> Value {
    let VersionStatus { version, state, label } = status;
    let labels: Vec<&str> = label.into_iter().collect();
    json!({ "version": version, "state": state.name(), "labels": labels, "problem": state.problem() })
}

fn input(model: &ServedModel) -> Value {
    match model.input() {
        Input::Picture { shape: [channels, height, width], form } => {
            let form = if *form == PictureForm::Digit { "digit" } else { "middle" };
            json!({ "kind": "picture", "channels": channels, "height": height, "width": width, "form": form })
        }
        Input::Text | Input::Writes => json!({ "kind": "text" }),
        Input::Row => {
            let columns = model.table().map(|table| table.columns.as_slice()).unwrap_or_default();
            json!({ "kind": "row", "columns": columns.iter().map(column).collect::<Vec<_>>() })
        }
        Input::Values(shape) => json!({ "kind": "values", "shape": shape }),
    }
}

fn column(column: &ColumnEncoding) -> Value {
    let name = &column.name;
    match &column.encoding {
        Encoding::Number(number) => {
            let edges = number.edges();
            let [lowest, highest] = [edges.first(), edges.last()].map(|edge| edge.copied().map(shortest));
            let usual = shortest(number.median);
            json!({ "name": name, "kind": "number", "lowest": lowest, "highest": highest, "usual": usual })
        }
        Encoding::Category(category) => {
            json!({ "name": name, "kind": "category", "values": category.values })
        }
        Encoding::Date(_) => json!({ "name": name, "kind": "date" }),
        // Words, and what may come.
        _ => json!({ "name": name, "kind": "text" }),
    }
}

fn answers(model: &ServedModel) -> &'static str {
    if *model.input() == Input::Writes {
        return "text";
    }
    let outputs = &model.signature().outputs;
    match outputs.iter().any(|output| output.name == "class") {
        true => "classes",
        false if model.classes().is_empty() => "numbers",
        false => "labels",
    }
}

/// What the model's file says of it, in words.
fn card(served: &Served) -> Vec<[String; 2]> {
    let card: &ModelCard = served.model().card();
    let mut lines: Vec<[String; 2]> = Vec::new();
    let mut line = |name: &str, text: String| lines.push([name.to_owned(), text]);
    let takes = match served.model().input() {
        Input::Picture { shape: [1, height, width], .. } => {
            format!("grey pictures, {width} x {height} pixels")
        }
        Input::Picture { shape: [_, height, width], .. } => {
            format!("colour pictures, {width} x {height} pixels")
        }
        Input::Row => format!("rows of {} columns", served.model().signature().inputs.len()),
        Input::Text => "texts".to_owned(),
        Input::Writes => "the beginning of a text".to_owned(),
        Input::Values(_) => card.spec.input.to_string(),
    };
    line("Takes", takes);
    line("Layers", card.spec.layers.len().separate_with_commas());
    if let Some(data) = &card.dataset {
        let samples = data.samples.separate_with_commas();
        line("Trained on", format!("{}, {}: {samples} samples", data.name, data.split));
        line("Source", data.source.clone());
    }
    if let Some(training) = &card.training {
        line("Epochs", training.epochs.separate_with_commas());
        line("Samples in a step", training.batch_size.separate_with_commas());
        if let Some(kind) = training.optimizer.get("type").and_then(Value::as_str) {
            line("Optimiser", kind.to_owned());
        }
    }
    if !card.classes.is_empty() {
        line("Classes", card.classes.len().separate_with_commas());
    }
    if let Some(intervals) = &card.intervals {
        line("Intervals", format!("{:.0} % of the truth lies in them", intervals.share * 100.0));
    }
    line("Written by", format!("Fireclay {}", card.fireclay_version));
    line("File", served.path().file_name().unwrap_or_default().to_string_lossy().into_owned());
    lines
}
