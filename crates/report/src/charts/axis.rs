//! From values to places on a line, with few ticks at round values.

use crate::format::{exponent, fixed, scientific};

/// One axis: its bounds, its ticks with their labels, and whether it is logarithmic.
#[derive(Clone)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<(f64, String)>,
    log: bool,
}

/// Beyond this, differences would overflow.
const LARGEST: f64 = 1e300;

impl Axis {
    /// An axis that holds all finite values, from one round value to another.
    pub fn linear(values: impl IntoIterator<Item = f64>, ticks: usize) -> Self {
        let (low, high) = bounds(values).unwrap_or((0.0, 1.0));
        // Below that, a difference is a matter of rounding.
        let (low, high) = if high - low > (low.abs().max(high.abs()) * 1e-12).max(1e-300) {
            (low, high)
        } else {
            let margin = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low - margin, high + margin)
        };
        let step = round_step((high - low) / ticks.max(1) as f64);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        Self::of_steps(first * step, last * step, first, last, step)
    }

    /// An axis between two values, with ticks at the round values that lie between.
    pub fn between(low: f64, high: f64, ticks: usize) -> Self {
        let step = round_step((high - low) / ticks.max(1) as f64);
        Self::of_steps(low, high, (low / step - 1e-9).ceil(), (high / step + 1e-9).floor(), step)
    }

    /// An axis of whole numbers, such as epochs, that begins and ends with them.
    pub fn whole(low: f64, high: f64) -> Self {
        if high <= low {
            return Self { low: low - 0.5, high: low + 0.5, ticks: vec![(low, fixed(low, 0))], log: false };
        }
        let step = round_step((high - low) / 5.0).max(1.0).round();
        let (first, last) = ((low / step).ceil(), (high / step).floor());
        let mut axis = Self::of_steps(low, high, first, last, step);
        // Epochs are counted from 1, which is no round number and where curves begin.
        if axis.ticks.first().is_some_and(|(first, _)| first - low >= step * 0.6) {
            axis.ticks.insert(0, (low, fixed(low, 0)));
        }
        axis
    }

    /// A logarithmic axis that holds all values above 0; `None` if there is none.
    pub fn log(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (low, high) = bounds(values.into_iter().filter(|value| *value > 0.0))?;
        let (first, last) = (exponent(low), exponent(high) + 1);
        let digits: &[f64] = if last - first <= 3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = (first..=last).step_by(((last - first) / 6 + 1) as usize);
        let all: Vec<f64> =
            powers.flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power))).collect();
        // Half a step of room below and above, or a curve that falls to 0.009 would have an axis down to 0.001.
        let room = (high / low).max(2.0).powf(0.03);
        let (low, high) = (low / room, high * room);
        let ticks = all.into_iter().filter(|tick| (low..=high).contains(tick));
        Some(Self { low, high, ticks: ticks.map(|tick| (tick, log_label(tick))).collect(), log: true })
    }

    /// A logarithmic axis from one value above 0 to another, with ticks at the powers of ten that lie between, or at 1, 2 and 5 times
    /// them if these are few.
    pub fn log_between(low: f64, high: f64) -> Self {
        let digits: &[f64] = if high / low < 200.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        // Not by a power, which may lie a rounding beside the value.
        let tick = |power: i32, digit: f64| {
            if power < 0 { digit / 10f64.powi(-power) } else { digit * 10f64.powi(power) }
        };
        let all = (exponent(low)..=exponent(high))
            .flat_map(|power| digits.iter().map(move |digit| tick(power, *digit)));
        let bounds = low * (1.0 - 1e-9)..=high * (1.0 + 1e-9);
        let ticks = all.filter(|tick| bounds.contains(tick)).map(|tick| (tick, log_label(tick))).collect();
        Self { low, high, ticks, log: true }
    }

    /// An axis with a place for each name, the first at the upper end.
    pub fn names(names: &[String]) -> Self {
        let count = names.len() as f64;
        let ticks = names.iter().zip(1..).map(|(name, number)| (count - f64::from(number), name.clone()));
        Self { low: -0.5, high: count.max(1.0) - 0.5, ticks: ticks.collect(), log: false }
    }

    /// The same axis with its ticks as powers of ten, which a learning rate is read by.
    pub fn in_powers(mut self) -> Self {
        self.ticks.iter_mut().for_each(|(value, label)| *label = scientific(*value, 0));
        self
    }

    /// Where a value lies, from 0 at the lower bound to 1 at the upper.
    pub fn place(&self, value: f64) -> f64 {
        match self.log {
            true => (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10()),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    /// Whether the value can be shown.
    pub fn holds(&self, value: f64) -> bool {
        value.is_finite() && (-1e-9..=1.0 + 1e-9).contains(&self.place(value))
    }

    /// The same axis with its ticks in per cent.
    pub fn in_percent(mut self) -> Self {
        let step = self.ticks.get(1).map_or(1.0, |second| second.0 - self.ticks[0].0) * 100.0;
        let decimals = decimals(step);
        for (value, label) in &mut self.ticks {
            *label = format!("{}\u{a0}%", fixed(*value * 100.0, decimals));
        }
        self
    }

    fn of_steps(low: f64, high: f64, first: f64, last: f64, step: f64) -> Self {
        let steps = ((last - first).round().clamp(0.0, 50.0)) as u32;
        let values = (0..=steps).map(|tick| (first + f64::from(tick)) * step);
        let values: Vec<f64> =
            values.map(|value| if value.abs() < step * 1e-6 { 0.0 } else { value }).collect();
        let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let label = |value: f64| {
            let digits = exponent(value) - exponent(step);
            match largest {
                _ if value == 0.0 => "0".into(),
                // Many digits are read more easily without an exponent.
                1e7.. if digits <= 3 || largest >= 1e15 => scientific(value, digits.clamp(0, 14) as usize),
                _ if step < 1e-5 && largest < 1e-3 => scientific(value, digits.clamp(0, 14) as usize),
                _ => fixed(value, decimals(step)),
            }
        };
        Self { low, high, ticks: values.into_iter().map(|value| (value, label(value))).collect(), log: false }
    }
}

/// The least and the largest of the finite values.
pub fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.abs() < LARGEST);
    finite.fold(None, |bounds, value| {
        let (low, high) = bounds.unwrap_or((value, value));
        Some((value.min(low), value.max(high)))
    })
}

/// A tick of a logarithmic axis.
fn log_label(tick: f64) -> String {
    match exponent(tick) {
        -3..=4 => fixed(tick, (-exponent(tick)).max(0) as usize),
        _ => scientific(tick, 0),
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powi(exponent(step));
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| step / power <= digit * (1.0 + 1e-9));
    digit.unwrap_or(10.0) * power
}

fn decimals(step: f64) -> usize {
    (-exponent(step * (1.0 + 1e-9))).max(0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn logarithmic_axes_between_values_have_ticks_at_both_ends() {
        let axis = Axis::log_between(1e-3, 1.0);
        assert_eq!(labels(&axis), ["0.001", "0.01", "0.1", "1"]);
        assert!((axis.place(0.1) - 2.0 / 3.0).abs() < 1e-12);
        assert!(!axis.holds(0.0) && !axis.holds(0.0009) && axis.holds(0.001) && axis.holds(1.0));
        assert_eq!(labels(&Axis::log_between(0.05, 1.0)), ["0.05", "0.1", "0.2", "0.5", "1"]);
    }

    #[test]
    fn names_stand_from_the_top_down() {
        let axis = Axis::names(&["a".into(), "b".into()]);
        assert_eq!(axis.ticks, [(1.0, "a".into()), (0.0, "b".into())]);
        assert_eq!([axis.place(1.0), axis.place(0.0)], [0.75, 0.25]);
    }
}
