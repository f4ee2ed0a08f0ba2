//! Updates that are refused: their client is named, and the round goes on.

use fireclay_federate::{
    ClientId, FederateError, Federation, FederationOptions, LocalTraining, LocalUpdate, Metrics, MinUpdates,
    Parameters, Simulation, Task, Tensor, UpdateLimits,
};

use crate::support::*;

fn lying(lie: fn(&Parameters) -> Result<LocalUpdate>) -> Simulation<'static> {
    let training = move |_: &Task, global: &Parameters| lie(global);
    let liar: (_, Box<dyn LocalTraining>) = (ClientId::numbered(1), Box::new(training));
    Simulation::new([client(0), liar, client(2)]).unwrap()
}

fn update(parameters: Parameters, samples: u64) -> Result<LocalUpdate> {
    Ok(LocalUpdate { parameters, samples, metrics: Metrics::new() })
}

fn filled(global: &Parameters, value: f32) -> Parameters {
    let mut tensors = global.tensors().to_vec();
    tensors[1].values[1] = value;
    Parameters::new(tensors).unwrap()
}

#[test]
fn lies_are_refused_and_the_others_go_on() {
    type Lie = fn(&Parameters) -> Result<LocalUpdate>;
    let lies: [(Lie, &str); 9] = [
        (|global| update(filled(global, f32::NAN), 5), "tensor \"weight\": expected finite values"),
        (|global| update(filled(global, f32::INFINITY), 5), "at place 1"),
        (|global| update(filled(global, 1e6), 5), "a norm of the update of 100 at most"),
        (|global| update(global.clone(), 0), "1 to 1000000 samples, found 0"),
        (|global| update(global.clone(), u64::MAX), "found 18446744073709551615"),
        (|global| update(Parameters::new(global.tensors()[1..].to_vec())?, 5), "tensor \"bias\" is missing"),
        (
            |global| {
                let weight = Tensor { name: "weight".into(), shape: vec![2, 1], values: vec![0.0; 2] };
                update(Parameters::new([global.tensors()[0].clone(), weight])?, 5)
            },
            "expected shape [1, 2], found [2, 1]",
        ),
        (
            |global| {
                let metrics = Metrics::from([("loss".to_owned(), f64::NAN)]);
                Ok(LocalUpdate { parameters: global.clone(), samples: 5, metrics })
            },
            "metric \"loss\"",
        ),
        (
            |global| {
                let metrics = Metrics::from([("loss".to_owned(), -1e31)]);
                Ok(LocalUpdate { parameters: global.clone(), samples: 5, metrics })
            },
            "metric \"loss\"",
        ),
    ];
    let limits = UpdateLimits { max_norm: Some(100.0), ..UpdateLimits::default() };
    let without = finished(options(3), Simulation::new([client(0), client(2)]).unwrap());
    for (lie, expected) in lies {
        let federation = finished(FederationOptions { limits, ..options(3) }, lying(lie));
        assert_eq!(bits(federation.parameters()), bits(without.parameters()));
        for record in federation.history() {
            assert_eq!(record.refused.len(), 1);
            assert_eq!(record.refused[0].client, ClientId::numbered(1));
            let reason = record.refused[0].refusal.to_string();
            assert!(reason.contains(expected), "{reason}, not {expected}");
            assert_eq!(record.answered, [ClientId::numbered(0), ClientId::numbered(2)]);
            assert_eq!(record.asked.len(), 3);
        }
    }
}

#[test]
fn answers_that_are_too_long_end_the_client() {
    let long = |_: &Parameters| {
        let tensor = Tensor { name: "w".into(), shape: vec![1 << 16], values: vec![0.0; 1 << 16] };
        update(Parameters::new([tensor])?, 5)
    };
    let federation = finished(options(2), lying(long));
    let reason = federation.history()[0].refused[0].refusal.to_string();
    assert!(reason.contains("bytes at most, found 26"), "{reason}");
    assert_eq!(federation.history()[1].asked, [ClientId::numbered(0), ClientId::numbered(2)]);
}

#[test]
fn trainings_that_fail_are_named_with_their_reason() {
    let federation = finished(options(2), lying(|_| Err("the disk is full".into())));
    let dropped = &federation.history()[0].dropped[0];
    assert_eq!(dropped.client, ClientId::numbered(1));
    assert_eq!(dropped.reason, "the disk is full");
}

#[test]
fn a_round_without_enough_updates_is_repeated_and_then_fails() {
    let mut events = Vec::new();
    let options = FederationOptions { min_updates: MinUpdates::Share(0.9), attempts: 2, ..options(3) };
    let mut federation = Federation::new(options, begin()).unwrap().observer(|event| {
        if let fireclay_federate::FederationEvent::AttemptFailed { attempt, error, .. } = event {
            events.push((*attempt, error.to_string()));
        }
    });
    let error = federation.simulate(lying(|_| Err("the disk is full".into()))).unwrap_err();
    assert!(matches!(&error, FederateError::RoundFailed { round: 0, attempts: 2, .. }), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("expected 3 updates or more of 3 clients, found 2"), "{source}");
    assert_eq!(numbers(federation.parameters()), numbers(&begin()));
    drop(federation);
    assert_eq!(events.iter().map(|(attempt, _)| *attempt).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn an_attempt_that_succeeds_remembers_those_before() {
    let mut calls = 0;
    let training = move |_: &Task, global: &Parameters| {
        calls += 1;
        if calls == 1 { Err("not yet".into()) } else { update(global.clone(), 5) }
    };
    let late: (_, Box<dyn LocalTraining>) = (ClientId::numbered(1), Box::new(training));
    let options = FederationOptions { min_updates: MinUpdates::Share(1.0), ..options(1) };
    let federation = finished(options, Simulation::new([client(0), late]).unwrap());
    let record = &federation.history()[0];
    assert_eq!(record.failed_attempts.len(), 1);
    assert_eq!(record.failed_attempts[0].dropped[0].reason, "not yet");
    assert_eq!(record.answered.len(), 2);
}

#[test]
fn too_few_clients_end_the_federation_with_their_number() {
    let options = FederationOptions { min_clients: Some(4), ..options(1) };
    let error = Federation::new(options, begin()).unwrap().simulate(simulation(3)).unwrap_err().to_string();
    assert!(error.contains("round 1: expected 4 registered clients or more, found 3"), "{error}");
    let twice = Simulation::new([client(0), client(0)]).err().unwrap().to_string();
    assert!(twice.contains("two clients are called client-0000"), "{twice}");
}

#[test]
fn a_step_that_leaves_the_numbers_is_refused() {
    let optimizer = fireclay_federate::ServerOptimizer::FedAvg { learning_rate: 1e300 };
    let options = FederationOptions { optimizer, ..options(1) };
    let error = Federation::new(options, begin()).unwrap().simulate(simulation(2)).unwrap_err();
    assert!(matches!(error, FederateError::Diverged { round: 0, .. }), "{error}");
}
