//! Which answer is explained: a class, why it and not another, or a number.

use fireclay_train::{Prediction, Predictor};

use crate::Target;

/// What is explained of each answer, as the flags say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'a> {
    /// Class whose logit is explained; the one that is answered if there is none.
    pub class: Option<&'a str>,
    /// Class that it is compared with.
    pub rather_than: Option<&'a str>,
}

/// What is explained of one answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The outputs that are explained.
    pub target: Target,
    /// What is added to the target for the model's answer: the mean of the training data's numbers.
    pub offset: f32,
    /// The class, if there are classes.
    pub class: Option<String>,
    /// The class that it is compared with.
    pub rather_than: Option<String>,
    /// Whether it is the class that is answered.
    pub is_answered: bool,
    /// What the answer is, for people.
    pub answer: String,
    /// The probability of the class that is explained.
    pub probability: Option<f32>,
}

impl Asked {
    /// `7 rather than 1`; nothing for the class that is answered, or a number.
    pub fn explained(&self) -> String {
        match (&self.class, &self.rather_than) {
            (Some(class), Some(other)) => format!("{class} rather than {other}"),
            (Some(class), None) if !self.is_answered => class.clone(),
            _ => String::new(),
        }
    }

    /// What attributions add up to.
    pub fn measure(&self) -> &'static str {
        match (&self.class, &self.rather_than) {
            (Some(_), Some(_)) => "The difference of the logits",
            (Some(_), None) => "The logit",
            (None, _) => "The value",
        }
    }
}

impl Question<'_> {
    /// What is explained of an answer; `None` where the class that it is compared with is the answer itself.
    pub fn of(&self, predictor: &Predictor, prediction: &Prediction) -> Option<Asked> {
        let Some(probabilities) = prediction.probabilities() else {
            let scale = predictor.target_scale();
            let first = |values: &[f32]| values.first().copied();
            return Some(Asked {
                target: Target::output(0).times(scale.and_then(|scale| first(&scale.std)).unwrap_or(1.0)),
                offset: scale.and_then(|scale| first(&scale.mean)).unwrap_or(0.0),
                class: None,
                rather_than: None,
                is_answered: true,
                answer: prediction.value().to_string(),
                probability: None,
            });
        };
        let classes = predictor.classes();
        let place = |name: &str| classes.iter().position(|known| known == name);
        let name = |index: usize| classes.get(index).cloned().unwrap_or_else(|| index.to_string());
        // A single logit is that of the second of two classes, against the first, or of the only label.
        let positive = (prediction.outputs().len() == 1).then_some(if classes.len() == 1 { 0 } else { 1 });
        let best = |one: &(usize, &f32), other: &(usize, &f32)| one.1.total_cmp(other.1);
        let most_probable = probabilities.iter().enumerate().max_by(best).map(|(index, _)| index);
        let answered = prediction.class_index().filter(|_| classes.len() != 1);
        let class = self.class.and_then(place).or(answered).or(most_probable).unwrap_or(0);
        let other = self.rather_than.and_then(place);
        if other == Some(class) {
            return None;
        }
        let target = match (positive, other) {
            (Some(positive), _) => Target::output(0).times(if class == positive { 1.0 } else { -1.0 }),
            (None, None) => Target::output(class),
            (None, Some(other)) => Target::output(class).rather_than(other),
        };
        let probability_of = |index: usize| match positive {
            Some(positive) => {
                probabilities.first().map(|yes| if index == positive { *yes } else { 1.0 - yes })
            }
            None => probabilities.get(index).copied(),
        };
        let shown = |index: usize| match probability_of(index) {
            Some(probability) => format!("{} {:.2} %", name(index), 100.0 * probability),
            None => name(index),
        };
        let answer = match answered {
            Some(answered) => shown(answered),
            None => {
                let labels = prediction.labels(0.5);
                if labels.is_empty() { "no label".to_owned() } else { labels.join(", ") }
            }
        };
        Some(Asked {
            target,
            offset: 0.0,
            class: Some(name(class)),
            rather_than: other.map(name),
            is_answered: answered == Some(class),
            answer,
            probability: probability_of(class),
        })
    }
}
