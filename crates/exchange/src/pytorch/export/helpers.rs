//! The functions and classes in Python that a network may need beside PyTorch's.

use std::collections::BTreeSet;

/// A piece of Python, after those that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    TokenLengths,
    OwnSteps,
    SamePadding,
    ConvSteps,
    MeanOfSteps,
    MaxOfSteps,
    Sinusoids,
    Positions,
    SelfAttention,
    Transformer,
    Recurrent,
    TiedDense,
    NaiveBayesBag,
    Shifted,
}

impl Helper {
    fn source(self) -> &'static str {
        match self {
            Helper::TokenLengths => include_str!("python/token_lengths.py"),
            Helper::OwnSteps => include_str!("python/own_steps.py"),
            Helper::SamePadding => include_str!("python/same_padding.py"),
            Helper::ConvSteps => include_str!("python/conv_steps.py"),
            Helper::MeanOfSteps => include_str!("python/mean_of_steps.py"),
            Helper::MaxOfSteps => include_str!("python/max_of_steps.py"),
            Helper::Sinusoids => include_str!("python/sinusoids.py"),
            Helper::Positions => include_str!("python/positions.py"),
            Helper::SelfAttention => include_str!("python/self_attention.py"),
            Helper::Transformer => include_str!("python/transformer.py"),
            Helper::Recurrent => include_str!("python/recurrent.py"),
            Helper::TiedDense => include_str!("python/tied_dense.py"),
            Helper::NaiveBayesBag => include_str!("python/naive_bayes_bag.py"),
            Helper::Shifted => include_str!("python/shifted.py"),
        }
    }

    /// What it uses itself.
    fn needs(self) -> &'static [Helper] {
        match self {
            Helper::ConvSteps => &[Helper::OwnSteps, Helper::SamePadding],
            Helper::MeanOfSteps | Helper::MaxOfSteps | Helper::SelfAttention | Helper::Recurrent => {
                &[Helper::OwnSteps]
            }
            Helper::Transformer => &[Helper::OwnSteps, Helper::SelfAttention],
            _ => &[],
        }
    }
}

/// Whether a class that a helper or the file itself defines has the name.
pub(super) fn is_class(name: &str) -> bool {
    let known = [
        "Network",
        "Positions",
        "SelfAttention",
        "TransformerBlock",
        "Transformer",
        "TiedDense",
        "NaiveBayesBag",
    ];
    known.contains(&name)
}

/// The helpers with all that they use, each once.
pub(super) fn sources(helpers: &BTreeSet<Helper>) -> Vec<&'static str> {
    let needed: BTreeSet<Helper> =
        helpers.iter().flat_map(|helper| helper.needs().iter().chain([helper])).copied().collect();
    needed.into_iter().map(Helper::source).collect()
}
