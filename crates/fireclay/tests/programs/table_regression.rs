//! Regression on a table with columns of several kinds.

use std::fmt::Write;

use fireclay::data::{Normalization, Table, TableOptions, TableTarget};
use fireclay::prelude::*;
use fireclay::train::R2;

#[test]
fn table_regression() -> fireclay::Result<()> {
    // Numbers, and categories that become a column each.
    let options = TableOptions {
        target_kind: TableTarget::Values,
        one_hot: vec!["district".into(), "balcony".into()],
        ..TableOptions::default()
    };
    let table = Table::from_bytes("flats.csv", flats().as_bytes(), &options)?;
    assert!(table.feature_names.contains(&"district=harbour".to_string()));
    let (train, test) = table.dataset.split(0.2, 0)?;
    let range = Normalization::of(&train)?;
    let train = train.with_normalization(range.clone())?.with_standardized_targets()?;
    let test = test.with_normalization(range)?.with_target_scale(train.target_scale())?;

    let spec = ModelSpec::new([train.shape()[0]]).dense(32).relu().dense(1);
    let mut trainer = Trainer::regression(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(1e-2))
        .metrics([R2]);
    trainer.fit(&train, &FitOptions { epochs: 40, ..FitOptions::default() })?;
    let evaluation = trainer.evaluate(&test)?;
    assert!(evaluation.metric("r2") > Some(0.97), "{evaluation}");
    Ok(())
}

/// Rent by size, age, district and whether there is a balcony.
fn flats() -> String {
    let mut random = crate::noise(1);
    let mut csv = String::from("size,age,district,balcony,rent\n");
    for _ in 0..600 {
        let (size, age) = (20.0 + 100.0 * random(), (80.0 * random()).floor());
        let (district, factor) =
            [("harbour", 14.0), ("old town", 17.0), ("hill", 11.0)][(3.0 * random()) as usize];
        let balcony = random() > 0.5;
        let rent = size * factor - 2.0 * age + if balcony { 90.0 } else { 0.0 } + 20.0 * random();
        let balcony = if balcony { "yes" } else { "no" };
        let _ = writeln!(csv, "{size:.1},{age},{district},{balcony},{rent:.0}");
    }
    csv
}
