//! LSTM, GRU and the simple recurrent network over whole sequences, forward and backward.
//!
//! The batch is split over threads once; each thread runs all steps of its rows by itself, with the recurrent weights
//! packed so that the tile of registers that it accumulates holds all gates of some units: gates become states without
//! leaving the registers' neighbourhood. What does not depend on the step before, the product of the input and its
//! weights, is the caller's: one large product for all steps, or for tokens one of the *different* tokens only, as
//! [`Projected::index`] says which row belongs to which step. The gradient comes back in the same form.
//!
//! Rows of different length are sorted, longest first, so that a step works on the rows that still run and no others.

mod backward;
mod forward;
mod gru;
mod int8;
mod lstm;
mod panel;
#[cfg(test)]
pub(crate) mod reference;
mod rnn;
#[cfg(test)]
mod tests;

use crate::Cpu;
use crate::buffer::Buffer;
use crate::cpu::ranges;
use crate::simd::Simd;

pub use gru::{GruBackward, GruOutput, GruWeights, gru_backward, gru_forward, gru_inference};
pub use int8::Int8RecurrentWeights;
pub use lstm::{LstmBackward, LstmOutput, LstmState, lstm_backward, lstm_forward, lstm_inference};
pub use rnn::{RnnActivation, RnnBackward, RnnOutput, RnnWeights, rnn_backward, rnn_forward, rnn_inference};

/// The sizes of a recurrent layer's work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecurrentShape {
    /// Sequences.
    pub batch: usize,
    /// Steps of the longest sequence.
    pub steps: usize,
    /// Units, the length of a state.
    pub hidden: usize,
}

/// What the input gives to the gates at each step: the input times its weights, plus the biases.
#[derive(Clone, Copy, Debug)]
pub struct Projected<'a> {
    /// `[rows, gates · hidden]`
    pub rows: &'a [f32],
    /// Which row belongs to which step, `[batch, steps]`; without it there are `batch · steps` rows in that order.
    pub index: Option<&'a [u32]>,
}

/// How a recurrent layer runs. The default is forward, over all steps, without dropout.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecurrentOptions<'a> {
    /// `[batch]`: how many steps each sequence has. Afterwards its state stays as it is, and its outputs are 0.
    pub lengths: Option<&'a [u32]>,
    /// Whether each sequence runs from its last step to its first. Outputs keep the places of their inputs.
    pub reverse: bool,
    /// `[batch, hidden]`: what the state is multiplied by before the recurrent product, the same at all steps.
    /// Recurrent dropout, scaled by the caller.
    pub recurrent_mask: Option<&'a [f32]>,
    /// The recurrent weights as whole numbers, for inference: the recurrent product is then made of bytes, but for states that need
    /// not lie between -1 and 1, and with a mask. A state that is not a number passes on.
    /// Weights of another number of units or gates than the layer's are a panic.
    pub int8: Option<&'a Int8RecurrentWeights>,
}

/// What a forward run keeps for the gradients, about 24 (LSTM), 20 (GRU) or 4 (simple) bytes for each
/// unit and step.
///
/// One tape can be used again and again, and should be: its memory is large, and fresh pages cost more than the
/// arithmetic on them.
#[derive(Debug, Default)]
pub struct RecurrentTape {
    plan: Plan,
    /// Gates and states, `[part][step][row][block][SAVED][LANES]`.
    records: Buffer,
    initial_h: Vec<f32>,
    initial_c: Vec<f32>,
    mask: Option<Vec<f32>>,
    index: Option<Vec<u32>>,
    projected_rows: usize,
    /// Gradients of the projected rows, of the second thread and on.
    scratch: Vec<Buffer>,
}

/// A sequence of a part: its place in the batch and its number of steps.
#[derive(Clone, Copy, Debug)]
struct Row {
    row: usize,
    len: usize,
}

/// Which sequences run where.
#[derive(Clone, Debug)]
struct Plan {
    cpu: Cpu,
    shape: RecurrentShape,
    gates: usize,
    reverse: bool,
    /// The rows of each thread, longest first.
    parts: Vec<Vec<Row>>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            cpu: Cpu::best(1),
            shape: RecurrentShape::default(),
            gates: 0,
            reverse: false,
            parts: Vec::new(),
        }
    }
}

impl Plan {
    fn new(cpu: Cpu, shape: RecurrentShape, gates: usize, options: &RecurrentOptions<'_>) -> Self {
        let RecurrentShape { batch, steps, .. } = shape;
        let threads = cpu.threads.clamp(1, batch.max(1));
        let parts = match options.lengths {
            None => ranges(batch, threads, 1)
                .map(|range| range.map(|row| Row { row, len: steps }).collect())
                .collect(),
            Some(lengths) => {
                assert_eq!(lengths.len(), batch, "there must be a length for each of the {batch} sequences");
                let mut rows: Vec<Row> =
                    lengths.iter().enumerate().map(|(row, &len)| Row { row, len: len as usize }).collect();
                let longest = rows.iter().map(|row| row.len).max().unwrap_or(0);
                assert!(longest <= steps, "a sequence has {longest} steps of {steps}");
                rows.sort_by_key(|row| std::cmp::Reverse(row.len));
                // Dealt like cards, so that all threads get as much to do.
                (0..threads).map(|part| rows.iter().copied().skip(part).step_by(threads).collect()).collect()
            }
        };
        Plan { cpu, shape, gates, reverse: options.reverse, parts }
    }

    /// The place in the sequence that the row is at.
    #[inline(always)]
    fn place(&self, row: Row, step: usize) -> usize {
        if self.reverse { row.len - 1 - step } else { step }
    }

    /// The number of rows before each part's.
    fn offsets(&self) -> Vec<usize> {
        let mut sum = 0;
        self.parts
            .iter()
            .map(|part| {
                sum += part.len();
                sum - part.len()
            })
            .collect()
    }
}

/// How many of the rows, longest first, still run at a step.
fn active(rows: &[Row], step: usize) -> usize {
    rows.partition_point(|row| row.len > step)
}

/// Sizes that depend on how many numbers a vector holds.
#[derive(Clone, Copy)]
struct Widths {
    lanes: usize,
    /// Vectors that hold all units.
    blocks: usize,
    /// Numbers in them.
    padded: usize,
    /// Numbers in the vectors that hold all gates of all units, in whole groups of four.
    gates: usize,
    /// Numbers in the vectors that hold all units, in whole groups of four.
    columns: usize,
}

impl Widths {
    fn new(lanes: usize, hidden: usize, gates: usize) -> Self {
        let blocks = hidden.div_ceil(lanes);
        Widths {
            lanes,
            blocks,
            padded: blocks * lanes,
            gates: (blocks * gates).next_multiple_of(4) * lanes,
            columns: blocks.next_multiple_of(4) * lanes,
        }
    }
}

/// What a cell makes of one vector of units.
#[derive(Clone, Copy)]
struct Unit<F> {
    h: F,
    c: F,
    /// What the gradient needs; `Cell::SAVED` of them, the last being `h`.
    saved: [F; 6],
}

/// The gradients of one vector of units.
#[derive(Clone, Copy)]
struct UnitGradient<F> {
    /// Of the recurrent products.
    gates: [F; 4],
    /// Of the projected inputs.
    projected: [F; 4],
    /// Of the state before, other than through the recurrent product.
    h: F,
    c: F,
}

/// The equations of a recurrent layer, on vectors of units.
trait Cell: Copy + Send + Sync {
    /// Gates: 1, 3 or 4.
    const GATES: usize;
    /// Vectors kept for the gradient.
    const SAVED: usize;
    /// Whether there is a second state.
    const HAS_C: bool;
    /// Where it is kept for the gradient.
    const C_AT: usize;
    /// Whether the state is used other than through the recurrent product.
    const DIRECT: bool;
    /// Whether states stay between -1 and 1 if they begin there.
    const WITHIN_ONE: bool;

    /// The state after a step, from the projected input, the recurrent products, the bias inside and the state before.
    fn forward<S: Simd>(s: S, x: [S::F; 4], sums: [S::F; 4], bias: S::F, h: S::F, c: S::F) -> Unit<S::F>;

    /// Gradients before a step, from what was kept, the state before and the gradients of the state after.
    fn backward<S: Simd>(s: S, saved: [S::F; 6], h: S::F, c: S::F, dh: S::F, dc: S::F) -> UnitGradient<S::F>;
}
