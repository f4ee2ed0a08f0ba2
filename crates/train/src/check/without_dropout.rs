//! A network whose dropout is off, in training as well.

use burn::module::{Flag, ModuleMapper, Param};
use fireclay_nn::Network;

/// Burn's module, as every layer has it that drops something.
const DROPOUT: &str = "Struct:Dropout";

/// The network with dropout left out, also while gradients are recorded. Batch norm goes on as it does in training.
pub(super) fn without_dropout<N: Network>(network: N) -> N {
    network.map(&mut Silencer { containers: Vec::new() })
}

struct Silencer {
    /// The types that the traversal is in, outermost first.
    containers: Vec<String>,
}

impl ModuleMapper for Silencer {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.containers.push(container.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.containers.pop();
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        match self.containers.last().is_some_and(|container| container == DROPOUT) {
            true => flag.with_value(false),
            false => flag,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::tensor::{Device, Tensor};
    use fireclay_nn::{Model, ModelSpec, state};

    use super::*;

    #[test]
    fn nothing_is_dropped_and_batch_norm_still_learns() {
        let input = || Tensor::<2>::ones([4, 64], &Device::flex()).mul_scalar(3.0).autodiff();
        let output = |network: Model| {
            network.train().forward(input().into()).inner().into_data().try_into_vec::<f32>().unwrap()
        };
        let built = |spec: ModelSpec| spec.dense(64).build_seeded(0, &Device::flex()).unwrap();
        let network = built(ModelSpec::new([64]).dropout(0.5));
        let rows = output(network.valid());
        assert_ne!(rows[..64], rows[64..128], "some is dropped without it");
        let rows = output(without_dropout(network));
        assert_eq!(rows[..64], rows[64..128]);
        // By the statistics of the batch equal samples are 0, and only the bias is left of them.
        let network = built(ModelSpec::new([64]).batch_norm().dropout(0.5));
        let bias = state(&network).into_iter().find(|tensor| tensor.name == "dense_1.bias").unwrap();
        assert_eq!(output(without_dropout(network))[..64], bias.values);
    }
}
