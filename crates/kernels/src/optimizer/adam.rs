//! Adam and AdamW.

use super::{Rule, Task, decayed, run};
use crate::Cpu;
use crate::simd::Simd;

/// Adam ([Kingma and Ba 2014](https://arxiv.org/abs/1412.6980)), with weight decay in the gradient or decoupled
/// ([AdamW, Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101)), and AMSGrad
/// ([Reddi et al. 2018](https://openreview.net/forum?id=ryQu7f-RZ)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Size of a step.
    pub learning_rate: f64,
    /// Share of the past in the mean of gradients, in `[0, 1)`.
    pub beta_1: f64,
    /// Share of the past in the mean of squared gradients, in `[0, 1)`.
    pub beta_2: f64,
    /// Added to the root.
    pub epsilon: f64,
    /// Factor of the squared weights added to the loss, halved; or, if `decoupled`, the fraction of each weight that a
    /// step takes away, divided by the learning rate.
    pub weight_decay: f64,
    /// Whether weight decay is AdamW's.
    pub decoupled: bool,
    /// Whether a step divides by the greatest mean of squared gradients so far, not by the present one.
    pub amsgrad: bool,
}

/// One parameter of an Adam step.
#[derive(Debug)]
pub struct AdamSlot<'a> {
    /// Which step of this parameter it is, from 1.
    pub step: u64,
    /// `[len]`, changed in place.
    pub parameter: &'a mut [f32],
    /// `[len]`
    pub gradient: &'a [f32],
    /// `[len]`, the mean of gradients, changed in place; 0 before the first step.
    pub first_moment: &'a mut [f32],
    /// `[len]`, the mean of squared gradients, changed in place; 0 before the first step.
    pub second_moment: &'a mut [f32],
    /// `[len]`, the greatest second moment so far, changed in place; 0 before the first step. Neither read nor written
    /// without `amsgrad`, and may be empty then.
    pub greatest_second_moment: &'a mut [f32],
}

/// Makes one step of Adam for all `slots`, as one parallel region.
///
/// ```text
/// g = gradient + weight_decay · parameter          (if decoupled: parameter *= 1 - learning_rate · weight_decay)
/// m = beta_1 · m + (1 - beta_1) · g
/// v = beta_2 · v + (1 - beta_2) · g²
/// parameter -= learning_rate · (m / (1 - beta_1^step)) / (√(v / (1 - beta_2^step)) + epsilon)
/// ```
///
/// With `amsgrad` the greatest `v` so far stands in the last line.
///
/// # Panics
/// If lengths within a slot differ, or its step is 0.
pub fn adam_step(cpu: Cpu, adam: &Adam, slots: &mut [AdamSlot<'_>]) {
    if adam.amsgrad {
        let tasks: Vec<_> = (slots.iter_mut())
            .map(|slot| {
                let AdamSlot {
                    step,
                    parameter,
                    gradient,
                    first_moment,
                    second_moment,
                    greatest_second_moment,
                } = slot;
                let states: [&mut [f32]; 3] = [first_moment, second_moment, greatest_second_moment];
                Task::new(Moments::new(adam, *step), parameter, gradient, states)
            })
            .collect();
        run(cpu, &tasks);
    } else {
        let tasks: Vec<_> = (slots.iter_mut())
            .map(|slot| {
                let AdamSlot { step, parameter, gradient, first_moment, second_moment, .. } = slot;
                let states: [&mut [f32]; 2] = [first_moment, second_moment];
                Task::new(Moments::new(adam, *step), parameter, gradient, states)
            })
            .collect();
        run(cpu, &tasks);
    }
}

#[derive(Clone, Copy)]
struct Moments {
    beta_1: f32,
    fresh_1: f32,
    beta_2: f32,
    fresh_2: f32,
    /// `-learning_rate / (1 - beta_1^step)`
    minus_rate: f32,
    /// `1 / √(1 - beta_2^step)`
    root_scale: f32,
    epsilon: f32,
    weight_decay: f32,
    /// What decoupled decay leaves of a parameter.
    keep: f32,
}

impl Moments {
    fn new(adam: &Adam, step: u64) -> Self {
        assert!(step > 0, "steps count from 1");
        let power = step as f64;
        let (weight_decay, keep) = match adam.decoupled {
            true => (0.0, 1.0 - adam.learning_rate * adam.weight_decay),
            false => (adam.weight_decay, 1.0),
        };
        Moments {
            beta_1: adam.beta_1 as f32,
            fresh_1: (1.0 - adam.beta_1) as f32,
            beta_2: adam.beta_2 as f32,
            fresh_2: (1.0 - adam.beta_2) as f32,
            minus_rate: (-adam.learning_rate / (1.0 - adam.beta_1.powf(power))) as f32,
            root_scale: (1.0 / (1.0 - adam.beta_2.powf(power)).sqrt()) as f32,
            epsilon: adam.epsilon as f32,
            weight_decay: weight_decay as f32,
            keep: keep as f32,
        }
    }
}

impl<const STATES: usize> Rule<STATES> for Moments {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, parameter: S::F, gradient: S::F, states: &mut [S::F; STATES]) -> S::F {
        let gradient = decayed(s, self.weight_decay, parameter, gradient);
        states[0] = s.mul_add(s.splat(self.beta_1), states[0], s.mul(s.splat(self.fresh_1), gradient));
        let square = s.mul(s.splat(self.fresh_2), s.mul(gradient, gradient));
        states[1] = s.mul_add(s.splat(self.beta_2), states[1], square);
        if STATES == 3 {
            states[2] = s.max(states[2], states[1]);
        }
        let root = s.sqrt(states[STATES - 1]);
        let divisor = s.mul_add(root, s.splat(self.root_scale), s.splat(self.epsilon));
        let direction = s.div(states[0], divisor);
        s.mul_add(s.splat(self.minus_rate), direction, s.mul(s.splat(self.keep), parameter))
    }
}
