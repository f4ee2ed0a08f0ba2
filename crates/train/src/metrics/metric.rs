//! What a metric is.

use super::{Predictions, Task};

/// Whether a larger or a smaller value is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Larger is better, as for accuracy.
    Maximize,
    /// Smaller is better, as for an error.
    Minimize,
}

impl Direction {
    /// Whether `value` is better than `best` by more than `min_delta`.
    ///
    /// ```
    /// use fireclay_train::Direction;
    /// assert!(Direction::Minimize.is_better(0.2, 0.3, 0.0));
    /// assert!(!Direction::Maximize.is_better(0.31, 0.3, 0.05));
    /// ```
    pub fn is_better(self, value: f64, best: f64, min_delta: f64) -> bool {
        match self {
            Direction::Maximize => value > best + min_delta,
            Direction::Minimize => value < best - min_delta,
        }
    }
}

/// A measure of a network on a whole set. It is exact whatever the batch size: batches go into a state, and the value
/// is taken from the state once all samples are in.
///
/// Most metrics are shorter as a closure: [`metric_fn`].
///
/// ```
/// use fireclay_train::{AnyMetric, Direction, Metric, PredictionTargets, Predictions, Task};
///
/// /// The largest error of all.
/// struct MaxError;
///
/// impl Metric for MaxError {
///     type State = Option<f64>;
///
///     fn name(&self) -> String {
///         "max_error".into()
///     }
///
///     fn direction(&self) -> Direction {
///         Direction::Minimize
///     }
///
///     fn supports(&self, task: Task) -> bool {
///         matches!(task, Task::Regression { .. })
///     }
///
///     fn update(&self, state: &mut Option<f64>, batch: &Predictions) {
///         let PredictionTargets::Values { values, .. } = batch.targets() else { return };
///         for (output, target) in batch.outputs().iter().zip(values) {
///             let error = f64::from((output - target).abs());
///             *state = Some(state.map_or(error, |most| most.max(error)));
///         }
///     }
///
///     fn merge(&self, state: &mut Option<f64>, other: Option<f64>) {
///         *state = state.iter().copied().chain(other).reduce(f64::max);
///     }
///
///     fn value(&self, state: &Option<f64>) -> Option<f64> {
///         *state
///     }
/// }
///
/// let targets = PredictionTargets::Values { width: 1, values: vec![1.0, 2.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.5, 4.0], targets);
/// assert_eq!(AnyMetric::from(MaxError).measure(&predictions), Some(2.0));
/// ```
pub trait Metric: Send + Sync + 'static {
    /// What is kept of the samples seen so far; the default is that of no samples.
    type State: Default + Send + 'static;

    /// The name in logs and files, such as `accuracy`. Values of the validation samples have `val_` before it.
    fn name(&self) -> String;

    /// Whether a larger or a smaller value is better.
    fn direction(&self) -> Direction;

    /// Whether networks for a task can be measured; all of them by default.
    fn supports(&self, task: Task) -> bool {
        let _ = task;
        true
    }

    /// Whether the outputs themselves are read; true by default. Metrics of language models that are satisfied with
    /// [`Predictions::token_sums`] say no, so that logits of a whole vocabulary need not leave the device.
    fn needs_outputs(&self, task: Task) -> bool {
        let _ = task;
        true
    }

    /// Adds a batch. Rows of weight 0 must not count.
    fn update(&self, state: &mut Self::State, batch: &Predictions);

    /// Adds what another state has seen; the result is that of one state which saw the samples of both.
    fn merge(&self, state: &mut Self::State, other: Self::State);

    /// The value over all samples seen, or `None` where it does not exist, such as the ROC AUC of one class.
    fn value(&self, state: &Self::State) -> Option<f64>;

    /// The value over predictions that are all in one place. Metrics that collect predictions in their state spare
    /// themselves the copy here; the result must be that of [`update`](Self::update) and [`value`](Self::value).
    fn measure(&self, predictions: &Predictions) -> Option<f64> {
        let mut state = Self::State::default();
        self.update(&mut state, predictions);
        self.value(&state)
    }
}

type Measure = dyn Fn(&Predictions) -> Option<f64> + Send + Sync;

/// A metric from a closure over the predictions of the whole set; see [`metric_fn`].
pub struct FnMetric {
    name: String,
    direction: Direction,
    supports: Box<dyn Fn(Task) -> bool + Send + Sync>,
    measure: Box<Measure>,
}

/// Makes a metric of a closure, which gets the predictions of the whole set at once and gives an `f64`, or an
/// `Option<f64>` where the value may not exist. It is not called for a set without rows.
///
/// All predictions are kept until then, so language models, whose logits would be as large as the text times the
/// vocabulary, are not supported unless [`FnMetric::for_tasks`] says so.
///
/// ```
/// use fireclay_train::{AnyMetric, Direction, PredictionTargets, Predictions, Task, metric_fn};
/// let positives = metric_fn("predicted_positive", Direction::Maximize, |predictions: &Predictions| {
///     let classes = predictions.predicted_classes();
///     classes.iter().filter(|class| **class == 1).count() as f64 / classes.len() as f64
/// });
/// let targets = PredictionTargets::Classes(vec![0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![-1.0, 3.0], targets);
/// assert_eq!(AnyMetric::from(positives).measure(&predictions), Some(0.5));
/// ```
pub fn metric_fn<R: Into<Option<f64>>>(
    name: impl Into<String>,
    direction: Direction,
    measure: impl Fn(&Predictions) -> R + Send + Sync + 'static,
) -> FnMetric {
    FnMetric {
        name: name.into(),
        direction,
        supports: Box::new(|task| !matches!(task, Task::NextToken { .. })),
        measure: Box::new(move |predictions| measure(predictions).into()),
    }
}

impl FnMetric {
    /// Sets which tasks can be measured; all but language modelling by default.
    pub fn for_tasks(mut self, supports: impl Fn(Task) -> bool + Send + Sync + 'static) -> Self {
        self.supports = Box::new(supports);
        self
    }
}

impl Metric for FnMetric {
    type State = Collected;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn supports(&self, task: Task) -> bool {
        (self.supports)(task)
    }

    fn update(&self, state: &mut Collected, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut Collected, other: Collected) {
        state.merge(other);
    }

    fn value(&self, state: &Collected) -> Option<f64> {
        state.get().and_then(|all| Metric::measure(self, all))
    }

    fn measure(&self, predictions: &Predictions) -> Option<f64> {
        (!predictions.is_empty()).then(|| (self.measure)(predictions)).flatten()
    }
}

/// All predictions so far: the state of metrics that must see the whole set at once.
#[derive(Clone, Debug, Default)]
pub struct Collected(Option<Predictions>);

impl Collected {
    /// Adds a batch.
    pub fn update(&mut self, batch: &Predictions) {
        match &mut self.0 {
            Some(all) => all.extend(batch),
            None => self.0 = Some(batch.clone()),
        }
    }

    /// Adds the predictions of another part, behind these.
    pub fn merge(&mut self, other: Collected) {
        match (&mut self.0, other.0) {
            (Some(all), Some(more)) => all.extend(&more),
            (all @ None, more) => *all = more,
            (Some(_), None) => {}
        }
    }

    /// The predictions themselves, if there were any batches.
    pub fn into_predictions(self) -> Option<Predictions> {
        self.0
    }

    /// The predictions, if there were any batches.
    pub fn get(&self) -> Option<&Predictions> {
        self.0.as_ref()
    }
}
