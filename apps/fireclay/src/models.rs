//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::prelude::*;
use fireclay::train::schedule::OneCycle;
use fireclay_cli::{DataSpec, Recipe};

/// A network by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelName {
    /// dense layers, as wide as the table has rows for
    #[default]
    Mlp,
    /// one dense layer: linear or logistic regression
    Linear,
}

/// How many training rows there are. The borders are round numbers; the recipes on both sides were compared on the tables of
/// `README.md`.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    Few,
    Some,
    Many,
}

impl Rows {
    fn of(samples: usize) -> Self {
        match samples {
            0..2_000 => Rows::Few,
            2_000..20_000 => Rows::Some,
            _ => Rows::Many,
        }
    }
}

impl fireclay_cli::ModelName for ModelName {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        let widths: &[usize] = match (self, Rows::of(data.samples)) {
            (ModelName::Linear, _) => &[],
            (ModelName::Mlp, Rows::Few) => &[64, 64, 64],
            (ModelName::Mlp, Rows::Some) => &[64, 64],
            (ModelName::Mlp, Rows::Many) => &[256, 256, 128],
        };
        let layers = widths.iter().fold(data.model(), |spec, width| spec.dense(*width).relu());
        layers.dense(data.classes.max(1))
    }

    fn recipe(self) -> Recipe {
        self.recipe_for(1_000)
    }

    fn recipe_for(self, samples: usize) -> Recipe {
        let (optimizer, batch_size, steps): (AdamW, usize, usize) = match (self, Rows::of(samples)) {
            (ModelName::Linear, _) => (AdamW::new(1e-2), 64, 3_000),
            (ModelName::Mlp, Rows::Few) => (AdamW::new(3e-3).weight_decay(0.1), 32, 2_000),
            (ModelName::Mlp, Rows::Some) => (AdamW::new(3e-3).weight_decay(0.1), 128, 500),
            (ModelName::Mlp, Rows::Many) => (AdamW::new(2e-3), 256, 6_000),
        };
        let of_epoch = samples.div_ceil(batch_size).max(1);
        let epochs = steps.div_ceil(of_epoch).clamp(5, 100);
        Recipe { schedule: OneCycle {}.into(), ..Recipe::new(optimizer, batch_size, epochs) }
    }
}

#[cfg(test)]
mod tests {
    use fireclay::nn::InputSpec;
    use fireclay_cli::ModelName as _;

    use super::*;

    #[test]
    fn more_rows_have_a_larger_network_and_a_run_of_bounded_length() {
        let data = |samples| DataSpec {
            input: InputSpec::from([7].as_slice()),
            vocabulary_size: 0,
            classes: 0,
            samples,
        };
        let parameters = |samples| ModelName::Mlp.spec(&data(samples)).summary().unwrap().parameters();
        assert_eq!([100, 5_000, 50_000].map(parameters), [8_897, 4_737, 100_865]);
        for samples in [1, 30, 1_999, 2_000, 19_999, 20_000, 10_000_000] {
            let recipe = ModelName::Mlp.recipe_for(samples);
            assert!((5..=100).contains(&recipe.epochs), "{samples}: {}", recipe.epochs);
            recipe.check().unwrap();
        }
    }
}
