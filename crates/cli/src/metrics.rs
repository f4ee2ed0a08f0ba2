//! `--metrics` and `--monitor`: what is measured besides what always is, and which of it says which epoch is best.

use clap::Args;
use fireclay::prelude::Dataset;
use fireclay::train::{AnyMetric, Task};

use crate::error::CommandError;
use crate::exit::UsageError;
use crate::objective::{Objective, task};

/// What is measured besides what always is.
#[derive(Args, Clone, Debug, Default)]
pub struct MetricArgs {
    /// Metrics to measure besides the usual ones, by name and with commas between them, such as f1,roc_auc: on the test
    /// samples, and while training on the validation samples after each epoch
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Measures")]
    pub metrics: Vec<String>,
}

/// Which value says which epoch is best.
#[derive(Args, Clone, Debug, Default)]
pub struct MonitorArgs {
    /// Value of the validation samples that says which epoch is best: loss or the name of a metric, which is then measured;
    /// the best epoch is kept [default: accuracy for classes, f1 for labels, else loss]
    #[arg(long, value_name = "NAME", help_heading = "Measures")]
    pub monitor: Option<String>,
}

impl MetricArgs {
    /// The metrics that are named, each once, for samples like these.
    ///
    /// # Errors
    /// A [`UsageError`] with the names that would do, if one is no metric or none of the task.
    pub fn find(&self, data: &Dataset) -> anyhow::Result<Vec<AnyMetric>> {
        find(&self.metrics, task(data))
    }
}

fn find(names: &[String], task: Task) -> anyhow::Result<Vec<AnyMetric>> {
    let mut found = Vec::new();
    for name in names {
        let metric = AnyMetric::find_for(name.trim(), task).map_err(UsageError::of)?;
        if !found.contains(&metric) {
            found.push(metric);
        }
    }
    Ok(found)
}

impl MonitorArgs {
    /// The name of the value that says which epoch is best, where flags say it, such as `val_f1`. Its metric is added to
    /// those that are measured.
    ///
    /// # Errors
    /// As [`MetricArgs::find`].
    pub fn find(&self, data: &Dataset, measured: &mut Vec<AnyMetric>) -> anyhow::Result<Option<String>> {
        let Some(name) = self.monitor.as_deref().map(str::trim) else { return Ok(None) };
        let name = name.strip_prefix("val_").unwrap_or(name);
        if name == "loss" {
            return Ok(Some("val_loss".into()));
        }
        let metric = AnyMetric::find_for(name, task(data))
            .map_err(|error| UsageError::of(CommandError::Monitor { problem: error.to_string() }))?;
        let value = format!("val_{metric}");
        if !measured.contains(&metric) && Objective::of(data).metric() != metric {
            measured.push(metric);
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use fireclay::data::{DrawnDigits, Provenance, Targets};

    use super::*;

    fn numbers() -> Dataset {
        let targets = Targets::Values { width: 1, values: vec![0.5; 2] };
        Dataset::from_f32(&[1], vec![0.0; 2], targets, Provenance::default()).unwrap()
    }

    fn names(metrics: &[AnyMetric]) -> Vec<String> {
        metrics.iter().map(AnyMetric::name).collect()
    }

    #[test]
    fn metrics_are_found_by_name_for_the_task_of_the_data() {
        let (digits, _) = DrawnDigits::new(0).train_and_test(10, 0);
        let numbers = numbers();
        let of = |list: &[&str], data| {
            MetricArgs { metrics: list.iter().map(ToString::to_string).collect() }.find(data)
        };
        assert_eq!(
            names(&of(&["f1", " f0.5", "ece", "f1"], &digits).unwrap()),
            ["f1", "f0.5", "expected_calibration_error"]
        );
        let error = of(&["f1"], &numbers).unwrap_err().to_string();
        assert!(error.starts_with("f1 cannot be measured for regression; choose mae, mse, "), "{error}");
        let error = of(&["roc_auk"], &digits).unwrap_err().to_string();
        assert!(error.contains("did you mean 'roc_auc'?; there are accuracy, "), "{error}");
        assert!(!error.contains("mae"), "{error}");
    }

    #[test]
    fn what_is_monitored_is_measured_too() {
        let (digits, _) = DrawnDigits::new(0).train_and_test(10, 0);
        let of = |name: Option<&str>, data: &Dataset| {
            let mut measured = vec!["f1".parse().unwrap()];
            let value = MonitorArgs { monitor: name.map(str::to_owned) }.find(data, &mut measured);
            value.map(|value| (value, names(&measured))).map_err(|error| error.to_string())
        };
        let measured = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of(None, &digits), Ok((None, measured(&["f1"]))));
        for name in ["loss", "val_loss"] {
            assert_eq!(of(Some(name), &digits), Ok((Some("val_loss".into()), measured(&["f1"]))));
        }
        for name in ["val_f1", "f1"] {
            assert_eq!(of(Some(name), &digits), Ok((Some("val_f1".into()), measured(&["f1"]))));
        }
        assert_eq!(of(Some("accuracy"), &digits), Ok((Some("val_accuracy".into()), measured(&["f1"]))));
        let ece = "expected_calibration_error";
        assert_eq!(of(Some("ece"), &digits), Ok((Some(format!("val_{ece}")), measured(&["f1", ece]))));
        let error = of(Some("accuracy"), &numbers()).unwrap_err();
        assert!(error.contains("accuracy cannot be measured for regression"), "{error}");
        assert!(error.ends_with("; --monitor takes loss too"), "{error}");
    }

    #[test]
    fn every_metric_is_in_the_readme() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../apps/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        for task in [
            Task::Classes { count: 3 },
            Task::MultiLabel { labels: 3 },
            Task::Regression { outputs: 1 },
            Task::NextToken { vocabulary_size: 9 },
        ] {
            let row = format!("| {task} |");
            let row =
                readme.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no {row:?}"));
            let listed: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
            assert_eq!(listed, AnyMetric::names_for(task), "{task}");
        }
    }
}
