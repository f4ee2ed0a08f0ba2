//! Yes or no where yes is rare: weights, the area under precision and recall, and a threshold that is chosen.

use fireclay::data::Provenance;
use fireclay::prelude::*;
use fireclay::train::{PrAuc, Report, best_threshold_by_f1};

#[test]
fn imbalanced_binary() -> fireclay::Result<()> {
    let (train, validation) = transactions(3_000)?.split(0.3, 0)?;
    let spec = ModelSpec::new([2]).dense(16).relu().dense(1);
    // One in twenty is a yes, so it counts twenty times.
    let mut trainer = Trainer::binary(spec.build_seeded(1, &DeviceName::default().open()?)?)
        .loss(BinaryCrossEntropyLoss::new().pos_weight(vec![20.0]))
        .optimizer(Adam::new(1e-2))
        .metrics([PrAuc]);
    trainer.fit(&train, &FitOptions { epochs: 15, ..FitOptions::default() })?;

    let evaluation = trainer.evaluate(&validation)?;
    assert!(evaluation.metric("pr_auc") > Some(0.8), "{evaluation}");
    // One half is too low for a network that was pushed towards yes.
    let Report::Classification(report) = &evaluation.report else { panic!("yes or no") };
    let at_half = report.classes[1].scores.f1;
    let chosen = best_threshold_by_f1(&trainer.predictions(&validation)?).expect("there are both");
    assert!(chosen.threshold > 0.5 && chosen.score > at_half, "{chosen:?}, at one half {at_half}");
    Ok(())
}

/// A yes lies in a corner, and not all of that corner is a yes.
fn transactions(samples: usize) -> fireclay::Result<Dataset> {
    let mut random = crate::noise(2);
    let points: Vec<f32> = (0..2 * samples).map(|_| random()).collect();
    let corner = |point: &[f32]| point[0] * point[1] > 0.78 + 0.06 * random();
    let values = points.chunks(2).map(corner).map(|yes| f32::from(u8::from(yes))).collect();
    let targets = Targets::Values { width: 1, values };
    Ok(Dataset::from_f32(&[2], points, targets, Provenance::new("transactions", "all", "made up"))?)
}
