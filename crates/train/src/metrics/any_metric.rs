//! Metrics of any type behind one: what a trainer keeps.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{Direction, Metric, Predictions, Task};

/// A metric of any type; a clone is cheap.
///
/// Metrics of Fireclay's own have a name that can be parsed, and are written to files as that name:
///
/// ```
/// use fireclay_train::{AnyMetric, TopK};
/// let metric: AnyMetric = "top_3_accuracy".parse()?;
/// assert_eq!(metric, AnyMetric::from(TopK(3)));
/// let error = "acuracy".parse::<AnyMetric>().unwrap_err();
/// assert!(error.to_string().contains("did you mean 'accuracy'?"));
/// # Ok::<(), fireclay_train::TrainError>(())
/// ```
#[derive(Clone)]
pub struct AnyMetric(Arc<dyn Erased>);

/// [`Metric`] with its state behind `Any`.
trait Erased: Send + Sync {
    fn name(&self) -> String;
    fn direction(&self) -> Direction;
    fn supports(&self, task: Task) -> bool;
    fn needs_outputs(&self, task: Task) -> bool;
    fn empty(&self) -> Box<dyn Any + Send>;
    fn update(&self, state: &mut dyn Any, batch: &Predictions);
    fn merge(&self, state: &mut dyn Any, other: Box<dyn Any + Send>);
    fn value(&self, state: &dyn Any) -> Option<f64>;
    fn measure(&self, predictions: &Predictions) -> Option<f64>;
}

const OWN_STATE: &str = "an accumulator holds the state of its own metric";

impl<M: Metric> Erased for M {
    fn name(&self) -> String {
        Metric::name(self)
    }

    fn direction(&self) -> Direction {
        Metric::direction(self)
    }

    fn supports(&self, task: Task) -> bool {
        Metric::supports(self, task)
    }

    fn needs_outputs(&self, task: Task) -> bool {
        Metric::needs_outputs(self, task)
    }

    fn empty(&self) -> Box<dyn Any + Send> {
        Box::new(M::State::default())
    }

    fn update(&self, state: &mut dyn Any, batch: &Predictions) {
        Metric::update(self, state.downcast_mut().expect(OWN_STATE), batch);
    }

    fn merge(&self, state: &mut dyn Any, other: Box<dyn Any + Send>) {
        let other: Box<M::State> = other.downcast().expect("parts of one metric");
        Metric::merge(self, state.downcast_mut().expect(OWN_STATE), *other);
    }

    fn value(&self, state: &dyn Any) -> Option<f64> {
        Metric::value(self, state.downcast_ref().expect(OWN_STATE))
    }

    fn measure(&self, predictions: &Predictions) -> Option<f64> {
        Metric::measure(self, predictions)
    }
}

impl<M: Metric> From<M> for AnyMetric {
    fn from(metric: M) -> Self {
        AnyMetric(Arc::new(metric))
    }
}

impl AnyMetric {
    /// The name in logs and files.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Whether a larger or a smaller value is better.
    pub fn direction(&self) -> Direction {
        self.0.direction()
    }

    /// Whether networks for a task can be measured.
    pub fn supports(&self, task: Task) -> bool {
        self.0.supports(task)
    }

    /// Whether the outputs themselves are read; see [`Metric::needs_outputs`].
    pub fn needs_outputs(&self, task: Task) -> bool {
        self.0.needs_outputs(task)
    }

    /// Starts measuring.
    pub fn accumulator(&self) -> Accumulator {
        Accumulator { metric: self.clone(), state: self.0.empty() }
    }

    /// The value of predictions that are all there.
    pub fn measure(&self, predictions: &Predictions) -> Option<f64> {
        self.0.measure(predictions)
    }
}

/// What one metric has seen so far.
///
/// ```
/// use fireclay_train::{Accuracy, AnyMetric, PredictionTargets, Predictions, Task};
/// let batch = |logit, class| {
///     Predictions::new(Task::Binary, vec![logit], PredictionTargets::Classes(vec![class]))
/// };
/// let metric = AnyMetric::from(Accuracy);
/// let (mut first, mut second) = (metric.accumulator(), metric.accumulator());
/// first.update(&batch(2.0, 1));
/// second.update(&batch(-3.0, 1));
/// first.merge(second);
/// assert_eq!(first.value(), Some(0.5));
/// ```
pub struct Accumulator {
    metric: AnyMetric,
    state: Box<dyn Any + Send>,
}

impl Accumulator {
    /// The metric.
    pub fn metric(&self) -> &AnyMetric {
        &self.metric
    }

    /// Adds a batch.
    pub fn update(&mut self, batch: &Predictions) {
        self.metric.0.update(&mut *self.state, batch);
    }

    /// Adds what another accumulator of the same metric has seen.
    ///
    /// # Panics
    /// If it is of another metric.
    pub fn merge(&mut self, other: Accumulator) {
        assert_eq!(self.metric, other.metric, "parts of one metric");
        self.metric.0.merge(&mut *self.state, other.state);
    }

    /// The value over all samples seen, or `None` where it does not exist.
    pub fn value(&self) -> Option<f64> {
        self.metric.0.value(&*self.state)
    }
}

impl fmt::Debug for Accumulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accumulator").field("metric", &self.metric).finish_non_exhaustive()
    }
}

impl fmt::Debug for AnyMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyMetric({})", self.name())
    }
}

impl fmt::Display for AnyMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Metrics are the same if their names are.
impl PartialEq for AnyMetric {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for AnyMetric {}

/// Lists of metrics: an array or a `Vec` of one type, or a tuple of several types.
///
/// ```
/// use fireclay_train::{Accuracy, F1, IntoMetrics, TopK};
/// assert_eq!((Accuracy, F1, TopK(3)).into_metrics().len(), 3);
/// assert_eq!([Accuracy].into_metrics()[0].name(), "accuracy");
/// ```
pub trait IntoMetrics {
    /// The metrics, in their order.
    fn into_metrics(self) -> Vec<AnyMetric>;
}

impl<M: Into<AnyMetric>, const N: usize> IntoMetrics for [M; N] {
    fn into_metrics(self) -> Vec<AnyMetric> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<M: Into<AnyMetric>> IntoMetrics for Vec<M> {
    fn into_metrics(self) -> Vec<AnyMetric> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! tuples_of_metrics {
    ($($first:ident $($rest:ident)*)?) => {
        $(
            impl<$first: Into<AnyMetric>, $($rest: Into<AnyMetric>),*> IntoMetrics for ($first, $($rest,)*) {
                #[allow(non_snake_case, reason = "a type and its value share a name here")]
                fn into_metrics(self) -> Vec<AnyMetric> {
                    let ($first, $($rest,)*) = self;
                    vec![$first.into(), $($rest.into()),*]
                }
            }
            tuples_of_metrics!($($rest)*);
        )?
    };
}

tuples_of_metrics!(A B C D E F G H);
