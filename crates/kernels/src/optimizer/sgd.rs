//! Stochastic gradient descent.

use super::{Rule, Task, decayed, run};
use crate::Cpu;
use crate::simd::Simd;

/// Stochastic gradient descent with the options of
/// [`torch.optim.SGD`](https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html): momentum
/// ([Polyak 1964](https://doi.org/10.1016/0041-5553(64)90137-5)), Nesterov's variant
/// ([Sutskever et al. 2013](https://proceedings.mlr.press/v28/sutskever13.html)), dampening, weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Size of a step.
    pub learning_rate: f64,
    /// Share of the last step in the next; 0 for plain descent.
    pub momentum: f64,
    /// Share of the gradient that does not enter the velocity after the first step.
    pub dampening: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Factor of the squared weights added to the loss, halved.
    pub weight_decay: f64,
}

/// One parameter of an SGD step.
#[derive(Debug)]
pub struct SgdSlot<'a> {
    /// Which step of this parameter it is, from 1. In the first one the velocity becomes the gradient, whatever it
    /// held.
    pub step: u64,
    /// `[len]`, changed in place.
    pub parameter: &'a mut [f32],
    /// `[len]`
    pub gradient: &'a [f32],
    /// `[len]`, changed in place; neither read nor written without momentum, and may be empty then.
    pub velocity: &'a mut [f32],
}

/// Makes one step of SGD for all `slots`, as one parallel region.
///
/// ```text
/// g = gradient + weight_decay · parameter
/// velocity = momentum · velocity + (1 - dampening) · g          (in the first step: g)
/// direction = g + momentum · velocity  if nesterov, else velocity   (without momentum: g)
/// parameter -= learning_rate · direction
/// ```
///
/// # Panics
/// If lengths within a slot differ.
pub fn sgd_step(cpu: Cpu, sgd: &Sgd, slots: &mut [SgdSlot<'_>]) {
    if sgd.momentum == 0.0 {
        let tasks: Vec<_> = (slots.iter_mut())
            .map(|slot| {
                let SgdSlot { step, parameter, gradient, .. } = slot;
                Task::new(Descent::new(sgd, *step), parameter, gradient, [])
            })
            .collect();
        run(cpu, &tasks);
    } else {
        let tasks: Vec<_> = (slots.iter_mut())
            .map(|slot| {
                let SgdSlot { step, parameter, gradient, velocity } = slot;
                Task::new(Descent::new(sgd, *step), parameter, gradient, [velocity])
            })
            .collect();
        run(cpu, &tasks);
    }
}

#[derive(Clone, Copy)]
struct Descent {
    minus_rate: f32,
    momentum: f32,
    share: f32,
    nesterov: bool,
    weight_decay: f32,
    is_first: bool,
}

impl Descent {
    fn new(sgd: &Sgd, step: u64) -> Self {
        Descent {
            minus_rate: -sgd.learning_rate as f32,
            momentum: sgd.momentum as f32,
            share: (1.0 - sgd.dampening) as f32,
            nesterov: sgd.nesterov,
            weight_decay: sgd.weight_decay as f32,
            is_first: step <= 1,
        }
    }
}

impl<const STATES: usize> Rule<STATES> for Descent {
    #[inline(always)]
    fn update<S: Simd>(self, s: S, parameter: S::F, gradient: S::F, states: &mut [S::F; STATES]) -> S::F {
        let gradient = decayed(s, self.weight_decay, parameter, gradient);
        let mut direction = gradient;
        if let Some(velocity) = states.first_mut() {
            if self.is_first {
                *velocity = gradient;
            } else {
                let fresh = s.mul(s.splat(self.share), gradient);
                *velocity = s.mul_add(s.splat(self.momentum), *velocity, fresh);
            }
            direction = *velocity;
            if self.nesterov {
                direction = s.mul_add(s.splat(self.momentum), *velocity, gradient);
            }
        }
        s.mul_add(s.splat(self.minus_rate), direction, parameter)
    }
}
