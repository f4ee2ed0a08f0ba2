//! What a network is trained for: the task that a loss and a kind of targets make together.

use burn::tensor::Tensor;
use fireclay_data::TargetKind;
use fireclay_nn::{CrossEntropyLoss, Loss, TargetType};

use crate::error::TrainError;
use crate::event::Measured;
use crate::metrics::{AnyMetric, Direction, Task};

/// The task of a network with this loss on such targets.
///
/// # Errors
/// [`TrainError::Targets`] if the loss does not take them.
pub(crate) fn task(loss: &dyn Loss, targets: TargetKind) -> Result<Task, TrainError> {
    let classes = !matches!(targets, TargetKind::Values { .. } | TargetKind::Labels { .. });
    let (fits, expected) = match loss.targets() {
        TargetType::Any => (true, ""),
        TargetType::Classes => (classes, "classes"),
        TargetType::Values | TargetType::Probabilities => (!classes, "values"),
    };
    if !fits {
        let found = if classes { "classes" } else { "values" };
        return Err(TrainError::Targets { loss: loss.name(), expected, found });
    }
    Ok(match targets {
        TargetKind::Classes { count } => Task::Classes { count },
        TargetKind::StepClasses { count, .. } => Task::StepClasses { count },
        TargetKind::NextTokens { vocabulary_size } => Task::NextToken { vocabulary_size },
        TargetKind::Labels { count } => Task::MultiLabel { labels: count },
        TargetKind::Values { width: 1 } if loss.targets() == TargetType::Probabilities => Task::Binary,
        TargetKind::Values { width } => Task::Regression { outputs: width },
    })
}

/// Whether the mean loss of the training is the logarithm of a perplexity.
pub(crate) fn has_perplexity(loss: &dyn Loss, task: Task) -> bool {
    matches!(task, Task::NextToken { .. }) && loss.built_in() == Some(CrossEntropyLoss::new().into())
}

/// The values that each epoch is going to have.
pub(crate) fn measured(loss: &dyn Loss, task: Task, metrics: &[AnyMetric], validates: bool) -> Vec<Measured> {
    let value = |name: &str, direction| Measured { name: name.to_string(), direction };
    let mut measured = vec![value("loss", Direction::Minimize)];
    if matches!(task, Task::Classes { .. } | Task::StepClasses { .. } | Task::NextToken { .. }) {
        measured.push(value("accuracy", Direction::Maximize));
    }
    if has_perplexity(loss, task) {
        measured.push(value("perplexity", Direction::Minimize));
    }
    if validates {
        measured.push(value("val_loss", Direction::Minimize));
        measured.extend(
            metrics.iter().map(|metric| value(&format!("val_{}", metric.name()), metric.direction())),
        );
    }
    measured
}

/// Refuses metrics that the task does not have.
pub(crate) fn check_metrics(metrics: &[AnyMetric], task: Task) -> Result<(), TrainError> {
    match metrics.iter().find(|metric| !metric.supports(task)) {
        None => Ok(()),
        Some(metric) => Err(metric.not_for(task)),
    }
}

/// Whether outputs for a loss that takes logits are probabilities already, as after a softmax: each row adds up to 1. It
/// trains, but badly.
pub(crate) fn are_probabilities(loss: &dyn Loss, outputs: &Tensor<2>) -> bool {
    let takes_logits = loss.built_in().is_some() && loss.targets() == TargetType::Classes;
    let [_, width] = outputs.dims();
    if !takes_logits || width < 2 {
        return false;
    }
    let values: Vec<f32> = outputs.to_data().iter::<f32>().collect();
    values.chunks_exact(width).all(|row| {
        row.iter().all(|value| (0.0..=1.0).contains(value)) && (row.iter().sum::<f32>() - 1.0).abs() < 1e-4
    })
}
