//! What a network is trained for: the one place where programs choose the loss, the metrics, the value that says which
//! epoch is best, and what a sample is called. Commands ask the objective and assume no kind of task.

use fireclay::data::Dataset;
use fireclay::nn::{Loss, Model};
use fireclay::prelude::Trainer;

use crate::format::percent;

/// What a network is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// One class for each sample: cross-entropy and accuracy.
    Classification,
    /// The next token at each step of a text: cross-entropy and perplexity.
    LanguageModel,
}

impl Objective {
    /// What the targets of a data set ask for.
    pub fn of(data: &Dataset) -> Self {
        match data.predicts_next_tokens() {
            true => Objective::LanguageModel,
            false => Objective::Classification,
        }
    }

    /// A trainer of a network, with loss and metrics.
    pub fn trainer(self, network: Model, label_smoothing: f32) -> Trainer<Model> {
        let trainer = match self {
            Objective::LanguageModel => Trainer::language_model(network),
            Objective::Classification => Trainer::classification(network),
        };
        trainer.loss(Loss::CrossEntropy { label_smoothing, class_weights: None })
    }

    /// The validation value that says which epoch is best.
    pub fn monitor(self) -> &'static str {
        match self {
            Objective::LanguageModel => "val_loss",
            Objective::Classification => "val_accuracy",
        }
    }

    /// What the samples of a data set are called, where the program calls them `samples`: a language model reads the texts
    /// as one stream, cut into windows.
    pub fn samples(self, data: &Dataset, samples: &str) -> String {
        match (self, data.shape()) {
            (Objective::LanguageModel, [steps]) => format!("windows of {steps} tokens of {samples}"),
            _ => samples.to_string(),
        }
    }
}

/// The label smoothing of a loss, for the recipe of a training that is resumed.
pub fn label_smoothing(loss: &Loss) -> f32 {
    match loss {
        Loss::CrossEntropy { label_smoothing, .. } => *label_smoothing,
        _ => 0.0,
    }
}

/// A measure of an epoch for people: an accuracy as a percentage, all else with four digits.
pub fn measure(name: &str, value: f64) -> String {
    match name.ends_with("accuracy") {
        true => percent(value),
        false => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use fireclay::data::DrawnDigits;

    use super::*;

    #[test]
    fn labels_ask_for_a_classifier() {
        let (digits, _) = DrawnDigits::new(0).train_and_test(10, 0);
        let objective = Objective::of(&digits);
        assert_eq!((objective, objective.monitor()), (Objective::Classification, "val_accuracy"));
        assert_eq!(objective.samples(&digits, "images"), "images");
        assert_eq!(label_smoothing(&Loss::CrossEntropy { label_smoothing: 0.25, class_weights: None }), 0.25);
    }

    #[test]
    fn measures_are_readable() {
        assert_eq!([measure("val_accuracy", 0.5), measure("loss", 0.12345)], ["50.00 %", "0.1235"]);
    }
}
