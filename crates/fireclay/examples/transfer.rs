//! Transfer: a network learns the digits 0 to 5; then its convolutions, frozen, help another
//! network to learn 6 to 9 from a dozen images, of which a whole network learns less.
//!
//! ```sh
//! cargo run --release -p fireclay --example transfer
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::ops::Range;

use fireclay::data::Provenance;
use fireclay::nn::{NamedTensor, state};
use fireclay::prelude::*;

/// What looks at the picture; the dense layers behind it go on learning.
const FROZEN: [&str; 3] = ["conv2d_1", "batch_norm_1", "conv2d_2"];

/// How few images of the new digits there are.
const FEW: usize = 12;

/// Runs the example; its test does too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let device = DeviceName::default().open()?;
    device.seed(0);
    let (train, test) = DrawnDigits::new(0).train_and_test(3_000, 1_000);
    let body = ModelSpec::new([1, 28, 28]).conv2d(16, 3).batch_norm().relu().max_pool2d(2).conv2d(32, 3);
    let body = body.relu().max_pool2d(2).flatten().dense(48).relu();

    let first = body.clone().dense(6).build(&device)?;
    let mut teacher = Trainer::classification(first).optimizer(Adam::new(2e-3));
    teacher.fit(&only(&train, 0..6)?, &FitOptions { epochs: 5, ..FitOptions::default() })?;
    let known = accuracy(&teacher, &only(&test, 0..6)?)?;
    println!("digits 0 to 5: {:.1} % right\n", 100.0 * known);

    let (few, test) = (only(&train, 6..10)?.take(FEW), only(&test, 6..10)?);
    let options = FitOptions { epochs: 40, batch_size: 6, ..FitOptions::default() };
    let alone = body.clone().dense(4).build(&device)?;
    let mut alone = Trainer::classification(alone).optimizer(Adam::new(2e-3));
    alone.fit(&few, &options)?;

    let (network, transfer) = body.dense(4).build(&device)?.with_weights_of(teacher.network());
    println!("{transfer}\n");
    let network = network.freeze(FROZEN)?;
    println!("{}\n", network.spec().summary()?);
    let before = state(&network);
    let mut pupil = Trainer::classification(network).optimizer(Adam::new(2e-3));
    pupil.fit(&few, &options)?;

    let (alone, helped) = (accuracy(&alone, &test)?, accuracy(&pupil, &test)?);
    println!(
        "digits 6 to 9 from {FEW} images: {:.1} % right alone, {:.1} % with the old convolutions",
        100.0 * alone,
        100.0 * helped
    );

    let is_frozen = |tensor: &NamedTensor| FROZEN.iter().any(|name| tensor.name.starts_with(name));
    for (before, after) in before.iter().zip(state(pupil.network())) {
        assert_eq!(*before == after, is_frozen(before), "{}", before.name);
    }
    assert!(known > 0.9 && helped > alone, "{known}, {helped}");
    Ok(())
}

fn accuracy(trainer: &Trainer<Model>, data: &Dataset) -> fireclay::Result<f64> {
    Ok(trainer.evaluate(data)?.accuracy().unwrap_or(0.0))
}

/// The samples of some classes, which are counted from 0 again.
fn only(data: &Dataset, classes: Range<u32>) -> fireclay::Result<Dataset> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for index in 0..data.len() {
        if let (Some(label), Some(image)) = (data.label(index), data.raw_u8(index))
            && classes.contains(&label)
        {
            labels.push(label - classes.start);
            pixels.extend_from_slice(image);
        }
    }
    let provenance =
        Provenance::new("drawn digits", format!("{classes:?}"), data.provenance().source.clone());
    let names = classes.map(|class| data.class_names()[class as usize].clone()).collect();
    let targets = Targets::Classes { labels, names };
    Ok(Dataset::from_u8(data.shape(), pixels, targets, data.normalization().clone(), provenance)?)
}
