//! The networks by name, for any kind of data: those of the programs for digits, pictures and texts, and those for tables.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::tune::{Domain, Setting, Settings};
use fireclay_cli::networks::{DigitNetwork, ObjectNetwork, TableNetwork, TextNetwork};
use fireclay_cli::{DataSpec, ModelName, Output, Preset, Recipe, TrainingArgs, UsageError};

use crate::error::AppError;
use crate::source::AnySource;

/// A network by name. A name means the network of the data's kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum AnyNetwork {
    /// The one that suits the data.
    #[default]
    Auto,
    /// As it was asked for.
    Named(&'static str),
    /// For tables, and rows of numbers.
    Table(TableNetwork),
    /// For grey images.
    Digit(DigitNetwork),
    /// For colour images.
    Object(ObjectNetwork),
    /// For texts.
    Text(TextNetwork),
}

/// What can be asked for, and which data it reads.
const ASKED: [AnyNetwork; 16] = [
    AnyNetwork::Auto,
    AnyNetwork::Named("mlp"),
    AnyNetwork::Named("linear"),
    AnyNetwork::Named("cnn"),
    AnyNetwork::Named("cnn-small"),
    AnyNetwork::Named("cnn-tanh"),
    AnyNetwork::Named("best"),
    AnyNetwork::Named("resnet"),
    AnyNetwork::Named("fast94"),
    AnyNetwork::Named("softmax"),
    AnyNetwork::Named("ngram"),
    AnyNetwork::Named("bag"),
    AnyNetwork::Named("lstm"),
    AnyNetwork::Named("bilstm"),
    AnyNetwork::Named("gru"),
    AnyNetwork::Named("transformer"),
];

fn help(name: &str) -> &'static str {
    match name {
        "mlp" => "tables: dense layers, as wide as the table has rows for; grey images: two of 128",
        "linear" => "tables: one dense layer, which is linear or logistic regression",
        "cnn" => "images: three convolutions and two dense layers",
        "cnn-small" => "grey images: two convolutions and two dense layers",
        "cnn-tanh" => "grey images: two convolutions and two dense layers with few parameters, for --private",
        "best" => "grey images: five convolutions with batch norm",
        "resnet" => "colour images: a residual network with batch norm",
        "fast94" => "colour images: airbench94, for 32 x 32 pixels",
        "softmax" => "images: one dense layer",
        "ngram" => "texts: runs of up to 3 words, one linear layer",
        "bag" => "texts: the mean of an embedding's rows, for --private",
        "lstm" => "texts: an LSTM over the words",
        "bilstm" => "texts: an LSTM in both directions",
        "gru" => "texts: a GRU over the words",
        "transformer" => "texts: an encoder block of 4 heads",
        _ => "the one that suits the data",
    }
}

impl ValueEnum for AnyNetwork {
    fn value_variants<'a>() -> &'a [Self] {
        &ASKED
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            AnyNetwork::Auto => Some(PossibleValue::new("auto").help(help("auto"))),
            AnyNetwork::Named(name) => Some(PossibleValue::new(*name).help(help(name))),
            AnyNetwork::Table(network) => network.to_possible_value(),
            AnyNetwork::Digit(network) => network.to_possible_value(),
            AnyNetwork::Object(network) => network.to_possible_value(),
            AnyNetwork::Text(network) => network.to_possible_value(),
        }
    }
}

/// Calls a method of the network that it is; one that is still open becomes that of the data's kind.
macro_rules! of_kind {
    ($network:expr, $data:expr, $method:ident($($argument:expr),*)) => {
        match $network.for_data($data) {
            AnyNetwork::Table(network) => network.$method($($argument),*),
            AnyNetwork::Digit(network) => network.$method($($argument),*),
            AnyNetwork::Object(network) => network.$method($($argument),*),
            AnyNetwork::Text(network) => network.$method($($argument),*),
            AnyNetwork::Auto | AnyNetwork::Named(_) => TableNetwork::default().$method($($argument),*),
        }
    };
}

impl ModelName for AnyNetwork {
    fn spec(self, data: &DataSpec) -> ModelSpec {
        of_kind!(self, data, spec(data))
    }

    fn recipe(self, data: &DataSpec) -> Recipe {
        of_kind!(self, data, recipe(data))
    }

    fn tunable(self, data: &DataSpec) -> Vec<(&'static str, Domain, Setting)> {
        of_kind!(self, data, tunable(data))
    }

    fn tuned(self, data: &DataSpec, settings: &Settings) -> ModelSpec {
        of_kind!(self, data, tuned(data, settings))
    }

    fn is_language_model(self) -> bool {
        match self {
            AnyNetwork::Text(network) => network.is_language_model(),
            _ => false,
        }
    }
}

impl AnyNetwork {
    /// The network for some data, whatever was asked for.
    fn for_data(self, data: &DataSpec) -> Self {
        let name = match self {
            AnyNetwork::Auto => None,
            AnyNetwork::Named(name) => Some(name),
            concrete => return concrete,
        };
        let named = |kind: Self| name.and_then(|name| kind.called(name)).unwrap_or(kind);
        match data.input {
            InputSpec::Tokens(_) => named(AnyNetwork::Text(TextNetwork::Ngram)),
            _ => match data.input.shape() {
                [1, _, _] => named(AnyNetwork::Digit(DigitNetwork::default())),
                [_, _, _] => named(AnyNetwork::Object(ObjectNetwork::default())),
                _ => named(AnyNetwork::Table(TableNetwork::default())),
            },
        }
    }

    /// The network of this name that reads the same kind of data.
    fn called(self, name: &str) -> Option<Self> {
        match self {
            AnyNetwork::Table(_) => TableNetwork::from_str(name, true).ok().map(AnyNetwork::Table),
            AnyNetwork::Digit(_) => DigitNetwork::from_str(name, true).ok().map(AnyNetwork::Digit),
            AnyNetwork::Object(_) => ObjectNetwork::from_str(name, true).ok().map(AnyNetwork::Object),
            AnyNetwork::Text(_) => TextNetwork::from_str(name, true).ok().map(AnyNetwork::Text),
            AnyNetwork::Auto | AnyNetwork::Named(_) => None,
        }
    }

    /// The kind of data that has a network of this name, for a summary without data.
    pub fn usual(self) -> Self {
        let AnyNetwork::Named(name) = self else { return self };
        let kinds = [
            AnyNetwork::Object(ObjectNetwork::default()),
            AnyNetwork::Text(TextNetwork::default()),
            AnyNetwork::Table(TableNetwork::default()),
            AnyNetwork::Digit(DigitNetwork::default()),
        ];
        kinds.into_iter().find_map(|kind| kind.called(name)).unwrap_or(self)
    }

    /// The network for a source, and why.
    ///
    /// # Errors
    /// If the one that was asked for does not read such data.
    pub fn choose(
        self,
        source: &AnySource,
        training: &TrainingArgs,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let (preset, is_private) = (training.preset(), training.private.is_some());
        let kind = match source {
            AnySource::Texts { .. } if is_private => AnyNetwork::Text(TextNetwork::Bag),
            AnySource::Texts { .. } => AnyNetwork::Text(TextNetwork::Ngram),
            // Three convolutions and two poolings leave nothing of a smaller one.
            AnySource::Images { shape: [1, height, width], .. } if height.min(width) < &18 => {
                AnyNetwork::Digit(DigitNetwork::Mlp)
            }
            AnySource::Images { shape: [_, height, width], .. } if height.min(width) < &18 => {
                AnyNetwork::Object(ObjectNetwork::Softmax)
            }
            AnySource::Images { shape: [1, ..], .. } if is_private => {
                AnyNetwork::Digit(DigitNetwork::CnnTanh)
            }
            AnySource::Images { shape: [1, ..], .. } => AnyNetwork::Digit(match preset {
                Preset::Quick => DigitNetwork::CnnSmall,
                Preset::Good => DigitNetwork::default(),
                Preset::Best => DigitNetwork::Best,
            }),
            AnySource::Images { .. } => AnyNetwork::Object(match preset {
                Preset::Best if !is_private => ObjectNetwork::Resnet,
                _ => ObjectNetwork::default(),
            }),
            AnySource::Asked(_) | AnySource::Table(_) | AnySource::Rows(_) => {
                AnyNetwork::Table(TableNetwork::default())
            }
        };
        let why = match (kind, self) {
            (_, AnyNetwork::Named(name)) => {
                let known = |kind: Self| match kind {
                    AnyNetwork::Table(_) => names::<TableNetwork>(),
                    AnyNetwork::Digit(_) => names::<DigitNetwork>(),
                    AnyNetwork::Object(_) => names::<ObjectNetwork>(),
                    _ => names::<TextNetwork>(),
                };
                return kind
                    .called(name)
                    .ok_or_else(|| UsageError::of(AppError::OtherNetwork { name, known: known(kind) }));
            }
            (AnyNetwork::Text(TextNetwork::Bag) | AnyNetwork::Digit(DigitNetwork::CnnTanh), _) => {
                "few parameters learn most of what noise leaves"
            }
            (AnyNetwork::Text(_), _) => "runs of words are learnt in seconds and tell classes well",
            (AnyNetwork::Digit(DigitNetwork::Mlp) | AnyNetwork::Object(ObjectNetwork::Softmax), _) => {
                "the images are too small for convolutions"
            }
            (AnyNetwork::Digit(_), _) => "the images are grey",
            (AnyNetwork::Object(_), _) => "the images are in colour",
            _ => "the samples are rows of numbers",
        };
        let wanted = match (preset, kind) {
            (Preset::Quick, AnyNetwork::Digit(DigitNetwork::CnnSmall)) => ", and quick is wanted",
            (
                Preset::Best,
                AnyNetwork::Digit(DigitNetwork::Best) | AnyNetwork::Object(ObjectNetwork::Resnet),
            ) => ", and the best is wanted",
            _ => "",
        };
        output.note(format!("model: {}, since {why}{wanted}", kind.name()));
        Ok(kind)
    }
}

/// The names of a kind's networks.
fn names<N: ModelName>() -> String {
    let classifiers = N::value_variants().iter().filter(|network| !network.is_language_model());
    classifiers.map(|network| network.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_that_of_a_network() {
        for asked in &ASKED[1..] {
            let usual = asked.usual();
            assert!(!matches!(usual, AnyNetwork::Named(_)), "{asked:?}");
            assert_eq!(usual.name(), asked.name());
            assert_ne!(help(&asked.name()), help("auto"), "{asked:?}");
        }
    }
}
