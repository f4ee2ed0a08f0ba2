//! As many points of a curve as can be seen.

use super::Points;

/// At most `limit` points that look like all of them: of each stretch the lowest and the highest value stay, at both ends the outermost, and one that is not
/// finite, so that a gap remains one.
pub fn downsample(points: &[(f64, f64)], limit: usize) -> Points {
    if points.len() <= limit {
        return points.to_vec();
    }
    let (first, last) = (points[0], points[points.len() - 1]);
    let stretches = (limit.saturating_sub(2) / 3).max(1);
    let mut kept = Vec::with_capacity(limit);
    for stretch in 0..stretches {
        let part = &points[stretch * points.len() / stretches..(stretch + 1) * points.len() / stretches];
        let finite = || (0..part.len()).filter(|at| part[*at].1.is_finite());
        let lowest = finite().min_by(|left, right| part[*left].1.total_cmp(&part[*right].1));
        let highest = finite().max_by(|left, right| part[*left].1.total_cmp(&part[*right].1));
        let missing = (0..part.len()).find(|at| !part[*at].1.is_finite());
        let mut places: Vec<usize> = [lowest, highest, missing].into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().map(|at| part[at]));
    }
    // Curves begin and end where they did.
    if kept.first().is_none_or(|kept| kept.0 != first.0) {
        kept.insert(0, first);
    }
    if kept.last().is_none_or(|kept| kept.0 != last.0) {
        kept.push(last);
    }
    kept
}

/// The mean of each point with its neighbours, over `window` points; what is not finite is left out of the means and stays.
pub fn moving_average(points: &[(f64, f64)], window: usize) -> Points {
    let mut sums = vec![(0.0, 0usize)];
    for (_, y) in points {
        let (sum, count) = sums[sums.len() - 1];
        sums.push(if y.is_finite() { (sum + y, count + 1) } else { (sum, count) });
    }
    let half = window / 2;
    let mean = |at: usize| {
        let (low, high) = (sums[at.saturating_sub(half)], sums[(at + half + 1).min(points.len())]);
        let y = if points[at].1.is_finite() { (high.0 - low.0) / (high.1 - low.1) as f64 } else { f64::NAN };
        (points[at].0, y)
    };
    (0..points.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_gaps_stay() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|x| (f64::from(x), f64::from(x % 7))).collect();
        points[12_345].1 = 1e6;
        points[23_456].1 = -1e6;
        points[34_567].1 = f64::NAN;
        let kept = downsample(&points, 1000);
        assert!(kept.len() <= 1000);
        assert!(kept.contains(&(12_345.0, 1e6)) && kept.contains(&(23_456.0, -1e6)));
        assert!(kept.iter().any(|point| point.0 == 34_567.0 && point.1.is_nan()));
        assert!(kept.is_sorted_by(|left, right| left.0 < right.0));
        assert_eq!(downsample(&points[..10], 1000), points[..10]);
    }

    #[test]
    fn means_leave_out_what_is_not_finite() {
        let averaged = moving_average(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0), (3.0, 5.0)], 3);
        assert_eq!((averaged[0].1, averaged[2].1, averaged[3].1), (1.0, 4.0, 4.0));
        assert!(averaged[1].1.is_nan());
    }
}
