//! Predictions with their targets, in plain host memory: what every metric reads.

use std::sync::OnceLock;

use super::Task;

/// Outputs of a network and their targets, for one batch or for a whole set.
///
/// ```
/// use fireclay_train::{PredictionTargets, Predictions, Task};
/// let task = Task::Classes { count: 2 };
/// let logits = vec![2.0, -1.0, 0.5, 3.0];
/// let predictions = Predictions::new(task, logits, PredictionTargets::Classes(vec![0, 0]));
/// assert_eq!(predictions.rows(), 2);
/// assert_eq!(predictions.predicted_classes(), [0, 1]);
/// assert!(predictions.probabilities()[0] > 0.9);
/// ```
#[derive(Clone, Debug)]
pub struct Predictions {
    task: Task,
    outputs: Vec<f32>,
    targets: PredictionTargets,
    weights: Option<Vec<f32>>,
    token_sums: Option<TokenSums>,
    probabilities: OnceLock<Vec<f32>>,
}

/// The targets of predictions.
#[derive(Clone, Debug, PartialEq)]
pub enum PredictionTargets {
    /// The class, or the next token, of each row: `[rows]`.
    Classes(Vec<u32>),
    /// Numbers: `[rows, width]`, row after row. Labels that hold are 1, others 0.
    Values {
        /// Numbers in a row.
        width: usize,
        /// All numbers.
        values: Vec<f32>,
    },
}

impl PredictionTargets {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        match self {
            PredictionTargets::Classes(classes) => classes.len(),
            PredictionTargets::Values { width, values } => values.len() / (*width).max(1),
        }
    }
}

/// Sums over the tokens that a language model predicted: all that its metrics need, where the logits of all tokens
/// would be a table of the text times the vocabulary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TokenSums {
    /// Sum of `-ln p` of the right tokens, each times its weight.
    pub cross_entropy: f64,
    /// Tokens predicted right, by weight.
    pub correct: f64,
    /// All tokens, by weight.
    pub tokens: f64,
}

impl TokenSums {
    /// Adds the sums of other tokens.
    pub fn add(&mut self, other: TokenSums) {
        self.cross_entropy += other.cross_entropy;
        self.correct += other.correct;
        self.tokens += other.tokens;
    }
}

impl Predictions {
    /// Joins outputs with their targets.
    ///
    /// # Shapes
    /// - outputs: `[rows, width]`, row after row, where `width` is [`Task::width`]: logits, or numbers for a
    ///   regression, as the network gave them
    /// - targets: one for each row: classes for [`Task::Classes`], [`Task::StepClasses`] and [`Task::NextToken`];
    ///   `width` values for [`Task::MultiLabel`] and [`Task::Regression`]; either for [`Task::Binary`], where a
    ///   value above 0.5 is class 1
    ///
    /// # Panics
    /// If the numbers of rows differ, a class is too large, or the targets are of another kind than the task has.
    pub fn new(task: Task, outputs: Vec<f32>, targets: PredictionTargets) -> Self {
        let width = task.width();
        assert!(width > 0 || outputs.is_empty(), "outputs without a width");
        assert_eq!(outputs.len(), width * targets.rows(), "one row of {width} outputs for each target");
        match (&targets, task) {
            (PredictionTargets::Classes(_), Task::Regression { .. } | Task::MultiLabel { .. }) => {
                panic!("{task} has values as targets, not classes")
            }
            (PredictionTargets::Classes(classes), _) => {
                let most = task.class_count() as u32;
                assert!(classes.iter().all(|class| *class < most), "a class is not below {most}");
            }
            (
                PredictionTargets::Values { .. },
                Task::Classes { .. } | Task::StepClasses { .. } | Task::NextToken { .. },
            ) => panic!("{task} has classes as targets, not values"),
            (PredictionTargets::Values { width: found, .. }, _) => {
                assert_eq!(*found, width, "as many targets as outputs in a row");
            }
        }
        let probabilities = OnceLock::new();
        Predictions { task, outputs, targets, weights: None, token_sums: None, probabilities }
    }

    /// Predictions of next tokens of which only sums are kept; there are no rows.
    ///
    /// Metrics that say so with [`needs_outputs`](super::Metric::needs_outputs) can be measured from these.
    pub fn from_token_sums(vocabulary_size: usize, sums: TokenSums) -> Self {
        let targets = PredictionTargets::Classes(Vec::new());
        Predictions::new(Task::NextToken { vocabulary_size }, Vec::new(), targets).with_token_sums(sums)
    }

    /// Adds sums that were already computed, as on a device; metrics of language models take them as they are.
    pub fn with_token_sums(mut self, sums: TokenSums) -> Self {
        self.token_sums = Some(sums);
        self
    }

    /// Gives each row a weight; without, each counts once. Rows with weight 0 do not count at all, such as steps
    /// that are padding.
    ///
    /// # Panics
    /// If there is not one weight for each row, or one is negative or not finite.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), self.rows(), "one weight for each row");
        assert!(weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite()), "weights are 0 or more");
        self.weights = Some(weights);
        self
    }

    /// What the network is trained for.
    pub fn task(&self) -> Task {
        self.task
    }

    /// How many rows there are, those with weight 0 included.
    pub fn rows(&self) -> usize {
        self.targets.rows()
    }

    /// The same as [`rows`](Self::rows).
    pub fn len(&self) -> usize {
        self.rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows() == 0
    }

    /// Outputs in a row.
    pub fn width(&self) -> usize {
        self.task.width()
    }

    /// Logits or numbers as the network gave them, `[rows, width]`.
    pub fn outputs(&self) -> &[f32] {
        &self.outputs
    }

    /// The targets.
    pub fn targets(&self) -> &PredictionTargets {
        &self.targets
    }

    /// The weight of each row, if they were given.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }

    /// The weight of a row; 1 where no weights were given.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]))
    }

    /// The rows that count, each with its weight.
    pub fn weighted_rows(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        (0..self.rows()).map(|row| (row, self.weight(row))).filter(|(_, weight)| *weight > 0.0)
    }

    /// The outputs as probabilities, `[rows, width]`: the softmax of each row where there are classes, the sigmoid of
    /// each output for [`Task::Binary`] and [`Task::MultiLabel`]. Numbers of a regression stay as they are.
    ///
    /// They are computed when first asked for, and kept.
    pub fn probabilities(&self) -> &[f32] {
        match self.task {
            Task::Regression { .. } => &self.outputs,
            Task::Binary | Task::MultiLabel { .. } => {
                self.probabilities.get_or_init(|| self.outputs.iter().map(|logit| sigmoid(*logit)).collect())
            }
            Task::Classes { .. } | Task::StepClasses { .. } | Task::NextToken { .. } => {
                self.probabilities.get_or_init(|| {
                    let mut rows = self.outputs.clone();
                    rows.chunks_exact_mut(self.width().max(1)).for_each(softmax);
                    rows
                })
            }
        }
    }

    /// For two classes, with one logit or two: the probability of class 1 in each row; `None` for other tasks.
    pub fn positive_probabilities(&self) -> Option<Vec<f32>> {
        match self.task {
            Task::Binary => Some(self.probabilities().to_vec()),
            Task::Classes { count: 2 } | Task::StepClasses { count: 2 } => {
                Some(self.probabilities().iter().skip(1).step_by(2).copied().collect())
            }
            _ => None,
        }
    }

    /// The most probable class, or token, of each row, the first of equal ones; for [`Task::Binary`] 1 where the
    /// probability is above 0.5.
    ///
    /// # Panics
    /// For a regression and for labels, which have no class.
    pub fn predicted_classes(&self) -> Vec<u32> {
        (0..self.rows()).map(|row| self.predicted_class(row) as u32).collect()
    }

    /// The class of each row; `None` where the targets are numbers or labels.
    pub fn target_classes(&self) -> Option<Vec<u32>> {
        let has_classes = self.task.has_classes() || matches!(self.task, Task::NextToken { .. });
        has_classes.then(|| (0..self.rows()).map(|row| self.target_class(row) as u32).collect())
    }

    /// Adds the rows of other predictions of the same task.
    ///
    /// # Panics
    /// If the task is another.
    pub fn extend(&mut self, other: &Predictions) {
        assert_eq!(self.task, other.task, "predictions of one task");
        if self.weights.is_some() || other.weights.is_some() {
            let mut weights = self.weights.take().unwrap_or_else(|| vec![1.0; self.rows()]);
            match &other.weights {
                Some(more) => weights.extend(more),
                None => weights.resize(weights.len() + other.rows(), 1.0),
            }
            self.weights = Some(weights);
        }
        self.token_sums = match (self.token_sums, other.token_sums) {
            (None, None) => None,
            _ => {
                let mut sums = self.token_sums();
                sums.add(other.token_sums());
                Some(sums)
            }
        };
        self.outputs.extend(&other.outputs);
        match (&mut self.targets, &other.targets) {
            (PredictionTargets::Classes(classes), PredictionTargets::Classes(more)) => classes.extend(more),
            (PredictionTargets::Values { values, .. }, PredictionTargets::Values { values: more, .. }) => {
                values.extend(more);
            }
            // Only yes and no may be written in either way.
            (PredictionTargets::Classes(classes), PredictionTargets::Values { values, .. }) => {
                classes.extend(values.iter().map(|value| u32::from(*value > 0.5)));
            }
            (PredictionTargets::Values { values, .. }, PredictionTargets::Classes(classes)) => {
                values.extend(classes.iter().map(|class| *class as f32));
            }
        }
        self.probabilities = OnceLock::new();
    }

    /// Sums over the tokens, as they were given or, without, from the rows.
    ///
    /// # Panics
    /// If the task is not [`Task::NextToken`].
    pub fn token_sums(&self) -> TokenSums {
        assert!(matches!(self.task, Task::NextToken { .. }), "{} has no tokens", self.task);
        if let Some(sums) = self.token_sums {
            return sums;
        }
        let mut sums = TokenSums::default();
        for (row, weight) in self.weighted_rows() {
            let token = self.target_class(row);
            sums.cross_entropy += weight * cross_entropy(self.output_row(row), token);
            sums.correct += if self.predicted_class(row) == token { weight } else { 0.0 };
            sums.tokens += weight;
        }
        sums
    }

    /// Sums over the tokens, if they were given, so that nothing else is to be read.
    pub(crate) fn given_token_sums(&self) -> Option<TokenSums> {
        self.token_sums
    }

    /// Logits or numbers of a row.
    pub(crate) fn output_row(&self, row: usize) -> &[f32] {
        &self.outputs[row * self.width()..][..self.width()]
    }

    /// Probabilities of a row, or numbers.
    pub(crate) fn probability_row(&self, row: usize) -> &[f32] {
        &self.probabilities()[row * self.width()..][..self.width()]
    }

    /// The probability of a class, of which [`Task::Binary`] has two, or of a label.
    pub(crate) fn probability(&self, row: usize, class: usize) -> f32 {
        match (self.task, class) {
            (Task::Binary, 0) => 1.0 - self.probabilities()[row],
            (Task::Binary, _) => self.probabilities()[row],
            _ => self.probability_row(row)[class],
        }
    }

    /// Whether a row is of a class, or has a label.
    pub(crate) fn holds(&self, row: usize, class: usize) -> bool {
        match self.task {
            Task::MultiLabel { .. } => self.target_row(row)[class] > 0.5,
            _ => self.target_class(row) == class,
        }
    }

    /// Numbers or labels that a row should have.
    ///
    /// # Panics
    /// If the targets are classes.
    pub(crate) fn target_row(&self, row: usize) -> &[f32] {
        match &self.targets {
            PredictionTargets::Values { width, values } => &values[row * width..][..*width],
            PredictionTargets::Classes(_) => panic!("{} has classes as targets", self.task),
        }
    }

    /// The class that a row should have.
    pub(crate) fn target_class(&self, row: usize) -> usize {
        match &self.targets {
            PredictionTargets::Classes(classes) => classes[row] as usize,
            PredictionTargets::Values { width, values } => usize::from(values[row * width] > 0.5),
        }
    }

    /// The class that a row is taken to have.
    pub(crate) fn predicted_class(&self, row: usize) -> usize {
        match self.task {
            Task::Binary => usize::from(self.probabilities()[row] > 0.5),
            // The logits themselves: a softmax over the vocabulary would change nothing but the time.
            Task::NextToken { .. } => argmax(self.output_row(row)),
            Task::Classes { .. } | Task::StepClasses { .. } => argmax(self.probability_row(row)),
            Task::MultiLabel { .. } | Task::Regression { .. } => {
                panic!("{} has no single class", self.task)
            }
        }
    }
}

/// The place of the largest value, the first of several; 0 if there is none.
pub fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = index;
        }
    }
    best
}

/// How many classes come before the label's: those with more, and those with as much and a smaller index.
pub(crate) fn rank(row: &[f32], label: usize) -> usize {
    let own = row[label];
    if own.is_nan() {
        return row.len() - 1;
    }
    row.iter()
        .enumerate()
        .filter(|(index, value)| **value > own || (**value == own && *index < label))
        .count()
}

/// `-ln p` of a class, from its row of logits.
pub(crate) fn cross_entropy(logits: &[f32], class: usize) -> f64 {
    let most = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let total: f64 = logits.iter().map(|logit| (f64::from(*logit) - most).exp()).sum();
    total.ln() + most - f64::from(logits[class])
}

/// Logits to probabilities, in place.
///
/// ```
/// let mut row = [0.0, 0.0];
/// fireclay_train::softmax(&mut row);
/// assert_eq!(row, [0.5, 0.5]);
/// ```
pub fn softmax(row: &mut [f32]) {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for value in row.iter_mut() {
        *value = (*value - most).exp();
        total += *value;
    }
    row.iter_mut().for_each(|value| *value /= total);
}

/// A logit to a probability.
///
/// ```
/// assert_eq!(fireclay_train::sigmoid(0.0), 0.5);
/// ```
pub fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
