//! Ctrl-C: the first ends the training after its step, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fireclay::train::{Callback, Event, Moment, TrainError};

use crate::Exit;

/// A callback that breaks a run off after the step in which Ctrl-C was pressed.
///
/// Outside of a run Ctrl-C ends the program at once, as does a second Ctrl-C within one.
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
        ctrlc::set_handler(move || {
            let first = handler.presses.fetch_add(1, Ordering::SeqCst) == 0;
            if first && handler.runs.load(Ordering::SeqCst) > 0 {
                #[allow(clippy::print_stderr, reason = "an answer to a key press")]
                {
                    eprintln!("\nending after this step; press Ctrl-C again to stop at once");
                }
            } else {
                std::process::exit(Exit::Interrupted as i32);
            }
        })?;
        Ok(interrupt)
    }
}

impl Callback for InterruptOnCtrlC {
    fn on_event(&mut self, event: &Event, moment: &mut Moment) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { .. } => {
                self.runs.fetch_add(1, Ordering::SeqCst);
            }
            Event::FitEnded(_) => {
                self.runs.fetch_sub(1, Ordering::SeqCst);
            }
            Event::StepEnded { .. } if self.presses.load(Ordering::SeqCst) > 0 => moment.interrupt(),
            _ => {}
        }
        Ok(())
    }
}
