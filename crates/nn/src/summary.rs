//! The table of a model: layer, output shape, parameters, FLOPs.

use serde::Serialize;
use std::fmt;

use crate::error::NnError;
use crate::layers::PlannedLayer;
use crate::readable::{bytes as size, count as grouped};
use crate::shapes::InputSpec;
use crate::spec::{ModelSpec, Plan};

impl ModelSpec {
    /// Names, output shapes, parameters and FLOPs of all layers.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn summary(&self) -> Result<Summary, NnError> {
        Ok(Summary::new(&self.input, &self.plan()?))
    }
}

/// What a network consists of, layer by layer.
///
/// Its [`Display`](fmt::Display) is the table that `summary` prints. A multiply-add counts two FLOPs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What one sample is.
    pub input: InputSpec,
    /// One row for each layer; layers inside a residual block follow it.
    pub rows: Vec<SummaryRow>,
}

/// One layer of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SummaryRow {
    /// The layer's name; inside a block it begins with the block's name.
    pub name: String,
    /// Shape of one sample that leaves the layer, without the batch.
    pub output: Vec<usize>,
    /// Numbers that training changes.
    pub parameters: usize,
    /// Numbers that training would change, were the layer not frozen.
    pub frozen: usize,
    /// Numbers that are kept but not trained, such as running means.
    pub buffers: usize,
    /// Floating-point operations of one forward pass over one sample.
    pub flops: u64,
}

impl Summary {
    pub(crate) fn new(input: &InputSpec, plan: &Plan) -> Self {
        let mut rows = Vec::new();
        plan.each_layer(&mut |layer| rows.push(row(layer)));
        Summary { input: input.clone(), rows }
    }

    /// Numbers that training changes, over all layers.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// Numbers that training would change, were their layers not frozen.
    pub fn frozen(&self) -> usize {
        self.rows.iter().map(|row| row.frozen).sum()
    }

    /// Numbers that are kept but not trained, over all layers.
    pub fn buffers(&self) -> usize {
        self.rows.iter().map(|row| row.buffers).sum()
    }

    /// Floating-point operations of one forward pass over one sample.
    pub fn flops(&self) -> u64 {
        self.rows.iter().fold(0, |total, row| total.saturating_add(row.flops))
    }
}

fn row(layer: &PlannedLayer) -> SummaryRow {
    let size = |trainable| {
        let tensors = layer.inferred.tensors.iter();
        tensors
            .filter(|tensor| tensor.trainable == trainable)
            .map(|tensor| tensor.shape.iter().product::<usize>())
            .sum::<usize>()
    };
    let (parameters, frozen) = if layer.frozen { (0, size(true)) } else { (size(true), 0) };
    SummaryRow {
        name: layer.name.clone(),
        output: layer.inferred.output.shape().to_vec(),
        parameters,
        frozen,
        buffers: size(false),
        flops: layer.inferred.flops,
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["layer", "output shape", "parameters", "FLOPs"].map(String::from);
        let input = ["input".to_string(), self.input.to_string(), String::new(), String::new()];
        let rows = self
            .rows
            .iter()
            .map(|row| [row.name.clone(), shape(&row.output), values(row), grouped(row.flops)]);
        let lines: Vec<[String; 4]> = [header, input].into_iter().chain(rows).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        let rule = "-".repeat(widths.iter().sum::<usize>() + 6);
        for (index, [name, output, parameters, flops]) in lines.iter().enumerate() {
            let line = format!(
                "{name:<0$}  {output:<1$}  {parameters:>2$}  {flops:>3$}",
                widths[0], widths[1], widths[2], widths[3]
            );
            writeln!(f, "{}", line.trim_end())?;
            if index == 0 {
                writeln!(f, "{rule}")?;
            }
        }
        writeln!(f, "{rule}")?;
        let bytes = 4 * (self.parameters() + self.frozen() + self.buffers()) as u64;
        write!(f, "{} parameters", grouped(self.parameters() as u64))?;
        if self.frozen() > 0 {
            write!(f, " to train, {} frozen", grouped(self.frozen() as u64))?;
        }
        if self.buffers() > 0 {
            write!(f, " and {} running statistics", grouped(self.buffers() as u64))?;
        }
        write!(f, ", {} as f32; {} for one sample, forward", size(bytes), count(self.flops()))
    }
}

/// What a layer holds, and whether it is frozen: `320`, `320 frozen`.
fn values(row: &SummaryRow) -> String {
    let values = grouped((row.parameters + row.frozen + row.buffers) as u64);
    if row.frozen > 0 { format!("{values} frozen") } else { values }
}

/// `[32, 26, 26]`
fn shape(dims: &[usize]) -> String {
    format!("{dims:?}")
}

/// `5.60 MFLOP`
fn count(flops: u64) -> String {
    match flops {
        0..1_000 => format!("{flops} FLOP"),
        1_000..1_000_000 => format!("{:.1} kFLOP", flops as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MFLOP", flops as f64 / 1e6),
        _ => format!("{:.2} GFLOP", flops as f64 / 1e9),
    }
}
