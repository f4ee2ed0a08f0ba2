//! What a run was: its network, data, settings and machine, and where the time went.

use serde::{Deserialize, Serialize};

use super::{Direction, Interval, Unit};

/// What the opening sentences say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Verdict {
    /// What was trained, with its article, such as `a convolutional network`.
    pub network: Option<String>,
    /// What it is for, such as `to tell ten kinds of clothes apart`.
    pub purpose: Option<String>,
    /// The name of the measure that says how good it is; the first of the measures if there is none.
    pub measure: Option<String>,
}

/// The data of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetInfo {
    /// Its name.
    pub name: String,
    /// Where it is from, without a path of this machine, such as `a folder of pictures`.
    pub source: Option<String>,
    /// Its parts with their numbers of samples.
    pub parts: Vec<Part>,
    /// How it was split, in words.
    pub split: Option<String>,
    /// What one sample is, in words, such as `28 by 28 pixels, grey`.
    pub sample: Option<String>,
    /// What a check of the data found, one sentence each.
    pub notes: Vec<String>,
}

/// A part of a data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// `training`, `validation`, `test`, or another name.
    pub name: String,
    /// The number of samples.
    pub samples: usize,
    /// The number of samples of each class by its name; empty where there are no classes.
    pub classes: Vec<(String, usize)>,
}

/// Settings that belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingGroup {
    /// What they have in common, such as `optimiser`.
    pub name: String,
    /// Names and values.
    pub settings: Vec<(String, String)>,
}

impl SettingGroup {
    /// A group of settings by its name.
    pub fn new<N: Into<String>, V: Into<String>>(
        name: impl Into<String>,
        settings: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let settings = settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { name: name.into(), settings }
    }
}

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Programs and libraries with their versions.
    pub versions: Vec<(String, String)>,
    /// The operating system.
    pub system: Option<String>,
    /// The device as it was named, and what it is.
    pub device: Option<String>,
    /// The processor.
    pub cpu: Option<String>,
    /// The graphics processor, if the run used one.
    pub gpu: Option<String>,
    /// The number of threads.
    pub threads: Option<usize>,
    /// The seed.
    pub seed: Option<u64>,
    /// The commit of the repository that the run was started in.
    pub git_commit: Option<String>,
    /// Whether files of that repository had changes.
    pub git_dirty: bool,
}

/// A layer of the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Its name, such as `conv2d_1`.
    pub name: String,
    /// Its kind, such as `conv2d`.
    pub kind: String,
    /// The shape of its output for one sample, such as `32 × 26 × 26`.
    pub output: String,
    /// The number of its parameters.
    pub parameters: u64,
    /// Millions of floating-point operations for one sample forward, where known.
    pub mflop: Option<f64>,
}

/// How long a part of the run took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// What was done, such as `training steps`.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
}

/// What the processes of a training exchanged, as one of them saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exchange {
    /// The processes.
    pub ranks: u64,
    /// The steps in which it was measured.
    pub steps: u64,
    /// Time of a step, in seconds, exchange and all.
    pub step_seconds: f64,
    /// Time of the exchange in a step, in seconds, with waiting for others.
    pub exchange_seconds: f64,
    /// Bytes that each process sends in a step.
    pub sent_bytes: f64,
    /// Bytes that it receives.
    pub received_bytes: f64,
}

/// How much a column of a table matters to the predictions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Importance {
    /// The column.
    pub column: String,
    /// How much worse the measure becomes without it.
    pub value: f64,
    /// The standard deviation of that over several shuffles.
    pub spread: Option<f64>,
    /// A 95 % interval of that.
    pub interval: Option<Interval>,
}

/// How the importance of columns was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportanceMethod {
    /// The measure.
    pub measure: String,
    /// Which of its values are good.
    pub direction: Direction,
    /// How its values are written.
    pub unit: Unit,
    /// Its value with all columns as they are.
    pub value: f64,
    /// The part that it was measured on, such as `test`.
    pub part: String,
    /// How many samples of that part were measured.
    pub samples: usize,
    /// How many there are in it.
    pub of_samples: usize,
    /// How often each column was shuffled, at most.
    pub repeats: usize,
    /// Columns that there was no time for.
    pub left_out: usize,
}
