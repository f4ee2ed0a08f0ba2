//! What a network is trained for: the one place where programs choose the loss, the metrics, the value that says which
//! epoch is best, and what a sample is called. Commands ask the objective and assume no kind of task.

use fireclay::data::{Dataset, Source, TargetKind};
use fireclay::nn::{BinaryCrossEntropyLoss, BuiltInLoss, CrossEntropyLoss, Model, MseLoss, Stored};
use fireclay::prelude::Trainer;
use fireclay::train::{Accuracy, AnyMetric, F1, Mae, Perplexity, Task};

use crate::format::percent;

/// What a network is trained for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// One class for each sample: cross-entropy and accuracy.
    Classification,
    /// One class for each step of a sample: cross-entropy and accuracy.
    StepClassification,
    /// Any number of labels for each sample: binary cross-entropy and F1.
    MultiLabel,
    /// Numbers: mean squared error and mean absolute error.
    Regression,
    /// The next token at each step of a text: cross-entropy and perplexity.
    LanguageModel,
}

impl Objective {
    /// What the targets of a data set ask for.
    pub fn of(data: &Dataset) -> Self {
        match data.target_kind() {
            TargetKind::NextTokens { .. } => Objective::LanguageModel,
            TargetKind::StepClasses { .. } => Objective::StepClassification,
            TargetKind::Labels { .. } => Objective::MultiLabel,
            TargetKind::Values { .. } => Objective::Regression,
            TargetKind::Classes { .. } => Objective::Classification,
        }
    }

    /// A trainer of a network, with loss and metrics; label smoothing is for classes and tokens. Where classes are to count
    /// alike, `balanced` says how many samples of each there are.
    pub fn trainer(self, network: Model, label_smoothing: f32, balanced: Option<&[usize]>) -> Trainer<Model> {
        let loss = CrossEntropyLoss::new().label_smoothing(label_smoothing);
        match self {
            Objective::LanguageModel => Trainer::language_model(network).loss(loss),
            Objective::Classification => Trainer::classification(network).loss(match balanced {
                Some(counts) => loss.balanced(counts),
                None => loss,
            }),
            Objective::StepClassification => Trainer::step_classification(network).loss(loss),
            Objective::MultiLabel => Trainer::multi_label(network),
            Objective::Regression => Trainer::regression(network),
        }
    }

    /// What the training makes small, without label smoothing and weights.
    pub fn plain_loss(self) -> BuiltInLoss {
        match self {
            Objective::Classification | Objective::StepClassification | Objective::LanguageModel => {
                CrossEntropyLoss::new().into()
            }
            Objective::MultiLabel => BinaryCrossEntropyLoss::new().into(),
            Objective::Regression => MseLoss.into(),
        }
    }

    /// What the training makes small, with what that means.
    pub fn loss(self) -> &'static str {
        match self {
            Objective::Classification | Objective::StepClassification => {
                "the cross-entropy, which is how surprised its probabilities are by the truth"
            }
            Objective::LanguageModel => {
                "the cross-entropy, which is how surprised its probabilities are by the next token"
            }
            Objective::MultiLabel => {
                "the binary cross-entropy, which is how surprised its probabilities are by each label"
            }
            Objective::Regression => "the mean squared error",
        }
    }

    /// What is always measured, besides the loss.
    pub fn metric(self) -> AnyMetric {
        match self {
            Objective::LanguageModel => Perplexity.into(),
            Objective::Classification | Objective::StepClassification => Accuracy.into(),
            Objective::MultiLabel => F1.into(),
            Objective::Regression => Mae.into(),
        }
    }

    /// What is measured, where others are asked for.
    pub fn metrics_with(self, others: &[AnyMetric]) -> Vec<AnyMetric> {
        let usual = self.metric();
        let others = others.iter().filter(|metric| **metric != usual).cloned().collect();
        [vec![usual.clone()], others].concat()
    }

    /// The validation value that says which epoch is best, unless flags say another.
    pub fn monitor(self) -> &'static str {
        match self {
            Objective::LanguageModel | Objective::Regression => "val_loss",
            Objective::Classification | Objective::StepClassification => "val_accuracy",
            Objective::MultiLabel => "val_f1",
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

/// What a network is trained for on a data set, as metrics see it.
pub fn task(data: &Dataset) -> Task {
    match data.target_kind() {
        TargetKind::Classes { count } => Task::Classes { count },
        TargetKind::StepClasses { count, .. } => Task::StepClasses { count },
        TargetKind::Labels { count } => Task::MultiLabel { labels: count },
        TargetKind::Values { width } => Task::Regression { outputs: width },
        TargetKind::NextTokens { vocabulary_size } => Task::NextToken { vocabulary_size },
    }
}

/// The label smoothing of a loss, for the recipe of a training that was done before.
pub fn label_smoothing(loss: &Stored<BuiltInLoss>) -> f32 {
    by_labels(loss).map_or(0.0, |loss| loss.label_smoothing)
}

/// Whether classes count alike in a loss.
pub fn is_balanced(loss: &Stored<BuiltInLoss>) -> bool {
    by_labels(loss).is_some_and(|loss| loss.class_weights.is_some())
}

/// What of a loss is the labels', where there are labels.
fn by_labels(loss: &Stored<BuiltInLoss>) -> Option<&CrossEntropyLoss> {
    match loss {
        Stored::BuiltIn(BuiltInLoss::CrossEntropy(loss)) => Some(loss),
        Stored::BuiltIn(BuiltInLoss::Distillation(loss)) => Some(&loss.labels),
        _ => None,
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
    use fireclay::data::{DrawnDigits, Provenance, Targets};

    use super::*;

    #[test]
    fn targets_ask_for_an_objective() {
        let (digits, _) = DrawnDigits::new(0).train_and_test(10, 0);
        let objective = Objective::of(&digits);
        assert_eq!((objective, objective.monitor()), (Objective::Classification, "val_accuracy"));
        assert_eq!(objective.samples(&digits, "images"), "images");
        let numbers =
            |targets| Dataset::from_f32(&[1], vec![0.0; 2], targets, Provenance::default()).unwrap();
        let values = Targets::Values { width: 1, values: vec![0.5; 2] };
        assert_eq!(Objective::of(&numbers(values)), Objective::Regression);
        let labels = Targets::Labels { values: vec![0.0, 1.0], names: vec!["rain".into()] };
        assert_eq!(Objective::of(&numbers(labels)).monitor(), "val_f1");
    }

    #[test]
    fn a_resumed_run_has_its_label_smoothing() {
        let loss = CrossEntropyLoss::new().label_smoothing(0.25);
        assert_eq!(label_smoothing(&Stored::BuiltIn(loss.into())), 0.25);
        assert_eq!(label_smoothing(&Stored::Custom { name: "focal".into() }), 0.0);
    }

    #[test]
    fn measures_are_readable() {
        assert_eq!([measure("val_accuracy", 0.5), measure("loss", 0.12345)], ["50.00 %", "0.1235"]);
    }
}
