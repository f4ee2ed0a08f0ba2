//! As many epochs as fit into some minutes.

use std::time::Instant;

use fireclay::prelude::{Dataset, Device, FitOptions, ModelSpec};

use crate::format::seconds;
use crate::objective::Objective;
use crate::output::Output;
use crate::recipe::Recipe;

/// Steps before a training is timed, and those that are.
const WARM_UP_STEPS: usize = 3;
const TIMED_STEPS: usize = 20;

/// A recipe with no more epochs than fit into some minutes, by how long some steps of another network like it take.
///
/// # Errors
/// What stands in the way of such steps.
pub fn within(
    minutes: f64,
    (spec, train): (&ModelSpec, &Dataset),
    recipe: Recipe,
    seed: u64,
    device: &Device,
    output: &Output,
) -> anyhow::Result<Recipe> {
    let network = spec.build_seeded(seed, device)?;
    let mut trainer = Objective::of(train)
        .trainer(network, 0.0, None)
        .optimizer(recipe.optimizer.clone())
        .groups(recipe.groups.clone());
    let batch = recipe.batch_size;
    let mut of_step = 0.0;
    let timed = train.len().div_ceil(batch).clamp(1, TIMED_STEPS);
    for steps in [timed.min(WARM_UP_STEPS), timed] {
        let few: Vec<usize> = (0..(steps * batch).min(train.len())).collect();
        let start = Instant::now();
        let options = FitOptions { epochs: 1, validation_split: 0.0, warm_up: 0.0, ..recipe.options(seed) };
        trainer.fit(&train.subset(&few)?, &options)?;
        of_step = start.elapsed().as_secs_f64() / steps as f64;
    }
    let of_epoch = of_step * train.len().div_ceil(batch) as f64;
    let fit = ((minutes * 60.0 / of_epoch) as usize).max(1);
    if fit >= recipe.epochs {
        return Ok(recipe);
    }
    output.note(format!("{fit} of {} epochs, as one takes about {}", recipe.epochs, seconds(of_epoch)));
    if of_epoch > 60.0 * minutes {
        output
            .warn(format!("one epoch alone takes longer than {minutes} minutes; --limit leaves samples out"));
    }
    let warm_up = recipe.warm_up.min(fit as f64);
    Ok(Recipe { epochs: fit, warm_up, ..recipe })
}
