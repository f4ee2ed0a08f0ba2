//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::prelude::*;
use fireclay::train::schedule::OneCycle;
use fireclay::tune::{Domain, Setting, Settings};

use crate::program::DataSpec;
use crate::recipe::Recipe;

/// A network for tables of numbers and categories by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableNetwork {
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

/// The widths of the layers before the last one.
fn widths(network: TableNetwork, data: &DataSpec) -> &'static [usize] {
    match (network, Rows::of(data.samples)) {
        (TableNetwork::Linear, _) => &[],
        (TableNetwork::Mlp, Rows::Few) => &[64, 64, 64],
        (TableNetwork::Mlp, Rows::Some) => &[64, 64],
        (TableNetwork::Mlp, Rows::Many) => &[256, 256, 128],
    }
}

impl crate::program::ModelName for TableNetwork {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        let layers = widths(self, data).iter().fold(data.model(), |spec, width| spec.dense(*width).relu());
        layers.dense(data.classes.max(1))
    }

    fn tunable(self, data: &DataSpec) -> Vec<(&'static str, Domain, Setting)> {
        if self == TableNetwork::Linear {
            return Vec::new();
        }
        let widths = widths(self, data);
        let integer = |value: usize| Setting::Integer(value as i64);
        vec![
            (
                "width",
                Domain::Integer { low: widths[0] as i64 / 2, high: widths[0] as i64 * 2, log: true },
                integer(widths[0]),
            ),
            ("depth", Domain::Integer { low: 1, high: 4, log: false }, integer(widths.len())),
            ("dropout", Domain::Float { low: 0.0, high: 0.3, log: false }, Setting::Float(0.0)),
        ]
    }

    fn tuned(self, data: &DataSpec, settings: &Settings) -> ModelSpec {
        let usual = widths(self, data);
        let whole = |name, usual| settings.integer(name).map_or(usual, |value| value.max(1) as usize);
        // The kernels take eight or sixteen at a time.
        let width = whole("width", usual.first().copied().unwrap_or(64)).next_multiple_of(8);
        let dropout = settings.float("dropout").unwrap_or(0.0);
        let depth = whole("depth", usual.len());
        // As the usual network does it, so that the usual settings are the usual network.
        let tapers = usual.len() > 1 && usual[usual.len() - 1] < usual[0];
        let layers = (0..depth).fold(data.model(), |spec, layer| {
            let is_narrow = tapers && depth > 1 && layer + 1 == depth;
            let spec = spec.dense(if is_narrow { width / 2 } else { width }).relu();
            if dropout > 0.0 { spec.dropout(dropout) } else { spec }
        });
        layers.dense(data.classes.max(1))
    }

    fn recipe(self, data: &DataSpec) -> Recipe {
        let samples = data.samples;
        let (optimizer, batch_size, steps): (AdamW, usize, usize) = match (self, Rows::of(samples)) {
            (TableNetwork::Linear, _) => (AdamW::new(1e-2), 64, 3_000),
            (TableNetwork::Mlp, Rows::Few) => (AdamW::new(3e-3).weight_decay(0.1), 32, 2_000),
            (TableNetwork::Mlp, Rows::Some) => (AdamW::new(3e-3).weight_decay(0.1), 128, 500),
            (TableNetwork::Mlp, Rows::Many) => (AdamW::new(2e-3), 256, 6_000),
        };
        let of_epoch = samples.div_ceil(batch_size).max(1);
        let epochs = steps.div_ceil(of_epoch).clamp(5, 100);
        Recipe { schedule: OneCycle {}.into(), ..Recipe::new(optimizer, batch_size, epochs) }
    }
}

#[cfg(test)]
mod tests {
    use fireclay::nn::InputSpec;

    use crate::program::ModelName as _;

    use super::*;

    #[test]
    fn more_rows_have_a_larger_network_and_a_run_of_bounded_length() {
        let data = |samples| DataSpec {
            input: InputSpec::from([7].as_slice()),
            vocabulary_size: 0,
            classes: 0,
            samples,
        };
        let parameters = |samples| TableNetwork::Mlp.spec(&data(samples)).summary().unwrap().parameters();
        assert_eq!([100, 5_000, 50_000].map(parameters), [8_897, 4_737, 100_865]);
        for samples in [1, 30, 1_999, 2_000, 19_999, 20_000, 10_000_000] {
            let recipe = TableNetwork::Mlp.recipe(&data(samples));
            assert!((5..=100).contains(&recipe.epochs), "{samples}: {}", recipe.epochs);
            recipe.check().unwrap();
        }
    }
}
