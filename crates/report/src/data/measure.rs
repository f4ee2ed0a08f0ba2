//! What was measured, and what it is compared with.

use serde::{Deserialize, Serialize};

/// A measure on some part of the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measure {
    /// Its name, such as `accuracy`.
    pub name: String,
    /// Which values are good.
    pub direction: Direction,
    /// How its values are written.
    pub unit: Unit,
    /// The value; `None`, or one that is not finite, where the measure is not defined.
    pub value: Option<f64>,
    /// Why it is not defined, such as `no test samples of class cat`.
    pub undefined: Option<String>,
    /// A 95 % interval of the value.
    pub interval: Option<Interval>,
    /// The part that it was measured on, such as `test`.
    pub part: String,
    /// The number of samples that it was measured on.
    pub samples: Option<usize>,
    /// What simpler answers reach on the same samples.
    pub baselines: Vec<Baseline>,
}

impl Measure {
    /// A measure with its value on the part called `test`.
    pub fn new(name: impl Into<String>, direction: Direction, unit: Unit, value: f64) -> Self {
        Self {
            name: name.into(),
            direction,
            unit,
            value: Some(value),
            part: "test".into(),
            ..Self::default()
        }
    }
}

/// Which values of a measure are good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher values are better, as of accuracy.
    #[default]
    HigherIsBetter,
    /// Lower values are better, as of a loss.
    LowerIsBetter,
}

/// How values of a measure are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A fraction from 0 to 1, written in per cent.
    Fraction,
    /// A number.
    #[default]
    Number,
    /// A number of some unit, such as `kg`.
    Of(String),
}

/// An interval that holds a value with a probability of 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// What a simpler answer reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Baseline {
    /// Its name with its article, such as `a linear model`.
    pub name: String,
    /// Its value, if the measure is defined for it.
    pub value: Option<f64>,
}
