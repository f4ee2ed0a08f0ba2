//! The dashboard: [`TrainingState`] is what it knows, fed by events; `view` draws it; `screen` is the thread that draws and reads
//! keys, so that a training step never waits for a terminal; `full_screen` enters and leaves the terminal's other screen.

mod curve;
mod full_screen;
mod keys;
mod screen;
mod state;
mod view;

use std::io::{self, IsTerminal};
use std::sync::Arc;

use fireclay::train::{Callback, CallbackContext, Event, TrainError};

use super::DashboardInfo;
use crate::interrupt::InterruptOnCtrlC;
use crate::output::Output;
use screen::Screen;
use state::TrainingState;

/// Norms of gradients that a run shows at least, if it has so many steps.
const NORMS: usize = 400;

/// Steps between two norms of gradients at most: as often as the logs of a run have them.
const NORM_INTERVAL: usize = 10;

/// A full screen with curves while a training runs; lines that would have been printed are printed when it ends.
pub struct Dashboard {
    output: Arc<Output>,
    interrupt: InterruptOnCtrlC,
    /// Until the training begins.
    state: Option<TrainingState>,
    screen: Option<Screen>,
    norm_interval: usize,
}

impl Dashboard {
    /// Whether it can be shown: not with JSON, and only on a terminal. If not, a note says so.
    ///
    /// # Errors
    /// None here; a build without the dashboard has one that names the feature.
    pub fn check(output: &Output) -> anyhow::Result<bool> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let reason = match () {
            () if output.is_json() => "with --json there is no dashboard",
            () if !io::stderr().is_terminal() => "without a terminal there is no dashboard",
            () if is_dumb => "on a terminal without a screen (TERM=dumb) there is no dashboard",
            () => return Ok(true),
        };
        output.note(format!("note: {reason}, so the training is told in lines"));
        Ok(false)
    }

    /// A dashboard, which appears when the training begins.
    pub fn new(info: DashboardInfo, output: Arc<Output>, interrupt: InterruptOnCtrlC) -> Self {
        let state = Some(TrainingState::new(info));
        Dashboard { output, interrupt, state, screen: None, norm_interval: NORM_INTERVAL }
    }
}

impl Callback for Dashboard {
    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::FitStarted { epochs, steps_per_epoch, .. } = event {
            self.norm_interval = (epochs.saturating_mul(*steps_per_epoch) / NORMS).clamp(1, NORM_INTERVAL);
            if let Some(state) = self.state.take() {
                match Screen::open(state, &self.output, &self.interrupt) {
                    Ok(screen) => self.screen = Some(screen),
                    Err(error) => self.output.note(format!(
                        "note: the terminal cannot show a dashboard ({error}), so the training is told in lines"
                    )),
                }
            }
        }
        if let Some(screen) = &self.screen {
            screen.tell(event);
        }
        if let Event::FitEnded(_) = event {
            self.screen = None;
        }
        Ok(())
    }

    fn needs_gradient_norm(&self, step: usize) -> bool {
        self.screen.is_some() && step.is_multiple_of(self.norm_interval)
    }
}
