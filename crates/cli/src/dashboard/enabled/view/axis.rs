//! Where axes begin and end, and the numbers beside them.

use crate::format::count;

/// An axis: its ends, and what stands at equal distances from the first to the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub ends: [f64; 2],
    pub labels: Vec<String>,
}

/// From the least to the greatest of some values, in steps of 1, 2 or 5 times a power of ten, with at most so many labels, which
/// are 2 or more; with `unit` behind each.
pub fn linear(values: impl Iterator<Item = f64>, most: usize, unit: &str) -> Axis {
    let (mut least, mut greatest) = range(values);
    if least == greatest {
        let around = if least == 0.0 { 1.0 } else { 0.1 * least.abs() };
        (least, greatest) = (least - around, greatest + around);
    }
    let mut step = step_of((greatest - least) / (most.max(2) - 1) as f64);
    let (mut first, mut steps) = ticks(least, greatest, step);
    while steps + 1 > most.max(2) {
        step = step_of(1.01 * step);
        (first, steps) = ticks(least, greatest, step);
    }
    let label = |index: usize| format!("{}{unit}", tick(step * (first + index as f64), step));
    Axis { ends: [step * first, step * (first + steps as f64)], labels: (0..=steps).map(label).collect() }
}

/// From the logarithm of the least to that of the greatest of some values above 0, with so many labels.
pub fn logarithmic(values: impl Iterator<Item = f64>, labels: usize, unit: &str) -> Axis {
    let (least, greatest) = range(values.filter(|value| *value > 0.0).map(f64::log10));
    let (least, greatest) =
        if greatest - least < 1e-3 { (least - 0.1, greatest + 0.1) } else { (least, greatest) };
    let spaces = labels.max(2) - 1;
    let label = |index: usize| {
        let value = 10f64.powf(least + (greatest - least) * index as f64 / spaces as f64);
        format!("{}{unit}", three_digits(value))
    };
    Axis { ends: [least, greatest], labels: (0..=spaces).map(label).collect() }
}

/// Steps or epochs: from the first to the last that are seen, whole numbers as far as they are.
pub fn places(ends: [f64; 2]) -> Axis {
    let [first, last] = ends;
    let label = |value: f64| match value.fract() == 0.0 || last - first > 10.0 {
        true => count(value.round().max(0.0) as u64),
        false => format!("{value:.1}"),
    };
    Axis { ends, labels: [first, (first + last) / 2.0, last].map(label).to_vec() }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = values.filter(|value| value.is_finite()).fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((least, greatest)) => Some((value.min(least), value.max(greatest))),
    });
    ends.unwrap_or((0.0, 1.0))
}

/// The next 1, 2 or 5 times a power of ten.
fn step_of(size: f64) -> f64 {
    let power = 10f64.powf(size.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= size * 0.999_999);
    factor.unwrap_or(10.0) * power
}

/// The step at or below the least value, and how many there are from it to the greatest.
fn ticks(least: f64, greatest: f64, step: f64) -> (f64, usize) {
    let first = (least / step + 1e-9).floor();
    (first, (((greatest / step - 1e-9).ceil() - first).max(1.0)) as usize)
}

fn tick(value: f64, step: f64) -> String {
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 1e6 || decimals > 5 => format!("{value:.1e}"),
        size if size >= 1e3 && value > 0.0 => count(value.round() as u64),
        _ => format!("{value:.decimals$}"),
    }
}

fn three_digits(value: f64) -> String {
    let scientific = format!("{value:.2e}");
    let power = scientific.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok());
    match power {
        Some(power @ -3..=5) => format!("{value:.decimals$}", decimals = (2 - power).max(0) as usize),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], most: usize) -> Vec<String> {
        linear(values.iter().copied(), most, "").labels
    }

    #[test]
    fn labels_are_round_numbers_around_all_values() {
        assert_eq!(labels(&[0.03, 2.31], 6), ["0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(labels(&[0.9312, 0.9744], 4), ["0.92", "0.94", "0.96", "0.98"]);
        assert_eq!(labels(&[-0.2, 0.3], 3), ["-0.5", "0", "0.5"]);
        assert_eq!(labels(&[12_000.0, 48_000.0], 3), ["0", "50,000"]);
        assert_eq!(linear([0.5].into_iter(), 3, " %").labels, ["0.45 %", "0.50 %", "0.55 %"]);
    }

    #[test]
    fn all_values_lie_on_the_axis_and_labels_are_few() {
        for scale in [1e-9, 1e-3, 1.0, 7.0, 1e6] {
            for (least, greatest) in [(0.0, 1.0), (0.11, 0.12), (-3.0, 5.0), (2.0, 2.0), (0.999, 1.001)] {
                for most in 2..7 {
                    let values = [least * scale, greatest * scale];
                    let axis = linear(values.into_iter(), most, "");
                    let [from, to] = axis.ends;
                    let slack = 1e-6 * (to - from);
                    assert!(
                        values.iter().all(|value| from - slack <= *value && *value <= to + slack),
                        "{axis:?}"
                    );
                    assert!((2..=most).contains(&axis.labels.len()), "{axis:?}");
                }
            }
        }
    }

    #[test]
    fn without_values_there_is_an_axis() {
        assert_eq!(linear([f64::NAN].into_iter(), 3, "").ends, [0.0, 1.0]);
        assert_eq!(logarithmic([0.0, -1.0].into_iter(), 2, "").labels, ["1.00", "10.0"]);
    }

    #[test]
    fn logarithms_and_places_are_readable() {
        assert_eq!(logarithmic([0.001, 0.1, 10.0].into_iter(), 3, "").labels, ["0.00100", "0.100", "10.0"]);
        assert_eq!(places([0.0, 4_680.0]).labels, ["0", "2,340", "4,680"]);
        assert_eq!(places([0.0, 1.0]).labels, ["0", "0.5", "1"]);
    }
}
