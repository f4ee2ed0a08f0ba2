//! Means that a few liars cannot move.

use fireclay_federate::{
    Aggregation, ClientId, FederateError, Federation, FederationOptions, LocalTraining, LocalUpdate,
    Parameters, SecureAggregation, Simulation, Task,
};

use crate::support::*;

/// Nine honest clients and one that sends huge numbers and says that it has many samples.
fn with_a_liar() -> Simulation<'static> {
    let lie = |_: &Task, global: &Parameters| {
        let mut tensors = global.tensors().to_vec();
        tensors.iter_mut().for_each(|tensor| tensor.values.fill(1e6));
        Ok(LocalUpdate { parameters: Parameters::new(tensors)?, samples: 1_000, metrics: Default::default() })
    };
    let liar: (_, Box<dyn LocalTraining>) = (ClientId::numbered(9), Box::new(lie));
    Simulation::new(clients(9).into_iter().chain([liar])).unwrap()
}

#[test]
fn robust_aggregation_withstands_a_liar_and_the_mean_does_not() {
    for (aggregation, withstands) in
        [(Aggregation::Mean, false), (Aggregation::Median, true), (Aggregation::TrimmedMean(0.1), true)]
    {
        let options = FederationOptions { aggregation, ..options(80) };
        let federation = finished(options, with_a_liar());
        let far = numbers(federation.parameters())
            .into_iter()
            .zip([1.0, 3.0, -2.0])
            .map(|(found, expected)| (found - expected).abs())
            .fold(0.0, f32::max);
        assert_eq!(far < 0.2, withstands, "{far} off by {aggregation:?}");
    }
}

#[test]
fn robust_aggregation_is_refused_with_secure_aggregation_at_the_start() {
    let options = FederationOptions {
        aggregation: Aggregation::Median,
        secure: Some(SecureAggregation::default()),
        ..options(1)
    };
    let error = Federation::new(options, begin()).err().unwrap();
    assert!(
        matches!(error, FederateError::Together { first: "secure", second: "aggregation", .. }),
        "{error}"
    );
}
