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

    /// Names of Fireclay's metrics for a task, in a fixed order; `top_3_accuracy` stands for any number.
    ///
    /// ```
    /// use fireclay_train::{AnyMetric, Task};
    /// let names = AnyMetric::names_for(Task::Regression { outputs: 1 });
    /// assert_eq!(names, ["mae", "mse", "rmse", "median_absolute_error", "r2"]);
    /// ```
    pub fn names_for(task: Task) -> Vec<String> {
        let metrics = built_in::all();
        metrics.iter().filter(|metric| metric.supports(task)).map(AnyMetric::name).collect()
    }
}

impl FromStr for AnyMetric {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        built_in::parse(name).ok_or_else(|| {
            let known: Vec<String> = built_in::all().iter().map(AnyMetric::name).collect();
            let nearest = (known.iter())
                .map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate))
                .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
                .min_by_key(|(distance, _)| *distance);
            let suggestion =
                nearest.map_or(String::new(), |(_, candidate)| format!("; did you mean '{candidate}'?"));
            TrainError::MetricName { found: name.to_string(), suggestion, known: known.join(", ") }
        })
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
