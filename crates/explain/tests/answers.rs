//! What is explained is what the model answers, whatever kind of answer that is.

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_explain::{Explainer, IntegratedGradients, Question, Target};
use fireclay_nn::{Device, ModelSpec, TestTimeAugmentation};
use fireclay_train::{Adam, FitOptions, Predictor, Sample, Trainer};

/// Whether the first of two numbers is above 0, learnt as `trainer` does it.
fn learnt(
    spec: ModelSpec,
    targets: Targets,
    make: fn(fireclay_nn::Model) -> Trainer<fireclay_nn::Model>,
) -> Predictor {
    let data = Dataset::from_f32(&[2], points(), targets, Provenance::default()).unwrap();
    let mut trainer = make(spec.build_seeded(1, &Device::default()).unwrap()).optimizer(Adam::new(0.05));
    trainer.fit(&data, &FitOptions { epochs: 10, ..FitOptions::default() }).unwrap();
    trainer.predictor()
}

fn points() -> Vec<f32> {
    (0..400).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect()
}

fn above() -> Vec<bool> {
    points().chunks(2).map(|point| point[0] > 0.0).collect()
}

/// What is explained of a point, by its own answer: the class, the answer, and the output beside that of the network.
fn explained(predictor: &Predictor, point: [f32; 2]) -> (String, String, [f32; 2]) {
    let explainer = Explainer::new(predictor).unwrap();
    let sample = explainer.sample(point).unwrap();
    let prediction = predictor.predict(point).unwrap();
    let asked = Question::default().of(predictor, &prediction).unwrap();
    let found =
        explainer.integrated_gradients(&sample, &asked.target, &IntegratedGradients::default()).unwrap();
    (asked.class.unwrap(), asked.answer, [found.output, prediction.outputs()[0]])
}

#[test]
fn a_single_logit_is_for_yes_and_against_no() {
    let values: Vec<f32> = above().into_iter().map(|above| f32::from(u8::from(above))).collect();
    let targets = Targets::Values { width: 1, values: values.clone() };
    let predictor = learnt(ModelSpec::new([2]).dense(1), targets, Trainer::binary);
    let (class, answer, [output, logit]) = explained(&predictor, [0.9, -0.3]);
    assert!(class == "1" && answer.starts_with("1 ") && logit > 0.0 && (output - logit).abs() < 1e-5);
    let (class, answer, [output, logit]) = explained(&predictor, [-0.9, -0.3]);
    assert!(class == "0" && answer.starts_with("0 ") && logit < 0.0 && (output + logit).abs() < 1e-5);

    let targets = Targets::Labels { values, names: vec!["above".into()] };
    let predictor = learnt(ModelSpec::new([2]).dense(1), targets, Trainer::multi_label);
    for (point, expected) in [([0.9, -0.3], "above"), ([-0.9, -0.3], "no label")] {
        let (class, answer, [output, logit]) = explained(&predictor, point);
        assert_eq!((class.as_str(), answer.as_str()), ("above", expected));
        assert!((output - logit).abs() < 1e-5);
    }
}

#[test]
fn of_several_labels_the_most_probable_is_explained() {
    let values =
        above().into_iter().flat_map(|above| [u8::from(above), u8::from(!above)]).map(f32::from).collect();
    let targets = Targets::Labels { values, names: vec!["above".into(), "below".into()] };
    let predictor = learnt(ModelSpec::new([2]).dense(2), targets, Trainer::multi_label);
    let prediction = predictor.predict([-0.9, 0.0]).unwrap();
    let asked = Question::default().of(&predictor, &prediction).unwrap();
    assert_eq!(
        (asked.class.as_deref(), asked.answer.as_str(), asked.is_answered),
        (Some("below"), "below", false)
    );
    assert_eq!(asked.target, Target::output(1));
}

#[test]
fn several_views_of_an_image_are_explained_as_one_answer() {
    let spec = ModelSpec::new([1, 6, 6]).conv2d(4, 3).relu().flatten().dense(3);
    let spec = spec.test_time_augmentation(TestTimeAugmentation::Mirrored);
    let predictor = Trainer::classification(spec.build_seeded(2, &Device::default()).unwrap()).predictor();
    let explainer = Explainer::new(&predictor).unwrap();
    let pixels: Vec<u8> = (0..36).map(|at| (at * 7) as u8).collect();
    let expected = predictor.predict(Sample::Pixels(&pixels)).unwrap().outputs()[1];
    let sample = explainer.sample(Sample::Pixels(&pixels)).unwrap();
    let found =
        explainer.integrated_gradients(&sample, &Target::output(1), &IntegratedGradients::default()).unwrap();
    assert!((found.output - expected).abs() < 1e-5, "{} {expected}", found.output);
    assert!(found.remainder().abs() <= 0.01 * (found.output - found.baseline_output).abs());
}

#[test]
fn what_is_no_number_and_what_is_not_there_are_errors() {
    let predictor =
        Trainer::classification(ModelSpec::new([2]).dense(3).build(&Device::default()).unwrap()).predictor();
    let explainer = Explainer::new(&predictor).unwrap();
    let broken = explainer.sample([f32::NAN, 1.0]).unwrap();
    let whole = explainer.sample([0.5, 1.0]).unwrap();
    let message = |sample, target| explainer.saliency(sample, &target).unwrap_err().to_string();
    assert!(message(&broken, Target::output(0)).contains("not a finite number"));
    assert_eq!(message(&whole, Target::output(3)), "there is no output 3; expected 0 to 2");
    assert!(
        explainer
            .grad_cam(&whole, &Target::output(0), None)
            .unwrap_err()
            .to_string()
            .contains("convolutions")
    );
    assert!(explainer.sample([1.0; 3]).unwrap_err().to_string().contains("3 numbers"));
    let steps = ModelSpec::new([4, 2]).dense(3).build(&Device::default()).unwrap();
    let error = Explainer::new(&Trainer::classification(steps).predictor()).unwrap_err();
    assert!(error.to_string().contains("each of 4 steps"), "{error}");
}
