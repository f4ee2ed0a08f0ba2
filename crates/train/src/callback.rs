//! Listeners to a training run, and what they may ask of it.

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

    /// Whether [`Event::StepEnded`] is to carry the norm of the gradients, which costs a pass over them at each step.
    fn needs_gradient_norm(&self) -> bool {
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

    fn needs_gradient_norm(&self) -> bool {
        self.needs_gradient_norm
    }
}

/// Gives a checkpoint of the run as it stands, with what was asked for since.
pub(crate) type Capture<'a> = dyn Fn(&ControlRequests) -> Result<Checkpoint, TrainError> + 'a;

/// What a callback can ask for at an event.
pub struct CallbackContext<'a> {
    pub(crate) capture: &'a Capture<'a>,
    pub(crate) requests: ControlRequests,
}

/// What callbacks asked for.
#[derive(Clone, Default)]
pub(crate) struct ControlRequests {
    pub(crate) stop: Option<String>,
    pub(crate) restore_weights: bool,
    pub(crate) remember_weights: bool,
    pub(crate) interrupt: bool,
}

impl ControlRequests {
    /// Adds what was asked for at a later event.
    pub(crate) fn add(&mut self, later: ControlRequests) {
        self.stop = later.stop.or(self.stop.take());
        self.restore_weights |= later.restore_weights;
        self.remember_weights |= later.remember_weights;
        self.interrupt |= later.interrupt;
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

    /// Everything that is needed to go on from here. Complete at [`Event::Resumable`] only.
    ///
    /// # Errors
    /// [`TrainError::NoCheckpoint`] at any other event, and if the optimiser's state cannot be read from the device.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        (self.capture)(&self.requests)
    }
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
