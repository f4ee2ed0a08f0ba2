//! A new head on a trained body, each with a learning rate of its own.

use fireclay::nn::state;
use fireclay::prelude::*;
use fireclay::train::ParameterGroup;

#[test]
fn fine_tuning() -> fireclay::Result<()> {
    let device = DeviceName::default().open()?;
    let (train, test) = DrawnDigits::new(0).train_and_test(1_500, 300);
    let body = ModelSpec::new([1, 28, 28]).conv2d(8, 3).relu().max_pool2d(2).flatten().dense(32).relu();
    let mut teacher = Trainer::classification(body.clone().dense(10).build_seeded(0, &device)?);
    teacher.fit(&train, &FitOptions { epochs: 4, ..FitOptions::default() })?;

    // Odd or even, by what was learnt of the digits: the body learns slowly, the head quickly.
    let (train, test) = (odd_or_even(&train)?.take(200), odd_or_even(&test)?);
    let (model, transfer) = body.dense(2).build_seeded(1, &device)?.with_weights_of(teacher.network());
    assert!(transfer.copied.contains(&"conv2d_1.weight".to_string()), "{transfer}");
    let mut pupil = Trainer::classification(model)
        .optimizer(Adam::new(1e-4))
        .groups([ParameterGroup::new(["dense_2.*"], Adam::new(1e-2))]);
    pupil.fit(&train, &FitOptions { epochs: 10, batch_size: 20, ..FitOptions::default() })?;
    assert!(pupil.evaluate(&test)?.accuracy() > Some(0.8));

    let moved = |name: &str| {
        let weights =
            |trainer: &Trainer<Model>| state(trainer.network()).into_iter().find(|t| t.name == name);
        let (before, after) = (weights(&teacher).unwrap().values, weights(&pupil).unwrap().values);
        before.iter().zip(&after).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max)
    };
    assert!(moved("conv2d_1.weight") > 0.0 && moved("conv2d_1.weight") < 0.02);
    Ok(())
}

fn odd_or_even(digits: &Dataset) -> fireclay::Result<Dataset> {
    let pixels: Vec<u8> =
        (0..digits.len()).filter_map(|index| digits.raw_u8(index)).flatten().copied().collect();
    let labels = (0..digits.len()).filter_map(|index| digits.label(index)).map(|digit| digit % 2).collect();
    let targets = Targets::Classes { labels, names: vec!["even".into(), "odd".into()] };
    let normalization = digits.normalization().clone();
    Ok(Dataset::from_u8(digits.shape(), pixels, targets, normalization, digits.provenance().clone())?)
}
