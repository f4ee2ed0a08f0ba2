//! Normalisation as its definition says, in `f64`: which values belong together is a function of the place.

/// Values that are normalised together have the same `group`; `channel` says which weight they have.
pub(super) struct Norm<'a> {
    pub(super) groups: usize,
    pub(super) group: &'a dyn Fn(usize) -> usize,
    pub(super) channel: &'a dyn Fn(usize) -> usize,
    pub(super) epsilon: f64,
    pub(super) relu: bool,
}

pub(super) struct Gradients {
    pub(super) input: Vec<f64>,
    pub(super) weight: Vec<f64>,
    pub(super) bias: Vec<f64>,
}

impl Norm<'_> {
    fn means(&self, x: &[f64]) -> Vec<f64> {
        let (mut sums, mut counts) = (vec![0.0; self.groups], vec![0.0; self.groups]);
        for (at, x) in x.iter().enumerate() {
            sums[(self.group)(at)] += x;
            counts[(self.group)(at)] += 1.0;
        }
        sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect()
    }

    /// Means and biased variances.
    pub(super) fn moments(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let means = self.means(x);
        let squares: Vec<f64> =
            x.iter().enumerate().map(|(at, x)| (x - means[(self.group)(at)]).powi(2)).collect();
        let variances = self.means(&squares);
        (means, variances)
    }

    fn normalised(&self, x: &[f64]) -> Vec<f64> {
        let (means, variances) = self.moments(x);
        let one = |(at, x): (usize, &f64)| {
            let group = (self.group)(at);
            (x - means[group]) / (variances[group] + self.epsilon).sqrt()
        };
        x.iter().enumerate().map(one).collect()
    }

    pub(super) fn forward(&self, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        let one = |(at, x): (usize, &f64)| {
            let y = x * weight[(self.channel)(at)] + bias[(self.channel)(at)];
            if self.relu { y.max(0.0) } else { y }
        };
        self.normalised(x).iter().enumerate().map(one).collect()
    }

    pub(super) fn gradient(&self, x: &[f64], weight: &[f64], bias: &[f64], dy: &[f64]) -> Gradients {
        let y = self.forward(x, weight, bias);
        let dy: Vec<f64> =
            dy.iter().zip(&y).map(|(dy, y)| if self.relu && *y <= 0.0 { 0.0 } else { *dy }).collect();
        let normalised = self.normalised(x);
        let (mut weight_gradient, mut bias_gradient) = (vec![0.0; weight.len()], vec![0.0; weight.len()]);
        let (mut slopes, mut products) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for at in 0..x.len() {
            let channel = (self.channel)(at);
            weight_gradient[channel] += dy[at] * normalised[at];
            bias_gradient[channel] += dy[at];
            slopes[at] = dy[at] * weight[channel];
            products[at] = slopes[at] * normalised[at];
        }
        let (level, along) = (self.means(&slopes), self.means(&products));
        let (_, variances) = self.moments(x);
        let one = |at: usize| {
            let group = (self.group)(at);
            (slopes[at] - level[group] - normalised[at] * along[group])
                / (variances[group] + self.epsilon).sqrt()
        };
        let input = (0..x.len()).map(one).collect();
        Gradients { input, weight: weight_gradient, bias: bias_gradient }
    }
}
