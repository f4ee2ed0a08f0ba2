//! Networks with fewer channels.
//!
//! Channels that go together ([`ChannelGroup`]) are scored (`scores.rs`), those that matter least for what they cost are chosen
//! (`choice.rs`), and taken out of description and weights. What is left is a smaller network like any other; some epochs of
//! training make good what it lost.

mod choice;
mod scores;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::{Source, Subset};
use fireclay_kernels::Path;
use fireclay_nn::{ChannelGroup, Loss, ModelSpec, load_state};
use fireclay_store::ModelFile;

use crate::CompressError;
use choice::Choice;

/// How channels are taken out of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct PruneOptions {
    /// Which share of the FLOPs is to go at least, above 0 and below 1; 0.5 by default.
    pub share: f64,
    /// By what channels are chosen; [`PruneScore::FirstOrder`] by default.
    pub score: PruneScore,
    /// Whether the same share of channels goes from each layer, and not more from those where they matter less; false by default.
    pub by_layer: bool,
    /// Layers are left with a multiple of so many channels, which a CPU computes together; by default as many numbers as a
    /// vector of this CPU holds. Layers with no more stay.
    pub multiple: usize,
    /// Training samples that gradients are computed on, spread evenly over all; 2,048 by default.
    pub samples: usize,
}

impl Default for PruneOptions {
    fn default() -> Self {
        PruneOptions {
            share: 0.5,
            score: PruneScore::default(),
            by_layer: false,
            multiple: Path::best().lanes(),
            samples: 2_048,
        }
    }
}

impl PruneOptions {
    /// Refuses options outside their ranges.
    ///
    /// # Errors
    /// [`CompressError::Option`] with the option, its value and what it may be.
    pub fn check(&self) -> Result<(), CompressError> {
        let wrong = |option, found: String, expected| Err(CompressError::Option { option, found, expected });
        if !(self.share > 0.0 && self.share < 1.0) {
            return wrong("prune", self.share.to_string(), "more than 0 and less than 1");
        }
        if self.multiple == 0 {
            return wrong("multiple-of", self.multiple.to_string(), "1 or more");
        }
        if self.samples == 0 {
            return wrong("samples", self.samples.to_string(), "1 or more");
        }
        Ok(())
    }
}

/// By what channels are chosen: those with the least go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PruneScore {
    /// By how much the loss changes without them, to first order, on training samples: the square of the sum of gradient times
    /// weight, over what makes and scales a channel ([Molchanov et al. 2019](https://arxiv.org/abs/1906.10771)).
    #[default]
    FirstOrder,
    /// The size of the weights that make, scale and read a channel, as a share of the mean of its layer
    /// ([Li et al. 2016](https://arxiv.org/abs/1608.08710)).
    Magnitude,
    /// The scale that batch norm gives a channel ([Liu et al. 2017](https://arxiv.org/abs/1708.06519)); layers without batch norm
    /// stay.
    BatchNorm,
}

impl PruneScore {
    /// All of them.
    pub const ALL: [PruneScore; 3] = [PruneScore::FirstOrder, PruneScore::Magnitude, PruneScore::BatchNorm];

    /// As flags have it: `first-order`, `magnitude`, `batch-norm`.
    pub fn name(self) -> &'static str {
        match self {
            PruneScore::FirstOrder => "first-order",
            PruneScore::Magnitude => "magnitude",
            PruneScore::BatchNorm => "batch-norm",
        }
    }
}

impl fmt::Display for PruneScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PruneScore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = PruneScore::ALL;
        let names = || all.map(PruneScore::name).join(", ");
        all.into_iter().find(|score| score.name() == text).ok_or_else(|| format!("it is one of {}", names()))
    }
}

/// What was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct PruneReport {
    /// Channels that go together, in the order of the network.
    pub groups: Vec<PrunedGroup>,
    /// FLOPs for a sample, before and after; a multiply-add counts two.
    pub flops: [u64; 2],
    /// Numbers that training changes, before and after.
    pub parameters: [usize; 2],
    /// Training samples that gradients were computed on.
    pub samples: usize,
}

/// Channels that go together, of which some may have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrunedGroup {
    /// Layers whose outputs they are.
    pub layers: Vec<String>,
    /// How many there were.
    pub before: usize,
    /// How many are left.
    pub after: usize,
}

/// Takes channels out of a model, those that matter least, until a share of its FLOPs is gone. It answers worse then, and
/// has to be trained for some epochs.
///
/// Only `training` samples are looked at, and only by [`PruneScore::FirstOrder`].
///
/// # Errors
/// [`CompressError`]: an option outside its range, a model that computes in 8-bit whole numbers, no samples, too few channels, or what
/// stands in the way of asking the model.
pub fn prune(
    file: &ModelFile,
    loss: &dyn Loss,
    training: Arc<dyn Source>,
    options: &PruneOptions,
    device: &Device,
) -> Result<(ModelFile, PruneReport), CompressError> {
    options.check()?;
    let spec = &file.card.spec;
    if spec.int8.is_some() {
        return Err(CompressError::AlreadyInt8);
    }
    // Whatever the score, the tensors are those of the network.
    let model = load_state(spec.build(device)?, file.tensors.clone())?;
    let mut groups = spec.channel_groups()?;
    let (scores, samples) = match options.score {
        PruneScore::Magnitude => {
            (groups.iter().map(|group| scores::magnitude(group, &file.tensors)).collect(), 0)
        }
        PruneScore::BatchNorm => {
            groups.retain(scores::has_norm);
            if groups.is_empty() {
                return Err(CompressError::NoBatchNorm);
            }
            (groups.iter().map(|group| scores::batch_norm(group, &file.tensors)).collect::<Vec<_>>(), 0)
        }
        PruneScore::FirstOrder => {
            if training.is_empty() {
                return Err(CompressError::NoSamples);
            }
            let samples: Arc<dyn Source> = Arc::new(Subset::spread(training, options.samples)?);
            let scores = scores::first_order(&groups, &model, &file.tensors, loss, &samples, device)?;
            (scores, samples.len())
        }
    };
    let kept = Choice { spec, groups: &groups, scores: &scores, options }.kept()?;
    let report = |group: &ChannelGroup, kept: &Vec<usize>| PrunedGroup {
        layers: group.layers.clone(),
        before: group.channels,
        after: kept.len(),
    };
    let of_groups = groups.iter().zip(&kept).map(|(group, kept)| report(group, kept)).collect();
    let kept: Vec<_> = groups.into_iter().zip(kept).collect();
    let (small, tensors) = spec.keep_channels(file.tensors.clone(), &kept)?;
    let summaries = [spec.summary()?, small.summary()?];
    let report = PruneReport {
        groups: of_groups,
        flops: [&summaries[0], &summaries[1]].map(|summary| summary.flops()),
        parameters: [&summaries[0], &summaries[1]].map(|summary| summary.parameters() + summary.frozen()),
        samples,
    };
    let mut card = file.card.clone();
    card.spec = small;
    Ok((ModelFile { card, tensors }, report))
}

/// A network with a share of the channels of each layer, for a student: rounded to a multiple of `multiple`, at least one of them.
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// let spec = ModelSpec::new([4]).dense(64).relu().dense(32).relu().dense(2);
/// let half = fireclay_compress::narrowed(&spec, 0.5, 8)?;
/// assert_eq!(half, ModelSpec::new([4]).dense(32).relu().dense(16).relu().dense(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CompressError::Option`] for a share that is not above 0 and below 1, or a multiple of 0; [`CompressError::NothingToNarrow`] if
/// nothing is left out.
pub fn narrowed(spec: &ModelSpec, share: f64, multiple: usize) -> Result<ModelSpec, CompressError> {
    let wrong = |option, found: String, expected| Err(CompressError::Option { option, found, expected });
    if !(share > 0.0 && share < 1.0) {
        return wrong("narrow", share.to_string(), "more than 0 and less than 1");
    }
    if multiple == 0 {
        return wrong("multiple-of", multiple.to_string(), "1 or more");
    }
    let groups = spec.channel_groups()?;
    let wanted = |channels: usize| {
        let rounded = (channels as f64 * share / multiple as f64).round() as usize * multiple;
        rounded.max(multiple).min(channels)
    };
    let counts: Vec<_> = groups.iter().map(|group| (group, wanted(group.channels))).collect();
    if counts.iter().all(|(group, count)| *count == group.channels) {
        return Err(CompressError::NothingToNarrow { multiple });
    }
    Ok(spec.with_channels(&counts)?)
}
