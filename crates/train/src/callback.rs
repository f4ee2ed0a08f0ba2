//! Listeners to a training run, and what they may ask of it.

use fireclay_nn::NamedTensor;

use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::event::Event;

/// A listener to a training run.
///
/// A closure in [`callback_fn`] is enough for one that remembers nothing:
///
/// ```
/// use fireclay_datasets::DrawnDigits;
/// use fireclay_nn::ModelSpec;
/// use fireclay_train::{Event, FitOptions, Trainer, callback_fn};
/// # use std::sync::{Arc, Mutex};
///
/// let rates = Arc::new(Mutex::new(Vec::new()));
/// let log = rates.clone();
/// let callback = callback_fn("log", move |event, _| {
///     if let Event::StepEnded { learning_rate, .. } = event {
///         log.lock().unwrap().push(*learning_rate);
///     }
///     Ok(())
/// });
/// let (train, _) = DrawnDigits::new(0).train_and_test(64, 0);
/// let model = ModelSpec::new([1, 28, 28]).flatten().dense(10).build(&fireclay_nn::Device::default())?;
/// let mut trainer = Trainer::classification(model).callback(callback);
/// trainer.fit(&train, &FitOptions { epochs: 1, batch_size: 32, ..FitOptions::default() })?;
/// assert_eq!(*rates.lock().unwrap(), [1e-3, 1e-3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Callback: Send {
    /// By which its state is kept in a checkpoint; of two with one name the second is `NAME#2`.
    fn name(&self) -> String {
        let path = std::any::type_name_of_val(self);
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path).to_string()
    }

    /// Hears of an event.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError>;

    /// Whether [`Event::StepEnded`] is to carry the norm of the gradients, which costs a pass over them. Asked before each step,
    /// which is counted from 1 since the run began.
    fn needs_gradient_norm(&self, step: usize) -> bool {
        let _ = step;
        false
    }

    /// Whether [`CallbackContext::gradients`] is to have the gradients at the end of a step, which copies all of them.
    fn needs_gradients(&self, step: usize) -> bool {
        let _ = step;
        false
    }

    /// Whether [`Event::StepEnded`] is to carry the loss of each single step, which lets a GPU wait for it. Asked before a run; on a
    /// CPU it is there anyway.
    fn needs_step_loss(&self) -> bool {
        false
    }

    /// What the callback must remember for a run that is resumed.
    fn state(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Takes back what [`state`](Self::state) gave. A callback that the checkpoint does not know is not called.
    ///
    /// # Errors
    /// If it is not such a state.
    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        let _ = state;
        Ok(())
    }
}

/// A callback that is a closure; see [`callback_fn`].
pub struct CallbackFn<F> {
    name: String,
    on_event: F,
    needs_gradient_norm: bool,
}

/// A callback of one's own from a closure; [`Callback`] has an example.
pub fn callback_fn<F>(name: impl Into<String>, on_event: F) -> CallbackFn<F>
where
    F: FnMut(&Event, &mut CallbackContext) -> Result<(), TrainError> + Send,
{
    CallbackFn { name: name.into(), on_event, needs_gradient_norm: false }
}

impl<F> CallbackFn<F> {
    /// Lets [`Event::StepEnded`] carry the norm of the gradients.
    pub fn with_gradient_norm(mut self) -> Self {
        self.needs_gradient_norm = true;
        self
    }
}

impl<F> Callback for CallbackFn<F>
where
    F: FnMut(&Event, &mut CallbackContext) -> Result<(), TrainError> + Send,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        (self.on_event)(event, context)
    }

    fn needs_gradient_norm(&self, _: usize) -> bool {
        self.needs_gradient_norm
    }
}

/// A run as it stands.
pub(crate) trait RunView {
    /// A checkpoint, with what was asked for since.
    fn checkpoint(&self, requests: &ControlRequests) -> Result<Checkpoint, TrainError>;
    fn weights(&self) -> Vec<NamedTensor>;
    fn gradients(&self) -> &[NamedTensor];
    fn learning_rate_scale(&self) -> f64;
}

/// What a callback can see of the run at an event, and ask for.
pub struct CallbackContext<'a> {
    view: &'a dyn RunView,
    requests: ControlRequests,
}

/// What callbacks asked for.
#[derive(Clone, Default)]
pub(crate) struct ControlRequests {
    pub(crate) stop: Option<String>,
    pub(crate) restore_weights: bool,
    pub(crate) remember_weights: bool,
    pub(crate) interrupt: bool,
    pub(crate) checkpoint: bool,
    pub(crate) learning_rate_scale: Option<f64>,
    pub(crate) weights: Option<Vec<NamedTensor>>,
}

impl ControlRequests {
    /// Adds what was asked for at a later event.
    pub(crate) fn add(&mut self, later: ControlRequests) {
        self.stop = later.stop.or(self.stop.take());
        self.restore_weights |= later.restore_weights;
        self.remember_weights |= later.remember_weights;
        self.interrupt |= later.interrupt;
        self.checkpoint |= later.checkpoint;
        self.learning_rate_scale = later.learning_rate_scale.or(self.learning_rate_scale);
        self.weights = later.weights.or(self.weights.take());
    }
}

impl CallbackContext<'_> {
    /// Ends the run after the epoch that runs. The reason is shown to the user.
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.requests.stop = Some(reason.into());
    }

    /// Keeps the weights of the end of the epoch that runs, or has just ended, to come back to them.
    pub fn remember_weights(&mut self) {
        self.requests.remember_weights = true;
    }

    /// When the run ends, goes back to the weights that were remembered last.
    pub fn restore_weights_at_end(&mut self) {
        self.requests.restore_weights = true;
    }

    /// Breaks off after this step, with a [`Event::Resumable`] before the end.
    pub fn interrupt(&mut self) {
        self.requests.interrupt = true;
    }

    /// Asks for a [`Event::Resumable`] before the run goes on: at the beginning, or after this step. After an epoch there is one
    /// anyway.
    pub fn request_checkpoint(&mut self) {
        self.requests.checkpoint = true;
    }

    /// Everything that is needed to go on from here. Complete at [`Event::Resumable`] only.
    ///
    /// # Errors
    /// [`TrainError::NoCheckpoint`] at any other event, and if the optimiser's state cannot be read from the device.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        self.view.checkpoint(&self.requests)
    }

    /// The weights as they stand, by name, copied to host memory: those of the last step, without averaging.
    pub fn weights(&self) -> Vec<NamedTensor> {
        self.view.weights()
    }

    /// Puts other weights in the place of the network's, before the next step. The optimiser keeps its state.
    ///
    /// Names and shapes must be those of [`weights`](Self::weights); else the run ends with an error.
    pub fn set_weights(&mut self, weights: Vec<NamedTensor>) {
        self.requests.weights = Some(weights);
    }

    /// The gradients of the step that ended, by name, before they were clipped; empty unless the callback
    /// [asked for them](Callback::needs_gradients).
    pub fn gradients(&self) -> &[NamedTensor] {
        self.view.gradients()
    }

    /// What all learning rates are multiplied by besides the schedule's factor; 1 at the beginning.
    pub fn learning_rate_scale(&self) -> f64 {
        self.requests.learning_rate_scale.unwrap_or(self.view.learning_rate_scale())
    }

    /// Multiplies all learning rates by a factor of 0 or more from the next step on, besides the schedule's. Checkpoints keep it.
    pub fn set_learning_rate_scale(&mut self, scale: f64) {
        self.requests.learning_rate_scale = Some(scale);
    }
}

/// Tells all callbacks of an event and gathers what they ask for.
pub(crate) fn tell(
    callbacks: &mut [Box<dyn Callback>],
    event: &Event,
    view: &dyn RunView,
) -> Result<ControlRequests, TrainError> {
    let mut context = CallbackContext { view, requests: ControlRequests::default() };
    for callback in callbacks {
        callback.on_event(event, &mut context)?;
    }
    Ok(context.requests)
}

/// The names by which a checkpoint knows callbacks, each once.
pub(crate) fn names(callbacks: &[Box<dyn Callback>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for callback in callbacks {
        let name = callback.name();
        let alike = callbacks.iter().take(names.len()).filter(|other| other.name() == name).count();
        names.push(if alike == 0 { name } else { format!("{name}#{}", alike + 1) });
    }
    names
}
