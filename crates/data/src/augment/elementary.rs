//! Sine, cosine, logarithm and exponential from operations that are rounded exactly.
//!
//! The standard library takes them from the system's, whose last digits differ between systems; samples must not.

use std::f64::consts::LN_2;

/// The sine of an angle from -360 to 360 degrees, within 1e-14; exact at multiples of 90.
pub(super) fn sine(degrees: f64) -> f64 {
    // Fold the circle into -90..=90, where the series is short.
    let degrees = if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    };
    let degrees = if degrees > 90.0 {
        180.0 - degrees
    } else if degrees < -90.0 {
        -180.0 - degrees
    } else {
        degrees
    };
    if degrees.abs() == 90.0 {
        return degrees.signum();
    }
    let angle = degrees.to_radians();
    let square = angle * angle;
    let (mut term, mut sum) = (angle, angle);
    for n in 1..12 {
        let n = f64::from(2 * n);
        term = -term * square / (n * (n + 1.0));
        sum += term;
    }
    sum
}

/// The cosine of an angle from -180 to 180 degrees, within 1e-14; exact at multiples of 90.
pub(super) fn cosine(degrees: f64) -> f64 {
    sine(90.0 - degrees.abs())
}

/// The natural logarithm of a number that is normal and above 0, within 1e-14 relative to the greater of it and 1.
pub(super) fn logarithm(x: f64) -> f64 {
    // x = mantissa · 2^exponent with the mantissa in [1, 2).
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is below 1/3.
    let y = (mantissa - 1.0) / (mantissa + 1.0);
    let square = y * y;
    let (mut power, mut sum) = (y, 0.0);
    for n in 0..18 {
        sum += power / f64::from(2 * n + 1);
        power *= square;
    }
    f64::from(exponent) * LN_2 + 2.0 * sum
}

/// The exponential, within 1e-13 relative; 0 below -700 and infinite above 700.
pub(super) fn exponential(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    if x > 700.0 {
        return f64::INFINITY;
    }
    let exponent = (x / LN_2).round();
    let rest = x - exponent * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..16 {
        term = term * rest / f64::from(n);
        sum += term;
    }
    // The exponent is within 1,010 of 0, so this is a normal number.
    sum * f64::from_bits(((exponent as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_agree_with_the_systems() {
        for step in -1_800..=1_800 {
            let degrees = f64::from(step) * 0.1;
            assert!((sine(degrees) - degrees.to_radians().sin()).abs() < 1e-14, "{degrees}");
            assert!((cosine(degrees) - degrees.to_radians().cos()).abs() < 1e-14, "{degrees}");
        }
        assert_eq!([0.0, 90.0, -90.0].map(sine), [0.0, 1.0, -1.0]);
        assert_eq!([0.0, 90.0, -90.0, 180.0, -180.0].map(cosine), [1.0, 0.0, 0.0, -1.0, -1.0]);
        assert_eq!([180.0, -180.0].map(f64::abs).map(sine), [0.0, 0.0]);
        for step in 1..4_000 {
            let x = f64::from(step) * 0.003;
            for x in [x, 1.0 / x, x * 1e-9] {
                assert!((logarithm(x) - x.ln()).abs() < 1e-14 * x.ln().abs().max(1.0), "{x}");
            }
            for x in [x, -x, x * 50.0, x * -50.0] {
                assert!((exponential(x) / x.exp() - 1.0).abs() < 1e-13, "{x}");
            }
        }
        assert_eq!([0.0, -1e300, 1e300].map(exponential), [1.0, 0.0, f64::INFINITY]);
    }
}
