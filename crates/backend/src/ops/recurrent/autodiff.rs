//! A recurrent network under autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, TensorMetadata};

use super::{
    PARENTS, RecurrentGradient, RecurrentKept, RecurrentOp, RecurrentSettings, RecurrentTensors, reference,
};
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::{Maybe, MaybeInt};
use crate::ops::sample_norms::{self, WatchOp};

#[derive(Debug)]
struct Recurrent;

impl<B: RecurrentGradient> Backward<B, PARENTS> for Recurrent {
    type State = RecurrentKept<B>;

    fn backward(self, ops: Ops<RecurrentKept<B>, PARENTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, PARENTS>(ops, grads, B::recurrent_backward);
    }
}

/// The same sample by sample, where norms of samples are gathered.
#[derive(Debug)]
struct RecurrentSamples;

impl<B: RecurrentGradient> Backward<B, PARENTS> for RecurrentSamples {
    /// Of each sample.
    type State = Vec<RecurrentKept<B>>;

    fn backward(self, ops: Ops<Self::State, PARENTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        let weights = ops.state.first().map(|kept| [&kept.tensors.weight_ih, &kept.tensors.weight_hh]);
        let [of_ih, of_hh] = weights.map_or([None, None], |both| both.map(|weight| Some(weight.shape())));
        let shapes = [None, of_ih, of_hh, None, None, None, None];
        sample_norms::run_backward::<B, _, PARENTS>(ops, grads, shapes, by_sample::<B>);
    }
}

/// The gradients by what belongs to one sample, and the squares of the weights, sample by sample.
fn by_sample<B: RecurrentGradient>(
    samples: Vec<RecurrentKept<B>>,
    gradient: FloatTensor<B>,
    wanted: [bool; PARENTS],
) -> ([Option<FloatTensor<B>>; PARENTS], Vec<f64>) {
    let mut parts: [Vec<FloatTensor<B>>; PARENTS] = std::array::from_fn(|_| Vec::new());
    let squares = samples.into_iter().enumerate().map(|(sample, kept)| {
        let gradient = B::float_slice(gradient.clone(), &[(sample..sample + 1).into()]);
        let found = B::recurrent_backward(kept, gradient, wanted).into_iter().enumerate();
        found.fold(0.0, |sum, (parent, gradient)| match gradient {
            None => sum,
            // The weights by input and by state.
            Some(gradient) if matches!(parent, 1 | 2) => sum + sample_norms::sum_of_squares::<B>(gradient),
            Some(gradient) => {
                parts[parent].push(gradient);
                sum
            }
        })
    });
    let squares = squares.collect();
    (parts.map(|parts| (!parts.is_empty()).then(|| B::float_cat(parts, 0))), squares)
}

/// What one sample of a batch runs on. Its input is no tokens.
fn of_sample<B: Backend>(tensors: &RecurrentTensors<B>, sample: usize) -> RecurrentTensors<B> {
    let place = [(sample..sample + 1).into()];
    let rows = |of: &FloatTensor<B>| B::float_slice(of.clone(), &place);
    let of = |tensor: &Maybe<B>| Maybe::new(tensor.as_option().map(rows));
    let [hidden, columns] = tensors.weight_hh.shape().dims();
    let bias = |of: &FloatTensor<B>, len: usize| {
        B::float_slice(of.clone(), &[(sample * len..(sample + 1) * len).into()])
    };
    RecurrentTensors {
        input: rows(&tensors.input),
        bias: bias(&tensors.bias, columns),
        bias_new: Maybe::new(tensors.bias_new.as_option().map(|of| bias(of, hidden))),
        initial_h: of(&tensors.initial_h),
        initial_c: of(&tensors.initial_c),
        recurrent_dropout: of(&tensors.recurrent_dropout),
        lengths: match &tensors.lengths {
            MaybeInt::Some(lengths) => MaybeInt::Some(B::int_slice(lengths.clone(), &place)),
            MaybeInt::None => MaybeInt::None,
        },
        ..tensors.clone()
    }
}

impl<B: RecurrentGradient, C: CheckpointStrategy> RecurrentOp for Autodiff<B, C> {
    fn recurrent_sequence(tensors: RecurrentTensors<Self>, settings: RecurrentSettings) -> FloatTensor<Self> {
        let RecurrentTensors { input, weight_ih, weight_hh, bias, .. } = &tensors;
        let [bias_new, initial_h, initial_c, mask] =
            [&tensors.bias_new, &tensors.initial_h, &tensors.initial_c, &tensors.recurrent_dropout]
                .map(Maybe::as_option);
        let all =
            [Some(input), Some(weight_ih), Some(weight_hh), Some(bias), bias_new, initial_h, initial_c, mask];
        let all: Vec<_> = all.into_iter().flatten().map(|tensor| tensor.primitive()).collect();
        if !B::recurrent_has_kernel(&all) {
            if !sample_norms::gathers_sample_norms() {
                return reference::forward::<Self>(tensors, settings);
            }
            let samples = (0..tensors.input.shape()[0]).map(|sample| {
                let mut tensors = of_sample::<Self>(&tensors, sample);
                for weight in [&mut tensors.weight_ih, &mut tensors.weight_hh] {
                    *weight = Self::watch_sample(weight.clone(), sample);
                }
                reference::forward::<Self>(tensors, settings)
            });
            return Self::float_cat(samples.collect(), 0);
        }
        let nodes = [
            input.node(),
            weight_ih.node(),
            weight_hh.node(),
            bias.node(),
            node_or_untracked::<B, C>(bias_new, input),
            node_or_untracked::<B, C>(initial_h, input),
            node_or_untracked::<B, C>(initial_c, input),
        ];
        let inner =
            |tensor: Maybe<Self>| Maybe::new(tensor.into_option().map(|tensor| tensor.into_primitive()));
        let tensors: RecurrentTensors<B> = RecurrentTensors {
            input: tensors.input.into_primitive(),
            weight_ih: tensors.weight_ih.into_primitive(),
            weight_hh: tensors.weight_hh.into_primitive(),
            bias: tensors.bias.into_primitive(),
            bias_new: inner(tensors.bias_new),
            initial_h: inner(tensors.initial_h),
            initial_c: inner(tensors.initial_c),
            tokens: tensors.tokens.on(),
            lengths: tensors.lengths.on(),
            recurrent_dropout: inner(tensors.recurrent_dropout),
        };
        if sample_norms::gathers_sample_norms() {
            let [batch, _, _] = tensors.input.shape().dims();
            let samples = (0..batch)
                .map(|sample| B::recurrent_for_training(of_sample::<B>(&tensors, sample), settings));
            let (outputs, kept): (Vec<_>, Vec<_>) = samples.unzip();
            let output = B::float_cat(outputs, 0);
            return match RecurrentSamples.prepare::<C>(nodes).compute_bound().stateful() {
                OpsKind::UnTracked(prep) => prep.finish(output),
                OpsKind::Tracked(prep) => prep.finish(kept, output),
            };
        }
        match Recurrent.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::recurrent_sequence(tensors, settings)),
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::recurrent_for_training(tensors, settings);
                prep.finish(kept, output)
            }
        }
    }
}
