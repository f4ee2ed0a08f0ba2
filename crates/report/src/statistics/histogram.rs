//! How often values occur.

/// Counts of values in bins of one width.
pub struct Histogram {
    pub lower: f64,
    pub upper: f64,
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts the finite values between two bounds; those outside are left out.
    pub fn new(values: impl Iterator<Item = f64>, lower: f64, upper: f64, bins: usize) -> Self {
        let mut counts = vec![0; bins];
        for value in values.filter(|value| (lower..=upper).contains(value)) {
            let place = (value - lower) / (upper - lower) * bins as f64;
            counts[(place as usize).min(bins - 1)] += 1;
        }
        Self { lower, upper, counts }
    }

    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The lower and the upper edge of a bin.
    pub fn edges(&self, bin: usize) -> (f64, f64) {
        let width = (self.upper - self.lower) / self.counts.len() as f64;
        (self.lower + width * bin as f64, self.lower + width * (bin + 1) as f64)
    }
}
