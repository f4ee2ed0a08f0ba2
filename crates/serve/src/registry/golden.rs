//! The request and its answer that may lie beside a version, and whether the model gives it.

use fireclay_train::Prediction;
use serde::Deserialize;
use serde_json::Value;

use crate::json::{of_instances, row_of};
use crate::model::{Question, ServedModel};
use crate::refusal::Refusal;

/// A request and the answer to it in one object, as a model is to give it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    instances: Vec<Value>,
    predictions: Value,
}

/// How far numbers may be from those that are expected: a share of them, or of 1 if they are less.
const TOLERANCE: f64 = 1e-3;

/// Whether a model answers as a file says.
pub(super) fn check(
    model: &ServedModel,
    answer: &impl Fn(&[&Question]) -> Result<Vec<Prediction>, Refusal>,
    bytes: &[u8],
) -> Result<(), String> {
    let golden: Golden = serde_json::from_slice(bytes)
        .map_err(|error| format!("expected {{\"instances\": [...], \"predictions\": [...]}}: {error}"))?;
    let said = |refusal: Refusal| refusal.to_string();
    let tensors = of_instances(model.signature(), golden.instances).map_err(said)?;
    let questions = model.questions(tensors).map_err(said)?;
    let answers = answer(&questions.iter().collect::<Vec<_>>()).map_err(said)?;
    let outputs = model.outputs(&answers, &[]).map_err(said)?;
    let found: Value = (0..answers.len()).map(|row| row_of(&outputs, row)).collect();
    match difference(&found, &golden.predictions) {
        None => Ok(()),
        Some((found, expected)) => {
            let [found, expected] =
                [found, expected].map(|value| value.to_string().chars().take(100).collect::<String>());
            Err(format!("the model answers {found}; expected {expected}"))
        }
    }
}

/// The first place where two values are not the same.
fn difference<'a>(found: &'a Value, expected: &'a Value) -> Option<(&'a Value, &'a Value)> {
    match (found, expected) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64()?, other.as_f64()?);
            ((one - other).abs() > TOLERANCE * other.abs().max(1.0)).then_some((found, expected))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).find_map(|(one, other)| difference(one, other))
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, one)| match other.get(key) {
                Some(other) => difference(one, other),
                None => Some((found, expected)),
            })
        }
        _ => (found != expected).then_some((found, expected)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_differ_a_little_and_nothing_else() {
        let expected = json!([{ "class": "a", "probabilities": [0.25, 0.75] }, 1000.0]);
        let same = json!([{ "class": "a", "probabilities": [0.2502, 0.7498] }, 1000.5]);
        assert_eq!(difference(&same, &expected), None);
        for other in [
            json!([{ "class": "b", "probabilities": [0.25, 0.75] }, 1000.0]),
            json!([{ "class": "a", "probabilities": [0.26, 0.74] }, 1000.0]),
            json!([{ "class": "a", "probabilities": [0.25] }, 1000.0]),
            json!([{ "class": "a" }, 1000.0]),
            json!([{ "class": "a", "probabilities": [0.25, 0.75] }, 1002.0]),
            json!([]),
            json!(null),
        ] {
            assert!(difference(&other, &expected).is_some(), "{other}");
        }
    }
}
