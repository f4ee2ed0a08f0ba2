//! What `launch` and the ranks that it starts say to each other.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fireclay::train::{Callback, CallbackContext, Event, TrainError};

use crate::interrupt::InterruptOnCtrlC;

/// Set for ranks that `launch` started, to the words before `train` in a command that does it again.
const LAUNCHED: &str = "FIRECLAY_LAUNCHED";

/// Begins a line on standard error by which a rank tells `launch` from where the training is resumed.
pub(crate) const RESUME_FROM: &str = "\u{1}fireclay: resume from ";

/// How long a rank may take to end by itself when `launch` is gone.
const GRACE: Duration = Duration::from_secs(20);

/// The variables of a rank that `launch` starts; `words` are those before `train` in a command that does it again.
pub(crate) fn variables(words: &str) -> [(&'static str, OsString); 1] {
    [(LAUNCHED, words.into())]
}

/// The words before `train` in a command that starts the ranks again; none if `launch` did not start this process.
pub(crate) fn is_launched() -> Option<String> {
    std::env::var(LAUNCHED).ok().filter(|words| !words.is_empty())
}

/// Ends the training as Ctrl-C does when `launch` is gone, which holds the other end of standard input.
pub(crate) fn mind_the_launcher(interrupt: &InterruptOnCtrlC) {
    if is_launched().is_none() {
        return;
    }
    let interrupt = interrupt.clone();
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut rest), Ok(1..)) {}
        interrupt.pressed();
        std::thread::sleep(GRACE);
        interrupt.pressed();
    });
}

/// Tells `launch` from where the training is resumed, when there is a checkpoint.
#[derive(Clone)]
pub(crate) struct TellsLauncher {
    resume_from: String,
    /// Whether rank 0 has begun to write one, and whether it has ended.
    begun: bool,
    written: Arc<AtomicBool>,
}

impl TellsLauncher {
    pub(crate) fn new(resume_from: &str) -> Self {
        TellsLauncher { resume_from: resume_from.to_owned(), begun: false, written: Arc::default() }
    }

    /// Whether rank 0 has written a checkpoint.
    pub(crate) fn has_checkpoint(&self) -> bool {
        self.written.load(Ordering::SeqCst)
    }
}

impl Callback for TellsLauncher {
    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::Resumable { .. } => self.begun = true,
            // All ranks have come here from there, so that rank 0 has written what it writes there.
            Event::EpochStarted { .. } | Event::StepEnded { .. }
                if self.begun && !self.written.swap(true, Ordering::SeqCst) && is_launched().is_some() =>
            {
                let _ = writeln!(std::io::stderr().lock(), "{RESUME_FROM}{}", self.resume_from);
            }
            _ => {}
        }
        Ok(())
    }
}
