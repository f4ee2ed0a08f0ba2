//! Linear regression by hand, and what tests ask of a federation.

use std::error::Error;

use fireclay_federate::{
    ClientId, Federation, FederationOptions, LocalOptions, LocalTraining, LocalUpdate, Metrics, Parameters,
    Simulation, Task, Tensor,
};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Samples of y = 3 x1 - 2 x2 + 1.
#[derive(Clone)]
pub struct Samples(pub Vec<([f32; 2], f32)>);

/// As many samples as this client has, which differ from those of the others.
pub fn samples(client: usize) -> Samples {
    let sample = |number: usize| {
        let place = (client * 37 + number * 11) as f32;
        let x = [(place * 0.7).sin(), (place * 1.3).cos()];
        (x, 3.0 * x[0] - 2.0 * x[1] + 1.0 + 0.05 * (place * 2.9).sin())
    };
    Samples((0..5 + 3 * (client % 4)).map(sample).collect())
}

pub fn begin() -> Parameters {
    let weight = Tensor { name: "weight".into(), shape: vec![1, 2], values: vec![0.1, -0.2] };
    let bias = Tensor { name: "bias".into(), shape: vec![1], values: vec![0.05] };
    Parameters::new([weight, bias]).unwrap()
}

/// The parameters as bias, weights.
pub fn numbers(parameters: &Parameters) -> Vec<f32> {
    parameters.values().collect()
}

pub fn bits(parameters: &Parameters) -> Vec<u32> {
    parameters.values().map(f32::to_bits).collect()
}

/// A training by gradient descent on all samples at once, with the proximal term if the task has one.
pub struct Regression {
    pub samples: Samples,
}

impl Regression {
    pub fn loss_and_gradient(samples: &Samples, [b, w1, w2]: [f64; 3]) -> (f64, [f64; 3]) {
        let (mut loss, mut gradient) = (0.0, [0.0; 3]);
        let count = samples.0.len() as f64;
        for (x, y) in &samples.0 {
            let x = x.map(f64::from);
            let error = w1 * x[0] + w2 * x[1] + b - f64::from(*y);
            loss += error * error / count;
            let factor = 2.0 * error / count;
            gradient[0] += factor;
            gradient[1] += factor * x[0];
            gradient[2] += factor * x[1];
        }
        (loss, gradient)
    }
}

impl LocalTraining for Regression {
    fn train(&mut self, task: &Task, global: &Parameters) -> Result<LocalUpdate> {
        let before: Vec<f64> = global.values().map(f64::from).collect();
        let mut now = [before[0], before[1], before[2]];
        let mut loss = 0.0;
        for _ in 0..task.epochs {
            let (found, gradient) = Regression::loss_and_gradient(&self.samples, now);
            loss = found;
            for ((now, gradient), before) in now.iter_mut().zip(gradient).zip(&before) {
                let proximal = task.proximal_mu * (*now - before);
                *now -= task.learning_rate * (gradient + proximal);
            }
        }
        let mut tensors = global.tensors().to_vec();
        tensors[0].values = vec![now[0] as f32];
        tensors[1].values = vec![now[1] as f32, now[2] as f32];
        Ok(LocalUpdate {
            parameters: Parameters::new(tensors)?,
            samples: self.samples.0.len() as u64,
            metrics: Metrics::from([("loss".to_owned(), loss)]),
        })
    }
}

pub type Client = (ClientId, Box<dyn LocalTraining>);

pub fn client(number: usize) -> Client {
    let training = Regression { samples: samples(number) };
    (ClientId::numbered(number), Box::new(training))
}

pub fn clients(count: usize) -> Vec<Client> {
    (0..count).map(client).collect()
}

pub fn simulation(count: usize) -> Simulation<'static> {
    Simulation::new(clients(count)).unwrap()
}

pub fn options(rounds: u64) -> FederationOptions {
    FederationOptions {
        rounds,
        seed: 3,
        local: LocalOptions { epochs: 2, batch_size: 0, ..LocalOptions::default() },
        ..FederationOptions::default()
    }
}

/// A federation that is over.
pub fn finished(options: FederationOptions, simulation: Simulation) -> Federation<'static> {
    let mut federation = Federation::new(options, begin()).unwrap();
    federation.simulate(simulation).unwrap();
    federation
}
