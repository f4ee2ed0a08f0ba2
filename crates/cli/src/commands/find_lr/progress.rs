//! The progress of a sweep: a bar on a terminal, as a training has.

use std::sync::Arc;

use fireclay::train::{Callback, CallbackContext, Event, TrainError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// Shows which step a sweep is at.
pub struct SweepProgress {
    output: Arc<Output>,
    steps: usize,
    begun: bool,
    bar: Option<ProgressBar>,
}

impl SweepProgress {
    /// Shows the progress of some steps.
    pub fn new(output: Arc<Output>, steps: usize) -> Self {
        SweepProgress { output, steps, begun: false, bar: None }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Callback for SweepProgress {
    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { .. } if self.output.shows_bars() => {
                let bar = ProgressBar::with_draw_target(
                    Some(self.steps as u64),
                    ProgressDrawTarget::stderr_with_hz(10),
                );
                let style = ProgressStyle::with_template("sweep [{bar:30}] {pos}/{len} {msg}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
                self.bar = Some(bar);
            }
            // Those of later epochs are about learning rates that are not meant to train anything.
            Event::Warning(warning) if !self.begun => self.output.note(format!("warning: {warning}")),
            Event::StepEnded { epoch, step, steps, step_loss, learning_rate, .. } => {
                self.begun = true;
                let Some(bar) = &self.bar else { return Ok(()) };
                bar.set_position(((epoch - 1) * steps + step) as u64);
                let loss = step_loss.map_or(String::new(), |loss| format!("  loss {loss:.4}"));
                bar.set_message(format!("learning rate {learning_rate:.1e}{loss}"));
            }
            Event::FitEnded(_) => self.clear(),
            _ => {}
        }
        Ok(())
    }
}

impl Drop for SweepProgress {
    fn drop(&mut self) {
        self.clear();
    }
}
