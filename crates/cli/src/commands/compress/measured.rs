//! A model with what was measured of it, beside the one that it was made of.

use std::path::Path;
use std::sync::Arc;

use fireclay::compress::{Speed, compare_speed};
use fireclay::data::{Dataset, Source};
use fireclay::nn::readable::{bytes, count};
use fireclay::prelude::{Device, Model, Trainer};

use crate::baselines::{measures_of, shown_interval, title};
use crate::format::{aligned, duration};
use crate::objective::measure;
use crate::records::{CompressedModel, Measure};

/// A model with what was measured of it.
pub struct Measured {
    model: Model,
    bytes: u64,
    parameters: usize,
    flops: u64,
    measures: Vec<Measure>,
}

impl Measured {
    /// Measures the model of a file.
    pub fn of(path: &Path, test: &Dataset, device: &Device) -> anyhow::Result<Self> {
        let bytes = std::fs::metadata(path)?.len();
        let trainer = Trainer::load(path, device)?;
        let measures = measures_of(test, &trainer.predictions(test)?, trainer.card().threshold);
        let model = trainer.into_network();
        let summary = model.spec().summary()?;
        let parameters = summary.parameters() + summary.frozen();
        Ok(Measured { model, bytes, parameters, flops: summary.flops(), measures })
    }
}

/// Two models that were measured, and their speeds.
pub struct Compared<'a> {
    pub before: &'a Measured,
    pub after: &'a Measured,
    speeds: [Speed; 2],
}

impl<'a> Compared<'a> {
    /// Compares how fast both answer.
    pub fn new(
        before: &'a Measured,
        after: &'a Measured,
        test: &Dataset,
        device: &Device,
    ) -> anyhow::Result<Self> {
        let all: Arc<dyn Source> = Arc::new(test.clone());
        let speeds = compare_speed([&before.model, &after.model], all, device)?;
        Ok(Compared { before, after, speeds })
    }

    /// Bytes of the new file.
    pub fn bytes(&self) -> u64 {
        self.after.bytes
    }

    /// The measures, the size and the speed of both, under these headings.
    pub fn table(&self, headings: [&str; 2], test: &Dataset, samples: &str) -> String {
        let Compared { before, after, speeds: [old, new] } = self;
        let mut rows = vec![["", headings[0], headings[1], ""].map(String::from).to_vec()];
        for (one, other) in before.measures.iter().zip(&after.measures) {
            let value = |of: Option<f64>| of.map_or("-".into(), |value| measure(&one.name, value));
            let interval = match other.interval {
                Some(ends) => format!("95 % interval {}", shown_interval(&one.name, Some(ends))),
                None => String::new(),
            };
            rows.push(vec![title(&one.name).to_string(), value(one.model), value(other.model), interval]);
        }
        let mut notes = Vec::new();
        let sizes = [
            ("parameters", before.parameters as u64, after.parameters as u64),
            ("FLOPs", before.flops, after.flops),
        ];
        for (name, one, other) in sizes {
            if one != other {
                rows.push(vec![
                    name.into(),
                    count(one),
                    count(other),
                    times(other as f64 / one.max(1) as f64),
                ]);
            }
        }
        let ratio = after.bytes as f64 / before.bytes.max(1) as f64;
        rows.push(vec!["file".into(), bytes(before.bytes), bytes(after.bytes), times(ratio)]);
        if ratio >= 1.0 {
            notes.push("The file is not smaller.");
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
            times(rate),
        ]);
        if factor <= 1.0 {
            notes.push("One sample alone is not answered faster.");
        }
        if rate <= 1.0 {
            notes.push("Batches are not answered faster.");
        }
        let provenance = test.provenance();
        let (name, split, len) = (&provenance.name, &provenance.split, count(test.len() as u64));
        let notes: String = notes.iter().map(|note| format!("\n{note}")).collect();
        let table = aligned(&rows);
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        format!("\n{name}, {split} split, {len} {samples}\n{}{notes}\n", lines.join("\n"))
    }

    /// For the JSON.
    pub fn records(&self) -> [CompressedModel<'a>; 2] {
        let record = |of: &'a Measured, speed: Speed| CompressedModel {
            bytes: of.bytes,
            parameters: of.parameters,
            flops: of.flops,
            latency: speed.latency,
            samples_per_second: speed.samples_per_second,
            measures: &of.measures,
        };
        [record(self.before, self.speeds[0]), record(self.after, self.speeds[1])]
    }
}

fn times(ratio: f64) -> String {
    match ratio < 0.1 {
        true => format!("{ratio:.4} x"),
        false => format!("{ratio:.2} x"),
    }
}
