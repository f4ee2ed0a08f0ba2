//! Where a function is looked at so that a sum is its integral.

use std::f64::consts::PI;

/// Gauss's and Legendre's places in `0..1` and their weights, which add up to 1: with `count` of them, polynomials up to the degree
/// `2 count - 1` are integrated exactly.
pub(crate) fn gauss_legendre(count: usize) -> Vec<(f64, f64)> {
    let degree = count as f64;
    let mut found: Vec<(f64, f64)> = (0..count)
        .map(|index| {
            // Newton's method from a place that is near enough to each root.
            let mut x = (PI * (index as f64 + 0.75) / (degree + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..100 {
                let (value, before) = legendre(count, x);
                slope = degree * (x * value - before) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            (0.5 * (1.0 - x), 1.0 / ((1.0 - x * x) * slope * slope))
        })
        .collect();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    found
}

/// Legendre's polynomial of a degree at a place, and the one before it.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    (1..=degree).fold((1.0, 0.0), |(value, before), n| {
        let n = n as f64;
        (((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n, value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly_and_others_nearly() {
        for count in [1, 2, 3, 7, 50, 512] {
            let rule = gauss_legendre(count);
            let integral =
                |f: &dyn Fn(f64) -> f64| rule.iter().map(|(x, weight)| weight * f(*x)).sum::<f64>();
            assert!((integral(&|_| 1.0) - 1.0).abs() < 1e-12, "{count}");
            let degree = (2 * count - 1).min(40) as i32;
            assert!((integral(&|x| x.powi(degree)) - 1.0 / f64::from(degree + 1)).abs() < 1e-12, "{count}");
            assert!(rule.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        // NumPy's leggauss(2).
        let [(x, weight), _] = gauss_legendre(2)[..] else { panic!() };
        assert!((x - 0.5 * (1.0 - 1.0 / 3f64.sqrt())).abs() < 1e-15 && (weight - 0.5).abs() < 1e-15);
        let sine: f64 = gauss_legendre(10).iter().map(|(x, weight)| weight * (PI * x).sin()).sum();
        assert!((sine - 2.0 / PI).abs() < 1e-12);
    }
}
