//! What a private training refuses, since one sample would change more than its own clipped gradient.

use fireclay_backend::Precision;
use fireclay_data::TargetKind;
use fireclay_nn::Network;

use crate::averaging::has_running_statistics;
use crate::error::TrainError;
use crate::options::FitOptions;
use crate::schedule::BuiltInSchedule;

/// Refuses a network that gives away more than is counted.
pub(crate) fn check_network<N: Network>(network: &N) -> Result<(), TrainError> {
    let problem = if has_running_statistics(network) {
        Some("batch norm mixes the samples of a batch; leave it out, or take layer_norm")
    } else if network.adapts() {
        Some("a layer of it is set by the training data as they are; take one that is learnt")
    } else {
        None
    };
    match problem {
        Some(reason) => Err(TrainError::NotPrivate { reason: reason.into() }),
        None => Ok(()),
    }
}

/// Refuses targets of samples that are none of their own.
pub(crate) fn check_targets(targets: TargetKind) -> Result<(), TrainError> {
    match targets {
        TargetKind::NextTokens { .. } => {
            let reason =
                "a text is in many windows of a language model, so that no single sample can be protected";
            Err(TrainError::NotPrivate { reason: reason.into() })
        }
        _ => Ok(()),
    }
}

/// Refuses settings that give away more than is counted.
pub(crate) fn check_options(options: &FitOptions) -> Result<(), TrainError> {
    let wrong = |setting, found: String, expected| Err(TrainError::Setting { setting, found, expected });
    if options.precision != Precision::F32 {
        let expected =
            "f32 in a private training, as rounded gradients may be longer than they are clipped to";
        return wrong("precision", options.precision.to_string(), expected);
    }
    if options.accumulate != 1 {
        let expected = "1 in a private training, whose batches may be as large as you like";
        return wrong("accumulate", options.accumulate.to_string(), expected);
    }
    if let Some(limit) = options.clip_value {
        let expected = "nothing in a private training, which clips the gradient of each sample by its norm";
        return wrong("clip_value", limit.to_string(), expected);
    }
    if let BuiltInSchedule::Plateau(_) = options.schedule {
        let expected = "one that does not look at losses, in a private training, such as cosine";
        return wrong("schedule", options.schedule.to_string(), expected);
    }
    Ok(())
}
