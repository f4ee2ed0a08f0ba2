//! Scores of classes as probabilities, with what they say over all thresholds; two sections need both.

use crate::data::Classification;
use crate::statistics::{Ranking, probabilities};

/// Curves of more classes would take long to compute, and nobody would look at them.
pub const RANKED: usize = 200;

pub struct Scored {
    /// The probabilities of each sample; `None` where they are not finite.
    pub probabilities: Vec<Option<Vec<f64>>>,
    /// The curves of each class, where it has any; `None` if there are too many classes.
    pub rankings: Option<Vec<Option<Ranking>>>,
}

impl Scored {
    pub fn new(task: &Classification) -> Option<Self> {
        let classes = task.classes.len();
        let scores = task.scores.as_ref().filter(|_| !task.truth.is_empty() && classes > 0)?;
        let probabilities = probabilities(scores, classes, task.truth.len());
        let ranking = |class: usize| {
            let samples = task.truth.iter().zip(&probabilities);
            Ranking::new(samples.filter_map(|(truth, row)| Some((*truth == class, row.as_ref()?[class]))))
        };
        let rankings = (classes <= RANKED).then(|| (0..classes).map(ranking).collect());
        Some(Self { probabilities, rankings })
    }
}
