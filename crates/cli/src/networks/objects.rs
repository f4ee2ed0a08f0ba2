//! The networks by name, each with the recipe it is trained by unless flags say otherwise.

use clap::ValueEnum;
use fireclay::nn::{
    BatchNormSpec, Conv2dSpec, DenseSpec, Initializer, LayerSpec, MaxPool2dSpec, ReluSpec,
    TestTimeAugmentation, WhiteningSpec,
};
use fireclay::prelude::*;
use fireclay::train::schedule::{Linear, OneCycle};
use fireclay::train::{Muon, ParameterGroup, Sgd};

use crate::images::ImagePreprocessing;
use crate::program::DataSpec;
use crate::recipe::Recipe;

/// A network for small colour images by name.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectNetwork {
    /// conv 32, pool, conv 64, pool, conv 64, dense 64, dense, ReLU
    #[default]
    Cnn,
    /// residual network in the manner of ResNet-9, batch norm, ReLU
    Resnet,
    /// airbench94: whitening, six convolutions, batch norm, GELU
    Fast94,
    /// one dense layer: softmax regression, to see what colours alone tell
    Softmax,
}

impl crate::program::ModelName for ObjectNetwork {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        let spec = data.model();
        match self {
            ObjectNetwork::Cnn => spec
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
                .dense(data.classes),
            ObjectNetwork::Resnet => resnet(spec, data.classes),
            ObjectNetwork::Fast94 => fast94(spec, data.classes),
            ObjectNetwork::Softmax => spec.flatten().dense(data.classes),
        }
    }

    fn recipe(self, _: &DataSpec) -> Recipe {
        let adam = Recipe::new(Adam::new(1e-3), 64, 10);
        match self {
            ObjectNetwork::Cnn => {
                Recipe { schedule: Linear::to(0.05).into(), ..Recipe::new(Adam::new(2e-3), 64, 10) }
            }
            ObjectNetwork::Resnet => Recipe {
                schedule: OneCycle {}.into(),
                label_smoothing: 0.1,
                groups: vec![ParameterGroup::new(["dense_1.weight"], AdamW::new(5e-3))],
                ..Recipe::new(Muon::new(0.05).momentum(0.9).vector_learning_rate(1e-2), 250, 8)
            },
            ObjectNetwork::Fast94 => fast94_recipe(),
            ObjectNetwork::Softmax => Recipe { batch_size: 128, ..adam },
        }
    }
}

impl ObjectNetwork {
    /// How images are prepared for the model where flags do not say it.
    pub fn preprocessing(self) -> ImagePreprocessing {
        let augment = |words: &str| words.parse().ok();
        match self {
            ObjectNetwork::Softmax => ImagePreprocessing::default(),
            ObjectNetwork::Cnn => ImagePreprocessing { standardize: Some(true), augment: augment("flip") },
            ObjectNetwork::Resnet | ObjectNetwork::Fast94 => {
                ImagePreprocessing { standardize: Some(true), augment: augment("flip=alternating,crop=2") }
            }
        }
    }
}

/// A convolution of 3 by 3 that keeps the size, batch norm, ReLU.
fn convolution(out_channels: usize) -> [LayerSpec; 3] {
    let conv = Conv2dSpec::new(out_channels, 3).padding(Padding::Same).bias(false);
    [conv.initializer(Initializer::KaimingNormal).into(), BatchNormSpec::default().into(), ReluSpec {}.into()]
}

/// The same, with a pooling between that halves the size, so that the norm has a fourth to do.
fn halving(out_channels: usize) -> [LayerSpec; 4] {
    let [conv, norm, relu] = convolution(out_channels);
    [conv, MaxPool2dSpec::new(2).into(), norm, relu]
}

/// In the manner of ResNet-9 ([Page 2018](https://myrtle.ai/learn/how-to-train-your-resnet/) after
/// [He et al. 2015](https://arxiv.org/abs/1512.03385)), with three eighths of its width.
fn resnet(spec: ModelSpec, classes: usize) -> ModelSpec {
    let block = |channels| convolution(channels).into_iter().chain(convolution(channels));
    let add = |spec: ModelSpec, layers: Vec<LayerSpec>| layers.into_iter().fold(spec, ModelSpec::layer);
    let spec = add(spec.test_time_augmentation(TestTimeAugmentation::Mirrored), convolution(24).into());
    let spec = add(spec, halving(48).into());
    let spec = add(spec, halving(96).into()).residual(block(96));
    add(spec, halving(192).into()).residual(block(192)).max_pool2d(4).flatten().dense(classes)
}

/// airbench94 ([Jordan 2024](https://arxiv.org/abs/2404.00498)).
fn fast94(spec: ModelSpec, classes: usize) -> ModelSpec {
    let conv = |channels| {
        Conv2dSpec::new(channels, 3).padding(Padding::Same).bias(false).initializer(Initializer::Dirac)
    };
    let norm = || BatchNormSpec::default().momentum(0.4).epsilon(1e-12).scale(false);
    let mut spec = spec
        .test_time_augmentation(TestTimeAugmentation::MirroredAndShifted)
        .layer(WhiteningSpec::new(2))
        .gelu();
    for channels in [64, 256, 256] {
        spec = spec.layer(conv(channels)).max_pool2d(2).layer(norm()).gelu();
        spec = spec.layer(conv(channels)).layer(norm()).gelu();
    }
    // Published: weights of deviation 1, and logits divided by the 256 features, which is the same.
    let head = DenseSpec::new(classes).bias(false).initializer(Initializer::Normal { std: 1.0 / 256.0 });
    spec.max_pool2d(3).flatten().layer(head)
}

/// The published recipe with Muon (<https://github.com/KellerJordan/cifar10-airbench>), whose loss is the sum over a batch
/// of 2,000 where ours is the mean, and whose last weight is 256 times ours: rates are 2,000 times theirs, and for that
/// weight divided by 256 squared.
fn fast94_recipe() -> Recipe {
    let batch = 2000.0;
    // Each step takes away this share of what is stepped by SGD.
    let decay = 2e-6 * batch;
    let sgd = |rate: f64| Sgd::new(rate).momentum(0.85).nesterov().weight_decay(decay / rate);
    Recipe {
        groups: vec![
            ParameterGroup::new(["*.bias"], sgd(0.053 * batch)),
            ParameterGroup::new(["dense_1.weight"], sgd(0.67 * batch / (256.0 * 256.0))),
        ],
        schedule: Linear::to(0.0).into(),
        label_smoothing: 0.2,
        ..Recipe::new(Muon::new(0.24).momentum(0.6).normalized(true).iterations(3), 2000, 8)
    }
}

#[cfg(test)]
mod tests {
    use crate::program::{ModelName as _, Preprocessing as _};

    use super::*;

    #[test]
    fn the_networks_have_their_known_sizes() {
        let data = DataSpec::images([3, 32, 32], 10);
        let parameters = |model: ObjectNetwork| model.spec(&data).summary().unwrap().parameters();
        let models =
            [ObjectNetwork::Cnn, ObjectNetwork::Resnet, ObjectNetwork::Fast94, ObjectNetwork::Softmax];
        assert_eq!(models.map(parameters), [122_570, 1_051_618, 1_971_352, 30_730]);
    }

    #[test]
    fn images_are_prepared_as_the_recipes_say() {
        let words = |model: ObjectNetwork| model.preprocessing().describe().join(", ");
        assert_eq!(words(ObjectNetwork::Cnn), "standardized, augment flip");
        for model in [ObjectNetwork::Resnet, ObjectNetwork::Fast94] {
            assert_eq!(words(model), "standardized, augment flip=alternating,crop=2");
        }
        assert_eq!(words(ObjectNetwork::Softmax), "");
    }
}
