//! What the server makes of the mean of a round: optimisers over rounds.
//!
//! The difference between the mean and the parameters before stands for a gradient
//! ([Reddi et al. 2021](https://arxiv.org/abs/2003.00295)). Everything is computed in f64 and rounded once.

use serde::{Deserialize, Serialize};

use crate::FederateError;
use crate::parameters::Parameters;

/// How the server goes from the parameters before a round towards the mean of its updates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ServerOptimizer {
    /// Takes the mean, or with a learning rate other than 1 a part of the way there
    /// ([McMahan et al. 2017](https://arxiv.org/abs/1602.05629)). FedProx is this with a [proximal
    /// term](crate::LocalOptions::proximal_mu) in the clients' loss.
    FedAvg {
        /// How much of the way; 1 for the mean itself.
        learning_rate: f64,
    },
    /// With momentum ([Hsu et al. 2019](https://arxiv.org/abs/1909.06335)): `v = momentum * v + difference`,
    /// `w = w + learning_rate * v`.
    FedAvgM {
        /// The learning rate.
        learning_rate: f64,
        /// The momentum coefficient, from 0 up to 1, without 1.
        momentum: f64,
    },
    /// Adam ([Reddi et al. 2021](https://arxiv.org/abs/2003.00295), algorithm 2): `m = beta1 * m + (1 - beta1) * difference`,
    /// `v = beta2 * v + (1 - beta2) * difference²`, `w = w + learning_rate * m / (√v + tau)`. `v` begins at `tau²`; biases are not
    /// corrected.
    FedAdam {
        /// The learning rate.
        learning_rate: f64,
        /// The decay rate of the first moment, from 0 up to 1, without 1.
        beta1: f64,
        /// The decay rate of the second moment, from 0 up to 1, without 1.
        beta2: f64,
        /// How much the optimiser adapts: less of it, more adaptation.
        tau: f64,
    },
}

impl Default for ServerOptimizer {
    fn default() -> Self {
        ServerOptimizer::FEDAVG
    }
}

impl ServerOptimizer {
    /// The mean itself.
    pub const FEDAVG: Self = ServerOptimizer::FedAvg { learning_rate: 1.0 };

    /// Momentum 0.9 with learning rate 1.
    pub const FEDAVGM: Self = ServerOptimizer::FedAvgM { learning_rate: 1.0, momentum: 0.9 };

    /// Adam with the decay rates of Reddi et al., learning rate 0.01 and tau 0.001.
    pub const FEDADAM: Self =
        ServerOptimizer::FedAdam { learning_rate: 0.01, beta1: 0.9, beta2: 0.99, tau: 1e-3 };

    /// The same with another learning rate.
    pub fn with_learning_rate(self, learning_rate: f64) -> Self {
        match self {
            ServerOptimizer::FedAvg { .. } => ServerOptimizer::FedAvg { learning_rate },
            ServerOptimizer::FedAvgM { momentum, .. } => ServerOptimizer::FedAvgM { learning_rate, momentum },
            ServerOptimizer::FedAdam { beta1, beta2, tau, .. } => {
                ServerOptimizer::FedAdam { learning_rate, beta1, beta2, tau }
            }
        }
    }

    /// # Errors
    /// [`FederateError::Option`] for numbers outside of their ranges.
    pub(crate) fn check(self) -> Result<(), FederateError> {
        let rate = |option: &'static str, found: f64| match found.is_finite() && found > 0.0 {
            true => Ok(()),
            false => Err(FederateError::Option {
                option,
                expected: "a finite number above 0".into(),
                found: found.to_string(),
            }),
        };
        let decay = |option: &'static str, found: f64| match (0.0..1.0).contains(&found) {
            true => Ok(()),
            false => Err(FederateError::Option {
                option,
                expected: "a number from 0 up to 1, without 1".into(),
                found: found.to_string(),
            }),
        };
        match self {
            ServerOptimizer::FedAvg { learning_rate } => rate("optimizer.learning_rate", learning_rate),
            ServerOptimizer::FedAvgM { learning_rate, momentum } => {
                rate("optimizer.learning_rate", learning_rate)?;
                decay("optimizer.momentum", momentum)
            }
            ServerOptimizer::FedAdam { learning_rate, beta1, beta2, tau } => {
                rate("optimizer.learning_rate", learning_rate)?;
                decay("optimizer.beta1", beta1)?;
                decay("optimizer.beta2", beta2)?;
                rate("optimizer.tau", tau)
            }
        }
    }

    /// How many numbers it remembers of each parameter, and what they begin with.
    pub(crate) fn initial_state(self, parameters: &Parameters) -> Vec<Vec<f64>> {
        let filled = |value: f64| vec![value; parameters.count()];
        match self {
            ServerOptimizer::FedAvg { .. } => Vec::new(),
            ServerOptimizer::FedAvgM { .. } => vec![filled(0.0)],
            ServerOptimizer::FedAdam { tau, .. } => vec![filled(0.0), filled(tau * tau)],
        }
    }

    /// The parameters after a round with this mean; `state` is what [`ServerOptimizer::initial_state`] or the round before left.
    pub(crate) fn step(self, before: &Parameters, mean: &[f64], state: &mut [Vec<f64>]) -> Parameters {
        let pairs = || before.values().map(f64::from).zip(mean.iter().copied());
        match (self, state) {
            // Not a step of the whole difference, which would round where the mean does not.
            (ServerOptimizer::FedAvg { learning_rate: 1.0 }, _) => {
                before.with_values(mean.iter().map(|value| *value as f32))
            }
            (ServerOptimizer::FedAvgM { learning_rate, momentum }, [velocity]) => {
                let values = pairs().zip(velocity).map(|((before, mean), velocity)| {
                    *velocity = momentum * *velocity + (mean - before);
                    (before + learning_rate * *velocity) as f32
                });
                before.with_values(values)
            }
            (ServerOptimizer::FedAdam { learning_rate, beta1, beta2, tau }, [first, second]) => {
                let values = pairs().zip(first.iter_mut().zip(second)).map(|((before, mean), (m, v))| {
                    let difference = mean - before;
                    *m = beta1 * *m + (1.0 - beta1) * difference;
                    *v = beta2 * *v + (1.0 - beta2) * difference * difference;
                    (before + learning_rate * *m / (v.sqrt() + tau)) as f32
                });
                before.with_values(values)
            }
            (ServerOptimizer::FedAvg { learning_rate }, _)
            | (ServerOptimizer::FedAvgM { learning_rate, .. }, _)
            | (ServerOptimizer::FedAdam { learning_rate, .. }, _) => {
                let values = pairs().map(|(before, mean)| (before + learning_rate * (mean - before)) as f32);
                before.with_values(values)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn parameters(values: &[f32]) -> Parameters {
        Parameters::new([Tensor { name: "w".into(), shape: vec![values.len()], values: values.into() }])
            .unwrap()
    }

    fn steps(optimizer: ServerOptimizer, means: &[f64]) -> Vec<f32> {
        let mut now = parameters(&[1.0]);
        let mut state = optimizer.initial_state(&now);
        let step = |mean: &f64| {
            now = optimizer.step(&now, &[*mean], &mut state);
            now.tensors()[0].values[0]
        };
        means.iter().map(step).collect()
    }

    fn close(found: &[f32], expected: &[f64]) {
        let is_close = found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6);
        assert!(found.len() == expected.len() && is_close, "{found:?}, not {expected:?}");
    }

    #[test]
    fn steps_are_those_of_the_papers() {
        // Worked out by hand from the formulas.
        close(&steps(ServerOptimizer::FEDAVG, &[3.0, 2.0]), &[3.0, 2.0]);
        close(&steps(ServerOptimizer::FedAvg { learning_rate: 0.5 }, &[3.0, 2.0]), &[2.0, 2.0]);
        // v: 2, then 0.9 * 2 + (2 - 3) = 0.8.
        close(&steps(ServerOptimizer::FEDAVGM, &[3.0, 2.0]), &[3.0, 3.8]);
        // m: 0.2, v: 0.99e-6 + 0.04 = 0.04000099; 1 + 0.01 * 0.2 / (0.2000025 + 0.001).
        let first = 1.0 + 0.01 * 0.2 / (0.040_000_99f64.sqrt() + 0.001);
        let difference = 2.0 - f64::from(first as f32);
        let m = 0.9 * 0.2 + 0.1 * difference;
        let v: f64 = 0.99 * 0.040_000_99 + 0.01 * difference * difference;
        close(&steps(ServerOptimizer::FEDADAM, &[3.0, 2.0]), &[first, first + 0.01 * m / (v.sqrt() + 0.001)]);
    }

    #[test]
    fn a_whole_step_rounds_nothing() {
        let before = parameters(&[1.0, -1e30, 3.0]);
        let mean = [1e-30f32, 7.0, -0.0];
        let after = ServerOptimizer::FEDAVG.step(&before, &mean.map(f64::from), &mut []);
        assert!(after.values().map(f32::to_bits).eq(mean.map(f32::to_bits)));
    }

    #[test]
    fn ranges_are_checked() {
        let wrong = [
            ServerOptimizer::FedAvg { learning_rate: 0.0 },
            ServerOptimizer::FedAvg { learning_rate: f64::NAN },
            ServerOptimizer::FedAvgM { learning_rate: 1.0, momentum: 1.0 },
            ServerOptimizer::FedAdam { learning_rate: 1.0, beta1: -0.1, beta2: 0.9, tau: 1.0 },
            ServerOptimizer::FedAdam { learning_rate: 1.0, beta1: 0.9, beta2: 0.9, tau: 0.0 },
        ];
        for optimizer in wrong {
            assert!(optimizer.check().unwrap_err().to_string().starts_with("option optimizer."));
        }
        for optimizer in [ServerOptimizer::FEDAVG, ServerOptimizer::FEDAVGM, ServerOptimizer::FEDADAM] {
            optimizer.check().unwrap();
        }
    }
}
