//! Noise that hides a client.

use fireclay_federate::{
    ClientId, ClientPrivacy, Fate, Federation, FederationEvent, FederationOptions, LocalTraining,
    LocalUpdate, MinUpdates, NoiseSource, Parameters, Sampling, SecureAggregation, Simulation, Task,
};

use crate::support::*;

fn private(rounds: u64, noise_multiplier: f64) -> FederationOptions {
    let privacy = ClientPrivacy { clip_norm: 0.2, noise_multiplier, noise: NoiseSource::Seed };
    FederationOptions { privacy: Some(privacy), ..options(rounds) }
}

/// A client that moves the bias by this much, and says that it has so many samples.
fn mover(number: usize, by: f32, samples: u64) -> (ClientId, Box<dyn LocalTraining>) {
    let training = move |_: &Task, global: &Parameters| {
        let mut tensors = global.tensors().to_vec();
        tensors[0].values[0] += by;
        Ok(LocalUpdate { parameters: Parameters::new(tensors)?, samples, metrics: Default::default() })
    };
    (ClientId::numbered(number), Box::new(training))
}

#[test]
fn a_client_moves_the_mean_by_its_clipped_part_whatever_it_says() {
    for secure in [None, Some(SecureAggregation { clip_range: 2000.0, ..SecureAggregation::default() })] {
        // Nearly no noise, to see the rest.
        let options = FederationOptions { secure, ..private(1, 1e-9) };
        let simulation = Simulation::new([
            mover(0, 1000.0, 1_000_000),
            mover(1, 0.0, 1),
            mover(2, 0.1, 1),
            mover(3, 0.0, 7),
        ]);
        let federation = finished(options, simulation.unwrap());
        let moved = federation.parameters().tensors()[0].values[0] - 0.05;
        // 0.2 and 0.1 of four clients.
        assert!((moved - 0.075).abs() < 1e-5, "{moved}");
        assert_eq!(federation.history()[0].weight, 4);
    }
}

#[test]
fn noise_is_that_of_the_multiplier_over_the_number_of_clients() {
    let still = || Simulation::new((0..5).map(|number| mover(number, 0.0, 1))).unwrap();
    let mut steps = Vec::new();
    let mut before = numbers(&begin());
    let mut federation = Federation::new(private(2_000, 2.0), begin()).unwrap().observer(|event| {
        if let fireclay_federate::FederationEvent::RoundEnded { parameters, .. } = event {
            let after = numbers(parameters);
            steps.extend(after.iter().zip(&before).map(|(after, before)| f64::from(after - before)));
            before = after;
        }
    });
    federation.simulate(still()).unwrap();
    drop(federation);
    let deviation = (steps.iter().map(|step| step * step).sum::<f64>() / steps.len() as f64).sqrt();
    // 2.0 * 0.2 / 5.
    assert!((deviation - 0.08).abs() < 0.004, "{deviation}");
}

#[test]
fn an_accountant_is_told_what_it_needs() {
    let privacy = ClientPrivacy { clip_norm: 0.2, noise_multiplier: 1.5, noise: NoiseSource::System };
    let seeded = FederationOptions { sampling: Sampling::Poisson(0.5), ..private(4, 1.5) };
    let options = FederationOptions { privacy: Some(privacy), ..seeded.clone() };
    let mut federation = Federation::new(options, begin()).unwrap().accountant(|used| {
        assert_eq!((used.sampling_rate, used.noise_multiplier), (0.5, 1.5));
        used.rounds as f64 * 0.25
    });
    federation.simulate(simulation(10)).unwrap();
    let spent: Vec<_> = federation.history().iter().map(|record| record.epsilon).collect();
    assert_eq!(spent, [Some(0.25), Some(0.5), Some(0.75), Some(1.0)]);
    assert_eq!(federation.privacy_used().unwrap().rounds, 4);
    // Noise that who knows the seed takes off hides nobody.
    let mut federation = Federation::new(seeded, begin()).unwrap().accountant(|_| 0.25);
    federation.simulate(simulation(10)).unwrap();
    assert!(federation.history().iter().all(|record| record.epsilon.is_none()));
    assert_eq!(federation.privacy_used(), None);
}

#[test]
fn who_is_in_a_private_round_does_not_follow_from_the_seed() {
    let asked = || {
        let privacy = ClientPrivacy { clip_norm: 0.2, noise_multiplier: 1.0, noise: NoiseSource::System };
        let sampling = Sampling::Poisson(0.5);
        let options = FederationOptions { sampling, privacy: Some(privacy), ..options(6) };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("federation");
        let part = FederationOptions { rounds: 3, ..options.clone() };
        Federation::new(part, begin()).unwrap().checkpoint(&path).simulate(simulation(20)).unwrap();
        let mut federation = Federation::resume(options, &path).unwrap();
        federation.simulate(simulation(20)).unwrap();
        federation.history().iter().map(|record| record.asked.clone()).collect::<Vec<_>>()
    };
    assert_ne!(asked(), asked());
}

#[test]
fn a_private_sample_of_which_few_answer_is_not_made_again_and_looks_like_others() {
    for secure in [None, Some(SecureAggregation::default())] {
        let options = FederationOptions {
            sampling: Sampling::Poisson(0.9),
            min_updates: MinUpdates::Count(8),
            secure,
            ..private(2, 1.0)
        };
        let late = |_: &ClientId, round, _, _| if round == 0 { Fate::Late } else { Fate::Answers };
        let mut attempts = 0;
        let mut federation = Federation::new(options, begin()).unwrap().observer(|event| {
            attempts += usize::from(matches!(event, FederationEvent::RoundStarted { .. }));
        });
        federation.simulate(simulation(10).faults(late)).unwrap();
        assert!(federation.history().iter().all(|record| record.update_norm > 0.0 && record.lost.is_none()));
        assert!(federation.history()[0].answered.is_empty());
        drop(federation);
        assert_eq!(attempts, 2);
    }
}

#[test]
fn noise_of_the_system_never_comes_again() {
    let once = || {
        let privacy = ClientPrivacy { clip_norm: 0.2, noise_multiplier: 1.0, noise: NoiseSource::System };
        let options = FederationOptions { privacy: Some(privacy), ..options(1) };
        bits(finished(options, simulation(3)).parameters())
    };
    assert_ne!(once(), once());
}

#[test]
fn independent_samples_are_divided_by_the_number_that_is_expected_and_may_be_empty() {
    let options = FederationOptions { sampling: Sampling::Poisson(0.2), ..private(60, 1e-9) };
    let still = || Simulation::new((0..5).map(|number| mover(number, 0.1, 1))).unwrap();
    let federation = finished(options, still());
    // Each answer moves the bias by 0.1 over the expected number, 0.2 * 5; noise is next to nothing.
    let answers: usize = federation.history().iter().map(|record| record.answered.len()).sum();
    let moved = federation.parameters().tensors()[0].values[0] - 0.05;
    assert!((moved - 0.1 * answers as f32).abs() < 1e-3, "{moved} after {answers} answers");
    let empty = federation.history().iter().filter(|record| record.asked.is_empty()).count();
    assert!(empty > 5, "0.8^5 of 60 rounds are 20, {empty} are empty");
    let noisy = FederationOptions { sampling: Sampling::Poisson(0.2), ..private(60, 1.0) };
    let federation = finished(noisy, still());
    assert!(
        federation.history().iter().all(|record| record.update_norm > 0.0),
        "an empty round shows itself"
    );
}
