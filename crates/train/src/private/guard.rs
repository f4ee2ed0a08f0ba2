//! What a private training refuses, since one sample would change more than its own clipped gradient.

use fireclay_data::TargetKind;
use fireclay_nn::Network;

use crate::averaging::has_running_statistics;
use crate::error::TrainError;

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
