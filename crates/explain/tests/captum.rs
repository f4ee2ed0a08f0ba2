//! Attributions are those of Captum for the same weights, and attention rollout is that of PyTorch in plain operations:
//! `fixtures/make.py`.

use std::collections::BTreeMap;
use std::path::Path;

use fireclay_explain::{Encoded, Explainer, IntegratedGradients, Occlusion, Target};
use fireclay_nn::{Device, ModelSpec, NamedTensor, load_state};
use fireclay_train::Trainer;
use safetensors::{Dtype, SafeTensors};

/// A network of `fixtures` with samples and what Captum says of them.
struct Case {
    name: &'static str,
    explainer: Explainer,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    metadata: BTreeMap<String, String>,
}

impl Case {
    fn open(name: &'static str) -> Case {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{name}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata: BTreeMap<String, String> = header
            .metadata()
            .as_ref()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let tensors: BTreeMap<_, _> = SafeTensors::deserialize(&bytes)
            .unwrap()
            .iter()
            .map(|(name, tensor)| {
                let values: Vec<f32> = match tensor.dtype() {
                    Dtype::F32 => {
                        tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
                    }
                    Dtype::I64 => tensor
                        .data()
                        .as_chunks::<8>()
                        .0
                        .iter()
                        .map(|b| i64::from_le_bytes(*b) as f32)
                        .collect(),
                    other => panic!("{name}: {other:?}"),
                };
                (name.to_owned(), (tensor.shape().to_vec(), values))
            })
            .collect();
        let spec = ModelSpec::from_json(&metadata["spec"]).unwrap();
        let weights = spec.tensors().unwrap().into_iter().map(|tensor| {
            let (shape, values) = &tensors[&tensor.name];
            NamedTensor { name: tensor.name, shape: shape.clone(), values: values.clone() }
        });
        let model = load_state(spec.build(&Device::default()).unwrap(), weights.collect()).unwrap();
        let explainer = Explainer::new(&Trainer::classification(model).predictor()).unwrap();
        Case { name, explainer, tensors, metadata }
    }

    fn samples(&self) -> usize {
        self.tensors["input"].0[0]
    }

    /// What a tensor has for a sample.
    fn of(&self, tensor: &str, sample: usize) -> &[f32] {
        let values = &self.tensors[tensor].1;
        let width = values.len() / self.samples();
        &values[sample * width..(sample + 1) * width]
    }

    fn sample(&self, sample: usize) -> Encoded {
        let values = self.of("input", sample);
        match self.explainer.shape().len() {
            1 if self.name != "linear" => {
                let tokens: Vec<u32> = values.iter().map(|token| *token as u32).collect();
                self.explainer.sample(&tokens[..]).unwrap()
            }
            _ => self.explainer.sample(values).unwrap(),
        }
    }

    fn target(&self, sample: usize) -> Target {
        Target::output(self.of("targets", sample)[0] as usize)
    }

    /// Compares what is found for each sample with a tensor, by its greatest value over all samples.
    fn check(&self, tensor: &str, find: impl Fn(Encoded, Target, usize) -> Vec<f32>) {
        let scale = self.tensors[tensor].1.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(scale > 0.0);
        for sample in 0..self.samples() {
            let found = find(self.sample(sample), self.target(sample), sample);
            let expected = self.of(tensor, sample);
            assert_eq!(found.len(), expected.len(), "{} {tensor}", self.name);
            let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            assert!(apart <= 1e-4 * scale, "{} {tensor}, sample {sample}: {apart} of {scale}", self.name);
        }
    }

    /// Captum's steps.
    fn fifty(&self, baseline: Option<Vec<f32>>) -> IntegratedGradients {
        IntegratedGradients { steps: 50, most_steps: 50, baseline, ..IntegratedGradients::default() }
    }
}

#[test]
fn gradients_of_numbers_agree() {
    for case in ["linear", "cnn", "resnet"].map(Case::open) {
        let explainer = &case.explainer;
        case.check("saliency", |sample, target, _| explainer.saliency(&sample, &target).unwrap().values);
        case.check("input_x_gradient", |sample, target, _| {
            explainer.gradient_times_input(&sample, &target).unwrap().values
        });
        case.check("integrated_gradients.zero", |sample, target, _| {
            explainer.integrated_gradients(&sample, &target, &case.fifty(None)).unwrap().values
        });
        case.check("integrated_gradients.other", |sample, target, index| {
            let options = case.fifty(Some(case.of("baseline", index).to_vec()));
            explainer.integrated_gradients(&sample, &target, &options).unwrap().values
        });
    }
}

#[test]
fn of_a_linear_model_both_are_equal() {
    let case = Case::open("linear");
    for sample in 0..case.samples() {
        let (encoded, target) = (case.sample(sample), case.target(sample));
        let product = case.explainer.gradient_times_input(&encoded, &target).unwrap();
        let integrated = case.explainer.integrated_gradients(&encoded, &target, &case.fifty(None)).unwrap();
        for (one, other) in product.values.iter().zip(&integrated.values) {
            assert!((one - other).abs() <= 2.0 * f32::EPSILON * one.abs(), "{one} {other}");
        }
    }
}

#[test]
fn what_is_lacking_agrees_and_more_steps_lessen_it() {
    for case in ["cnn", "resnet"].map(Case::open) {
        case.check("integrated_gradients.delta", |sample, target, _| {
            let found = case.explainer.integrated_gradients(&sample, &target, &case.fifty(None)).unwrap();
            let few = IntegratedGradients { steps: 1, most_steps: 1, ..IntegratedGradients::default() };
            let enough = IntegratedGradients { steps: 1, ..IntegratedGradients::default() };
            let [few, enough] = [few, enough]
                .map(|options| case.explainer.integrated_gradients(&sample, &target, &options).unwrap());
            let bound = 0.01 * (enough.output - enough.baseline_output).abs();
            assert!(few.remainder().abs() > bound && enough.remainder().abs() <= bound, "{}", enough.steps);
            let answer = case.explainer.output(&sample, &target).unwrap();
            assert!((found.output - answer).abs() <= 1e-5 * answer.abs());
            vec![-found.remainder()]
        });
    }
}

#[test]
fn why_this_rather_than_that_agrees() {
    let case = Case::open("cnn");
    case.check("difference", |sample, target, index| {
        let target = target.rather_than(case.of("others", index)[0] as usize);
        case.explainer.integrated_gradients(&sample, &target, &case.fifty(None)).unwrap().values
    });
}

#[test]
fn gradients_of_embeddings_agree_also_where_texts_are_filled_up() {
    for case in ["lstm", "transformer"].map(Case::open) {
        case.check("layer_integrated_gradients", |sample, target, _| {
            case.explainer.integrated_gradients(&sample, &target, &case.fifty(None)).unwrap().values
        });
        case.check("embedding_input_x_gradient", |sample, target, _| {
            case.explainer.gradient_times_input(&sample, &target).unwrap().values
        });
    }
}

#[test]
fn smooth_grad_agrees_for_the_same_noise() {
    for case in ["cnn", "resnet"].map(Case::open) {
        let (shape, noise) = &case.tensors["noise"];
        let width = noise.len() / shape[0] / shape[1];
        case.check("smooth_grad", |sample, target, index| {
            let noise: Vec<f32> = (0..shape[0])
                .flat_map(|noisy| noise[(noisy * shape[1] + index) * width..][..width].iter().copied())
                .collect();
            case.explainer.smooth_grad_of(&sample, &target, &noise).unwrap().values
        });
    }
}

#[test]
fn grad_cam_agrees() {
    for case in ["cnn", "resnet"].map(Case::open) {
        let layer = case.metadata["grad_cam_layer"].as_str();
        assert_eq!(case.explainer.grad_cam_layer(), Some(layer));
        case.check("grad_cam", |sample, target, _| {
            case.explainer.grad_cam(&sample, &target, None).unwrap().map
        });
        case.check("grad_cam.upsampled", |sample, target, _| {
            case.explainer.grad_cam(&sample, &target, Some(layer)).unwrap().resized(12, 12)
        });
    }
    // Before a global mean and a dense layer it is the class activation map, but for the number of pixels.
    let case = Case::open("resnet");
    case.check("cam", |sample, target, index| {
        let map = case.explainer.grad_cam(&sample, &target, None).unwrap().map;
        let expected = case.of("cam", index);
        map.iter().zip(expected).map(|(map, cam)| if *cam > 0.0 { map * 20.0 } else { *cam }).collect()
    });
}

#[test]
fn attention_rollout_agrees() {
    let case = Case::open("transformer");
    case.check("rollout", |sample, _, _| case.explainer.attention_rollout(&sample).unwrap());
    let message = Case::open("lstm").explainer;
    let sample = message.sample(&[1u32; 9][..]).unwrap();
    assert!(
        message
            .attention_rollout(&sample)
            .unwrap_err()
            .to_string()
            .contains("attention layers over all of them")
    );
}

#[test]
fn occlusion_agrees() {
    for case in ["cnn", "resnet"].map(Case::open) {
        for (tensor, value) in [("occlusion", None), ("occlusion.value", Some(0.5))] {
            case.check(tensor, |sample, target, _| {
                let baseline = value.map(|value| vec![value; sample.values().len()]);
                let options = Occlusion { patch: [4, 4], stride: [2, 2], baseline };
                case.explainer.occlusion(&sample, &target, &options).unwrap().values
            });
        }
    }
}
