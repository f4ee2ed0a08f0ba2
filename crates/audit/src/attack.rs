//! Accuracy where pictures are changed against the model.

use std::sync::Arc;

use fireclay_data::{Source, TargetKind};
use fireclay_nn::{CrossEntropyLoss, Model};
use fireclay_train::{Attack, Device, Task};

use crate::{Answers, AuditError, share_interval};

/// What an attack does to a model's answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Attacked {
    /// What was asked for.
    pub attack: Attack,
    /// The share of right answers that is left.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Pictures that were answered rightly before and are not any more, as many as were asked for.
    pub pictures: Vec<AttackedPicture>,
}

/// A picture that fools a model.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackedPicture {
    /// Which sample of the source.
    pub index: usize,
    /// The values of its pixels as the model reads them, `[channels, height, width]`.
    pub values: Vec<f32>,
    /// The class that the model takes it for.
    pub predicted: usize,
}

/// Changes all samples of a source against a model, and measures what it makes of them. It is an upper bound: a stronger attack may leave less.
/// `before` is what the model says of the samples as they are, with its threshold if it has one.
///
/// # Errors
/// [`AuditError::NoClasses`] unless each sample has one of several classes, and what [`Attack::run`] reports.
pub fn accuracy_under(
    attack: Attack,
    model: &Model,
    source: &Arc<dyn Source>,
    before: &Answers,
    pictures: usize,
    device: &Device,
) -> Result<Attacked, AuditError> {
    let TargetKind::Classes { count } = source.target_kind() else {
        return Err(AuditError::NoClasses { found: Task::Regression { outputs: 1 } });
    };
    if before.len() != source.len() {
        return Err(AuditError::Counts { what: "answers", found: before.len(), expected: source.len() });
    }
    let predicted = before.predicted();
    let (mut right, mut fooled) = (0, Vec::new());
    let width: usize = source.sample_shape().iter().product();
    attack.run(model, &CrossEntropyLoss::new(), source, 0, device, |batch| {
        let rows = batch.outputs.chunks_exact(count).zip(batch.inputs.chunks_exact(width.max(1)));
        for (index, (row, values)) in batch.indices.iter().zip(rows) {
            let (index, found) = (*index as usize, before.class_of(row));
            let label = before.labels()[index] as usize;
            right += usize::from(found == label);
            if found != label && predicted[index] as usize == label && fooled.len() < pictures {
                fooled.push(AttackedPicture { index, values: values.to_vec(), predicted: found });
            }
        }
    })?;
    Ok(Attacked {
        attack,
        accuracy: right as f64 / source.len().max(1) as f64,
        interval: share_interval(right, source.len()),
        pictures: fooled,
    })
}
