//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::prelude::*;
use fireclay_cli::{Recipe, Task};

/// A network by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelName {
    /// 784 - dense 128 - dense 128 - dense 10, ReLU; adam, learning rate 0.001, batch 128, 10 epochs
    Mlp,
    /// conv 32, pool, conv 64, pool, conv 64, dense 64, dense 10, ReLU; adam, 0.001, batch 64, 5 epochs
    #[default]
    Cnn,
    /// conv 32, pool, conv 64, pool, dense 128, dense 10, ReLU; adam, 0.001, batch 64, 10 epochs
    CnnSmall,
    /// one dense layer: softmax regression; adam, 0.001, batch 128, 10 epochs
    Softmax,
}

impl fireclay_cli::ModelName for ModelName {
    fn spec(self, task: &Task) -> ModelSpec {
        let (spec, classes) = (task.model(), task.classes);
        let two_convolutions =
            |spec: ModelSpec| spec.conv2d(32, 3).relu().max_pool2d(2).conv2d(64, 3).relu().max_pool2d(2);
        match self {
            ModelName::Mlp => spec.flatten().dense(128).relu().dense(128).relu().dense(classes),
            ModelName::Cnn => {
                two_convolutions(spec).conv2d(64, 3).relu().flatten().dense(64).relu().dense(classes)
            }
            ModelName::CnnSmall => two_convolutions(spec).flatten().dense(128).relu().dense(classes),
            ModelName::Softmax => spec.flatten().dense(classes),
        }
    }

    fn recipe(self) -> Recipe {
        let adam = Recipe { optimizer: "adam", learning_rate: 1e-3, batch_size: 64, epochs: 5 };
        match self {
            ModelName::Mlp => Recipe { batch_size: 128, epochs: 10, ..adam },
            ModelName::Cnn => adam,
            ModelName::CnnSmall => Recipe { epochs: 10, ..adam },
            ModelName::Softmax => Recipe { batch_size: 128, epochs: 10, ..adam },
        }
    }
}

#[cfg(test)]
mod tests {
    use fireclay_cli::ModelName as _;

    use super::*;

    #[test]
    fn the_networks_have_their_known_sizes() {
        let task = Task::images([1, 28, 28], 10);
        let parameters = |model: ModelName| model.spec(&task).summary().unwrap().parameters();
        let found = [ModelName::Mlp, ModelName::Cnn, ModelName::CnnSmall, ModelName::Softmax].map(parameters);
        assert_eq!(found, [118_282, 93_322, 225_034, 7_850]);
    }
}
