//! Optimiser steps on Flex: in place where nobody else holds the tensors, and in the parameter's storage order, so that
//! a parameter and a gradient that are turned alike are not copied.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use fireclay_kernels::optimizer as kernels;

use super::{AdamSettings, MuonSettings, OptimizerOp, SgdSettings, reference};
use crate::flex_tensor::{Ordered, all_f32, in_order, storage_order};
use crate::instructions::cpu;
use crate::ops::maybe::Maybe;

impl OptimizerOp for Flex {
    fn adam_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first_moment: FloatTensor<Self>,
        second_moment: FloatTensor<Self>,
        settings: AdamSettings,
        step: u64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32([&parameter, &gradient, &first_moment, &second_moment]) {
            return reference::adam::<Self>(parameter, gradient, first_moment, second_moment, settings, step);
        }
        let axes = storage_order(&parameter);
        let [mut parameter, gradient, mut first, mut second] =
            [parameter, gradient, first_moment, second_moment].map(|tensor| in_order(tensor, &axes));
        let slot = kernels::AdamSlot {
            step,
            parameter: parameter.values_mut(),
            gradient: gradient.values(),
            first_moment: first.values_mut(),
            second_moment: second.values_mut(),
            greatest_second_moment: &mut [],
        };
        kernels::adam_step(cpu(), &settings.into(), &mut [slot]);
        (parameter.into_tensor(), first.into_tensor(), second.into_tensor())
    }

    fn sgd_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: Maybe<Self>,
        settings: SgdSettings,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let velocity = velocity.into_option();
        if !all_f32([&parameter, &gradient].into_iter().chain(&velocity)) {
            return reference::sgd::<Self>(parameter, gradient, velocity, settings);
        }
        let axes = storage_order(&parameter);
        // In its first step the kernel takes the gradient as the velocity, whatever that held.
        let step = if velocity.is_some() { 2 } else { 1 };
        let mut velocity = (settings.momentum != 0.0).then(|| match velocity {
            Some(velocity) => in_order(velocity, &axes),
            None => Ordered::zeros(parameter.layout().shape(), &axes),
        });
        let (mut parameter, gradient) = (in_order(parameter, &axes), in_order(gradient, &axes));
        let slot = kernels::SgdSlot {
            step,
            parameter: parameter.values_mut(),
            gradient: gradient.values(),
            velocity: velocity.as_mut().map_or(&mut [], |velocity| velocity.values_mut()),
        };
        kernels::sgd_step(cpu(), &settings.into(), &mut [slot]);
        (parameter.into_tensor(), velocity.map(|velocity| velocity.into_tensor()))
    }

    fn muon_step(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        settings: MuonSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32([&parameter, &gradient, &velocity]) || parameter.layout().num_elements() == 0 {
            return reference::muon::<Self>(parameter, gradient, velocity, settings);
        }
        let shape = parameter.layout().shape().clone();
        let output_axis = reference::output_axis(shape.num_dims());
        let mut axes = storage_order(&parameter);
        if axes[0] != output_axis && axes.last() != Some(&output_axis) {
            axes = (0..shape.num_dims()).collect();
        }
        // The order of the inputs does not matter to a matrix whose step is orthogonal.
        let outputs_in_columns = axes[0] != output_axis;
        let outputs = shape[output_axis];
        let inputs = shape.num_elements() / outputs;
        let (rows, columns) = if outputs_in_columns { (inputs, outputs) } else { (outputs, inputs) };
        let [mut parameter, gradient, mut velocity] =
            [parameter, gradient, velocity].map(|tensor| in_order(tensor, &axes));
        let slot = kernels::MuonSlot {
            rows,
            columns,
            outputs_in_columns,
            parameter: parameter.values_mut(),
            gradient: gradient.values(),
            velocity: velocity.values_mut(),
        };
        kernels::muon_step(cpu(), &settings.into(), &mut [slot], &mut Vec::new());
        (parameter.into_tensor(), velocity.into_tensor())
    }
}

impl From<AdamSettings> for kernels::Adam {
    fn from(settings: AdamSettings) -> Self {
        let AdamSettings { learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled } = settings;
        kernels::Adam { learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled, amsgrad: false }
    }
}

impl From<MuonSettings> for kernels::Muon {
    fn from(settings: MuonSettings) -> Self {
        let MuonSettings { learning_rate, momentum, nesterov, weight_decay, normalized, iterations } =
            settings;
        let epsilon = reference::LEAST_NORM;
        kernels::Muon { learning_rate, momentum, nesterov, weight_decay, normalized, iterations, epsilon }
    }
}

impl From<SgdSettings> for kernels::Sgd {
    fn from(settings: SgdSettings) -> Self {
        let SgdSettings { learning_rate, momentum, nesterov, weight_decay } = settings;
        kernels::Sgd { learning_rate, momentum, dampening: 0.0, nesterov, weight_decay }
    }
}
