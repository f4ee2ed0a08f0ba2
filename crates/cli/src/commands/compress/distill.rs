//! `compress --distill`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fireclay::compress::{CompressError, Taught, narrowed};
use fireclay::data::Dataset;
use fireclay::nn::{DistillationLoss, Loss, ModelSpec, load_state};
use fireclay::prelude::Device;
use fireclay::store::{ModelCard, ModelFile};

use super::Compress;
use super::training::{Fitted, Training};
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::format::shown;
use crate::model_args::read_spec;
use crate::output::Output;
use crate::program::Program;
use crate::records::CompressionDetails;

/// What the flags say.
pub struct Options {
    /// The teacher's file.
    pub teacher: PathBuf,
    loss: DistillationLoss,
    /// The student's description, where it is one.
    student: Option<ModelSpec>,
    narrow: Option<f64>,
    multiple: usize,
}

/// The flags of this method, with its defaults.
pub fn options<P: Program>(flags: &Compress<P>, teacher: &Path) -> anyhow::Result<Options> {
    let loss = DistillationLoss::new(flags.temperature.unwrap_or(4.0), flags.teacher_share.unwrap_or(0.9));
    loss.check(1).map_err(UsageError::of)?;
    let usual = fireclay::compress::PruneOptions::default().multiple;
    let multiple = flags.multiple_of.unwrap_or(usual);
    if flags.multiple_of.is_some() && flags.narrow.is_none() {
        return Err(UsageError::of(CommandError::NotNarrowed));
    }
    let extension = flags.from.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let student = match ["toml", "json"].contains(&extension) {
        true => Some(read_spec(&flags.from)?),
        false => None,
    };
    Ok(Options { teacher: teacher.to_path_buf(), loss, student, narrow: flags.narrow, multiple })
}

/// Teaches the student and saves it; nothing if the training was interrupted.
pub fn run<P: Program>(
    flags: &Compress<P>,
    options: &Options,
    teacher: &ModelFile,
    (train, test): (Dataset, &Dataset),
    device: &Device,
    output: &Arc<Output>,
) -> anyhow::Result<Option<CompressionDetails>> {
    let (mut spec, weights, recipe) = match &options.student {
        Some(spec) => {
            check_alike((spec, None), &teacher.card, &flags.from, &options.teacher)?;
            (spec.clone(), None, None)
        }
        None => {
            let ModelFile { card, tensors } = ModelFile::load(&flags.from)?;
            check_alike((&card.spec, Some(&card)), &teacher.card, &flags.from, &options.teacher)?;
            (card.spec, Some(tensors), card.training)
        }
    };
    if let Some(share) = options.narrow {
        spec = narrowed(&spec, share, options.multiple).map_err(UsageError::of)?;
    }
    let training = Training::new(flags, recipe.as_ref().or(teacher.card.training.as_ref()), train)?;
    let network = match weights {
        Some(tensors) if options.narrow.is_none() => load_state(spec.build(device)?, tensors)?,
        _ => spec.build_seeded(flags.training.seed, device).map_err(UsageError::of)?,
    };
    let (asked, _) = teacher.clone().build(device)?;
    let taught = |samples| Taught::by(&asked, samples, device);
    let fitted = training.fit_taught(network, &options.loss, taught, test, device, output);
    let fitted = fitted.map_err(|error| match error.downcast::<CompressError>() {
        Ok(error @ CompressError::NoTeacher { .. }) => UsageError::of(error),
        Ok(error) => error.into(),
        Err(error) => error,
    })?;
    let Fitted::Done { trainer, epochs } = fitted else { return Ok(None) };
    trainer.save(&flags.out)?;
    Ok(Some(CompressionDetails::Distill {
        teacher: shown(&options.teacher),
        temperature: options.loss.temperature,
        teacher_share: options.loss.teacher_share,
        epochs,
    }))
}

/// Refuses a student that does not go with its teacher: its network, and if it is a model file what that says of samples.
fn check_alike(
    (spec, card): (&ModelSpec, Option<&ModelCard>),
    teacher: &ModelCard,
    path: &Path,
    of_teacher: &Path,
) -> anyhow::Result<()> {
    let prepared = |card: &ModelCard| (card.preprocessing.clone(), card.text.clone(), card.table.clone());
    let differs = [
        (spec.input != teacher.spec.input, "input"),
        (spec.output_features()? != teacher.spec.output_features()?, "number of outputs"),
        (card.is_some_and(|card| card.classes != teacher.classes), "classes"),
        (card.is_some_and(|card| prepared(card) != prepared(teacher)), "preprocessing"),
    ];
    match differs.into_iter().find(|(differs, _)| *differs) {
        None => Ok(()),
        Some((_, what)) => Err(UsageError::of(CommandError::OtherTeacher {
            student: path.to_path_buf(),
            teacher: of_teacher.to_path_buf(),
            what,
        })),
    }
}
