//! `compress`: makes of a trained model a smaller and faster one, and measures both.
//!
//! Each method has a file; what trains does so in `training`, and `measured` compares the two models.

mod bf16;
mod distill;
mod int8;
mod measured;
mod prune;
mod sparse;
mod training;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use fireclay::compress::{Int8Options, PruneOptions, PruneScore};
use fireclay::data::Dataset;
use fireclay::prelude::Device;
use fireclay::store::{ModelCard, ModelFile};

use crate::augment::Augment;
use crate::command::Command;
use crate::commands::evaluate::{load_test, source_for};
use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::{Exit, UsageError};
use crate::format::{bytes, shown};
use crate::limit::Limit;
use crate::output::Output;
use crate::output_file::{check_output, same_file};
use crate::program::{Part, Program};
use crate::recipe::TrainingArgs;
use crate::records::{CompressionDetails, CompressionRecord};
use measured::{Compared, Measured};

/// Makes of a trained model a smaller and faster one, and measures both, on the samples that `evaluate` would take.
#[derive(Args, Debug)]
pub struct Compress<P: Program> {
    /// Model file to begin with; it stays as it is. With --distill the student: a model file, or a description in TOML or JSON
    #[arg(value_name = "MODEL", default_value = P::MODEL_FILE)]
    pub from: PathBuf,
    /// What is done.
    #[command(flatten)]
    pub method: MethodArgs,
    /// Training samples that are looked at: for --int8 those that the ranges of the layers' outputs are measured on [default: 512],
    /// for --prune those that gradients are computed on [default: 2048]
    #[arg(long, value_name = "N", conflicts_with_all = ["bf16", "sparsity", "distill"], help_heading = "Method")]
    pub samples: Option<usize>,
    /// With --int8, per cent of a layer's outputs that lie within its range; 100 takes the least and the greatest [default: 99.99]
    #[arg(long, value_name = "PERCENT", conflicts_with_all = ["bf16", "prune", "sparsity", "distill"], help_heading = "Method")]
    pub percentile: Option<f64>,
    /// With --int8, leave layers in f32, the most harmful first, until at most this much accuracy is lost on training samples, from
    /// 0 to 1; of a model without classes, until its outputs differ by at most this share of their variance [default: 0.005]
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["bf16", "prune", "sparsity", "distill"], help_heading = "Method")]
    pub most_lost: Option<f64>,
    /// With --prune, by what channels are chosen: first-order, how much the loss would change by gradients on training samples;
    /// magnitude, the size of their weights; batch-norm, its scales [default: first-order]
    #[arg(long, value_name = "SCORE", conflicts_with_all = ["int8", "bf16", "sparsity", "distill"], help_heading = "Method")]
    pub score: Option<PruneScore>,
    /// With --prune and --sparsity, take the same share from each layer, and not more where it matters less
    #[arg(long, conflicts_with_all = ["int8", "bf16", "distill"], help_heading = "Method")]
    pub by_layer: bool,
    /// With --prune or --narrow, leave layers with a multiple of N channels [default: the numbers in a vector of this CPU]
    #[arg(long, value_name = "N", conflicts_with_all = ["int8", "bf16", "sparsity"], help_heading = "Method")]
    pub multiple_of: Option<usize>,
    /// With --distill, what logits are divided by: above 1 what the teacher holds unlikely counts more [default: 4]
    #[arg(long, value_name = "T", conflicts_with_all = ["int8", "bf16", "prune", "sparsity"], allow_negative_numbers = true, help_heading = "Method")]
    pub temperature: Option<f32>,
    /// With --distill, how much of the loss is the teacher's, from 0 to 1; the rest is by the labels [default: 0.9]
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["int8", "bf16", "prune", "sparsity"], allow_negative_numbers = true, help_heading = "Method")]
    pub teacher_share: Option<f32>,
    /// With --distill, the student is MODEL's network with this share of the channels of each layer, and new weights
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["int8", "bf16", "prune", "sparsity"], allow_negative_numbers = true, help_heading = "Method")]
    pub narrow: Option<f64>,
    /// File to write the new model to
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// With --prune, --sparsity and --distill, random augmentation of training images, as `train` has it [default: none]
    #[arg(long, value_name = "STEPS", conflicts_with_all = ["int8", "bf16"], help_heading = "Training")]
    pub augment: Option<Augment>,
    /// How to train.
    #[command(flatten)]
    pub training: TrainingArgs,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// What is done.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct MethodArgs {
    /// Compute in 8-bit whole numbers: convolutions and dense layers, with what stands between them, and the products of recurrent and
    /// attention layers; weights of other layers are stored so
    #[arg(long, conflicts_with = "TrainingArgs", help_heading = "Method")]
    pub int8: bool,
    /// Round weights to bf16, for half the size of the file alone: the model computes in f32 as before
    #[arg(long, conflicts_with = "TrainingArgs", help_heading = "Method")]
    pub bf16: bool,
    /// Take out channels and units, those that matter least, until this share of the FLOPs is gone, above 0 and below 1; then train
    /// what is left, by the recipe in MODEL where flags say nothing else; --epochs 0 leaves that out
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = "Method")]
    pub prune: Option<f64>,
    /// Set this share of the weights to 0, those of the least magnitude, above 0 and below 1, for the size of the file alone: the model
    /// is not faster. Then train what is left as with --prune
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = "Method")]
    pub sparsity: Option<f64>,
    /// Teach a smaller network what a larger one says of the training samples, which is asked once; the recipe is that of MODEL, or
    /// of the teacher, where flags say nothing else
    #[arg(long, value_name = "TEACHER", help_heading = "Method")]
    pub distill: Option<PathBuf>,
}

/// What is done, checked.
enum Method {
    Int8(Int8Options),
    Bf16,
    Prune(PruneOptions),
    Sparsity(f64),
    Distill(distill::Options),
}

/// What was done.
struct Done {
    details: CompressionDetails,
    /// The model to compare with, and what both are called.
    before: PathBuf,
    headings: [&'static str; 2],
    /// What both are measured on.
    test: Dataset,
}

/// The samples of a model.
struct Parts {
    train: Dataset,
    test: Dataset,
}

impl<P: Program> Command for Compress<P> {
    const NAME: &'static str = "compress";
    const ABOUT: &'static str = "Make a smaller and faster model of a trained one, and measure both";

    fn run(self, output: &Arc<Output>) -> anyhow::Result<Exit> {
        let device = self.device.open()?;
        check_output(&self.out, "--out")?;
        for path in [Some(&self.from), self.method.distill.as_ref()].into_iter().flatten() {
            if same_file(path, &self.out) {
                return Err(UsageError::of(CommandError::SameFile { path: self.out, flag: "--out" }));
            }
        }
        let method = self.checked()?;
        let Some(done) = self.carry_out(&method, &device, output)? else {
            output.line("interrupted; nothing was saved");
            return Ok(Exit::Interrupted);
        };

        let _precision = self.device.in_precision(&device, output);
        let test = done.test;
        let name = P::samples(&test);
        let before = Measured::of(&done.before, &test, &device)?;
        let after = Measured::of(&self.out, &test, &device)?;
        let compared = Compared::new(&before, &after, &test, &device)?;
        output.line(compared.table(done.headings, &test, name));
        output.line(format!("saved {} ({})", shown(&self.out), bytes(compared.bytes())));
        let [before, after] = compared.records();
        output.record(&CompressionRecord {
            file: self.out.display().to_string(),
            details: done.details,
            dataset: &test.provenance().name,
            split: &test.provenance().split,
            samples: test.len(),
            before,
            after,
        });
        Ok(Exit::Done)
    }
}

impl<P: Program> Compress<P> {
    /// What the flags alone decide, checked before any work.
    fn checked(&self) -> anyhow::Result<Method> {
        self.training.refuse_private(
            "nothing with compress, since what it begins with, or learns from, has seen the samples without noise",
        )?;
        let MethodArgs { int8: _, bf16, prune, sparsity, distill } = &self.method;
        Ok(match (distill, prune, sparsity) {
            (Some(teacher), ..) => Method::Distill(distill::options(self, teacher)?),
            (_, Some(share), _) => Method::Prune(prune::options(self, *share)?),
            (_, _, Some(share)) => Method::Sparsity(sparse::checked(*share)?),
            _ if *bf16 => Method::Bf16,
            _ => Method::Int8(int8::options(self)?),
        })
    }

    fn carry_out(
        &self,
        method: &Method,
        device: &Device,
        output: &Arc<Output>,
    ) -> anyhow::Result<Option<Done>> {
        let headings = ["before", "after"];
        let before = self.from.clone();
        Ok(match method {
            Method::Int8(options) => {
                let _precision = self.device.in_precision(device, output);
                let file = not_private(&self.from, output)?;
                let Parts { train, test } = self.load(&self.from, &file.card, output)?;
                let details = int8::run(self, options, &file, train, device, output)?;
                Some(Done { details, before, headings, test })
            }
            Method::Bf16 => {
                let file = ModelFile::load(&self.from)?;
                let source = source_for::<P>(&self.source, &self.from, &file.card)?;
                let test = load_test::<P>(&source, self.limit, &file.card, output)?;
                let details = bf16::run(self, &file, output)?;
                Some(Done { details, before, headings, test })
            }
            Method::Prune(options) => {
                let file = not_private(&self.from, output)?;
                let Parts { train, test } = self.load(&self.from, &file.card, output)?;
                let details = prune::run(self, options, &file, (train, &test), device, output)?;
                details.map(|details| Done { details, before, headings, test })
            }
            Method::Sparsity(share) => {
                let file = not_private(&self.from, output)?;
                let Parts { train, test } = self.load(&self.from, &file.card, output)?;
                let details = sparse::run(self, *share, &file, (train, &test), device, output)?;
                details.map(|details| Done { details, before, headings, test })
            }
            Method::Distill(options) => {
                let teacher = ModelFile::load(&options.teacher)?;
                let Parts { train, test } = self.load(&options.teacher, &teacher.card, output)?;
                let details = distill::run(self, options, &teacher, (train, &test), device, output)?;
                let before = options.teacher.clone();
                details.map(|details| Done { details, before, headings: ["teacher", "student"], test })
            }
        })
    }

    fn load(&self, path: &Path, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Parts> {
        let source = source_for::<P>(&self.source, path, card)?;
        let test = load_test::<P>(&source, self.limit, card, output)?;
        // What is to be said of the data was said for the test part.
        let train = P::load_part(&source, Part::Train, self.limit, card, &Arc::new(Output::silent()))?;
        Ok(Parts { train, test })
    }
}

/// A model that is about to be changed by training samples: what comes of it is not private, whatever it was before.
fn not_private(path: &Path, output: &Output) -> anyhow::Result<ModelFile> {
    let mut file = ModelFile::load(path)?;
    let privacy = file.card.training.as_mut().and_then(|training| training.privacy.take());
    if privacy.is_some() {
        output.warn(format!(
            "note: {} was trained with privacy; what is made of it here has seen training samples without, and its file does not say \
             that it is private; --bf16 sees none",
            path.display()
        ));
    }
    Ok(file)
}
