//! Federations that go on from a checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fireclay_federate::{
    ClientId, FederateError, Federation, FederationEvent, FederationOptions, LocalTraining, LocalUpdate,
    Metrics, Parameters, Sampling, SecureAggregation, ServerOptimizer, Simulation, Step, Task,
};

use crate::support::*;

#[test]
fn a_federation_that_goes_on_is_one_that_was_never_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    for optimizer in [ServerOptimizer::FEDAVG, ServerOptimizer::FEDAVGM, ServerOptimizer::FEDADAM] {
        let path = folder.path().join("federation");
        let whole = FederationOptions { optimizer, sampling: Sampling::Share(0.5), ..options(7) };
        let unbroken = finished(whole.clone(), simulation(6));

        let part = FederationOptions { rounds: 3, ..whole.clone() };
        let mut first = Federation::new(part, begin()).unwrap().checkpoint(&path);
        first.simulate(simulation(6)).unwrap();
        drop(first);
        let mut second = Federation::resume(whole, &path).unwrap();
        assert_eq!(second.round(), 3);
        second.simulate(simulation(6)).unwrap();
        assert_eq!(bits(second.parameters()), bits(unbroken.parameters()));
        for (found, expected) in second.history().iter().zip(unbroken.history()) {
            assert_eq!((&found.asked, &found.client_metrics), (&expected.asked, &expected.client_metrics));
        }
    }
}

#[test]
fn checkpoints_follow_each_round_and_belong_to_their_options() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let mut saved = 0;
    let mut federation = Federation::new(options(4), begin()).unwrap().checkpoint(&path).observer(|event| {
        if let FederationEvent::CheckpointSaved { .. } = event {
            saved += 1;
        }
    });
    federation.simulate(simulation(2)).unwrap();
    drop(federation);
    assert_eq!(saved, 4);
    let error = Federation::resume(FederationOptions { seed: 9, ..options(4) }, &path).err().unwrap();
    assert!(error.to_string().contains("seed is 3 in the file and now 9"), "{error}");
    let done = Federation::resume(options(4), &path).unwrap();
    assert_eq!(done.round(), 4);
    let error = Federation::resume(options(4), folder.path().join("none")).err().unwrap();
    assert!(matches!(error, FederateError::File { action: "open", .. }), "{error}");
}

#[test]
fn a_round_is_not_made_again_once_masks_were_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let options = FederationOptions { secure: Some(SecureAggregation::default()), ..options(3) };
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = stopped.clone();
    let mut before = Vec::new();
    let mut federation =
        Federation::new(options.clone(), begin()).unwrap().checkpoint(&path).stop_when(stopped).observer(
            |event| match event {
                FederationEvent::RoundEnded { parameters, .. } => before = bits(parameters),
                FederationEvent::ClientAnswered { round: 1, step: Step::Unmasking, .. } => {
                    flag.store(true, Ordering::Relaxed);
                }
                _ => {}
            },
        );
    assert!(matches!(federation.simulate(simulation(4)), Err(FederateError::Stopped)));
    drop(federation);
    let mut after = Vec::new();
    let mut federation = Federation::resume(options, &path).unwrap().observer(|event| {
        if let FederationEvent::RoundEnded { parameters, record } = event
            && record.round == 1
        {
            after = bits(parameters);
        }
    });
    federation.simulate(simulation(4)).unwrap();
    let lost: Vec<bool> = federation.history().iter().map(|record| record.lost.is_some()).collect();
    assert_eq!(lost, [false, true, false]);
    drop(federation);
    assert_eq!(before, after);
}

#[test]
fn what_is_measured_is_read_back_whatever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let large = |_: &Task, global: &Parameters| {
        let metrics = Metrics::from([("loss".to_owned(), 1e30)]);
        Ok(LocalUpdate { parameters: global.clone(), samples: 1_000_000, metrics })
    };
    let clients = (0..3).map(|number| {
        let training: Box<dyn LocalTraining> = Box::new(large);
        (ClientId::numbered(number), training)
    });
    let mut federation = Federation::new(options(1), begin()).unwrap().checkpoint(&path).evaluation(|_| {
        let metrics = [("nan", f64::NAN), ("infinite", f64::INFINITY), ("loss", 0.5)];
        Ok(metrics.map(|(name, value)| (name.to_owned(), value)).into())
    });
    federation.simulate(Simulation::new(clients).unwrap()).unwrap();
    let read = Federation::resume(options(1), &path).unwrap();
    assert_eq!(read.history(), federation.history());
    let record = &read.history()[0];
    assert_eq!(record.test_metrics, Metrics::from([("loss".to_owned(), 0.5)]));
    assert!((record.metrics["loss"] / 1e30 - 1.0).abs() < 1e-12);
}

#[test]
fn a_test_that_fails_loses_no_round() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let mut federation =
        Federation::new(options(2), begin()).unwrap().checkpoint(&path).evaluation(|_| Err("no data".into()));
    let error = federation.simulate(simulation(2)).unwrap_err();
    assert!(matches!(error, FederateError::Evaluation { round: 0, .. }), "{error}");
    let read = Federation::resume(options(2), &path).unwrap();
    assert_eq!((read.round(), bits(read.parameters())), (1, bits(federation.parameters())));
    assert_ne!(bits(read.parameters()), bits(&begin()));
}

#[test]
fn a_round_is_counted_before_anybody_sees_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let seen = path.clone();
    let mut federation =
        Federation::new(options(2), begin()).unwrap().checkpoint(&path).observer(move |event| {
            if let FederationEvent::RoundEnded { record, .. } = event {
                assert_eq!(Federation::resume(options(2), &seen).unwrap().round(), record.round + 1);
            }
        });
    federation.simulate(simulation(2)).unwrap();
}

#[test]
fn what_must_be_as_it_was_is_compared_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let setup = |clients: &str| BTreeMap::from([("clients".to_owned(), clients.to_owned())]);
    let first = Federation::new(options(2), begin()).unwrap().checkpoint(&path);
    first.setup(setup("2")).unwrap().simulate(simulation(2)).unwrap();
    let resumed = || Federation::resume(options(4), &path).unwrap();
    resumed().setup(setup("2")).unwrap().simulate(simulation(2)).unwrap();
    let error = resumed().setup(setup("3")).err().unwrap().to_string();
    assert!(error.contains("clients is 2 in the file and now 3"), "{error}");
    let error = resumed().setup(BTreeMap::new()).err().unwrap().to_string();
    assert!(error.contains("clients is 2 in the file and now nothing"), "{error}");
}
