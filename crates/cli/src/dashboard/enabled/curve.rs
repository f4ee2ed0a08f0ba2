//! A value over the steps of a run of any length, in bounded memory.

/// Points that are kept at most; a terminal has fewer columns.
const MOST: usize = 4096;

/// A value over the steps of a run: when there are too many points, two neighbours become their mean, and so on.
#[derive(Clone, Debug)]
pub struct Curve {
    points: Vec<(f64, f64)>,
    /// Values in a point.
    merged: usize,
    /// The sums of those that are no whole point yet, and how many they are.
    open: (f64, f64, usize),
}

impl Default for Curve {
    fn default() -> Self {
        Curve { points: Vec::new(), merged: 1, open: (0.0, 0.0, 0) }
    }
}

impl Curve {
    /// Adds a value; one that is not finite is left out.
    pub fn push(&mut self, x: f64, y: f64) {
        if !y.is_finite() {
            return;
        }
        let (sum_x, sum_y, count) = self.open;
        self.open = (sum_x + x, sum_y + y, count + 1);
        if self.open.2 < self.merged {
            return;
        }
        self.points.extend(self.open_point());
        self.open = (0.0, 0.0, 0);
        if self.points.len() >= MOST {
            self.points = self.points.chunks(2).filter_map(|pair| mean(pair.iter().copied())).collect();
            self.merged *= 2;
        }
    }

    /// All points from left to right.
    pub fn points(&self) -> Vec<(f64, f64)> {
        self.points.iter().copied().chain(self.open_point()).collect()
    }

    fn open_point(&self) -> Option<(f64, f64)> {
        let (x, y, count) = self.open;
        (count > 0).then(|| (x / count as f64, y / count as f64))
    }
}

/// The mean of some points.
pub fn mean(points: impl Iterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    let (x, y, count) =
        points.fold((0.0, 0.0, 0.0), |(sum_x, sum_y, count), (x, y)| (sum_x + x, sum_y + y, count + 1.0));
    (count > 0.0).then(|| (x / count, y / count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_takes_no_more_memory_and_keeps_its_shape() {
        let mut curve = Curve::default();
        let steps = 100_001;
        (1..=steps).for_each(|step| curve.push(step as f64, 3.0 * step as f64));
        let points = curve.points();
        assert!(points.len() <= MOST + 1 && points.len() > MOST / 4, "{}", points.len());
        assert!(points.iter().all(|(x, y)| (y - 3.0 * x).abs() < 1e-6 * y));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(points.last().unwrap().0, steps as f64);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut curve = Curve::default();
        [1.0, f64::NAN, f64::INFINITY, 2.0]
            .into_iter()
            .enumerate()
            .for_each(|(x, y)| curve.push(x as f64, y));
        assert_eq!(curve.points(), [(0.0, 1.0), (3.0, 2.0)]);
    }
}
