//! RMSprop.

use super::{Rule, Task, decayed, run};
use crate::Cpu;
use crate::simd::Simd;

/// RMSprop ([Tieleman and Hinton 2012](https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf)) with
/// the options of [`torch.optim.RMSprop`](https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html);
/// centred after [Graves 2013](https://arxiv.org/abs/1308.0850).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Size of a step.
    pub learning_rate: f64,
    /// Share of the past in the mean of squared gradients, in `[0, 1)`.
    pub alpha: f64,
    /// Share of the last step in the next; 0 for none.
    pub momentum: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Whether the squared mean of gradients is taken off, so that a step divides by their deviation.
    pub centered: bool,
    /// Factor of the squared weights added to the loss, halved.
    pub weight_decay: f64,
}

/// One parameter of an RMSprop step.
#[derive(Debug)]
pub struct RmsPropSlot<'a> {
    /// `[len]`, changed in place.
    pub parameter: &'a mut [f32],
    /// `[len]`
    pub gradient: &'a [f32],
    /// `[len]`, the mean of squared gradients, changed in place; 0 before the first step.
    pub mean_square: &'a mut [f32],
    /// `[len]`, the mean of gradients, changed in place; 0 before the first step. Only with `centered`, else it may be
    /// empty.
    pub mean: &'a mut [f32],
    /// `[len]`, changed in place; 0 before the first step. Only with momentum, else it may be empty.
    pub velocity: &'a mut [f32],
}

/// Makes one step of RMSprop for all `slots`, as one parallel region.
///
/// ```text
/// g = gradient + weight_decay · parameter
/// mean_square = alpha · mean_square + (1 - alpha) · g²
/// mean = alpha · mean + (1 - alpha) · g                                            (0 unless centered)
/// velocity = momentum · velocity + g / (√(mean_square - mean²) + epsilon)
/// parameter -= learning_rate · velocity
/// ```
///
/// Rounding may make `mean_square - mean²` negative where gradients hardly change; it counts as 0 then.
///
/// # Panics
/// If lengths within a slot differ.
pub fn rms_prop_step(cpu: Cpu, rms_prop: &RmsProp, slots: &mut [RmsPropSlot<'_>]) {
    match (rms_prop.centered, rms_prop.momentum != 0.0) {
        (false, false) => step(cpu, rms_prop, slots, |mean_square, _, _| [mean_square]),
        (true, false) => step(cpu, rms_prop, slots, |mean_square, mean, _| [mean_square, mean]),
        (false, true) => step(cpu, rms_prop, slots, |mean_square, _, velocity| [mean_square, velocity]),
        (true, true) => {
            step(cpu, rms_prop, slots, |mean_square, mean, velocity| [mean_square, mean, velocity])
        }
    }
}

/// Which of a slot's mean square, mean and velocity are in use.
type Choose<const STATES: usize> =
    for<'a> fn(&'a mut [f32], &'a mut [f32], &'a mut [f32]) -> [&'a mut [f32]; STATES];

fn step<const STATES: usize>(
    cpu: Cpu,
    rms_prop: &RmsProp,
    slots: &mut [RmsPropSlot<'_>],
    states: Choose<STATES>,
) {
    let rule = Roots {
        alpha: rms_prop.alpha as f32,
        fresh: (1.0 - rms_prop.alpha) as f32,
        minus_rate: -rms_prop.learning_rate as f32,
        momentum: rms_prop.momentum as f32,
        epsilon: rms_prop.epsilon as f32,
        centered: rms_prop.centered,
        weight_decay: rms_prop.weight_decay as f32,
    };
    let tasks: Vec<_> = (slots.iter_mut())
        .map(|slot| {
            let RmsPropSlot { parameter, gradient, mean_square, mean, velocity } = slot;
            Task::new(rule, parameter, gradient, states(mean_square, mean, velocity))
        })
        .collect();
    run(cpu, &tasks);
}

/// States are the mean square, then the mean if centred, then the velocity if there is momentum.
#[derive(Clone, Copy)]
struct Roots {
    alpha: f32,
    fresh: f32,
    minus_rate: f32,
    momentum: f32,
    epsilon: f32,
    centered: bool,
    weight_decay: f32,
}

impl<const STATES: usize> Rule<STATES> for Roots {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, parameter: S::F, gradient: S::F, states: &mut [S::F; STATES]) -> S::F {
        let gradient = decayed(s, self.weight_decay, parameter, gradient);
        let square = s.mul(s.splat(self.fresh), s.mul(gradient, gradient));
        states[0] = s.mul_add(s.splat(self.alpha), states[0], square);
        let mut spread = states[0];
        if self.centered {
            states[1] = s.mul_add(s.splat(self.alpha), states[1], s.mul(s.splat(self.fresh), gradient));
            spread = s.max(s.splat(0.0), s.sub(spread, s.mul(states[1], states[1])));
        }
        let mut direction = s.div(gradient, s.add(s.sqrt(spread), s.splat(self.epsilon)));
        if self.momentum != 0.0 {
            let velocity = &mut states[STATES - 1];
            *velocity = s.mul_add(s.splat(self.momentum), *velocity, direction);
            direction = *velocity;
        }
        s.mul_add(s.splat(self.minus_rate), direction, parameter)
    }
}
