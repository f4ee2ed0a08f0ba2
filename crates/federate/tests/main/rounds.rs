//! What does not change what comes of a federation, and what is written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fireclay_federate::{
    ClientId, Fate, Federation, FederationEvent, FederationOptions, Metrics, Sampling, Simulation, Step,
};

use crate::support::*;

#[test]
fn threads_and_the_order_of_clients_change_no_bit() {
    let options = FederationOptions { sampling: Sampling::Share(0.6), ..options(6) };
    let reference = finished(options.clone(), simulation(11));
    for threads in [2, 3, 16] {
        let mut turned = clients(11);
        turned.reverse();
        let simulation = Simulation::new(turned).unwrap().threads(threads);
        let federation = finished(options.clone(), simulation);
        assert_eq!(bits(federation.parameters()), bits(reference.parameters()));
        for (found, expected) in federation.history().iter().zip(reference.history()) {
            assert_eq!((&found.asked, &found.answered), (&expected.asked, &expected.answered));
            assert_eq!((found.bytes_in, found.bytes_out), (expected.bytes_in, expected.bytes_out));
            assert_eq!(found.client_metrics, expected.client_metrics);
        }
    }
}

#[test]
fn clients_that_are_late_or_lost_are_left_out() {
    let fate = |client: &ClientId, round: u64, _, step| {
        assert_eq!(step, Step::Training);
        match (client.as_str(), round) {
            ("client-0001", 0) => Fate::Late,
            ("client-0002", 1) => Fate::Lost,
            _ => Fate::Answers,
        }
    };
    let federation = finished(options(3), simulation(4).faults(fate));
    let asked: Vec<usize> = federation.history().iter().map(|record| record.asked.len()).collect();
    assert_eq!(asked, [4, 4, 3]);
    let dropped: Vec<_> = federation
        .history()
        .iter()
        .flat_map(|record| record.dropped.iter().map(|dropped| (record.round, dropped.client.as_str())))
        .collect();
    assert_eq!(dropped, [(0, "client-0001"), (1, "client-0002")]);
    assert!(federation.history()[0].dropped[0].reason.contains("no answer within 600 s"));
}

#[test]
fn metrics_are_weighted_by_samples_and_the_server_tests_too() {
    let mut federation = Federation::new(options(2), begin()).unwrap().evaluation(|parameters| {
        Ok(Metrics::from([("bias".to_owned(), f64::from(parameters.tensors()[0].values[0]))]))
    });
    federation.simulate(simulation(3)).unwrap();
    for record in federation.history() {
        let total: u64 = record.client_metrics.values().map(|client| client.samples).sum();
        let sum: f64 =
            record.client_metrics.values().map(|client| client.samples as f64 * client.metrics["loss"]).sum();
        assert_eq!(record.weight, total);
        assert!((record.metrics["loss"] - sum / total as f64).abs() < 1e-12);
        assert!(record.bytes_in > 0 && record.bytes_out > record.bytes_in / 2 && record.update_norm > 0.0);
    }
    let bias = f64::from(federation.parameters().tensors()[0].values[0]);
    assert_eq!(federation.history()[1].test_metrics["bias"], bias);
}

#[test]
fn hundreds_of_clients_are_no_trouble() {
    let options = FederationOptions { sampling: Sampling::Count(40), ..options(5) };
    let federation = finished(options, simulation(400).threads(4));
    assert!(federation.history().iter().all(|record| record.answered.len() == 40));
}

#[test]
fn a_federation_can_be_stopped() {
    let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = stopped.clone();
    let mut federation =
        Federation::new(options(10), begin()).unwrap().stop_when(stopped).observer(move |event| {
            if let fireclay_federate::FederationEvent::RoundEnded { record, .. } = event
                && record.round == 2
            {
                flag.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
    let error = federation.simulate(simulation(2)).unwrap_err();
    assert!(matches!(error, fireclay_federate::FederateError::Stopped), "{error}");
    assert_eq!(federation.round(), 3);
}

#[test]
fn a_federation_ends_when_it_is_told_that_the_last_round_was_the_last() {
    let ended = Arc::new(AtomicBool::new(false));
    let told = ended.clone();
    let federation = Federation::new(options(9), begin()).unwrap().end_when(ended);
    let mut federation = federation.observer(move |event| {
        if let FederationEvent::RoundEnded { record, .. } = event {
            told.store(record.round == 2, Ordering::Relaxed);
        }
    });
    federation.simulate(simulation(2)).unwrap();
    assert_eq!(federation.round(), 3);
}
