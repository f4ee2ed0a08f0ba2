//! A label for each step of a sequence, of unlike lengths: has the running sum passed a limit?

use fireclay::data::Provenance;
use fireclay::prelude::*;

const STEPS: usize = 12;

#[test]
fn label_for_each_step() -> fireclay::Result<()> {
    let mut random = crate::noise(6);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        let length = 6 + (7.0 * random()) as usize;
        let mut sum = 0.0;
        for step in 0..STEPS {
            let value = if step < length { random() } else { 0.0 };
            sum += value;
            values.push(value);
            labels.push(if step < length { u32::from(sum > 3.0) } else { Targets::PADDING });
        }
    }
    let targets = Targets::StepClasses { labels, steps: STEPS, names: vec!["below".into(), "above".into()] };
    let (train, test) =
        Dataset::from_f32(&[STEPS, 1], values, targets, Provenance::default())?.split(0.25, 0)?;

    let spec = ModelSpec::new([STEPS, 1]).layer(LstmSpec::new(16).return_sequences(true)).dense(2);
    let mut trainer = Trainer::step_classification(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(2e-2));
    trainer.fit(&train, &FitOptions { epochs: 12, batch_size: 25, ..FitOptions::default() })?;
    let accuracy = trainer.evaluate(&test)?.accuracy();
    assert!(accuracy > Some(0.93), "{accuracy:?}");
    let answer = trainer.predictor().predict([1.0; STEPS])?;
    assert_eq!(answer.classes_of_steps()[..2], ["below", "below"]);
    assert_eq!(answer.classes_of_steps()[5], "above");
    Ok(())
}
