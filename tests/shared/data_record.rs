//! The record that `data --json` prints, as apps/README.md says: types that refuse a field that is not documented.

use serde::Deserialize;

#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    Data {
        train: Split,
        test: Split,
        duplicates: Duplicates,
        sheet: Option<String>,
        vocabulary: Option<String>,
        samples: Option<Samples>,
    },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub name: String,
    pub split: String,
    pub source: String,
    pub samples: usize,
    pub targets: Targets,
    pub features: Features,
}

#[derive(Deserialize, Debug)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Targets {
    Classes { classes: Vec<Class>, most_frequent: Option<Class>, least_frequent: Option<Class> },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub name: String,
    pub count: usize,
    pub share: f64,
}

#[derive(Deserialize, Debug)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Features {
    Bytes { shape: Vec<usize>, channels: Vec<Channel> },
    Texts { characters: Option<Lengths>, words: Option<Lengths>, empty: usize, distinct_words: usize },
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    pub mean: f64,
    pub std: f64,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    pub min: usize,
    pub median: f64,
    pub mean: f64,
    pub p95: usize,
    pub max: usize,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Duplicates {
    pub within_train: Duplicate,
    pub within_test: Duplicate,
    pub between: Duplicate,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    pub samples: usize,
    pub contradicting: usize,
    pub examples: Vec<Pair>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub first: usize,
    pub second: usize,
    pub contradicting: bool,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    pub name: String,
    pub split: String,
    pub groups: Vec<Group>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub class: Option<String>,
    pub count: usize,
    pub samples: Vec<Sample>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    pub index: usize,
    pub text: String,
    pub characters: usize,
    pub values: Option<Vec<f32>>,
}

/// Reads what `data --json` printed.
#[track_caller]
pub fn read(stdout: &str) -> Record {
    serde_json::from_str(stdout.trim()).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}
