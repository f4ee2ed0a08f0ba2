//! Ctrl-C: the first ends the training after its step, the second ends the program. A request to terminate, as a
//! scheduler or a container sends it, counts as Ctrl-C.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fireclay::train::{Callback, CallbackContext, Event, TrainError};

use crate::exit::Exit;

/// A callback that interrupts a run after the step in which Ctrl-C was pressed.
///
/// Outside of a run Ctrl-C ends the program at once, as does a second Ctrl-C within one. On Unix `SIGTERM` counts as
/// Ctrl-C; `SIGHUP` is left as it is, so that `nohup` does what it is for.
#[derive(Clone, Debug, Default)]
pub struct InterruptOnCtrlC {
    presses: Arc<AtomicUsize>,
    runs: Arc<AtomicUsize>,
    listener: Arc<Listener>,
}

/// What a press of Ctrl-C does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// The training ends after its step.
    EndsAfterStep,
    /// The program ends at once, after the listener.
    EndsAtOnce,
}

type OnPress = dyn Fn(Press) -> bool + Send + Sync;

/// Who is told of presses.
#[derive(Default)]
struct Listener(Mutex<Option<Arc<OnPress>>>);

impl Listener {
    /// Tells of a press; whether somebody showed it.
    fn tell(&self, press: Press) -> bool {
        let listener = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        listener.is_some_and(|listener| listener(press))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl InterruptOnCtrlC {
    /// Takes over Ctrl-C. Make one for the whole program.
    ///
    /// # Errors
    /// If something else in the program has taken it over already.
    pub fn install() -> anyhow::Result<Self> {
        let interrupt = InterruptOnCtrlC::default();
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.pressed())?;
        interrupt.listen_for_termination()?;
        Ok(interrupt)
    }

    #[cfg(unix)]
    fn listen_for_termination(&self) -> anyhow::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
        let handler = self.clone();
        std::thread::spawn(move || signals.forever().for_each(|_| handler.pressed()));
        Ok(())
    }

    #[cfg(not(unix))]
    fn listen_for_termination(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// A run that is none of a trainer's, until what comes back is dropped.
    pub fn run(&self) -> impl Drop + use<> {
        struct End(InterruptOnCtrlC);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.run_failed();
            }
        }
        self.runs.fetch_add(1, Ordering::SeqCst);
        End(self.clone())
    }

    /// A run that ended in an error, of whose end no callback hears.
    pub fn run_failed(&self) {
        self.runs.fetch_sub(1, Ordering::SeqCst);
    }

    /// No run is on any more, whether callbacks heard of its end or not.
    pub fn runs_ended(&self) {
        self.runs.store(0, Ordering::SeqCst);
    }

    /// Lets somebody else show what a press does, such as a full screen, which restores the terminal before the program ends.
    /// It answers whether it showed it.
    pub fn on_press(&self, listener: impl Fn(Press) -> bool + Send + Sync + 'static) {
        *self.listener.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(listener));
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_pressed(&self) -> bool {
        self.presses.load(Ordering::SeqCst) > 0
    }

    /// Does what Ctrl-C does: for a terminal that passes it on as a key.
    pub fn pressed(&self) {
        let first = self.presses.fetch_add(1, Ordering::SeqCst) == 0;
        if first && self.runs.load(Ordering::SeqCst) > 0 {
            if self.listener.tell(Press::EndsAfterStep) {
                return;
            }
            #[allow(clippy::print_stderr, reason = "an answer to a key press")]
            {
                eprintln!("\nending after this step; press Ctrl-C again to stop at once");
            }
        } else {
            self.listener.tell(Press::EndsAtOnce);
            std::process::exit(Exit::Interrupted as i32);
        }
    }
}

impl Callback for InterruptOnCtrlC {
    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { .. } => {
                self.runs.fetch_add(1, Ordering::SeqCst);
            }
            Event::FitEnded(_) => {
                self.runs.fetch_sub(1, Ordering::SeqCst);
            }
            Event::StepEnded { .. } if self.presses.load(Ordering::SeqCst) > 0 => context.interrupt(),
            _ => {}
        }
        Ok(())
    }
}
