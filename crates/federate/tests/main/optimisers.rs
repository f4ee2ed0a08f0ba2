//! What rounds do to parameters.

use fireclay_federate::{Federation, FederationOptions, LocalOptions, ServerOptimizer};

use crate::support::*;

/// Gradient descent on the samples of all clients together.
fn joined(count: usize, rounds: usize) -> Vec<f64> {
    let all = Samples((0..count).flat_map(|client| samples(client).0).collect());
    let mut now = [0.05f32, 0.1, -0.2].map(f64::from);
    for _ in 0..rounds {
        let (_, gradient) = Regression::loss_and_gradient(&all, now);
        now.iter_mut().zip(gradient).for_each(|(now, gradient)| *now -= 0.1 * gradient);
    }
    now.to_vec()
}

fn one_step(rounds: u64) -> FederationOptions {
    let local = LocalOptions { epochs: 1, ..options(1).local };
    FederationOptions { local, ..options(rounds) }
}

#[test]
fn fedavg_of_one_step_each_is_gradient_descent_on_the_joined_samples() {
    for rounds in [1, 20] {
        let federation = finished(one_step(rounds), simulation(7));
        for (found, expected) in numbers(federation.parameters()).into_iter().zip(joined(7, rounds as usize))
        {
            assert!(
                (f64::from(found) - expected).abs() < 1e-6,
                "{found}, not {expected}, after {rounds} rounds"
            );
        }
    }
}

#[test]
fn fedavg_of_one_client_is_its_own_training_bit_for_bit() {
    let federation = finished(options(5), simulation(1));
    let (_, mut training) = client(0);
    let mut alone = begin();
    for round in 0..5 {
        let task = fireclay_federate::Task {
            round,
            attempt: 0,
            client: fireclay_federate::ClientId::numbered(0),
            epochs: 2,
            first_epoch: 2 * round,
            batch_size: 0,
            learning_rate: 0.1,
            proximal_mu: 0.0,
            seed: 0,
        };
        alone = training.train(&task, &alone).unwrap().parameters;
    }
    assert_eq!(bits(federation.parameters()), bits(&alone));
}

#[test]
fn all_optimisers_find_the_weights() {
    let optimizers = [
        ServerOptimizer::FEDAVG,
        ServerOptimizer::FEDAVGM,
        ServerOptimizer::FedAdam { learning_rate: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 },
    ];
    for optimizer in optimizers {
        let federation = finished(FederationOptions { optimizer, ..options(150) }, simulation(8));
        for (found, expected) in numbers(federation.parameters()).into_iter().zip([1.0, 3.0, -2.0]) {
            assert!((found - expected).abs() < 0.1, "{found}, not {expected}, by {optimizer:?}");
        }
        let history = federation.history();
        assert!(history[149].metrics["loss"] < 0.01 * history[0].metrics["loss"]);
    }
}

#[test]
fn a_proximal_term_keeps_clients_near_the_global_parameters() {
    let distance = |proximal_mu| {
        let local = LocalOptions { epochs: 20, proximal_mu, ..options(1).local };
        let federation = finished(FederationOptions { local, ..options(1) }, simulation(1));
        federation.history()[0].update_norm
    };
    assert!(distance(5.0) < 0.5 * distance(0.0), "{} and {}", distance(5.0), distance(0.0));
}

#[test]
fn what_is_no_weight_becomes_the_mean_whatever_the_optimiser() {
    let plain = finished(options(1), simulation(4));
    for optimizer in [ServerOptimizer::FEDAVGM, ServerOptimizer::FEDADAM] {
        let options = FederationOptions { optimizer, ..options(1) };
        let federation = Federation::new(options, begin()).unwrap();
        let mut federation = federation.plain_means(["bias".to_owned()]);
        federation.simulate(simulation(4)).unwrap();
        let tensor = |of: &Federation, name| of.parameters().tensor(name).unwrap().values.clone();
        assert_eq!(tensor(&federation, "bias"), tensor(&plain, "bias"));
        if optimizer == ServerOptimizer::FEDADAM {
            assert_ne!(tensor(&federation, "weight"), tensor(&plain, "weight"));
        }
    }
}
