//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::nn::{Conv2dSpec, Initializer, MaxPool2dSpec};
use fireclay::prelude::*;
use fireclay::train::schedule::OneCycle;

use crate::images::ImagePreprocessing;
use crate::program::DataSpec;
use crate::recipe::Recipe;

/// A network for small grey images by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigitNetwork {
    /// 784 - dense 128 - dense 128 - dense 10, ReLU
    Mlp,
    /// conv 32, pool, conv 64, pool, conv 64, dense 64, dense 10, ReLU
    #[default]
    Cnn,
    /// conv 32, pool, conv 64, pool, dense 128, dense 10, ReLU
    CnnSmall,
    /// conv 16, pool, conv 32, pool, dense 32, dense 10, tanh: few parameters, for --private
    CnnTanh,
    /// five convolutions with batch norm, ReLU
    Best,
    /// one dense layer: softmax regression
    Softmax,
}

impl crate::program::ModelName for DigitNetwork {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        let (spec, classes) = (data.model(), data.classes);
        let two_convolutions =
            |spec: ModelSpec| spec.conv2d(32, 3).relu().max_pool2d(2).conv2d(64, 3).relu().max_pool2d(2);
        match self {
            DigitNetwork::Mlp => spec.flatten().dense(128).relu().dense(128).relu().dense(classes),
            DigitNetwork::Cnn => {
                two_convolutions(spec).conv2d(64, 3).relu().flatten().dense(64).relu().dense(classes)
            }
            DigitNetwork::CnnSmall => two_convolutions(spec).flatten().dense(128).relu().dense(classes),
            DigitNetwork::CnnTanh => {
                let pool = || MaxPool2dSpec::new(2).stride(1);
                let spec = spec.layer(Conv2dSpec::new(16, 8).stride(2).padding(3)).tanh().layer(pool());
                let spec = spec.layer(Conv2dSpec::new(32, 4).stride(2)).tanh().layer(pool());
                spec.flatten().dense(32).tanh().dense(classes)
            }
            DigitNetwork::Best => best(spec, classes),
            DigitNetwork::Softmax => spec.flatten().dense(classes),
        }
    }

    fn recipe(self, _: &DataSpec) -> Recipe {
        let adam = Recipe::new(Adam::new(1e-3), 64, 5);
        match self {
            DigitNetwork::Mlp => Recipe { batch_size: 128, epochs: 10, ..adam },
            DigitNetwork::Cnn => adam,
            DigitNetwork::CnnSmall => Recipe { epochs: 10, ..adam },
            // Long steps, since the gradient of each sample is short, and large batches, in which noise counts less.
            DigitNetwork::CnnTanh => Recipe { clip_norm: Some(1.0), ..Recipe::new(Sgd::new(3.0), 2_048, 15) },
            DigitNetwork::Best => Recipe {
                schedule: OneCycle {}.into(),
                label_smoothing: 0.05,
                ..Recipe::new(AdamW::new(5e-3), 128, 10)
            },
            DigitNetwork::Softmax => Recipe { batch_size: 128, epochs: 10, ..adam },
        }
    }
}

impl DigitNetwork {
    /// How images are prepared for the model where flags do not say it.
    pub fn preprocessing(self) -> ImagePreprocessing {
        match self {
            DigitNetwork::Best => ImagePreprocessing {
                augment: "rotation=10,shift=0.07,scale=0.9..1.1".parse().ok(),
                standardize: None,
            },
            _ => ImagePreprocessing::default(),
        }
    }
}

/// Five convolutions of 3 by 3, each with batch norm and ReLU.
fn best(spec: ModelSpec, classes: usize) -> ModelSpec {
    let conv = |spec: ModelSpec, channels| {
        let conv = Conv2dSpec::new(channels, 3).padding(Padding::Same).bias(false);
        spec.layer(conv.initializer(Initializer::KaimingNormal))
    };
    let spec = conv(spec, 24).batch_norm().relu();
    let spec = conv(spec, 24).max_pool2d(2).batch_norm().relu();
    let spec = conv(spec, 48).batch_norm().relu();
    let spec = conv(spec, 48).max_pool2d(2).batch_norm().relu();
    let spec = conv(spec, 96).batch_norm().relu();
    spec.max_pool2d(7).flatten().dropout(0.1).dense(classes)
}

#[cfg(test)]
mod tests {
    use crate::program::ModelName as _;

    use super::*;

    #[test]
    fn the_networks_have_their_known_sizes() {
        let data = DataSpec::images([1, 28, 28], 10);
        let parameters = |model: DigitNetwork| model.spec(&data).summary().unwrap().parameters();
        let networks = [
            DigitNetwork::Mlp,
            DigitNetwork::Cnn,
            DigitNetwork::CnnSmall,
            DigitNetwork::CnnTanh,
            DigitNetwork::Softmax,
        ];
        assert_eq!(networks.map(parameters), [118_282, 93_322, 225_034, 26_010, 7_850]);
    }
}
