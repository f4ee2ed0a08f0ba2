//! Each case gives the reference's numbers, with inputs on the device, in host memory, and as sizes alone.

use burn::tensor::Device;

use super::cases::{Array, Case, cases, numbers};
use crate::onnx::network::scope::Scope;
use crate::onnx::network::value::{Element, Value};

fn compare(case: &Case, found: &Value, expected: &Array, how: &str) -> Result<(), String> {
    let name = &case.name;
    if (found.element, &found.dims) != (expected.element, &expected.dims) {
        return Err(format!(
            "{name} {how}: {:?} {:?} instead of {:?} {:?}",
            found.element, found.dims, expected.element, expected.dims
        ));
    }
    let values = numbers(found);
    let largest = expected
        .values
        .iter()
        .filter(|value| value.is_finite())
        .fold(1.0, |most: f64, value| most.max(value.abs()));
    for (place, (found, expected)) in values.iter().zip(&expected.values).enumerate() {
        let is_same = found == expected || (found.is_nan() && expected.is_nan());
        if !is_same
            && (found - expected).abs().partial_cmp(&(3e-6 * largest)) != Some(std::cmp::Ordering::Less)
        {
            return Err(format!("{name} {how}: place {place} is {found} instead of {expected}"));
        }
    }
    Ok(())
}

fn check(case: &Case, problems: &mut Vec<String>) {
    let device = Device::default();
    let sizes = case.apply(&Scope::of_sizes(1), |_, array| array.as_sizes());
    for (how, on_device) in [("on the device", true), ("in host memory", false)] {
        let scope = Scope::of_batch(1, device.clone(), false);
        let found = case.apply(&scope, |_, array| match on_device {
            true => array.as_data(&device),
            false => array.as_constant(),
        });
        let found = match found {
            Ok(found) => found,
            Err(reason) => {
                problems.push(format!("{} {how}: {reason}", case.name));
                continue;
            }
        };
        for (name, expected) in &case.outputs {
            match found.get(name) {
                Some(found) => problems.extend(compare(case, found, expected, how).err()),
                None => problems.push(format!("{} {how}: no output {name}", case.name)),
            }
        }
    }
    let settings_in_data = |reason: &String| reason.contains("depends on the numbers in the data");
    match sizes {
        Ok(sizes) => {
            for (name, expected) in &case.outputs {
                let found = sizes.get(name).map(|value| (value.element, value.dims.as_slice()));
                if found != Some((expected.element, &expected.dims)) {
                    problems.push(format!("{} sizes: {found:?} instead of {:?}", case.name, expected.dims));
                }
            }
        }
        Err(reason)
            if settings_in_data(&reason)
                && case.inputs.values().any(|array| array.element == Element::Int) => {}
        Err(reason) => problems.push(format!("{} sizes: {reason}", case.name)),
    }
}

#[test]
fn operators_give_the_numbers_of_the_reference() {
    let cases = cases();
    assert!(cases.len() > 300, "{} cases", cases.len());
    let mut problems = Vec::new();
    cases.iter().for_each(|case| check(case, &mut problems));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
