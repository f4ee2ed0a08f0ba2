//! What one parameter may be, and how that maps to the interval `[0, 1]`, where everything is drawn and modelled.
//!
//! Proposed floats have about four significant digits: a recipe can be read and typed, and no training is so exact that it
//! would matter.

use std::fmt;

use crate::{Setting, TuneError};

/// The largest whole number up to which an `f64` holds each one.
const LARGEST_INTEGER: i64 = 1 << 53;

/// What one parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A number from `low` to `high`.
    Float {
        /// The lowest value.
        low: f64,
        /// The highest value, above `low`.
        high: f64,
        /// Whether equal ratios are as likely, rather than equal differences; `low` is above 0 then.
        log: bool,
    },
    /// A whole number from `low` to `high`, both included.
    Integer {
        /// The lowest value.
        low: i64,
        /// The highest value, above `low`.
        high: i64,
        /// Whether equal ratios are as likely, rather than equal differences; `low` is above 0 then.
        log: bool,
    },
    /// One of a list of values that have no order.
    Choice {
        /// The values: one at least, all different.
        values: Vec<String>,
    },
}

impl Domain {
    /// Whether a value is within the bounds, and of the domain's kind.
    pub fn contains(&self, setting: &Setting) -> bool {
        match (self, setting) {
            (Domain::Float { low, high, .. }, Setting::Float(value)) => (*low..=*high).contains(value),
            (Domain::Integer { low, high, .. }, Setting::Integer(value)) => (*low..=*high).contains(value),
            (Domain::Choice { values }, Setting::Choice(value)) => values.contains(value),
            _ => false,
        }
    }

    /// Refuses bounds and values that cannot be; `parameter` is for the message.
    pub(crate) fn check(&self, parameter: &str) -> Result<(), TuneError> {
        let parameter = || parameter.to_owned();
        match self {
            Domain::Float { low, high, log } => {
                // The difference of two finite bounds can be infinite, and nothing could be drawn then.
                if let Some(found) = [*low, *high, high - low].into_iter().find(|bound| !bound.is_finite()) {
                    return Err(TuneError::NotFinite { parameter: parameter(), found });
                }
                check_order(parameter(), *low, *high, *log)
            }
            Domain::Integer { low, high, log } => {
                let allowed = -LARGEST_INTEGER..=LARGEST_INTEGER;
                if let Some(found) = [low, high].into_iter().find(|bound| !allowed.contains(bound)) {
                    let (found, limit) = (*found, LARGEST_INTEGER);
                    return Err(TuneError::IntegerTooLarge { parameter: parameter(), found, limit });
                }
                check_order(parameter(), *low as f64, *high as f64, *log)
            }
            Domain::Choice { values } if values.is_empty() => {
                Err(TuneError::NoValues { parameter: parameter() })
            }
            Domain::Choice { values } => {
                let again = |(index, value): &(usize, &String)| values[..*index].contains(value);
                match values.iter().enumerate().find(again) {
                    Some((_, value)) => {
                        Err(TuneError::SameValue { parameter: parameter(), value: value.clone() })
                    }
                    None => Ok(()),
                }
            }
        }
    }

    /// The value at a place in `[0, 1]`. Uniform places give values that are as likely as the domain says.
    pub(crate) fn at_unit(&self, unit: f64) -> Setting {
        match self {
            Domain::Float { low, high, log } => {
                let value = from_unit(unit, *low, *high, *log);
                let scale = if *log { value.min(high - low) } else { high - low };
                Setting::Float(rounded(value, scale).clamp(*low, *high))
            }
            Domain::Integer { low, high, log } => {
                // Each whole number has the cell from half below to half above it.
                let value = from_unit(unit, *low as f64 - 0.5, *high as f64 + 0.5, *log);
                Setting::Integer((value.round() as i64).clamp(*low, *high))
            }
            Domain::Choice { values } => {
                let index = (unit * values.len() as f64) as usize;
                Setting::Choice(values[index.min(values.len() - 1)].clone())
            }
        }
    }

    /// The place of a value in `[0, 1]`; none if the value is of another kind.
    pub(crate) fn to_unit(&self, setting: &Setting) -> Option<f64> {
        match (self, setting) {
            (Domain::Float { low, high, log }, Setting::Float(value)) => {
                Some(into_unit(*value, *low, *high, *log))
            }
            (Domain::Integer { low, high, log }, Setting::Integer(value)) => {
                Some(into_unit(*value as f64, *low as f64 - 0.5, *high as f64 + 0.5, *log))
            }
            (Domain::Choice { values }, Setting::Choice(value)) => {
                let index = values.iter().position(|known| known == value)?;
                Some((index as f64 + 0.5) / values.len() as f64)
            }
            _ => None,
        }
    }
}

/// `1 to 8`, `0.0001 to 0.1 on a log scale`, `one of "adam", "sgd"`.
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = |log: bool| if log { " on a log scale" } else { "" };
        match self {
            Domain::Float { low, high, log } => write!(f, "a number from {low} to {high}{}", scale(*log)),
            Domain::Integer { low, high, log } => {
                write!(f, "a whole number from {low} to {high}{}", scale(*log))
            }
            Domain::Choice { values } => {
                let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
                write!(f, "one of {}", values.join(", "))
            }
        }
    }
}

fn check_order(parameter: String, low: f64, high: f64, log: bool) -> Result<(), TuneError> {
    if low >= high {
        return Err(TuneError::Bounds { parameter, low, high });
    }
    if log && low <= 0.0 {
        return Err(TuneError::LogOfNonPositive { parameter, low });
    }
    Ok(())
}

fn from_unit(unit: f64, low: f64, high: f64, log: bool) -> f64 {
    if log { (low.ln() + unit * (high.ln() - low.ln())).exp() } else { low + unit * (high - low) }
}

fn into_unit(value: f64, low: f64, high: f64, log: bool) -> f64 {
    let unit =
        if log { (value.ln() - low.ln()) / (high.ln() - low.ln()) } else { (value - low) / (high - low) };
    // Adding 0 makes 0 of -0.
    unit.clamp(0.0, 1.0) + 0.0
}

/// The nearest multiple of a power of ten that is a thousandth of `scale` or less, `scale` being above 0.
fn rounded(value: f64, scale: f64) -> f64 {
    let exponent = scale.log10().floor() as i32 - 3;
    if exponent >= 0 {
        let step = 10f64.powi(exponent);
        return (value / step).round() * step + 0.0;
    }
    // By way of the decimal text, because a product with 0.001 is not the float that "0.123" is. Adding 0 makes 0 of -0.
    format!("{value:.*}", exponent.unsigned_abs() as usize).parse().unwrap_or(value) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_values_go_both_ways() {
        let float = Domain::Float { low: 1e-4, high: 1.0, log: true };
        assert_eq!(float.at_unit(0.5), Setting::Float(0.01));
        assert_eq!(float.at_unit(0.33), Setting::Float(0.002089));
        assert!((float.to_unit(&Setting::Float(0.01)).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!((float.at_unit(0.0), float.at_unit(1.0)), (Setting::Float(1e-4), Setting::Float(1.0)));
        let narrow = Domain::Float { low: 0.9991, high: 0.9999, log: false };
        assert_eq!(narrow.at_unit(0.123456), Setting::Float(0.9991988));
        let wide = Domain::Float { low: 0.0, high: 1e6, log: false };
        assert_eq!(wide.at_unit(0.1234567), Setting::Float(123_000.0));
    }

    #[test]
    fn whole_numbers_are_as_likely() {
        for log in [false, true] {
            let domain = Domain::Integer { low: 1, high: 4, log };
            let mut counts = [0usize; 5];
            for step in 0..1000 {
                let Setting::Integer(value) = domain.at_unit(step as f64 / 1000.0) else { panic!() };
                counts[value as usize] += 1;
            }
            let expected = if log { [0, 500, 233, 153, 114] } else { [0, 250, 250, 250, 250] };
            assert_eq!(counts, expected);
            for value in 1..=4 {
                let unit = domain.to_unit(&Setting::Integer(value)).unwrap();
                assert_eq!(domain.at_unit(unit), Setting::Integer(value));
            }
        }
    }

    #[test]
    fn a_value_of_another_kind_is_outside() {
        let domain = Domain::Float { low: 0.0, high: 4.0, log: false };
        assert!(domain.contains(&Setting::Float(4.0)));
        assert!(!domain.contains(&Setting::Integer(4)));
        assert!(!domain.contains(&Setting::Float(f64::NAN)));
        assert_eq!(domain.to_unit(&Setting::Integer(4)), None);
    }
}
