//! The same seed gives the same weights, whatever other threads build.

use burn::tensor::Device;
use fireclay_backend::random_turn;
use fireclay_nn::{ModelSpec, state};

#[test]
fn models_built_in_parallel_threads_are_those_built_alone() {
    let device = Device::flex();
    let spec = ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().flatten().dense(32).relu().dense(5);
    let build = |seed: u64| state(&spec.build_seeded(seed, &device).unwrap());
    let alone: Vec<_> = (0..4).map(build).collect();
    assert_ne!(alone[0], alone[1]);
    for _ in 0..3 {
        let together: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || build(seed))).collect();
            // A model without a seed draws in a turn of its own.
            scope.spawn(|| spec.build(&device).unwrap());
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(together, alone);
    }
}

#[test]
fn a_seed_is_the_devices_seed() {
    let device = Device::flex();
    let spec = ModelSpec::tokens(5).embedding(9, 4).lstm(3).dense(2);
    let _turn = random_turn();
    device.seed(31);
    let by_hand = state(&spec.build(&device).unwrap());
    assert_eq!(state(&spec.build_seeded(31, &device).unwrap()), by_hand);
}
