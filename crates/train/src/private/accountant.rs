//! How much a training gives away: epsilon and delta of many steps of the sampled Gaussian mechanism.
//!
//! Rényi divergences of one step ([Mironov et al. 2019](https://arxiv.org/abs/1908.10530), section 3.3, whole orders) add up over steps;
//! of all orders the one is taken that gives the least epsilon
//! ([Canonne et al. 2020](https://arxiv.org/abs/2004.00010), proposition 12).

/// Orders of the divergence that are tried.
const ORDERS: std::ops::RangeInclusive<u32> = 2..=256;

/// Less noise than this is none.
const LEAST_NOISE: f64 = 1e-3;

/// More noise than this is not looked for.
const MOST_NOISE: f64 = 1e6;

/// The epsilon that `steps` steps spend at `delta`, where each sample is in a step with probability `sampling_rate`, independently of the
/// others, and the noise has `noise_multiplier` times the norm that a sample's gradient may have. Neighbouring data sets differ by
/// one sample that is there or not.
///
/// # Panics
/// If `sampling_rate` is not in `[0, 1]`, `noise_multiplier` is negative, or `delta` is not in `(0, 1)`.
///
/// ```
/// let epsilon = fireclay_train::privacy_spent(0.01, 1.0, 1_000, 1e-5);
/// assert!((epsilon - 2.108).abs() < 1e-3);
/// ```
pub fn privacy_spent(sampling_rate: f64, noise_multiplier: f64, steps: u64, delta: f64) -> f64 {
    assert!((0.0..=1.0).contains(&sampling_rate), "a probability is from 0 to 1");
    assert!(noise_multiplier >= 0.0, "noise is 0 or more");
    assert!(delta > 0.0 && delta < 1.0, "delta is more than 0 and less than 1");
    if steps == 0 || sampling_rate == 0.0 {
        return 0.0;
    }
    if noise_multiplier == 0.0 {
        return f64::INFINITY;
    }
    let of_order = |order: u32| {
        let divergence = steps as f64 * divergence(sampling_rate, noise_multiplier, order);
        // No less than that of Kullback and Leibler, by which outcomes differ in probability by √(1 - exp(-divergence)) at most.
        if delta * delta > -(-divergence).exp_m1() {
            return 0.0;
        }
        if divergence.is_nan() {
            return f64::INFINITY;
        }
        let order = f64::from(order);
        divergence + (-1.0 / order).ln_1p() - (delta.ln() + order.ln()) / (order - 1.0)
    };
    // Where noise is next to nothing, a divergence is beyond the numbers or none, and `min` passes over what is none.
    ORDERS.map(of_order).fold(f64::INFINITY, f64::min).max(0.0)
}

/// The least noise with which `steps` steps spend no more than `epsilon`, as [`privacy_spent`] counts it; rounded up by less than a
/// thousandth. `None` where no noise is enough, since delta is too small for such an epsilon.
///
/// # Panics
/// As [`privacy_spent`].
///
/// ```
/// use fireclay_train::{noise_for_privacy, privacy_spent};
/// let noise = noise_for_privacy(2.0, 1e-5, 0.01, 1_000).unwrap();
/// assert!(privacy_spent(0.01, noise, 1_000, 1e-5) <= 2.0);
/// assert!(privacy_spent(0.01, 0.995 * noise, 1_000, 1e-5) > 2.0);
/// ```
pub fn noise_for_privacy(epsilon: f64, delta: f64, sampling_rate: f64, steps: u64) -> Option<f64> {
    let is_enough = |noise: f64| privacy_spent(sampling_rate, noise, steps, delta) <= epsilon;
    let (mut low, mut high) = (0.0, 1.0);
    while !is_enough(high) {
        (low, high) = (high, 2.0 * high);
        if high > MOST_NOISE {
            return None;
        }
    }
    while high - low > 1e-4 * high && high > LEAST_NOISE {
        let middle = (low + high) / 2.0;
        match is_enough(middle) {
            true => high = middle,
            false => low = middle,
        }
    }
    Some(high)
}

/// The Rényi divergence of one step.
fn divergence(rate: f64, noise: f64, order: u32) -> f64 {
    let alpha = f64::from(order);
    if rate == 1.0 {
        return alpha / (2.0 * noise * noise);
    }
    // ln of Σ_k C(α, k) (1 - q)^(α - k) q^k exp(k (k - 1) / 2σ²)
    let mut sum = f64::NEG_INFINITY;
    let mut ln_choose = 0.0;
    for k in 0..=order {
        let kf = f64::from(k);
        let term = ln_choose
            + (alpha - kf) * (-rate).ln_1p()
            + kf * rate.ln()
            + kf * (kf - 1.0) / (2.0 * noise * noise);
        let (more, less) = if term > sum { (term, sum) } else { (sum, term) };
        sum = more + (less - more).exp().ln_1p();
        ln_choose += ((alpha - kf) / (kf + 1.0)).ln();
    }
    // A sum of probabilities that differ by nothing is 1 but for rounding.
    sum.max(0.0) / (alpha - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epsilons_are_those_of_dp_accounting() {
        let grid: serde_json::Value =
            serde_json::from_str(include_str!("../../fixtures/privacy/grid.json")).unwrap();
        let rows = grid["rows"].as_array().unwrap();
        assert!(rows.len() > 400);
        for row in rows {
            let [rate, noise, steps, delta, expected] =
                [0, 1, 2, 3, 4].map(|column| row[column].as_f64().unwrap());
            let found = privacy_spent(rate, noise, steps as u64, delta);
            let close = (found - expected).abs() <= 1e-3 * expected.max(1e-3);
            assert!(close, "{found}, not {expected}, of {row}");
        }
        assert!((privacy_spent(0.01, 1.0, 1_000, 1e-5) - 2.108).abs() < 1e-3);
        assert!((privacy_spent(0.004, 0.7, 11_250, 1e-5) - 6.113).abs() < 1e-3);
    }

    #[test]
    fn without_noise_everything_is_given_away_and_without_steps_nothing() {
        assert_eq!(privacy_spent(0.1, 0.0, 1, 1e-5), f64::INFINITY);
        assert_eq!(privacy_spent(0.1, 1.0, 0, 1e-5), 0.0);
        assert_eq!(privacy_spent(0.0, 1.0, 10, 1e-5), 0.0);
        assert_eq!(noise_for_privacy(1e-9, 1e-12, 0.5, 10), None);
    }

    #[test]
    fn less_epsilon_needs_more_noise() {
        let noises = [8.0, 4.0, 1.0, 0.5].map(|epsilon| noise_for_privacy(epsilon, 1e-5, 0.02, 500).unwrap());
        assert!(noises.is_sorted(), "{noises:?}");
    }
}
