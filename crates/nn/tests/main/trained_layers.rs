//! Layers that the data sets know whether that was done: by their weights, wherever those come from.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_nn::{
    AnyTensor, Model, ModelSpec, NaiveBayesBagSpec, Network, Target, WhiteningSpec, load_state, state,
};

/// Networks with such a layer, and a batch of what they take.
fn networks(device: &Device) -> Vec<(ModelSpec, AnyTensor, &'static str)> {
    let pixels: Vec<f32> = (0..4 * 2 * 5 * 6).map(|at| ((at * at + 3 * at) % 17) as f32 / 17.0).collect();
    let tokens = (0..12).map(|at| at * 5 % 7).collect();
    vec![
        (
            ModelSpec::new([2, 5, 6]).layer(WhiteningSpec::new(2)).gelu().flatten().dense(2),
            AnyTensor::from_values(pixels, &[4, 2, 5, 6], device),
            "whitening_1",
        ),
        (
            ModelSpec::tokens(3).layer(NaiveBayesBagSpec::new(7, 2)),
            AnyTensor::from_tokens(tokens, &[4, 3], device),
            "naive_bayes_bag_1",
        ),
    ]
}

fn adapted(model: Model, input: &AnyTensor, device: &Device) -> Model {
    let target = Target::Classes(Tensor::from_ints([0, 1, 1, 0], device));
    let batches = || -> Box<dyn Iterator<Item = (AnyTensor, Target)>> {
        Box::new(std::iter::once((input.clone(), target.clone())))
    };
    model.adapt(&batches)
}

#[test]
fn a_layer_that_was_set_is_not_set_again() {
    let device = Device::flex();
    for (spec, input, layer) in networks(&device) {
        let build = || spec.build_seeded(3, &device).unwrap();
        assert!(build().adapts(), "{layer} is new");
        assert!(build().train().adapts(), "{layer} is new in training");
        let trained = adapted(build(), &input, &device);
        assert!(!trained.adapts(), "{layer} was set");
        assert!(!trained.clone().train().adapts(), "{layer} was set");

        let weights = state(&trained);
        let loaded = load_state(build(), weights.clone()).unwrap();
        assert!(!loaded.adapts(), "{layer} came with the weights");
        let again = adapted(loaded, &input, &device);
        assert_eq!(state(&again), weights, "{layer} stays as it was");

        let (whole, _) = build().with_all_weights_of(&trained);
        assert!(!whole.adapts(), "{layer} came from another model");
        assert!(!build().with_layers_of(&trained, [layer]).unwrap().adapts(), "{layer} came by name");
        // Weights of a network that never saw data leave it to be set.
        assert!(load_state(build(), state(&build())).unwrap().adapts(), "{layer} was never set");
        assert!(!build().freeze([layer]).unwrap().adapts(), "{layer} is frozen");
    }
}
