//! Metrics by their names, as flags and files give them.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AnyMetric, Task, built_in};
use crate::error::TrainError;

impl AnyMetric {
    /// The metric of a name: the one among `own`, or one of Fireclay's.
    ///
    /// # Errors
    /// [`TrainError::MetricName`] if there is none.
    pub fn find(name: &str, own: &[AnyMetric]) -> Result<Self, TrainError> {
        match own.iter().find(|metric| metric.name() == name) {
            Some(metric) => Ok(metric.clone()),
            None => name.parse(),
        }
    }

    /// One of Fireclay's metrics by its name, if it measures a task.
    ///
    /// ```
    /// use fireclay_train::{AnyMetric, Task};
    /// let task = Task::Regression { outputs: 1 };
    /// assert_eq!(AnyMetric::find_for("r2", task)?.name(), "r2");
    /// let error = AnyMetric::find_for("f1", task).unwrap_err().to_string();
    /// assert!(error.starts_with("f1 cannot be measured for regression; choose mae, "), "{error}");
    /// # Ok::<(), fireclay_train::TrainError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrainError::MetricName`] if there is none, and [`TrainError::Metric`] if it is for other tasks. Both have the names
    /// of those that would do.
    pub fn find_for(name: &str, task: Task) -> Result<Self, TrainError> {
        match built_in::parse(name) {
            None => Err(unknown(name, &Self::names_for(task))),
            Some(metric) if metric.supports(task) => Ok(metric),
            Some(metric) => Err(metric.not_for(task)),
        }
    }

    /// What is said where the metric is asked for and is for other tasks.
    pub(crate) fn not_for(&self, task: Task) -> TrainError {
        let known = listed(&Self::names_for(task));
        TrainError::Metric { metric: self.name(), task: task.to_string(), known }
    }

    /// Names of Fireclay's metrics for a task, in a fixed order; `top_3_accuracy` and `f2` stand for any number.
    ///
    /// ```
    /// use fireclay_train::{AnyMetric, Task};
    /// let names = AnyMetric::names_for(Task::Regression { outputs: 1 });
    /// assert_eq!(
    ///     names,
    ///     ["mae", "mse", "rmse", "median_absolute_error", "mape", "r2", "explained_variance"]
    /// );
    /// ```
    pub fn names_for(task: Task) -> Vec<String> {
        let metrics = built_in::all();
        metrics.iter().filter(|metric| metric.supports(task)).map(AnyMetric::name).collect()
    }
}

/// Names for a message, with what is said of numbers in them.
fn listed(names: &[String]) -> String {
    let mut with_number = built_in::with_number();
    with_number.retain(|name| names.contains(name));
    match with_number.is_empty() {
        true => names.join(", "),
        false => format!("{} (any other number in {} too)", names.join(", "), with_number.join(" and ")),
    }
}

/// What is said where there is no metric of a name, with the names that there are.
fn unknown(name: &str, known: &[String]) -> TrainError {
    let nearest = (known.iter())
        .map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance);
    let suggestion = nearest.map_or(String::new(), |(_, candidate)| format!("; did you mean '{candidate}'?"));
    TrainError::MetricName { found: name.to_string(), suggestion, known: listed(known) }
}

impl FromStr for AnyMetric {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        let known = || built_in::all().iter().map(AnyMetric::name).collect::<Vec<_>>();
        built_in::parse(name).ok_or_else(|| unknown(name, &known()))
    }
}

impl Serialize for AnyMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Only Fireclay's own metrics can be read; for others keep the name and ask [`AnyMetric::find`].
impl<'de> Deserialize<'de> for AnyMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
