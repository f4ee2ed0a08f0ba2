//! The parts of a model card, in the order of [Mitchell et al. 2018](https://arxiv.org/abs/1810.03993).
//!
//! Nothing of a clock and nothing of the machine is in it: the same files give the same card.

use std::path::Path;

use fireclay::nn::Summary;
use fireclay::report::{AuditReport, Measure, Unit};
use fireclay::runs::{RunRecord, Status};
use fireclay::store::{ModelCard, TrainingCard};
use fireclay::train::{table_preprocessing, text_preprocessing};
use fireclay_cli::{adversarial_training, bytes, count, percent, privacy_spent};
use serde_json::Value;

use super::audit;
use super::markdown::{Markdown, escaped};

/// Rows of a table, and names in a list.
const MOST: usize = 100;

/// A model file.
pub struct File<'a> {
    pub path: &'a Path,
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    pub card: &'a ModelCard,
}

/// The run that made it.
pub struct Run {
    pub name: String,
    pub record: RunRecord,
    /// Whether the model in its folder has the same weights.
    pub is_of_this_model: bool,
}

/// The whole card.
pub fn write(file: &File<'_>, run: Option<&Run>, found: Option<&AuditReport>) -> anyhow::Result<Markdown> {
    let mut page = Markdown::default();
    page.heading(1, &format!("Model card of {}", escaped(&file.name)));
    let from = match run {
        Some(run) => format!("the file, and from the record of the run {}", escaped(&run.name)),
        None => "the file".to_owned(),
    };
    page.paragraph(&format!(
        "Made by Fireclay {} from {from}, after [Mitchell et al. 2018](https://arxiv.org/abs/1810.03993). What only a person can say is \
         marked.",
        env!("CARGO_PKG_VERSION")
    ));
    details(&mut page, file)?;
    intended_use(&mut page, file)?;
    factors(&mut page, file.card);
    data(&mut page, file.card);
    training(&mut page, file.card);
    measures(&mut page, run);
    audit::write(&mut page, found);
    considerations(&mut page);
    limits(&mut page, file, run);
    Ok(page)
}

fn details(page: &mut Markdown, file: &File<'_>) -> anyhow::Result<()> {
    let card = file.card;
    let summary = card.spec.summary()?;
    page.heading(2, "Model details");
    let mut rows = vec![
        ["File".into(), format!("{}, {}", escaped(&file.name), bytes(file.bytes))],
        ["SHA-256 of the file".into(), file.sha256.clone()],
    ];
    rows.extend(
        card.weights_sha256.as_ref().map(|digest| ["SHA-256 of the weights".into(), escaped(digest)]),
    );
    rows.push([
        "Written by".into(),
        format!("Fireclay {}, format {}", escaped(&card.fireclay_version), card.format),
    ]);
    rows.push([
        "Signature".into(),
        match &card.signature {
            Some(signature) => format!(
                "by the ed25519 key {}; not checked here, `fireclay verify` does",
                signature.fingerprint()
            ),
            None => "none in the file".to_owned(),
        },
    ]);
    rows.push(["Takes".into(), escaped(&card.spec.input.to_string())]);
    rows.push(["Gives".into(), gives(card)?]);
    rows.push(["Parameters".into(), parameters(&summary)]);
    rows.push(["Operations for one sample".into(), format!("{} FLOPs, forward", count(summary.flops()))]);
    if card.spec.int8.is_some() {
        rows.push(["Computes in".into(), "8-bit whole numbers, where the device has them".into()]);
    }
    page.table(["", ""], &rows);
    page.for_a_person("Who made the model, when, under which licence, and where questions about it go.");

    page.heading(3, "Architecture");
    let shape = |sizes: &[usize]| {
        let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
        sizes.join(" × ")
    };
    let layers: Vec<[String; 4]> = (summary.rows.iter().take(MOST))
        .map(|row| {
            let values = row.parameters + row.frozen + row.buffers;
            [escaped(&row.name), shape(&row.output), count(values as u64), count(row.flops)]
        })
        .collect();
    page.table(["Layer", "Output of one sample", "Numbers", "FLOPs"], &layers);
    if summary.rows.len() > MOST {
        let more = count((summary.rows.len() - MOST) as u64);
        page.paragraph(&format!("And {more} layers more; `fireclay summary --from` shows all."));
    }
    Ok(())
}

/// What comes out of the network.
fn gives(card: &ModelCard) -> anyhow::Result<String> {
    let outputs = count(card.spec.output_features()? as u64);
    Ok(match card.classes.len() {
        0 => format!("{outputs} numbers"),
        classes => format!("a probability for each of {} classes", count(classes as u64)),
    })
}

fn parameters(summary: &Summary) -> String {
    let mut text = count((summary.parameters() + summary.frozen()) as u64);
    if summary.frozen() > 0 {
        text += &format!(", of which {} were not trained", count(summary.frozen() as u64));
    }
    if summary.buffers() > 0 {
        text += &format!(", and {} running statistics", count(summary.buffers() as u64));
    }
    text
}

fn intended_use(page: &mut Markdown, file: &File<'_>) -> anyhow::Result<()> {
    let card = file.card;
    page.heading(2, "Intended use");
    let mut known = Vec::new();
    if let Some(table) = table_preprocessing(file.path, card)? {
        let targets = match &table.labels {
            Some(labels) => labels.columns.as_slice(),
            None => std::slice::from_ref(&table.target),
        };
        known.push(format!("It predicts {} of the rows of a table.", names(targets)));
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("{} ({})", column.name, column.encoding.kind().name()))
            .collect();
        known.push(format!("It reads {} columns: {}.", count(columns.len() as u64), names(&columns)));
    }
    if let Some(text) = text_preprocessing(file.path, card)? {
        known.push(format!(
            "It reads texts, of each at most {} words or other tokens.",
            count(text.padding.length as u64)
        ));
    }
    if !card.classes.is_empty() {
        known.push(format!(
            "It tells {} classes apart: {}.",
            count(card.classes.len() as u64),
            names(&card.classes)
        ));
    }
    if let (Some(threshold), Some(class)) = (card.threshold, card.classes.get(1)) {
        known.push(format!("It answers {} above a probability of {threshold:.4}.", escaped(class)));
    }
    if let Some(intervals) = &card.intervals {
        known
            .push(format!("It gives intervals that are to hold {} of the truths.", percent(intervals.share)));
    }
    page.list(&known);
    for (heading, question) in [
        ("Primary uses", "What the model is for."),
        ("Primary users", "Who is to use it."),
        ("Uses that it is not for", "What it looks as if it could do and must not be used for."),
    ] {
        page.heading(3, heading);
        page.for_a_person(question);
    }
    Ok(())
}

fn factors(page: &mut Markdown, card: &ModelCard) {
    page.heading(2, "Factors");
    page.for_a_person(
        "Which groups of people or things, which instruments and which surroundings its answers may depend on, and for which of them \
         it was measured apart.",
    );
    if card.table.is_some() {
        page.paragraph("`fireclay evaluate MODEL TABLE --by COLUMN` measures the groups of a column apart.");
    }
}

fn data(page: &mut Markdown, card: &ModelCard) {
    page.heading(2, "Training data");
    match &card.dataset {
        None => page.paragraph("The file does not say what the model was trained on."),
        Some(data) => {
            let mut rows = vec![
                ["Name".into(), escaped(&data.name)],
                ["Part".into(), escaped(&data.split)],
                ["Source".into(), escaped(&data.source)],
                ["Samples".into(), count(data.samples as u64)],
                [
                    "Whose".into(),
                    match data.own {
                        true => "data of whoever trained the model".into(),
                        false => {
                            "published or synthetic, unless version 0.1 wrote the file, which does not say"
                                .to_owned()
                        }
                    },
                ],
                ["SHA-256".into(), data.sha256.as_deref().map_or("not in the file".into(), escaped)],
            ];
            rows.extend(card.seen.as_ref().map(|seen| {
                let seen = format!("of {} different samples, 32 bits each", count(seen.len() as u64));
                ["Digests".into(), seen]
            }));
            page.table(["", ""], &rows);
        }
    }
    page.for_a_person(
        "How the data was collected and labelled, by whom, with whose consent, and what is missing from it.",
    );
}

fn training(page: &mut Markdown, card: &ModelCard) {
    page.heading(2, "Training");
    let Some(training) = &card.training else {
        page.paragraph("The file does not say how the model was trained.");
        return;
    };
    let rows: Vec<[String; 2]> =
        recipe(training).into_iter().map(|(name, value)| [escaped(&name), escaped(&value)]).collect();
    page.table(["Setting", "Value"], &rows);
    page.heading(3, "Privacy");
    match &training.privacy {
        Some(privacy) => {
            let spent = privacy_spent(privacy);
            let spent = spent.strip_prefix("private: ").unwrap_or(&spent);
            page.paragraph(&format!("Differentially private: {}.", escaped(spent)));
        }
        None => {
            page.paragraph("Not differentially private: the weights may tell of single training samples.")
        }
    }
    page.heading(3, "Adversarial training");
    match adversarial_training(training) {
        Some(adversarial) => page.paragraph(&format!("{}.", escaped(&adversarial))),
        None => page.paragraph("None, as far as the file says."),
    }
}

/// All settings but those that have a place of their own.
fn recipe(training: &TrainingCard) -> Vec<(String, String)> {
    let Ok(Value::Object(settings)) = serde_json::to_value(training) else { return Vec::new() };
    let others =
        settings.into_iter().filter(|(name, _)| !["privacy", "adversarial"].contains(&name.as_str()));
    others.map(|(name, value)| (name.replace('_', " "), words(&value))).collect()
}

/// A setting in words.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let (kind, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| *name == "type");
            let kind = kind.into_iter().map(|(_, value)| words(value));
            let others = others
                .into_iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), words(value)));
            kind.chain(others).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn measures(page: &mut Markdown, run: Option<&Run>) {
    page.heading(2, "Measures");
    let Some(run) = run else {
        page.paragraph("None were given; `fireclay card MODEL --report RUN` takes them from the folder of the run that made the model.");
        page.for_a_person("How well the model does, on which data, and how sure that is.");
        return;
    };
    let report = &run.record.report;
    if !run.is_of_this_model {
        page.paragraph("**Whether these are measures of this very model was not checked:** the folder of the run has no model with a checksum.");
    }
    if run.record.status != Status::Completed {
        page.paragraph(&format!("The run did not come to its end: it is {}.", run.record.status.word()));
    }
    if let Some(data) = &report.dataset {
        let parts: Vec<String> = data
            .parts
            .iter()
            .take(MOST)
            .map(|part| format!("{} {}", count(part.samples as u64), part.name))
            .collect();
        let split = data.split.as_deref().map_or(String::new(), |split| format!(" ({split})"));
        page.paragraph(&format!(
            "The data of the run is {}.",
            escaped(&format!("{}, {} samples{split}", data.name, parts.join(", ")))
        ));
    }
    let rows: Vec<[String; 6]> = (report.measures.iter().take(MOST))
        .map(|measure| {
            let interval = measure.interval.map_or("–".into(), |found| {
                format!("{} to {}", value(measure, Some(found.lower)), value(measure, Some(found.upper)))
            });
            let baselines: Vec<String> = (measure.baselines.iter().take(MOST))
                .filter(|baseline| baseline.value.is_some())
                .map(|baseline| format!("{} {}", escaped(&baseline.name), value(measure, baseline.value)))
                .collect();
            [
                escaped(&measure.name),
                match (&measure.undefined, measure.value) {
                    (Some(why), None) => format!("not defined: {}", escaped(why)),
                    _ => value(measure, measure.value),
                },
                interval,
                escaped(&measure.part),
                measure.samples.map_or("–".into(), |samples| count(samples as u64)),
                if baselines.is_empty() { "–".into() } else { baselines.join("; ") },
            ]
        })
        .collect();
    match rows.is_empty() {
        true => page.paragraph("The record of the run has no measures."),
        false => {
            page.table(["Measure", "Value", "95 % interval", "Part", "Samples", "Simpler answers"], &rows)
        }
    }
    let warnings: Vec<String> =
        report.training.warnings.iter().take(MOST).map(|text| escaped(text)).collect();
    if !warnings.is_empty() {
        page.paragraph("What the run warned of:");
        page.list(&warnings);
    }
    page.for_a_person("Why these measures, and which differences in them matter for the use.");
}

/// A value as the measure's unit has it.
fn value(measure: &Measure, value: Option<f64>) -> String {
    match (value.filter(|value| value.is_finite()), &measure.unit) {
        (None, _) => "–".into(),
        (Some(value), Unit::Fraction) => percent(value),
        (Some(value), Unit::Number) => format!("{value:.4}"),
        (Some(value), Unit::Of(unit)) => format!("{value:.4} {}", escaped(unit)),
    }
}

fn considerations(page: &mut Markdown) {
    page.heading(2, "Ethical considerations");
    page.for_a_person("What harm wrong answers, or right ones, can do, to whom, and what is done about it.");
}

fn limits(page: &mut Markdown, file: &File<'_>, run: Option<&Run>) {
    let card = file.card;
    page.heading(2, "Limits");
    let mut known = Vec::new();
    if !card.classes.is_empty() {
        known.push("Every input gets one of the classes above, also one that is none of them.".to_owned());
    }
    if card.table.is_some() || card.text.is_some() {
        known.push(
            "Values and words that the training data did not have say nothing to the model.".to_owned(),
        );
    }
    if card.reference.is_none() {
        known.push("The file does not say how the training samples were distributed, so a server cannot see when others come.".to_owned());
    }
    if card.dataset.as_ref().is_none_or(|data| data.sha256.is_none()) {
        known.push("The file has no digest of the data, so it cannot be shown which data it was.".to_owned());
    }
    if card.training.as_ref().is_none_or(|training| training.adversarial.is_null()) {
        known.push(
            "It was not trained against inputs that are changed on purpose, as far as the file says."
                .to_owned(),
        );
    }
    if card.signature.is_none() {
        known.push("The file is not signed, so nobody vouches for it.".to_owned());
    }
    if run.is_none() {
        known.push("This card has no measures.".to_owned());
    }
    page.list(&known);
    page.for_a_person("What else is known not to work, and what is recommended to whoever uses the model.");
}

/// Some names from a file.
fn names(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST).map(|name| escaped(name)).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), count(more as u64)),
    }
}
