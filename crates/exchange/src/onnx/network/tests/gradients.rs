//! Gradients of all operators that have one, against central differences.

use burn::tensor::{Device, Tensor};

use super::cases::{Array, Case, cases, numbers};
use crate::onnx::network::any_rank::{AnyRank, by_rank};
use crate::onnx::network::scope::Scope;
use crate::onnx::network::value::{Data, Element, Value};

/// Operators that jump, or give no floating-point numbers: there is nothing to compare.
const WITHOUT: [&str; 12] = [
    "Cast",
    "Ceil",
    "Equal",
    "Floor",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Mod",
    "Round",
    "Sign",
    "IsNaN",
];

/// How much each number of an output counts in the sum whose gradient is taken.
fn weight(place: usize) -> f64 {
    ((place * 7 + 3) % 11) as f64 / 11.0 - 0.4
}

/// The weighted sum of all outputs.
fn loss(case: &Case, inputs: &[(String, Array)]) -> f64 {
    let device = Device::default();
    let scope = Scope::of_batch(1, device.clone(), false);
    let found = case.apply(&scope, |name, array| {
        let changed = inputs.iter().find(|(known, _)| known == name).map_or(array, |(_, array)| array);
        changed.as_data(&device)
    });
    let found = found.unwrap();
    let outputs = found.values().filter(|value| value.element == Element::Float);
    outputs.flat_map(numbers).enumerate().map(|(place, value)| value * weight(place)).sum()
}

/// The gradients of that sum by each input of floating-point numbers.
fn gradients(case: &Case) -> Vec<(String, Vec<f64>)> {
    let device = Device::default().autodiff();
    let scope = Scope::of_batch(1, device.clone(), false);
    let tracked: std::cell::RefCell<Vec<(String, AnyRank)>> = Default::default();
    let found = case.apply(&scope, |name, array| {
        let value = array.as_data(&device);
        let Data::Device(tensor) = value.data else { return value };
        let tensor: AnyRank = by_rank!(tensor.rank(), D => tensor.at::<D>().require_grad().into());
        tracked.borrow_mut().push((name.to_owned(), tensor.clone()));
        Value::device(Element::Float, &*array.dims, tensor)
    });
    let found = found.unwrap();
    let mut sum = Tensor::<1>::zeros([1], &device);
    let mut place = 0;
    for value in found.values().filter(|value| value.element == Element::Float) {
        let count = value.count();
        let weights = (place..place + count).map(|place| weight(place) as f32).collect();
        place += count;
        let weights: Tensor<1> = AnyRank::upload(weights, &[count], &device).at();
        let flat: Tensor<1> = value.tensor(&device).reshape(&[count]).at();
        sum = sum + (flat * weights).sum();
    }
    let gradients = sum.backward();
    let of = |(name, tensor): (String, AnyRank)| {
        let gradient = by_rank!(tensor.rank(), D => {
            tensor.at::<D>().grad(&gradients).map(|gradient| AnyRank::from(gradient).read())
        });
        gradient.map(|values| (name, values.into_iter().map(f64::from).collect()))
    };
    tracked.into_inner().into_iter().filter_map(of).collect()
}

fn check(case: &Case, problems: &mut Vec<String>) {
    for (name, found) in gradients(case) {
        let array = &case.inputs[&name];
        for (place, found) in
            found.iter().enumerate().filter(|(place, _)| place % (1 + array.values.len() / 12) == 0)
        {
            let difference = |step: f64| {
                let at = |distance: f64| {
                    let mut moved = array.clone();
                    moved.values[place] += distance;
                    loss(case, &[(name.clone(), moved)])
                };
                (at(step) - at(-step)) / (2.0 * step)
            };
            // A shorter step is noisier, and steps over fewer of the places where a rectifier bends.
            let apart = [(4e-3, 4e-3), (2e-4, 3e-2)].map(|(step, noise)| {
                let expected = difference(step);
                ((found - expected).abs() - noise - 0.01 * expected.abs(), expected)
            });
            if apart.iter().all(|(apart, _)| apart.is_nan() || *apart > 0.0) {
                problems.push(format!("{} by {name}[{place}]: {found} instead of {}", case.name, apart[0].1));
            }
        }
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for case in cases() {
        // Where numbers are equal, which one is chosen jumps.
        let has_one = !WITHOUT.contains(&case.graph.nodes[0].kind.as_str())
            && case.name != "topk_equals"
            && case.outputs.values().any(|array| array.element == Element::Float)
            && case.inputs.values().any(|array| array.element == Element::Float)
            && case.outputs.values().all(|array| array.values.iter().all(|value| value.is_finite()));
        if has_one {
            checked += 1;
            check(&case, &mut problems);
        }
    }
    assert!(checked > 200, "{checked} cases have a gradient");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
