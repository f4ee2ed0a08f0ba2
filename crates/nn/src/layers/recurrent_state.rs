//! Where a recurrent layer stands between two pieces of a sequence.

use fireclay_backend::ops;

/// The state of every layer of a stack: what [`step`](super::recurrent::Recurrent::step) goes on from.
#[derive(Clone, Debug)]
pub(crate) struct RecurrentState {
    /// First layer first.
    pub(crate) layers: Vec<ops::RecurrentState>,
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::tensor::{Device, Distribution, Tensor};

    use super::super::recurrent::Recurrent;
    use crate::{GruSpec, LstmSpec, SimpleRnnSpec};

    /// Stacks of two layers that begin with states other than 0.
    fn stacks(device: &Device) -> Vec<Recurrent> {
        macro_rules! stack {
            ($spec:ty) => {
                <$spec>::new(5).num_layers(2).return_sequences(true).learn_initial_state(true).fields()
            };
        }
        let all = [stack!(LstmSpec), stack!(GruSpec), stack!(SimpleRnnSpec)];
        let mut stacks = all.map(|fields| fields.build(3, device));
        for layer in stacks.iter_mut().flat_map(|stack| &mut stack.layers) {
            for state in [&mut layer.forward.h_0, &mut layer.forward.c_0].into_iter().flatten() {
                *state = Param::from_tensor(Tensor::random([5], Distribution::Normal(0.0, 1.0), device));
            }
        }
        stacks.into()
    }

    #[test]
    fn steps_in_pieces_are_the_steps_of_the_whole() {
        let device = Device::default();
        for stack in stacks(&device) {
            let input = Tensor::<3>::random([4, 6, 3], Distribution::Normal(0.0, 1.0), &device);
            let whole = stack.forward(input.clone().into(), None).sequences();
            let mut state = None;
            let pieces = [0..2, 2..3, 3..6]
                .map(|piece| stack.step(input.clone().slice([0..4, piece, 0..3]), &mut state));
            let pieces = Tensor::cat(pieces.into(), 1);
            let apart = (whole - pieces).abs().max().into_scalar::<f32>();
            assert!(apart < 1e-6, "{:?}: {apart}", stack.cell);
            assert_eq!(state.map(|state| state.layers.len()), Some(2));
        }
    }

    #[test]
    #[should_panic(expected = "only a layer that reads forwards")]
    fn the_way_back_has_no_next_step() {
        let device = Device::default();
        let both_ways = GruSpec::new(2).bidirectional(true).fields().build(3, &device);
        both_ways.step(Tensor::zeros([1, 1, 3], &device), &mut None);
    }
}
