//! All steps of a recurrent layer, backward.
//!
//! The gradient of the recurrent weights is accumulated while the gates' gradients are still in the cache, so that
//! these need not be read again.

use std::marker::PhantomData;

use super::forward::{Lanes, gather};
use super::panel::{Factors, Numbers, Pairs, Start, Terms, in_pairs, pack_backward, tile_of, tiles};
use super::{Cell, RecurrentShape, RecurrentTape, Row, Widths, active};
use crate::Cpu;
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::product::pairs::{PairRows, pair_values, row_of_pairs};
use crate::simd::{Kernel, Simd, load_up_to, prefetch, store_up_to};

/// The gradients that a backward run starts from.
#[derive(Clone, Copy)]
pub(super) struct Gradients<'a> {
    pub(super) outputs: Option<&'a [f32]>,
    pub(super) h: Option<&'a [f32]>,
    pub(super) c: Option<&'a [f32]>,
}

/// A layer's backward run.
pub(super) struct Backward<'a, C> {
    pub(super) cell: PhantomData<C>,
    pub(super) weights: &'a [f32],
    pub(super) given: Gradients<'a>,
    pub(super) d_projected: &'a mut [f32],
    pub(super) d_weights: &'a mut [f32],
    pub(super) d_bias: Option<&'a mut [f32]>,
    pub(super) d_initial_h: Option<&'a mut [f32]>,
    pub(super) d_initial_c: Option<&'a mut [f32]>,
}

/// Rows whose gates' gradients are gathered before they go to the weights' gradient: enough that reading and writing
/// the sums costs little, few enough to stay in the cache.
const GATHERED: usize = 128;

impl<C: Cell> Backward<'_, C> {
    pub(super) fn run(mut self, tape: &mut RecurrentTape) {
        self.check(tape);
        let RecurrentTape { plan, records, initial_h, initial_c, mask, index, projected_rows, scratch } =
            tape;
        let RecurrentShape { steps, hidden, .. } = plan.shape;
        let rows = *projected_rows;
        let width = C::GATES * hidden;
        if hidden == 0 {
            return;
        }
        let widths = Widths::new(plan.cpu.path.run(Lanes), hidden, C::GATES);
        let mut packed = pack_backward(self.weights, hidden, C::GATES, widths);
        if plan.cpu.is_bf16() {
            let group = 4 * widths.lanes;
            packed = in_pairs(plan.cpu.path, &packed, widths.columns / group, widths.gates, group);
        }
        let record = widths.padded * C::SAVED;
        let offsets = plan.offsets();
        let parts = plan.parts.len();

        // Steps of different parts may use the same projected row, so that each part sums on its own.
        let own = if index.is_some() { parts.saturating_sub(1) } else { 0 };
        if scratch.len() < own {
            scratch.resize_with(own, Buffer::default);
        }
        for buffer in scratch.iter_mut().take(own) {
            buffer.reserve(rows * width);
        }
        let sums: Vec<Shared<f32>> = std::iter::once(Shared::new(self.d_projected))
            .chain(scratch.iter_mut().take(own).map(|buffer| Shared::new(buffer.slice_mut())))
            .collect();
        let mut seen = vec![vec![false; if index.is_some() { rows } else { 0 }]; parts];
        let mut weights: Vec<Buffer> = (0..parts).map(|_| Buffer::zeros(hidden * widths.gates)).collect();
        let mut bias: Vec<Buffer> = (0..parts).map(|_| Buffer::zeros(widths.padded)).collect();
        {
            let own: Vec<_> = seen
                .iter_mut()
                .zip(weights.iter_mut().zip(&mut bias))
                .map(|(seen, (weights, bias))| {
                    (Shared::new(seen), Shared::new(weights.slice_mut()), Shared::new(bias.slice_mut()))
                })
                .collect();
            let seen_len = if index.is_some() { rows } else { 0 };
            let d_initial_h = self.d_initial_h.as_deref_mut().map(Shared::new);
            let d_initial_c = self.d_initial_c.as_deref_mut().map(Shared::new);
            let plan = &*plan;
            let optional = |state: &'_ [f32]| !state.is_empty();
            in_parallel(parts, |part| {
                let rows = &plan.parts[part];
                let start = offsets[part] * steps * record;
                let (seen, weights, bias) = own[part];
                // SAFETY: each part takes its own buffers, which are as long as this.
                let (seen, d_weights, d_bias) = unsafe {
                    (
                        seen.part(0..seen_len),
                        weights.part(0..hidden * widths.gates),
                        bias.part(0..widths.padded),
                    )
                };
                plan.cpu.path.run(Part {
                    cell: PhantomData::<C>,
                    cpu: plan.cpu,
                    shape: plan.shape,
                    reverse: plan.reverse,
                    widths,
                    rows,
                    records: &records.slice()[start..start + rows.len() * steps * record],
                    initial_h: optional(initial_h).then_some(&**initial_h),
                    initial_c: optional(initial_c).then_some(&**initial_c),
                    mask: mask.as_deref(),
                    index: index.as_deref(),
                    packed: packed.slice(),
                    given: self.given,
                    d_projected: sums[if index.is_some() { part } else { 0 }],
                    seen,
                    d_weights,
                    d_bias,
                    d_initial_h,
                    d_initial_c,
                });
            });
        }

        let lanes = widths.lanes;
        for k in 0..hidden {
            for unit in 0..hidden {
                for gate in 0..C::GATES {
                    let at = k * widths.gates + (unit / lanes * C::GATES + gate) * lanes + unit % lanes;
                    self.d_weights[k * width + gate * hidden + unit] =
                        weights.iter().map(|part| part.slice()[at]).sum();
                }
            }
        }
        if let Some(d_bias) = self.d_bias {
            for (unit, to) in d_bias.iter_mut().enumerate() {
                *to = bias.iter().map(|part| part.slice()[unit]).sum();
            }
        }
        if index.is_some() {
            join(plan.cpu.threads, &sums, &seen, rows, width);
        } else if plan.parts.iter().flatten().any(|row| row.len < steps) {
            // Steps that did not run have no gradient.
            for row in plan.parts.iter().flatten() {
                self.d_projected[(row.row * steps + row.len) * width..(row.row + 1) * steps * width]
                    .fill(0.0);
            }
        }
    }

    fn check(&self, tape: &RecurrentTape) {
        let plan = &tape.plan;
        let RecurrentShape { batch, steps, hidden } = plan.shape;
        assert_eq!(
            plan.gates,
            C::GATES,
            "the tape is of another kind of layer, or no forward run has written it"
        );
        let state = |what: &str, slice: Option<usize>| {
            if let Some(len) = slice {
                assert_eq!(len, batch * hidden, "{what} must be [batch {batch}, hidden {hidden}]");
            }
        };
        state("the gradient of the last state", self.given.h.map(<[f32]>::len));
        state("the gradient of the last cell state", self.given.c.map(<[f32]>::len));
        state("the gradient of the first state", self.d_initial_h.as_ref().map(|d| d.len()));
        state("the gradient of the first cell state", self.d_initial_c.as_ref().map(|d| d.len()));
        if let Some(outputs) = self.given.outputs {
            let len = batch * steps * hidden;
            assert_eq!(
                outputs.len(),
                len,
                "the gradient of the outputs must be [{batch}, {steps}, {hidden}]"
            );
        }
        let width = C::GATES * hidden;
        assert_eq!(self.weights.len(), hidden * width, "recurrent weights must be [{hidden}, {width}]");
        assert_eq!(self.d_weights.len(), hidden * width, "their gradient must be [{hidden}, {width}]");
        let rows = tape.projected_rows;
        assert_eq!(
            self.d_projected.len(),
            rows * width,
            "the gradient of projected rows must be [{rows}, {width}]"
        );
        if let Some(d_bias) = &self.d_bias {
            assert_eq!(d_bias.len(), hidden, "the gradient of the recurrent bias must be [{hidden}]");
        }
    }
}

/// Adds up the parts' gradients of projected rows, always in the same order, in the first of them.
fn join(threads: usize, sums: &[Shared<f32>], seen: &[Vec<bool>], rows: usize, width: usize) {
    let ranges: Vec<_> = ranges(rows, threads, 64).collect();
    in_parallel(ranges.len(), |range| {
        for row in ranges[range].clone() {
            // SAFETY: the rows of this range are this thread's alone; all buffers have `rows · width` numbers.
            let part = |part: usize| unsafe { sums[part].part(row * width..(row + 1) * width) };
            let to = part(0);
            let mut written = seen.first().is_some_and(|seen| seen[row]);
            for (other, seen) in seen.iter().enumerate().skip(1) {
                if !seen[row] {
                    continue;
                }
                if written {
                    for (to, from) in to.iter_mut().zip(part(other)) {
                        *to += *from;
                    }
                } else {
                    to.copy_from_slice(part(other));
                    written = true;
                }
            }
            if !written {
                to.fill(0.0);
            }
        }
    });
}

/// Numbers between the gates' gradients of one row and the next.
const EXTRA: usize = 16;

/// Adds the products of states and gates' gradients of some rows to the gradient of the recurrent weights.
///
/// A kernel of its own, like [`ThroughWeights`]: within the whole run, compilers keep sums in memory.
///
/// In pairs each row of both holds two.
struct ToWeights<'a, T> {
    terms: PhantomData<T>,
    widths: Widths,
    hidden: usize,
    /// `[hidden, widths.gates]`
    d_weights: &'a mut [f32],
    /// `[rows, widths.padded]`
    before: &'a [f32],
    /// `[rows, widths.gates + EXTRA]`
    gates: &'a [f32],
    rows: usize,
}

impl<T: Terms> Kernel for ToWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let ToWeights { widths, hidden, rows, .. } = self;
        let stride = widths.gates + EXTRA;
        assert!(self.d_weights.len() >= hidden * widths.gates);
        assert!(self.before.len() >= rows * widths.padded && self.gates.len() >= rows * stride);
        for column in (0..widths.gates).step_by(4 * S::LANES) {
            for (first, count) in tiles(hidden, S::ACCUMULATORS / 4) {
                // SAFETY: the lengths were checked; `first + count` is at most `hidden`, and `widths.gates` is a
                // multiple of four vectors.
                unsafe {
                    let factors = Factors {
                        a: self.before.as_ptr().add(first),
                        a_row: 1,
                        a_term: widths.padded,
                        b: self.gates.as_ptr().add(column),
                        b_term: stride,
                        terms: rows,
                    };
                    let to = self.d_weights.as_mut_ptr().add(first * widths.gates + column);
                    tile_of::<S, T, 4>(s, count, factors, to, widths.gates, Start::Output);
                }
            }
        }
    }
}

/// The state's gradient through the recurrent product.
struct ThroughWeights<'a, T> {
    terms: PhantomData<T>,
    widths: Widths,
    /// Packed, `widths.columns · widths.gates` numbers; in pairs half as many.
    weights: &'a [f32],
    /// `[rows, widths.gates + EXTRA]`, or rows of pairs.
    gates: &'a [f32],
    /// `[rows, widths.columns]`
    to: &'a mut [f32],
    rows: usize,
    start: Start,
}

impl<T: Terms> Kernel for ThroughWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        /// A piece of the weights that fits into the first cache is multiplied with all rows, piece after piece.
        const PIECE: usize = 128;
        let ThroughWeights { widths, rows, .. } = self;
        let terms = widths.gates / T::HELD;
        let stride = if T::HELD == 1 { widths.gates + EXTRA } else { row_of_pairs(widths.gates) };
        let group = 4 * S::LANES;
        assert!(self.weights.len() >= widths.columns * terms);
        assert!(self.gates.len() >= rows * stride && self.to.len() >= rows * widths.columns);
        for column in (0..widths.columns).step_by(group) {
            for piece in (0..terms).step_by(PIECE) {
                let start = if piece == 0 { self.start } else { Start::Output };
                for (first, count) in tiles(rows, S::ACCUMULATORS / 4) {
                    // SAFETY: the lengths were checked; `first + count` is at most `rows`, and the weights of a
                    // group of columns are `[terms, 4 · LANES]`.
                    unsafe {
                        let factors = Factors {
                            a: self.gates.as_ptr().add(first * stride + piece),
                            a_row: stride,
                            a_term: 1,
                            b: self.weights.as_ptr().add(column * terms + piece * group),
                            b_term: group,
                            terms: PIECE.min(terms - piece),
                        };
                        let to = self.to.as_mut_ptr().add(first * widths.columns + column);
                        tile_of::<S, T, 4>(s, count, factors, to, widths.columns, start);
                    }
                }
            }
        }
    }
}

/// What one thread does.
struct Part<'a, C> {
    cell: PhantomData<C>,
    cpu: Cpu,
    shape: RecurrentShape,
    reverse: bool,
    widths: Widths,
    rows: &'a [Row],
    records: &'a [f32],
    initial_h: Option<&'a [f32]>,
    initial_c: Option<&'a [f32]>,
    mask: Option<&'a [f32]>,
    index: Option<&'a [u32]>,
    packed: &'a [f32],
    given: Gradients<'a>,
    /// With an index this part's own; else it touches its own rows only.
    d_projected: Shared<f32>,
    /// Which rows of `d_projected` this part has written, with an index.
    seen: &'a mut [bool],
    /// `[hidden, widths.gates]`, zeros.
    d_weights: &'a mut [f32],
    d_bias: &'a mut [f32],
    d_initial_h: Option<Shared<f32>>,
    d_initial_c: Option<Shared<f32>>,
}

impl<C: Cell> Kernel for Part<'_, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let RecurrentShape { steps, hidden, .. } = self.shape;
        let Widths { blocks, padded, columns, .. } = self.widths;
        let rows = self.rows;
        if rows.is_empty() {
            return;
        }
        let lanes = S::LANES;
        // The gradients of the states, and those of the gates with a line more, so that rows do not share cache sets.
        let mut d_h = gather(self.given.h, rows, hidden, columns);
        let mut d_c = gather(self.given.c, rows, hidden, padded);
        let stride = self.widths.gates + EXTRA;
        let capacity = rows.len().max(GATHERED);
        let mut gates = Buffer::zeros(capacity * stride);
        let mut before = Buffer::zeros(capacity * padded);
        let mut back = Buffer::zeros(if self.mask.is_some() { rows.len() * columns } else { 0 });
        let mask = gather(self.mask, rows, hidden, padded);
        let first_h = gather(self.initial_h, rows, hidden, padded);
        let first_c = gather(self.initial_c, rows, hidden, padded);
        let d_bias = self.d_bias.as_mut_ptr();
        let record = padded * C::SAVED;
        let records = self.records.as_ptr();
        let mut gathered = 0;
        let (path, pairs, widths) = (self.cpu.path, self.cpu.is_bf16(), self.widths);
        let room = |len: usize| Buffer::unspecified(if pairs { len } else { 0 });
        let (mut before_pairs, mut gates_pairs) =
            (room(capacity.div_ceil(2) * padded), room(capacity.div_ceil(2) * stride));
        let mut gates_of_step = room(rows.len() * row_of_pairs(widths.gates));
        let mut to_weights = |d_weights: &mut [f32], before: &Buffer, gates: &Buffer, rows: usize| {
            let (before, gates) = (before.slice(), gates.slice());
            if !pairs {
                let kernel = ToWeights {
                    terms: PhantomData::<Numbers>,
                    widths,
                    hidden,
                    d_weights,
                    before,
                    gates,
                    rows,
                };
                return path.run(kernel);
            }
            for (from, into, width, columns) in
                [(before, &mut before_pairs, padded, padded), (gates, &mut gates_pairs, stride, widths.gates)]
            {
                let into = into.slice_mut();
                path.run_bf16(PairRows { from, stride: width, rows, columns: 0..columns, into, width });
            }
            let (before, gates, rows) = (before_pairs.slice(), gates_pairs.slice(), rows.div_ceil(2));
            path.run_bf16(ToWeights {
                terms: PhantomData::<Pairs>,
                widths,
                hidden,
                d_weights,
                before,
                gates,
                rows,
            });
        };

        for step in (0..rows[0].len).rev() {
            let running = active(rows, step);
            if gathered + running > capacity {
                to_weights(self.d_weights, &before, &gates, gathered);
                gathered = 0;
            }
            let (d_h_at, d_c_at) = (d_h.slice_mut().as_mut_ptr(), d_c.slice_mut().as_mut_ptr());
            let (gates_at, before_at) = (gates.slice_mut().as_mut_ptr(), before.slice_mut().as_mut_ptr());
            for at in 0..running {
                let row = rows[at];
                let place = row.row * steps + if self.reverse { row.len - 1 - step } else { step };
                let (projected, add) = match self.index {
                    None => (place, false),
                    Some(index) => {
                        let projected = index[place] as usize;
                        (projected, std::mem::replace(&mut self.seen[projected], true))
                    }
                };
                for block in 0..blocks {
                    let unit = block * lanes;
                    let left = hidden - unit;
                    // SAFETY: the record and, from the second step on, the one before it lie inside this part's
                    // records; the buffers have `rows.len()` or `capacity` rows; the rows of the outputs' gradient
                    // and of `d_projected` were checked to be there, and `left` says where they end.
                    unsafe {
                        let from = records.add((step * rows.len() + at) * record + block * C::SAVED * lanes);
                        let mut saved = [s.splat(0.0); 6];
                        for (n, vector) in saved.iter_mut().enumerate().take(C::SAVED) {
                            *vector = s.load(from.add(n * lanes));
                        }
                        let (h, c) = if step > 0 {
                            let from = from.sub(rows.len() * record);
                            // The next step's work, of which only the states are read now.
                            for n in 0..C::SAVED {
                                prefetch(from.add(n * lanes));
                            }
                            let h = s.load(from.add((C::SAVED - 1) * lanes));
                            (h, if C::HAS_C { s.load(from.add(C::C_AT * lanes)) } else { s.splat(0.0) })
                        } else {
                            let at = at * padded + unit;
                            (
                                s.load(first_h.slice().as_ptr().add(at)),
                                s.load(first_c.slice().as_ptr().add(at)),
                            )
                        };
                        let d_h = d_h_at.add(at * columns + unit);
                        let d_c = d_c_at.add(at * padded + unit);
                        let mut dh = s.load(d_h);
                        if let Some(outputs) = self.given.outputs {
                            let outputs = outputs.as_ptr().add(place * hidden + unit);
                            dh = s.add(dh, load_up_to(s, outputs, left));
                        }
                        let dc = if C::HAS_C { s.load(d_c) } else { s.splat(0.0) };
                        let d = C::backward(s, saved, h, c, dh, dc);
                        if C::HAS_C {
                            s.store(d_c, d.c);
                        } else {
                            let sum = s.add(s.load(d_bias.add(unit)), d.gates[2]);
                            s.store(d_bias.add(unit), sum);
                        }
                        if C::DIRECT {
                            s.store(d_h, d.h);
                        }
                        let to = gates_at.add((gathered + at) * stride + block * C::GATES * lanes);
                        let projected = self.d_projected.ptr().add(projected * C::GATES * hidden + unit);
                        for gate in 0..C::GATES {
                            s.store(to.add(gate * lanes), d.gates[gate]);
                            let to = projected.add(gate * hidden);
                            let mut sum = d.projected[gate];
                            if add {
                                sum = s.add(sum, load_up_to(s, to, left));
                            }
                            store_up_to(s, to, sum, left);
                        }
                        let factor = if self.mask.is_some() {
                            s.mul(h, s.load(mask.slice().as_ptr().add(at * padded + unit)))
                        } else {
                            h
                        };
                        s.store(before_at.add((gathered + at) * padded + unit), factor);
                    }
                }
            }

            let weights = self.packed;
            let to = if self.mask.is_some() { back.slice_mut() } else { d_h.slice_mut() };
            let start = if C::DIRECT && self.mask.is_none() { Start::Output } else { Start::Zero };
            let (gates, rows) = (&gates.slice()[gathered * stride..], running);
            if pairs {
                pair_values(path, gates, stride, widths.gates, rows, gates_of_step.slice_mut());
                let gates = gates_of_step.slice();
                path.run_bf16(ThroughWeights {
                    terms: PhantomData::<Pairs>,
                    widths,
                    weights,
                    gates,
                    to,
                    rows,
                    start,
                });
            } else {
                path.run(ThroughWeights {
                    terms: PhantomData::<Numbers>,
                    widths,
                    weights,
                    gates,
                    to,
                    rows,
                    start,
                });
            }
            if self.mask.is_some() {
                let d_h_at = d_h.slice_mut().as_mut_ptr();
                for at in 0..running {
                    for unit in (0..padded).step_by(lanes) {
                        // SAFETY: all of them have `running` rows or more.
                        unsafe {
                            let product = s.load(back.slice().as_ptr().add(at * columns + unit));
                            let mask = s.load(mask.slice().as_ptr().add(at * padded + unit));
                            let d_h = d_h_at.add(at * columns + unit);
                            let direct = if C::DIRECT { s.load(d_h) } else { s.splat(0.0) };
                            s.store(d_h, s.mul_add(product, mask, direct));
                        }
                    }
                }
            }
            gathered += running;
        }
        to_weights(self.d_weights, &before, &gates, gathered);

        for (at, row) in rows.iter().enumerate() {
            let range = row.row * hidden..(row.row + 1) * hidden;
            // SAFETY: this row of the first states' gradients is this part's alone.
            unsafe {
                if let Some(to) = self.d_initial_h {
                    to.part(range.clone()).copy_from_slice(&d_h.slice()[at * columns..][..hidden]);
                }
                if let Some(to) = self.d_initial_c {
                    to.part(range).copy_from_slice(&d_c.slice()[at * padded..][..hidden]);
                }
            }
        }
    }
}
