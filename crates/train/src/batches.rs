//! All samples of a source in order, as they are measured and predicted.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use fireclay_data::{Batch, DataError, Loader, Source, TargetKind};

/// Samples in one step of an evaluation. Fixed, because sums of floating-point numbers depend on how they are grouped,
/// and a saved model must give the very numbers it gave before it was saved.
const BATCH_SIZE: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The most logits of one step where each token has one for every other: 64 MiB.
const MOST_LOGITS: usize = 1 << 24;

/// All samples of a source in order, not augmented. A single batch is gathered here, as threads would take longer to
/// start than it takes to fill.
pub(crate) fn in_order(source: &Arc<dyn Source>) -> Box<dyn Iterator<Item = Result<Batch, DataError>>> {
    let order: Vec<u32> = (0..source.len() as u32).collect();
    let batch_size = batch_size(&**source);
    if order.len() <= batch_size.get() {
        let mut batch = Batch::default();
        let gathered = source.gather(&order, &mut batch).map(|()| batch);
        return Box::new(std::iter::once(gathered));
    }
    Box::new(Loader::new(source.clone(), order, batch_size, 0))
}

/// How many batches a source has.
pub(crate) fn batches_of(source: &dyn Source) -> usize {
    source.len().div_ceil(batch_size(source).get())
}

/// Some of the same batches, by their numbers.
pub(crate) fn in_order_part(
    source: &Arc<dyn Source>,
    batches: Range<usize>,
) -> impl Iterator<Item = Result<Batch, DataError>> + use<> {
    let batch_size = batch_size(&**source);
    let place = |batch: usize| (batch * batch_size.get()).min(source.len()) as u32;
    Loader::new(source.clone(), (place(batches.start)..place(batches.end)).collect(), batch_size, 0)
}

/// Samples in one step: fewer where the logits of many would not fit into memory.
fn batch_size(source: &dyn Source) -> NonZeroUsize {
    let (rows, outputs) = match source.target_kind() {
        TargetKind::NextTokens { vocabulary_size } => {
            (source.sample_shape().iter().product::<usize>(), vocabulary_size)
        }
        TargetKind::StepClasses { count, steps } => (steps, count),
        _ => return BATCH_SIZE,
    };
    let samples = MOST_LOGITS / rows.saturating_mul(outputs).max(1);
    NonZeroUsize::new(samples).unwrap_or(NonZeroUsize::MIN).min(BATCH_SIZE)
}
