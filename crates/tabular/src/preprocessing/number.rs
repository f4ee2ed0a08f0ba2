//! Numbers: brought to one scale, missing ones said to be so.

use serde::{Deserialize, Serialize};

use super::Standard;
use crate::number::{Number, NumberFormat};
use crate::{Frame, Profile};

/// From so many training rows on a number is told apart piece by piece.
const ROWS_FOR_PIECES: usize = 20_000;

/// The most pieces.
const MOST_PIECES: usize = 48;

/// Values whose third standardised moment is above this are skewed.
const SKEWED: f64 = 2.0;

/// Quantiles that stand for a distribution.
const QUANTILES: usize = 64;

/// A cell becomes its number on the scale of the training rows; one that is missing becomes their median, and a 1 behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberEncoding {
    /// How it is written.
    pub format: NumberFormat,
    /// What a missing number is taken for: the median of the training rows.
    pub median: f32,
    /// Whether training rows lacked it, so that there is a number that says so.
    pub missing: bool,
    /// Its scale.
    pub scale: NumberScale,
}

/// How a number is brought to the scale of the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NumberScale {
    /// Mean 0 and deviation 1.
    Standard(Standard),
    /// The share of training rows below it, from -1.73 to 1.73, which has deviation 1: for skewed numbers.
    Quantiles {
        /// Ascending values between which as many training rows lie.
        edges: Vec<f32>,
    },
    /// Standardised, and for each piece between two edges how much of it lies below the number, from 0 to 1, so that a network
    /// sees fine differences (piecewise linear encoding, Gorishniy et al. 2022, <https://arxiv.org/abs/2203.05556>).
    Pieces {
        /// Mean and deviation.
        standard: Standard,
        /// Ascending values between which about as many training rows lie, 2 or more.
        edges: Vec<f32>,
    },
}

impl NumberEncoding {
    /// From the training rows: piece by piece where there are many, by quantiles where they are skewed, else standardised.
    pub fn fit(frame: &Frame, column: usize, profile: &Profile) -> Self {
        let format = profile.format;
        let number = |cell: &str| match format.parse(cell) {
            Number::Finite(number) => Some(number),
            _ => None,
        };
        let mut sorted: Vec<f32> = frame.column(column).filter_map(number).collect();
        sorted.sort_by(f32::total_cmp);
        let missing = sorted.len() < frame.len();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let standard = Standard::fit(sorted.iter().copied());
        let scale = match sorted.len() {
            rows if rows >= ROWS_FOR_PIECES => match edges(&sorted, MOST_PIECES) {
                edges if edges.len() > 2 => NumberScale::Pieces { standard, edges },
                _ => NumberScale::Standard(standard),
            },
            _ if skewness(&sorted, standard).abs() > SKEWED => match edges(&sorted, QUANTILES) {
                edges if edges.len() > 2 => NumberScale::Quantiles { edges },
                _ => NumberScale::Standard(standard),
            },
            _ => NumberScale::Standard(standard),
        };
        NumberEncoding { format, median, missing, scale }
    }

    /// Ascending values between which about as many training rows lie; none of a number that is only standardised.
    pub fn edges(&self) -> &[f32] {
        match &self.scale {
            NumberScale::Standard(_) => &[],
            NumberScale::Quantiles { edges } | NumberScale::Pieces { edges, .. } => edges,
        }
    }

    pub(super) fn width(&self) -> usize {
        usize::from(self.missing)
            + match &self.scale {
                NumberScale::Standard(_) | NumberScale::Quantiles { .. } => 1,
                // A piece between each two edges, and the standardised number.
                NumberScale::Pieces { edges, .. } => edges.len(),
            }
    }

    pub(super) fn names(&self, column: &str) -> Vec<String> {
        let mut names = vec![column.to_owned()];
        if let NumberScale::Pieces { edges, .. } = &self.scale {
            names.extend(edges.windows(2).map(|edge| format!("{column} from {} to {}", edge[0], edge[1])));
        }
        names.extend(self.missing.then(|| format!("{column} is missing")));
        names
    }

    pub(super) fn encode(&self, cell: &str, out: &mut Vec<f32>) {
        let found = match self.format.parse(cell) {
            Number::Finite(number) => Some(number),
            Number::Missing | Number::Text => None,
        };
        self.encode_number(found, out);
    }

    /// As [`encode`](Self::encode), of a number that is not written in a cell.
    pub(super) fn encode_number(&self, found: Option<f32>, out: &mut Vec<f32>) {
        let value = found.unwrap_or(self.median);
        match &self.scale {
            NumberScale::Standard(standard) => out.push(standard.of(value)),
            NumberScale::Quantiles { edges } => out.push((share_below(value, edges) - 0.5) * 12f32.sqrt()),
            NumberScale::Pieces { standard, edges } => {
                out.push(standard.of(value));
                out.extend(
                    edges.windows(2).map(|edge| ((value - edge[0]) / (edge[1] - edge[0])).clamp(0.0, 1.0)),
                );
            }
        }
        if self.missing {
            out.push(f32::from(u8::from(found.is_none())));
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        let ascending = |edges: &[f32]| {
            edges.len() > 1
                && edges.iter().all(|edge| edge.is_finite())
                && edges.windows(2).all(|edge| edge[0] < edge[1])
        };
        if !self.median.is_finite() {
            return Err("its median is no number");
        }
        match &self.scale {
            NumberScale::Standard(standard) => standard.check(),
            NumberScale::Quantiles { edges } | NumberScale::Pieces { edges, .. } if !ascending(edges) => {
                Err("its edges do not ascend")
            }
            NumberScale::Quantiles { .. } => Ok(()),
            NumberScale::Pieces { standard, .. } => standard.check(),
        }
    }
}

/// The least, the greatest and quantiles between them, without those that are the same as the one before.
fn edges(sorted: &[f32], pieces: usize) -> Vec<f32> {
    let last = sorted.len().saturating_sub(1);
    let mut edges: Vec<f32> =
        (0..=pieces).filter_map(|piece| sorted.get(piece * last / pieces).copied()).collect();
    edges.dedup();
    edges
}

/// The share of the distribution that `edges` cut into equal parts that lies below a value.
fn share_below(value: f32, edges: &[f32]) -> f32 {
    let pieces = edges.len() - 1;
    let piece = edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(pieces - 1);
    let within = ((value - edges[piece]) / (edges[piece + 1] - edges[piece])).clamp(0.0, 1.0);
    (piece as f32 + within) / pieces as f32
}

fn skewness(values: &[f32], standard: Standard) -> f64 {
    let count = values.len().max(1) as f64;
    values.iter().map(|value| f64::from(standard.of(*value)).powi(3)).sum::<f64>() / count
}
