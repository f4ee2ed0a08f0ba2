//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::prelude::*;
use fireclay_cli::{Recipe, Task};

/// A network by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelName {
    /// conv 32, pool, conv 64, pool, conv 64, dense 64, dense, ReLU; adam, 0.001, batch 64, 10 epochs
    #[default]
    Cnn,
    /// one dense layer: softmax regression, to see what colours alone tell; adam, 0.001, batch 128, 10 epochs
    Softmax,
}

impl fireclay_cli::ModelName for ModelName {
    fn spec(self, task: &Task) -> ModelSpec {
        let spec = task.model();
        match self {
            ModelName::Cnn => spec
                .conv2d(32, 3)
                .relu()
                .max_pool2d(2)
                .conv2d(64, 3)
                .relu()
                .max_pool2d(2)
                .conv2d(64, 3)
                .relu()
                .flatten()
                .dense(64)
                .relu()
                .dense(task.classes),
            ModelName::Softmax => spec.flatten().dense(task.classes),
        }
    }

    fn recipe(self) -> Recipe {
        let adam = Recipe { optimizer: "adam", learning_rate: 1e-3, batch_size: 64, epochs: 10 };
        match self {
            ModelName::Cnn => adam,
            ModelName::Softmax => Recipe { batch_size: 128, ..adam },
        }
    }
}

#[cfg(test)]
mod tests {
    use fireclay_cli::ModelName as _;

    use super::*;

    #[test]
    fn the_networks_have_their_known_sizes() {
        let task = Task::images([3, 32, 32], 10);
        let parameters = |model: ModelName| model.spec(&task).summary().unwrap().parameters();
        assert_eq!([ModelName::Cnn, ModelName::Softmax].map(parameters), [122_570, 30_730]);
    }
}
