//! A metric of one's own: Cohen's kappa with quadratic weights, for classes in an order.

use fireclay::data::Provenance;
use fireclay::prelude::*;
use fireclay::train::{Direction, Predictions, metric_fn};

#[test]
fn metric_of_ones_own() -> fireclay::Result<()> {
    let xs: Vec<f32> = (0..500).map(|i| (i * 37 % 500) as f32 / 500.0).collect();
    let labels = xs.iter().map(|x| (5.0 * x) as u32).collect();
    let targets = Targets::Classes { labels, names: (1..=5).map(|stars| stars.to_string()).collect() };
    let stars = Dataset::from_f32(&[1], xs, targets, Provenance::default())?;

    let kappa = metric_fn("quadratic_kappa", Direction::Maximize, quadratic_kappa);
    let spec = ModelSpec::new([1]).dense(32).relu().dense(5);
    let mut trainer = Trainer::classification(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(2e-2))
        .metric(kappa)
        .callback(EarlyStopping::on("val_quadratic_kappa").patience(20));
    let options = FitOptions { epochs: 20, validation_split: 0.2, batch_size: 20, ..FitOptions::default() };
    let history = trainer.fit(&stars, &options)?;
    assert_eq!(history.course("val_quadratic_kappa").len(), 20);
    assert!(trainer.evaluate(&stars)?.metric("quadratic_kappa") > Some(0.9));
    Ok(())
}

fn quadratic_kappa(predictions: &Predictions) -> f64 {
    let (found, expected) =
        (predictions.predicted_classes(), predictions.target_classes().unwrap_or_default());
    let distance = |one: u32, other: u32| (f64::from(one) - f64::from(other)).powi(2);
    let observed: f64 = found.iter().zip(&expected).map(|(one, other)| distance(*one, *other)).sum();
    let pairs = found.iter().flat_map(|one| expected.iter().map(|other| distance(*one, *other)));
    1.0 - observed * found.len() as f64 / pairs.sum::<f64>()
}
