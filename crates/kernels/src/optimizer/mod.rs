//! Steps of optimisers: one pass over parameters, gradients and states, in place.
//!
//! A step takes all parameters of a network at once, so that it is one parallel region, cut by length and not by
//! parameter. Every value is computed alone and in one way, so neither the cut nor the number of threads changes a
//! bit. Settings are `f64`, as users write them; what does not depend on the value is worked out in `f64` once.

mod adam;
mod muon;
#[cfg(test)]
mod reference;
mod sgd;
#[cfg(test)]
mod tests;

pub use adam::{Adam, AdamSlot, adam_step};
pub use muon::{Muon, MuonSlot, muon_step};
pub use sgd::{Sgd, SgdSlot, sgd_step};

use std::ops::Range;

use crate::cpu::{Shared, in_parallel, ranges};
use crate::simd::{Kernel, Simd};
use crate::{Cpu, Path};

/// Values that are worth a thread.
const PART: usize = 25_000;

/// How a step changes one value, its gradient and its `STATES` states given.
trait Rule<const STATES: usize>: Copy + Sync {
    /// The new parameter; the states are changed in place. Implementations are `#[inline(always)]`.
    fn update<S: Simd>(self, s: S, parameter: S::F, gradient: S::F, states: &mut [S::F; STATES]) -> S::F;
}

/// One parameter, its rule, gradient and states, as threads share them.
struct Task<'a, R, const STATES: usize> {
    rule: R,
    parameter: Shared<f32>,
    gradient: &'a [f32],
    states: [Shared<f32>; STATES],
}

impl<'a, R: Rule<STATES>, const STATES: usize> Task<'a, R, STATES> {
    /// # Panics
    /// If the lengths differ.
    fn new(rule: R, parameter: &'a mut [f32], gradient: &'a [f32], states: [&'a mut [f32]; STATES]) -> Self {
        assert_eq!(gradient.len(), parameter.len(), "gradient and parameter differ in length");
        for state in &states {
            assert_eq!(state.len(), parameter.len(), "state and parameter differ in length");
        }
        Task { rule, parameter: Shared::new(parameter), gradient, states: states.map(Shared::new) }
    }

    /// Steps the values in `range`.
    ///
    /// # Safety
    /// The range must lie inside the parameter, and no other thread may be stepping a part of it.
    unsafe fn run(&self, path: Path, range: Range<usize>) {
        // SAFETY: the range is inside, `new` compared the lengths and holds the borrows for `'a`, and the caller
        // keeps other threads away.
        let (parameter, states) = unsafe {
            (self.parameter.part(range.clone()), self.states.map(|state| state.part(range.clone())))
        };
        path.run(Pass { rule: self.rule, parameter, gradient: &self.gradient[range], states });
    }
}

/// Steps all tasks in one parallel region.
fn run<R: Rule<STATES> + Send, const STATES: usize>(cpu: Cpu, tasks: &[Task<'_, R, STATES>]) {
    let total: usize = tasks.iter().map(|task| task.gradient.len()).sum();
    let parts: Vec<Range<usize>> = ranges(total, cpu.threads.min(total / PART), 64).collect();
    in_parallel(parts.len(), |part| {
        let mine = &parts[part];
        let mut begin = 0;
        for task in tasks {
            let end = begin + task.gradient.len();
            let (from, to) = (mine.start.max(begin), mine.end.min(end));
            if from < to {
                // SAFETY: the parts are disjoint ranges of all values in a row, of which `begin..end` are the task's.
                unsafe { task.run(cpu.path, from - begin..to - begin) };
            }
            begin = end;
        }
    });
}

/// A rule over slices of one length.
struct Pass<'a, R, const STATES: usize> {
    rule: R,
    parameter: &'a mut [f32],
    gradient: &'a [f32],
    states: [&'a mut [f32]; STATES],
}

impl<R: Rule<STATES>, const STATES: usize> Kernel for Pass<'_, R, STATES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let len = self.parameter.len();
        let parameter = self.parameter.as_mut_ptr();
        let gradient = self.gradient.as_ptr();
        let states = self.states.map(|state| state.as_mut_ptr());
        let whole = len - len % S::LANES;
        let mut at = 0;
        // SAFETY: all slices have `len` values (`Task::new`), and `at` plus what is read or written is at most `len`.
        unsafe {
            while at < whole {
                let mut held = states.map(|state| s.load(state.add(at)));
                let old = s.load(parameter.add(at));
                let new = self.rule.update(s, old, s.load(gradient.add(at)), &mut held);
                s.store(parameter.add(at), new);
                for (state, held) in states.iter().zip(held) {
                    s.store(state.add(at), held);
                }
                at += S::LANES;
            }
            let rest = len - at;
            if rest > 0 {
                let mut held = states.map(|state| s.load_first(state.add(at), rest));
                let old = s.load_first(parameter.add(at), rest);
                let new = self.rule.update(s, old, s.load_first(gradient.add(at), rest), &mut held);
                s.store_first(parameter.add(at), new, rest);
                for (state, held) in states.iter().zip(held) {
                    s.store_first(state.add(at), held, rest);
                }
            }
        }
    }
}

/// The gradient with weight decay as a part of the loss: `gradient + weight_decay · parameter`.
#[inline(always)]
fn decayed<S: Simd>(s: S, weight_decay: f32, parameter: S::F, gradient: S::F) -> S::F {
    // Without decay a parameter that is infinite must not make its gradient NaN.
    if weight_decay == 0.0 { gradient } else { s.mul_add(s.splat(weight_decay), parameter, gradient) }
}
