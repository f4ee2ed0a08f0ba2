//! Rounds of which the server sees sums alone.

use fireclay_federate::{
    ClientId, Fate, FederateError, Federation, FederationOptions, LocalTraining, LocalUpdate, MinUpdates,
    Modulus, Parameters, Sampling, SecureAggregation, Simulation, Step, Task, UpdateLimits,
};

use crate::support::*;

fn secure(rounds: u64) -> FederationOptions {
    FederationOptions { secure: Some(SecureAggregation::default()), ..options(rounds) }
}

#[test]
fn it_gives_what_plain_rounds_give_up_to_the_fractions_that_are_kept() {
    let plain = finished(options(10), simulation(6));
    let small = SecureAggregation {
        modulus: Modulus::Bits32,
        clip_range: 4.0,
        fraction_bits: 18,
        ..SecureAggregation::default()
    };
    let limits = UpdateLimits { max_samples: 100, ..UpdateLimits::default() };
    let of_32_bits = FederationOptions { secure: Some(small), limits, ..options(10) };
    for (options, tolerance) in [(secure(10), 1e-6), (of_32_bits, 2e-5)] {
        let federation = finished(options, simulation(6));
        for (found, expected) in numbers(federation.parameters()).into_iter().zip(numbers(plain.parameters()))
        {
            assert!((found - expected).abs() < tolerance, "{found}, not {expected}");
        }
        for (found, expected) in federation.history().iter().zip(plain.history()) {
            assert_eq!(found.weight, expected.weight);
            assert!((found.metrics["loss"] - expected.metrics["loss"]).abs() < 1e-4);
            assert!(found.client_metrics.is_empty(), "the server knows what single clients measured");
            assert_eq!(found.clipped_values, 0);
        }
    }
}

#[test]
fn clients_that_drop_out_are_taken_out_wherever_it_happens() {
    // Up to the masked update a client that is lost is not in the sum, afterwards it is.
    let steps = [Step::Training, Step::Sharing, Step::Masking, Step::Unmasking];
    for fate in [Fate::Late, Fate::Lost] {
        for step in steps {
            let lost = move |client: &ClientId, _, _, at| match client.as_str() {
                "client-0002" | "client-0005" if at == step => fate,
                _ => Fate::Answers,
            };
            let federation = finished(secure(1), simulation(8).faults(lost));
            let record = &federation.history()[0];
            assert_eq!(record.dropped.len(), 2);
            assert!(record.dropped.iter().all(|dropped| dropped.step == step));
            let in_sum = if step == Step::Unmasking { 8 } else { 6 };
            assert_eq!(record.answered.len(), in_sum, "{step}");
            let others = (0..8)
                .filter(|number| in_sum == 8 || ![2, 5].contains(number))
                .map(client)
                .collect::<Vec<_>>();
            let plain = finished(options(1), Simulation::new(others).unwrap());
            for (found, expected) in
                numbers(federation.parameters()).into_iter().zip(numbers(plain.parameters()))
            {
                assert!((found - expected).abs() < 1e-6, "{found}, not {expected}, at {step}");
            }
        }
    }
}

#[test]
fn too_few_that_are_left_fail_the_round() {
    for step in [Step::Sharing, Step::Masking, Step::Unmasking] {
        let lost = move |client: &ClientId, _, attempt, at| match client.as_str() {
            "client-0000" | "client-0001" | "client-0002" if at == step && attempt == 0 => Fate::Late,
            _ => Fate::Answers,
        };
        if step == Step::Unmasking {
            // The sum of another attempt would tell of single clients: the round is lost, and the next one is made.
            let federation = finished(
                secure(2),
                simulation(6).faults(|client, round, attempt, at| {
                    if round == 0 { lost(client, round, attempt, at) } else { Fate::Answers }
                }),
            );
            let [first, second] = federation.history() else { panic!("there are two rounds") };
            let reason = first.lost.as_ref().unwrap();
            assert!(reason.contains("of 4 clients or more, found 3; no update was revealed"), "{reason}");
            assert!(
                first.answered.is_empty() && first.failed_attempts.is_empty() && first.update_norm == 0.0
            );
            assert!(second.lost.is_none() && second.answered.len() == 6);
            continue;
        }
        let one = FederationOptions { attempts: 1, ..secure(1) };
        let error = Federation::new(one, begin()).unwrap().simulate(simulation(6).faults(lost)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("of 4 clients or more, found 3; no update was revealed"), "{source}");
        // Tried again, it succeeds.
        let federation = finished(secure(1), simulation(6).faults(lost));
        assert_eq!(federation.history()[0].failed_attempts.len(), 1);
        assert_eq!(federation.history()[0].answered.len(), 6);
    }
}

#[test]
fn a_sum_of_too_few_is_not_asked_for() {
    let lost = |client: &ClientId, _, _, at| match client.as_str() {
        "client-0000" if at == Step::Masking => Fate::Late,
        _ => Fate::Answers,
    };
    let options = FederationOptions { min_updates: MinUpdates::Count(4), attempts: 1, ..secure(1) };
    let error = Federation::new(options, begin()).unwrap().simulate(simulation(4).faults(lost)).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("the masked updates of 4 clients or more, found 3"), "{source}");
    let error = Federation::new(secure(1), begin()).unwrap().simulate(simulation(2)).unwrap_err();
    assert!(matches!(error, FederateError::TooFewClients { expected: 3, found: 2, .. }), "{error}");
}

#[test]
fn a_sample_that_is_too_small_for_a_sum_loses_its_round_alone() {
    let options = FederationOptions { sampling: Sampling::Poisson(0.5), attempts: 2, ..secure(2) };
    let late = |_: &ClientId, round, _, _| if round == 0 { Fate::Late } else { Fate::Answers };
    let federation = finished(options, simulation(12).faults(late));
    let [first, second] = federation.history() else { panic!("there are two rounds") };
    assert!(first.lost.as_ref().unwrap().contains("expected 3 updates or more"), "{:?}", first.lost);
    assert_ne!(first.failed_attempts[0].asked, first.asked, "the same sample is asked again");
    assert!(second.lost.is_none());
}

#[test]
fn clients_check_what_the_server_cannot_see() {
    let lies: [(f32, u64, &str); 3] = [
        (f32::NAN, 5, "finite values"),
        (1e6, 5, "a norm of the update"),
        (1.0, 2_000_000, "1 to 1000000 samples"),
    ];
    for (value, samples, expected) in lies {
        let lie = move |_: &Task, global: &Parameters| {
            let mut tensors = global.tensors().to_vec();
            tensors[0].values[0] = value;
            Ok(LocalUpdate { parameters: Parameters::new(tensors)?, samples, metrics: Default::default() })
        };
        let liar: (_, Box<dyn LocalTraining>) = (ClientId::numbered(9), Box::new(lie));
        let limits = UpdateLimits { max_norm: Some(100.0), ..UpdateLimits::default() };
        let simulation = Simulation::new(clients(3).into_iter().chain([liar])).unwrap();
        let federation = finished(FederationOptions { limits, ..secure(1) }, simulation);
        let dropped = &federation.history()[0].dropped[0];
        assert_eq!(dropped.client, ClientId::numbered(9));
        assert!(dropped.reason.contains(expected), "{}", dropped.reason);
    }
}

#[test]
fn values_beyond_the_range_are_clipped_and_counted() {
    let settings = SecureAggregation { clip_range: 0.01, ..SecureAggregation::default() };
    let federation = finished(FederationOptions { secure: Some(settings), ..options(1) }, simulation(3));
    let record = &federation.history()[0];
    assert!(record.clipped_values > 0 && record.clipped_values <= 9);
    let largest = numbers(federation.parameters())
        .into_iter()
        .zip(numbers(&begin()))
        .map(|(after, before)| (after - before).abs())
        .fold(0.0, f32::max);
    assert!(largest <= 0.010001, "{largest}");
}

#[test]
fn more_clients_than_the_numbers_have_room_for_are_refused_before_they_train() {
    let settings = SecureAggregation { fraction_bits: 35, ..SecureAggregation::default() };
    let limits = UpdateLimits { max_samples: 1_000_000, ..UpdateLimits::default() };
    let options = FederationOptions { secure: Some(settings), limits, ..options(1) };
    let error = Federation::new(options, begin()).unwrap().simulate(simulation(20)).unwrap_err();
    assert!(matches!(error, FederateError::SecureOverflow { clients: 20, bits: 64, .. }), "{error}");
}
