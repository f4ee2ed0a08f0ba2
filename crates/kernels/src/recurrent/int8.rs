//! The recurrent product in 8-bit whole numbers: states of cells that stay between -1 and 1 are bytes, 127 steps to either side of
//! 128, so that nothing need be known of them before.

use super::Widths;
use crate::buffer::Buffer;
use crate::int8::{MOST, ZERO, rounded_columns, start_of};
use crate::simd::Simd;
use crate::vectors::{each_vector, get};
use crate::{Cpu, Int8Conv2d, Path};

/// Recurrent weights as whole numbers from -127 to 127, with a scale for each column, in the order in which they are multiplied.
#[derive(Debug)]
pub struct Int8RecurrentWeights {
    path: Path,
    sizes: [usize; 2],
    /// `[block][quads][gates][LANES]`, four bytes in each number.
    packed: Buffer,
    /// `[block][gates][LANES]`: what sums start from, as their 32 bits.
    starts: Buffer,
    /// What a sum is multiplied by, likewise.
    scales: Buffer,
}

impl Int8RecurrentWeights {
    /// Rounds and orders `[hidden, gates · hidden]` for the CPU. Weights that are whole numbers times a scale for each column are taken as
    /// they are. Nothing where a sum could be beyond 32 bits, or a weight is not finite.
    ///
    /// # Panics
    /// If there are not as many weights.
    ///
    /// ```
    /// use fireclay_kernels::Cpu;
    /// use fireclay_kernels::recurrent::*;
    ///
    /// let (cpu, w_hh) = (Cpu::best(1), [0.5]);
    /// let int8 = Int8RecurrentWeights::new(cpu, &w_hh, 1, 1);
    /// let shape = RecurrentShape { batch: 1, steps: 1, hidden: 1 };
    /// let options = RecurrentOptions { int8: int8.as_ref(), ..RecurrentOptions::default() };
    /// let weights = RnnWeights { w_hh: &w_hh, activation: RnnActivation::Tanh };
    /// let mut h = [0.0];
    /// let output = RnnOutput { outputs: None, h: &mut h };
    /// rnn_inference(cpu, shape, Projected { rows: &[0.0], index: None }, weights, Some(&[0.8]), &options, output);
    /// assert!((h[0] - 0.4f32.tanh()).abs() < 0.005);
    /// ```
    pub fn new(cpu: Cpu, weight: &[f32], hidden: usize, gates: usize) -> Option<Self> {
        assert_eq!(
            weight.len(),
            hidden * gates * hidden,
            "recurrent weights must be [{hidden}, {gates} * {hidden}]"
        );
        if hidden > Int8Conv2d::MOST_TERMS || !weight.iter().all(|weight| weight.is_finite()) {
            return None;
        }
        let path = if cpu.path.is_available() { cpu.path } else { Path::Plain };
        let lanes = path.lanes();
        let Widths { blocks, .. } = Widths::new(lanes, hidden, gates);
        let (whole, scale) = rounded_columns(weight, hidden, gates * hidden);
        let quads = hidden.div_ceil(4);
        let row = gates * lanes;
        let mut packed = Buffer::zeros(blocks * quads * row);
        let [mut starts, mut scales] = [(); 2].map(|()| Buffer::zeros(blocks * row));
        for gate in 0..gates {
            for unit in 0..hidden {
                let column = gate * hidden + unit;
                let weights = &whole[column * hidden..][..hidden];
                let (block, place) = (unit / lanes, gate * lanes + unit % lanes);
                starts.slice_mut()[block * row + place] = start_of(weights);
                scales.slice_mut()[block * row + place] = scale[column] / MOST;
                for (k, four) in weights.chunks(4).enumerate() {
                    let mut quad = [0u8; 4];
                    for (to, weight) in quad.iter_mut().zip(four) {
                        *to = *weight as u8;
                    }
                    packed.slice_mut()[(block * quads + k) * row + place] =
                        f32::from_bits(u32::from_le_bytes(quad));
                }
            }
        }
        Some(Int8RecurrentWeights { path, sizes: [hidden, gates], packed, starts, scales })
    }

    /// Units and gates.
    pub(super) fn sizes(&self) -> [usize; 2] {
        self.sizes
    }

    pub(super) fn path(&self) -> Path {
        self.path
    }

    /// Weights, what sums start from, and what they are multiplied by.
    pub(super) fn parts(&self) -> (&[f32], &[f32], &[f32]) {
        (self.packed.slice(), self.starts.slice(), self.scales.slice())
    }
}

/// The bytes of states from -1 to 1, as whole numbers.
#[inline(always)]
pub(super) fn state_to_byte<S: Simd>(s: S, h: S::F) -> S::F {
    s.add(s.round(s.mul(h, s.splat(MOST))), s.splat(ZERO as f32))
}

/// Whole vectors of states to bytes.
#[inline(always)]
pub(super) fn states_to_bytes<S: Simd>(s: S, from: &[f32], into: &mut [f32]) {
    assert!(from.len().is_multiple_of(S::LANES) && 4 * into.len() >= from.len(), "room for whole vectors");
    let into = into.as_mut_ptr().cast::<u8>();
    each_vector!(S::LANES, from.len(), |at, count| {
        // SAFETY: the lengths were checked; the place takes any bytes.
        unsafe { s.store_u8(into.add(at), state_to_byte(s, get(s, from, at, count))) };
    });
}
