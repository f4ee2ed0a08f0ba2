//! Explanations are of what a network has learnt: with other weights they are others.

use fireclay_datasets::DrawnDigits;
use fireclay_explain::{
    Encoded, ExplainError, Explainer, IntegratedGradients, Occlusion, SmoothGrad, Target,
};
use fireclay_nn::{Device, ModelSpec};
use fireclay_train::{Adam, FitOptions, Sample, Trainer};

/// Another than that of the network: weights as it began with are like those that it has learnt.
const SEED: u64 = 17;

#[test]
fn another_head_makes_other_maps() {
    let (train, test) = DrawnDigits::new(0).train_and_test(1024, 64);
    let spec =
        ModelSpec::new([1, 28, 28]).conv2d(8, 3).relu().max_pool2d(2).conv2d(16, 3).relu().max_pool2d(2);
    let model = spec.flatten().dense(32).relu().dense(10).build_seeded(0, &Device::default()).unwrap();
    let mut trainer = Trainer::classification(model).optimizer(Adam::new(2e-3));
    trainer.fit(&train, &FitOptions { epochs: 12, batch_size: 32, ..FitOptions::default() }).unwrap();
    assert!(trainer.evaluate(&test).unwrap().accuracy().unwrap() > 0.8);

    let explainer = Explainer::new(&trainer.predictor()).unwrap();
    let samples: Vec<(Encoded, Target)> = (0..16)
        .map(|index| {
            let sample = explainer.sample(Sample::Pixels(test.raw_u8(index).unwrap())).unwrap();
            (sample, Target::output(test.label(index).unwrap() as usize))
        })
        .collect();
    type Method = fn(&Explainer, &Encoded, &Target) -> Result<Vec<f32>, ExplainError>;
    let methods: [(&str, Method); 5] = [
        ("integrated gradients", |explainer, sample, target| {
            let options = IntegratedGradients { most_steps: 32, ..IntegratedGradients::default() };
            Ok(explainer.integrated_gradients(sample, target, &options)?.values)
        }),
        ("gradient times input", |explainer, sample, target| {
            Ok(explainer.gradient_times_input(sample, target)?.values)
        }),
        ("SmoothGrad", |explainer, sample, target| {
            Ok(explainer
                .smooth_grad(sample, target, &SmoothGrad { samples: 10, ..SmoothGrad::default() })?
                .values)
        }),
        ("occlusion", |explainer, sample, target| {
            let options = Occlusion { patch: [4, 4], stride: [2, 2], baseline: None };
            Ok(explainer.occlusion(sample, target, &options)?.values)
        }),
        ("Grad-CAM", |explainer, sample, target| Ok(explainer.grad_cam(sample, target, None)?.map)),
    ];
    for (name, method) in methods {
        let all = |explainer: &Explainer| {
            samples.iter().map(|(sample, target)| method(explainer, sample, target)).collect()
        };
        let found = explainer.randomization_check(SEED, all).unwrap();
        let layers: Vec<&str> = found.iter().map(|layer| layer.layer.as_str()).collect();
        assert_eq!(layers, ["dense_2", "dense_1", "conv2d_2", "conv2d_1"]);
        let of_the_head = found[0].correlation.unwrap();
        assert!(of_the_head < 0.3, "{name}: {found:?}");
    }
}
