//! Numbers against those of scikit-learn, from `fixtures/make.py`.

use serde_json::Value;

use super::{Confusion, Ranking, Residuals};
use crate::data::RegressionTarget;

fn reference(part: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../fixtures/reference.json"))
        .expect("the fixture is made by fixtures/make.py");
    all[part].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn places(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|number| number as usize).collect()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
}

#[test]
fn curves_and_their_areas() {
    let expected = reference("ranking");
    let truth = expected["truth"].as_array().unwrap().iter().map(|positive| positive.as_bool().unwrap());
    let ranking = Ranking::new(truth.zip(numbers(&expected["scores"]))).unwrap();
    close(ranking.auc, expected["auc"].as_f64().unwrap());
    close(ranking.average_precision, expected["average_precision"].as_f64().unwrap());
    for (name, curve) in [("roc", &ranking.roc), ("precision_recall", &ranking.precision_recall)] {
        let points = expected[name].as_array().unwrap();
        assert_eq!(curve.len(), points.len(), "{name}");
        for (found, expected) in curve.iter().zip(points) {
            let expected = numbers(expected);
            close(found.0, expected[0]);
            close(found.1, expected[1]);
        }
    }
}

#[test]
fn counts_of_classes() {
    let expected = reference("classes");
    let confusion = Confusion::new(4, &places(&expected["truth"]), &places(&expected["predicted"]));
    for class in 0..4 {
        let counts: Vec<usize> = (0..4).map(|other| confusion.count(class, other) as usize).collect();
        assert_eq!(counts, places(&expected["confusion"][class]));
        let found = confusion.of_class(class);
        let measures = [("precision", found.precision()), ("recall", found.recall()), ("f1", found.f1())];
        for (name, found) in measures {
            close(found.unwrap(), expected[name][class].as_f64().unwrap());
        }
    }
}

#[test]
fn errors_of_numbers() {
    let expected = reference("numbers");
    let (truth, predicted) = (numbers(&expected["truth"]), numbers(&expected["predicted"]));
    let residuals = Residuals::new(&RegressionTarget { truth, predicted, ..RegressionTarget::default() });
    close(residuals.mean_absolute().unwrap(), expected["mean_absolute_error"].as_f64().unwrap());
    close(residuals.root_mean_square().unwrap(), expected["root_mean_squared_error"].as_f64().unwrap());
    close(residuals.r_squared().unwrap(), expected["r_squared"].as_f64().unwrap());
}
