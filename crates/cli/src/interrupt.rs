//! Ctrl-C: the first ends the training after its step, the second ends the program. A request to terminate, as a
//! scheduler or a container sends it, counts as Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// A run that ended in an error, of whose end no callback hears.
    pub fn run_failed(&self) {
        self.runs.fetch_sub(1, Ordering::SeqCst);
    }

    fn pressed(&self) {
        let first = self.presses.fetch_add(1, Ordering::SeqCst) == 0;
        if first && self.runs.load(Ordering::SeqCst) > 0 {
            #[allow(clippy::print_stderr, reason = "an answer to a key press")]
            {
                eprintln!("\nending after this step; press Ctrl-C again to stop at once");
            }
        } else {
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
