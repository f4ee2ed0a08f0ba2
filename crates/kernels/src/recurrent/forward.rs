//! All steps of a recurrent layer, forward.

use std::marker::PhantomData;

use super::int8::{Int8RecurrentWeights, state_to_byte, states_to_bytes};
use super::panel::{
    Factors, MOST_ROWS, Numbers, Pairs, Quads, Start, Terms, in_pairs, pack_forward, tile_of, tiles,
};
use super::{
    Cell, Plan, Projected, RecurrentOptions, RecurrentShape, RecurrentTape, Row, Unit, Widths, active,
};
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_parallel};
use crate::product::pairs::{pair_values, row_of_pairs};
use crate::simd::{Kernel, Simd, load_up_to, prefetch, store_up_to};
use crate::{Cpu, Path};

/// A layer's forward run: its arguments, cell by cell.
pub(super) struct Forward<'a, C> {
    pub(super) cell: PhantomData<C>,
    pub(super) cpu: Cpu,
    pub(super) shape: RecurrentShape,
    pub(super) projected: Projected<'a>,
    pub(super) weights: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) initial_h: Option<&'a [f32]>,
    pub(super) initial_c: Option<&'a [f32]>,
    pub(super) options: RecurrentOptions<'a>,
    pub(super) outputs: Option<&'a mut [f32]>,
    pub(super) h: &'a mut [f32],
    pub(super) c: Option<&'a mut [f32]>,
}

/// How many numbers a vector of the path holds.
pub(super) struct Lanes;

impl Kernel for Lanes {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::LANES
    }
}

impl<C: Cell> Forward<'_, C> {
    pub(super) fn run(mut self, tape: Option<&mut RecurrentTape>) {
        let rows = self.check();
        let RecurrentShape { steps, hidden, .. } = self.shape;
        let plan = Plan::new(self.cpu, self.shape, C::GATES, &self.options);
        let widths = Widths::new(self.cpu.path.run(Lanes), hidden, C::GATES);
        let int8 = self.options.int8.filter(|weights| tape.is_none() && self.takes_bytes(weights));
        let mut packed = Buffer::default();
        if int8.is_none() {
            packed = pack_forward(self.weights, hidden, C::GATES, widths);
        }
        if int8.is_none() && self.cpu.is_bf16() {
            packed = in_pairs(self.cpu.path, &packed, widths.blocks, hidden, C::GATES * widths.lanes);
        }
        let record = widths.padded * C::SAVED;
        let mut no_tape = Buffer::default();
        let keep = tape.is_some();
        let records = match tape {
            None => &mut no_tape,
            Some(tape) => {
                let fill = |to: &mut Vec<f32>, from: Option<&[f32]>| {
                    to.clear();
                    to.extend_from_slice(from.unwrap_or(&[]));
                };
                fill(&mut tape.initial_h, self.initial_h);
                fill(&mut tape.initial_c, self.initial_c);
                tape.mask = self.options.recurrent_mask.map(<[f32]>::to_vec);
                tape.index = self.projected.index.map(<[u32]>::to_vec);
                tape.projected_rows = rows;
                tape.plan = plan.clone();
                tape.records.reserve(self.shape.batch * steps * record);
                &mut tape.records
            }
        };
        let offsets = plan.offsets();
        let records = Shared::new(records.slice_mut());
        let outputs = self.outputs.as_deref_mut().map(Shared::new);
        let h = Shared::new(self.h);
        let c = self.c.as_deref_mut().map(Shared::new);
        in_parallel(plan.parts.len(), |part| {
            let rows = &plan.parts[part];
            let range = offsets[part] * steps * record..(offsets[part] + rows.len()) * steps * record;
            let part = Part {
                cell: PhantomData::<C>,
                path: self.cpu.path,
                plan: &plan,
                widths,
                rows,
                projected: self.projected,
                packed: packed.slice(),
                int8,
                bias: self.bias,
                initial_h: self.initial_h,
                initial_c: self.initial_c,
                mask: self.options.recurrent_mask,
                outputs,
                h,
                c,
                // SAFETY: the parts' ranges lie inside the slice, one after the other.
                records: keep.then(|| unsafe { records.part(range) }),
            };
            match int8 {
                Some(_) => part.run_in::<Quads>(),
                None if self.cpu.is_bf16() => part.run_in::<Pairs>(),
                None => part.run_in::<Numbers>(),
            }
        });
    }

    /// Whether the states can be bytes, with weights that are.
    fn takes_bytes(&self, weights: &Int8RecurrentWeights) -> bool {
        C::WITHIN_ONE
            && weights.path() == self.cpu.path
            && self.options.recurrent_mask.is_none()
            && self.initial_h.is_none_or(|states| states.iter().all(|state| state.abs() <= 1.0))
    }

    /// Checks all lengths and gives the number of projected rows.
    fn check(&self) -> usize {
        let RecurrentShape { batch, steps, hidden } = self.shape;
        let state = |what: &str, slice: Option<usize>| {
            if let Some(len) = slice {
                assert_eq!(len, batch * hidden, "{what} must be [batch {batch}, hidden {hidden}]");
            }
        };
        state("the first state", self.initial_h.map(<[f32]>::len));
        state("the first cell state", self.initial_c.map(<[f32]>::len));
        state("the recurrent mask", self.options.recurrent_mask.map(<[f32]>::len));
        state("the last state", Some(self.h.len()));
        state("the last cell state", self.c.as_ref().map(|c| c.len()));
        if let Some(outputs) = &self.outputs {
            assert_eq!(outputs.len(), batch * steps * hidden, "outputs must be [{batch}, {steps}, {hidden}]");
        }
        let width = C::GATES * hidden;
        assert_eq!(self.weights.len(), hidden * width, "recurrent weights must be [{hidden}, {width}]");
        if let Some(int8) = self.options.int8 {
            assert_eq!(int8.sizes(), [hidden, C::GATES], "recurrent weights of other sizes in whole numbers");
        }
        if let Some(bias) = self.bias {
            assert_eq!(bias.len(), hidden, "the recurrent bias must be [{hidden}]");
        }
        let len = self.projected.rows.len();
        let rows = match len.checked_div(width) {
            Some(rows) => rows,
            // Without units a row has no numbers, so that there are as many as wanted.
            None => self.projected.index.map_or(batch * steps, |index| {
                index.iter().max().map_or(0, |greatest| *greatest as usize + 1)
            }),
        };
        assert_eq!(rows * width, len, "projected rows must have {width} numbers each");
        match self.projected.index {
            None => assert_eq!(
                rows,
                batch * steps,
                "there must be a projected row for each step of each sequence"
            ),
            Some(index) => {
                assert_eq!(
                    index.len(),
                    batch * steps,
                    "the index of projected rows must be [{batch}, {steps}]"
                );
                let greatest = index.iter().max().map_or(0, |greatest| *greatest as usize + 1);
                assert!(greatest <= rows, "the index names projected row {} of {rows}", greatest.max(1) - 1);
            }
        }
        rows
    }
}

/// What one thread does.
struct Part<'a, C> {
    cell: PhantomData<C>,
    path: Path,
    plan: &'a Plan,
    widths: Widths,
    rows: &'a [Row],
    projected: Projected<'a>,
    packed: &'a [f32],
    /// In the place of the packed ones.
    int8: Option<&'a Int8RecurrentWeights>,
    bias: Option<&'a [f32]>,
    initial_h: Option<&'a [f32]>,
    initial_c: Option<&'a [f32]>,
    mask: Option<&'a [f32]>,
    /// Of these, the part touches its own rows only.
    outputs: Option<Shared<f32>>,
    h: Shared<f32>,
    c: Option<Shared<f32>>,
    records: Option<&'a mut [f32]>,
}

/// The rows' pieces of `[batch, hidden]`, each filled up with zeros.
pub(super) fn gather(from: Option<&[f32]>, rows: &[Row], hidden: usize, stride: usize) -> Buffer {
    let mut to = Buffer::zeros(rows.len() * stride);
    if let Some(from) = from
        && hidden > 0
    {
        for (row, to) in rows.iter().zip(to.slice_mut().chunks_exact_mut(stride)) {
            to[..hidden].copy_from_slice(&from[row.row * hidden..][..hidden]);
        }
    }
    to
}

impl<C: Cell> Part<'_, C> {
    /// Runs it with products of these terms.
    fn run_in<T: Terms>(self) {
        T::run(self.path, InTerms(self, PhantomData::<T>));
    }

    /// Where each running row's projected input begins at a step.
    fn find_inputs(&self, step: usize, running: usize, to: &mut Vec<usize>) {
        let RecurrentShape { steps, hidden, .. } = self.plan.shape;
        to.clear();
        to.extend(self.rows[..running].iter().map(|&row| {
            let at = row.row * steps + self.plan.place(row, step);
            self.projected.index.map_or(at, |index| index[at] as usize) * C::GATES * hidden
        }));
    }
}

/// The products of the gates of one block of units, for a tile of rows.
///
/// # Safety
/// As for [`tile_of`], with room for a vector of each gate in each row.
#[inline(always)]
unsafe fn products<S: Simd, C: Cell, T: Terms>(
    s: S,
    rows: usize,
    factors: Factors,
    to: *mut f32,
    start: Start,
) {
    let row = C::GATES * S::LANES;
    // SAFETY: passed on to the caller.
    unsafe {
        match C::GATES {
            4 => tile_of::<S, T, 4>(s, rows, factors, to, row, start),
            3 => tile_of::<S, T, 3>(s, rows, factors, to, row, start),
            _ => tile_of::<S, T, 1>(s, rows, factors, to, row, start),
        }
    }
}

/// A part whose products are of these terms.
struct InTerms<'a, C, T>(Part<'a, C>, PhantomData<T>);

impl<C: Cell, T: Terms> Kernel for InTerms<'_, C, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let InTerms(mut part, _) = self;
        let RecurrentShape { steps, hidden, .. } = part.plan.shape;
        let Widths { blocks, padded, .. } = part.widths;
        let rows = part.rows;
        if blocks == 0 || rows.is_empty() {
            return;
        }
        // A row's state after step t lies in the first of these for odd t, so where its length says.
        let mut even = gather(part.initial_h, rows, hidden, padded);
        let mut odd = Buffer::zeros(rows.len() * padded);
        let mut c = gather(part.initial_c, rows, hidden, if C::HAS_C { padded } else { hidden });
        let mut masked = Buffer::zeros(if part.mask.is_some() { rows.len() * padded } else { 0 });
        let mask = gather(part.mask, rows, hidden, padded);
        let mut bias = Buffer::zeros(padded);
        if let Some(from) = part.bias {
            bias.slice_mut()[..hidden].copy_from_slice(from);
        }
        let terms = hidden.div_ceil(T::HELD);
        let panel = terms * C::GATES * S::LANES;
        let factor_row = match T::HELD {
            1 => padded,
            2 => row_of_pairs(padded),
            _ => padded.div_ceil(4),
        };
        // The states as factors of several terms in a number; bytes of the step before and of this one.
        let held = |is_used: bool| Buffer::zeros(if is_used { rows.len() * factor_row } else { 0 });
        let mut paired = held(T::HELD == 2);
        let mut bytes = [held(T::ARE_WHOLE), held(T::ARE_WHOLE)];
        if T::ARE_WHOLE {
            states_to_bytes(s, &even.slice()[..rows.len() * padded], bytes[0].slice_mut());
        }
        let none: &[f32] = &[];
        let (packed, starts, scales) = match part.int8 {
            Some(weights) if T::ARE_WHOLE => weights.parts(),
            _ => (part.packed, none, none),
        };
        let record = padded * C::SAVED;
        let records = part.records.take().map(<[f32]>::as_mut_ptr);
        let longest = rows[0].len;
        let (mut inputs, mut next_inputs) = (Vec::new(), Vec::new());
        part.find_inputs(0, active(rows, 0), &mut inputs);
        let most = (S::ACCUMULATORS / C::GATES).min(MOST_ROWS);
        let mut sums = Buffer::zeros(most * C::GATES * S::LANES);
        let sums = sums.slice_mut().as_mut_ptr();

        // Of a state that is not a number a byte knows nothing. So it is kept for each row and lane, 0 for as long as all are numbers, and
        // added to the products of the first gate, through which it comes to the state again.
        let mut nan = Buffer::zeros(if T::ARE_WHOLE { rows.len() * S::LANES } else { 0 });
        let nan = nan.slice_mut().as_mut_ptr();
        for step in 0..longest {
            let running = active(rows, step);
            let next_running = active(rows, step + 1);
            part.find_inputs(step + 1, next_running, &mut next_inputs);
            let (old, new) = if step % 2 == 0 { (&even, &mut odd) } else { (&odd, &mut even) };
            let old_h = old.slice().as_ptr();
            let new_h = new.slice_mut().as_mut_ptr();
            let c = c.slice_mut().as_mut_ptr();
            let factor = if part.mask.is_some() {
                let both = old.slice().iter().zip(mask.slice());
                for (to, (h, m)) in masked.slice_mut().iter_mut().zip(both).take(running * padded) {
                    *to = h * m;
                }
                masked.slice().as_ptr()
            } else {
                old_h
            };
            let (bytes_before, bytes_after) = {
                let [one, other] = &mut bytes;
                let (before, after) = if step % 2 == 0 { (one, other) } else { (other, one) };
                (before.slice().as_ptr(), after.slice_mut().as_mut_ptr().cast::<u8>())
            };
            let factor = match T::HELD {
                1 => factor,
                4 => bytes_before,
                _ => {
                    let from = if part.mask.is_some() { masked.slice() } else { old.slice() };
                    pair_values(part.path, from, padded, padded, running, paired.slice_mut());
                    paired.slice().as_ptr()
                }
            };
            for block in 0..blocks {
                let unit = block * S::LANES;
                let left = hidden - unit;
                let b = packed[block * panel..][..panel].as_ptr();
                let gates = C::GATES * S::LANES;
                let (start, scales) = match T::ARE_WHOLE {
                    true => (
                        Start::Row(starts[block * gates..][..gates].as_ptr()),
                        &scales[block * gates..][..gates],
                    ),
                    false => (Start::Zero, none),
                };
                // SAFETY: `bias` has `padded` numbers.
                let bias = unsafe { s.load(bias.slice().as_ptr().add(unit)) };
                for (first, count) in tiles(running, most) {
                    // SAFETY: the panel holds `terms` terms of `GATES` vectors; `factor` has `factor_row` numbers for
                    // each row, and `first + count` is at most the number of rows. `sums` has room for `most` rows. What sums of
                    // whole numbers start from was checked.
                    unsafe {
                        let factors = Factors {
                            a: factor.add(first * factor_row),
                            a_row: factor_row,
                            a_term: 1,
                            b,
                            b_term: C::GATES * S::LANES,
                            terms,
                        };
                        products::<S, C, T>(s, count, factors, sums, start);
                    }
                    for m in 0..count {
                        let at = first + m;
                        let state = at * padded + unit;
                        // SAFETY: as above; `inputs` are beginnings of projected rows, checked when the run began,
                        // and `left` says where they end; the record lies inside this part's records, and the
                        // output's row belongs to this part alone.
                        unsafe {
                            let input = part.projected.rows.as_ptr().add(inputs[at] + unit);
                            let mut x = [s.splat(0.0); 4];
                            let mut products = [s.splat(0.0); 4];
                            for gate in 0..C::GATES {
                                x[gate] = load_up_to(s, input.add(gate * hidden), left);
                                products[gate] = s.load(sums.add((m * C::GATES + gate) * S::LANES));
                                if T::ARE_WHOLE {
                                    let scale = s.load(scales.as_ptr().add(gate * S::LANES));
                                    products[gate] = s.mul(s.whole_to_numbers(products[gate]), scale);
                                }
                            }
                            if T::ARE_WHOLE {
                                products[0] = s.add(products[0], s.load(nan.add(at * S::LANES)));
                            }
                            let c_before = if C::HAS_C { s.load(c.add(state)) } else { s.splat(0.0) };
                            let Unit { h, c: c_after, saved } =
                                C::forward(s, x, products, bias, s.load(old_h.add(state)), c_before);
                            s.store(new_h.add(state), h);
                            if T::ARE_WHOLE {
                                let nan = nan.add(at * S::LANES);
                                s.store(nan, s.mul_add(h, s.splat(0.0), s.load(nan)));
                                s.store_u8(bytes_after.add(state), state_to_byte(s, h));
                            }
                            if C::HAS_C {
                                s.store(c.add(state), c_after);
                            }
                            if let Some(records) = records {
                                let to = records
                                    .add((step * rows.len() + at) * record + block * C::SAVED * S::LANES);
                                for (n, vector) in saved.into_iter().enumerate().take(C::SAVED) {
                                    s.store(to.add(n * S::LANES), vector);
                                }
                            }
                            if let Some(outputs) = part.outputs {
                                let row = rows[at];
                                let place = row.row * steps + part.plan.place(row, step);
                                store_up_to(s, outputs.ptr().add(place * hidden + unit), h, left);
                            }
                            if at < next_running {
                                let next = part.projected.rows.as_ptr().add(next_inputs[at] + unit);
                                for gate in 0..C::GATES {
                                    prefetch(next.add(gate * hidden));
                                }
                            }
                        }
                    }
                }
            }
            std::mem::swap(&mut inputs, &mut next_inputs);
        }

        for (at, row) in rows.iter().enumerate() {
            let last = if row.len % 2 == 0 { &even } else { &odd };
            // SAFETY: this row of the outputs and the states is this part's alone.
            unsafe {
                let h = part.h.part(row.row * hidden..(row.row + 1) * hidden);
                h.copy_from_slice(&last.slice()[at * padded..][..hidden]);
                if let Some(to) = part.c {
                    let to = to.part(row.row * hidden..(row.row + 1) * hidden);
                    to.copy_from_slice(&c.slice()[at * padded..][..hidden]);
                }
                if let Some(outputs) = part.outputs {
                    outputs
                        .part((row.row * steps + row.len) * hidden..(row.row + 1) * steps * hidden)
                        .fill(0.0);
                }
            }
        }
    }
}
