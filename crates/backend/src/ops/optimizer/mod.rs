//! Optimiser steps: one pass over a parameter, its gradient and its state. On a CPU the parameter and the state change
//! in place, if nobody else holds them.
//!
//! They take tensors without autodiff ([`Tensor::inner`]), since a step is not differentiated.

#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::maybe::Maybe;
use super::run_reference_on_other_devices;

/// The settings of Adam ([Kingma and Ba 2014](https://arxiv.org/abs/1412.6980)) and AdamW
/// ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
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
}

/// The settings of stochastic gradient descent with momentum
/// ([Polyak 1964](https://doi.org/10.1016/0041-5553(64)90137-5)) and Nesterov's variant
/// ([Sutskever et al. 2013](https://proceedings.mlr.press/v28/sutskever13.html)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// Size of a step.
    pub learning_rate: f64,
    /// Share of the last step in the next; 0 for plain descent.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Factor of the squared weights added to the loss, halved.
    pub weight_decay: f64,
}

/// The settings of Muon ([Jordan et al. 2024](https://kellerjordan.github.io/posts/muon/)), for matrices and the kernels
/// of convolutions inside a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MuonSettings {
    /// Size of a step, before the factor for the matrix's shape.
    pub learning_rate: f64,
    /// Share of the last step in the next.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// Share of each weight that a step takes away, divided by the learning rate.
    pub weight_decay: f64,
    /// Whether each matrix is brought to the norm `√outputs` before its step
    /// ([Jordan 2024](https://arxiv.org/abs/2404.00498)).
    pub normalized: bool,
    /// Iterations that make the step orthogonal.
    pub iterations: usize,
}

/// One step of Adam or AdamW: the parameter, the first and the second moment after it.
///
/// ```text
/// g = gradient + weight_decay · parameter          (if decoupled: parameter *= 1 - learning_rate · weight_decay)
/// m = beta_1 · m + (1 - beta_1) · g
/// v = beta_2 · v + (1 - beta_2) · g²
/// parameter -= learning_rate · (m / (1 - beta_1^step)) / (√(v / (1 - beta_2^step)) + epsilon)
/// ```
///
/// `step` counts from 1; before the first, both moments are 0.
///
/// # Shapes
/// All tensors have the shape of the parameter.
///
/// # Panics
/// If shapes differ, if `step` is 0, or if a tensor is on an autodiff device.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{AdamSettings, adam_step};
/// let device = Device::default();
/// let settings = AdamSettings {
///     learning_rate: 0.1,
///     beta_1: 0.9,
///     beta_2: 0.999,
///     epsilon: 1e-8,
///     weight_decay: 0.0,
///     decoupled: false,
/// };
/// let zeros = Tensor::<1>::zeros([2], &device);
/// let gradient = Tensor::from_floats([4.0, -0.5], &device);
/// let (parameter, ..) = adam_step(Tensor::ones([2], &device), gradient, zeros.clone(), zeros, &settings, 1);
/// // The first step is as long as the learning rate, whatever the gradient.
/// let parameter = parameter.into_data().try_into_vec::<f32>().unwrap();
/// assert!((parameter[0] - 0.9).abs() < 1e-6 && (parameter[1] - 1.1).abs() < 1e-6);
/// ```
pub fn adam_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    first_moment: Tensor<D>,
    second_moment: Tensor<D>,
    settings: &AdamSettings,
    step: u64,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    check(&parameter, [&gradient, &first_moment, &second_moment]);
    assert!(step > 0, "steps count from 1");
    let (parameter, gradient) = (parameter.into_dispatch(), gradient.into_dispatch());
    let (first, second) = (first_moment.into_dispatch(), second_moment.into_dispatch());
    let (parameter, first, second) = match is_supported(&parameter) {
        true => Dispatch::adam_step(parameter, gradient, first, second, *settings, step),
        false => reference::adam::<Dispatch>(parameter, gradient, first, second, *settings, step),
    };
    (Tensor::from_dispatch(parameter), Tensor::from_dispatch(first), Tensor::from_dispatch(second))
}

/// One step of stochastic gradient descent: the parameter after it, and the velocity if there is momentum.
///
/// ```text
/// g = gradient + weight_decay · parameter
/// velocity = momentum · velocity + g                    (in the first step, without a velocity: g)
/// direction = g + momentum · velocity  if nesterov, else velocity        (without momentum: g)
/// parameter -= learning_rate · direction
/// ```
///
/// # Shapes
/// All tensors have the shape of the parameter.
///
/// # Panics
/// If shapes differ, or if a tensor is on an autodiff device.
pub fn sgd_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Option<Tensor<D>>,
    settings: &SgdSettings,
) -> (Tensor<D>, Option<Tensor<D>>) {
    check(&parameter, [&gradient].into_iter().chain(&velocity));
    let (parameter, gradient) = (parameter.into_dispatch(), gradient.into_dispatch());
    let velocity = velocity.filter(|_| settings.momentum != 0.0).map(Tensor::into_dispatch);
    let (parameter, velocity) = match is_supported(&parameter) {
        true => Dispatch::sgd_step(parameter, gradient, Maybe::new(velocity), *settings),
        false => reference::sgd::<Dispatch>(parameter, gradient, velocity, *settings),
    };
    (Tensor::from_dispatch(parameter), velocity.map(Tensor::from_dispatch))
}

/// One step of Muon: the parameter and the velocity after it. The parameter is read as the matrix `[outputs, inputs]`.
///
/// ```text
/// velocity = momentum · velocity + gradient
/// X = gradient + momentum · velocity  if nesterov, else velocity;  X = X / ‖X‖
/// X = 3.4445 · X + (-4.7750 · A + 2.0315 · A²) · X,  A = X · Xᵀ                      (`iterations` times)
/// parameter *= √outputs / ‖parameter‖  if normalized
/// parameter = (1 - learning_rate · weight_decay) · parameter - learning_rate · √max(1, outputs / inputs) · X
/// ```
///
/// # Shapes
/// All tensors have the shape of the parameter, `[outputs, ..]`, or of rank 2 `[inputs, outputs]`, as dense layers keep it.
/// Before the first step the velocity is 0.
///
/// # Panics
/// If shapes differ, if there are fewer than two dimensions, or if a tensor is on an autodiff device.
pub fn muon_step<const D: usize>(
    parameter: Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
    settings: &MuonSettings,
) -> (Tensor<D>, Tensor<D>) {
    assert!(D >= 2, "Muon steps matrices, not vectors");
    check(&parameter, [&gradient, &velocity]);
    let (parameter, gradient) = (parameter.into_dispatch(), gradient.into_dispatch());
    let velocity = velocity.into_dispatch();
    let (parameter, velocity) = match is_supported(&parameter) {
        true => Dispatch::muon_step(parameter, gradient, velocity, *settings),
        false => reference::muon::<Dispatch>(parameter, gradient, velocity, *settings),
    };
    (Tensor::from_dispatch(parameter), Tensor::from_dispatch(velocity))
}

fn check<'a, const D: usize>(parameter: &Tensor<D>, others: impl IntoIterator<Item = &'a Tensor<D>>) {
    assert!(!parameter.device().is_autodiff(), "an optimiser steps without autodiff: call `inner` first");
    for other in others {
        assert_eq!(other.dims(), parameter.dims(), "gradient and state have the parameter's shape");
        assert!(!other.device().is_autodiff(), "an optimiser steps without autodiff: call `inner` first");
    }
}

/// The steps on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))
)]
pub trait OptimizerOp: Backend {
    /// See [`adam_step`].
    fn adam_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first_moment: FloatTensor<Self>,
        second_moment: FloatTensor<Self>,
        settings: AdamSettings,
        step: u64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        reference::adam::<Self>(parameter, gradient, first_moment, second_moment, settings, step)
    }

    /// See [`sgd_step`]; the velocity is there only if there is momentum.
    fn sgd_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        #[extension_type] velocity: Maybe<Self>,
        settings: SgdSettings,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        reference::sgd::<Self>(parameter, gradient, velocity.into_option(), settings)
    }

    /// See [`muon_step`].
    fn muon_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        settings: MuonSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        reference::muon::<Self>(parameter, gradient, velocity, settings)
    }
}

run_reference_on_other_devices!(OptimizerOp);
