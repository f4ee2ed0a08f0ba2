//! Any number of labels for each sample.

use fireclay::data::Provenance;
use fireclay::prelude::*;
use fireclay::train::{F1, SubsetAccuracy};

#[test]
fn multi_label() -> fireclay::Result<()> {
    let mut random = crate::noise(3);
    let points: Vec<f32> = (0..1_600).map(|_| 2.0 * random() - 1.0).collect();
    let labels_of =
        |p: &[f32]| [p[0] > 0.0, p[1] > 0.0, p[0] * p[0] + p[1] * p[1] < 0.5].map(|has| has as u8 as f32);
    let values = points.chunks(2).flat_map(labels_of).collect();
    let targets = Targets::Labels { values, names: ["east", "north", "inside"].map(String::from).into() };
    let (train, test) = Dataset::from_f32(&[2], points, targets, Provenance::default())?.split(0.25, 0)?;

    let spec = ModelSpec::new([2]).dense(32).relu().dense(3);
    let mut trainer = Trainer::multi_label(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(1e-2))
        .metrics((F1, SubsetAccuracy));
    trainer.fit(&train, &FitOptions { epochs: 30, batch_size: 32, ..FitOptions::default() })?;
    let evaluation = trainer.evaluate(&test)?;
    assert!(evaluation.metric("f1") > Some(0.9), "{evaluation}");
    assert!(evaluation.metric("subset_accuracy") > Some(0.8), "{evaluation}");
    assert_eq!(trainer.predictor().predict([0.9, -0.9])?.labels(0.5), ["east"]);
    Ok(())
}
