//! Hyper-parameters, by which TensorBoard compares runs.

use std::collections::BTreeMap;

use crate::proto;

/// The value of a hyper-parameter.
///
/// ```
/// use fireclay_tensorboard::HParamValue;
///
/// assert_eq!(HParamValue::from(32), HParamValue::Number(32.0));
/// assert_eq!(HParamValue::from("adam"), HParamValue::Text("adam".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum HParamValue {
    /// A number. One that is not finite is written as a text, as TensorBoard's page fails otherwise.
    Number(f64),
    /// A text, such as the name of an optimiser.
    Text(String),
    /// A switch.
    Bool(bool),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStatus {
    /// It did all that it was to do.
    Success,
    /// It was broken off.
    Failure,
}

/// What the runs of a folder are compared by: names, descriptions and domains of their hyper-parameters, and their metrics.
/// See [`EventWriter::experiment`](crate::EventWriter::experiment).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiment {
    /// What it is about, as Markdown.
    pub description: String,
    /// The hyper-parameters, in the order of their columns.
    pub hparams: Vec<HParam>,
    /// The metrics, in the order of their columns.
    pub metrics: Vec<Metric>,
}

/// A hyper-parameter of an [`Experiment`].
#[derive(Clone, Debug, PartialEq)]
pub struct HParam {
    /// The name by which runs give its value.
    pub name: String,
    /// What it does, as Markdown; may be empty.
    pub description: String,
    /// What it may be.
    pub domain: HParamDomain,
}

/// What a hyper-parameter may be, by which TensorBoard offers filters.
#[derive(Clone, Debug, PartialEq)]
pub enum HParamDomain {
    /// A number from `low` to `high`, both included.
    Interval {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// One of these texts.
    Choice(Vec<String>),
    /// A switch.
    Bool,
}

/// A metric of an [`Experiment`]: the scalars under a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The tag of the scalars.
    pub tag: String,
    /// What the column is called; the tag if it is empty.
    pub display_name: String,
    /// What it measures, as Markdown; may be empty.
    pub description: String,
}

impl HParam {
    /// One without a description.
    pub fn new(name: impl Into<String>, domain: HParamDomain) -> Self {
        Self { name: name.into(), description: String::new(), domain }
    }
}

impl Metric {
    /// The scalars under a tag, by that name.
    pub fn new(tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), display_name: String::new(), description: String::new() }
    }
}

impl From<f64> for HParamValue {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i32> for HParamValue {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

/// Exact up to 2^53.
impl From<usize> for HParamValue {
    fn from(value: usize) -> Self {
        Self::Number(value as f64)
    }
}

/// Exact up to 2^53.
impl From<u64> for HParamValue {
    fn from(value: u64) -> Self {
        Self::Number(value as f64)
    }
}

impl From<bool> for HParamValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for HParamValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for HParamValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// `_hparams_/session_start_info`.
pub fn session_start(values: BTreeMap<String, HParamValue>, seconds: f64) -> proto::SummaryValue {
    let hparams = values.into_iter().map(|(name, value)| (name, value.message())).collect();
    let start = proto::SessionStart { hparams, start_time_secs: seconds };
    summary("_hparams_/session_start_info", proto::HParamsData::SessionStart(start))
}

/// `_hparams_/session_end_info`.
pub fn session_end(status: SessionStatus, seconds: f64) -> proto::SummaryValue {
    let status = match status {
        SessionStatus::Success => 1,
        SessionStatus::Failure => 2,
    };
    let end = proto::SessionEnd { status, end_time_secs: seconds };
    summary("_hparams_/session_end_info", proto::HParamsData::SessionEnd(end))
}

/// `_hparams_/experiment`.
pub fn experiment(experiment: &Experiment, seconds: f64) -> proto::SummaryValue {
    let experiment = proto::Experiment {
        description: experiment.description.clone(),
        time_created_secs: seconds,
        hparam_infos: experiment.hparams.iter().map(HParam::message).collect(),
        metric_infos: experiment.metrics.iter().map(Metric::message).collect(),
    };
    summary("_hparams_/experiment", proto::HParamsData::Experiment(experiment))
}

/// All is in the metadata; the value is empty, and its type says that it is no scalar.
fn summary(tag: &str, data: proto::HParamsData) -> proto::SummaryValue {
    let content = prost::Message::encode_to_vec(&proto::HParamsContent { data: Some(data) });
    proto::SummaryValue {
        tag: tag.to_owned(),
        metadata: Some(proto::Metadata::new(proto::HPARAMS, content)),
        data: Some(proto::SummaryData::Tensor(proto::Tensor::of_f32(&[0], []))),
    }
}

impl HParamValue {
    fn message(self) -> proto::Value {
        let kind = match self {
            Self::Number(value) if !value.is_finite() => proto::ValueKind::Text(value.to_string()),
            Self::Number(value) => proto::ValueKind::Number(value),
            Self::Text(value) => proto::ValueKind::Text(value),
            Self::Bool(value) => proto::ValueKind::Bool(value),
        };
        proto::Value { kind: Some(kind) }
    }
}

impl HParam {
    fn message(&self) -> proto::HParamInfo {
        let list = |values| proto::Domain::Discrete(proto::ListValue { values });
        let (kind, domain) = match &self.domain {
            HParamDomain::Interval { low, high } => {
                let interval = proto::Interval { min_value: *low, max_value: *high };
                (proto::HParamType::Number, proto::Domain::Interval(interval))
            }
            HParamDomain::Choice(texts) => {
                let values = texts.iter().map(|text| HParamValue::from(text.as_str()).message());
                (proto::HParamType::Text, list(values.collect()))
            }
            HParamDomain::Bool => {
                let values = [false, true].map(|value| HParamValue::Bool(value).message());
                (proto::HParamType::Bool, list(values.into()))
            }
        };
        // Columns of what differs are shown first; whoever lists a parameter wants to see it.
        proto::HParamInfo {
            name: self.name.clone(),
            description: self.description.clone(),
            kind: kind.into(),
            domain: Some(domain),
            differs: true,
        }
    }
}

impl Metric {
    fn message(&self) -> proto::MetricInfo {
        proto::MetricInfo {
            name: Some(proto::MetricName { tag: self.tag.clone() }),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
        }
    }
}
